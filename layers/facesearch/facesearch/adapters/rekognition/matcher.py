"""The matcher over Rekognition's collections, and what person deletion asks of it."""

import math
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.adapters.rekognition.collections import (
    CALL_SECONDS,
    NOT_FOUND,
    UNUSABLE,
    RekognitionFaces,
    code_of,
    name_of,
)
from facesearch.adapters.rekognition.pictures import selfie_jpeg
from facesearch.errors import EngineBusy, NoFaceFound, OtherPerson, Throttled, UnusableImage
from facesearch.faces.matching import Matcher
from facesearch.faces.sets import ATTEMPTS
from facesearch.faces.several import naming
from facesearch.models import Event, PhotoMatch, SearchKey, SearchSummary
from facesearch.records import Photo, PhotoEraser, PhotoStore

MAX_MATCHES = 4_096
"""The most faces that one search returns: a person on more photos of an event is found on the most similar of them."""
RECORDS_AT_ONCE = 100
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


class RekognitionMatcher(Matcher[RekognitionProbe]):
    """`Matcher` over the event's collection.

    An event's confidence is the least similarity by Rekognition's own scale here: the same name, another scale.
    """

    def __init__(
        self,
        rekognition: Any,
        prefix: str,
        photos: PhotoStore,
        pool: Executor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a boto3 client, `prefix` as `name_of` takes it, and a pool that reads records side by side."""
        self._rekognition = rekognition
        self._prefix = prefix
        self._photos = photos
        self._pool = pool
        self._clock = clock

    @override
    def probe_is_paid(self, event: Event) -> bool:
        return True

    @override
    def probe(
        self, event: Event, selfies: Sequence[bytes], search: SearchKey | None = None, seconds: float = math.inf
    ) -> RekognitionProbe:
        """Several selfies are compared first: nothing is searched with pictures of two people.

        Raises:
            EngineBusy: throttled, and still after the client's own attempts; or the next call might take longer than
                what is left of `seconds`.
        """
        calls = _Calls(self._rekognition, self._clock, self._clock() + seconds)
        jpegs = []
        for number, selfie in enumerate(selfies, 1):
            with naming(number, len(selfies)):
                jpegs.append(selfie_jpeg(selfie))
        for number in range(2, len(jpegs) + 1):
            self._compare(calls, event, jpegs, number)

        def search_with(number: int) -> Sequence[FaceHit]:
            with naming(number, len(jpegs)):
                return self._search(calls, event, jpegs[number - 1])

        best: dict[str, FaceHit] = {}
        for hit in chain.from_iterable(self._pool.map(search_with, range(1, len(jpegs) + 1))):
            if hit.face_id not in best or hit.similarity > best[hit.face_id].similarity:
                best[hit.face_id] = hit
        return RekognitionProbe(tuple(best.values()))

    def shows(self, event: Event, probe: RekognitionProbe, selfies: Sequence[bytes], picture: bytes) -> bool:
        """See `deletion.person.PersonMatcher`; up to one paid call for each of the person's selfies."""
        calls, other = _Calls(self._rekognition, self._clock, math.inf), selfie_jpeg(picture)
        for selfie in selfies:
            try:
                self._compare(calls, event, [selfie_jpeg(selfie), other], 2)
            except OtherPerson:
                continue
            return True
        return False

    def _search(self, calls: "_Calls", event: Event, jpeg: bytes) -> Sequence[FaceHit]:
        try:
            answer = calls.client.search_faces_by_image(
                CollectionId=name_of(self._prefix, event.event_id),
                Image={"Bytes": jpeg},
                MaxFaces=MAX_MATCHES,
                FaceMatchThreshold=float(event.confidence),
                QualityFilter="NONE",
            )
        except (ClientError, Throttled) as error:
            if code_of(error) != NOT_FOUND:
                raise _outcome(error) from error
            _check_for_a_face(calls, jpeg)
            return ()
        return tuple(_hits(answer["FaceMatches"], event.confidence))

    def _compare(self, calls: "_Calls", event: Event, jpegs: Sequence[bytes], number: int) -> None:
        """Check that a further selfie shows the person of the first one.

        Both by their largest face, as searches see them: CompareFaces itself would also take somebody in the second
        one's background.
        """
        try:
            answer = calls.client.compare_faces(
                SourceImage={"Bytes": jpegs[0]},
                TargetImage={"Bytes": jpegs[number - 1]},
                SimilarityThreshold=float(event.confidence),
                QualityFilter="NONE",
            )
        except (ClientError, Throttled) as error:
            outcome = _outcome(error)
            if isinstance(outcome, NoFaceFound):  # in one of the two
                with naming(1, len(jpegs)):
                    _check_for_a_face(calls, jpegs[0])
            with naming(number, len(jpegs)):
                raise outcome from error
        faces = [(_area(match["Face"]), match["Similarity"]) for match in answer["FaceMatches"]]
        faces += [(_area(face), 0.0) for face in answer["UnmatchedFaces"]]
        if not faces:
            with naming(number, len(jpegs)):
                raise NoFaceFound(_NOBODY)
        if max(faces)[1] < event.confidence:
            raise OtherPerson(f"Selfie {number} does not show the same person as selfie 1.")

    @override
    def match(self, event: Event, probe: RekognitionProbe) -> list[PhotoMatch]:
        """Records are read now and strongly consistent: a photo without one is no match."""
        best: dict[uuid.UUID, float] = {}
        for hit in probe.hits:
            best[hit.image_id] = max(hit.similarity, best.get(hit.image_id, 0.0))
        ranked = sorted(best, key=lambda image_id: (-best[image_id], image_id))
        records = self._records(event, ranked)
        found = [records[image_id] for image_id in ranked if image_id in records]
        return [PhotoMatch(photo.image_id, photo.width, photo.height) for photo in found if photo.status == "indexed"]

    def summary(self, event: Event, probe: RekognitionProbe, photos: Sequence[PhotoMatch]) -> SearchSummary:
        """What is kept of the match beside its photos."""
        return SearchSummary(len(photos), event.confidence)

    def _records(self, event: Event, image_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        def read(start: int) -> dict[uuid.UUID, Photo]:
            some = image_ids[start : start + RECORDS_AT_ONCE]
            return self._photos.get_many(event.event_id, event.shards, some)

        records: dict[uuid.UUID, Photo] = {}
        for some in self._pool.map(read, range(0, len(image_ids), RECORDS_AT_ONCE)):
            records |= some
        return records


@dataclass(frozen=True)
class PersonFaces:
    """`deletion.person.StoredPerson`: the person's faces in the collection are those that the selfie's search names.

    The photos' records come first: none of our models may find in the originals what was deleted here.
    """

    open: Callable[[Event], RekognitionFaces]
    photos: PhotoEraser

    def strip(self, event: Event, probe: RekognitionProbe, image_ids: Iterable[uuid.UUID]) -> int:
        """See `StoredPerson.strip`."""
        wanted = set(image_ids)
        self._mark(event, wanted)
        return self._delete(event, [hit for hit in probe.hits if hit.image_id in wanted])

    def strip_strays(self, event: Event, probe: RekognitionProbe) -> int:
        """See `StoredPerson.strip_strays`."""
        return self._delete(event, probe.hits)

    def left(self, probe: RekognitionProbe, found: Sequence[PhotoMatch]) -> int:
        """See `StoredPerson.left`; also those of photos that have no record."""
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
        return self.open(event).delete_faces([hit.face_id for hit in hits])


@dataclass(frozen=True)
class _Calls:
    """The calls of one search, of which none begins that could outlive it.

    A function that is killed in a call tells the guest nothing and gives no quota back.
    """

    rekognition: Any
    clock: Callable[[], float]
    deadline: float

    @property
    def client(self) -> Any:
        """The client, for one call.

        Raises:
            EngineBusy: that call might not end in time.
        """
        if self.deadline - self.clock() < CALL_SECONDS:
            raise EngineBusy(_BUSY, RETRY_AFTER_SECONDS)
        return self.rekognition


def _check_for_a_face(calls: _Calls, jpeg: bytes) -> None:
    """Of an event without a collection, which has no photo yet: a selfie of nobody is refused there as well."""
    try:
        answer = calls.client.detect_faces(Image={"Bytes": jpeg}, Attributes=["DEFAULT"])
    except (ClientError, Throttled) as error:
        raise _outcome(error) from error
    if not answer["FaceDetails"]:
        raise NoFaceFound(_NOBODY)


def _outcome(error: ClientError | Throttled) -> Exception:
    """What a refusal means to a guest. The parameters are ours and within their limits, the selfie is a JPEG of a
    size that Rekognition takes: the only invalid thing left is that there is no face in it."""
    code = code_of(error)
    if code == "InvalidParameterException":
        return NoFaceFound(_NOBODY)
    if code in UNUSABLE:
        return UnusableImage(_UNREADABLE)
    return EngineBusy(_BUSY, RETRY_AFTER_SECONDS) if isinstance(error, Throttled) else error


def _hits(matches: Any, least: float) -> Iterable[FaceHit]:
    for match in matches:
        image_id = _uuid(match["Face"].get("ExternalImageId", ""))
        if image_id is not None and match["Similarity"] >= least:
            yield FaceHit(match["Face"]["FaceId"], image_id, match["Similarity"])


def _area(face: Any) -> float:
    return float(face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"])


def _uuid(text: str) -> uuid.UUID | None:
    """None: a face that somebody else has put there."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
