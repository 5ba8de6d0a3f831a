"""Generated requests, valid and invalid, against the local stack: every answer must be as docs/openapi.json promises.

More than 3,000 requests, the same in every run. Each answer is checked for: a documented status, content type, headers
and body; valid requests accepted; invalid ones refused; keys enforced; and, ours, the envelope around everything.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from hypothesis import strategies as st
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from facesearch.api.cors import SECURITY
from facesearch.api.selfie_form import MAX_PARTS, MAX_URLENCODED_BYTES, options_of
from facesearch.api.watch_form import AGREED, CONSENT
from facesearch.faces.several import MAX_SELFIES
from facesearch.webhooks.jobs import WATCH_DAYS
from facesearch.webhooks.requests import MAX_METADATA_BYTES
from tests.contract.reality import FINISHED, Case, Reality, is_uuid, small_pictures
from tests.support.codes import CODES
from tools.openapi import FILE
from tools.openapi.operations import OPERATIONS

MINIMUM = 3_000
SUCCESSES = {200, 201, 202}
CALLERS = {400, 401, 403, 404, 422}
"""Statuses that a request alone can bring about."""

# All of it costs 100 s of processor time, half of it the stack's: 30 ms a request, for making it up, answering it and
# checking the answer; 100 ms a search. The coverage phase adds about 50 requests to each operation by itself.
READS, SEARCHES = 280, 340


def configured(**more: Any) -> SchemathesisConfig:
    """What all operations have in common. One configuration for each schema, for Schemathesis merges those of
    operations anew several times for every request, which takes as long as the request."""
    return SchemathesisConfig.from_dict(
        {
            "seed": 20_260_517,
            "suppress-health-check": ["all"],
            # Keys come from `Reality`: made up, most requests would meet the first check and no other.
            "generation": {"with-security-parameters": False},
            # What is asked next must not depend on what was answered before, or no run would be like another.
            "phases": {"fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}}},
            "checks": {
                # An unknown method of a known path is 404 in our contract, as in API Gateway's REST APIs, and not 405.
                "unsupported_method": {"enabled": False},
                # Ours, 413 among them: a form of too many parts is too large.
                "negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "413", "422"]},
                # No schema says which bytes are a picture with a face in it, or which uploads there are: 400.
                "positive_data_acceptance": {"expected-statuses": more.pop("accepted")},
            },
            **more,
        }
    )


def in_full() -> dict[str, Any]:
    """The document, with what it leaves to words so that code generators understand it: a form has a selfie in it, a
    webhook has one in one way, and only what watches has days. Of webhooks made up without that, 9 were accepted."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    for name in ("SelfieForm", "WatchForm"):
        schemas[name]["anyOf"] = [{"required": ["file"]}, {"required": ["upload_id"]}]
    agreed = {"watch": {"const": True}, "watch_consent": {"const": True}, "callback_url": {"type": "string"}}
    watches = {"required": list(agreed), "properties": agreed}
    once = {"properties": {"watch": {"const": False}}, "not": {"required": ["watch_days"]}}
    ways = ("selfie_url", "selfie_base64")
    one = [
        {"required": [way], "properties": {way: {"not": {"type": "null"}}}, "not": {"required": [other]}}
        for way, other in (ways, ways[::-1])
    ]
    schemas["WebhookRequest"]["allOf"] = [{"anyOf": [once, watches]}, {"anyOf": one}]
    return document


schema = schemathesis.openapi.from_dict(in_full(), config=configured(accepted=["2xx", "401", "403", "404"]))
WITH_A_SELFIE = ["searchFaces", "watchSearch"]
searches = schemathesis.openapi.from_dict(
    in_full(),
    config=configured(
        accepted=["2xx", "400", "401", "403", "404"],
        dictionaries={"finished": {"values": FINISHED}},
        parameters={"body.request_id": {"dictionary": "finished", "probability": 0.8}},
    ),
)
answers: Counter[tuple[str, int]] = Counter()
replays: Counter[str] = Counter()
enforced: set[str] = set()


schemathesis.openapi.format("binary", small_pictures() | st.binary(max_size=200))


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: Case, response: Response) -> None:
    """Count what was really sent and answered."""
    answers[str(case.operation.definition.raw["operationId"]), response.status_code] += 1


def in_the_envelope(ctx: CheckContext, response: Response, case: Case) -> None:
    """Whatever was asked, known to the document or not."""
    assert response.headers["cache-control"] == [SECURITY["Cache-Control"]]
    assert response.headers["x-content-type-options"] == [SECURITY["X-Content-Type-Options"]]
    if response.status_code == 204:
        assert response.request.method == "OPTIONS"
        return
    body = response.json()
    assert list(body) == ["responseType", "message", "data"]
    is_success = response.status_code in SUCCESSES
    assert body["responseType"] == ("success" if is_success else "error")
    assert (body["data"] is None) is not is_success
    assert set(response.headers.get("face-search-error", [""])) <= ({""} if is_success else CODES)
    assert response.status_code != 429
    assert response.status_code < 500


