"""An event with photos of a few people, two models that see them quite differently, and a queue without a network."""

import uuid
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from PIL import Image

from facesearch.adapters.memory.callbacks import MemoryCallbackStore
from facesearch.adapters.memory.jobs import MemoryJobStore
from facesearch.adapters.memory.stores import (
    MemoryErasureLog,
    MemoryObjects,
    MemoryPhotoStore,
    MemoryReader,
    MemorySnapshotStore,
)
from facesearch.adapters.memory.watches import MemoryWatchStore
from facesearch.deletion.person import EmbeddedStripper, PersonDeletion
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.probes import StoredProbes
from facesearch.deletion.stores import Stores
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.engine import DEFAULT_MODEL, PLAIN_MODEL, Embedding, Face, RgbImage, engine_name
from facesearch.faces.index import IndexCache
from facesearch.models import Event
from facesearch.photos.indexing import PhotoIndexer
from facesearch.photos.nextfaces import IndexingCommand
from facesearch.photos.reindexing import Reindexing
from facesearch.records import Photo, image_id_of_bytes
from tests.support.fakes import EVENT, EVENT_ID, ORG, MemoryClaims, OpenProbes
from tests.support.pictures import encoded
from tests.support.site import Fuse, Inline
from tests.support.site import MemoryEvents as ErasedEvents
from tests.unit.photos.indexing.fakes import PHOTOS, RENDITIONS, MemoryRequests, MemoryS3, notification

A, B = DEFAULT_MODEL, PLAIN_MODEL
ANNA, BEN, CARL = 1, 2, 3
STEP = 8
"""Pixels that a person takes in a picture."""


