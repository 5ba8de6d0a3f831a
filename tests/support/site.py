"""An event with photos of made-up people in every kind of store, and deletions that can be made to crash."""

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, cast

import boto3
import numpy as np

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.admin.links import DynamoLinkStore
from facesearch.adapters.dynamodb.callbacks import DynamoCallbackStore
from facesearch.adapters.dynamodb.erasure_log import DynamoErasureLog
from facesearch.adapters.dynamodb.idempotency import DynamoIdempotency
from facesearch.adapters.dynamodb.jobs import DynamoJobStore
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.watches import DynamoWatchStore
from facesearch.adapters.dynamodb.watermarks import DynamoWatermarkFiles
from facesearch.adapters.memory.links import MemoryLinkStore, MemoryPageFiles
from facesearch.adapters.memory.stores import (
    MemoryErasureLog,
    MemoryObjects,
    MemoryPhotoStore,
    MemoryReader,
    MemorySnapshotStore,
)
from facesearch.adapters.memory.watermarks import MemoryWatermarkFiles
from facesearch.adapters.memory.webhooks import MemoryCallbackStore, MemoryJobStore, MemoryWatchStore
from facesearch.adapters.s3.objects import S3Objects
from facesearch.adapters.s3.page import S3PageFiles
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.admin.links import EventLinks
from facesearch.admin.models import EndedEvent
from facesearch.deletion.embedded_person import EmbeddedPerson
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.person import PersonDeletion, PersonParts
from facesearch.deletion.photos import PhotoDeletion
from facesearch.deletion.retention import FaceRetention
from facesearch.deletion.search import SearchDeletion
from facesearch.deletion.stores import Stores
from facesearch.errors import NoFaceFound, NotFound
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.engine import Embedding, Face, RgbImage, SelfieProbe
from facesearch.faces.exact_set import SnapshotBuilder
from facesearch.faces.matching import StoredProbe
from facesearch.faces.packing import pack, unpack
from facesearch.models import Event, Job, Page, SearchKey, SearchSummary
from facesearch.photos.gallery import Galleries
from facesearch.photos.objects import Objects
from facesearch.reading import Wanted
from facesearch.records import Photo, original_key, rendition_keys
from facesearch.search.selfies import job_prefix, selfie_keys
from facesearch.webhooks.callbacks.callback import callback_of
from facesearch.webhooks.jobs import JobEnd
from facesearch.webhooks.watches.watch import Watch
from tests.support.aws import create_table
from tests.support.fakes import EVENT, EVENT_ID, MemoryClaims, OpenProbes
from tests.support.pools import LEAVES
from tests.unit.faces.sets.places import face_sets, matcher_over

T = TypeVar("T")
ANNA, BEN, CARL, DORA, ELSA = 1, 2, 3, 4, 5
PEOPLE = {1: [ANNA], 2: [ANNA, BEN], 3: [BEN], 4: [CARL, ANNA, BEN], 5: []}
"""Who is in which photo; Dora and Elsa are in none."""


class CrashError(Exception):
    """The process has died here."""


def die() -> None:
    raise CrashError


class Fuse:
    """Lets something happen at the n-th call of a store, before or after the call was carried out: the process dies."""

    def __init__(self, error: BaseException | None = None, *, after: bool = False) -> None:
        self.left: int | None = None
        self.error, self.after, self.happens = error or CrashError(), after, self._die

    def _die(self) -> None:
        raise self.error

    def set(self, at: int, *, after: bool, happens: Callable[[], None] | None = None) -> None:
        self.left, self.after, self.happens = at, after, happens or self._die

    def wrap(self, part: T) -> T:
        return cast("T", Fused(part, self))

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if self.left is None:
            return function(*args, **kwargs)
        self.left -= 1
        is_due = not self.left
        if is_due and not self.after:
            self.happens()
        result = function(*args, **kwargs)
        if is_due and self.after:
            self.happens()
        return result


class Burning(Protocol):
    """What carries out the calls of a part, or does not."""

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any: ...


class Fused:
    """A part whose every call goes through something else."""

    def __init__(self, part: Any, fuse: Burning) -> None:
        self._part, self._fuse = part, fuse

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._part, name)
        return (lambda *args, **kwargs: self._fuse.call(function, args, kwargs)) if callable(function) else function


