"""What a watch tells, when it ends, and that neither crash nor repetition tells anything twice."""

import itertools
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from facesearch.errors import NotFound, SearchInProgress
from facesearch.models import FaceSet, PhotoMatch, SearchKey, SearchSummary
from facesearch.search.results import OutdatedError
from facesearch.search.selfies import job_prefix, selfie_keys
from facesearch.webhooks.commands import WatchCommand
from facesearch.webhooks.watches.runner import ENOUGH_SECONDS, PAGE
from facesearch.webhooks.watches.watch import DELAY_SECONDS, WINDOW_SECONDS, child_of
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.unit.webhooks.bench import CALLBACK, CrashError, WatchBench, raising


@pytest.fixture
def site() -> WatchBench:
    return WatchBench()


@pytest.fixture
def later(site: WatchBench) -> WatchBench:
    """Anna's search is watched, and then she is in another photo."""
    site.watch()
    site.matcher.people["anna"] = {1, 2}
    return site


def test_later_photos_are_a_search_of_their_own_that_is_told_once(site: WatchBench) -> None:
    watch = site.watch()
    site.round()
    assert site.ends.heard == []
    site.matcher.people["anna"] = {1, 2, 3}
    for _ in range(3):
        site.round()
    (end,) = site.ends.heard
    assert (end.type, end.summary, end.metadata, end.callback_url, end.parent_request_id) == (
        "face_search.updated", SearchSummary(3, 90), {"n": 7}, CALLBACK, watch.search.request_id
    )  # fmt: skip
    assert site.found(watch.search) == [1], "a result never changes"
    site.matcher.people["anna"] = {1, 2, 3, 4}
    site.round()
    assert [site.found(child) for child in site.told] == [[1, 2, 3], [1, 2, 3, 4]]


def test_fewer_photos_and_photos_of_others_are_nothing_to_tell(later: WatchBench) -> None:
    later.round()
    for people in ({"anna": {1}}, {"anna": {1, 2}, "ben": {3}}, {}):
        later.matcher.people = people
        later.round()
    assert (len(later.ends.heard), len(later.reader.results)) == (1, 2)


def test_the_probe_is_sealed_and_kept_for_the_days_that_were_agreed_to_and_no_longer_than_results(
    site: WatchBench,
) -> None:
    for number, days in enumerate([1, 30]):
        watch = site.watch(number=number, days=days)
        assert watch.created_at == pytest.approx(time.time(), abs=5)
        assert (watch.expires_at - watch.created_at, watch.probe != b"anna") == (days * 86_400, True)
    job, soon = site.search(number=9), int(time.time()) + 60
    site.reader.expiries[job.search] = soon
    site.watching.watch(job, lambda: [b"anna"])
    assert site.watches.watches[job.search].expires_at == soon


def expire(site: WatchBench) -> None:
    """Let the time of its watch be over; the table has not deleted it yet."""
    ((search, watch),) = site.watches.watches.items()
    site.watches.watches[search] = replace(watch, expires_at=int(time.time()))
    assert site.watches.get(search) is None


@pytest.mark.parametrize(
    "end",
    [
        expire,
        lambda site: site.change(faces=FaceSet("another")),
        lambda site: setattr(site.probes, "lost", True),
        lambda site: site.change(retain_until="2020-01-01"),
        lambda site: site.reader.results.clear(),
    ],
    ids=["expired", "re-indexed by another model", "key deleted", "the event's last day is over", "no result"],
)
def test_a_watch_that_can_tell_nothing_any_more_is_deleted(later: WatchBench, end: Any) -> None:
    end(later)
    later.round()
    assert (later.ends.heard, later.watches.watches) == ([], {})


def test_an_event_that_is_switched_off_tells_nothing_until_it_is_on_again(later: WatchBench) -> None:
    for off in ({"event_enabled": False}, {"selfie_search": False}):
        later.change(**off)
        later.round()
        assert (len(later.ends.heard), len(later.watches.watches)) == (0, 1)
        later.change(event_enabled=True, selfie_search=True)
    later.round()
    assert len(later.ends.heard) == 1


