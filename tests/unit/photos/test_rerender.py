"""Watermarks over everything in memory, with guests who read all previews between any two steps, and a CDN some edge of
which keeps what they have read: never a broken link, and no other preview once it is over, whatever happens meanwhile.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar, cast
from uuid import UUID

import pytest
from PIL import Image, ImageChops, ImageStat

from facesearch.adapters.memory import stores
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.stores import CdnCache, Stores
from facesearch.errors import InvalidRequest, NotFound, Throttled
from facesearch.models import Watermark, WatermarkPlace
from facesearch.photos.commands import CommandKind, IndexingCommand, parse_command
from facesearch.photos.imaging import read_image
from facesearch.photos.looking import Look, PhotoLooker
from facesearch.photos.pictures import render
from facesearch.photos.rebuild import StalledError
from facesearch.photos.rerender import ATTEMPTS, CLAIM_SECONDS
from facesearch.photos.watermark import stamp_of
from facesearch.photos.watermarking import SETTLED_SECONDS, PreviewsMade, Watermarking
from facesearch.records import Photo, image_id_of_bytes, rendition_key, rendition_keys
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.support.pictures import encoded
from tests.support.site import Fuse, Inline, crash_points
from tests.unit.faces.sets.bench import ANNA, BEN, Process, World, picture
from tests.unit.photos.indexing.fakes import PHOTOS, RENDITIONS, notification

ONE, OTHER = Watermark("ONE", size=60, opacity=100), Watermark("OTHER", place=WatermarkPlace.TILED)
CLEAN = None
DAWN = datetime(2100, 1, 1, tzinfo=UTC)
CHANGES = [(CLEAN, ONE), (ONE, OTHER), (ONE, CLEAN)]
every_change = pytest.mark.parametrize(("before", "after"), CHANGES, ids=["set", "change", "remove"])


class Watched(Fuse):
    """A fuse at whose every call the guests read first."""

    read: Callable[[], None] = staticmethod(lambda: None)

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        self.read()
        return super().call(function, args, kwargs)


@dataclass
class _Bucket:
    """`Objects` over the renditions."""

    files: dict[tuple[str, str], bytes]

    def under(self, prefix: str) -> Iterator[str]:
        return iter([key for bucket, key in self.files if bucket == RENDITIONS and key.startswith(prefix)])

    def etags(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: "" for key in keys if (RENDITIONS, key) in self.files}

    def delete(self, keys: Any) -> int:
        return sum(self.files.pop((RENDITIONS, key), None) is not None for key in list(keys))


class Previews(World):
    """An event with its photos, whose previews guests read all the time."""

    def __init__(self, mark: Watermark | None = CLEAN, photos: int = 2) -> None:
        super().__init__()
        self.fuse = self.watched = Watched()
        self.plain, self.fused = Process(self), Process(self, self.fuse.wrap)
        self.cdn: dict[str, set[bytes]] = {}
        """All that its edges may have kept of a file since they were told to forget it."""
        self.broken: list[str] = []
        self.watched.read = self.guests_read
        self.mark(mark)
        self.ids = [self.upload(number) for number in range(photos)]
        self.guests_read()

    def key(self, number: int) -> str:
        return f"{ORG}/{EVENT_ID}/{number}.png"

    def put(self, number: int) -> UUID:
        data = picture(number, ANNA, BEN)
        self.s3.objects[PHOTOS, self.key(number)] = data
        return image_id_of_bytes(EVENT_ID, data)

    def upload(self, number: int, process: Process | None = None) -> UUID:
        image_id = self.put(number)
        (process or self.plain).indexer.index_message(notification(self.key(number)))
        return image_id

    def mark(self, watermark: Watermark | None) -> None:
        self.events.update_event(EVENT_ID, watermark=watermark)

    def watermarking(self, process: Process) -> Watermarking:
        return Watermarking(
            events=process.wrap(self.events),
            photos=process.wrap(self.photos),
            originals=cast("Any", self.s3),
            files=process.wrap(self.files),
            commands=process.wrap(cast("Any", self)),
            uncache=lambda paths: self.cdn.clear(),
            pool=Inline(),
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def run(self, process: Process | None = None) -> PreviewsMade:
        """As the command line does."""
        return self.watermarking(process or self.plain).run(EVENT_ID)

    def command(self, *image_ids: UUID) -> str:
        return IndexingCommand(EVENT_ID, "", image_ids, CommandKind.RENDITIONS).to_message()

    def guests_read(self) -> None:
        for photo in [photo for shard in range(EVENT.shards) for photo in self.photos.records(EVENT_ID, shard)]:
            for key in rendition_keys(EVENT_ID, photo.image_id)[::2]:  # such small ones have no medium one
                file = self.s3.objects.get((RENDITIONS, key))
                if file is None:
                    self.broken.append(key)
                else:
                    self.cdn.setdefault(key, set()).add(file)

    def expected(self, number: int) -> list[bytes]:
        """The large and the small one, drawn afresh."""
        mark = self.event.watermark
        stamp = None if mark is None else stamp_of(mark, self.files.get(EVENT_ID, mark.picture))
        made = render(read_image(picture(number, ANNA, BEN)), stamp)
        return [made.large, made.small]

    def check(self, *, cdn: bool = True, photos: int = 2) -> None:
        """Everything looks as the event says, and the records say so."""
        self.guests_read()
        assert self.broken == []
        for number in range(photos):
            image_id = image_id_of_bytes(EVENT_ID, picture(number, ANNA, BEN))
            photo = self.photos.get(EVENT_ID, self.event.shards, image_id)
            assert photo is not None
            assert photo.looks(self.event.rendering)
            keys = rendition_keys(EVENT_ID, image_id)[::2]
            assert [self.s3.objects[RENDITIONS, key] for key in keys] == self.expected(number)
            if cdn:
                assert [self.cdn[key] for key in keys] == [{each} for each in self.expected(number)]

    @property
    def stores(self) -> Stores:
        bucket: Any = _Bucket(self.s3.objects)
        return replace(self.plain.stores, renditions=bucket, watermarks=self.files, cdn_cache=_Forgetting(self.cdn))


@dataclass
class _Forgetting(CdnCache):
    cdn: dict[str, set[bytes]]

    def delete(self, paths: Sequence[str], *, wait: bool = False) -> None:
        self.cdn.clear()


@pytest.fixture(autouse=True)
def the_worlds_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims run out by the clock of the world that was made last."""
    worlds: list[Previews] = []
    begin, ticks = Previews.__init__, itertools.count(1)

    def made(self: Previews, *args: Any, **kwargs: Any) -> None:
        self.now = 0.0
        worlds.append(self)
        begin(self, *args, **kwargs)

    monkeypatch.setattr(Previews, "__init__", made)
    now = SimpleNamespace(time_ns=lambda: int(worlds[-1].now * 10**9) + 10**18 + next(ticks) * 1000)
    monkeypatch.setattr(stores, "time", now)


