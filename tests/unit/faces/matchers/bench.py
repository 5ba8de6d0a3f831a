"""An event with everything around it in memory, once for each kind of face set: photos come in by the indexing use
case, go by the deleting ones, and are found by the matcher."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from botocore.config import Config

from facesearch.adapters.memory.rekognition import MemoryRekognition, SeenFace
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.adapters.memory.watermarks import MemoryWatermarkFiles
from facesearch.adapters.rekognition.collections import RekognitionFaces
from facesearch.adapters.rekognition.matcher import PersonFaces, RekognitionMatcher
from facesearch.adapters.rekognition.pictures import parts_of
from facesearch.adapters.s3.pictures import S3Pictures
from facesearch.deletion.embedded_person import EmbeddedPerson
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.person import PersonDeletion, PersonParts
from facesearch.deletion.photos import PhotoDeletion
from facesearch.deletion.retention import FaceRetention
from facesearch.errors import NoFaceFound
from facesearch.faces.confidence import threshold
from facesearch.faces.engine import Embedding, Face, RgbImage, SelfieProbe
from facesearch.models import FIRST_MODEL, REKOGNITION, Event, FaceSet, FaceSetKind
from facesearch.photos.imaging import read_image
from facesearch.photos.indexing import PhotoIndexer
from facesearch.photos.looking import IndexingReport, PhotoLooker
from facesearch.photos.watermark import Stamps
from facesearch.records import image_id_of_bytes
from tests.support.fakes import EVENT
from tests.support.site import Inline, Parts
from tests.unit.faces.matchers.people import LIKENESS, Look, likeness, see, seen, selfie_of
from tests.unit.faces.sets.places import PREFIX, face_sets, matcher_over
from tests.unit.photos.indexing.fakes import PHOTOS, RENDITIONS, MemoryRequests, MemoryS3, notification

OTHER = replace(EVENT, event_id=EVENT.event_id + 1)
ONE_ATTEMPT = Config(retries={"mode": "standard", "total_max_attempts": 1})


class FakeEngine:
    """Reads the pictures of `people`; a face's cosine to its person's selfie is the one of its percentage."""

    model = FIRST_MODEL
    """Whose scores are bare cosines, so that a photo lies just above a percentage; levelling has tests of its own."""

    def faces(self, image: RgbImage) -> list[Face]:
        return [Face((0, 0, 9, 9), np.zeros((5, 2), np.float32), 0.9, embedding_of(each)) for _, each in seen(image)]

    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        faces = seen(np.asarray(read_image(selfie).image))
        if not faces:
            raise NoFaceFound("nobody")
        owner = max(faces, key=lambda face: face[0].width * face[0].height)[1]
        return SelfieProbe(embedding_of(owner), len(faces))


def embedding_of(each: Look) -> Embedding:
    vector = np.zeros(128, np.float64)
    cosine = 1.0 if each.level == 0 else threshold(LIKENESS[each.level], FIRST_MODEL) + 0.002
    vector[each.person] = cosine
    vector[20 + each.person * len(LIKENESS) + each.level] = np.sqrt(1 - cosine**2)
    return cast("Embedding", vector.astype(np.float32))


@dataclass
class MatcherBench:
    """An event with one kind of face set. `pool` is only for whole messages."""

    kind: FaceSetKind
    pool: ThreadPoolExecutor
    parts: Parts = field(default_factory=Parts.memory)
    s3: MemoryS3 = field(default_factory=MemoryS3)
    config: Config | None = None

    def __post_init__(self) -> None:
        faces = REKOGNITION if self.kind is FaceSetKind.REKOGNITION else FaceSet(FIRST_MODEL, self.kind)
        self.event = replace(self.parts.event, faces=faces, vector_table="memory")
        self.parts.reader.events[self.event.event_id] = self.event
        other = replace(OTHER, faces=faces, vector_table="memory")
        self.parts.reader.events[OTHER.event_id] = other
        self.service = MemoryRekognition(lambda data: [SeenFace(box, each) for box, each in see(data)], likeness)
        self.client: Any = self.service.client(self.config)
        stores, items = self.parts.stores, MemoryVectorItems()
        sets = face_sets(stores.photos, stores.snapshots, items, self.client, pool=Inline())
        self.stores = stores = replace(stores, sets=sets)
        self.collection = RekognitionFaces(self.client, PREFIX, self.event.event_id)
        stripper: Any
        if self.kind is FaceSetKind.REKOGNITION:
            self.matcher: Any = RekognitionMatcher(self.client, PREFIX, stores.photos, Inline())
            stripper = PersonFaces(self.client, PREFIX, stores.photos)
        else:
            self.matcher = matcher_over(
                lambda _: FakeEngine(), stores.photos, stores.snapshots, items, stores.events, pool=Inline()
            )
            stripper = EmbeddedPerson(stores)
        self.indexer = PhotoIndexer(
            looker=PhotoLooker(engines=lambda _: FakeEngine(), parts_of=parts_of),
            photos=stores.photos,
            pictures=S3Pictures(cast("Any", self.s3), PHOTOS, RENDITIONS),
            stamps=Stamps(MemoryWatermarkFiles()),
            reader=self.parts.reader,
            sets=sets,
            snapshots=MemoryRequests(),
            pool=self.pool,
        )
        self.photos_eraser = PhotoDeletion(stores=stores)
        self.person_eraser = PersonDeletion(stores=stores, parts=lambda _: PersonParts(self.matcher, stripper))
        self.event_eraser = EventDeletion(stores=stores)
        self.retention = FaceRetention(
            photos=stores.photos,
            snapshots=stores.snapshots,
            events=stores.events,
            watches=stores.searches.watches,
            sets=sets,
        )

    def upload(self, data: bytes, event: Event | None = None) -> IndexingReport:
        """Have a photo indexed."""
        event = event or self.event
        key = f"{event.org_id}/{event.event_id}/{image_id_of_bytes(event.event_id, data)}/a.png"
        self.s3.objects[PHOTOS, key] = data
        (report,) = self.indexer.index_message(notification(key))
        return report

    def add(self, data: bytes, event: Event | None = None) -> uuid.UUID:
        """Have a photo indexed; its id."""
        image_id = self.upload(data, event).image_id
        assert image_id is not None
        return image_id

    def search(self, *selfies: bytes, confidence: int | None = None, event: Event | None = None) -> list[uuid.UUID]:
        """Ids of the photos that the selfies find, in order."""
        event = self.parts.reader.events[(event or self.event).event_id]
        at = replace(event, confidence=confidence or event.confidence)
        return [match.image_id for match in self.matcher.match(at, self.matcher.probe(at, selfies))]

    def find(self, person: int, confidence: int | None = None) -> list[uuid.UUID]:
        return self.search(selfie_of(person), confidence=confidence)

    @property
    def kept(self) -> Sequence[Any]:
        """Faces of the event's collection."""
        return list(self.service.collections.get(f"{PREFIX}{self.event.event_id}", {}).values())
