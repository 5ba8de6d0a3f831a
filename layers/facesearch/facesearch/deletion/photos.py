"""Photos: deleted whole, or what names them after they lost faces.

In this order: entered in the list of what is under way; out of every search and gallery (tombstone, or fewer faces);
counted, so that no search which began before stores its result; stored results; snapshot; files; tombstone begins to
expire and is out of the list, at once. A crash between any two leaves the list, and the next deletion in the event goes
on where it was.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from facesearch.deletion.log import Erasing
from facesearch.deletion.receipts import Counts, Receipt
from facesearch.deletion.stores import Stores
from facesearch.faces.packing import FACE_BYTES
from facesearch.faces.sets import FaceWriter, Written
from facesearch.models import Event, SearchKey
from facesearch.records import original_prefix, rendition_keys


@dataclass(frozen=True)
class Done:
    """What was on the list, and the stored searches that named it."""

    entries: Sequence[Erasing] = ()
    searches: Sequence[SearchKey] = ()


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
        wanted, deleted, resumed = list(dict.fromkeys(image_ids)), Counts(), self.is_unfinished(event)
        known = self.begin(event, wanted, files)
        done = self.carry_out(event, deleted)
        unknown = tuple(image_id for image_id in wanted if image_id not in known)
        return Receipt(event.event_id, deleted, self.count(event, done), unknown, resumed=resumed)

    def is_unfinished(self, event: Event) -> bool:
        """Whether a deletion in the event was interrupted, or is under way."""
        return bool(self.stores.log.pending(event.event_id))

    def begin(self, event: Event, image_ids: Sequence[uuid.UUID], files: Files) -> set[uuid.UUID]:
        """Enter photos, or what is left of them, in the list of what is under way; those that the event knows."""
        photos = self.stores.photos
        records = photos.get_many(event.event_id, event.shards, image_ids)

        def is_known(image_id: uuid.UUID) -> bool:
            return image_id in records or photos.tombstone(event.event_id, event.shards, image_id) is not None

        known = [image_id for image_id, yes in zip(image_ids, map(is_known, image_ids), strict=True) if yes]
        self.enter(
            event,
            [
                Erasing(
                    image_id,
                    whole=True,
                    places=records[image_id].originals if image_id in records else (),
                    renditions=files.renditions,
                    originals=files.originals,
                )
                for image_id in known
            ],
        )
        return set(known)

    def enter(self, event: Event, entries: Sequence[Erasing]) -> None:
        """Add to the list; what an interrupted run was to do as well stays to be done."""
        before = {entry.image_id: entry for entry in self.stores.log.pending(event.event_id)}
        merged = [_both(before.get(entry.image_id, entry), entry) for entry in entries]
        self.stores.log.begin(event.event_id, merged)

    def carry_out(self, event: Event, deleted: Counts, own: Iterable[Erasing] = ()) -> Done:
        """Do everything that is on the list, and count it; what that was.

        `own`: what the caller itself has entered. Another deletion takes all that is on the list for its own, and may
        have ended this one's before its faces were gone: what is done here must be done after that.
        """
        stores, event_id = self.stores, event.event_id
        pending = stores.log.pending(event_id)
        listed = {entry.image_id for entry in pending}
        entries = [*pending, *(entry for entry in own if entry.image_id not in listed)]
        if not entries:
            return Done()
        self.tombstone(event, entries, deleted)
        stores.events.count_erasure(event_id)
        self._uncover(event, entries)
        searches = stores.searches.naming(event_id, (entry.image_id for entry in entries))
        stores.searches.delete_many(searches, deleted)
        deleted.snapshots += stores.rewrite_snapshot(event)
        deleted.renditions += self._delete_renditions(event, entries)
        deleted.originals += stores.originals.delete(self._originals(event, entries))
        for _ in stores.pool.map(lambda entry: stores.photos.expire(event_id, event.shards, entry.image_id), entries):
            pass
        return Done(entries, searches)

    def count(self, event: Event, done: Done) -> Counts:
        """Count again what should be gone."""
        stores, entries = self.stores, done.entries
        whole = [entry.image_id for entry in entries if entry.whole]
        left = Counts(
            photos=len(stores.photos.get_many(event.event_id, event.shards, whole)),
            faces=max(store.count(whole) for store in stores.sets.every(self._now(event))),
            results=len(stores.searches.naming(event.event_id, (entry.image_id for entry in entries), whole=True)),
            snapshots=stores.old_snapshots(event) if entries else 0,
            renditions=len(stores.renditions.etags(_renditions(event, entries))),
            originals=len(self._originals(event, entries)),
        )
        stores.searches.count(done.searches, left)
        return left

    def tombstone(self, event: Event, entries: Sequence[Erasing], deleted: Counts) -> None:
        """Make tombstones of the photos that go whole, and delete their faces from every face set. The others have lost
        theirs, maybe to a run that was killed before it knew that readers see it, or before the face sets followed."""
        stores = self.stores
        writer = FaceWriter(sets=stores.sets, photos=stores.photos, event_now=stores.events.event)

        def tombstone(entry: Erasing) -> int | None:
            if entry.whole:
                return stores.photos.delete(event.event_id, event.shards, entry.image_id)
            stores.photos.touch(event.event_id, event.shards, entry.image_id)
            writer.settle(event, entry.image_id, Written())
            return None

        recorded = [faces for faces in stores.pool.map(tombstone, entries) if faces is not None]
        whole = [entry.image_id for entry in entries if entry.whole]
        counts = [store.delete_photos(whole) for store in stores.sets.every(self._now(event))] if whole else []
        deleted.photos += len(recorded)
        deleted.faces += max(sum(recorded) // FACE_BYTES, *counts, 0)

    def _now(self, event: Event) -> Event:
        """The event with the face sets that it has by now."""
        return self.stores.events.event(event.event_id) or event

    def _uncover(self, event: Event, entries: Sequence[Erasing]) -> None:
        now = self.stores.events.event(event.event_id)
        if now is not None and now.cover in {entry.image_id for entry in entries if entry.whole}:
            self.stores.events.update_event(event.event_id, cover=None)

    def _delete_renditions(self, event: Event, entries: Sequence[Erasing]) -> int:
        stores, keys = self.stores, _renditions(event, entries)
        there = stores.renditions.etags(keys)
        stores.renditions.delete(keys)
        if keys:
            stores.edge.delete([f"/{key}" for key in keys])
        return len(there)

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
