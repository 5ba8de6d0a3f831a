"""Webhooks on the running stack: who may send them, what becomes of them, and what happens when something dies."""

import base64
import json
import re
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import standardwebhooks
import svix

from facesearch.models import Scope
from facesearch.webhooks.jobs import LOST
from facesearch_local import running
from tests.conftest import ROOT
from tests.integration.conftest import photo_of_nobody, until
from tests.integration.test_exactly_once import results_of
from tests.integration.test_examples import run
from tests.integration.test_faces import envelope
from tests.integration.webhooks import Host, Partner
from tests.support.signatures import signed
from tools import policies

SELFIE = "https://a.example/selfie.jpg"
TWO_DELIVERIES = {"SEARCH_JOB_DELIVERIES": "2"}
QUEUES = ("SearchJobsQueue", "SearchJobsDeadLetters")


def accepted(response: httpx.Response, *, replayed: bool = False) -> str:
    """The request_id of a webhook that was taken."""
    body = envelope(response, 202)
    assert body["message"] == "Face search queued"
    assert (response.headers.get("Idempotent-Replayed") == "true") is replayed
    request_id: str = body["data"]["request_id"]
    return request_id


def in_base64(selfie: bytes) -> str:
    return base64.b64encode(selfie).decode()


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook])
def test_a_webhook_that_others_sign_is_searched_and_its_result_is_read_as_any_other(
    partner: Partner, selfies: Host, obama: bytes, library: Any
) -> None:
    site, now = partner.site, datetime.now(UTC)
    body = json.dumps({"selfie_url": selfies.put(obama)}).encode()
    message = f"msg_{uuid.uuid4().hex}"
    headers = {
        "Webhook-Signature": library(partner.secret).sign(message, now, body.decode()),
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Id": message,
    }
    response = site.http.post(partner.url, content=body, headers=headers)
    request_id = accepted(response)
    data = response.json()["data"]
    assert data["status"] == "queued"
    assert partner.end_of(request_id) == {"request_id": request_id, "status": "done", "reason": None}
    assert site.http.get(site.stack.url + data["status_url"], headers=site.headers).json()["data"]["status"] == "done"
    result = site.http.get(site.stack.url + data["results_url"], headers=site.headers)
    assert len(result.json()["data"]["images"]) == 5
    assert result.json()["data"] == site.post(obama).json()["data"] | {"request_id": request_id}


def test_a_key_does_in_place_of_a_signature(partner: Partner, obama: bytes) -> None:
    site, body = partner.site, {"selfie_base64": in_base64(obama)}
    request_id = accepted(site.http.post(partner.url, json=body, headers=site.headers))
    assert partner.end_of(request_id)["status"] == "done"
    reading = site.admin.create_key(site.org_id, [Scope.READ]).api_key
    stranger = site.other_org().api_key
    before = partner.items()
    for key in ("wrong", reading, stranger):
        envelope(site.http.post(partner.url, json=body, headers={"X-API-Key": key}), 403)
        envelope(partner.send(body, **{"X-API-Key": key}), 403)
    envelope(site.http.post(partner.url, json=body, headers={"X-API-Key": ""}), 401)
    assert partner.items() == before


def test_a_search_is_told_of_from_the_moment_that_it_is_queued(partner: Partner, obama: bytes) -> None:
    site = partner.site
    assert partner.status(str(uuid.uuid4())).status_code == 404
    assert partner.status("no uuid").status_code == 400
    request_id = accepted(partner.send({"selfie_base64": in_base64(obama)}))
    assert partner.status(request_id).json()["data"]["status"] in {"queued", "running", "done"}
    partner.end_of(request_id)
    posted = str(uuid.uuid4())
    site.post(obama, posted)
    assert partner.status(posted).json()["data"] == {"request_id": posted, "status": "done", "reason": None}
    stranger = site.other_org()
    assert Partner(replace(stranger, event_id=site.event_id), "").status(request_id).status_code == 403
    assert Partner(stranger, "").status(request_id).status_code == 404