def test_an_event_that_is_gone_or_another_organisations_is_left_alone(later: WatchBench) -> None:
    later.round(command=WatchCommand(ORG + 1, EVENT_ID))
    later.change(closing=True)
    later.round()
    later.reader.events.clear()
    later.round()
    assert (later.ends.heard, len(later.watches.watches)) == ([], 1)


# ------------------------------------------------------------------ crashes and company


def test_a_worker_that_dies_anywhere_in_a_round_tells_the_same_child_once() -> None:
    for steps in itertools.count(1):
        site = WatchBench()
        watch = site.watch()
        site.matcher.people["anna"] = {1, 2}
        site.fuse.left = steps
        with suppress(CrashError):
            site.round()
        left, site.fuse.left = site.fuse.left, None
        site.round()
        (child,) = site.told
        assert child == child_of(watch.search, site.matcher.match(EVENT, b"anna"))
        assert (site.found(child), site.watches.watches[watch.search].last) == ([1, 2], child.request_id)
        if left:
            break
    assert steps == 10, "page, photos, enter, enter, save, get, announce, note, recount"


def test_a_deletion_that_goes_by_leaves_no_result_behind_and_the_page_is_looked_through_again(
    later: WatchBench,
) -> None:
    match, erasures = later.matcher.match, iter([1, 2])

    def deleted_meanwhile(event: Any, probe: bytes) -> list[PhotoMatch]:
        if (count := next(erasures, 0)) != 0:
            later.change(erasures=count)
        return match(event, probe)

    later.matcher.match = deleted_meanwhile  # type: ignore[method-assign]
    later.round()
    assert (len(later.ends.heard), len(later.reader.results)) == (1, 2)
    later.matcher.people["anna"], erasures = {1, 2, 3}, iter(range(3, 99))
    with pytest.raises(OutdatedError):
        later.round(last=True)
    assert (len(later.ends.heard), len(later.reader.results)) == (1, 2)


def test_a_search_that_is_deleted_while_its_photos_are_found_leaves_nothing(later: WatchBench) -> None:
    enter = later.watches.enter

    def deleted_meanwhile(watch: Any, child: Any) -> None:
        later.deletion.delete(watch.search)
        enter(watch, child)

    later.watches.enter = deleted_meanwhile  # type: ignore[method-assign]
    later.round()
    assert (later.ends.heard, later.reader.results, later.watches.watches) == ([], {}, {})


def test_a_watch_whose_search_or_event_is_deleted_meanwhile_is_not_kept(site: WatchBench) -> None:
    job, other = site.search(), site.search(number=8)
    site.jobs.delete(job.search)
    assert site.watching.watch(job, lambda: [b"anna"]) is None

    def closing() -> list[bytes]:
        site.change(closing=True)
        return [b"anna"]

    for _ in range(2):
        assert site.watching.watch(other, closing) is None
    assert site.watches.watches == {}


def test_a_person_that_is_deleted_meanwhile_is_looked_at_again(site: WatchBench) -> None:
    asked = list[int]()

    def erasing(most: int) -> list[bytes]:
        asked.append(1)
        if len(asked) <= most:
            site.change(erasures=len(asked))
        return [b"anna"]

    assert site.watching.watch(site.search(), lambda: erasing(1)) is not None
    assert len(asked) == 2
    with pytest.raises(SearchInProgress):
        site.watching.watch(site.search(number=8), lambda: erasing(99))
    assert len(site.watches.watches) == 1


def test_a_watch_that_is_kept_is_kept_once_and_its_selfie_not_asked_for_again(site: WatchBench) -> None:
    watch = site.watch()
    assert site.watching.watch(site.search(), raising(AssertionError())) is not None
    assert site.watches.watches == {watch.search: watch}


# ------------------------------------------------------------------ bounds


