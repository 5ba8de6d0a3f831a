"""Keys that are switched, deleted, expire or are too narrow; and the quota that only real searches take from."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from facesearch.adapters.dynamodb.admin import KEYS_PER_ORG
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import QuotaLimits, Scope
from tests.integration.calls import Ask, every_call
from tests.integration.conftest import Site, photo_of_nobody
from tests.integration.test_faces import envelope


@pytest.fixture(scope="module")
def org(site: Site) -> Site:
    """An organisation of this module's own, with an event that nobody is in and that serves every call."""
    org = site.other_org()
    org.admin.update_event(org.event_id, bib_search=True, timeline_search=True)
    return org


@pytest.fixture(scope="module")
def photo(org: Site) -> uuid.UUID:
    """A photo of nobody in that event."""
    image_id = org.put_photo(photo_of_nobody(50))
    org.indexed(image_id)
    return image_id


@pytest.fixture
def asks(org: Site, photo: uuid.UUID, obama: bytes) -> list[Ask]:
    """Every call, each of which succeeds with a good key; the search is a replay."""
    request_id = str(uuid.uuid4())
    envelope(org.post(obama, request_id), 200)
    replay = {"files": {"request_id": (None, request_id)}}
    calls = every_call(request_id, str(photo), obama)
    return [replace(ask, arguments=replay) if ask.name == "search" else ask for ask in calls]


def statuses(site: Site, asks: list[Ask], key: str) -> set[int]:
    answers = [ask.send(site, key=key) for ask in asks]
    for answer in answers:
        envelope(answer, answer.status_code)
    return {answer.status_code for answer in answers}


def test_a_key_is_switched_off_and_on_and_deleted_with_effect_on_the_very_next_request(
    org: Site, asks: list[Ask]
) -> None:
    created = org.admin.create_key(org.org_id)
    for _ in range(2):
        assert statuses(org, asks, created.api_key) == {200}
        org.admin.switch_key(org.org_id, created.key_id, active=False)
        assert statuses(org, asks, created.api_key) == {403}
        org.admin.switch_key(org.org_id, created.key_id, active=True)
    assert statuses(org, asks, created.api_key) == {200}
    org.admin.delete_key(org.org_id, created.key_id)
    assert statuses(org, asks, created.api_key) == {403}
    with pytest.raises(NotFound):
        org.admin.switch_key(org.org_id, created.key_id, active=True)


@pytest.mark.parametrize("scope", Scope)
def test_a_key_is_good_for_its_scopes_alone(org: Site, asks: list[Ask], scope: Scope) -> None:
    created = org.admin.create_key(org.org_id, scopes=[scope])
    for ask in asks:
        envelope(ask.send(org, key=created.api_key), 200 if ask.scope is scope else 403)
    org.admin.delete_key(org.org_id, created.key_id)


def test_an_organisation_has_ten_keys_at_most_however_many_are_created_at_once(site: Site) -> None:
    org_id = site.admin.create_org("Many Keys")

    def create(_: int) -> bool:
        try:
            site.admin.create_key(org_id)
        except InvalidRequest:
            return False
        return True

    with ThreadPoolExecutor(8) as operators:
        assert sum(operators.map(create, range(2 * KEYS_PER_ORG))) == KEYS_PER_ORG
    rows = site.admin.keys(org_id)
    assert len({row.key_id for row in rows}) == site.admin.org(org_id).keys == KEYS_PER_ORG
    site.admin.delete_key(org_id, rows[0].key_id)
    assert create(0)
    assert not create(0)


@pytest.fixture
def limited(site: Site) -> Callable[[int, int], Site]:
    """Makes an organisation with a quota of its own."""

    def make(per_minute: int, burst: int) -> Site:
        org = site.other_org()
        org.admin.set_quota(org.org_id, QuotaLimits(per_minute, burst))
        return org

    return make


def test_without_quota_a_new_search_is_429_and_what_was_found_before_is_still_there(
    limited: Callable[[int, int], Site], site: Site, obama: bytes
) -> None:
    org, request_id, refused_id = limited(1, 2), str(uuid.uuid4()), str(uuid.uuid4())
    first = org.post(obama, request_id)
    envelope(first, 200)
    envelope(org.post(obama), 200)
    refused = org.post(obama, refused_id)
    envelope(refused, 429)
    assert 30 < int(refused.headers["retry-after"]) <= 60
    assert (refused.headers["ratelimit-limit"], refused.headers["ratelimit-remaining"]) == ("2", "0")
    assert 60 < int(refused.headers["ratelimit-reset"]) <= 120
    envelope(org.get(refused_id), 404)

    replay = org.post(obama, request_id)
    assert (replay.json(), replay.headers["idempotent-replayed"]) == (first.json(), "true")
    assert replay.headers["ratelimit-remaining"] == "0"
    assert org.get(request_id).json() == first.json()
    envelope(org.originals({"method": "selfie", "identifier": request_id}), 200)
    envelope(org.upload(), 200)
    assert envelope(org.post(b""), 400), "refused for itself, as ever"
    assert envelope(org.post(b"no picture"), 429), "no picture is opened that could not be searched"

    assert envelope(site.post(obama), 200), "another organisation"
    org.admin.set_quota(org.org_id, QuotaLimits(1, 3))
    retried = org.post(obama, refused_id)
    assert envelope(retried, 200)["data"]["request_id"] == refused_id
    assert "idempotent-replayed" not in retried.headers


def test_searches_at_once_never_exceed_the_burst(limited: Callable[[int, int], Site], obama: bytes) -> None:
    org = limited(1, 3)
    ids = [str(uuid.uuid4()) for _ in range(10)]
    with ThreadPoolExecutor(len(ids)) as callers:
        answers = list(callers.map(partial(org.post, obama), ids))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 7
    found = [org.get(request_id).status_code for request_id in ids]
    assert found == [200 if answer.status_code == 200 else 404 for answer in answers]
