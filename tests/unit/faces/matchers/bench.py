"""An event with everything around it in memory, once for each engine: photos come in by the indexing use case, go by
the erasing ones, and are found by the matcher."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from botocore.config import Config

from facesearch.adapters.memory.rekognition import MemoryRekognition, SeenFace
from facesearch.adapters.rekognition import COLLECTION_MODEL, Collections, PersonFaces, RekognitionMatcher
from facesearch.adapters.rekognition.pictures import parts_of
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.person import EmbeddedStripper, PersonDeletion
from facesearch.deletion.photos import PhotoDeletion
from facesearch.deletion.retention import FaceRetention
from facesearch.errors import NoFaceFound
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.engine import Embedding, Face, RgbImage
from facesearch.faces.index import IndexCache
from facesearch.faces.outside import OutsideIndexing
from facesearch.models import FIRST_MODEL, Event
from facesearch.photos.imaging import read_image
from facesearch.photos.indexing import IndexingReport, PhotoIndexer
from facesearch.records import image_id_of_bytes
from tests.support.fakes import EVENT
from tests.support.site import Inline, Parts
from tests.unit.faces.matchers.people import LIKENESS, Look, likeness, see, seen, selfie_of
from tests.unit.photos.indexing.fakes import PHOTOS, RENDITIONS, MemoryRequests, MemoryS3, notification

PREFIX = "stack."
OTHER = replace(EVENT, event_id=EVENT.event_id + 1)
ONE_ATTEMPT = Config(retries={"mode": "standard", "total_max_attempts": 1})


class FakeEngine:
    """Reads the pictures of `people`; a face's cosine to its person's selfie is the one of its percentage."""

    model = FIRST_MODEL
    """Whose scores are bare cosines, so that a photo lies just above a percentage; levelling has tests of its own."""

    def faces(self, image: RgbImage) -> list[Face]:
        return [Face((0, 0, 9, 9), np.zeros((5, 2), np.float32), 0.9, embedding_of(each)) for _, each in seen(image)]

    def probe(self, selfie: bytes) -> Embedding:
        faces = seen(np.asarray(read_image(selfie).image))
        if not faces:
            raise NoFaceFound("nobody")
        return embedding_of(max(faces, key=lambda face: face[0].width * face[0].height)[1])


def embedding_of(each: Look) -> Embedding:
    vector = np.zeros(128, np.float64)
    cosine = 1.0 if each.level == 0 else threshold(LIKENESS[each.level], FIRST_MODEL) + 0.002
    vector[each.person] = cosine
    vector[20 + each.person * len(LIKENESS) + each.level] = np.sqrt(1 - cosine**2)
    return cast("Embedding", vector.astype(np.float32))


@dataclass
class MatcherBench:
    """One engine's. `pool` is only for whole messages."""

    engine: str
    pool: ThreadPoolExecutor
    parts: Parts = field(default_factory=Parts.memory)
    s3: MemoryS3 = field(default_factory=MemoryS3)
    config: Config | None = None

    def __post_init__(self) -> None:
        self.event = replace(self.parts.event, model=FIRST_MODEL)
        self.parts.reader.events[self.event.event_id] = self.event
        self.parts.reader.events[OTHER.event_id] = OTHER
        self.service = MemoryRekognition(lambda data: [SeenFace(box, each) for box, each in see(data)], likeness)
        client: Any = self.service.client(self.config)
        self.collections = Collections(client, PREFIX)
        self.stores = self.parts.stores
        outside = None
        stripper: Any
        if self.engine == "rekognition":
            outside = OutsideIndexing(COLLECTION_MODEL, self.collections, parts_of)
            self.stores = replace(self.stores, outside=self.collections)
            self.matcher: Any = RekognitionMatcher(client, PREFIX, self.stores.photos, Inline())
            stripper = PersonFaces(self.collections)
        else:
            cache = IndexCache(self.stores.photos, self.stores.snapshots, 100, Inline())
            self.matcher = EmbeddedMatcher(lambda _: FakeEngine(), cache, Inline(), Inline())
            stripper = EmbeddedStripper(self.stores)
        self.indexer = PhotoIndexer(
            lambda _: FakeEngine(),
            self.stores.photos,
            self.parts.reader,
            cast("Any", self.s3),
            PHOTOS,
            RENDITIONS,
            MemoryRequests(),
            self.pool,
            outside=outside,
        )
        self.photos_eraser = PhotoDeletion(self.stores)
        self.person_eraser = PersonDeletion(self.stores, self.matcher, stripper)
        self.event_eraser = EventDeletion(self.stores)
        self.retention = FaceRetention(
            self.stores.photos, self.stores.snapshots, self.stores.events, self.stores.watches, self.stores.outside
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
