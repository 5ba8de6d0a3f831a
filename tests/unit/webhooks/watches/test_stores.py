"""One contract for the watches in DynamoDB (on moto, in this process) and those in memory; and probes by KMS."""

import time
import uuid
from dataclasses import replace
from typing import Any

import boto3
import pytest

from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.watches import DynamoWatchStore
from facesearch.adapters.kms.probes import KmsProbes
from facesearch.adapters.memory.stores import MemoryReader
from facesearch.adapters.memory.webhooks import MemoryWatchStore
from facesearch.faces.matching import StoredProbe
from facesearch.models import SearchKey
from facesearch.reading import Reader, Wanted, WatchState
from facesearch.webhooks.watches.watch import LostProbeError, Probes, Watch
from tests.support.fakes import OpenProbes

MOST = 3
Store = DynamoWatchStore | MemoryWatchStore


def search_of(number: int, event_id: int = 456) -> SearchKey:
    return SearchKey(903, event_id, uuid.UUID(int=number))


def watch_of(number: int, event_id: int = 456, **changes: Any) -> Watch:
    search, expires_at = search_of(number, event_id), int(time.time()) + 1000
    watch = Watch(search, "sface", b"sealed", "https://b.example/", {"é": [1, None]}, 1, expires_at, search.request_id)
    return replace(watch, **changes)


@pytest.fixture(params=["dynamodb", "memory"])
def both(request: pytest.FixtureRequest) -> tuple[Store, Reader]:
    """A store, and a reader of what it keeps."""
    if request.param == "memory":
        memory = MemoryReader()
        return MemoryWatchStore(MOST, memory.watches, memory.latest), memory
    table = request.getfixturevalue("table")
    return DynamoWatchStore(table, MOST), DynamoReader(table)


@pytest.fixture
def store(both: tuple[Store, Reader]) -> Store:
    return both[0]


@pytest.mark.parametrize("metadata", [{"é": [1, None]}, None])
def test_a_watch_is_read_back_whole_by_its_organisation(store: Store, metadata: dict[str, object] | None) -> None:
    watch = watch_of(1, metadata=metadata)
    assert store.get(watch.search) is None
    assert store.keep(watch)
    assert store.get(watch.search) == watch
    assert store.page(456, None, 10) == [watch]
    assert store.get(replace(watch.search, org_id=1)) is None
    assert store.keep(replace(watch, probe=b"another")), "the one that is there stays"
    assert store.get(watch.search) == watch


def test_an_expired_watch_is_none_and_makes_room_for_another(store: Store) -> None:
    store.keep(watch_of(1, expires_at=int(time.time())))
    assert (store.get(watch_of(1).search), len(store.page(456, None, 10))) == (None, 1)
    store.keep(watch := watch_of(1))
    assert store.get(watch.search) == watch


def test_pages_follow_one_another_in_one_event(store: Store) -> None:
    watches = [watch_of(number) for number in range(1, MOST + 1)]
    for watch in reversed(watches):
        assert store.keep(watch)
    store.keep(watch_of(1, event_id=457))
    assert store.page(456, None, 2) == watches[:2]
    assert store.page(456, watches[1].search.request_id, 2) == watches[2:]
    assert (store.count(456), store.count(457), store.count(458)) == (3, 1, 0)


def test_an_event_has_only_so_many_and_ended_ones_make_room(store: Store) -> None:
    for number in range(MOST - 1):
        assert store.keep(watch_of(number))
        assert store.keep(watch_of(number)), "again is no other"
    assert store.keep(watch_of(MOST - 1))
    assert not store.keep(watch_of(MOST))
    assert [store.delete(search_of(0)) for _ in range(2)] == [True, False]
    assert store.keep(watch_of(MOST))
    assert not store.keep(watch_of(MOST + 1))
    store.recount(456, 1)
    assert store.keep(watch_of(MOST + 1))


def test_what_was_told_is_noted_by_the_one_that_has_seen_what_was_told_before(store: Store) -> None:
    watch, child = watch_of(1), search_of(9)
    assert not store.note(watch, child), "it is not there"
    store.keep(watch)
    assert store.note(watch, child)
    assert not store.note(watch, child)
    assert store.page(456, None, 1) == [replace(watch, last=child.request_id)]