def interleaved(
    world: Callable[[], Previews], act: Callable[[Previews], Any], meanwhile: Callable[[Previews], Any]
) -> Iterator[Previews]:
    """Worlds in which something has happened in the midst of `act`: at each of its calls of a store in turn."""

    def one_with(at: int) -> Previews | None:
        one, happened = world(), []

        def happens() -> None:
            happened.append(at)
            meanwhile(one)

        one.fuse.set(at, after=False, happens=happens)
        act(one)
        one.fuse.left = None
        return one if happened else None

    at = 1
    while (one := one_with(at)) is not None:
        yield one
        at += 1
    assert at > 3


def rendering(site: Previews) -> None:
    """What the indexing function does at a command, by a process in whose midst something may happen."""
    site.fused.indexer.index_message(site.command(site.ids[0]))


def marked(before: Watermark | None, after: Watermark | None) -> Previews:
    """A world whose event has just been changed."""
    site = Previews(before)
    site.mark(after)
    return site


@every_change
def test_a_watermark_comes_into_all_previews(before: Watermark | None, after: Watermark | None) -> None:
    site = marked(before, after)
    assert site.run() == PreviewsMade(2, 2, 0, [])
    site.check()
    looks = len(site.s3.log)
    assert site.run() == PreviewsMade(2, 2, 0, []), "and again"
    assert not [each for each in site.s3.log[looks:] if each.startswith("PutObject")]
    site.check()


