import uuid
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facesearch.adapters.memory.stores import MemoryReader
from facesearch.api.authentication import Authenticator
from facesearch.api.requests import ApiRequest, Credential, parse_request
from facesearch.errors import FaceSearchError, Forbidden
from facesearch.models import Feature, Scope, SearchKey, SearchSummary, digest_of, require
from tests.support.fakes import EVENT, EVENT_ID, KEY, ORG, photos

SECRET = "a-key-that-was-shown-once"
OTHER_EVENT = 457
REQUEST = str(uuid.UUID(int=7))


@pytest.fixture
def reader() -> MemoryReader:
    reader = MemoryReader()
    reader.keys[digest_of(SECRET)] = KEY
    reader.events[EVENT_ID] = EVENT
    reader.events[OTHER_EVENT] = replace(EVENT, event_id=OTHER_EVENT, org_id=904)
    reader.results[SearchKey(ORG, EVENT_ID, uuid.UUID(REQUEST))] = (SearchSummary(40, 90), photos(40))
    return reader


def call(org: object = ORG, event: object = EVENT_ID, request_id: str | None = None, **query: str) -> ApiRequest:
    path = {"org_id": str(org), "event_id": str(event)} | ({"request_id": request_id} if request_id else {})
    return parse_request(path, query)


def refusal(reader: MemoryReader, api_key: str, asked: ApiRequest) -> int:
    with pytest.raises(FaceSearchError) as refused:
        Authenticator(reader=reader).identify(Credential(api_key), asked, Scope.READ).event(Feature.SELFIE_SEARCH)
    return refused.value.status


def test_everything_that_a_page_needs_is_read_at_once(reader: MemoryReader) -> None:
    visit = Authenticator(reader=reader).identify(Credential(SECRET), call(request_id=REQUEST, page="2"), Scope.READ)
    assert visit.event(Feature.SELFIE_SEARCH) == EVENT
    stored = visit.known.result
    assert stored is not None
    assert stored.photos == photos(40)[32:]
    assert reader.reads == 1


@pytest.mark.parametrize("api_key", ["", "   ", "\t"])
def test_no_key_is_401_and_reads_nothing(reader: MemoryReader, api_key: str) -> None:
    assert refusal(reader, api_key, call(org="abc", page="0")) == 401
    assert reader.reads == 0


def test_a_key_opens_up_to_the_second_in_which_it_expires(
    reader: MemoryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.keys[digest_of(SECRET)] = replace(KEY, expires_at=1_000)
    monkeypatch.setattr("time.time", lambda: 999.9)
    assert Authenticator(reader=reader).identify(Credential(SECRET), call(), Scope.READ).org_id == KEY.org_id
    monkeypatch.setattr("time.time", lambda: 1_000.0)
    assert refusal(reader, SECRET, call()) == 403


@pytest.mark.parametrize(
    ("api_key", "asked", "status"),
    [
        ("guess", {"org": "abc", "event": 999, "page": "0"}, 403),
        (SECRET, {"org": 904, "page": "0"}, 403),
        (SECRET, {"event": 999, "page": "0"}, 422),
        (SECRET, {"org": "abc"}, 422),
        (SECRET, {"event": 999, "request_id": "abc"}, 400),
        (SECRET, {"event": 999}, 404),
        (SECRET, {"event": OTHER_EVENT}, 403),
    ],
)
def test_key_organisation_path_and_event_are_checked_in_this_order(
    reader: MemoryReader, api_key: str, asked: dict[str, Any], status: int
) -> None:
    assert refusal(reader, api_key, call(**asked)) == status


@pytest.mark.parametrize("feature", ["selfie_search", "event_enabled"])
def test_a_feature_that_is_switched_off_is_403(reader: MemoryReader, feature: str) -> None:
    reader.events[EVENT_ID] = replace(EVENT, **{feature: False})  # type: ignore[arg-type]
    assert refusal(reader, SECRET, call(request_id=REQUEST)) == 403


def test_a_request_id_of_another_event_is_another_search(reader: MemoryReader) -> None:
    reader.events[OTHER_EVENT] = replace(EVENT, event_id=OTHER_EVENT)
    asked = call(event=OTHER_EVENT, request_id=REQUEST)
    assert Authenticator(reader=reader).identify(Credential(SECRET), asked, Scope.READ).known.result is None


@pytest.mark.parametrize(("days", "refused"), [(-1, True), (0, False), (1, False)])
def test_faces_are_searched_up_to_their_last_day_and_the_photos_shown_beyond_it(days: int, refused: bool) -> None:
    until = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
    event = replace(EVENT, retain_until=until)
    require(event, Feature.PHOTOS)
    with pytest.raises(Forbidden) if refused else nullcontext():
        require(event, Feature.SELFIE_SEARCH)
