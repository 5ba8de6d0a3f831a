"""Pages are read eventually consistent, for 2 read units, and refuse nobody for what a replica has not seen yet."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch import bootstrap
from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table, update
from facesearch.models import PhotoMatch, SearchKey, SearchSummary, digest_of
from tests.support.examples import examples
from tests.support.fakes import photos
from tests.support.pools import LEAVES
from tests.unit.api.test_handlers import Answer, Deployment, answer, deployment, load
from tools.bench.counts import PAGE
from tools.bench.units import READ_UNIT_BYTES, item_bytes

__all__ = ["deployment"]

Items = dict[tuple[str, str], Any]


class Replicas:
    """A client of which an eventually consistent read sees each item as it is, or as it was at the last `settle`.

    Attributes:
        is_behind: whether the replica that is asked for this item has not seen its latest writes.
        read_units: of the batch reads since it was emptied, one entry for each.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table
        self._settled: Items = {}
        self.is_behind: Callable[[], bool] = lambda: True
        self.read_units: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def settle(self) -> None:
        """Have every replica see everything that was written."""
        items = self._client.scan(TableName=self._table, ConsistentRead=True)["Items"]
        self._settled = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}

    def batch_get_item(self, **arguments: Any) -> Any:
        response = self._client.batch_get_item(**arguments)
        (request,), (name,) = arguments["RequestItems"].values(), arguments["RequestItems"]
        places = [(key["pk"]["S"], key["sk"]["S"]) for key in request["Keys"]]
        found = {(item["pk"]["S"], item["sk"]["S"]): item for item in response["Responses"][name]}
        if not request["ConsistentRead"]:
            seen = {place: (self._settled if self.is_behind() else found).get(place) for place in places}
            found = {place: item for place, item in seen.items() if item is not None}
        units = [max(1, ceil(item_bytes(found.get(place, {})) / READ_UNIT_BYTES)) for place in places]
        self.read_units.append(sum(units) * (1 if request["ConsistentRead"] else 0.5))
        response["Responses"][name] = list(found.values())
        return response


@dataclass
class Site:
    """A deployment over replicas, and one search in it."""

    deployment: Deployment
    replicas: Replicas
    request_id: uuid.UUID = field(default_factory=uuid.uuid4)
    handler: Callable[[Any, Any], Answer] = field(default_factory=lambda: load("results"))

    @property
    def search(self) -> SearchKey:
        return SearchKey(self.deployment.org_id, self.deployment.event_id, self.request_id)

    @property
    def table(self) -> Table:
        return Table(self.deployment.dynamodb, "table")

    @property
    def results(self) -> DynamoResultStore:
        return DynamoResultStore(self.table, 30, pool=LEAVES)

    def save(self, found: list[PhotoMatch]) -> None:
        assert self.results.save(self.search, SearchSummary(len(found), 90), found)

    def delete(self) -> None:
        self.results.hide(self.search)
        self.results.delete(self.search)

    def switch_key(self, *, active: bool) -> None:
        key = schema.api_key_key(digest_of(self.deployment.api_key))
        assert self.table.write(update(key, "SET active = :active", active=active))

    def switch_event(self, **changes: Any) -> None:
        self.deployment.admin.update_event(self.deployment.event_id, **changes)

    def turn(self, what: str, *, on: bool) -> None:
        """Switch the key, the event or its search."""
        if what == "key":
            self.switch_key(active=on)
        else:
            self.switch_event(**{"event_enabled" if what == "event" else "selfie_search": on})

    def page(self, number: int = 1, size: int = 32) -> Answer:
        self.replicas.read_units.clear()
        event = self.deployment.filled("results-faces", query={"page": str(number), "page_size": str(size)})
        event["pathParameters"]["request_id"] = str(self.request_id)
        event["path"] = event["path"].rpartition("/")[0] + f"/{self.request_id}"
        return answer(self.handler, event)

    def bib(self, bib: str) -> Answer:
        self.replicas.read_units.clear()
        event = self.deployment.filled("results-bibs")
        event["pathParameters"]["bib"] = bib
        event["path"] = event["path"].rpartition("/")[0] + f"/{bib}"
        return answer(self.handler, event)


@pytest.fixture
def site(deployment: Deployment) -> Site:
    replicas = Replicas(bootstrap.container._dynamodb, "table")
    bootstrap.container.__dict__["_dynamodb"] = replicas
    return Site(deployment, replicas)


def refusal(response: Answer) -> tuple[int, str]:
    return response["statusCode"], response["multiValueHeaders"].get("Face-Search-Error", [""])[0]


def test_a_page_of_32_costs_two_read_units_in_one_round_trip(site: Site) -> None:
    site.save(photos(250))
    site.replicas.settle()
    assert PAGE.read_units == 2
    for number, size, units in [(1, 32, 2), (3, 32, 2), (8, 32, 2), (4, 32, 2.5), (1, 100, 2)]:
        assert len(site.page(number, size)["json"]["data"]["images"]) == min(size, 250 - (number - 1) * size)
        assert site.replicas.read_units == [units], "photos 96 to 128 are in two chunks"


def test_a_page_of_a_bib_costs_two_read_units(site: Site) -> None:
    site.switch_event(bib_search=True)
    site.replicas.settle()
    assert site.bib("1024")["statusCode"] == 200
    assert site.replicas.read_units == [2], "key, event, bib and the part of the start list"


