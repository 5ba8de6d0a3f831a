"""What an operator sees of an event: how much there is, its photos latest first, its searches. Nothing is changed here.

Every count and every list is bounded, and says whether there is more.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from facesearch.faces.packing import FACE_BYTES
from facesearch.models import MICROSECONDS, Event, SearchKey
from facesearch.records import Photo, PhotoStore, original_prefix, read_photos
from facesearch.search.results import FinishedSearch, ResultStore

COUNTED_IN_A_SHARD = 250
"""Photos of an event that are counted: 2,000 of eight shards, about 1 MB to read, 0.0003 dollars."""
COUNTED_SEARCHES = 1_000
"""Searches of an event that are counted, and looked through for the latest."""
SHOWN_SEARCHES = 100
PHOTOS_AT_ONCE = 60
"""Photos of one page; of a filtered one up to twice as many, less one."""
SCANNED_PHOTOS = 2_000
"""Photos that one page of a filtered list looks through at the most; the next page goes on behind them."""


class PhotoFilter(StrEnum):
    """Which photos of an event are listed."""

    ALL = "all"
    FAILED = "failed"
    """Those that could not be read, or that lost their faces because the original was gone."""
    NO_FACE = "no_face"


@dataclass(frozen=True)
class EventCounts:
    """How much there is of an event.

    Attributes:
        faces: by the event's model.
        newest_at: when the photo was recorded or changed that was last; None = there is none.
        more_photos: there are more than were counted, and the first four counts are too low.
        more_searches: the same of `searches`.
    """

    photos: int
    failed: int
    without_faces: int
    faces: int
    newest_at: datetime | None
    more_photos: bool
    searches: int
    more_searches: bool


@dataclass(frozen=True)
class PhotoPage:
    """Photos, latest first. `before`: where the next page begins; None = this is the last."""

    photos: list[Photo]
    scanned: int
    before: int | None


@dataclass(frozen=True)
class ListedSearch:
    """A search, and when its watch ends, in seconds since the epoch; None = it has none."""

    finished: FinishedSearch
    watched_until: int | None


@dataclass(frozen=True)
class SearchPage:
    """The latest of the searches that were looked through. `more`: there are others, some of which may be later."""

    searches: list[ListedSearch]
    scanned: int
    more: bool


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The use case. `watched_until` says when the watch of a search ends; `pool` reads side by side."""

    photos: PhotoStore
    results: ResultStore
    watched_until: Callable[[SearchKey], int | None]
    pool: Executor

    def counts(self, event: Event) -> EventCounts:
        """Count the event's latest photos and some of its searches."""
        most = COUNTED_IN_A_SHARD + 1
        reading = self.pool.submit(lambda: list(self.results.searches(event.event_id, most=COUNTED_SEARCHES + 1)))
        read = self._newest(event, None, most)
        counted = [photo for shard in read for photo in shard[:COUNTED_IN_A_SHARD] if photo.status != "deleted"]
        faces = [photo.faces_by(event.model) for photo in counted]
        searches = reading.result()
        return EventCounts(
            photos=len(counted),
            failed=sum(photo.status == "failed" for photo in counted),
            without_faces=faces.count(b""),
            faces=sum(len(packed or b"") // FACE_BYTES for packed in faces),
            newest_at=max((time_of(photo) for photo in counted), default=None),
            more_photos=any(len(shard) == most for shard in read),
            searches=min(len(searches), COUNTED_SEARCHES),
            more_searches=len(searches) > COUNTED_SEARCHES,
        )

    def photo_page(
        self, event: Event, wanted: PhotoFilter = PhotoFilter.ALL, name: str = "", before: int | None = None
    ) -> PhotoPage:
        """The latest photos that were stamped before `before`, and whose file's name has `name` in it, in any case."""
        found: list[Photo] = []
        scanned = 0
        for some, is_last in _batches(self._latest(event, before)):
            scanned += len(some)
            # Only whole records say which file it is, and the reason.
            whole = self._whole(event, [photo for photo in some if _may_be(photo, wanted, event)])
            found += [photo for photo in whole if _is(photo, wanted, event) and _has(name, file_of(event, photo))]
            if is_last:
                break
            if len(found) >= PHOTOS_AT_ONCE or scanned >= SCANNED_PHOTOS:
                return PhotoPage(found, scanned, some[-1].changed_at)
        return PhotoPage(found, scanned, None)

    def search_page(self, event: Event, begin: str = "") -> SearchPage:
        """Searches whose request_id begins so, latest first."""
        keys = list(self.results.searches(event.event_id, begin, COUNTED_SEARCHES + 1))
        finished = self.results.finished(keys[:COUNTED_SEARCHES])
        finished.sort(key=lambda each: each.created_at, reverse=True)
        shown = finished[:SHOWN_SEARCHES]
        watched = self.pool.map(self.watched_until, [each.search for each in shown])
        listed = [ListedSearch(each, until) for each, until in zip(shown, watched, strict=True)]
        return SearchPage(listed, min(len(keys), COUNTED_SEARCHES), len(keys) > COUNTED_SEARCHES)

    def _newest(self, event: Event, before: int | None, most: int) -> list[list[Photo]]:
        """Of each shard, side by side."""

        def read(shard: int) -> list[Photo]:
            return list(self.photos.newest(event.event_id, shard, before, most))

        return list(self.pool.map(read, range(event.shards)))

    def _latest(self, event: Event, before: int | None) -> Iterator[Photo]:
        """All shards' photos in one order, read as they are asked for."""

        def feed(shard: int, some: list[Photo]) -> Iterator[Photo]:
            while True:
                yield from some
                if len(some) < PHOTOS_AT_ONCE:
                    return
                some = list(self.photos.newest(event.event_id, shard, some[-1].changed_at, PHOTOS_AT_ONCE))

        feeds = [feed(*each) for each in enumerate(self._newest(event, before, PHOTOS_AT_ONCE))]
        return heapq.merge(*feeds, key=lambda photo: photo.changed_at, reverse=True)

    def _whole(self, event: Event, photos: list[Photo]) -> list[Photo]:
        """Their records, as far as they are still there."""
        ids = [photo.image_id for photo in photos]
        found = read_photos(self.photos, event.event_id, event.shards, ids, self.pool)
        return [found[image_id] for image_id in ids if image_id in found]


def time_of(photo: Photo) -> datetime:
    """When the photo was recorded, or changed since."""
    return datetime.fromtimestamp(photo.changed_at / MICROSECONDS, UTC)


def file_of(event: Event, photo: Photo) -> str:
    """The file's name below the event. A photo that our own tool has sent lies in a folder of its own, which says
    nothing."""
    return photo.key.removeprefix(original_prefix(event.org_id, event.event_id)).removeprefix(f"{photo.image_id}/")


def _batches(photos: Iterable[Photo]) -> Iterator[tuple[list[Photo], bool]]:
    """`PHOTOS_AT_ONCE` to a batch, and whether it is the last. Photos of one stamp are in one batch, for the next page
    begins with another stamp."""
    batch: list[Photo] = []
    for photo in photos:
        if len(batch) >= PHOTOS_AT_ONCE and photo.changed_at != batch[-1].changed_at:
            yield batch, False
            batch = []
        batch.append(photo)
    yield batch, True


def _may_be(seen: Photo, wanted: PhotoFilter, event: Event) -> bool:
    """Whether it can be one of those, as far as the change feed tells."""
    if seen.status == "deleted":
        return False
    return wanted is PhotoFilter.ALL or not seen.faces_by(event.model)


def _is(photo: Photo, wanted: PhotoFilter, event: Event) -> bool:
    match wanted:
        case PhotoFilter.FAILED:
            return photo.status == "failed" or bool(photo.reason)
        case PhotoFilter.NO_FACE:
            return photo.faces_by(event.model) == b""
        case PhotoFilter.ALL:
            return True


def _has(part: str, name: str) -> bool:
    return part.casefold() in name.casefold()
