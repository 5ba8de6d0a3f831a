"""One contract for both kinds of index over the same photos, and what is the distributed one's own."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.adapters.memory.stores import MemoryPhotoStore, MemorySnapshotStore
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.faces.distributed import ChosenIndexes
from facesearch.faces.embedded import SECOND_PASS, EmbeddedMatcher, match_faces
from facesearch.faces.engine import SelfieProbe
from facesearch.faces.index.cohort import LOOKED_AT, NOBODY
from facesearch.faces.index.event import STALE_AFTER, EventIndex, IndexCache
from facesearch.faces.index.port import FaceIndex, IndexMovedError
from facesearch.faces.index.vectors import probe_of
from facesearch.faces.packing import pack, values_of
from facesearch.faces.sets import FaceWriter, PhotoFaces, Written
from facesearch.faces.vector_items import FacePlace, ShardFaces, place_of
from facesearch.models import DEFAULT_MODEL, Event, FaceSet, FaceSetKind
from facesearch.records import Photo
from tests.support.fakes import EVENT, EVENT_ID
from tests.unit.faces.sets.places import face_sets
from tests.unit.photos.indexing.fakes import FakeEngine

MODEL = DEFAULT_MODEL
KEPT = FaceSet(MODEL, FaceSetKind.VECTORS)
VECTORS = replace(EVENT, faces=KEPT, vector_table="memory", face_shards=4)
rng = np.random.default_rng(7)


def photo(*faces: NDArray[np.float32], model: str = MODEL) -> Photo:
    packed = pack(np.stack(faces)) if faces else b""
    return Photo(uuid.uuid4(), "indexed", "k", 100, 200, model, packed)


def near(cosine: float, away: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """A face at that cosine from the person, who looks along the first axis; `away` in a direction of its own."""
    other = rng.normal(size=128) if away is None else away.copy()
    other[0] = 0
    other *= np.sqrt(1 - cosine**2) / np.linalg.norm(other)
    other[0] = cosine
    return other.astype(np.float32)


PERSON, TURNED = near(1.0), np.eye(128)[1]


def stranger() -> NDArray[np.float32]:
    return near(rng.normal() / np.sqrt(128))


Found = Callable[..., list[uuid.UUID]]


class IndexBench:
    """Photos in memory, and both indexes over them."""

    def __init__(self, pool: ThreadPoolExecutor, event: Event = VECTORS) -> None:
        self.pool = pool
        self.event: Event | None = event
        self.photos = MemoryPhotoStore()
        self.items = MemoryVectorItems()
        self.now = 0.0
        sets = face_sets(self.photos, items=self.items, pool=pool)
        self.writer = FaceWriter(sets=sets, photos=self.photos, event_now=lambda _: self.event)

    def add(self, *photos: Photo) -> None:
        for each in photos:
            written = Written()
            self.writer.write(VECTORS, each, written)
            self.photos.add(EVENT_ID, EVENT.shards, each)
            self.writer.settle(VECTORS, each.image_id, written)

    def kept(self) -> dict[uuid.UUID, int]:
        """How many vector items of which photos there are."""
        return self.items.counts(place_of(VECTORS), self.pool)

    def exact(self) -> FaceIndex:
        index = EventIndex(EVENT_ID, MODEL)
        index.refresh(self.photos, EVENT, self.pool)
        return index

    def vectors(self) -> FaceIndex:
        return self.indexes().current(VECTORS)

    def indexes(self, items: MemoryVectorItems | None = None) -> ChosenIndexes:
        return ChosenIndexes(
            exact=lambda _: self.exact(),
            items=items or self.items,
            photos=self.photos,
            event_now=lambda _: self.event,
            network=self.pool,
            clock=lambda: self.now,
        )

    def found(self, index: FaceIndex, minimum: float = 0.5) -> list[uuid.UUID]:
        return [match.image_id for match in match_faces(index, PERSON, minimum, self.pool)]


@pytest.fixture
def world() -> Iterator[IndexBench]:
    with ThreadPoolExecutor(8) as pool:
        yield IndexBench(pool)


@pytest.fixture(params=["exact", "vectors"])
def found(request: pytest.FixtureRequest, world: IndexBench) -> Found:
    return lambda minimum=0.5: world.found(getattr(world, request.param)(), minimum)


def test_photos_come_most_similar_first_and_one_time_each(world: IndexBench, found: Found) -> None:
    first, second = photo(near(0.9)), photo(near(0.6), near(0.8), stranger())
    world.add(second, first, photo(stranger()), photo())
    assert found() == [first.image_id, second.image_id]


def test_equal_similarity_is_ordered_by_image_id(world: IndexBench, found: Found) -> None:
    photos = [photo(near(0.7, TURNED)) for _ in range(4)]
    world.add(*photos)
    assert found() == sorted(each.image_id for each in photos)


@pytest.mark.parametrize(
    ("cosines", "minimum", "expected"),
    [
        ([0.62, 0.6, 0.45], 0.5, [0, 1, 2]),  # another view
        ([0.45], 0.5, []),  # which the selfie alone does not find
        # A wrong sure match drags the second probe towards its own person, whose other photo is far from the selfie.
        ([0.56, 0.3], 0.5, [0]),
        ([0.61, 0.45], 0.5, [0, 1]),
        ([0.61, 0.45], 0.6, [0]),  # a match at .61 is not sure enough for a threshold of .60
    ],
)
def test_the_second_pass_adds_what_is_near_to_the_surest_and_to_the_selfie(
    world: IndexBench, found: Found, cosines: list[float], minimum: float, expected: list[int]
) -> None:
    photos = [photo(near(cosine, TURNED)) for cosine in cosines]
    world.add(*photos)
    assert found(minimum) == [photos[number].image_id for number in expected]


def test_a_second_round_goes_on_from_what_the_first_one_found(world: IndexBench) -> None:
    """Each is nearer to the one before than to the selfie: a person who turns their head."""
    turning = [photo(near(np.cos(np.radians(degrees)), TURNED)) for degrees in (57.5, 64.5, 68.5)]
    world.add(*turning)
    alone, once, twice = (
        [match.image_id for match in match_faces(world.exact(), PERSON, 0.5, world.pool, again)]
        for again in (None, replace(SECOND_PASS, rounds=1), SECOND_PASS)
    )
    assert alone == [turning[0].image_id]
    assert once[:2] == [each.image_id for each in turning[:2]]
    assert set(once) <= set(twice)


def test_faces_of_another_model_are_never_compared(world: IndexBench, found: Found) -> None:
    assert found() == []
    world.add(photo(), photo(near(0.9), model="older"))
    assert found() == []
    ours = photo(near(0.8))
    world.add(ours)
    assert found() == [ours.image_id]


@pytest.mark.parametrize("minimum", [-1.0, 0.0, 0.42, 0.5, 0.7, 0.99])
def test_both_find_the_same_faces_with_the_same_scores(world: IndexBench, minimum: float) -> None:
    world.add(*[photo(*[near(rng.uniform(-0.2, 1)) for _ in range(rng.integers(0, 5))]) for _ in range(300)])
    probe = probe_of(PERSON)
    answers = []
    for index in (world.exact(), world.vectors()):
        hits = index.search(probe, minimum, world.pool)
        owners = [index.photo(number) for number in hits.photos.tolist()]
        answers.append(sorted(zip(map(str, owners), hits.cosines.tolist(), map(bytes, hits.values), strict=True)))
    assert answers[0] == answers[1]
    assert answers[0]


def test_scores_are_levelled_alike_by_either(world: IndexBench, found: Found) -> None:
    """Strangers as near as children's: bare cosines would bring them all."""
    guests = [photo(near(rng.uniform(0.3, 0.52)), near(rng.uniform(0.3, 0.52))) for _ in range(60)]
    mine = photo(near(0.95))
    world.add(*guests, mine)
    assert found() == [mine.image_id]


