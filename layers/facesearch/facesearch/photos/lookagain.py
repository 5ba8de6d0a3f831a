"""Another look at photos that are known already, for a face set that lacks them: what a rebuild commands, and what a
photo lacks that was recorded while one began."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter

from facesearch.errors import Throttled, UnusableImage
from facesearch.faces.engine import Face
from facesearch.faces.packing import FACE_BYTES, unpack
from facesearch.faces.sets import ATTEMPTS, FaceWriter, PhotoFaces, PhotoFile, Region, Written
from facesearch.models import REKOGNITION, Event
from facesearch.photos.looking import IndexingOutcome, IndexingReport, Look, PhotoLooker
from facesearch.photos.pictures import Pictures
from facesearch.records import Photo, PhotoStore, image_id_of_bytes

PHOTOS_PER_COMMAND = 10
"""An invocation takes ten messages and has 120 s: a second for each photo."""
MAX_FILE_BYTES = 50_000_000
"""A 64 MP JPEG at the best quality has 30 to 40 MB. Four such files are in memory at a time."""
GONE = "The original is gone."
DELETED_FACES = "Faces of this photo were deleted while Rekognition kept them: which ones is not known."
SAME_FACE = 0.95
"""Cosine from which a face found again is a stored one: the same pixels through the same engine, rounded to 8 bits."""
SAME_PLACE = 0.5
"""Overlap of two boxes, intersection over union, from which they are one face's: both engines detect alike."""

_KIND = "reindex"


@dataclass(frozen=True)
class IndexingCommand:
    """Photos of an event that need faces by a model; the body of a message on the uploads queue."""

    event_id: int
    model: str
    image_ids: tuple[uuid.UUID, ...]

    def to_message(self) -> str:
        """The message."""
        return json.dumps({_KIND: asdict(self) | {"image_ids": [str(image_id) for image_id in self.image_ids]}})


def parse_command(message: str) -> IndexingCommand | None:
    """The command that a message is; None if it is of another kind.

    Raises:
        ValueError: it is meant as one, but is none.
    """
    if not message.startswith(f'{{"{_KIND}"'):
        return None
    try:
        command = json.loads(message)[_KIND]
        image_ids = tuple(map(uuid.UUID, command["image_ids"]))
        return IndexingCommand(int(command["event_id"]), str(command["model"]), image_ids)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("the message is no command to look again") from error


