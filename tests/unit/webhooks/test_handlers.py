"""The two functions with their sample events, over a table, a bucket and a queue in this process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from facesearch import bootstrap
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.table import Table
from tests.conftest import ROOT
from tests.support.aws import create_table, moto
from tests.support.fakes import Context
from tests.support.signatures import signed
from tests.unit.api.test_handlers import load

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass
class Deployment:
    org_id: int
    event_id: int
    secret: str
    sqs: "SQSClient"
    queue: str

    def sample(self, name: str) -> Any:
        text = (ROOT / "events" / f"{name}.json").read_text()
        return json.loads(text.replace("903", str(self.org_id)).replace("456", str(self.event_id)))

    def send(self, **changes: str) -> Any:
        event = self.sample("webhook")
        event["headers"] |= signed(self.secret, event["body"].encode()) | changes
        return load("webhook")(event, Context("webhook"))


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with moto():
        dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")
        create_table(dynamodb, "Table", "table")
        create_table(dynamodb, "IdempotencyTable", "claims")
        boto3.client("s3").create_bucket(Bucket="selfies")
        queue = sqs.create_queue(QueueName="commands")["QueueUrl"]
        admin = DynamoAdmin(Table(dynamodb, "table"))
        org_id = admin.create_org("Marathon Photos")
        event_id, secret = admin.create_event(org_id, "Marathon"), admin.create_webhook_secret(org_id).secret
        for name, value in {
            "TABLE_NAME": "table",
            "IDEMPOTENCY_TABLE_NAME": "claims",
            "SELFIES_BUCKET": "selfies",
            "SNAPSHOTS_BUCKET": "snapshots",
            "SEARCH_JOBS_QUEUE_URL": queue,
            "CALLBACKS_QUEUE_URL": sqs.create_queue(QueueName="turns")["QueueUrl"],
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(bootstrap, "container", bootstrap.Container())
        yield Deployment(org_id, event_id, secret, sqs, queue)


def test_the_sample_webhook_is_taken_once_and_its_command_is_the_sample_command(deployment: Deployment) -> None:
    for replayed in (False, True):
        answer = deployment.send()
        assert answer["statusCode"] == 202, answer
        assert ("Idempotent-Replayed" in answer["multiValueHeaders"]) is replayed
        body = json.loads(answer["body"])
        assert (body["responseType"], body["message"]) == ("success", "Face search queued")
        base = f"/api/v1/ext/{deployment.org_id}/event/{deployment.event_id}/faces/{body['data']['request_id']}"
        assert (body["data"]["results_url"], body["data"]["status_url"]) == (base, f"{base}/status")
    (message,) = deployment.sqs.receive_message(QueueUrl=deployment.queue)["Messages"]
    assert message["Body"] == deployment.sample("searchjobs")["Records"][0]["body"]
    assert deployment.send(**{"webhook-signature": "v1,"})["statusCode"] == 401


def test_commands_that_are_over_and_such_as_make_no_sense_are_told_apart(deployment: Deployment) -> None:
    event = deployment.sample("searchjobs")
    record = event["Records"][0]
    event["Records"].append(record | {"messageId": "another", "body": "{}"})
    assert load("searchjobs")(event, Context("searchjobs")) == {"batchItemFailures": [{"itemIdentifier": "another"}]}