def test_the_documents_sender_sends_what_is_searched(partner: Partner, samples: Path, tmp_path: Path) -> None:
    document = (ROOT / "docs" / "integrating" / "webhooks.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    assert len(example.splitlines()) <= 20
    command, site = [sys.executable, "-c", example], partner.site
    said = run(command, site, samples / "obama2.jpg", tmp_path, WEBHOOK_SECRET=partner.secret)
    status, url = said.split()
    assert status == "done"
    assert site.http.get(url, headers=site.headers).json()["data"]["pagination"]["total"] == 5


def test_the_same_webhook_again_gets_the_same_answer_and_nothing_runs_twice(
    partner: Partner, selfies: Host, obama: bytes
) -> None:
    body, message = {"selfie_url": selfies.put(obama)}, f"msg_{uuid.uuid4().hex}"
    executed, asked = partner.site.metric("searchjobs", "SearchExecuted"), len(selfies.asked)
    first = partner.send(body, message)
    request_id = accepted(first)
    again = partner.send(body, message)
    assert accepted(again, replayed=True) == request_id
    partner.end_of(request_id)
    late = partner.send(body, message)
    assert accepted(late, replayed=True) == request_id
    for answer in (again, late):
        data, before = answer.json()["data"], first.json()["data"]
        assert data | {"status": ""} == before | {"status": ""}
    assert late.json()["data"]["status"] == "done"
    until(lambda: partner.orders() == 0)
    assert partner.site.metric("searchjobs", "SearchExecuted") == executed + 1
    assert len(selfies.asked) == asked + 1


def test_twenty_at_once_are_one(partner: Partner, obama: bytes) -> None:
    body, message = {"selfie_base64": in_base64(obama)}, f"msg_{uuid.uuid4().hex}"
    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(lambda _: partner.send(body, message), range(20)))
    (request_id,) = {answer.json()["data"]["request_id"] for answer in answers}
    assert {answer.status_code for answer in answers} == {202}
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count(None) == 1
    assert partner.end_of(request_id)["status"] == "done"
    assert results_of(partner.site, request_id) == 1
    until(lambda: not partner.selfies() and partner.orders() == 0)


def test_what_is_not_signed_by_the_organisation_now_is_refused_and_leaves_nothing(
    partner: Partner, obama: bytes
) -> None:
    site, before = partner.site, partner.items()
    body = json.dumps({"selfie_base64": in_base64(obama), "metadata": {"a": 1, "b": 2}}).encode()
    other = site.other_org()
    theirs = site.admin.create_webhook_secret(other.org_id).secret
    own = signed(partner.secret, body)
    forged: list[dict[str, str]] = [
        {},
        signed(theirs, body),
        signed(partner.secret, body + b" "),
        signed(partner.secret, body.replace(b'"a": 1, "b": 2', b'"b": 2, "a": 1')),
        signed(partner.secret, body, at=datetime.now(UTC) - timedelta(minutes=6)),
        signed(partner.secret, body, at=datetime.now(UTC) + timedelta(minutes=6)),
        own | {"webhook-id": own["webhook-timestamp"], "webhook-timestamp": own["webhook-id"]},
        own | {"webhook-id": "msg_2"},
        own | {"webhook-signature": own["webhook-signature"].removeprefix("v1,")},
        own | {"webhook-signature": own["webhook-signature"].replace("v1,", "v2,")},
        *({name: value for name, value in own.items() if name != left_out} for left_out in own),
    ]
    messages = {
        envelope(site.http.post(partner.url, content=body, headers=headers), 401)["message"] for headers in forged
    }
    elsewhere = [partner.url.replace(str(site.org_id), org) for org in (str(other.org_id), "123456789", "abc")]
    messages |= {envelope(site.http.post(url, content=body, headers=own), 401)["message"] for url in elsewhere}
    assert len(messages) == 1, "a refusal tells nothing"
    assert partner.items() == before
    assert partner.selfies() == []
    assert partner.orders() == 0


WRONG: list[tuple[Any, int]] = [
    (b"", 400),
    (b'{"selfie_url": "https://a.example/\\ud800"}', 400),
    (b'{"selfie_url": "https://a.example/", "metadata": {"a": 1e400}}', 422),
    (b'{"selfie_url": "https://a.example/", "metadata": {"a": ' + b"9" * 5000 + b"}}", 400),
    (b"[" * 100_000, 400),
    ({"selfie_url": "https://a.example/", "selfie_base64": "AAAA"}, 422),
    ({"selfie_base64": "AAAA\nAAAA"}, 400),
    ({"selfie_base64": "A" * 6_292_000}, 413),
    ({"selfie_base64": "A" * 12_000_000}, 413),
    ({"selfie_url": "https://a.example/", "request_id": "7"}, 400),
    ({"selfie_url": "https://a.example/", "callback_url": "https://10.0.0.1/"}, 422),
    ({"selfie_url": "https://a.example/", "watch": True, "callback_url": "https://a.example/"}, 422),
]


def test_a_body_that_makes_no_sense_is_refused_and_leaves_nothing(partner: Partner) -> None:
    before = partner.items()
    for body, status in WRONG:
        envelope(partner.send(body), status)
    assert partner.items() == before
    assert partner.selfies() == []
    assert partner.orders() == 0


