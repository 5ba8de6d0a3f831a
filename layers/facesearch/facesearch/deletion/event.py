"""A whole event."""

from collections.abc import Iterator
from dataclasses import dataclass

from facesearch.deletion.receipts import Counts, Receipt
from facesearch.deletion.search import SWEEPS
from facesearch.deletion.stores import Stores
from facesearch.faces.packing import FACE_BYTES
from facesearch.models import Event
from facesearch.records import original_prefix


@dataclass(frozen=True, kw_only=True)
class EventDeletion:
    """The use case: the event is closed first and removed last, so that a second run finds it until nothing is left."""

    stores: Stores

    def delete_event(self, event_id: int, *, originals: bool = False) -> Receipt:
        """Delete an event with all that belongs to it, its originals only if wanted.

        Raises:
            NotFound: no such event.
        """
        deleted, left = Counts(), Counts()
        before = self.stores.events.event(event_id)
        event = self.stores.events.close_event(event_id)
        for _ in range(SWEEPS):
            self._sweep(event, deleted, originals=originals)
            left = self._count(event, originals=originals)
            if not left.total:
                self.stores.events.remove_event(event)
                break
        return Receipt(event_id, deleted, left, resumed=before is not None and before.closing)

    def _sweep(self, event: Event, deleted: Counts, *, originals: bool) -> None:
        stores, event_id, every = self.stores, event.event_id, self.stores.sets.every(event)
        deleted.links += stores.links.delete(event)
        stores.searches.delete_of_event(event, deleted)
        held = [stores.photos.delete_all(event_id, shard) for shard in range(event.shards)]
        deleted.photos += sum(each.photos for each in held)
        deleted.bibs += max(sum(each.bibs for each in held), stores.photos.delete_bibs(event_id))
        deleted.snapshots += stores.snapshots.delete(event_id)
        # Faces in a face set are those of the records once more, or of another face set.
        deleted.faces += max(sum(each.face_bytes for each in held) // FACE_BYTES, *[store.delete() for store in every])
        deleted.renditions += stores.renditions.delete(stores.renditions.under(_renditions(event)))
        stores.cdn_cache.delete([f"/{_renditions(event)}*"])
        deleted.watermarks += stores.watermarks.delete(event_id)
        if originals:
            deleted.originals += stores.originals.delete(self._originals(event))
        stores.log.end(event_id, [entry.image_id for entry in stores.log.pending(event_id)])

    def _count(self, event: Event, *, originals: bool) -> Counts:
        stores, event_id, every = self.stores, event.event_id, self.stores.sets.every(event)
        held = [stores.photos.count(event_id, shard) for shard in range(event.shards)]
        left = Counts(
            photos=sum(each.photos for each in held),
            faces=max(sum(each.face_bytes for each in held) // FACE_BYTES, *[store.count() for store in every]),
            bibs=stores.photos.count_bibs(event_id),
            snapshots=stores.snapshots.count(event_id),
            renditions=sum(1 for _ in stores.renditions.under(_renditions(event))),
            originals=sum(1 for _ in self._originals(event)) if originals else 0,
            links=stores.links.count(event),
            watermarks=stores.watermarks.count(event_id),
        )
        stores.searches.count_of_event(event, left)
        return left

    def _originals(self, event: Event) -> Iterator[str]:
        return self.stores.originals.under(original_prefix(event.org_id, event.event_id))


def _renditions(event: Event) -> str:
    return f"imgs/{event.event_id}/"
