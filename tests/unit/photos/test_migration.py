"""Moving an event between its kinds of index: complete before it answers, whoever writes or stops in between."""

import threading
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from facesearch.adapters.memory.stores import MemoryPhotoStore, MemorySnapshotStore
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.errors import InvalidRequest, NotFound, Throttled
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.engine import DEFAULT_MODEL
from facesearch.faces.packing import pack
from facesearch.faces.vector_items import (
    FaceKeeper,
    FacePlace,
    PhotoFaces,
    ShardFaces,
    VectorItemStore,
    faces_of,
    place_of,
)
from facesearch.models import Event, IndexKind
from facesearch.photos.migration import IndexMigration, LaggingError
from facesearch.records import Photo
from tests.support.fakes import EVENT, EVENT_ID

MODEL = DEFAULT_MODEL
SHARDS = 4
rng = np.random.default_rng(3)


class Events:
    """The events' configuration, with the same condition as in DynamoDB."""

    def __init__(self) -> None:
        self.now: Event | None = EVENT
        self.history: list[tuple[IndexKind, IndexKind | None]] = []
        self._lock = threading.Lock()

    def event(self, event_id: int) -> Event | None:
        return self.now

    def change_index(self, before: Event, after: Event) -> bool:
        with self._lock:
            if self.now != before:
                return False
            self.now = after
            self.history.append((after.index_kind, after.next_index_kind))
            return True


def photo(faces: int = 2) -> Photo:
    return Photo(uuid.uuid4(), "indexed", "k", 100, 200, MODEL, pack(rng.normal(size=(faces, 128)).astype(np.float32)))


class MigrationBench:
    """Everything that a migration works on."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.events = Events()
        self.photos = MemoryPhotoStore()
        self.items: VectorItemStore | None = MemoryVectorItems()
        self.snapshots = MemorySnapshotStore()
        self.slept = 0.0

    def add(self, *photos: Photo) -> None:
        """As indexing does."""
        assert self.items is not None
        keeper = FaceKeeper(self.items, self.photos, self.events.event)
        for each in photos:
            event = self.events.now or EVENT
            written = keeper.write(event, each)
            self.photos.add(EVENT_ID, EVENT.shards, each)
            keeper.settle(EVENT_ID, each.image_id, written=written)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def migration(self) -> IndexMigration:
        return IndexMigration(
            events=self.events,
            photos=self.photos,
            items=self.items,
            snapshots=self.snapshots,
            builder=SnapshotBuilder(self.photos, self.snapshots, self.pool),
            pool=self.pool,
            face_shards=SHARDS,
            clock=lambda: self.slept,
            sleep=self.sleep,
        )

    @property
    def event(self) -> Event:
        assert self.events.now is not None
        return self.events.now

    def counts(self) -> dict[uuid.UUID, int]:
        assert self.items is not None
        return self.items.counts(FacePlace(EVENT_ID, MODEL, SHARDS), self.pool)


@pytest.fixture
def world() -> Iterator[MigrationBench]:
    with ThreadPoolExecutor(4) as pool:
        yield MigrationBench(pool)


def test_there_and_back(world: MigrationBench) -> None:
    photos = [photo(number % 4) for number in range(250)]
    world.add(*photos, replace(photo(), model="older"), Photo(uuid.uuid4(), "failed", "k", reason="no"))
    SnapshotBuilder(world.photos, world.snapshots, world.pool).compact(EVENT, at_least=1)
    done: list[int] = []
    moved = world.migration().to(EVENT_ID, IndexKind.VECTORS, done.append)
    assert (moved.event.index_kind, moved.event.next_index_kind) == (IndexKind.VECTORS, None)
    assert moved.event.vector_table == "memory"
    assert world.counts() == {each.image_id: number % 4 for number, each in enumerate(photos) if number % 4}
    assert (moved.faces, moved.deleted) == (sum(world.counts().values()), 1)
    assert sum(done) == 252
    assert world.snapshots.files == {}
    world.add(photo())
    back = world.migration().to(EVENT_ID, IndexKind.EXACT)
    assert (world.event.index_kind, world.event.next_index_kind) == (IndexKind.EXACT, None)
    assert (back.faces, back.deleted) == (moved.faces + 2, moved.faces + 2)
    assert world.counts() == {}
    assert len(world.snapshots.files) == 1, "the first search after the switch reads one file"
    assert world.events.history == [
        (IndexKind.EXACT, IndexKind.VECTORS),
        (IndexKind.VECTORS, None),
        (IndexKind.VECTORS, IndexKind.EXACT),
        (IndexKind.EXACT, None),
    ]


def test_what_an_event_has_already_is_no_work(world: MigrationBench) -> None:
    world.add(photo())
    assert world.migration().to(EVENT_ID, IndexKind.EXACT).faces == 0
    world.migration().to(EVENT_ID, IndexKind.VECTORS)
    again = world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert (again.faces, again.deleted) == (0, 0)
    assert len(world.events.history) == 2


def test_a_stack_without_a_vector_index_says_so_and_changes_nothing(world: MigrationBench) -> None:
    world.items = None
    with pytest.raises(InvalidRequest, match="VectorIndex=true"):
        world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert world.event == EVENT
    world.events.now = replace(EVENT, index_kind=IndexKind.VECTORS, vector_table="one that is gone")
    assert world.migration().to(EVENT_ID, IndexKind.EXACT).event.index_kind is IndexKind.EXACT
    world.events.now = None
    with pytest.raises(NotFound):
        world.migration().to(EVENT_ID, IndexKind.EXACT)


class Interrupted(MemoryVectorItems):
    """Fails when so many photos were put; counts the photos that it was given."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after
        self.given = 0

    def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
        some = list(photos)
        self.given += len(some)
        self.left -= len(some)
        if self.left < 0:
            raise ConnectionError("the operator's laptop was closed")
        return super().put(place, some)


