"""An event with photos of a few people, two models that see them quite differently, every place that keeps faces, and a
queue without a network."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

import numpy as np

from facesearch.adapters.memory.rekognition import MemoryRekognition, SeenFace
from facesearch.adapters.memory.stores import (
    MemoryErasureLog,
    MemoryPhotoStore,
    MemoryReader,
    MemorySnapshotStore,
)
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.adapters.memory.watermarks import MemoryWatermarkFiles
from facesearch.adapters.rekognition.matcher import PersonFaces, RekognitionMatcher
from facesearch.adapters.rekognition.pictures import parts_of
from facesearch.adapters.s3.pictures import S3Pictures
from facesearch.deletion.embedded_person import EmbeddedPerson
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.person import PersonDeletion, PersonParts
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.stores import Stores
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.engine import PLAIN_MODEL, Embedding, Face, RgbImage, SelfieProbe, engine_name
from facesearch.faces.exact_set import SnapshotBuilder
from facesearch.faces.index.event import IndexCache
from facesearch.faces.sets import FaceSets
from facesearch.faces.vector_items import FacePlace
from facesearch.models import DEFAULT_MODEL, REKOGNITION, Event, FaceSet, FaceSetKind
from facesearch.photos.commands import IndexingCommand
from facesearch.photos.imaging import read_image
from facesearch.photos.indexing import PhotoIndexer
from facesearch.photos.looking import PhotoLooker
from facesearch.photos.rebuild import Rebuild
from facesearch.photos.watermark import Stamps
from facesearch.reading import Wanted
from facesearch.records import Photo, image_id_of_bytes
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.support.pictures import encoded
from tests.support.site import Fuse, Inline, Parts, memory_searches
from tests.support.site import MemoryEvents as ErasedEvents
from tests.unit.faces.matchers.people import likeness, look, picture_of, see, seen
from tests.unit.faces.sets.places import PREFIX, face_sets, matcher_over
from tests.unit.photos.indexing.fakes import PHOTOS, RENDITIONS, MemoryRequests, MemoryS3, notification

A, B = DEFAULT_MODEL, PLAIN_MODEL
EXACT_A, EXACT_B = FaceSet(A), FaceSet(B)
VECTORS_A, VECTORS_B = FaceSet(A, FaceSetKind.VECTORS), FaceSet(B, FaceSetKind.VECTORS)
EVERY = (EXACT_A, EXACT_B, VECTORS_A, VECTORS_B, REKOGNITION)
ANNA, BEN, CARL = 1, 2, 3


@dataclass
class FakeEngine:
    """To one model a person is what the next person is to the other: who compares faces of two models finds the wrong
    people."""

    model: str

    def faces(self, image: RgbImage) -> list[Face]:
        height, width, _ = image.shape
        return [
            Face(
                (box.left * width, box.top * height, box.width * width, box.height * height),
                np.zeros((5, 2), np.float32),
                0.9,
                self._embedding(each.person),
            )
            for box, each in seen(image)
        ]

    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        (face,) = self.faces(np.asarray(read_image(selfie).image))
        return SelfieProbe(face.embedding)

    def _embedding(self, person: int) -> Embedding:
        return cast("Embedding", np.eye(128, dtype=np.float32)[person + (engine_name(self.model) == B)])


@cache
def picture(number: int, *people: int) -> bytes:
    """A photo of those people; its number makes it another one."""
    image = picture_of([look(person) for person in people])
    image.putpixel((0, 0), (255, 255, 255 - number))
    return encoded(image, "PNG")


@cache
def selfie(person: int) -> bytes:
    return encoded(picture_of([look(person, 100)], columns=2), "PNG")


@cache
def service() -> tuple[MemoryRekognition, Any]:
    """Rekognition and its client, which takes long to make: one for all sites, of which one at a time is used."""
    made = MemoryRekognition(lambda data: [SeenFace(box, each) for box, each in see(data)], likeness)
    return made, made.client()


@dataclass
class MemoryEvents(ErasedEvents):
    """With face sets."""

    def change_face_sets(self, before: Event, after: Event) -> bool:
        now = self.reader.events.get(before.event_id)
        if now is None or now.closing or _sets(now) != _sets(before):
            return False
        names = ("faces", "building", "leaving", "vector_table", "vector_models")
        changes = {name: getattr(after, name) for name in names}
        self.update_event(now.event_id, **changes, erasures=now.erasures + (before.faces != after.faces))
        return True


def _sets(event: Event) -> tuple[FaceSet, FaceSet | None, FaceSet | None]:
    return event.faces, event.building, event.leaving


@dataclass(frozen=True)
class Process:
    """A process's way to the stores of a world, and the use cases over them."""

    world: Any
    wrap: Callable[[Any], Any] = lambda part: part

    @property
    def sets(self) -> FaceSets:
        world = self.world
        items, client = (part and self.wrap(part) for part in (world.items, world.client))
        return face_sets(
            self.wrap(world.photos),
            self.wrap(world.snapshots),
            items,
            client,
            pool=Inline(),
            clock=lambda: world.now,
            sleep=world.sleep,
        )

    @property
    def indexer(self) -> PhotoIndexer:
        world = self.world
        return PhotoIndexer(
            looker=PhotoLooker(engines=world.engine, parts_of=parts_of),
            photos=self.wrap(world.photos),
            pictures=S3Pictures(self.wrap(world.s3), PHOTOS, RENDITIONS),
            stamps=Stamps(self.wrap(world.files)),
            reader=self.wrap(world.reader),
            sets=self.sets,
            snapshots=MemoryRequests(),
            pool=Inline(),
        )

    @property
    def rebuild(self) -> Rebuild:
        world = self.world
        return Rebuild(
            events=self.wrap(world.events),
            photos=self.wrap(world.photos),
            originals=cast("Any", world.s3),
            sets=self.sets,
            commands=self.wrap(world),
            pool=Inline(),
            clock=lambda: world.now,
            sleep=world.sleep,
        )

    @property
    def stores(self) -> Stores:
        world, (photos, snapshots) = self.world, map(self.wrap, (self.world.photos, self.world.snapshots))
        return replace(
            Parts.memory().stores,
            photos=photos,
            log=self.wrap(world.log),
            searches=memory_searches(world.reader),
            snapshots=snapshots,
            builder=SnapshotBuilder(photos=photos, snapshots=snapshots, pool=Inline()),
            events=self.wrap(world.events),
            sets=self.sets,
        )

    @property
    def cache(self) -> IndexCache:
        """What an environment has that has just started."""
        return IndexCache(self.wrap(self.world.photos), self.wrap(self.world.snapshots), 100, Inline())

    @property
    def matcher(self) -> EmbeddedMatcher:
        """That of an environment that has just started."""
        world, (photos, snapshots) = self.world, map(self.wrap, (self.world.photos, self.world.snapshots))
        return matcher_over(world.engine, photos, snapshots, world.items, world.events, pool=Inline())