def test_both_draw_the_same_cohort(world: IndexBench) -> None:
    world.add(*[photo(*[stranger() for _ in range(rng.integers(0, 4))]) for _ in range(1_800)])
    exact, vectors = world.exact().cohort, world.vectors().cohort
    assert len(exact) > 100
    assert exact.values.tolist() == vectors.values.tolist()
    probe = probe_of(PERSON)
    assert exact.of_probe(probe) == vectors.of_probe(probe)


def test_a_partition_that_holds_few_of_the_first_faces_is_read_no_further(world: IndexBench) -> None:
    """All in one of the four, so that its own first ones are not enough."""
    alone = [replace(photo(stranger()), image_id=uuid.UUID(int=4 * number)) for number in range(1, LOOKED_AT + 100)]
    world.add(*alone, *[replace(photo(stranger()), image_id=uuid.UUID(int=4 * 10**9 + 1))])
    assert world.vectors().cohort.values.tolist() == world.exact().cohort.values.tolist()


def test_a_large_event_s_cohort_is_read_once_a_minute_and_after_every_deletion(world: IndexBench) -> None:
    world.add(*[photo(stranger()) for _ in range(LOOKED_AT + 100)])
    cohort = world.indexes().cohort
    first = cohort(VECTORS)
    world.add(lowest := replace(photo(stranger()), image_id=uuid.UUID(int=1)))
    world.now = 59.0
    assert cohort(VECTORS) is first
    deleted = replace(VECTORS, erasures=1)
    second = cohort(deleted)
    assert second is not first
    world.items.delete(place_of(VECTORS), lowest.image_id)
    assert cohort(deleted) is second
    world.now = 120.0
    third = cohort(deleted)
    assert third.values.tolist() == first.values.tolist()
    world.now = 300.0
    assert cohort(deleted) is third, "read again, and found to be the same"
    assert cohort(replace(deleted, faces=FaceSet("older", FaceSetKind.VECTORS))) is NOBODY


