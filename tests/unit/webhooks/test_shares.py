"""Slots of each organisation while it waits for strangers' hosts: one contract, and what a killed worker leaves."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.shares import DynamoShares, WorkersShares
from facesearch.adapters.dynamodb.table import Table
from facesearch.webhooks.outbound import Shares, share_of
from tests.support.aws import TABLE
from tests.support.fakes import MemoryShares, OneAtATime

ORG, OTHER = 903, 904


@pytest.fixture
def client(dynamodb: Any) -> OneAtATime:
    return OneAtATime(dynamodb)


@pytest.fixture(params=["dynamodb", "memory"])
def shares(request: pytest.FixtureRequest) -> Shares:
    return MemoryShares(3) if request.param == "memory" else of(request.getfixturevalue("client"))


def of(client: Any, kind: str = "FETCHES", slots: int = 3) -> DynamoShares:
    return DynamoShares(Table(client, TABLE), kind, slots)


def taken(shares: Shares, times: int, org_id: int = ORG) -> list[ExitStack]:
    """So many slots."""
    held = [shares.take(org_id, 30) for _ in range(times)]
    found = [each for each in held if each is not None]
    assert len(found) == times
    return found


def test_an_organisation_gets_so_many_slots_and_no_other_is_affected(shares: Shares) -> None:
    held = taken(shares, 3)
    assert [shares.take(ORG, 30) for _ in range(2)] == [None, None]
    assert [shares.is_free(org_id) for org_id in (ORG, OTHER)] == [False, True]
    taken(shares, 1, OTHER)
    for _ in range(2):
        held[1].close()
    taken(shares, 1)
    assert shares.take(ORG, 30) is None


def test_what_is_held_for_a_block_is_free_after_it(shares: Shares) -> None:
    for _ in range(5):
        with pytest.raises(ConnectionError), taken(shares, 1)[0]:
            raise ConnectionError
    taken(shares, 3)
    assert shares.take(ORG, 30) is None


def test_many_at_once_get_no_more_than_there_are(client: OneAtATime) -> None:
    with ThreadPoolExecutor(8) as workers:
        held = list(workers.map(lambda _: of(client, slots=4).take(ORG, 30), range(16)))
    assert 1 <= sum(each is not None for each in held) <= 4, "one that loses its slot twice steps aside, too"
    assert of(client, "CALLBACKS", 4).take(ORG, 30) is not None, "another kind's are others"


def test_the_slots_of_workers_that_were_killed_are_free_when_their_time_is_over(
    client: OneAtATime, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time_ns()]
    monkeypatch.setattr(time, "time_ns", lambda: now[0])
    late = taken(of(client), 3)
    assert of(client).take(ORG, 30) is None
    now[0] += 31 * 10**9
    taken(of(client), 3)
    for each in late:
        each.close()  # one that was only late takes nobody else's slot away
    assert of(client).take(ORG, 30) is None
    item = Table(client, TABLE).get(schema.share_key(ORG, "FETCHES"))
    assert item is not None
    assert item["expires_at"] > now[0] // 10**9


@pytest.mark.parametrize(("concurrency", "slots"), [(1, 1), (2, 1), (3, 1), (8, 2), (20, 5), (1000, 250)])
def test_a_share_is_a_quarter_of_the_workers(concurrency: int, slots: int) -> None:
    assert share_of(concurrency) == slots


def test_what_a_process_does_at_once_holds_one_slot_and_the_last_gives_it_back() -> None:
    shares = MemoryShares(1)
    one, another = WorkersShares(shares), WorkersShares(shares)
    *held, last = taken(one, 10)
    assert another.take(ORG, 30) is None
    taken(another, 1, OTHER)
    for each in held * 2:
        each.close()
    assert another.take(ORG, 30) is None
    last.close()
    assert [one.is_free(ORG), another.is_free(ORG)] == [True, True]
    with taken(another, 1)[0]:
        assert one.take(ORG, 30) is None


def test_a_slot_that_cannot_be_had_is_asked_for_again() -> None:
    shares = MemoryShares(1)
    (other,), mine = taken(shares, 1), WorkersShares(shares)
    assert [mine.take(ORG, 30), mine.take(ORG, 30)] == [None, None]
    other.close()
    taken(mine, 1)
