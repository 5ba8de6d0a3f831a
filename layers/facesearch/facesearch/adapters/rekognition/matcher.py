"""The matcher over Rekognition's collections, and what person deletion asks of it."""

import math
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from typing_extensions import override

from facesearch.adapters.rekognition.collections import CALL_SECONDS, RekognitionFaces
from facesearch.adapters.rekognition.pictures import selfie_jpeg
from facesearch.errors import EngineBusy, NoFaceFound, OtherPerson, Throttled, UnusableImage
from facesearch.faces.matching import Matcher
from facesearch.faces.sets import ATTEMPTS
from facesearch.faces.several import naming
from facesearch.models import Event, PhotoMatch, SearchKey
from facesearch.records import PhotoEraser, PhotoStore, read_photos

MAX_MATCHES = 4_096
"""The most faces that one search returns: a person on more photos of an event is found on the most similar of them."""
RETRY_AFTER_SECONDS = 5
_NOBODY = "No face was found in the selfie."
_UNREADABLE = "The file is not a picture that the face service can read."
_BUSY = "The face service is busy. Retry with the same request_id."


@dataclass(frozen=True)
class FaceHit:
    """A face of the collection. `similarity`: Rekognition's own, 0 to 100."""

    face_id: str
    image_id: uuid.UUID
    similarity: float


@dataclass(frozen=True)
class RekognitionProbe:
    """Every face at or above the event's confidence to one of the selfies, once. Rekognition keeps no embedding that
    could be asked for again, so the paid call of each selfie is made where it is read."""

    hits: Sequence[FaceHit]


@dataclass(frozen=True)
class RekognitionMatcher(Matcher[RekognitionProbe]):
    """Over the event's collection.

    An event's confidence is the least similarity by Rekognition's own scale here: the same name, another scale.
    """

    rekognition: Any  # a boto3 client
    prefix: str  # of the collections' names
    photos: PhotoStore
    pool: Executor  # reads records side by side
    clock: Callable[[], float] = time.monotonic

    @override
    def probe_is_paid(self, event: Event) -> bool:
        return True

    @override
    def probe(
        self,
        event: Event,
        selfies: Sequence[bytes],
        search: SearchKey | None = None,
        seconds: float = math.inf,
        accepted: Callable[[], None] = lambda: None,
    ) -> RekognitionProbe:
        """Several selfies are compared first: nothing is searched with pictures of two people.

        Raises:
            EngineBusy: throttled, and still after the client's own attempts; or the next call might take longer than
                what is left of `seconds`.
        """
        calls = _Calls(self.rekognition, self.clock, self.clock() + seconds)
        jpegs = []
        for number, selfie in enumerate(selfies, 1):
            with naming(number, len(selfies)):
                jpegs.append(selfie_jpeg(selfie))
        for number in range(2, len(jpegs) + 1):
            _compare(calls, event, jpegs, number)

        def search_with(number: int) -> Sequence[FaceHit]:
            with naming(number, len(jpegs)):
                return self._search(calls, event, jpegs[number - 1])

        best: dict[str, FaceHit] = {}
        for hit in chain.from_iterable(self.pool.map(search_with, range(1, len(jpegs) + 1))):
            if hit.face_id not in best or hit.similarity > best[hit.face_id].similarity:
                best[hit.face_id] = hit
        return RekognitionProbe(tuple(best.values()))

    def shows(self, event: Event, probe: RekognitionProbe, selfies: Sequence[bytes], picture: bytes) -> bool:
        """As `PersonMatcher` has it; up to one paid call for each of the person's selfies."""
        calls, other = _Calls(self.rekognition, self.clock, math.inf), selfie_jpeg(picture)
        for selfie in selfies:
            with suppress(OtherPerson):
                _compare(calls, event, [selfie_jpeg(selfie), other], 2)
                return True
        return False

    def _search(self, calls: "_Calls", event: Event, jpeg: bytes) -> Sequence[FaceHit]:
        try:
            response = calls(
                "search_faces_by_image",
                CollectionId=RekognitionFaces(self.rekognition, self.prefix, event.event_id).name,
                Image={"Bytes": jpeg},
                MaxFaces=MAX_MATCHES,
                FaceMatchThreshold=float(event.confidence),
                QualityFilter="NONE",
            )
        except self.rekognition.exceptions.ResourceNotFoundException:
            _check_for_a_face(calls, jpeg)
            return ()
        return tuple(_hits(response["FaceMatches"], event.confidence))

    @override
    def match(self, event: Event, probe: RekognitionProbe) -> list[PhotoMatch]:
        """Records are read now and strongly consistent: a photo without one is no match."""
        best: dict[uuid.UUID, float] = {}
        for hit in probe.hits:
            best[hit.image_id] = max(hit.similarity, best.get(hit.image_id, 0.0))
        ranked = sorted(best, key=lambda image_id: (-best[image_id], image_id))
        records = read_photos(self.photos, event.event_id, event.shards, ranked, self.pool)
        found = [records[image_id] for image_id in ranked if image_id in records]
        return [PhotoMatch(photo.image_id, photo.width, photo.height) for photo in found if photo.status == "indexed"]