def is_too_long_a_form(response: Response) -> bool:
    """Whether more parts were sent than a form may have, however the case spelt them."""
    sent = response.request.body
    if not isinstance(sent, bytes):
        sent = sent.encode() if isinstance(sent, str) else b""
    content_type = str(response.request.headers.get("Content-Type", ""))
    match content_type.partition(";")[0], options_of(content_type):
        case "multipart/form-data", {"boundary": boundary}:
            return sent.count(b"--" + boundary.encode()) - 1 > MAX_PARTS
        case "application/x-www-form-urlencoded", _:
            return sent.count(b"&") + 1 > MAX_PARTS or len(sent) > MAX_URLENCODED_BYTES
    return False


def count_of(value: Any) -> int:
    """How many parts of a form, or pairs, a field becomes."""
    return len(value) if isinstance(value, list) else int(value is not None)


def fits_together(body: dict[str, Any]) -> bool:
    """Whether a webhook's fields are those that go together, which the schema leaves to its description."""
    selfies = [body.get("selfie_url"), body.get("selfie_base64")]
    watched = body.get("watch_consent") and body.get("callback_url") if body.get("watch") else "watch_days" not in body
    # Escaped or not: what is near the limit is left alone.
    small = len(json.dumps(body.get("metadata"))) <= MAX_METADATA_BYTES
    return selfies.count(None) == 1 and bool(watched) and small


def is_agreed_to(body: dict[str, Any]) -> bool:
    """Whether a watch's form says so, however its fields are typed: to a form all is text."""
    days, consent = (list(map(str, value if isinstance(value, list) else [value]))[:1]
                     for value in (body.get("days", WATCH_DAYS), body.get(CONSENT)))  # fmt: skip
    return consent == [AGREED] and days in [[str(day)] for day in range(1, WATCH_DAYS + 1)]


def exceptions(case: Case, response: Response) -> list[Any]:
    """Checks that would be wrong about this very case."""
    operation, body = case.operation.definition.raw["operationId"], case.body if isinstance(case.body, dict) else {}
    is_replay = "idempotent-replayed" in response.headers
    replays[case.operation.label] += is_replay
    wrong = {
        positive_data_acceptance: (
            # No schema can say that two lists are limited together, or which photos there are.
            count_of(body.get("file")) + count_of(body.get("upload_id")) > MAX_SELFIES
            or (operation == "getOriginalPhotos" and response.status_code == 400)
            or (operation == "receiveWebhook" and not fits_together(body))
            or is_too_long_a_form(response)  # to the schema a list is one field; each of its items is a part
        ),
        negative_data_rejection: (
            # A finished search is answered whatever else is in the form, or is not: the promise of request_id.
            is_replay
            # Invalid because of the other way to send a selfie, or of a field that a form has no way to say.
            or ("file" in body and "upload_id" not in body and is_uuid(body.get("request_id", FINISHED[0])))
            or (operation == "watchSearch" and is_agreed_to(body))  # whose selfie is looked at later
        ),
        # It asks twice more, without key and with a wrong one. Once for each operation says as much.
        ignored_auth: case.operation.label in enforced,
    }
    return [check for check, is_wrong in wrong.items() if is_wrong]


def ask(case: Case, reality: Reality) -> None:
    """Send it, and check the response."""
    headers = reality.enter(case)
    response = case.call(base_url=reality.site.stack.url, session=reality.session, headers=headers)
    excluded = exceptions(case, response)
    case.validate_response(response, headers=headers, additional_checks=[in_the_envelope], excluded_checks=excluded)
    if response.status_code in SUCCESSES:
        enforced.add(case.operation.label)


@schema.exclude(operation_id=WITH_A_SELFIE).parametrize()
@settings(max_examples=READS, derandomize=True, database=None, deadline=None)
def test_every_generated_request_is_answered_as_documented(case: Case, reality: Reality) -> None:
    ask(case, reality)


@searches.include(operation_id=WITH_A_SELFIE).parametrize()
@settings(max_examples=SEARCHES, derandomize=True, database=None, deadline=None)
def test_every_generated_search_is_answered_as_documented(case: Case, reality: Reality) -> None:
    ask(case, reality)


def test_there_were_enough_requests_and_of_every_kind(request: pytest.FixtureRequest) -> None:
    names = [item.name for item in request.session.items if item.path == request.path]
    if len(names) <= len(OPERATIONS):
        pytest.skip("only some of the requests were made")
    print(f"{answers.total()} requests")
    assert answers.total() >= MINIMUM
    for operation in OPERATIONS:
        seen = {status for name, status in answers if name == operation.id}
        assert {operation.response.status, *(status for status in operation.refusals if status in CALLERS)} <= seen, (
            operation.id
        )
        assert answers[operation.id, operation.response.status] >= 50, operation.id
    assert replays.total() >= 10
