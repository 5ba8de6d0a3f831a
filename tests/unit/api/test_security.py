"""What SECURITY.md says of keys and refusals, derived from the code."""

import inspect
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.memory.stores import MemoryReader
from facesearch.adapters.s3.snapshots import snapshot_prefix
from facesearch.api.authentication import Authenticator
from facesearch.api.requests import Credential, parse_request
from facesearch.errors import FaceSearchError
from facesearch.models import Feature, Scope, SearchKey, UpstreamEvent, digest_of
from facesearch.records import original_key, rendition_keys
from facesearch.search.selfies import job_prefix, selfie_keys, selfie_prefixes
from tests.support.fakes import EVENT, EVENT_ID, KEY, ORG

A_ORG, AN_EVENT, OTHER_ORG = 90307, 45611, 90308
REQUEST = uuid.UUID(int=7)
SEARCH = SearchKey(A_ORG, AN_EVENT, REQUEST)
VALUES: dict[str, Any] = {
    "org_id": A_ORG, "event_id": AN_EVENT, "search": SEARCH, "request_id": REQUEST, "image_id": REQUEST, "place": "p",
    "shards": 1, "shard": 0, "model": "m", "digest": "d" * 64, "key_id": "k", "part": "HEADER", "number": 0,
    "kind": "FETCHES", "owner": str(A_ORG), "upstream": UpstreamEvent(1, 2),
    "event": replace(EVENT, event_id=AN_EVENT, org_id=A_ORG), "bib": "1024",
}  # fmt: skip
NEITHER = {"KEY", "LINKS", "RETENTION", "UPSTREAM"}
"""What SECURITY.md names as exceptions."""


def partition_keys() -> Iterator[tuple[str, str]]:
    """Each function of the schema that makes a partition key, and what it makes."""
    for name, function in inspect.getmembers(schema, inspect.isfunction):
        if name.endswith("_key"):
            made: Callable[..., Any] = function
            yield name, made(*(VALUES[parameter] for parameter in inspect.signature(function).parameters))["pk"]


@pytest.mark.parametrize(("name", "pk"), list(partition_keys()))
def test_a_partition_key_names_its_organisation_or_its_event_or_is_a_named_exception(name: str, pk: str) -> None:
    kind, *parts = pk.split("#")
    owned = bool(parts) and parts[0] in {str(A_ORG), str(AN_EVENT)}
    assert owned != (kind in NEITHER), name
    if kind in {"RESULT", "JOB"}:
        assert parts == [str(A_ORG), str(AN_EVENT), str(REQUEST)]


def test_there_are_as_many_kinds_of_key_as_the_schema_lists() -> None:
    listed = set(re.findall(r"^\|[^|]+\| ([A-Z]+)", schema.__doc__ or "", re.MULTILINE))
    assert {pk.split("#")[0] for _, pk in partition_keys()} == listed


def test_a_file_lies_under_its_organisation_and_event_or_its_event() -> None:
    below = f"{A_ORG}/{AN_EVENT}/"
    assert original_key(A_ORG, AN_EVENT, REQUEST, "a.jpg").startswith(below)
    assert all(key.startswith(below) for key in selfie_keys(SEARCH))
    assert selfie_prefixes(A_ORG, AN_EVENT) == (below, f"uploads/{below}", f"jobs/{below}")
    assert job_prefix(SEARCH).startswith(f"jobs/{below}")
    assert all(key.startswith(f"imgs/{AN_EVENT}/") for key in rendition_keys(AN_EVENT, REQUEST))
    assert snapshot_prefix(AN_EVENT) == f"snapshots/{AN_EVENT}/"


@pytest.fixture
def reader() -> MemoryReader:
    reader = MemoryReader()
    reader.keys[digest_of("good")] = KEY
    reader.keys[digest_of("inactive")] = replace(KEY, active=False)
    reader.keys[digest_of("expired")] = replace(KEY, expires_at=1)
    reader.events[EVENT_ID] = EVENT
    for event_id, enabled in ((AN_EVENT, True), (AN_EVENT + 1, False)):
        reader.events[event_id] = replace(EVENT, event_id=event_id, org_id=OTHER_ORG, event_enabled=enabled)
    return reader


def refusal(reader: MemoryReader, key: str, org_id: int, event_id: int) -> tuple[int, str]:
    asked = parse_request({"org_id": str(org_id), "event_id": str(event_id)}, {})
    with pytest.raises(FaceSearchError) as refused:
        Authenticator(reader=reader).identify(Credential(key), asked, Scope.READ).event(Feature.PHOTOS)
    return refused.value.status, refused.value.message


@pytest.mark.parametrize("key", ["", "unknown", "inactive", "expired"])
def test_without_a_good_key_a_refusal_is_the_same_whatever_is_there(reader: MemoryReader, key: str) -> None:
    places = [(ORG, EVENT_ID), (ORG, AN_EVENT), (ORG, 1), (OTHER_ORG, AN_EVENT), (1, 1)]
    assert len({refusal(reader, key, *place) for place in places}) == 1


def test_another_organisation_s_path_is_refused_the_same_whether_it_exists_or_not(reader: MemoryReader) -> None:
    assert len({refusal(reader, "good", *place) for place in [(OTHER_ORG, AN_EVENT), (OTHER_ORG, 1), (1, 1)]}) == 1


def test_of_another_organisation_s_event_a_caller_learns_that_there_is_one_and_no_more(reader: MemoryReader) -> None:
    taken, switched_off, free = (refusal(reader, "good", ORG, each) for each in (AN_EVENT, AN_EVENT + 1, 1))
    assert (taken[0], free[0]) == (403, 404)
    assert taken == switched_off, "no switch"
    assert EVENT.name not in taken[1]
