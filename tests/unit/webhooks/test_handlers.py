"""The two functions with their sample events, over a table, a bucket and a queue in this process."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from facesearch import bootstrap
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.table import Table
from tests.conftest import ROOT
from tests.support.aws import TABLE, create_table
from tests.support.fakes import Context
from tests.support.signatures import signed
from tests.unit.api.test_handlers import load


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


def test_commands_that_are_over_and_such_as_make_no_sense_are_told_apart(deployment: Deployment) -> None:
    event = deployment.sample("searchjobs")
    record = event["Records"][0]
    event["Records"].append(record | {"messageId": "another", "body": "{}"})
    assert load("searchjobs")(event, Context("searchjobs")) == {"batchItemFailures": [{"itemIdentifier": "another"}]}
