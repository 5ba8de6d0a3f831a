"""Bibs of photos that were indexed while nobody read bibs in their event."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from facesearch.errors import Throttled, UnusableImage
from facesearch.faces.engine import Face
from facesearch.faces.packing import unpack
from facesearch.faces.sets import ATTEMPTS
from facesearch.models import REKOGNITION, Event
from facesearch.photos.commands import CommandKind, IndexingCommands, commands_for
from facesearch.photos.lookagain import SAME_FACE
from facesearch.photos.looking import IndexingOutcome, IndexingReport, Look, PhotoLooker
from facesearch.photos.pictures import Pictures
from facesearch.photos.places import GONE, original_of
from facesearch.records import UNREADABLE, Bib, Photo, PhotoStore, is_untied


@dataclass(frozen=True, kw_only=True)
class ReadBibs:
    """The use case of the indexing function, one photo at a time. Doing it twice changes nothing.

    `event_now` reads an event strongly consistent.
    """

    looker: PhotoLooker
    photos: PhotoStore
    pictures: Pictures
    event_now: Callable[[int], Event | None]

    def read(self, event_id: int, image_id: uuid.UUID, *, is_there: bool = False) -> IndexingReport:
        """Have the bibs of one photo read if nobody has, and the event still wants them. `is_there`: its file has just
        been seen, so that it is worth another try."""
        report = IndexingReport(IndexingOutcome.KNOWN, event_id=event_id, image_id=image_id)
        for _ in range(ATTEMPTS):
            event = self.event_now(event_id)
            photo = None if event is None else self.photos.get(event_id, event.shards, image_id)
            if event is None or photo is None or not lacks_bibs(event, photo, is_there=is_there):
                return report
            look = self._look(event_id, photo)
            if isinstance(look, str):
                done = replace(report, outcome=IndexingOutcome.LOST, reason=look)
                is_set = self.photos.set_bibs(event_id, event.shards, photo, (), UNREADABLE)
            else:
                done = replace(report, outcome=IndexingOutcome.READ, bib_milliseconds=look.bib_milliseconds)
                is_set = self.photos.set_bibs(event_id, event.shards, photo, _of_recorded(look, photo), look.bib_model)
            if is_set:
                return done
        raise Throttled("UpdateItem", "Unprocessed")

    def _look(self, event_id: int, photo: Photo) -> Look | str:
        """What is seen in the photo, or why nothing is."""
        data = original_of(self.pictures, event_id, photo)
        if data is None:
            return GONE
        try:
            return self.looker.look(data, _models(photo), bibs=True)
        except UnusableImage as error:
            return error.message


@dataclass(frozen=True, kw_only=True)
class UnreadBibs:
    """The use case of switching bib search on."""

    photos: PhotoStore
    commands: IndexingCommands

    def command(self, event: Event) -> int:
        """Have bibs read in all photos in which nobody has; how many they are."""
        every = (photo for shard in range(event.shards) for photo in self.photos.records(event.event_id, shard))
        unread = [photo.image_id for photo in every if lacks_bibs(event, photo)]
        if unread:
            self.commands.send(commands_for(CommandKind.BIBS, event.event_id, unread))
        return len(unread)


def lacks_bibs(event: Event, photo: Photo, *, is_there: bool = False) -> bool:
    """Whether bibs are to be read in the photo and nobody has, or nobody who could tell their wearers. `is_there`: also
    if its file could not be read once."""
    unread = not photo.bib_model or (is_untied(photo) and bool(_models(photo)))
    return photo.status == "indexed" and event.reads_bibs and (unread or (is_there and photo.bib_model == UNREADABLE))


def _models(photo: Photo) -> list[str]:
    """Those by which the wearers of its bibs are told."""
    return [photo.model] if photo.model != REKOGNITION.model else []


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
