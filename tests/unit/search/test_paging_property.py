"""However many photos match, and however a caller turns the pages: every match once, in one order, flags that agree."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from facesearch import bootstrap
from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.stores import MemoryReader
from facesearch.api.presenters import paginate
from facesearch.models import Page, PhotoMatch, SearchKey, SearchSummary, digest_of
from facesearch.reading import Reader, Wanted
from facesearch.search.results import ResultStore
from tests.conftest import ROOT
from tests.support.aws import TABLE, create_table, moto
from tests.support.examples import examples
from tests.support.fakes import EVENT, EVENT_ID, KEY, ORG, photos
from tests.unit.api.test_handlers import Answer, answer, load

MOST = 5_000
Totals = st.integers(0, MOST) | st.sampled_from([0, 1, 99, 100, 101, 199, 200, 201, MOST - 1, MOST])
Sizes = st.integers(1, 100) | st.sampled_from([1, 32, 99, 100])
# As small a page as leaves at most a hundred of them to walk.
Walks = Totals.flatmap(lambda total: st.tuples(st.just(total), st.integers(max(1, total // 100), 100)))
Calls = st.lists(st.tuples(st.integers(1, 60) | st.integers(1, 2**31 - 1), Sizes), max_size=12)
PageOf = Callable[[SearchKey, Page], tuple[int, list[PhotoMatch]]]


class QuickDynamoDB:
    """As much of the client as results need, over a dictionary: moto takes a hundred times as long."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Any] = {}
        self.exceptions = boto3.client("dynamodb").exceptions

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        for put in RequestItems[TABLE]:
            self._put(put["PutRequest"]["Item"])
        return {}

    def put_item(self, TableName: str, Item: Any, **_: Any) -> Any:  # noqa: N803
        assert TableName == TABLE
        self._put(Item)
        return {}

    def update_item(self, TableName: str, Key: Any, UpdateExpression: str, **_: Any) -> Any:  # noqa: N803
        assert (TableName, UpdateExpression) == (TABLE, "REMOVE announced")
        del self.items[Key["pk"]["S"], Key["sk"]["S"]]["announced"]
        return {}

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803
        keys = [(key["pk"]["S"], key["sk"]["S"]) for key in RequestItems[TABLE]["Keys"]]
        assert len(set(keys)) == len(keys) <= 100, "DynamoDB refuses anything else"
        return {"Responses": {TABLE: [self.items[key] for key in reversed(keys) if key in self.items]}}

    def _put(self, item: Any) -> None:
        self.items[item["pk"]["S"], item["sk"]["S"]] = item


def saved(store: ResultStore, total: int) -> SearchKey:
    """A search of its own with so many photos."""
    search = SearchKey(ORG, EVENT_ID, uuid.uuid4())
    assert store.save(search, SearchSummary(total, 90), photos(total))
    return search


def page_by(reader: Reader) -> PageOf:
    def read(search: SearchKey, page: Page) -> tuple[int, list[PhotoMatch]]:
        stored = reader.read(Wanted(search=search, page=page)).result
        assert stored is not None
        return stored.summary.total, stored.photos

    return read


def check_walk(page_of: PageOf, search: SearchKey, total: int, size: int) -> None:
    """From the first page on while there is a next one: everything, once, in order."""
    walked: list[PhotoMatch] = []
    number, more = 1, True
    while more:
        known, some = page_of(search, Page(number, size))
        info = paginate(Page(number, size), known)
        assert len(some) == (size if info.has_next_page else total - len(walked))
        assert info.has_previous_page == (total > 0 and number > 1)
        walked += some
        number, more = number + 1, info.has_next_page
        assert number <= total + 2, "this has no end"
    assert walked == photos(total)
    assert info.total_pages == (number - 1 if total else 0)


def check_calls(page_of: PageOf, search: SearchKey, total: int, calls: list[tuple[int, int]]) -> None:
    """Any pages of any sizes: each a slice of the one order, with flags that say where it lies."""
    everything = photos(total)
    for number, size in calls:
        page = Page(number, size)
        known, some = page_of(search, page)
        assert some == everything[page.start : page.stop]
        info = paginate(page, known)
        assert (info.total, info.page_size) == (total, size)
        assert info.current_page == (number if total else 0)
        assert info.has_next_page == (total > page.stop)
        assert info.has_previous_page == (total > 0 and page.start > 0)
        assert (info.total_pages - 1) * size < total <= info.total_pages * size or total == info.total_pages == 0


