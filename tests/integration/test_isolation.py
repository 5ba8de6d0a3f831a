"""Three organisations on one stack: none sees, changes or counts against another, whatever ids it sends."""

import json
import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import Table
from facesearch.admin.models import EventChanges
from facesearch.models import QuotaLimits
from tests.integration.calls import BIB, NAMES, Ask, every_call
from tests.integration.conftest import Site, photo_of_nobody
from tests.integration.test_faces import envelope
from tests.integration.test_uploads import form_for, send


@dataclass
class Tenant:
    """An organisation with an event, a photo, a finished search and an upload that waits; all of it has odd names.

    Attributes:
        ids: of its things, by kind, as text.
        words: what no answer to anybody else may hold, unless they sent it.
    """

    site: Site
    ids: dict[str, str]
    words: set[str] = field(default_factory=set)

    def owns(self, thing: str) -> bool:
        return self.ids["org_id"] in thing or self.ids["event_id"] in thing


def holdings(tenants: list[Tenant]) -> list[list[str]]:
    """For each organisation, all that tables and buckets hold of it; its quota's state included."""
    site = tenants[0].site
    things: list[str] = []
    for table in ("TableName", "IdempotencyTableName"):
        for page in site.dynamodb.get_paginator("scan").paginate(TableName=site.outputs[table], ConsistentRead=True):
            things += [json.dumps(item, sort_keys=True, default=str) for item in page["Items"]]
    for bucket in ("PhotosBucket", "SelfiesBucket", "RenditionsBucket"):
        for listed in site.s3.get_paginator("list_objects_v2").paginate(Bucket=site.outputs[bucket]):
            things += [f"{item['Key']} {item['ETag']}" for item in listed.get("Contents", [])]
    return [sorted(filter(each.owns, things)) for each in tenants]


def tenant(site: Site, selfie: bytes, dice: random.Random) -> Tenant:
    name = f"Org{dice.getrandbits(48):x}"
    org = site.other_org(name)
    org.admin.set_quota(org.org_id, QuotaLimits(per_minute=1, burst=50))
    filename = f"file{dice.getrandbits(48):x}.jpg"
    org.admin.update_event(org.event_id, timeline_search=True, bib_search=True)
    image_id = org.put_photo(photo_of_nobody(dice.randrange(256), "2026:05:01 12:00:00"), filename)
    org.wear(image_id, BIB)
    request_id = str(uuid.UUID(int=dice.getrandbits(128)))
    envelope(org.post(selfie, request_id), 200)
    form = form_for(org)
    assert send(form, selfie).is_success
    ids = {
        "org_id": str(org.org_id),
        "event_id": str(org.event_id),
        "image_id": str(image_id),
        "request_id": request_id,
        "upload_id": form["upload_id"],
    }
    return Tenant(org, ids, {name, name.lower(), filename, *ids.values()})


@pytest.fixture(scope="module")
def tenants(site: Site, obama_once: bytes) -> list[Tenant]:
    dice = random.Random(20260501)
    return [tenant(site, obama_once, dice) for _ in range(3)]


@pytest.fixture(scope="module")
def obama_once(samples: Any) -> bytes:
    content: bytes = (samples / "obama.jpg").read_bytes()
    return content


@pytest.fixture
def untouched(tenants: list[Tenant]) -> Iterator[None]:
    """Nothing of anybody is changed by the test."""
    before = holdings(tenants)
    assert all(before)
    yield
    assert holdings(tenants) == before


def quota_of(one: Tenant) -> int:
    """The moment at which the bucket is full, in microseconds: what a search moves on."""
    item = Table(one.site.dynamodb, one.site.outputs["TableName"]).get(schema.quota_key(str(one.site.org_id)))
    assert item is not None
    return int(item["full_at"])


def pairs(tenants: list[Tenant]) -> Iterable[tuple[Tenant, Tenant]]:
    return [(one, other) for one in tenants for other in tenants if one is not other]


def check_silent(answer: httpx.Response, other: Tenant, sent: Iterable[str] = ()) -> None:
    """The answer holds nothing of the other's beyond the ids that were sent."""
    said = answer.text + json.dumps(dict(answer.headers))
    assert {word for word in other.words if word in said} <= set(sent)


def asks_of(one: Tenant, selfie: bytes) -> list[Ask]:
    return every_call(one.ids["request_id"], one.ids["image_id"], selfie)


@pytest.mark.usefixtures("untouched")
def test_no_call_reaches_anothers_organisation_or_event(tenants: list[Tenant]) -> None:
    for one, other in pairs(tenants):
        mine, theirs = one.site, other.site
        for owner in (one, other):  # of the request_id and the image_id that are sent
            sent = () if owner is one else {theirs.org_id, theirs.event_id, *other.ids.values()}
            for ask in asks_of(owner, b"no picture"):
                for org, event in (
                    (theirs.org_id, theirs.event_id),
                    (theirs.org_id, mine.event_id),
                    *([(mine.org_id, theirs.event_id)] if ask.of_event else []),
                ):
                    answer = ask.send(mine, org=org, event=event)
                    assert answer.status_code == 403, ask
                    envelope(answer, 403)
                    check_silent(answer, other, map(str, sent))


