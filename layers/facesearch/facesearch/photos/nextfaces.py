"""Faces of photos that are known already, by a model that has not looked at them: what a re-indexing orders, and what a
photo lacks that was recorded while one began."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from botocore.exceptions import ClientError
from numpy.typing import NDArray

from facesearch.errors import Throttled, UnusableImage
from facesearch.faces.engine import Face
from facesearch.faces.packing import pack, unpack
from facesearch.models import Event, IndexKind
from facesearch.reading import Reader, Wanted
from facesearch.records import Photo, PhotoStore, image_id_of_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PHOTOS_PER_ORDER = 10
"""An invocation takes ten messages and has 120 s: a second for each photo."""
ATTEMPTS = 8
"""At a photo that others change at the same time."""
GONE = "The original is gone."
SAME_FACE = 0.95
"""Cosine from which a face found again is a stored one: the same pixels through the same engine, rounded to 8 bits."""
SAME_PLACE = 0.5
"""Overlap of two boxes, intersection over union, from which they are one face's: both engines detect alike."""

_KIND = "reindex"

Look = Callable[[bytes, Sequence[str]], Mapping[str, list[Face]]]
"""Decodes a file and finds its faces by each of the models.

Raises:
    UnusableImage: it cannot be read.
"""


@dataclass(frozen=True)
class IndexingCommand:
    """Photos of an event that need faces by a model; the body of a message on the uploads queue."""

    event_id: int
    model: str
    image_ids: tuple[uuid.UUID, ...]

    def to_message(self) -> str:
        """The message."""
        body = asdict(self) | {"image_ids": [str(image_id) for image_id in self.image_ids]}
        return json.dumps({_KIND: body})


def parse_command(message: str) -> IndexingCommand | None:
    """The order that a message is; None if it is of another kind.

    Raises:
        ValueError: it is meant as one, but is none.
    """
    try:
        body = json.loads(message)
        if not isinstance(body, dict) or _KIND not in body:
            return None
        order = body[_KIND]
        return IndexingCommand(int(order["event_id"]), str(order["model"]), tuple(map(uuid.UUID, order["image_ids"])))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if _KIND not in message:
            return None
        raise ValueError("the message is no order to re-index") from error


@dataclass(frozen=True)
class Renewal:
    """What became of one photo.

    Attributes:
        made: it has faces by the model now, and had none before.
        reason: why it has none.
    """

    image_id: uuid.UUID
    made: bool = False
    faces: int = 0
    reason: str = ""
    milliseconds: float = 0


