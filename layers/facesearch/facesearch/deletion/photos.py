"""Photos: deleted whole, or what names them after they lost faces.

In this order: entered in the list of what is under way; out of every search and gallery (tombstone, or fewer faces);
counted, so that no search which began before stores its result; stored results; snapshot; files; tombstone begins to
expire and is out of the list, at once. A crash between any two leaves the list, and the next deletion in the event goes
on where it was.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from facesearch.deletion.log import Erasing
from facesearch.deletion.receipts import Counts, Receipt
from facesearch.deletion.stores import Stores
from facesearch.faces.index.snapshot import SnapshotInfo
from facesearch.faces.packing import FACE_BYTES
from facesearch.faces.sets import Written
from facesearch.models import Event, FaceSet, FaceSetKind
from facesearch.records import Held, original_prefix, rendition_keys


@dataclass(frozen=True)
class Files:
    """Which files go with a photo."""

    renditions: bool = True
    originals: bool = False


@dataclass(frozen=True, kw_only=True)
class PhotoDeletion:
    """The use case, and the part of every other one that deletes photos."""

    stores: Stores

    def delete_photos(self, event: Event, image_ids: Iterable[uuid.UUID], files: Files) -> Receipt:
        """Delete photos of an event. One that is deleted already is looked after again, as after a crash."""
        wanted, deleted, resumed = list(dict.fromkeys(image_ids)), Counts(), self.stores.log.pending(event.event_id)
        known = self.begin(event, wanted, files)
        left = self.carry_out(event, deleted)
        unknown = tuple(image_id for image_id in wanted if image_id not in known)
        return Receipt(event.event_id, deleted, left, unknown, resumed=bool(resumed))

    def begin(self, event: Event, image_ids: Sequence[uuid.UUID], files: Files) -> Collection[uuid.UUID]:
        """Enter photos, or what is left of them, in the list of what is under way; those that the event knows."""
        photos = self.stores.photos
        records = photos.get_many(event.event_id, event.shards, image_ids)
        known = {**records, **photos.tombstones(event.event_id, event.shards, image_ids)}
        entries = []
        for image_id in filter(known.__contains__, image_ids):
            places = records[image_id].originals if image_id in records else ()
            entries.append(Erasing(image_id, True, places, files.renditions, files.originals))
        self.enter(event, entries)
        return known

    def enter(self, event: Event, entries: Sequence[Erasing]) -> None:
        """Add to the list; what an interrupted run was to do as well stays to be done."""
        before = {entry.image_id: entry for entry in self.stores.log.pending(event.event_id)}
        merged = [_both(before.get(entry.image_id, entry), entry) for entry in entries]
        self.stores.log.begin(event.event_id, merged)

    def carry_out(self, event: Event, deleted: Counts, own: Iterable[Erasing] = ()) -> Counts:
        """Do everything that is on the list, and count it; what a second count finds of it.

        `own`: what the caller itself has entered. Another deletion takes all that is on the list for its own, and may
        have ended this one's before its faces were gone: what is done here must be done after that.
        """
        stores, event_id = self.stores, event.event_id
        pending = stores.log.pending(event_id)
        listed = {entry.image_id for entry in pending}
        entries = [*pending, *(entry for entry in own if entry.image_id not in listed)]
        if not entries:
            return Counts()
        self.tombstone(event, entries, deleted)
        stores.events.count_erasure(event_id)
        if stores.now(event).cover in {entry.image_id for entry in entries if entry.whole}:
            stores.events.update_event(event_id, cover=None)
        searches = stores.searches.naming(event_id, (entry.image_id for entry in entries))
        stores.searches.delete_many(searches, deleted)
        deleted.snapshots += self._rewrite_snapshot(event)
        if renditions := _renditions(event, entries):
            deleted.renditions += len(stores.renditions.etags(renditions))
            stores.renditions.delete(renditions)
            stores.cdn_cache.delete([f"/{key}" for key in renditions])
        deleted.originals += stores.originals.delete(self._originals(event, entries))
        for _ in stores.pool.map(lambda entry: stores.photos.expire(event_id, event.shards, entry.image_id), entries):
            pass
        left = self._count(event, entries)
        stores.searches.count(searches, left)
        return left

    def _count(self, event: Event, entries: Sequence[Erasing]) -> Counts:
        stores, whole = self.stores, [entry.image_id for entry in entries if entry.whole]
        return Counts(
            photos=len(stores.photos.get_many(event.event_id, event.shards, whole)),
            faces=max(store.count(whole) for store in stores.sets.every(stores.now(event))),
            results=len(stores.searches.naming(event.event_id, (entry.image_id for entry in entries), whole=True)),
            snapshots=stores.snapshots.count(event.event_id, self._snapshot(event)),
            renditions=len(stores.renditions.etags(_renditions(event, entries))),
            originals=len(self._originals(event, entries)),
        )

    def tombstone(self, event: Event, entries: Sequence[Erasing], deleted: Counts) -> None:
        """Make tombstones of the photos that go whole, and delete their faces from every face set. The others have lost
        theirs, maybe to a run that was killed before it knew that readers see it, or before the face sets followed."""
        stores = self.stores

        def tombstone(entry: Erasing) -> Held | None:
            if entry.whole:
                return stores.photos.delete(event.event_id, event.shards, entry.image_id)
            stores.photos.touch(event.event_id, event.shards, entry.image_id)
            stores.writer.settle(event, entry.image_id, Written())
            return None

        recorded = [held for held in stores.pool.map(tombstone, entries) if held is not None]
        whole = [entry.image_id for entry in entries if entry.whole]
        counts = [store.delete_photos(whole) for store in stores.sets.every(stores.now(event))] if whole else []
        deleted.photos += len(recorded)
        deleted.faces += max(sum(held.face_bytes for held in recorded) // FACE_BYTES, *counts, 0)
        deleted.bibs += sum(held.bibs for held in recorded)

    def _rewrite_snapshot(self, event: Event) -> int:
        """Have a current snapshot with nothing in it that is deleted by now, and no other file; how many went.

        Even if there was none: whoever writes the event's first one at this moment began before the deletion.

        Raises:
            RuntimeError: others kept writing.
        """
        snapshots, searched = self.stores.snapshots, _in_memory(event)
        if searched is None:
            return snapshots.delete(event.event_id)
        replaced = int(self._snapshot(event) is not None)  # a save deletes the file that it replaces
        if not self.stores.builder.rewrite(event, searched):
            raise RuntimeError("the event's snapshot is being written by others all the time")
        return replaced + snapshots.delete(event.event_id, self._snapshot(event))

    def _snapshot(self, event: Event) -> SnapshotInfo | None:
        searched = _in_memory(event)
        return None if searched is None else self.stores.snapshots.current(event.event_id, searched.model)

    def _originals(self, event: Event, entries: Sequence[Erasing]) -> list[str]:
        """Keys of the originals that are there, by one listing of the event's: what the records lead to, what our own
        tool has uploaded, and whatever else has the ETag of one of them, wherever it was moved or copied.

        Another file that has taken a recorded key since is another photo's original, maybe its only one.
        """
        asked = [entry for entry in entries if entry.whole and entry.originals]
        if not asked:
            return []
        recorded: dict[str, set[str]] = {}
        for place in (place for entry in asked for place in entry.places):
            recorded.setdefault(place.key, set()).add(place.etag)
        etags = {etag for known in recorded.values() for etag in known if etag}
        prefix, own = original_prefix(event.org_id, event.event_id), {str(entry.image_id) for entry in asked}

        def is_theirs(key: str, etag: str) -> bool:
            if etag in etags:
                return True
            if key in recorded:
                return "" in recorded[key]
            return key.removeprefix(prefix).partition("/")[0] in own

        return [key for key, etag in self.stores.originals.etags_under(prefix) if is_theirs(key, etag)]


def _both(one: Erasing, other: Erasing) -> Erasing:
    return replace(
        other,
        whole=one.whole or other.whole,
        places=tuple(dict.fromkeys((*one.places, *other.places))),
        renditions=one.renditions or other.renditions,
        originals=one.originals or other.originals,
    )


def _renditions(event: Event, entries: Sequence[Erasing]) -> list[str]:
    gone = [entry for entry in entries if entry.whole and entry.renditions]
    return [key for entry in gone for key in rendition_keys(event.event_id, entry.image_id)]


def _in_memory(event: Event) -> FaceSet | None:
    """The face set that has a snapshot, or will have one."""
    return next((face_set for face_set in event.face_sets if face_set.kind is FaceSetKind.EXACT), None)
