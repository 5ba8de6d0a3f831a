"""The faces and bibs of an event after their last day. Searches are refused by the date alone; this deletes what they
saw."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from facesearch.admin.models import EndedEvent
from facesearch.admin.ports import EventLifecycle
from facesearch.deletion.receipts import Counts, Receipt
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.packing import FACE_BYTES
from facesearch.faces.sets import FaceSets
from facesearch.models import Event
from facesearch.records import PhotoEraser, face_bytes
from facesearch.webhooks.watches.watch import WatchStore


@dataclass(frozen=True, kw_only=True)
class FaceRetention:
    """The daily job."""

    photos: PhotoEraser
    snapshots: SnapshotStore
    events: EventLifecycle
    watches: WatchStore
    sets: FaceSets

    def run(self, today: dt.date) -> Iterator[Receipt]:
        """Delete the faces and bibs of every event whose last day is over. A run that is killed goes on with the next
        one, and is counted nowhere; faces are left that somebody else has just changed.

        Raises:
            ExceptionGroup: at the end, of events where something failed; those behind them have had their turn.
        """
        failed = []
        for ended in self.events.ended_events(today):
            try:
                yield self._end(ended, today)
            except Exception as error:  # noqa: BLE001 - raised below, when the other events have had their turn
                failed.append(error)
        if failed:
            raise ExceptionGroup("events whose faces are left for the next run", failed)

    def _end(self, ended: EndedEvent, today: dt.date) -> Receipt:
        event, deleted, left = self.events.event(ended.event_id), Counts(), Counts()
        if event is not None and event.retain_until == ended.retain_until:
            self._delete_copies(event, deleted)  # all faces at once; the photos of a large event may take several runs
            records = (self.photos.records(event.event_id, shard) for shard in range(event.shards))
            for photo in chain.from_iterable(map(list, records)):
                faces, bibs = face_bytes(photo) // FACE_BYTES, len(photo.bibs)
                is_bare = not (faces or bibs)
                if is_bare or self.photos.replace_faces(event.event_id, event.shards, photo, b""):
                    deleted.faces, deleted.bibs = deleted.faces + faces, deleted.bibs + bibs
                else:  # changed by somebody else meanwhile: the next run's
                    left.faces, left.bibs = left.faces + faces, left.bibs + bibs
            deleted.faces = max(deleted.faces, *[store.delete() for store in self.sets.every(event)])
            self.photos.delete_bibs(event.event_id)  # the start list, and what killed runs have left
            if event.bibs.listed and not event.closing:
                self.events.update_event(event.event_id, bibs=replace(event.bibs, listed=0))
            self._delete_copies(event, deleted)
        # Once more on the next day: a photo that was being indexed at midnight had its faces looked for before.
        if not (left.faces or left.bibs) and ended.retain_until < (today - dt.timedelta(days=1)).isoformat():
            self.events.delete_ended(ended)
        return Receipt(ended.event_id, deleted, left)

    def _delete_copies(self, event: Event, deleted: Counts) -> None:
        deleted.snapshots += self.snapshots.delete(event.event_id)
        deleted.probes += self.watches.delete_watches(event.event_id)
