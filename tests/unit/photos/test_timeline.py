"""The timeline against a conversion of each photo by itself: zones, their changes of offset, and the ends of time."""

import datetime as dt
import zoneinfo
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.models import Page
from facesearch.photos.gallery import Galleries, Gallery
from facesearch.photos.timeline import ALWAYS, Timeline
from facesearch.records import Photo
from tests.support.examples import examples
from tests.support.fakes import EVENT
from tests.support.site import Inline
from tests.unit.photos.test_gallery import Feed, change

LOCAL = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a camera's clock has no zone
FIRST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND, HOUR = dt.timedelta(seconds=1), dt.timedelta(hours=1)
EVERYTHING = Page(1, 10_000)
LATEST = dt.datetime(9999, 12, 31, 20, 59, 59)  # noqa: DTZ001 - three hours before the end

CHANGES = {
    "Europe/Berlin": ["2026-03-29T02:00", "2026-10-25T02:00", "2026-05-17T09:30"],
    "America/New_York": ["2026-03-08T02:00", "2026-11-01T01:00", "9999-12-31T20:00"],
    "Australia/Lord_Howe": ["2026-04-05T01:30", "2026-10-04T02:00"],  # by half an hour
    "Asia/Kathmandu": ["1986-01-01T00:00", "2026-05-17T09:30"],  # to a quarter past
    "America/St_Johns": ["2006-04-02T00:01", "2006-10-29T00:01"],  # a minute past
    "Africa/Monrovia": ["1972-01-07T00:00"],  # by 44 minutes and 30 seconds
    "Pacific/Apia": ["2011-12-30T00:00"],  # a day was left out
    "Pacific/Kiritimati": ["1970-01-01T10:00", "9999-12-31T23:59"],
    "Europe/London": ["1970-01-01T00:00", "1971-10-31T03:00"],
    "UTC": ["1970-01-01T00:00", "2026-05-17T09:30", "9999-12-31T23:00"],
}


def gallery_of(*photos: Photo) -> Gallery:
    feed = Feed()
    feed.put(*photos)
    return Galleries(photos=feed, pool=Inline()).current(EVENT, 25)


def second_of(photo: Photo, zone: str) -> int:
    """The Unix second, by the standard library's reading of one photo's clock."""
    assert photo.taken_at is not None
    moment = max(photo.taken_at, LOCAL).replace(tzinfo=ZoneInfo(zone), microsecond=0)
    offset = moment.utcoffset()
    assert offset is not None
    return (max(photo.taken_at, LOCAL) - LOCAL) // SECOND - int(offset.total_seconds())


def ids(photos: list[Photo]) -> list[int]:
    return [photo.image_id.int for photo in photos]


def found(timeline: Timeline, period: range, page: Page = EVERYTHING) -> list[int]:
    return [photo.image_id.int for photo in timeline.cut(period, page)[0]]