@dataclass(frozen=True)
class PersonFaces:
    """`deletion.person.StoredPerson`: the person's faces in the collection are those that the selfie's search names.

    The photos' records come first: none of our models may find in the originals what was deleted here.
    """

    rekognition: Any
    prefix: str
    photos: PhotoEraser

    def bibs(
        self, event: Event, probe: RekognitionProbe, image_ids: Sequence[uuid.UUID]
    ) -> Mapping[str, Collection[uuid.UUID]]:
        """None: nobody knows which face wears which; `strip` deletes all bibs of these photos."""
        return {}

    def strip(self, event: Event, probe: RekognitionProbe, image_ids: Iterable[uuid.UUID]) -> int:
        wanted = set(image_ids)
        self._mark(event, wanted)
        return self._delete(event, [hit for hit in probe.hits if hit.image_id in wanted])

    def strip_strays(self, event: Event, probe: RekognitionProbe) -> int:
        return self._delete(event, probe.hits)

    def left(self, probe: RekognitionProbe, found: Sequence[PhotoMatch]) -> int:
        """Also those of photos that have no record."""
        return len(probe.hits)

    def watches(self, event: Event, probe: RekognitionProbe) -> list[SearchKey]:
        """None: the service gives no probe away that could be kept."""
        return []

    def _mark(self, event: Event, image_ids: set[uuid.UUID]) -> None:
        for _ in range(ATTEMPTS):
            records = self.photos.get_many(event.event_id, event.shards, image_ids)
            image_ids = {
                image_id
                for image_id, photo in records.items()
                if photo.status == "indexed"
                and not self.photos.replace_faces(event.event_id, event.shards, photo, b"", event.model)
            }
            if not image_ids:
                return
        raise RuntimeError("a photo is changed by others all the time")

    def _delete(self, event: Event, hits: Sequence[FaceHit]) -> int:
        faces = RekognitionFaces(self.rekognition, self.prefix, event.event_id)
        return faces.delete_faces([hit.face_id for hit in hits])


@dataclass(frozen=True)
class _Calls:
    """The calls of one search, of which none begins that could outlive it.

    A function that is killed in a call tells the guest nothing and gives no quota back.
    """

    rekognition: Any
    clock: Callable[[], float]
    deadline: float

    def __call__(self, operation: str, **asked: Any) -> Any:
        """The response. A refusal is told as it concerns a guest: the parameters are ours and within their limits, the
        selfie is a JPEG of a size that Rekognition takes, so what is invalid can only be that it has no face.

        Raises:
            EngineBusy: throttled, or the call might not end in time.
            NoFaceFound, UnusableImage: the selfie.
        """
        if self.deadline - self.clock() < CALL_SECONDS:
            raise EngineBusy(_BUSY, RETRY_AFTER_SECONDS)
        errors = self.rekognition.exceptions
        try:
            return getattr(self.rekognition, operation)(**asked)
        except Throttled as error:
            raise EngineBusy(_BUSY, RETRY_AFTER_SECONDS) from error
        except errors.InvalidParameterException as error:
            raise NoFaceFound(_NOBODY) from error
        except (errors.ImageTooLargeException, errors.InvalidImageFormatException) as error:
            raise UnusableImage(_UNREADABLE) from error


def _compare(calls: _Calls, event: Event, jpegs: Sequence[bytes], number: int) -> None:
    """Check that a further selfie shows the person of the first one.

    Both by their largest face, as searches see them: CompareFaces itself would also take somebody in the second one's
    background.
    """
    try:
        with naming(number, len(jpegs)):
            response = calls(
                "compare_faces",
                SourceImage={"Bytes": jpegs[0]},
                TargetImage={"Bytes": jpegs[number - 1]},
                SimilarityThreshold=float(event.confidence),
                QualityFilter="NONE",
            )
    except NoFaceFound:  # in one of the two
        with naming(1, len(jpegs)):
            _check_for_a_face(calls, jpegs[0])
        raise
    faces = [(_area(match["Face"]), match["Similarity"]) for match in response["FaceMatches"]]
    faces += [(_area(face), 0.0) for face in response["UnmatchedFaces"]]
    if not faces:
        with naming(number, len(jpegs)):
            raise NoFaceFound(_NOBODY)
    if max(faces)[1] < event.confidence:
        raise OtherPerson(f"Selfie {number} does not show the same person as selfie 1.")


def _check_for_a_face(calls: _Calls, jpeg: bytes) -> None:
    """Of an event without a collection, which has no photo yet: a selfie of nobody is refused there as well."""
    if not calls("detect_faces", Image={"Bytes": jpeg}, Attributes=["DEFAULT"])["FaceDetails"]:
        raise NoFaceFound(_NOBODY)


def _hits(matches: Any, least: float) -> Iterable[FaceHit]:
    for match in matches:
        if match["Similarity"] < least:
            continue
        with suppress(ValueError):  # a face that somebody else has put there has no UUID
            image_id = uuid.UUID(match["Face"].get("ExternalImageId", ""))
            yield FaceHit(match["Face"]["FaceId"], image_id, match["Similarity"])


def _area(face: Any) -> float:
    return float(face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"])