def test_path_event_and_feature_are_checked_in_the_contracts_order(partner: Partner) -> None:
    site, bad = partner.site, b"no JSON"
    off = site.other_event()
    site.admin.update_event(off.event_id, selfie_search=False)
    theirs = site.other_org()

    def answer(event: object, *, forged: bool = False) -> httpx.Response:
        headers = signed(partner.secret, bad + b"!" * forged)
        return site.http.post(f"{site.org_url}/event/{event}/faces/webhook", content=bad, headers=headers)

    events = ("x", 999_999_999, theirs.event_id, off.event_id, site.event_id)
    assert [answer(event).status_code for event in events] == [422, 404, 403, 403, 400]
    assert {answer(event, forged=True).status_code for event in ("x", 999_999_999, theirs.event_id)} == {401}


def test_a_selfie_that_cannot_be_had_or_searched_fails_the_search_with_the_reason(
    partner: Partner, selfies: Host
) -> None:
    cases = {
        selfies.put(photo_of_nobody(7)): "No face",
        selfies.put(b"no picture"): "picture",
        selfies.put(b"", 403): "selfie_url could not be fetched",
        selfies.url + "/nothing": "selfie_url could not be fetched",
        "https://10.0.0.1/selfie.jpg": "selfie_url was refused",
        "http://169.254.169.254/latest/meta-data/": "selfie_url was refused",
        "https://user:secret@127.0.0.1/": "selfie_url was refused",
        "selfie.jpg": "selfie_url was refused",
    }
    searches = {accepted(partner.send({"selfie_url": url})): (url, words) for url, words in cases.items()}
    for request_id, (url, words) in searches.items():
        end = partner.end_of(request_id)
        assert (end["status"], words in end["reason"], url in end["reason"]) == ("failed", True, False), end
        assert partner.site.get(request_id).status_code == 404
    until(lambda: partner.orders() == 0)
    request_id, (url, _) = next(iter(searches.items()))
    again = partner.send({"selfie_url": url, "request_id": request_id})
    assert accepted(again, replayed=True) == request_id
    assert again.json()["data"]["status"] == "failed"
    assert partner.orders() == 0


def test_a_worker_that_is_killed_leaves_the_search_to_another(partner: Partner, obama: bytes) -> None:
    site = partner.site
    request_id = accepted(partner.send({"selfie_base64": in_base64(obama)}))
    until(lambda: site.claimed() or partner.status(request_id).json()["data"]["status"] == "done", seconds=20)
    site.kill("searchjobs")
    time.sleep(0.2)
    assert partner.end_of(request_id, seconds=150)["status"] == "done"
    assert results_of(site, request_id) == 1
    assert len(site.get(request_id).json()["data"]["images"]) == 5
    until(lambda: partner.orders() == 0)


def test_an_order_that_was_tried_often_enough_is_closed_and_a_dead_letter_that_can_be_delivered_again(
    partner: Partner, selfies: Host, obama: bytes, tmp_path: Path
) -> None:
    store = partner.site.stack.description["store"]
    with running(store=store, state=tmp_path, settings=TWO_DELIVERIES, record_calls=policies.CALLS) as stack:
        site = replace(
            partner.site, stack=stack, **{k: stack.description[k] for k in ("org_id", "event_id", "api_key")}
        )
        order, dead = (next(url for url in site.sqs.list_queues()["QueueUrls"] if name in url) for name in QUEUES)
        names: Any = ["RedrivePolicy"]
        redrive = site.sqs.get_queue_attributes(QueueUrl=order, AttributeNames=names)["Attributes"]["RedrivePolicy"]
        twice = json.dumps(json.loads(redrive) | {"maxReceiveCount": 2})
        site.sqs.set_queue_attributes(QueueUrl=order, Attributes={"RedrivePolicy": twice})
        sender = Partner(site, stack.description["webhook_secret"])
        url = selfies.put(b"", 503)
        request_id = accepted(sender.send({"selfie_url": url}))
        end = sender.end_of(request_id)
        assert end["status"] == "failed"
        assert end["reason"].startswith(f"{LOST} selfie_url could not be fetched")
        (letter,) = until(lambda: site.sqs.receive_message(QueueUrl=dead).get("Messages"), seconds=90)
        search = {"org_id": site.org_id, "event_id": site.event_id, "request_id": request_id}
        assert json.loads(letter["Body"]) == {"search": search}
        # When the host is up again and an operator has the dead letter delivered
        selfies.answers[url.removeprefix(selfies.url)] = (200, obama)
        site.sqs.send_message(QueueUrl=order, MessageBody=letter["Body"])
        until(lambda: sender.status(request_id).json()["data"]["status"] == "done")
        assert site.get(request_id).json()["data"]["pagination"]["total"] == 0