@dataclass(frozen=True)
class _Made:
    """Faces of one photo by a model, packed, or the file in which a service finds them, or why there are none."""

    faces: bytes = b""
    file: PhotoFile | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LookAgain:
    """The use case. Doing anything twice changes nothing."""

    looker: PhotoLooker
    photos: PhotoStore
    pictures: Pictures
    writer: FaceWriter

    def carry_out(self, command: IndexingCommand) -> list[IndexingReport]:
        """Make what is commanded, as far as it is still wanted."""
        return [self.look(command.event_id, command.model, image_id) for image_id in command.image_ids]

    def complete(self, event: Event, image_id: uuid.UUID) -> None:
        """Make what a photo lacks of the event's face sets: it was recorded by a run that knew others, or its original
        was gone and is there again."""
        photo = self.photos.get(event.event_id, event.shards, image_id)
        if photo is not None and photo.status == "indexed":
            for model in dict.fromkeys(face_set.model for face_set in event.face_sets):
                if _lacks(photo, model):
                    self.look(event.event_id, model, image_id)

    def look(self, event_id: int, model: str, image_id: uuid.UUID, *, even_so: bool = False) -> IndexingReport:
        """Have the model's faces of one photo made if it lacks them, or `even_so`."""
        report = IndexingReport(IndexingOutcome.KNOWN, event_id=event_id, image_id=image_id)
        written, seen = Written(), None
        for _ in range(ATTEMPTS):
            event = self.writer.event_now(event_id)
            seen = event or seen
            photo = None if event is None else self.photos.get(event_id, event.shards, image_id)
            if event is None or photo is None or photo.status != "indexed":
                break
            if not _wants(event, model):
                # It was cancelled: what this message's earlier delivery has left must not wait for the next rebuild.
                self.photos.delete_faces(event_id, event.shards, image_id, model)
                break
            if not _lacks(photo, model) and not even_so:  # maybe by this command, whose earlier delivery was killed
                self.photos.touch(event_id, event.shards, image_id)
                break
            started = perf_counter()
            made = self._made(event_id, photo, model)
            try:
                count = self._add(event, photo, model, made, written)
            except UnusableImage as error:
                made, count = _Made(reason=error.message), 0
            if self.photos.put_faces(event_id, event.shards, photo, model, made.faces, made.reason):
                if self._is_wanted_still(event, photo, model):
                    outcome = IndexingOutcome.LOST if made.reason else IndexingOutcome.REINDEXED
                    milliseconds = (perf_counter() - started) * 1000
                    report = IndexingReport(outcome, made.reason, None, event_id, image_id, count, milliseconds)
                break
        else:
            raise Throttled("UpdateItem", "Unprocessed")
        if seen is not None:
            self.writer.settle(seen, image_id, written)
        return report

    def _add(self, event: Event, photo: Photo, model: str, made: _Made, written: Written) -> int:
        """Add the faces to the face sets of their model, before the record says so; how many they are."""
        count = len(made.faces) // FACE_BYTES
        for face_set in event.face_sets:
            if face_set.model == model:
                store = self.writer.sets.open(event, face_set)
                if not face_set.is_ours and made.file is None:  # a killed delivery may have added some
                    store.delete_photos([photo.image_id])
                written[face_set] = made.faces
                seen = PhotoFaces(photo.image_id, made.faces, photo.width, photo.height, made.file)
                count = max(count, store.add([seen]))
        return count

    def _is_wanted_still(self, event: Event, photo: Photo, model: str) -> bool:
        """Look at the event again: who ends a rebuild says so there first, and then removes what he finds."""
        event_id, shards, image_id = event.event_id, event.shards, photo.image_id
        now = self.writer.event_now(event_id)
        if now is None or not _wants(now, model):
            self.photos.delete_faces(event_id, shards, image_id, model)
            return False
        if now.model == model:
            self.photos.promote(event_id, shards, image_id, model)
            if photo.model == model:  # a reader that came before has seen the faces that it had
                self.photos.touch(event_id, shards, image_id)
        return True

    def _made(self, event_id: int, photo: Photo, model: str) -> _Made:
        """What the model sees in the photo: of one that somebody was deleted from no more than what was kept of it."""
        if photo.stripped and photo.model == REKOGNITION.model:
            return _Made(reason=DELETED_FACES)
        if photo.stripped and not photo.faces:
            return _Made()
        data = read_original(self.pictures, event_id, photo)
        if data is None:
            return _Made(reason=GONE)
        is_ours = model != REKOGNITION.model
        models = (*((model,) if is_ours else ()), *((photo.model,) if photo.stripped else ()))
        try:
            look = self.looker.look(data, models, file=not is_ours)
        except UnusableImage as error:
            return _Made(reason=error.message)
        kept = _kept(look.faces[photo.model], photo) if photo.stripped else None
        if not is_ours:
            only = None if kept is None else [_region(face, look) for face in kept]
            return _Made(file=look.file and replace(look.file, only=only))
        faces = look.faces[model]
        if kept is not None:
            faces = [face for face in faces if any(_overlap(face, other) >= SAME_PLACE for other in kept)]
        return _Made(replace(look, faces={model: faces}).packed(model))


def read_original(pictures: Pictures, event_id: int, photo: Photo) -> bytes | None:
    """The file that the photo is; None if it is gone, or others have its keys by now."""
    for place in photo.originals:
        file = pictures.original(place.key, MAX_FILE_BYTES)
        data = None if file is None else file.data
        if data is not None and image_id_of_bytes(event_id, data) == photo.image_id:
            return data
    return None


def _lacks(photo: Photo, model: str) -> bool:
    """Whether the model has not looked at the photo, or could not, as its file was gone."""
    faces = photo.faces_by(model)
    return faces is None or (not faces and photo.reason == GONE)


def _wants(event: Event, model: str) -> bool:
    return any(face_set.model == model for face_set in event.face_sets) and event.keeps_faces and not event.closing


def _kept(found: Sequence[Face], photo: Photo) -> list[Face]:
    """The faces that the live model sees in a photo from which people were deleted, without those people."""
    kept = unpack(photo.faces)
    return [face for face in found if (kept @ face.embedding).max(initial=-1) >= SAME_FACE]


def _region(face: Face, look: Look) -> Region:
    return Region(*(length / whole for length, whole in zip(face.box, look.size * 2, strict=True)))


def _overlap(one: Face, other: Face) -> float:
    (x, y, width, height), (u, v, other_width, other_height) = one.box, other.box
    across, down = min(x + width, u + other_width) - max(x, u), min(y + height, v + other_height) - max(y, v)
    both = max(0.0, across) * max(0.0, down)
    return both / (width * height + other_width * other_height - both)