class NextFaces:
    """The use case. Doing anything twice changes nothing."""

    def __init__(
        self, look: Look, photos: PhotoStore, reader: Reader, s3: "S3Client", photos_bucket: str, most_bytes: int
    ) -> None:
        self._look = look
        self._photos = photos
        self._reader = reader
        self._s3 = s3
        self._bucket = photos_bucket
        self._most_bytes = most_bytes

    def carry_out(self, order: IndexingCommand) -> list[Renewal]:
        """Make what is ordered, as far as it is still wanted."""
        return [self._renew(order.event_id, order.model, image_id) for image_id in order.image_ids]

    def complete(self, event: Event, image_id: uuid.UUID) -> list[Renewal]:
        """Make what a photo lacks of the event's models: it was recorded by a run that knew others, or its original
        was gone and is there again."""
        photo = self._photos.get(event.event_id, event.shards, image_id)
        if photo is None or photo.status != "indexed":
            return []
        lacking = [model for model in event.models if _lacks(event, photo, model)]
        return [self._renew(event.event_id, model, image_id) for model in lacking]

    def _renew(self, event_id: int, model: str, image_id: uuid.UUID) -> Renewal:
        for _ in range(ATTEMPTS):
            event = self._reader.read(Wanted(event_id=event_id)).event
            if event is None:
                return Renewal(image_id)
            photo = self._photos.get(event_id, event.shards, image_id)
            if photo is None or photo.status != "indexed":
                return Renewal(image_id)
            if not _wants(event, model):
                # A run that was cancelled: what this message's earlier delivery has left must not wait for the next.
                self._photos.drop_next(event_id, event.shards, image_id, model)
                return Renewal(image_id)
            if not _lacks(event, photo, model):  # maybe by this order, whose earlier delivery was killed
                self._photos.touch(event_id, event.shards, image_id)
                return Renewal(image_id)
            started = perf_counter()
            faces, reason = self._made(event, photo, model)
            if self._photos.put_next(event_id, event.shards, photo, model, pack(faces) if len(faces) else b"", reason):
                milliseconds = (perf_counter() - started) * 1000
                return self._settled(event, photo, Renewal(image_id, True, len(faces), reason, milliseconds), model)
        raise Throttled("UpdateItem", "Unprocessed")

    def _settled(self, event: Event, photo: Photo, renewal: Renewal, model: str) -> Renewal:
        """Look at the event again: who ends a re-indexing says so there first, and then removes what he finds."""
        now = self._reader.read(Wanted(event_id=event.event_id)).event
        if now is None or not _wants(now, model):
            self._photos.drop_next(event.event_id, event.shards, renewal.image_id, model)
            return Renewal(renewal.image_id)
        if now.model == model:
            self._photos.fold(event.event_id, event.shards, renewal.image_id, model)
            if photo.model == model:  # a reader that came before the fold has seen the faces that it had
                self._photos.touch(event.event_id, event.shards, renewal.image_id)
        return renewal

    def _made(self, event: Event, photo: Photo, model: str) -> tuple[NDArray[np.float32], str]:
        """Embeddings, shape (n, 128), and why there are none."""
        nothing = np.empty((0, 128), np.float32)
        if photo.stripped and not photo.faces:
            return nothing, ""
        data = self._original(event, photo)
        if data is None:
            return nothing, GONE
        try:
            found = self._look(data, (model, photo.model) if photo.stripped else (model,))
        except UnusableImage as error:
            return nothing, error.message
        faces = found[model]
        if photo.stripped:
            faces = _still_there(faces, found[photo.model], unpack(photo.faces))
        return np.stack([face.embedding for face in faces]) if faces else nothing, ""

    def _original(self, event: Event, photo: Photo) -> bytes | None:
        """The file that the photo is; None if it is gone, or others have its keys by now."""
        files = (self._file(event, photo, place.key) for place in photo.originals)
        return next((data for data in files if data is not None), None)

    def _file(self, event: Event, photo: Photo, key: str) -> bytes | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        with closing(answer["Body"]) as body:
            if answer["ContentLength"] > self._most_bytes:
                return None
            data = body.read()
        return data if image_id_of_bytes(event.event_id, data) == photo.image_id else None


def _lacks(event: Event, photo: Photo, model: str) -> bool:
    """Whether the model has not looked at the photo, or could not, as its file was gone. The vector index would hear
    nothing of faces that come later than their photo."""
    faces = photo.faces_by(model)
    is_exact = IndexKind.VECTORS not in (event.index_kind, event.next_index_kind)
    return faces is None or (not faces and photo.reason == GONE and is_exact)


def _wants(event: Event, model: str) -> bool:
    return model in event.models and event.keeps_faces and not event.closing


def _still_there(faces: list[Face], before: list[Face], kept: NDArray[np.float32]) -> list[Face]:
    """The faces of a photo from which people were deleted, without those people: what the live model sees in the same
    place is among what was kept of it."""
    live = [face for face in before if (kept @ face.embedding).max(initial=-1) >= SAME_FACE]
    return [face for face in faces if any(_overlap(face, other) >= SAME_PLACE for other in live)]


def _overlap(one: Face, other: Face) -> float:
    (x, y, width, height), (u, v, other_width, other_height) = one.box, other.box
    across = max(0.0, min(x + width, u + other_width) - max(x, u))
    down = max(0.0, min(y + height, v + other_height) - max(y, v))
    both = across * down
    return both / (width * height + other_width * other_height - both)
