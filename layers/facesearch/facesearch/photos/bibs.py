"""Bibs of photos that were indexed while nobody read bibs in their event."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from facesearch.errors import Throttled, UnusableImage
from facesearch.faces.engine import Face
from facesearch.faces.packing import unpack
from facesearch.faces.sets import ATTEMPTS
from facesearch.models import Event
from facesearch.photos.commands import CommandKind, IndexingCommands, commands_for
from facesearch.photos.lookagain import SAME_FACE
from facesearch.photos.looking import IndexingOutcome, IndexingReport, Look, PhotoLooker
from facesearch.photos.pictures import Pictures
from facesearch.photos.places import GONE, original_of
from facesearch.records import Bib, Photo, PhotoStore


@dataclass(frozen=True, kw_only=True)
class ReadBibs:
    """The use case of the indexing function, one photo at a time. Doing it twice changes nothing.

    `event_now` reads an event strongly consistent.
    """

    looker: PhotoLooker
    photos: PhotoStore
    pictures: Pictures
    event_now: Callable[[int], Event | None]

    def read(self, event_id: int, image_id: uuid.UUID) -> IndexingReport:
        """Have the bibs of one photo read if nobody has, and the event still wants them."""
        report = IndexingReport(IndexingOutcome.KNOWN, event_id=event_id, image_id=image_id)
        for _ in range(ATTEMPTS):
            event = self.event_now(event_id)
            photo = None if event is None else self.photos.get(event_id, event.shards, image_id)
            if event is None or photo is None or not lacks_bibs(event, photo):
                return report
            data = original_of(self.pictures, event_id, photo)
            if data is None:
                return replace(report, outcome=IndexingOutcome.LOST, reason=GONE)
            try:
                look = self.looker.look(data, [photo.model] if event.faces.is_ours else [], bibs=True)
            except UnusableImage as error:
                return replace(report, outcome=IndexingOutcome.LOST, reason=error.message)
            bibs = _of_recorded(look, photo)
            if self.photos.set_bibs(event_id, event.shards, photo, bibs, look.bib_model):
                spent = look.bib_milliseconds
                return replace(report, outcome=IndexingOutcome.READ, bib_milliseconds=spent)
        raise Throttled("UpdateItem", "Unprocessed")


@dataclass(frozen=True, kw_only=True)
class UnreadBibs:
    """The use case of who switches bib search on."""

    photos: PhotoStore
    commands: IndexingCommands

    def command(self, event: Event) -> int:
        """Have bibs read in all photos in which nobody has; how many they are."""
        every = (photo for shard in range(event.shards) for photo in self.photos.records(event.event_id, shard))
        unread = [photo.image_id for photo in every if lacks_bibs(event, photo)]
        if unread:
            self.commands.send(commands_for(CommandKind.BIBS, event.event_id, unread))
        return len(unread)


def lacks_bibs(event: Event, photo: Photo) -> bool:
    """Whether bibs are to be read in the photo and nobody has."""
    return photo.status == "indexed" and not photo.bib_model and event.reads_bibs


def _of_recorded(look: Look, photo: Photo) -> tuple[Bib, ...]:
    """The bibs with their wearers as the photo's record numbers its faces. Of a photo that people were deleted from,
    those alone of who is still there."""
    found = look.faces.get(photo.model, [])
    bibs = [Bib(bib.text, _place(found[bib.face], photo) if bib.face is not None else None) for bib in look.bibs]
    return tuple(bib for bib in bibs if bib.face is not None or not photo.stripped)


def _place(face: Face, photo: Photo) -> int | None:
    """Which of the recorded faces that is."""
    alike = unpack(photo.faces) @ face.embedding
    return int(alike.argmax()) if alike.max(initial=-1) >= SAME_FACE else None