def test_an_event_has_only_so_many_watches_and_rounds_count_again() -> None:
    site = WatchBench(most=2)
    first, _ = site.watch(number=1), site.watch(number=2)
    assert site.watching.watch(site.search(number=3), lambda: [b"anna"]) is None
    del site.watches.watches[first.search]  # the table has deleted it by itself
    site.round()
    assert site.watch(number=3).search in site.watches.watches


@pytest.mark.parametrize(("left", "messages"), [((0, 0), 3), ((ENOUGH_SECONDS - 1, 30), 2), ((30, 30), 1)])
def test_a_round_that_is_too_long_goes_on_in_another_message_and_ends_however_slow_its_workers_are(
    site: WatchBench, left: tuple[float, float], messages: int
) -> None:
    for number in range(PAGE * 2 + 3):
        site.watch(number=number + 1)
    site.matcher.people["anna"] = {1, 2}
    site.round(left=left[0])
    for sent in range(1, messages):
        command, delay = site.queue.sent[-1]
        assert (len(site.told), command.counted, delay) == (PAGE * sent, PAGE * sent, 0)
        site.round(command=command, left=left[1])
    assert (len(site.told), len(site.queue.sent)) == (PAGE * 2 + 3, messages - 1)
    assert site.watches.counts[EVENT_ID] == PAGE * 2 + 3
    assert site.matcher.refreshed == 3, "one refresh of the index for a page"


def test_one_that_cannot_be_looked_through_has_the_round_again_and_at_last_stops_nobody(site: WatchBench) -> None:
    site.watch("anna", 1)
    site.watch("ben", 2)
    site.matcher.people = {"ben": {5}}
    match = site.matcher.match

    def failing(event: Any, probe: bytes) -> list[PhotoMatch]:
        if probe == b"anna":
            raise OSError("disk")
        return match(event, probe)

    site.matcher.match = failing  # type: ignore[method-assign]
    with pytest.raises(OSError, match="disk"):
        site.round()
    assert site.ends.heard == []
    site.round(last=True)
    assert [site.found(child) for child in site.told] == [[5]]


def test_an_event_that_nobody_watches_costs_no_message_and_a_batch_of_uploads_costs_one(site: WatchBench) -> None:
    site.requests.request(ORG, EVENT_ID)
    assert site.queue.sent == []
    site.watch()
    for _ in range(5):
        site.requests.request(ORG, EVENT_ID)
        site.clock += WINDOW_SECONDS / 4.5
    assert site.queue.sent == [(WatchCommand(ORG, EVENT_ID), DELAY_SECONDS)]
    site.clock += WINDOW_SECONDS
    site.requests.request(ORG, EVENT_ID)
    assert len(site.queue.sent) == 2
    assert WINDOW_SECONDS < DELAY_SECONDS, "who is refused knows that the round has not begun"


# ------------------------------------------------------------------ deletion


def test_a_deleted_search_leaves_nothing_and_others_stay(later: WatchBench) -> None:
    (search,) = later.watches.watches
    other = later.watch("ben", 8)
    later.round()
    (child,) = later.told
    for key in (*selfie_keys(search), f"{job_prefix(search)}1", *selfie_keys(other.search)):
        later.files.files[key] = b"x"
    later.claims.done[search] = SearchSummary(1, 90)
    later.deletion.delete(search)
    assert (later.found(search), later.found(child)) == (None, None)
    assert list(later.reader.results) == list(later.reader.jobs) == list(later.watches.watches) == [other.search]
    assert (list(later.files.files), later.claims.done, later.watches.told) == ([*selfie_keys(other.search)], {}, {})


def test_a_search_of_any_kind_can_be_deleted_and_an_unknown_one_cannot(site: WatchBench) -> None:
    posted = SearchKey(ORG, EVENT_ID, uuid.uuid4())
    queued = site.search(number=9)
    site.reader.results.clear()
    site.reader.save(posted, SearchSummary(0, 90), [])
    for search in (posted, queued.search, site.watch().search):
        site.deletion.delete(search)
        with pytest.raises(NotFound):
            site.deletion.delete(search)