def test_a_small_event_s_cohort_knows_every_upload(world: IndexBench) -> None:
    world.add(*[photo(stranger()) for _ in range(30)])
    cohort = world.indexes().cohort
    assert len(cohort(VECTORS)) == 30
    world.add(photo(stranger()))
    assert len(cohort(VECTORS)) == 31


def test_only_a_partition_that_may_hold_more_than_the_service_says_is_read(world: IndexBench) -> None:
    world.add(*[photo(near(0.7)) for _ in range(150)])
    assert len(world.found(world.vectors())) == 150
    assert world.items.reads == 0, "about 40 in each of four partitions"
    crowded = [replace(photo(near(0.7)), image_id=uuid.UUID(int=4 * number)) for number in range(100)]
    world.add(*crowded)
    assert len(world.found(world.vectors())) == 250
    assert world.items.reads == 1
    world.found(world.vectors(), minimum=0.72)
    assert world.items.reads == 2, "the second pass looks from 0.42 on"


def test_a_photo_whose_record_does_not_count_is_never_returned(world: IndexBench) -> None:
    kept, gone = photo(near(0.8)), photo(near(0.9))
    world.add(kept)
    world.items.put(place_of(VECTORS), [PhotoFaces.of(gone, MODEL)])
    older, failed = photo(near(0.9), model="older"), replace(photo(near(0.9)), status="failed")
    for each in (older, failed):
        world.photos.add(EVENT_ID, EVENT.shards, each)
        world.items.put(place_of(VECTORS), [PhotoFaces.of(each, each.model)])
    assert world.found(world.vectors()) == [kept.image_id]


def test_items_that_lag_behind_a_record_never_score_for_it(world: IndexBench) -> None:
    changed = photo(stranger())
    world.add(changed)
    world.items.put(place_of(VECTORS), [replace(PhotoFaces.of(changed, MODEL), faces=pack(near(0.9)))])
    assert world.found(world.vectors()) == []


def test_a_search_that_a_switch_overtook_is_answered_by_the_other_index(world: IndexBench) -> None:
    """A rebuild deletes the items as soon as it has switched: what was read meanwhile may be a part."""
    person = photo(near(0.8))
    world.add(person)

    class SwitchesMidway(MemoryVectorItems):
        def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
            world.event = EVENT
            return ShardFaces([], np.empty((0, 128), np.int8))

    indexes = world.indexes(SwitchesMidway())
    with pytest.raises(IndexMovedError):
        indexes.current(VECTORS).search(probe_of(PERSON), 0.5, world.pool)

    class Engine(FakeEngine):
        def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
            return SelfieProbe(PERSON)

    world.event = VECTORS
    matcher = EmbeddedMatcher(
        engines=lambda _: Engine(), indexes=indexes.current, background=world.pool, pool=world.pool
    )
    found = matcher.match(VECTORS, matcher.probe(VECTORS, [b"selfie"]))
    assert [match.image_id for match in found] == [person.image_id]


def test_a_redelivered_photo_is_written_once_and_a_half_done_one_is_completed(world: IndexBench) -> None:
    person = photo(near(0.8), stranger())
    for _ in range(2):
        world.add(person)
    assert world.kept() == {person.image_id: 2}
    world.items.delete(place_of(VECTORS), person.image_id)  # as if its writer had been killed
    world.writer.settle(VECTORS, person.image_id, Written())
    assert world.kept() == {person.image_id: 2}
    deleted, written = photo(near(0.8)), Written()
    world.writer.write(VECTORS, deleted, written)
    world.writer.settle(VECTORS, deleted.image_id, written)
    assert world.kept() == {person.image_id: 2}, "its record was refused"