@dataclass
class FakeEngine:
    """People stand side by side, each a bar of a red of their own. To one model a person is what the next person is to
    the other: who compares faces of two models finds the wrong people."""

    model: str

    def faces(self, image: RgbImage) -> list[Face]:
        people = [int(red) for red in image[0, STEP // 2 :: STEP, 0] if red]
        return [
            Face((number * STEP, 0, STEP, STEP), np.zeros((5, 2), np.float32), 0.9, self._embedding(person))
            for number, person in enumerate(people)
        ]

    def probe(self, selfie: bytes) -> Embedding:
        return self._embedding(int(selfie))

    def _embedding(self, person: int) -> Embedding:
        return cast("Embedding", np.eye(128, dtype=np.float32)[person + (engine_name(self.model) == B)])


def picture(number: int, *people: int) -> bytes:
    """A photo of those people; its number makes it another one."""
    image = Image.new("RGB", (STEP * max(8, len(people)), 2 * STEP), (0, number, 0))
    for place, person in enumerate(people):
        image.paste((person, 0, 0), (place * STEP, 0, place * STEP + STEP, STEP))
    return encoded(image, "PNG")


@dataclass
class MemoryEvents(ErasedEvents):
    """With models."""

    def change_models(self, before: Event, after: Event) -> bool:
        now = self.reader.events.get(before.event_id)
        if now is None or now.closing or _models(now) != _models(before):
            return False
        self.update_event(
            now.event_id,
            model=after.model,
            next_model=after.next_model,
            previous_model=after.previous_model,
            erasures=now.erasures + (before.model != after.model),
        )
        return True


def _models(event: Event) -> tuple[str, str, str]:
    return event.model, event.next_model, event.previous_model


class ReindexBench:
    """Everything in memory. `fuse` kills the operator's command, `queue` is carried out whenever it waits."""

    def __init__(self) -> None:
        self.fuse = Fuse()
        self.reader, self.photos, self.snapshots = MemoryReader(), MemoryPhotoStore(), MemorySnapshotStore()
        self.reader.events[EVENT_ID] = EVENT
        self.events = MemoryEvents(self.reader)
        self.s3 = MemoryS3(etag="")
        self.queue: list[str] = []
        self.pool: Executor = Inline()
        self.people: dict[uuid.UUID, list[int]] = {}
        self.warm = self.matcher()
        self.now = 0.0

    @property
    def event(self) -> Event:
        return self.reader.events[EVENT_ID]

    @property
    def indexer(self) -> PhotoIndexer:
        return PhotoIndexer(
            lambda model: cast("Any", FakeEngine(model)),
            self.photos,
            self.reader,
            cast("Any", self.s3),
            PHOTOS,
            RENDITIONS,
            MemoryRequests(),
            self.pool,
        )

    @property
    def reindexing(self) -> Reindexing:
        wrap = self.fuse.wrap
        photos, snapshots = wrap(self.photos), wrap(self.snapshots)
        return Reindexing(
            events=wrap(self.events),
            photos=photos,
            originals=cast("Any", self.s3),
            snapshots=snapshots,
            builder=SnapshotBuilder(photos, snapshots, self.pool),
            orders=wrap(self),
            pool=self.pool,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    @property
    def stores(self) -> Stores:
        return Stores(
            photos=self.photos,
            log=MemoryErasureLog(),
            results=self.reader,
            jobs=MemoryJobStore(self.reader),
            claims=MemoryClaims(),
            selfies=MemoryObjects(),
            renditions=MemoryObjects(),
            originals=MemoryObjects(),
            snapshots=self.snapshots,
            builder=SnapshotBuilder(self.photos, self.snapshots, self.pool),
            events=self.events,
            callbacks=MemoryCallbackStore(),
            watches=MemoryWatchStore(),
            probes=OpenProbes(),
            pool=self.pool,
        )

    def send(self, orders: list[IndexingCommand]) -> None:
        self.queue += [order.to_message() for order in orders]

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.deliver()

    def deliver(self) -> None:
        """Carry out what is in the queue, everything twice."""
        messages, self.queue = self.queue, []
        for message in messages * 2:
            self.indexer.index_message(message)

    def matcher(self) -> EmbeddedMatcher:
        """That of an environment that has just started."""
        cache = IndexCache(self.photos, self.snapshots, 100, self.pool)
        return EmbeddedMatcher(lambda model: cast("Any", FakeEngine(model)), cache, self.pool, self.pool)

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
        PhotoDeletion(self.stores).delete_photos(self.event, [image_id], Files())
        self.people.pop(image_id, None)

    def forget(self, person: int) -> None:
        """Delete the person's faces."""
        eraser = PersonDeletion(self.stores, self.matcher(), EmbeddedStripper(self.stores), StoredProbes(self.stores))
        receipt = eraser.delete_person(self.event, [str(person).encode()])
        assert receipt.complete
        for people in self.people.values():
            people[:] = [other for other in people if other != person]

    def found(self, person: int, matcher: EmbeddedMatcher) -> set[uuid.UUID]:
        matches = matcher.match(self.event, matcher.probe(self.event, [str(person).encode()]))
        return {match.image_id for match in matches}

    def check(self) -> None:
        """Everybody is found on every photo of theirs and on no other, by a warm environment and by a new one."""
        for person in (ANNA, BEN, CARL):
            expected = {image_id for image_id, people in self.people.items() if person in people}
            assert self.found(person, self.warm) == expected
            assert self.found(person, self.matcher()) == expected

    def photo(self, image_id: uuid.UUID) -> Photo:
        photo = self.photos.get(EVENT_ID, EVENT.shards, image_id)
        assert photo is not None
        return photo

    def rows(self) -> list[Photo]:
        return [self.photo(image_id) for image_id in self.people]

    def is_settled(self, model: str) -> bool:
        """Nothing is left of any other model, and nothing is under way."""
        event = self.event
        rows = all((row.model, row.next_model, row.next_faces) == (model, "", b"") for row in self.rows())
        snapshot = self.snapshots.current(EVENT_ID, model)
        kept = self.snapshots.count(EVENT_ID, snapshot) == 0
        return rows and kept and _models(event) == (model, "", "")

    @contextmanager
    def stale(self) -> Iterator[None]:
        """Indexing runs that have read the event before what happens in here."""
        before = self.event
        read, first = self.reader.read, [True]

        def old(wanted: Any) -> Any:
            now = read(wanted)
            if first and wanted.event_id is not None:
                first.clear()
                return replace(now, event=before)
            return now

        yield
        self.reader.read = old  # type: ignore[method-assign]


def filled() -> ReindexBench:
    """A site with five photos and a snapshot."""
    site = ReindexBench()
    for number, people in enumerate([(ANNA,), (ANNA, BEN), (BEN,), (CARL, ANNA, BEN), ()]):
        site.upload(number, *people)
    site.stores.builder.compact(site.event, at_least=0)
    site.check()
    return site