def test_an_interrupted_run_is_finished_by_running_it_again(world: MigrationBench) -> None:
    world.items = items = Interrupted(after=10**9)
    world.add(*[photo() for _ in range(600)])
    items.left = 400
    with pytest.raises(ConnectionError):
        world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert (world.event.index_kind, world.event.next_index_kind) == (IndexKind.EXACT, IndexKind.VECTORS)
    items.left = 10**9
    world.add(photo())
    kept, items.given = len(world.counts()), 0
    assert kept >= 101
    world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert len(world.counts()) == 601
    assert items.given == 601 - kept, "what was there was not written again"


def test_an_interrupted_run_can_be_taken_back(world: MigrationBench) -> None:
    world.items = items = Interrupted(after=100)
    world.add(*[photo() for _ in range(200)])
    with pytest.raises(ConnectionError):
        world.migration().to(EVENT_ID, IndexKind.VECTORS)
    items.left = 10**9
    world.migration().to(EVENT_ID, IndexKind.EXACT)
    assert (world.event.index_kind, world.event.next_index_kind) == (IndexKind.EXACT, None)
    assert world.counts() == {}


def test_photos_that_come_while_it_runs_are_in_the_new_index_before_it_answers(world: MigrationBench) -> None:
    class Busy(MemoryVectorItems):
        during: list[Photo] = []  # noqa: RUF012 - one test's

        def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
            if self.during:
                world.photos.add(EVENT_ID, EVENT.shards, self.during.pop())  # and its writer was killed just then
            return super().put(place, photos)

    world.items = Busy()
    world.add(*[photo() for _ in range(10)])
    Busy.during = [photo() for _ in range(3)]
    seen: list[int] = []

    class Watched(Events):
        def change_index(self, before: Event, after: Event) -> bool:
            if after.index_kind is IndexKind.VECTORS:
                seen.append(len(world.counts()))
            return super().change_index(before, after)

    world.events = Watched()
    world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert seen == [13]


def test_a_photo_deleted_while_it_is_copied_leaves_no_face_behind(world: MigrationBench) -> None:
    gone = photo()

    class Races(MemoryPhotoStore):
        """The change feed's page was read just before the deletion, everything else after it."""

        def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
            found = super().get_many(event_id, shards, image_ids)
            return {image_id: each for image_id, each in found.items() if each != gone}

        def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
            found = super().get(event_id, shards, image_id)
            return found if found != gone else None

    world.photos = Races()
    world.add(gone, photo())
    world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert gone.image_id not in world.counts()
    assert len(world.counts()) == 1


def test_faces_that_an_earlier_life_left_behind_are_gone(world: MigrationBench) -> None:
    world.add(photo())
    assert world.items is not None
    world.items.put(FacePlace(EVENT_ID, MODEL, SHARDS), [faces_of(photo())])
    world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert len(world.counts()) == 1


def test_it_waits_for_the_services_own_index_and_does_not_switch_without_it(world: MigrationBench) -> None:
    class Lags(MemoryVectorItems):
        behind = 3

        def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
            self.behind -= 1
            return (
                ShardFaces([], np.empty((0, 128), np.int8))
                if self.behind >= 0
                else super().nearest(place, shard, vector)
            )

    world.items = items = Lags()
    world.add(photo())
    world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert world.slept == 3
    world.migration().to(EVENT_ID, IndexKind.EXACT)
    items.behind = 10**6
    with pytest.raises(LaggingError):
        world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert world.event.index_kind is IndexKind.EXACT


def test_a_throttled_write_is_tried_again(world: MigrationBench) -> None:
    class Refusing(MemoryVectorItems):
        refusals = 2

        def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
            self.refusals -= 1
            if self.refusals >= 0:
                raise Throttled("BatchWriteItem", "Unprocessed")
            return super().put(place, photos)

    world.items = Refusing()
    world.add(photo())
    world.migration().to(EVENT_ID, IndexKind.VECTORS)
    assert len(world.counts()) == 1
    assert place_of(world.event) == FacePlace(EVENT_ID, MODEL, SHARDS)