class Inline(Executor):
    """Does everything at once, in order."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


@dataclass
class FakeEngine:
    """A selfie is the number of its person, whose face looks along an axis of its own."""

    model: str = EVENT.model

    def named(self, model: str) -> "FakeEngine":
        return self

    def faces(self, image: RgbImage) -> list[Face]:
        raise NotImplementedError

    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        if not selfie.isdigit():
            raise NoFaceFound("nobody")
        return SelfieProbe(face_of(int(selfie), 0))


def face_of(person: int, photo: int) -> Embedding:
    """The person's face in that photo, about 0.9 from any other of theirs, 0 from anybody else's."""
    face = np.zeros(128, np.float32)
    face[person] = 1
    face[60 + photo] = 0.3
    return face / np.float32(np.linalg.norm(face))


@dataclass
class MemoryEvents:
    """Events in the dictionary that `MemoryReader` reads."""

    reader: MemoryReader
    ended: list[EndedEvent] = field(default_factory=list)

    def event(self, event_id: int) -> Event | None:
        return self.reader.events.get(event_id)

    def update_event(self, event_id: int, **changes: Any) -> Event:
        self.reader.events[event_id] = replace(self.reader.events[event_id], **changes)
        return self.reader.events[event_id]

    def count_erasure(self, event_id: int) -> None:
        self.update_event(event_id, erasures=self.reader.events[event_id].erasures + 1)

    def close_event(self, event_id: int) -> Event:
        if event_id not in self.reader.events:
            raise NotFound("gone")
        self.count_erasure(event_id)
        return self.update_event(event_id, closing=True, event_enabled=False)

    def remove_event(self, event: Event) -> None:
        self.reader.events.pop(event.event_id, None)

    def ended_events(self, today: dt.date) -> list[EndedEvent]:
        return [ended for ended in self.ended if ended.retain_until < today.isoformat()]

    def delete_ended(self, ended: EndedEvent) -> None:
        self.ended.remove(ended)


def _stores(photos: Any, snapshots: Any, **others: Any) -> Stores:
    return Stores(
        photos=photos,
        snapshots=snapshots,
        builder=SnapshotBuilder(photos=photos, snapshots=snapshots, pool=Inline()),
        sets=face_sets(photos, snapshots, pool=Inline()),
        probes=OpenProbes(),
        pool=Inline(),
        **others,
    )


def memory_searches(reader: MemoryReader, pool: Executor | None = None) -> SearchDeletion:
    return SearchDeletion(
        results=reader,
        idempotency=MemoryClaims(),
        jobs=MemoryJobStore(reader),
        watches=MemoryWatchStore(),
        selfies=MemoryObjects(),
        callbacks=MemoryCallbackStore(),
        pool=pool or Inline(),
    )


def aws_searches(dynamodb: Any, s3: Any, table: str) -> SearchDeletion:
    """With a table "claims" and a bucket "selfies"."""
    return SearchDeletion(
        results=DynamoResultStore(Table(dynamodb, table), 30, pool=LEAVES),
        idempotency=DynamoIdempotency(Table(dynamodb, "claims"), 30),
        jobs=DynamoJobStore(Table(dynamodb, table), 30),
        watches=DynamoWatchStore(Table(dynamodb, table)),
        selfies=S3Objects(s3, "selfies", Inline()),
        callbacks=DynamoCallbackStore(Table(dynamodb, table)),
        pool=Inline(),
    )


@dataclass
class Parts:
    """The stores of one kind, what reads them, and the event in them."""

    stores: Stores
    reader: Any
    event: Event

    @property
    def claims(self) -> Any:
        return self.stores.searches.idempotency

    @classmethod
    def memory(cls) -> "Parts":
        reader, log = MemoryReader(), MemoryErasureLog()
        reader.events[EVENT_ID] = EVENT
        stores = _stores(
            MemoryPhotoStore(log),
            MemorySnapshotStore(),
            log=log,
            searches=memory_searches(reader),
            renditions=MemoryObjects(),
            originals=MemoryObjects(),
            events=MemoryEvents(reader),
            links=EventLinks(store=MemoryLinkStore(reader.keys), files=MemoryPageFiles()),
            watermarks=MemoryWatermarkFiles(reader),
        )
        return cls(stores, reader, EVENT)

    @classmethod
    def aws(cls) -> "Parts":
        """On moto, which somebody else has started."""
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        for resource, name in (("Table", "table"), ("IdempotencyTable", "claims")):
            create_table(dynamodb, resource, name)
        for bucket in ("selfies", "renditions", "originals", "snapshots"):
            s3.create_bucket(Bucket=bucket)
        admin = DynamoAdmin(Table(dynamodb, "table"))
        event = admin.event(admin.create_event(admin.create_org("Runners"), "Marathon"))
        assert event is not None
        stores = _stores(
            DynamoPhotoStore(Table(dynamodb, "table")),
            S3SnapshotStore(s3, "snapshots", Table(dynamodb, "table")),
            log=DynamoErasureLog(Table(dynamodb, "table")),
            searches=aws_searches(dynamodb, s3, "table"),
            renditions=S3Objects(s3, "renditions", Inline()),
            originals=S3Objects(s3, "originals", Inline()),
            events=admin,
            links=EventLinks(store=DynamoLinkStore(Table(dynamodb, "table")), files=S3PageFiles(s3, "renditions")),
            watermarks=DynamoWatermarkFiles(Table(dynamodb, "table")),
        )
        return cls(stores, DynamoReader(Table(dynamodb, "table")), event)

    def objects(self, bucket: str) -> Objects:
        return self.stores.searches.selfies if bucket == "selfies" else cast("Objects", getattr(self.stores, bucket))

    def put(self, bucket: str, key: str, content: bytes = b"") -> None:
        """A file, with a content, and so an ETag, of its own if none is given."""
        content = content or key.encode()
        objects = self.objects(bucket)
        if isinstance(objects, MemoryObjects):
            objects.files[key] = content
        else:
            boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


class Site:
    """An event: five photos with their files, a snapshot, and a finished search of everybody."""

    def __init__(self, parts: Parts) -> None:
        self.fuse = Fuse()
        self.plain = parts
        self.event = parts.event
        self.reader = parts.reader
        for number in PEOPLE:
            self.upload(number)
        parts.stores.builder.compact(self.event, at_least=0)
        self.warm, self.galleries = self.matcher(), Galleries(photos=parts.stores.photos, pool=Inline())
        self.searches = {person: self.search(person) for person in (ANNA, BEN, CARL)}
        fused = self._fused(parts.stores, "photos log renditions originals snapshots events watermarks")
        searches = self._fused(parts.stores.searches, "results jobs idempotency selfies watches callbacks")
        links = parts.stores.links
        fused["links"] = EventLinks(store=self.fuse.wrap(links.store), files=self.fuse.wrap(links.files))
        fused["searches"] = replace(parts.stores.searches, **searches)
        self.stores = _stores(**fused)

    def _fused(self, parts: Any, names: str) -> dict[str, Any]:
        return {name: self.fuse.wrap(getattr(parts, name)) for name in names.split()}

    @property
    def photos_eraser(self) -> PhotoDeletion:
        return PhotoDeletion(stores=self.stores)

    @property
    def person_eraser(self) -> PersonDeletion:
        return self.person_eraser_telling(lambda done, total: None)

    def person_eraser_telling(self, progress: Callable[[int, int], None]) -> PersonDeletion:
        parts = PersonParts(self.matcher(), EmbeddedPerson(self.stores))
        return PersonDeletion(stores=self.stores, parts=lambda _: parts, progress=progress)

    @property
    def event_eraser(self) -> EventDeletion:
        return EventDeletion(stores=self.stores)

    @property
    def retention(self) -> FaceRetention:
        stores = self.stores
        return FaceRetention(
            photos=stores.photos,
            snapshots=stores.snapshots,
            events=stores.events,
            watches=stores.searches.watches,
            sets=stores.sets,
        )

    def matcher(self) -> EmbeddedMatcher:
        """That of an environment that has just started."""
        plain = self.plain.stores
        return matcher_over(FakeEngine, plain.photos, plain.snapshots, pool=Inline())

    def upload(self, number: int, uploaded_at: int = 0) -> bool:
        """Index a photo as the indexing function does."""
        image_id, stores, event = id_of(number), self.plain.stores, self.event
        people = PEOPLE[number]
        faces = pack(np.stack([face_of(person, number) for person in people])) if people else b""
        key = original_key(event.org_id, event.event_id, image_id, "photo.jpg")
        self.plain.put("originals", key)
        photo = Photo(image_id, "indexed", key, 30, 40, EVENT.model, faces)
        added = stores.photos.add(event.event_id, event.shards, photo, uploaded_at)
        if added:
            for rendition in rendition_keys(event.event_id, image_id):
                self.plain.put("renditions", rendition)
        return added

    def announce(self, person: int) -> None:
        """A callback about the search of a person."""
        search = SearchKey(self.event.org_id, self.event.event_id, uuid.UUID(int=person))
        end = JobEnd(search, "face_search.completed", "u", None, SearchSummary(1, 90))
        self.plain.stores.searches.callbacks.add(callback_of(end, time.time()))

    def found(self, person: int, matcher: EmbeddedMatcher | None = None) -> list[int]:
        """Numbers of the photos that a search finds, ascending; by a warm environment unless another is given."""
        matcher = matcher or self.warm
        matches = matcher.match(self.event, matcher.probe(self.event, [str(person).encode()]))
        return sorted(match.image_id.int for match in matches)

    def gallery(self) -> list[int]:
        return sorted(photo.image_id.int for photo in self.galleries.current(self.event, 25.0).cut(Page(1, 100)))

    def faces(self, number: int) -> int | None:
        photo = self.plain.stores.photos.get(self.event.event_id, self.event.shards, id_of(number))
        return len(unpack(photo.faces)) if photo else None

    def search(self, person: int) -> SearchKey:
        """A finished search, with record and selfie."""
        search = SearchKey(self.event.org_id, self.event.event_id, uuid.UUID(int=person))
        matches = self.warm.match(self.event, self.warm.probe(self.event, [str(person).encode()]))

        def work() -> SearchSummary:
            summary = SearchSummary(len(matches), 90)
            self.plain.stores.searches.results.enter(search)
            self.plain.stores.searches.results.save(search, summary, matches)
            self.plain.put("selfies", selfie_keys(search)[0], str(person).encode())
            return summary

        self.plain.stores.searches.idempotency.run(search, 28.0, work)
        self.ask(search, person)
        return search

    def ask(self, search: SearchKey, person: int) -> None:
        """What a webhook leaves that has asked for this search, its selfie included."""
        key = f"{job_prefix(search)}1"
        self.plain.put("selfies", key, str(person).encode())
        jobs = cast("Any", self.plain.stores.searches.jobs)
        jobs.add(Job(search, selfies=(key,), webhook=f"webhook {search.request_id}"))

    def watch(self, person: int, number: int, model: str = EVENT.model) -> SearchKey:
        """Keep the probe of a search that may have found nothing."""
        search = SearchKey(self.event.org_id, self.event.event_id, uuid.UUID(int=number))
        kept = StoredProbe(model, face_of(person, 0).astype("<f4").tobytes())
        probe, later = self.plain.stores.probes.seal(search, kept), int(time.time()) + 1000
        watch = Watch(search, model, probe, "https://partner.example/", None, 1, later, search.request_id)
        cast("Any", self.plain.stores.searches.watches).keep(watch)
        return search

    def watched(self) -> list[SearchKey]:
        """Searches whose probes are kept."""
        return [watch.search for watch in self.plain.stores.searches.watches.page(self.event.event_id, None, 100)]

    def stored(self, person: int) -> list[int] | None:
        """Numbers of the photos that the stored search of a person names; None if there is none."""
        page = self.reader.read(Wanted(search=self.searches[person], page=Page(1, 100))).result
        return None if page is None else sorted(photo.image_id.int for photo in page.photos)

    def keys(self, bucket: str) -> list[str]:
        return sorted(self.plain.objects(bucket).under(""))

    def originals_of(self, numbers: Sequence[int]) -> list[str]:
        event = self.event
        return sorted(original_key(event.org_id, event.event_id, id_of(number), "photo.jpg") for number in numbers)

    def renditions_of(self, numbers: Sequence[int]) -> list[str]:
        return sorted(key for number in numbers for key in rendition_keys(self.event.event_id, id_of(number)))


def id_of(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def crash_points(site: Callable[[], T], run: Callable[[T], Any], step: int = 1) -> Iterator[T]:
    """Sites on which `run` has crashed: at every call in turn, before and after it was carried out."""
    for after in (False, True):
        at = 1
        while True:
            one = site()
            fuse: Fuse = cast("Any", one).fuse
            fuse.set(at, after=after)
            try:
                run(one)
            except CrashError:
                fuse.left = None
                yield one
            else:
                break
            at += step
