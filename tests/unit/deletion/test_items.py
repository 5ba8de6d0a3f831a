"""On a stack with the distributed index a deletion takes the face items along."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.vector_items import OutsideItems, PhotosWithItems
from facesearch.faces.engine import MODELS
from facesearch.faces.packing import FACE_BYTES, pack
from facesearch.faces.vector_items import FaceKeeper, place_of
from facesearch.models import Event, IndexKind
from facesearch.records import Photo
from tests.support.fakes import EVENT, EVENT_ID
from tests.support.site import Parts

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


@dataclass
class ItemsBench:
    pool: ThreadPoolExecutor
    model: str
    items: MemoryVectorItems = field(default_factory=MemoryVectorItems)
    event: Event | None = None

    def __post_init__(self) -> None:
        self.event = replace(EVENT, index_kind=IndexKind.VECTORS, vector_table=self.items.name, model=self.model)
        self.photos = PhotosWithItems(MemoryPhotoStore(), self.items, lambda _: self.event)
        self.outside = OutsideItems(self.items, lambda _: self.event, self.pool)
        keeper = FaceKeeper(self.items, self.photos, lambda _: self.event)
        for image_id in (ONE, OTHER):
            faces = pack(np.eye(3, 128, dtype=np.float32))
            photo = Photo(image_id, "indexed", "k", 4, 3, self.model, faces)
            assert keeper.write(self.event, photo)
            self.photos.add(EVENT_ID, EVENT.shards, photo)

    def left(self) -> dict[uuid.UUID, int]:
        assert self.event is not None
        return {
            image_id: count for image_id, count in self.items.counts(place_of(self.event), self.pool).items() if count
        }


@pytest.fixture(params=MODELS)
def bench(request: pytest.FixtureRequest) -> Iterator[ItemsBench]:
    """Of an event by each model: events keep theirs when a new one becomes the default."""
    with ThreadPoolExecutor(2) as pool:
        yield ItemsBench(pool, request.param)


def test_a_buried_photo_has_no_items_and_the_others_keep_theirs(bench: ItemsBench) -> None:
    assert bench.left() == {ONE: 3, OTHER: 3}
    assert bench.photos.bury(EVENT_ID, EVENT.shards, ONE) == 3 * FACE_BYTES
    assert bench.left() == {OTHER: 3}


def test_items_that_a_crash_has_left_go_with_the_second_run_and_are_counted(bench: ItemsBench) -> None:
    bench.photos.bury(EVENT_ID, EVENT.shards, ONE)
    assert bench.event is not None
    photo = Photo(ONE, "indexed", "k", 4, 3, bench.model, pack(np.eye(3, 128, dtype=np.float32)))
    FaceKeeper(bench.items, bench.photos, lambda _: bench.event).write(bench.event, photo)
    assert bench.photos.bury(EVENT_ID, EVENT.shards, ONE) is None
    assert bench.outside.count(EVENT_ID, [ONE]) == 3
    assert bench.outside.forget(EVENT_ID, [ONE]) == 3
    assert (bench.outside.count(EVENT_ID, [ONE]), bench.left()) == (0, {OTHER: 3})


def test_a_photo_that_loses_a_face_keeps_as_many_items(bench: ItemsBench) -> None:
    (change,) = [c for shard in range(4) for c in bench.photos.changes(EVENT_ID, shard, 0) if c.image_id == ONE]
    assert bench.photos.replace_faces(EVENT_ID, EVENT.shards, change, change.faces[FACE_BYTES:])
    assert bench.left() == {ONE: 2, OTHER: 3}


def test_an_event_s_items_are_counted_and_go_at_once(bench: ItemsBench) -> None:
    assert bench.outside.count_event(EVENT_ID) == 6
    assert bench.outside.forget_event(EVENT_ID) == 6
    assert (bench.outside.count_event(EVENT_ID), bench.left()) == (0, {})
    bench.event = None
    assert (bench.outside.count_event(EVENT_ID), bench.outside.forget(EVENT_ID, [ONE])) == (0, 0)


@pytest.mark.parametrize("crash", ["", "before its items went"])
def test_an_event_s_receipt_counts_each_face_once_and_what_a_crash_has_left(bench: ItemsBench, crash: str) -> None:
    parts, event = Parts.memory(), bench.event
    assert event is not None
    parts.reader.events[EVENT_ID] = event
    eraser = EventDeletion(replace(parts.stores, photos=bench.photos, outside=bench.outside))
    if crash:
        parts.stores.events.close_event(EVENT_ID)
        for shard in range(EVENT.shards):
            bench.photos.purge(EVENT_ID, shard)
    receipt = eraser.delete_event(EVENT_ID)
    assert (receipt.deleted.photos, receipt.deleted.faces) == (0 if crash else 2, 6)
    assert (receipt.complete, receipt.resumed) == (True, bool(crash))
    assert bench.left() == {}