@pytest.mark.parametrize("number", [1, 2])
def test_what_was_written_a_moment_ago_is_looked_for_again(site: Site, number: int) -> None:
    """Key, event and result are unknown to the replica."""
    site.save(photos(40))
    assert len(site.page(number)["json"]["data"]["images"]) == (32 if number == 1 else 8)
    assert site.replicas.read_units == [2, 4]


@pytest.mark.parametrize("missing", ["header", "chunk"])
def test_a_result_of_which_a_part_is_not_seen_yet_is_read_again(site: Site, missing: str) -> None:
    site.replicas.settle()
    site.save(photos(40))
    behind = iter([False, False, missing == "header", missing == "chunk"])
    site.replicas.is_behind = lambda: next(behind)
    assert len(site.page()["json"]["data"]["images"]) == 32
    assert site.replicas.read_units == [2, 4]


def test_a_page_is_of_one_run_of_its_search(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same request_id was searched again after its result was deleted, and the old chunk is still seen."""
    site.save(photos(40))
    site.replicas.settle()
    site.delete()
    later = time.time() + 2
    monkeypatch.setattr(time, "time", lambda: later)
    site.save(photos(80)[40:])
    behind = iter([False, False, False, True])
    site.replicas.is_behind = lambda: next(behind)
    shown = [uuid.UUID(image["image_id"]) for image in site.page()["json"]["data"]["images"]]
    assert shown == [photo.image_id for photo in photos(80)[40:72]]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (lambda site: site.switch_key(active=False), (403, "key_unknown")),
        (lambda site: site.switch_event(event_enabled=False), (403, "event_off")),
        (lambda site: site.switch_event(selfie_search=False), (403, "search_off")),
        (lambda site: site.delete(), (404, "no_search")),
    ],
    ids=["revoked key", "disabled event", "search switched off", "deleted result"],
)
def test_what_has_ended_is_refused_as_soon_as_the_replicas_know(
    site: Site, ends: Callable[[Site], None], told: tuple[int, str]
) -> None:
    """Until then it is shown what could be seen a moment before: see ADR 36."""
    site.save(photos(40))
    site.replicas.settle()
    ends(site)
    assert site.page()["statusCode"] == 200
    site.replicas.settle()
    assert refusal(site.page()) == told
    assert site.replicas.read_units == [2, 4], "nobody is refused by one look"


@pytest.mark.parametrize("what", ["key", "event", "search"])
def test_what_is_allowed_again_is_refused_no_longer(site: Site, what: str) -> None:
    site.save(photos(40))
    site.turn(what, on=False)
    site.replicas.settle()
    site.turn(what, on=True)
    assert site.page()["statusCode"] == 200
    assert site.replicas.read_units == [2, 4]


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("save"), st.integers(0, 230)),
        st.tuples(st.sampled_from(["delete", "settle"]), st.none()),
        st.tuples(st.sampled_from(["key", "event", "search"]), st.booleans()),
        st.tuples(st.just("page"), st.tuples(st.integers(1, 4), st.sampled_from([1, 32, 99, 100]), st.integers(0, 31))),
    ),
    max_size=12,
)


@dataclass
class Story:
    """What happens to a search, and what may be shown of it: `settled` is what was found when the replicas agreed."""

    site: Site
    found: list[PhotoMatch] | None = None
    settled: list[PhotoMatch] | None = None
    allowed: dict[str, bool] = field(default_factory=lambda: {"key": True, "event": True, "search": True})
    runs: int = 0

    def begin(self) -> None:
        self.site.request_id = uuid.uuid4()
        for what in self.allowed:
            self.site.turn(what, on=True)
        self.site.replicas.settle()

    def do(self, step: str, value: Any) -> None:
        if step == "save" and self.found is None:
            self.runs += 1
            self.found = [PhotoMatch(uuid.UUID(int=self.runs << 64 | number), 30, 40) for number in range(value)]
            self.site.save(self.found)
        elif step == "delete" and self.found is not None:
            self.found = None
            self.site.delete()
        elif step == "settle":
            self.site.replicas.settle()
            self.settled = self.found
        elif step == "page":
            self.check_page(*value)
        elif step in self.allowed:
            self.allowed[step] = value
            self.site.turn(step, on=value)

    def check_page(self, number: int, size: int, mask: int) -> None:
        """`mask`: a bit for each item that is asked for, whether its replica is behind."""
        behind = iter([bool(mask >> bit & 1) for bit in range(5)])
        self.site.replicas.is_behind = lambda: next(behind)
        response = self.site.page(number, size)
        if response["statusCode"] == 200:
            data = response["json"]["data"]
            shown = data["pagination"]["total"], [uuid.UUID(image["image_id"]) for image in data["images"]]
            cut = slice((number - 1) * size, number * size)
            known = [each for each in (self.found, self.settled) if each is not None]
            assert shown in [(len(each), [photo.image_id for photo in each[cut]]) for each in known]
        else:
            assert response["statusCode"] == (404 if all(self.allowed.values()) else 403)
            assert self.found is None or not all(self.allowed.values())


def test_whatever_the_replicas_have_missed_a_page_is_whole_and_nobody_is_wronged(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos that are shown are a page of what is stored, or was when the replicas agreed. A refusal is true now."""
    ticks = count(int(time.time()))
    monkeypatch.setattr(time, "time", lambda: float(next(ticks)))  # so that no two runs are of one second

    @settings(max_examples=examples(25))
    @given(Steps)
    def check(steps: list[tuple[str, Any]]) -> None:
        story = Story(site)
        story.begin()
        for step, value in steps:
            story.do(step, value)

    check()