@every_change
def test_what_is_not_waited_for_comes_all_the_same(before: Watermark | None, after: Watermark | None) -> None:
    site = marked(before, after)
    assert site.watermarking(site.plain).run(EVENT_ID, wait=False) == PreviewsMade(2, 0, 2, [])
    site.deliver()
    site.check(cdn=False)


def test_the_version_names_all_that_the_drawing_depends_on() -> None:
    looks = [
        ONE, OTHER, replace(ONE, text="TWO"), replace(ONE, size=61), replace(ONE, opacity=99),
        replace(ONE, place=WatermarkPlace.TOP_LEFT), replace(ONE, text="", picture="ab"), Watermark("a", "b"),
    ]  # fmt: skip
    assert len({each.version for each in looks}) == len(looks)
    assert Watermark("ONE", size=60, opacity=100).version == ONE.version


@every_change
def test_the_event_is_changed_while_a_photo_is_indexed(before: Watermark | None, after: Watermark | None) -> None:
    for site in interleaved(
        lambda: Previews(before, photos=1),
        lambda one: one.upload(1, one.fused),
        lambda one: one.mark(after),
    ):
        site.run()
        site.check()


@every_change
def test_all_is_rendered_again_while_a_photo_is_indexed(before: Watermark | None, after: Watermark | None) -> None:
    """Whose record comes after the last look: it sees for itself what the event says by now."""

    def meanwhile(site: Previews) -> None:
        site.mark(after)
        site.run()

    for site in interleaved(lambda: Previews(before, photos=1), lambda one: one.upload(1, one.fused), meanwhile):
        site.check(cdn=False)


@every_change
def test_a_file_is_indexed_twice_at_once(before: Watermark | None, after: Watermark | None) -> None:
    """One run has recorded it, and all is rendered again, while the other is about to publish what it made before."""

    def meanwhile(site: Previews) -> None:
        site.upload(1)
        site.mark(after)

    for site in interleaved(lambda: Previews(before, photos=1), lambda one: one.upload(1, one.fused), meanwhile):
        site.run()
        site.check()


@every_change
def test_a_file_is_indexed_twice_at_once_and_all_is_over_before_the_second(
    before: Watermark | None, after: Watermark | None
) -> None:
    """The second run finds the record of the first, and that what it has published is not what the event wants."""

    def meanwhile(site: Previews) -> None:
        site.upload(1)
        site.mark(after)
        site.run()

    for site in interleaved(lambda: Previews(before, photos=1), lambda one: one.upload(1, one.fused), meanwhile):
        site.check(cdn=False)


class _Slow(PhotoLooker):
    """Takes so long for its first look that something else happens meanwhile."""

    meanwhile: ClassVar[list[Callable[[], None]]] = []

    def look(self, *args: Any, **options: Any) -> Look:
        made = super().look(*args, **options)
        if self.meanwhile:
            self.meanwhile.pop()()
        return made


@every_change
def test_all_is_rendered_again_while_a_photo_is_looked_at(before: Watermark | None, after: Watermark | None) -> None:
    """It is recorded long after the command line has ended, and yet nobody ever sees it otherwise."""
    site = Previews(before, photos=1)
    site.put(1)

    def meanwhile() -> None:
        site.mark(after)
        site.run()

    _Slow.meanwhile.append(meanwhile)
    indexer = replace(site.fused.indexer, looker=_Slow(engines=site.engine))
    indexer.index_message(notification(site.key(1)))
    assert not _Slow.meanwhile
    site.check()