def test_children_are_found_by_their_parent_until_they_are_deleted(store: Store) -> None:
    watch, other = watch_of(1), watch_of(2)
    children = [search_of(number) for number in (8, 9)]
    for child in (*children, children[0]):
        store.enter(watch, child)
    store.enter(other, children[1])
    assert (store.children(watch.search), store.children(other.search)) == (children, children[1:])
    store.delete_children(watch.search)
    assert (store.children(watch.search), store.children(other.search)) == ([], children[1:])


def test_a_reader_knows_when_a_watch_ends_and_what_it_told_last_over_or_not(
    both: tuple[Store, Reader],
) -> None:
    store, reader = both

    def state(number: int = 1) -> WatchState:
        return reader.read(Wanted(watch=search_of(number))).watch

    assert (state(), reader.read(Wanted()).watch) == (WatchState(), WatchState())
    store.keep(watch := watch_of(1, callback_url="", metadata=None))
    assert (store.get(watch.search), state()) == (watch, WatchState(watch.expires_at))
    for number in (8, 9):
        store.enter(watch, child := search_of(number))
        store.note(watch, child)
        watch = replace(watch, last=child.request_id)
    assert state() == WatchState(watch.expires_at, search_of(9).request_id)
    store.delete(watch.search)
    assert not store.note(watch, search_of(8))
    assert state() == WatchState(0, search_of(9).request_id)
    store.keep(watch_of(1, expires_at=int(time.time())))
    assert state().until == 0
    assert state(2) == WatchState()
    store.delete_children(watch.search)
    assert state() == WatchState()


def test_one_has_a_round_begun_until_the_claim_is_over(store: Store) -> None:
    assert not store.has_watches(456)
    store.keep(watch_of(1))
    assert store.has_watches(456)
    claims = [(456, 1000.0, 1008.5), (456, 1008.0, 1016.0), (457, 1008.0, 1016.0), (456, 1008.5, 1016.0)]
    assert [store.claim(*claim) for claim in claims] == [True, False, True, True]


def test_an_event_whose_watches_are_deleted_has_nothing(both: tuple[Store, Reader]) -> None:
    store, reader = both
    for number in (1, 2):
        store.keep(watch_of(number))
    store.keep(watch_of(1, event_id=457))
    store.enter(watch_of(1), search_of(9))
    store.note(watch_of(1), search_of(9))
    assert [store.delete_watches(456) for _ in range(2)] == [2, 0]
    assert store.children(search_of(1)) == [search_of(9)], "which are still to be deleted with it"
    assert all(store.keep(watch_of(number)) for number in (1, 2))
    assert [store.delete_all(456) for _ in range(2)] == [2, 0]
    assert (store.count(456), store.count(457)) == (0, 1)
    assert store.children(search_of(1)) == []
    assert reader.read(Wanted(watch=search_of(1))).watch == WatchState()
    assert all(store.keep(watch_of(number)) for number in range(MOST))


@pytest.fixture(params=["kms", "memory"])
def probes(request: pytest.FixtureRequest) -> Probes:
    if request.param == "memory":
        return OpenProbes()
    request.getfixturevalue("aws")
    kms = boto3.client("kms")
    return KmsProbes(kms, kms.create_key()["KeyMetadata"]["Arn"])


def test_a_probe_is_opened_for_the_search_that_it_was_sealed_for_and_no_other(probes: Probes) -> None:
    kept, watch = StoredProbe("sface", bytes(range(256)) * 2), watch_of(1)
    sealed = replace(watch, probe=probes.seal(watch.search, kept))
    if isinstance(probes, KmsProbes):
        assert kept.values not in sealed.probe
        probes = replace(probes, key="")
    assert probes.open(sealed) == kept
    for change in ({"org_id": 1}, {"event_id": 1}, {"request_id": uuid.uuid4()}):
        with pytest.raises(LostProbeError):
            probes.open(replace(sealed, search=replace(watch.search, **change)))
