"""The faces of an event after their last day. Searches are refused by the date alone; this deletes what they saw."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from facesearch.admin import EndedEvent
from facesearch.erasure.parts import Events
from facesearch.index import SnapshotStore
from facesearch.models import Event
from facesearch.outside import NOTHING_OUTSIDE, OutsideEraser
from facesearch.packing import FACE_BYTES
from facesearch.photos import PhotoChange, PhotoEraser


@dataclass(frozen=True)
class Ended:
    """What was deleted of one event, and how many faces are left to the next run."""

    event_id: int
    faces: int
    left: int
    snapshots: int


class FaceRetention:
    """The daily job."""

    def __init__(
        self,
        photos: PhotoEraser,
        snapshots: SnapshotStore,
        events: Events,
        outside: OutsideEraser = NOTHING_OUTSIDE,
    ) -> None:
        self._photos = photos
        self._snapshots = snapshots
        self._events = events
        self._outside = outside

    def run(self, today: dt.date) -> list[Ended]:
        """Delete the faces of every event whose last day is over. A run that is killed goes on with the next one."""
        return [self._end(ended, today) for ended in self._events.ended_events(today)]

    def _end(self, ended: EndedEvent, today: dt.date) -> Ended:
        event = self._events.event(ended.event_id)
        faces = left = snapshots = 0
        if event is not None and event.retain_until == ended.retain_until:
            for change in self._with_faces(event):
                count = len(change.faces + change.next_faces) // FACE_BYTES
                if self._photos.replace_faces(event.event_id, event.shards, change, b""):
                    faces += count
                else:  # changed by somebody else meanwhile: the next run's
                    left += count
            faces += self._outside.forget_event(event.event_id)
            snapshots = self._snapshots.forget(event.event_id)
        # Once more on the next day: a photo that was being indexed at midnight had its faces looked for before.
        if not left and ended.retain_until < (today - dt.timedelta(days=1)).isoformat():
            self._events.forget_ended(ended)
        return Ended(ended.event_id, faces, left, snapshots)

    def _with_faces(self, event: Event) -> Iterator[PhotoChange]:
        for shard in range(event.shards):
            for change in list(self._photos.changes(event.event_id, shard, 0)):
                if change.faces or change.next_faces:
                    yield change