class World:
    """An event, and everything that keeps something of it, in memory; who works on it is a `Process`."""

    engine: Any = FakeEngine
    items: Any = None
    client: Any = None

    def __init__(self) -> None:
        self.fuse = Fuse()
        self.reader, self.photos, self.snapshots = MemoryReader(), MemoryPhotoStore(), MemorySnapshotStore()
        self.reader.events[EVENT_ID] = EVENT
        self.events, self.log, self.s3 = MemoryEvents(self.reader), MemoryErasureLog(), cast("Any", MemoryS3(etag=""))
        self.files = MemoryWatermarkFiles(self.reader)
        self.queue: list[str] = []
        self.now = 0.0
        self.plain, self.fused = Process(self), Process(self, self.fuse.wrap)

    @property
    def event(self) -> Event:
        return self.reader.events[EVENT_ID]

    def send(self, commands: list[IndexingCommand]) -> None:
        self.queue += [command.to_message() for command in commands]

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.deliver()

    def deliver(self) -> None:
        """Carry out what is in the queue, everything twice."""
        messages, self.queue = self.queue, []
        for message in messages * 2:
            self.plain.indexer.index_message(message)


class RebuildBench(World):
    """With every place that keeps faces. `fuse` kills the operator's command; its waiting lets the queue be done."""

    items: MemoryVectorItems

    def __init__(self, faces: FaceSet = EXACT_A) -> None:
        super().__init__()
        self.items = MemoryVectorItems()
        self.service, self.client = service()
        self.service.collections = {}
        self.reader.events[EVENT_ID] = replace(EVENT, faces=faces, vector_table="memory")
        self.people: dict[uuid.UUID, list[int]] = {}
        self.sets, self.indexer, self.stores = self.plain.sets, self.plain.indexer, self.plain.stores
        self.warm = self.matchers()

    @property
    def rebuild(self) -> Rebuild:
        return self.fused.rebuild

    def matchers(self) -> dict[bool, Any]:
        """By whether the faces are ours, those of an environment that has just started."""
        return {True: self.plain.matcher, False: RekognitionMatcher(self.client, PREFIX, self.photos, Inline())}

    def upload(self, number: int, *people: int) -> uuid.UUID:
        data = picture(number, *people)
        image_id = image_id_of_bytes(EVENT_ID, data)
        self.s3.objects[PHOTOS, self.key(number)] = data
        self.indexer.index_message(notification(self.key(number)))
        self.people[image_id] = list(people)
        return image_id

    def key(self, number: int) -> str:
        return f"{ORG}/{EVENT_ID}/{number}.png"

    def delete_photo(self, image_id: uuid.UUID) -> None:
        assert PhotoDeletion(stores=self.stores).delete_photos(self.event, [image_id], Files()).complete
        self.people.pop(image_id, None)

    def delete_person(self, person: int) -> None:
        """Delete the person's faces."""
        matchers = self.matchers()
        ours = PersonParts(matchers[True], EmbeddedPerson(self.stores))
        theirs = PersonParts(matchers[False], PersonFaces(self.client, PREFIX, self.photos))
        deletion = PersonDeletion(
            stores=self.stores, parts=lambda kind: theirs if kind is FaceSetKind.REKOGNITION else ours
        )
        assert deletion.delete_person(self.event, [selfie(person)]).complete
        for people in self.people.values():
            people[:] = [other for other in people if other != person]

    def delete_event(self) -> None:
        assert EventDeletion(stores=self.stores).delete_event(EVENT_ID).complete
        self.people = {}

    def found(self, person: int, matchers: dict[bool, Any]) -> set[uuid.UUID]:
        matcher = matchers[self.event.faces.is_ours]
        probe = matcher.probe(self.event, [selfie(person)], cast("Any", None), 100)
        return {match.image_id for match in matcher.match(self.event, probe)}

    def check(self) -> None:
        """Everybody is found on every photo of theirs and on no other, by a warm environment and by a new one."""
        for person in (ANNA, BEN, CARL):
            expected = {image_id for image_id, people in self.people.items() if person in people}
            assert self.found(person, self.warm) == expected
            assert self.found(person, self.matchers()) == expected

    def photo(self, image_id: uuid.UUID) -> Photo:
        photo = self.photos.get(EVENT_ID, EVENT.shards, image_id)
        assert photo is not None
        return photo

    def rows(self) -> list[Photo]:
        return [self.photo(image_id) for image_id in self.people]

    def kept(self) -> dict[FaceSet, dict[uuid.UUID, int]]:
        """How many faces of which photos each place has; nothing of those that have none."""
        found: dict[FaceSet, dict[uuid.UUID, int]] = {
            face_set: {photo.image_id: len(photo.faces_by(face_set.model) or b"") // 132 for photo in self.rows()}
            for face_set in (EXACT_A, EXACT_B)
        }
        for face_set in (VECTORS_A, VECTORS_B):
            place = FacePlace(EVENT_ID, face_set.model, EVENT.face_shards)
            found[face_set] = self.items.counts(place, Inline())
        faces = self.service.collections.get(f"{PREFIX}{EVENT_ID}", {}).values()
        found[REKOGNITION] = Counter(uuid.UUID(face.external_id) for face in faces)
        return {face_set: {each: n for each, n in counts.items() if n} for face_set, counts in found.items()}

    def is_settled(self, faces: FaceSet) -> bool:
        """The event has this face set, with what its photos show, and nothing is left of any other."""
        event, kept = self.event, self.kept()
        assert _sets(event) == (faces, None, None)
        assert {(row.model, row.built_model, row.built_faces) for row in self.rows()} <= {(faces.model, "", b"")}
        shown = {image_id: len(people) for image_id, people in self.people.items() if people}
        for face_set in EVERY:
            is_there = face_set == faces or (face_set == FaceSet(faces.model) and faces.is_ours)
            assert kept[face_set] == (shown if is_there else {}), face_set
        # A collection that is empty may be left of a run that did not know that the event has none any more.
        files = self.snapshots.count(EVENT_ID)
        assert files == (self.snapshots.current(EVENT_ID, faces.model) is not None)
        assert faces.kind is FaceSetKind.EXACT or not files
        return True

    @contextmanager
    def stale(self) -> Iterator[None]:
        """Indexing runs that have read the event before what happens in here."""
        before = self.event
        read, first = self.reader.read, [True]

        def old(wanted: Wanted) -> Any:
            now = read(wanted)
            if first and wanted.event_id is not None:
                first.clear()
                return replace(now, event=before)
            return now

        yield
        self.reader.read = old  # type: ignore[method-assign]


def filled(faces: FaceSet = EXACT_A) -> RebuildBench:
    """A site with five photos, and a snapshot where one is read."""
    site = RebuildBench(faces)
    for number, people in enumerate([(ANNA,), (ANNA, BEN), (BEN,), (CARL, ANNA, BEN), ()]):
        site.upload(number, *people)
    if faces.kind is FaceSetKind.EXACT:
        site.stores.builder.compact(site.event, at_least=0)
    site.check()
    return site