@every_change
def test_the_event_is_changed_while_a_photo_is_rendered(before: Watermark | None, after: Watermark | None) -> None:
    """What is commanded for the one watermark meets the run for the next: the command line is not done before that."""

    def meanwhile(site: Previews) -> None:
        site.mark(after)
        with suppress(StalledError):  # somebody is at the photo all the time
            site.run()

    first = Watermark("FIRST")
    for site in interleaved(lambda: marked(before, first), rendering, meanwhile):
        site.deliver()
        site.run()
        site.check()


@pytest.mark.parametrize("before", [CLEAN, OTHER])
def test_a_run_that_is_over_is_not_undone_by_one_that_began_before(before: Watermark | None) -> None:
    """If the command line said that it is over, it is, even from the CDN: also of a watermark that comes back."""
    ended = []

    def meanwhile(site: Previews) -> None:
        site.mark(OTHER)
        with suppress(StalledError):
            site.run()
            if site.now < CLAIM_SECONDS:  # later, whoever has a claim has ended
                ended.append(site)

    for site in interleaved(lambda: marked(before, ONE), rendering, meanwhile):
        if site in ended:
            site.check()
    assert ended


@every_change
def test_a_run_that_was_killed_anywhere_is_made_good(before: Watermark | None, after: Watermark | None) -> None:
    """By the next event's change too, and before its message comes again."""
    for number, site in enumerate(crash_points(lambda: marked(before, Watermark("FIRST")), rendering)):
        site.mark(after)
        site.run()
        site.check()
        if number % 2:
            site.plain.indexer.index_message(site.command(*site.ids))
            site.check()


@every_change
def test_an_interrupted_command_goes_on_when_it_is_run_again(before: Watermark | None, after: Watermark | None) -> None:
    for site in crash_points(lambda: marked(before, after), lambda one: one.run(one.fused)):
        site.run()
        site.check()


def test_a_photo_that_is_deleted_meanwhile_leaves_no_preview() -> None:
    def meanwhile(site: Previews) -> None:
        receipt = PhotoDeletion(stores=site.stores).delete_photos(site.event, [site.ids[0]], Files())
        assert receipt.complete

    for site in interleaved(lambda: marked(CLEAN, ONE), rendering, meanwhile):
        assert site.stores.renditions.etags(rendition_keys(EVENT_ID, site.ids[0])) == {}
        assert site.run() == PreviewsMade(1, 1, 0, [])


def test_a_photo_that_is_deleted_after_a_run_was_killed_leaves_no_preview() -> None:
    """The deletion's second count may have passed when the killed run published; its message comes again."""
    for site in crash_points(lambda: marked(CLEAN, ONE), rendering):
        PhotoDeletion(stores=site.stores).delete_photos(site.event, [site.ids[0]], Files(renditions=False))
        rendering(site)
        assert site.stores.renditions.etags(rendition_keys(EVENT_ID, site.ids[0])) == {}


def test_a_photo_that_comes_afresh_meanwhile_keeps_its_previews() -> None:
    def meanwhile(site: Previews) -> None:
        PhotoDeletion(stores=site.stores).delete_photos(site.event, [site.ids[0]], Files())
        later = notification(site.key(0), at=DAWN)
        site.plain.indexer.index_message(later)

    for site in interleaved(lambda: marked(CLEAN, ONE), rendering, meanwhile):
        site.run()
        site.check()


def test_an_event_that_is_deleted_meanwhile_leaves_nothing() -> None:
    def meanwhile(site: Previews) -> None:
        receipt = EventDeletion(stores=site.stores).delete_event(EVENT_ID)
        assert receipt.complete

    def world() -> Previews:
        site = Previews()
        png = encoded(Image.new("RGBA", (4, 4), "red"), "PNG")
        site.mark(Watermark(picture=site.files.put(EVENT_ID, png)))
        return site

    def twice(site: Previews) -> None:
        """The file of its watermark may be gone in the midst of it: then its message comes again."""
        with suppress(Throttled):
            rendering(site)
        site.plain.indexer.index_message(site.command(site.ids[0]))

    for site in interleaved(world, twice, meanwhile):
        assert list(site.stores.renditions.under("imgs/")) == []
        assert site.files.files == {}
        with pytest.raises(NotFound):
            site.run()


