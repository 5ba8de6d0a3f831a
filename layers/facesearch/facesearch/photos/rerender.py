"""Renditions of known photos are made anew because their event has another watermark, or none any more. No face is
looked for, and what a photo's record says of faces stays as it is.

Whoever replaces a photo's renditions has a claim in its record for that time. So they never follow an event that has
gone on unnoticed: the record says how they look only while nobody can be about to overwrite them, and who was killed in
the midst of it leaves a claim by which it is known that they must be made again.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from facesearch.errors import Throttled, UnusableImage
from facesearch.models import Event
from facesearch.photos.looking import IndexingOutcome, IndexingReport, PhotoLooker
from facesearch.photos.pictures import Pictures, Renditions
from facesearch.photos.places import GONE, original_of
from facesearch.photos.watermark import Stamps
from facesearch.records import Photo, PhotoStore

CLAIM_SECONDS = 130
"""The function has 120 s: after this, who has claimed has ended."""
ATTEMPTS = 10
"""Each one finds that the event has another watermark than a moment ago, or that somebody else was at the photo."""


@dataclass(frozen=True, kw_only=True)
class Rerender:
    """The use case. Doing anything twice changes nothing. `event_now` reads an event strongly consistent."""

    looker: PhotoLooker
    photos: PhotoStore
    pictures: Pictures
    stamps: Stamps
    event_now: Callable[[int], Event | None]

    def render(self, event_id: int, image_id: uuid.UUID, *, even_so: bool = False) -> IndexingReport:
        """Have a photo's renditions look as its event says now.

        `even_so`: also if its record says that they do, or somebody else is at it: the caller has published others.
        """
        published: str | None = None  # by this run, and not known to be what the record says
        for _ in range(ATTEMPTS):
            event = self._open_event(event_id)
            photo = None if event is None else self.photos.get(event_id, event.shards, image_id)
            if event is None or photo is None:
                # Deleted, and by whom did not see what this run has published, or an earlier delivery that was killed.
                self.pictures.unpublish(event_id, image_id)
                if event is None or self.photos.get(event_id, event.shards, image_id) is None:
                    return self._report(IndexingOutcome.DELETED, event_id, image_id)
                even_so = True  # it was uploaded afresh at this very moment
                continue
            even_so = even_so or published not in (None, event.rendering)
            if photo.status != "indexed" or (photo.looks(event.rendering) and not even_so):
                return self._report(IndexingOutcome.KNOWN, event_id, image_id)
            claim = self._claim(event, image_id, even_so=even_so)
            if claim is None and self.photos.get(event_id, event.shards, image_id) is not None:
                return self._report(IndexingOutcome.KNOWN, event_id, image_id)
            # Once more: while there is a claim, nobody finds that all photos look as a later change wants it.
            event = self._open_event(event_id)
            if claim is None or event is None:
                continue
            renditions, reason = self._made(event, photo)
            if renditions is not None:
                self.pictures.publish(event_id, image_id, renditions, event.rendering)
                published = event.rendering
            counts, even_so = self._end(event, image_id, claim, failed=renditions is None), False
            if counts:
                published, now = None, self._open_event(event_id)
                if now is not None and now.rendering == event.rendering:
                    outcome = IndexingOutcome.UNRENDERED if renditions is None else IndexingOutcome.RENDERED
                    return self._report(outcome, event_id, image_id, reason)
        raise Throttled("UpdateItem", "Unprocessed")

    def _open_event(self, event_id: int) -> Event | None:
        event = self.event_now(event_id)
        return None if event is None or event.closing else event

    def _report(self, outcome: IndexingOutcome, event_id: int, image_id: uuid.UUID, reason: str = "") -> IndexingReport:
        return IndexingReport(outcome, reason, None, event_id, image_id)

    def _claim(self, event: Event, image_id: uuid.UUID, *, even_so: bool) -> int | None:
        return self.photos.claim_renditions(event.event_id, event.shards, image_id, CLAIM_SECONDS, even_so=even_so)

    def _end(self, event: Event, image_id: uuid.UUID, claim: int, *, failed: bool) -> bool:
        event_id, shards = event.event_id, event.shards
        return self.photos.end_claim(event_id, shards, image_id, claim, event.rendering, failed=failed)

    def _made(self, event: Event, photo: Photo) -> tuple[Renditions | None, str]:
        """The photo's renditions as its event wants them, of its original. If that is gone or cannot be read, of the
        large one that is shown, if the watermark can be drawn into that; else None, and why."""
        event_id, image_id, stamp = event.event_id, photo.image_id, self.stamps.of(event)
        data, reason = original_of(self.pictures, event_id, photo), GONE
        if data is not None:
            try:
                return self.looker.render(data, stamp, lambda: self._shown(event_id, image_id)), ""
            except UnusableImage as error:
                reason = error.message
        shown = self.pictures.shown(event_id, image_id)
        if shown is None or shown.rendering not in ("", event.rendering):
            return None, reason
        # Where a run was killed, the large one looks so already, and the smaller ones may not.
        return self.looker.render_shown(shown.data, None if shown.rendering else stamp), ""

    def _shown(self, event_id: int, image_id: uuid.UUID) -> bytes | None:
        shown = self.pictures.shown(event_id, image_id)
        return None if shown is None else shown.data
