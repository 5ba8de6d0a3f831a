"""One collection an event: its faces indexed, deleted and counted. The collection itself is the only list of them.

It is made with the event, and where that has not happened (the event got such a face set later) with its first photo. A
search makes none: it could outlive the event.
"""

import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from botocore.config import Config
from typing_extensions import override

from facesearch.adapters.rekognition.regions import FoundFace, is_among, one_per_face, placed, quarters
from facesearch.errors import UnusableImage
from facesearch.faces.sets import WHOLE, FaceSetStore, PhotoFaces, PhotoFile, Region

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

_UNREADABLE = "The face service cannot read the picture."


@dataclass(frozen=True)
class RekognitionFaces(FaceSetStore):
    """The collection of one event. `rekognition` is a boto3 client, `prefix` what this stack's collections are called
    by, and nobody else's."""

    rekognition: Any
    prefix: str
    event_id: int

    @property
    def name(self) -> str:
        """The collection."""
        return f"{self.prefix}{self.event_id}"

    @override
    def complete(self, advance: Callable[[int], None] = lambda _: None) -> bool:
        """Make the collection unless it is there. A photo's record names its model only after its faces are in it."""
        with suppress(self.rekognition.exceptions.ResourceAlreadyExistsException):
            self.rekognition.create_collection(CollectionId=self.name)
        return True

    @override
    def add(self, photos: Iterable[PhotoFaces]) -> int:
        """Have the faces found. A picture with as many as one call takes is looked at again in quarters.

        The same bytes for the same photo are the same faces to Rekognition, so a second delivery adds none.
        """
        return sum(self._add(photo.image_id, photo.file) for photo in photos if photo.file is not None)

    def _add(self, image_id: uuid.UUID, photo: PhotoFile) -> int:
        found: list[FoundFace] = []
        try:
            self._look(image_id, photo, found)
        except UnusableImage:
            self.delete_faces([face.face_id for face in found])
            raise
        kept, again = one_per_face(found)
        if photo.only is not None:
            again += [face for face in kept if not is_among(face.box, photo.only)]
        self.delete_faces([face.face_id for face in again])
        return len({face.face_id for face in found}) - len(again)

    def _look(self, image_id: uuid.UUID, photo: PhotoFile, found: list[FoundFace]) -> None:
        """Index the whole and as many parts as it takes; each face is in `found` as soon as it is in the collection."""
        waiting = deque([(WHOLE, photo.whole)])
        looks = 1
        while waiting:
            look, jpeg = waiting.popleft()
            faces, is_full = self._index(image_id, look, jpeg)
            found += faces
            if is_full and looks + 4 <= LOOKS:
                parts = quarters(look)
                waiting.extend(zip(parts, photo.cut(parts), strict=True))
                looks += 4

    def delete_faces(self, face_ids: Iterable[str]) -> int:
        """Delete these faces; how many of them were there."""
        iterator, count = iter(dict.fromkeys(face_ids)), 0
        with suppress(self._missing):
            while some := list(islice(iterator, FACES_A_PAGE)):
                response = self.rekognition.delete_faces(CollectionId=self.name, FaceIds=some)
                count += len(response["DeletedFaces"])
        return count

    @override
    def delete_photos(self, image_ids: Collection[uuid.UUID]) -> int:
        """Delete what reading the whole collection finds: Rekognition cannot list the faces of one photo."""
        return self.delete_faces(list(self._faces_of(image_ids)))

    @override
    def delete(self) -> int:
        faces = self._face_count()
        if faces is not None:
            with suppress(self._missing):
                self.rekognition.delete_collection(CollectionId=self.name)
        return faces or 0

    @override
    def count(self, image_ids: Collection[uuid.UUID] | None = None) -> int:
        if image_ids is not None:
            return sum(1 for _ in self._faces_of(image_ids))
        faces = self._face_count()
        return 0 if faces is None else max(faces, 1)

    def _index(self, image_id: uuid.UUID, look: Region, jpeg: bytes) -> tuple[list[FoundFace], bool]:
        """Index one picture; its faces, and whether there may be more than it could take."""
        errors = self.rekognition.exceptions
        try:
            response = self._index_faces(image_id, jpeg)
        except (errors.ImageTooLargeException, errors.InvalidImageFormatException) as error:
            raise UnusableImage(_UNREADABLE) from error
        faces = [record["Face"] for record in response["FaceRecords"]]
        found = [FoundFace(face["FaceId"], placed(_box(face), look), look) for face in faces]
        return found, len(found) + len(response.get("UnindexedFaces", [])) >= FACES_A_CALL

    def _index_faces(self, image_id: uuid.UUID, jpeg: bytes) -> Any:
        asked: Any = {
            "CollectionId": self.name,
            "Image": {"Bytes": jpeg},
            "ExternalImageId": str(image_id),
            "MaxFaces": FACES_A_CALL,
            "QualityFilter": QUALITY,
            "DetectionAttributes": ["DEFAULT"],
        }
        with suppress(self._missing):
            return self.rekognition.index_faces(**asked)
        self.complete()
        return self.rekognition.index_faces(**asked)

    def _faces_of(self, image_ids: Iterable[uuid.UUID]) -> Iterator[str]:
        wanted = {str(image_id) for image_id in image_ids}
        if not wanted:
            return
        pages = self.rekognition.get_paginator("list_faces").paginate(
            CollectionId=self.name, PaginationConfig={"PageSize": FACES_A_PAGE}
        )
        with suppress(self._missing):
            for page in pages:
                yield from (face["FaceId"] for face in page["Faces"] if face.get("ExternalImageId") in wanted)

    def _face_count(self) -> int | None:
        """None if there is no collection."""
        with suppress(self._missing):
            return int(self.rekognition.describe_collection(CollectionId=self.name)["FaceCount"])
        return None

    @property
    def _missing(self) -> Any:
        """What the client raises where there is no collection."""
        return self.rekognition.exceptions.ResourceNotFoundException


def _box(face: Any) -> Region:
    box = face["BoundingBox"]
    return Region(box["Left"], box["Top"], box["Width"], box["Height"])
