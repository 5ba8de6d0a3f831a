"""The functions with the messages of their triggers: what they take, what comes again, and what is said of it."""

import json
from dataclasses import dataclass
from typing import Any, cast

import pytest

from facesearch import bootstrap
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.table import Table
from facesearch.webhooks.callbacks.callback import ATTEMPTS, DeliveryAttempt
from facesearch.webhooks.outbound import RefusedUrlError
from tests.conftest import ROOT
from tests.support.aws import TABLE, create_table
from tests.support.fakes import EVENT_ID, ORG, Context
from tests.support.output import Output
from tests.support.signatures import signed
from tests.unit.api.test_handlers import load
from tests.unit.webhooks.callbacks.bench import KEY, NOW, REQUEST, CallbackBench, written


@dataclass
class Deployment:
    org_id: int
    event_id: int
    secret: str

    def sample(self, name: str) -> Any:
        text = (ROOT / "events" / f"{name}.json").read_text()
        return json.loads(text.replace("903", str(self.org_id)).replace("456", str(self.event_id)))

    def send(self, **changes: str) -> Any:
        event = self.sample("webhook")
        event["headers"] |= signed(self.secret, event["body"].encode()) | changes
        return load("webhook")(event, Context("webhook"))


@pytest.fixture
def deployment(dynamodb: Any, s3: Any, sqs: Any, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    create_table(dynamodb, "IdempotencyTable", "claims")
    s3.create_bucket(Bucket="selfies")
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("commands", "attempts")]
    for name, value in {
        "TABLE_NAME": TABLE, "IDEMPOTENCY_TABLE_NAME": "claims", "SELFIES_BUCKET": "selfies",
        "SNAPSHOTS_BUCKET": "snapshots", "SEARCH_JOBS_QUEUE_URL": urls[0], "CALLBACKS_QUEUE_URL": urls[1],
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bootstrap, "container", bootstrap.Container())
    admin = DynamoAdmin(Table(dynamodb, TABLE))
    org_id = admin.create_org("Marathon Photos")
    return Deployment(org_id, admin.create_event(org_id, "Marathon"), admin.create_webhook_secret(org_id).secret)


def test_the_sample_webhook_is_taken_once_and_its_command_is_the_sample_command(
    deployment: Deployment, sqs: Any
) -> None:
    for replayed in (False, True):
        response = deployment.send()
        assert response["statusCode"] == 202, response
        assert ("Idempotent-Replayed" in response["multiValueHeaders"]) is replayed
        body = json.loads(response["body"])
        assert (body["responseType"], body["message"]) == ("success", "Face search queued")
        base = f"/api/v1/ext/{deployment.org_id}/event/{deployment.event_id}/faces/{body['data']['request_id']}"
        assert (body["data"]["results_url"], body["data"]["status_url"]) == (base, f"{base}/status")
    (message,) = sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName="commands")["QueueUrl"])["Messages"]
    assert message["Body"] == deployment.sample("searchjobs")["Records"][0]["body"]
    assert deployment.send(**{"webhook-signature": "v1,"})["statusCode"] == 401


@pytest.mark.parametrize("body", ["{}", '{"org_id": 1, "event_id": 2, "request_id": "of no command"}'])
def test_commands_that_are_over_and_such_as_make_no_sense_are_told_apart(deployment: Deployment, body: str) -> None:
    event = deployment.sample("searchjobs")
    record = event["Records"][0]
    event["Records"].append(record | {"messageId": "another", "body": body})
    assert load("searchjobs")(event, Context("searchjobs")) == {"batchItemFailures": [{"itemIdentifier": "another"}]}


# ------------------------------------------------------------------ callbacks

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
