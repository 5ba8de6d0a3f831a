"""One collection an event: its faces indexed, deleted and counted. The collection itself is the only list of them.

It is made with the event, and where that has not happened (the event is older than the engine, or was made by another
way than the command line) with its first photo. A search makes none: it could outlive the event.
"""

import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from facesearch.adapters.rekognition.regions import FoundFace, one_per_face, placed, quarters
from facesearch.errors import Throttled, UnusableImage
from facesearch.faces.outside import WHOLE, PhotoFile, Region

COLLECTION_MODEL = "rekognition"
"""The model of photos whose faces are in a collection."""
FACES_A_CALL = 100
"""The most faces of one picture that IndexFaces takes: the largest."""
LOOKS = 21
"""Calls for one photo, at most: the whole, its quarters, theirs. So 100 faces where there are fewer, 1,600 at most."""
FACES_A_PAGE = 4_096
"""The most that ListFaces tells and DeleteFaces takes."""
QUALITY = "AUTO"
"""Rekognition's own bar: faces too small, blurred, dark or turned away to be compared are not indexed."""

INDEXING = Config(connect_timeout=2, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 6})
"""Pauses of up to 1, 2, 4, 8 and 16 s, each shortened by chance: what is refused after them, SQS delivers again."""
SEARCHING = Config(connect_timeout=1, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})
CALL_SECONDS = 11.0
"""The longest that one call of a search takes: two attempts of 5 s and a pause of up to 1 s. Of the search function's
20 s, two go to storing what was found: 7 s are left for the steps before the last call, of which each takes about 1."""

NOT_FOUND = "ResourceNotFoundException"
UNUSABLE = ("ImageTooLargeException", "InvalidImageFormatException")
_UNREADABLE = "The face service cannot read the picture."


def code_of(error: ClientError | Throttled) -> str:
    """The name of what AWS refused for."""
    return error.code if isinstance(error, Throttled) else str(error.response["Error"]["Code"])


def name_of(prefix: str, event_id: int) -> str:
    """The collection of an event. `prefix`: what this stack's collections are called by, and nobody else's."""
    return f"{prefix}{event_id}"


class Collections:
    """`OutsideFaces` and `OutsideEraser` over Rekognition's collections."""

    def __init__(self, rekognition: Any, prefix: str) -> None:
        """Take a boto3 client; `prefix` as `name_of` takes it."""
        self._rekognition = rekognition
        self._prefix = prefix

    def name(self, event_id: int) -> str:
        """The event's collection."""
        return name_of(self._prefix, event_id)

    def create(self, event_id: int) -> None:
        """Make the event's collection unless it is there."""
        try:
            self._rekognition.create_collection(CollectionId=self.name(event_id))
        except ClientError as error:
            if code_of(error) != "ResourceAlreadyExistsException":
                raise

    def add(self, event_id: int, image_id: uuid.UUID, photo: PhotoFile) -> list[str]:
        """See `OutsideFaces.add`. A picture with as many faces as one call takes is looked at again in quarters.

        The same bytes for the same photo are the same faces to Rekognition, so a second delivery adds none.
        """
        found: list[FoundFace] = []
        waiting = deque([(WHOLE, photo.whole)])
        looks = 1
        while waiting:
            look, jpeg = waiting.popleft()
            faces, is_full = self._index(event_id, image_id, look, jpeg)
            found += faces
            if is_full and looks + 4 <= LOOKS:
                parts = quarters(look)
                waiting.extend(zip(parts, photo.cut(parts), strict=True))
                looks += 4
        kept, again = one_per_face(found)
        self.discard(event_id, [face.face_id for face in again])
        return [face.face_id for face in kept]

    def discard(self, event_id: int, face_ids: Iterable[str]) -> int:
        """See `OutsideFaces.discard`."""
        iterator, count = iter(dict.fromkeys(face_ids)), 0
        while some := list(islice(iterator, FACES_A_PAGE)):
            try:
                answer = self._rekognition.delete_faces(CollectionId=self.name(event_id), FaceIds=some)
            except ClientError as error:
                if code_of(error) != NOT_FOUND:
                    raise
                return count
            count += len(answer["DeletedFaces"])
        return count

    def forget(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        """See `OutsideFaces.forget`. Reads the whole collection: Rekognition cannot list the faces of one photo."""
        return self.discard(event_id, list(self._faces_of(event_id, image_ids)))

    def count(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        """See `OutsideEraser.count`; as `forget` does."""
        return sum(1 for _ in self._faces_of(event_id, image_ids))

    def forget_event(self, event_id: int) -> int:
        """See `OutsideFaces.forget_event`."""
        faces = self._face_count(event_id)
        if faces is None:
            return 0
        try:
            self._rekognition.delete_collection(CollectionId=self.name(event_id))
        except ClientError as error:
            if code_of(error) != NOT_FOUND:
                raise
        return faces

    def count_event(self, event_id: int) -> int:
        """See `OutsideEraser.count_event`."""
        faces = self._face_count(event_id)
        return 0 if faces is None else max(faces, 1)

    def _index(self, event_id: int, image_id: uuid.UUID, look: Region, jpeg: bytes) -> tuple[list[FoundFace], bool]:
        """Index one picture; its faces, and whether there may be more than it could take."""
        try:
            answer = self._index_faces(event_id, image_id, jpeg)
        except ClientError as error:
            if code_of(error) in UNUSABLE:
                raise UnusableImage(_UNREADABLE) from error
            raise
        faces = [record["Face"] for record in answer["FaceRecords"]]
        found = [FoundFace(face["FaceId"], placed(_box(face), look), look) for face in faces]
        return found, len(found) + len(answer.get("UnindexedFaces", [])) >= FACES_A_CALL

    def _index_faces(self, event_id: int, image_id: uuid.UUID, jpeg: bytes) -> Any:
        def call() -> Any:
            return self._rekognition.index_faces(
                CollectionId=self.name(event_id),
                Image={"Bytes": jpeg},
                ExternalImageId=str(image_id),
                MaxFaces=FACES_A_CALL,
                QualityFilter=QUALITY,
                DetectionAttributes=["DEFAULT"],
            )

        try:
            return call()
        except ClientError as error:
            if code_of(error) != NOT_FOUND:
                raise
            self.create(event_id)
            return call()

    def _faces_of(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> Iterator[str]:
        wanted = {str(image_id) for image_id in image_ids}
        if not wanted:
            return
        pages = self._rekognition.get_paginator("list_faces").paginate(
            CollectionId=self.name(event_id), PaginationConfig={"PageSize": FACES_A_PAGE}
        )
        try:
            for page in pages:
                yield from (face["FaceId"] for face in page["Faces"] if face.get("ExternalImageId") in wanted)
        except ClientError as error:
            if code_of(error) != NOT_FOUND:
                raise

    def _face_count(self, event_id: int) -> int | None:
        """None if there is no collection."""
        try:
            return int(self._rekognition.describe_collection(CollectionId=self.name(event_id))["FaceCount"])
        except ClientError as error:
            if code_of(error) != NOT_FOUND:
                raise
            return None


def _box(face: Any) -> Region:
    box = face["BoundingBox"]
    return Region(box["Left"], box["Top"], box["Width"], box["Height"])