@settings(max_examples=examples(60))
@given(Walks)
@example((1_000, 1))
@example((MOST, 100))
def test_walking_the_pages_gives_every_match_exactly_once(walk: tuple[int, int]) -> None:
    total, size = walk
    client: Any = QuickDynamoDB()
    search = saved(DynamoResultStore(Table(client, TABLE), 30), total)
    check_walk(page_by(DynamoReader(Table(client, TABLE))), search, total, size)


@given(Totals, Calls)
def test_any_sequence_of_pages_and_sizes_shows_one_order(total: int, calls: list[tuple[int, int]]) -> None:
    client: Any = QuickDynamoDB()
    search = saved(DynamoResultStore(Table(client, TABLE), 30), total)
    check_calls(page_by(DynamoReader(Table(client, TABLE))), search, total, calls)


@settings(max_examples=examples(60))
@given(Walks, Calls)
def test_the_store_in_memory_pages_alike(walk: tuple[int, int], calls: list[tuple[int, int]]) -> None:
    total, size = walk
    memory = MemoryReader()
    search = saved(memory, total)
    check_walk(page_by(memory), search, total, size)
    check_calls(page_by(memory), search, total, calls)


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoResultStore]:
    """Results in moto, with a key and an event beside them, and the real results handler's settings."""
    with moto(), pytest.MonkeyPatch.context() as patch:
        client = boto3.client("dynamodb")
        create_table(client)
        key = schema.api_key_key(digest_of("key")) | {
            "key_id": KEY.key_id,
            "org_id": ORG,
            "active": True,
            "scopes": KEY.scopes,
        }
        event = schema.event_key(EVENT_ID) | {
            "event_id": EVENT_ID,
            "org_id": ORG,
            "selfie_search": True,
            "event_enabled": True,
            "confidence": EVENT.confidence,
            "shards": EVENT.shards,
            "name": EVENT.name,
            "slug": EVENT.slug,
            "event_date": EVENT.date,
        }
        Table(client, TABLE).batch_put([key, event])
        patch.setenv("TABLE_NAME", TABLE)
        patch.setenv("RENDITIONS_BASE_URL", "https://photos.example.com")
        patch.setattr(bootstrap, "container", bootstrap.Container())
        yield DynamoResultStore(Table(client, TABLE), 30)


def test_so_does_the_real_handler_over_a_real_table(store: DynamoResultStore) -> None:
    handler = load("results")
    template = json.loads((ROOT / "events" / "results-faces.json").read_text())

    def get(search: SearchKey, page: Page) -> Answer:
        event = template | {
            "path": f"/api/v1/ext/{ORG}/event/{EVENT_ID}/faces/{search.request_id}",
            "pathParameters": {"org_id": str(ORG), "event_id": str(EVENT_ID), "request_id": str(search.request_id)},
            "headers": {"X-API-Key": "key"},
            "multiValueHeaders": {"X-API-Key": ["key"]},
            "queryStringParameters": {"page": str(page.number), "page_size": str(page.size)},
            "multiValueQueryStringParameters": {"page": [str(page.number)], "page_size": [str(page.size)]},
        }
        response = answer(handler, event)
        assert response["statusCode"] == 200
        data: Answer = response["json"]["data"]
        return data

    def page_of(search: SearchKey, page: Page) -> tuple[int, list[PhotoMatch]]:
        data = get(search, page)
        assert data["pagination"] == paginate(page, data["pagination"]["total"]).model_dump(by_alias=True)
        images = data["images"]
        shown = [PhotoMatch(uuid.UUID(image["image_id"]), image["width"], image["height"]) for image in images]
        return data["pagination"]["total"], shown

    @settings(max_examples=examples(6))
    @given(Totals, Calls)
    def check(total: int, calls: list[tuple[int, int]]) -> None:
        search = saved(store, total)
        check_calls(page_of, search, total, calls)
        check_walk(page_of, search, total, size=min(100, max(30, total // 20)))

    check()