def test_of_an_original_that_is_gone_the_preview_is_marked_as_it_is() -> None:
    site = Previews()
    clean = site.s3.objects[RENDITIONS, rendition_key(EVENT_ID, "large", site.ids[0])]
    del site.s3.objects[PHOTOS, site.key(0)]
    site.s3.objects[PHOTOS, site.key(1)] = b"no picture any more"
    site.mark(ONE)
    assert site.run() == PreviewsMade(2, 2, 0, [])
    shown = site.s3.objects[RENDITIONS, rendition_key(EVENT_ID, "large", site.ids[0])]
    assert shown == render(read_image(clean), stamp_of(ONE)).large
    assert site.broken == []
    for mark in (OTHER, CLEAN):  # nobody can take the first one out again
        site.mark(mark)
        assert site.run() == PreviewsMade(2, 0, 0, sorted(site.ids))
        assert site.s3.objects[RENDITIONS, rendition_key(EVENT_ID, "large", site.ids[0])] == shown
    site.put(0)
    assert site.run() == PreviewsMade(2, 1, 0, [site.ids[1]]), "what was in vain is tried again"
    site.mark(ONE)
    assert site.run() == PreviewsMade(2, 2, 0, [])


def test_the_longest_strip_has_its_watermark_though_its_original_is_gone() -> None:
    """Its rendition, 2,048 x 102 pixels, is a bit longer than the longest photo that is taken."""
    site = Previews(photos=0)
    strip = encoded(Image.new("RGB", (4000, 200), "grey"), "PNG")
    site.s3.objects[PHOTOS, site.key(7)] = strip
    site.plain.indexer.index_message(notification(site.key(7)))
    del site.s3.objects[PHOTOS, site.key(7)]
    key = rendition_key(EVENT_ID, "large", image_id_of_bytes(EVENT_ID, strip))
    clean = site.s3.objects[RENDITIONS, key]
    site.mark(ONE)
    assert site.run() == PreviewsMade(1, 1, 0, [])
    assert site.s3.objects[RENDITIONS, key] != clean


def test_a_killed_run_does_not_mark_a_preview_twice() -> None:
    def without_original() -> Previews:
        site = marked(CLEAN, ONE)
        del site.s3.objects[PHOTOS, site.key(0)]
        return site

    def shown(site: Previews) -> Image.Image:
        return read_image(site.s3.objects[RENDITIONS, rendition_key(EVENT_ID, "large", site.ids[0])]).image

    once = without_original()
    once.run()
    for site in crash_points(without_original, rendering):
        assert site.run() == PreviewsMade(2, 2, 0, [])
        assert max(ImageStat.Stat(ImageChops.difference(shown(once), shown(site))).mean) < 2, "compressed again"


def test_an_original_that_was_moved_is_found() -> None:
    site = Previews()
    site.s3.objects[PHOTOS, f"{ORG}/{EVENT_ID}/moved.png"] = site.s3.objects.pop((PHOTOS, site.key(0)))
    site.mark(ONE)
    site.run()
    site.mark(CLEAN)
    assert site.run() == PreviewsMade(2, 2, 0, [])
    site.check()


def test_a_photo_keeps_the_way_it_is_held_whatever_faces_say_now() -> None:
    """It is told by its preview, not by a look for faces."""
    site = Previews(photos=0)
    image = Image.new("RGB", (60, 40), "white")
    image.paste((255, 0, 0), (0, 0, 60, 20))
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="3"/></rdf:RDF></x:xmpmeta>'
    data = encoded(image, "JPEG", xmp=xmp)
    picture_in_doubt = read_image(data)
    assert picture_in_doubt.doubtful == 3
    looker = site.plain.indexer.looker
    for made in map(render, (picture_in_doubt, picture_in_doubt.turned())):
        assert looker.render(data, None, iter([made.large]).__next__) == made