@pytest.mark.usefixtures("untouched")
def test_anothers_search_photo_and_upload_are_unknown_in_ones_own_event(tenants: list[Tenant]) -> None:
    for one, other in pairs(tenants):
        theirs, mine = other.ids, one.site
        for answer, status in (
            (mine.get(theirs["request_id"]), 404),
            (mine.originals({"method": "selfie", "identifier": theirs["request_id"]}), 404),
            (mine.http.post(mine.faces_url(), data={"upload_id": theirs["upload_id"]}, headers=mine.headers), 400),
        ):
            envelope(answer, status)
            check_silent(answer, other)
        missing = mine.originals({"method": "image_ids", "identifier": [theirs["image_id"], one.ids["image_id"]]})
        data = envelope(missing, 200)["data"]
        assert [row["image_id"] for row in data["failed_urls"]] == [theirs["image_id"]]
        assert data["successful_count"] == 1
        check_silent(missing, other, sent=[theirs["image_id"]])


@pytest.mark.usefixtures("untouched")
def test_a_bib_that_everybodys_photos_show_finds_ones_own_alone(tenants: list[Tenant]) -> None:
    for one, other in pairs(tenants):
        shown, links = one.site.bibs(BIB), one.site.originals({"method": "bib", "identifier": BIB})
        assert [image["image_id"] for image in envelope(shown, 200)["data"]["images"]] == [one.ids["image_id"]]
        assert envelope(links, 200)["data"]["total_images"] == 1
        for answer in (shown, links):
            check_silent(answer, other)


def test_the_same_request_id_is_everybodys_own_search_and_everybodys_own_cost(
    tenants: list[Tenant], obama: bytes
) -> None:
    one, other, request_id = tenants[0], tenants[1], str(uuid.uuid4())
    theirs = other.site.post(obama, request_id)
    (before,), mine = holdings([other]), quota_of(one)
    answer = one.site.post(obama, request_id)
    assert "idempotent-replayed" not in answer.headers
    assert envelope(answer, 200)["data"]["request_id"] == request_id
    check_silent(answer, other)
    assert quota_of(one) > mine, "one more search"
    assert holdings([other]) == [before], "its quota included"
    assert other.site.get(request_id).json() == theirs.json()
    assert other.site.post(None, request_id).headers["idempotent-replayed"] == "true"


def test_any_mixture_of_ids_is_answered_for_what_the_key_may_see(tenants: list[Tenant]) -> None:
    """Ids of everybody, and ids of nobody, in every place of a call; whoever's key it is decides."""
    before = holdings(tenants)
    pool = {kind: [each.ids[kind] for each in tenants] for kind in ("org_id", "event_id", "image_id", "request_id")}
    pool["org_id"].append("123456789")
    pool["event_id"].append("123456789")
    pool["image_id"].append(str(uuid.UUID(int=1)))
    pool["request_id"].append(str(uuid.UUID(int=2)))

    @settings(max_examples=80)
    @given(
        st.sampled_from(tenants),
        st.fixed_dictionaries({kind: st.sampled_from(ids) for kind, ids in pool.items()}),
        st.sampled_from([name for name in NAMES if name not in {"search", "uploads"}]),
    )
    def answered_for_what_the_key_may_see(caller: Tenant, ids: dict[str, str], name: str) -> None:
        ask = next(ask for ask in every_call(ids["request_id"], ids["image_id"], b"") if ask.name == name)
        answer = ask.send(caller.site, org=ids["org_id"], event=ids["event_id"])
        mine = caller.ids
        allowed = ids["org_id"] == mine["org_id"] and (not ask.of_event or ids["event_id"] == mine["event_id"])
        if name == "results":
            allowed = allowed and ids["request_id"] == mine["request_id"]
        if name == "originals" and allowed and ids["image_id"] != mine["image_id"]:
            assert envelope(answer, 400)["message"] == "There is no such photo in this event.", "somebody's or nobody's"
            allowed = False
        assert (answer.status_code == 200) == allowed
        envelope(answer, answer.status_code)
        for other in tenants:
            if other is not caller:
                check_silent(answer, other, sent=ids.values())

    answered_for_what_the_key_may_see()
    assert holdings(tenants) == before


@pytest.mark.parametrize("name", [name for name in NAMES if name != "events"])
def test_anothers_event_says_nothing_but_that_it_is_anothers(tenants: list[Tenant], obama: bytes, name: str) -> None:
    """403 for an event that somebody has, 404 for one that nobody has: that much is documented, and all there is."""
    one, other = tenants[0], tenants[1]
    ask = next(ask for ask in asks_of(one, obama) if ask.name == name)

    def shape(answer: httpx.Response, status: int) -> dict[str, str]:
        envelope(answer, status)
        varies = {"date", "x-amzn-requestid", "content-length", "ratelimit-remaining", "ratelimit-reset"}
        varies |= {"face-search-error"}  # the status in other words
        return {header: value for header, value in answer.headers.items() if header not in varies}

    refused = ask.send(one.site, event=other.site.event_id)
    unknown = ask.send(one.site, event=123_456_789)
    assert shape(refused, 403) == shape(unknown, 404)
    empty = other.site.other_event()
    switched: list[EventChanges] = [
        {"selfie_search": False},
        {"timeline_search": True},
        {"bib_search": True},
        {"event_enabled": False},
    ]
    for changes in switched:
        other.site.admin.update_event(empty.event_id, **changes)
        same = ask.send(one.site, event=empty.event_id)
        assert (shape(same, 403), same.text) == (shape(refused, 403), refused.text), "whatever it is like"