@st.composite
def events(draw: st.DrawFn) -> tuple[str, list[Photo]]:
    """A zone, and photos around one of its changes of offset, or anywhere."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    around = dt.datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone])))
    close = st.integers(-2 * 3600, 3 * 3600).map(
        lambda seconds: min(max(around, LOCAL + 2 * HOUR), LATEST) + seconds * SECOND
    )
    taken = st.one_of(close, close, close, st.datetimes(dt.datetime(1969, 12, 1)), st.none())  # noqa: DTZ001
    clocks = draw(st.lists(taken, max_size=30))
    numbers = draw(st.permutations(range(len(clocks))))
    return zone, [change(number, taken=clock) for number, clock in zip(numbers, clocks, strict=True)]


@settings(max_examples=examples(400))
@given(events(), st.data())
def test_hours_and_periods_are_those_of_each_photo_by_itself(
    event: tuple[str, list[Photo]], data: st.DataObject
) -> None:
    zone, photos = event
    timeline = Timeline(gallery=gallery_of(*photos), zone=zone)
    dated = [photo for photo in photos if photo.taken_at is not None and second_of(photo, zone) in ALWAYS]
    dated.sort(key=lambda photo: (second_of(photo, zone), photo.image_id))

    expected = Counter(LOCAL + second_of(photo, zone) // 3600 * HOUR for photo in dated)
    assert timeline.hours() == sorted(expected.items())

    seconds = st.sampled_from([second_of(photo, zone) for photo in dated]) if dated else st.just(0)
    near = st.builds(lambda second, more: min(max(0, second + more), ALWAYS.stop), seconds, st.integers(-4000, 4000))
    some = st.sampled_from([0, ALWAYS.stop]) | seconds | near
    start, stop = data.draw(some), data.draw(some)
    period, size = range(start, stop), data.draw(st.integers(1, 5))
    within = ids([photo for photo in dated if second_of(photo, zone) in period])
    assert timeline.cut(period, EVERYTHING)[1] == len(within)
    pages = [found(timeline, period, Page(number, size)) for number in range(1, len(within) // size + 3)]
    assert [number for page in pages for number in page] == within
    assert all(len(page) in {0, size, len(within) % size} for page in pages)


def clock(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def unix(text: str) -> int:
    return (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) - FIRST) // SECOND


def test_an_hour_that_comes_twice_counts_as_its_first_pass() -> None:
    photos = [change(1, taken=clock("2026-10-25T02:30")), change(2, taken=clock("2026-10-25T03:00"))]
    timeline = Timeline(gallery=gallery_of(*photos), zone="Europe/Berlin")
    assert timeline.hours() == [(clock("2026-10-25T00:00"), 1), (clock("2026-10-25T02:00"), 1)]


def test_a_clock_that_was_not_put_forward_is_read_as_such_and_falls_in_line_with_those_that_were() -> None:
    times = ["2026-03-29T01:59", "2026-03-29T02:30", "2026-03-29T03:30", "2026-03-29T03:15"]
    photos = [change(9 - number, taken=clock(time)) for number, time in enumerate(times)]
    timeline = Timeline(gallery=gallery_of(*photos), zone="Europe/Berlin")
    assert timeline.hours() == [(clock("2026-03-29T00:00"), 1), (clock("2026-03-29T01:00"), 3)]
    period = range(unix("2026-03-29T00:00"), unix("2026-03-29T02:00"))
    assert found(timeline, period) == [9, 6, 7, 8], (
        "03:15; then 03:30 and 02:30 are one moment, and the image_id decides"
    )
    assert found(timeline, period, Page(2, 2)) == [7, 8]
    assert found(timeline, range(unix("2026-03-29T01:15"), unix("2026-03-29T01:30"))) == [6]


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Kolkata", 4), ("Asia/Kathmandu", 3), ("UTC", 9), ("Asia/Tokyo", 0)])
def test_the_zone_is_asked_for_anew(zone: str, hour: int) -> None:
    gallery = gallery_of(change(1, taken=clock("2026-05-17T09:40")), change(2))
    for each, expected in ((zone, hour), ("UTC", 9), (zone, hour)):
        assert Timeline(gallery=gallery, zone=each).hours() == [(clock(f"2026-05-17T0{expected}:00"), 1)]


def test_what_a_zone_puts_before_1970_or_after_9999_is_in_no_period() -> None:
    times = ("1970-01-01T00:30", "9999-12-31T23:59:59", "9999-12-31T19:00:00")
    photos = [change(number, taken=clock(time)) for number, time in enumerate(times, 1)]
    east, west = (Timeline(gallery=gallery_of(*photos), zone=zone) for zone in ("Asia/Tokyo", "America/New_York"))
    assert found(east, ALWAYS) == [3, 2]
    assert found(west, ALWAYS) == [1]
    assert (len(east.hours()), len(west.hours())) == (2, 1)


def test_zones_need_nothing_of_the_machine() -> None:
    zoneinfo.reset_tzpath(to=())
    try:
        for zone in CHANGES:
            ZoneInfo.no_cache(zone)
    finally:
        zoneinfo.reset_tzpath()


def test_without_capture_times_there_is_nothing(pool: ThreadPoolExecutor) -> None:
    for photos in ((), (change(1), change(2))):
        timeline = Timeline(gallery=gallery_of(*photos), zone="Europe/Berlin")
        assert timeline.hours() == []
        assert timeline.cut(ALWAYS, Page(1, 32)) == ([], 0)


def test_a_deleted_photo_is_gone_from_both(pool: ThreadPoolExecutor) -> None:
    feed, photo = Feed(), change(1, taken=clock("2026-05-17T09:40"))
    galleries = Galleries(photos=feed, pool=pool)
    feed.put(photo)
    assert len(Timeline(gallery=galleries.current(EVENT, 25), zone="UTC").hours()) == 1
    feed.put(replace(photo, status="deleted", changed_at=photo.changed_at + 1))
    timeline = Timeline(gallery=galleries.current(EVENT, 25), zone="UTC")
    assert (timeline.hours(), timeline.cut(ALWAYS, EVERYTHING)) == ([], ([], 0))