def test_two_runs_that_take_each_other_s_place_come_to_an_end() -> None:
    """A photo whose event is changed all the time is left to its message, which comes again."""
    site, numbers = Previews(), itertools.count()
    site.watched.read = lambda: site.mark(Watermark(str(next(numbers))))
    with pytest.raises(Throttled):
        rendering(site)
    assert ATTEMPTS > 2


def test_nothing_that_comes_is_waited_for_for_ever() -> None:
    site = marked(CLEAN, ONE)
    sent: list[str] = []
    stalled = replace(site.watermarking(site.plain), commands=_Lost(sent))
    with pytest.raises(StalledError, match="2 photos"):
        stalled.run(EVENT_ID)
    assert len(sent) == 2, "once more for whoever died"


@dataclass
class _Lost:
    sent: list[str]

    def send(self, commands: list[IndexingCommand]) -> None:
        self.sent += [command.to_message() for command in commands]


def test_a_command_that_another_one_overtakes_says_so() -> None:
    site = marked(CLEAN, ONE)
    overtaken = replace(site.watermarking(site.plain), sleep=lambda seconds: site.mark(OTHER), commands=_Lost([]))
    with pytest.raises(InvalidRequest, match="another command"):
        overtaken.run(EVENT_ID)
    site.events.close_event(EVENT_ID)
    with pytest.raises(InvalidRequest, match="being deleted"):
        site.run()


def test_the_end_is_late_enough_for_a_run_that_had_just_read_the_event() -> None:
    """Which has published, and records the photo while the command line waits."""
    site = Previews(photos=1)
    late, stale = site.put(1), site.event

    def sleep(seconds: float) -> None:
        if 0 < site.now + seconds <= SETTLED_SECONDS:
            made = render(read_image(picture(1, ANNA, BEN)))
            site.plain.indexer.pictures.publish(EVENT_ID, late, made)
            site.photos.add(EVENT_ID, stale.shards, Photo(late, "indexed", site.key(1)))
            site.guests_read()
        site.sleep(seconds)

    site.mark(ONE)
    site.run()
    site.mark(OTHER)
    site.now = 0.0
    assert replace(site.watermarking(site.plain), sleep=sleep).run(EVENT_ID) == PreviewsMade(2, 2, 0, [])
    site.check()


def test_photos_that_failed_have_no_previews() -> None:
    site = Previews(photos=0)
    site.s3.objects[PHOTOS, site.key(9)] = b"no picture"
    site.plain.indexer.index_message(notification(site.key(9)))
    site.mark(ONE)
    assert site.run() == PreviewsMade(0, 0, 0, [])
    failed = image_id_of_bytes(EVENT_ID, b"no picture")
    site.plain.indexer.index_message(site.command(failed))
    assert list(site.stores.renditions.under("imgs/")) == []


@pytest.mark.parametrize("message", ['{"render"', '{"render": 1}', '{"render": {"event_id": 1, "image_ids": ["x"]}}'])
def test_what_is_meant_as_a_command_and_is_none_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match="no command"):
        parse_command(message)


def test_events_without_a_watermark_are_indexed_as_before() -> None:
    """But for one more look at the event before anything is published; headers of renditions stay as they were."""
    site = Previews(photos=0)
    reads: list[str] = []
    reader = site.reader

    @dataclass
    class Reader:
        def read(self, wanted: Any) -> Any:
            reads.append(str(wanted.event_id))
            return reader.read(wanted)

    indexer = replace(site.plain.indexer, reader=cast("Any", Reader()))
    site.put(0)
    indexer.index_message(notification(site.key(0)))
    assert len(reads) == 3
    (headers,) = {str(each) for each in site.s3.headers.values()}
    assert "Metadata" not in headers
    assert "immutable" in headers
    site.mark(ONE)
    site.run()
    (headers,) = {str(each) for each in site.s3.headers.values()}
    assert ONE.version in headers
    assert "s-maxage=31536000" in headers
    assert "immutable" not in headers