@pytest.mark.parametrize("now", [None, replace(VECTORS, closing=True)])
def test_faces_that_are_made_good_in_an_event_that_is_deleted_meanwhile_go_again(
    world: IndexBench, now: Event | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, put = photo(near(0.8)), world.items.put
    world.photos.add(EVENT_ID, EVENT.shards, person)

    def deleted_first(*args: Any) -> int:
        world.event = now
        return put(*args)

    monkeypatch.setattr(world.items, "put", deleted_first)
    world.writer.settle(VECTORS, person.image_id, Written())
    assert world.kept() == {}


def test_a_photo_that_has_fewer_faces_now_keeps_none_of_the_others(world: IndexBench) -> None:
    before = photo(near(0.8), near(0.7), stranger())
    world.add(before)
    after = replace(before, faces=pack(near(0.6)))
    (change,) = [each for shard in range(EVENT.shards) for each in world.photos.changes(EVENT_ID, shard, 0)]
    assert world.photos.replace_faces(EVENT_ID, EVENT.shards, change, after.faces)
    world.writer.settle(VECTORS, before.image_id, Written())
    assert world.kept() == {before.image_id: 1}
    place = place_of(VECTORS)
    shard = world.items.read(place, place.shard_of(before.image_id))
    assert bytes(shard.values) == bytes(values_of(after.faces))
    assert world.writer.sets.open(VECTORS, KEPT).delete_photos([before.image_id]) == 1
    assert world.kept() == {}


class CountingStore(MemoryPhotoStore):
    """Counts the rows that it hands out."""

    rows = 0

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
        for change in super().changes(event_id, shard, since, faces=faces):
            self.rows += 1
            yield change


def test_a_warm_index_reads_only_what_is_new(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesearch.faces.index.event.OVERLAP_MICROSECONDS", 0)
    store, index = CountingStore(), EventIndex(EVENT_ID, MODEL)
    for new in (40, 1):
        for _ in range(new):
            store.add(EVENT_ID, 4, photo(near(0.7)))
        store.rows = 0
        index.refresh(store, EVENT, pool)
        assert store.rows == new
    assert len(match_faces(index, PERSON, 0.5, pool)) == 41


def test_a_photo_that_is_stamped_anew_while_it_is_read_counts_once(pool: ThreadPoolExecutor) -> None:
    class Stamping(MemoryPhotoStore):
        def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
            for change in super().changes(event_id, shard, since, faces=faces):
                yield change
                yield replace(change, faces=pack(np.stack([stranger()])), changed_at=change.changed_at + 1)

    store, index = Stamping(), EventIndex(EVENT_ID, MODEL)
    store.add(EVENT_ID, 4, photo(near(0.7)))
    index.refresh(store, EVENT, pool)
    assert (index.faces, match_faces(index, PERSON, 0.5, pool)) == (1, [])


def test_the_overlap_is_read_again_and_counted_once(pool: ThreadPoolExecutor) -> None:
    store, index = MemoryPhotoStore(), EventIndex(EVENT_ID, MODEL)
    store.add(EVENT_ID, 4, photo(near(0.7)))
    for _ in range(3):
        index.refresh(store, EVENT, pool)
    assert index.faces == 1


def test_the_least_recently_used_event_is_dropped_when_memory_runs_out(pool: ThreadPoolExecutor) -> None:
    store = MemoryPhotoStore()
    events = [replace(EVENT, event_id=number) for number in (1, 2, 3)]
    for event in events:
        for _ in range(5500):
            store.add(event.event_id, event.shards, photo(PERSON))
    cache = IndexCache(store, MemorySnapshotStore(), megabytes=2, pool=pool)  # two of 0.75 MB, not three
    first, second, again, _ = (cache.current(event) for event in (events[0], events[1], events[0], events[2]))
    assert again is first
    assert cache.current(events[0]) is first
    assert cache.current(events[1]) is not second, "event 2 had to be read from the start"


def test_an_index_is_kept_however_old_it_is_where_nothing_was_written(pool: ThreadPoolExecutor) -> None:
    """It is opened again only if something was, and asked for news if something was or photos were deleted."""
    store, snapshots, now = MemoryPhotoStore(), MemorySnapshotStore(), [time.time()]
    looks: list[int] = []

    class Followed(MemoryPhotoStore):
        @override
        def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
            looks.append(shard)
            return store.changes(event_id, shard, since, faces=faces)

    store.add(EVENT_ID, EVENT.shards, photo(PERSON))
    cache = IndexCache(Followed(), snapshots, megabytes=9, pool=pool, clock=lambda: now[0])
    quiet = replace(EVENT, changing_until=1)
    first = cache.current(quiet)
    assert len(looks) == EVENT.shards
    now[0] += 3 * STALE_AFTER
    assert cache.current(quiet) is cache.current(quiet) is first
    assert len(looks) == EVENT.shards
    assert cache.current(replace(quiet, erasures=1)) is not first, "it was away for too long to see what was deleted"
    assert len(looks) == 2 * EVENT.shards
    assert cache.current(EVENT) is not first, "nobody says whether something was written"
