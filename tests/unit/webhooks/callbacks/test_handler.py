"""The callbacks function with the messages of its trigger: which are delivered again, and what is said of them."""

import json
from typing import Any, cast

import pytest

from facesearch import bootstrap
from facesearch.webhooks.callbacks.callback import ATTEMPTS, DeliveryAttempt
from facesearch.webhooks.outbound import RefusedUrlError
from tests.conftest import ROOT
from tests.support.fakes import EVENT_ID, ORG, Context
from tests.support.output import Output
from tests.unit.api.test_handlers import load
from tests.unit.webhooks.callbacks.bench import KEY, NOW, REQUEST, CallbackBench, written

SAMPLE = json.loads((ROOT / "events" / "callbacks.json").read_text())


def batch(*messages: DeliveryAttempt | str) -> dict[str, Any]:
    """An SQS event of these messages, with ids m0, m1, …, otherwise like the versioned one."""
    bodies = [each if isinstance(each, str) else written(each) for each in messages]
    (record,) = SAMPLE["Records"]
    return {"Records": [record | {"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> CallbackBench:
    site, parts = CallbackBench(), bootstrap.Container()
    parts.callback_delivery = site.delivery
    monkeypatch.setattr(bootstrap, "container", parts)
    return site


def invoke(event: dict[str, Any]) -> list[str]:
    """Ids of the messages that the function wants again."""
    response: Any = load("callbacks")(event, cast("Any", Context("callbacks")))
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_the_versioned_event_is_an_attempt(site: CallbackBench) -> None:
    assert invoke(SAMPLE) == [], "of a callback that is not kept any more"
    attempt = ATTEMPTS.validate_json(SAMPLE["Records"][0]["body"])
    assert (attempt.key.org_id, attempt.key.event_id, attempt.number) == (ORG, EVENT_ID, 0)


def test_an_attempt_is_told_by_ids_and_counts_alone(site: CallbackBench, output: Output) -> None:
    site.receiver.responses = [503]
    site.announce()
    assert invoke(batch(DeliveryAttempt(KEY, 0))) == []
    (line,) = output.logs
    said = {"org_id": ORG, "event_id": EVENT_ID, "callback_id": str(KEY.callback_id), "request_id": str(REQUEST)}
    said |= {"message": "callback failed", "attempts": 1, "status": 503, "next_in_seconds": 5}
    assert {name: line[name] for name in said} == said
    assert not {word for word in ("private", "https") if word in json.dumps(line)}


def test_every_outcome_is_counted(site: CallbackBench, output: Output) -> None:
    keys = [site.announce(type=kind) for kind in ("face_search.completed", "face_search.failed")]
    for org_id in (ORG + 1, ORG + 2):
        keys.append(site.announce(org_id=org_id))
        site.reader.secrets[org_id] = site.reader.secrets[ORG]
    site.receiver.responses = [204, 500, RefusedUrlError("no"), 410]
    assert invoke(batch(*(DeliveryAttempt(key, 0) for key in keys))) == []
    counted = {"CallbacksDelivered": [1], "CallbacksFailed": [1, 1, 1], "CallbacksDead": [1]}
    assert {name: value for name, value in output.metrics.items() if name in counted} == counted


def test_only_the_message_in_trouble_is_delivered_again(site: CallbackBench, output: Output) -> None:
    site.announce()
    other = site.announce(type="face_search.failed")
    site.callbacks.claim(other, 0, NOW, NOW + 20)
    attempt = DeliveryAttempt(KEY, 0)
    assert invoke(batch(attempt, DeliveryAttempt(other, 0), "no attempt", attempt)) == ["m1", "m2"]
    assert [line["message"] for line in output.logs] == [
        "callback delivered", "callback is being sent by another process", "unexpected failure",
        "callback's attempt is over",
    ]  # fmt: skip
    assert len(site.receiver.got) == 1
