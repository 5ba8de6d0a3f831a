"""AWS refuses for having too much to do, in the bytes that its services send: 429 with Retry-After for callers of the
API, another delivery for whatever comes from a queue."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, IncompleteReadError
from urllib3.exceptions import ProtocolError

from facesearch import bootstrap
from facesearch.adapters.aws import reading, with_our_errors
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.jobs import DynamoJobStore
from facesearch.adapters.dynamodb.table import ATTEMPTS, Table
from facesearch.adapters.memory.rekognition import Raw
from facesearch.errors import StoreUnavailable, Throttled
from facesearch.models import Job, SearchKey
from tests.conftest import ROOT
from tests.support.fakes import Context
from tests.support.output import Output
from tests.unit.api.test_handlers import Deployment, answer, deployment, form, load

__all__ = ["deployment"]

ONCE = Config(retries={"total_max_attempts": 1})
BUSY = "Too many requests at the moment. Retry with the same request_id."


def wire(status: int, body: str = "", content_type: str = "application/json") -> AWSResponse:
    headers = {"content-type": content_type, "x-amzn-requestid": "r"}
    return AWSResponse("https://aws.example/", status, headers, Raw(body.encode()))  # type: ignore[arg-type]


def dynamodb(code: str, **more: Any) -> AWSResponse:
    return wire(400, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "m", **more}))


def cancelled(*codes: str) -> AWSResponse:
    reasons = [{"Code": code, "Message": "m"} for code in codes]
    return dynamodb("TransactionCanceledException", CancellationReasons=reasons)


def s3(status: int, code: str) -> AWSResponse:
    return wire(status, f"<Error><Code>{code}</Code><Message>m</Message></Error>", "application/xml")


def other(service: str, code: str, status: int = 400) -> AWSResponse:
    return wire(status, json.dumps({"__type": f"com.amazonaws.{service}#{code}", "message": "m"}))


Refusal = tuple[str, str, dict[str, Any], AWSResponse]
ITEM: dict[str, Any] = {"TableName": "t", "Key": {}}
GET = ("dynamodb", "get_item", ITEM)
TRANSACT: tuple[str, str, dict[str, Any]] = ("dynamodb", "transact_write_items", {"TransactItems": [{"Delete": ITEM}]})
FILE: dict[str, Any] = {"Bucket": "b", "Key": "k"}
SECRET: dict[str, Any] = {"CiphertextBlob": b"c"}
MESSAGE: dict[str, Any] = {"QueueUrl": "https://q.example/1/q", "MessageBody": "m"}
COLLECTION = "ProvisionedThroughputExceeded"

REFUSALS: dict[str, Refusal] = {
    "the item collection": (*GET, dynamodb(f"{COLLECTION}Exception")),
    "the table": (*GET, dynamodb("ThrottlingException")),
    "the account": (*GET, dynamodb("RequestLimitExceeded")),
    "a transaction": (*TRANSACT, cancelled("None", "ThrottlingError")),
    "a transaction's collection": (*TRANSACT, cancelled(COLLECTION)),
    "another transaction": (*GET, dynamodb("TransactionConflictException")),
    "S3": ("s3", "get_object", FILE, s3(503, "SlowDown")),
    "S3 to a HEAD": ("s3", "head_object", FILE, wire(503)),
    "S3 for KMS": ("s3", "put_object", FILE, s3(400, "KMS.ThrottlingException")),
    "KMS": ("kms", "decrypt", SECRET, other("kms", "ThrottlingException")),
    "SQS": ("sqs", "send_message", MESSAGE, other("sqs", "RequestThrottled")),
    "SQS for KMS": ("sqs", "send_message", MESSAGE, other("sqs", "KmsThrottled")),
}
OTHERS: dict[str, Refusal] = {
    "a condition": (*TRANSACT, cancelled("None", "ConditionalCheckFailed")),
    "a condition, and too much": (*TRANSACT, cancelled("ConditionalCheckFailed", "ThrottlingError")),
    "a conflict": (*TRANSACT, cancelled("None", "TransactionConflict")),
    "no such file": ("s3", "head_object", FILE, wire(404)),
}
FAILURES: dict[str, Refusal] = {
    "no such table": (*GET, dynamodb("ResourceNotFoundException")),
    "its own fault": (*GET, wire(500, "{}")),
    "no permission": ("kms", "decrypt", SECRET, other("kms", "AccessDeniedException")),
}


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        *((refusal, Throttled) for refusal in REFUSALS.values()),
        *((refusal, ClientError) for refusal in OTHERS.values()),  # an adapter may have asked for it
        *((refusal, StoreUnavailable) for refusal in FAILURES.values()),
    ],
    ids=[*REFUSALS, *OTHERS, *FAILURES],
)
def test_a_refusal_for_too_much_and_a_failure_are_told(refusal: Refusal, kind: type[Exception]) -> None:
    service, call, arguments, response = refusal
    client = boto3.client(service, config=ONCE)  # type: ignore[call-overload]
    with_our_errors(client.meta.events)
    client.meta.events.register_first("before-send", lambda **_: response)
    with pytest.raises(kind) as raised:
        getattr(client, call)(**arguments)
    assert isinstance(raised.value, Throttled) is (kind is Throttled)


@pytest.mark.parametrize("broken", [IncompleteReadError(actual_bytes=1, expected_bytes=2), ProtocolError("broken off")])
def test_a_body_that_breaks_off_is_the_service_s_failure(broken: Exception) -> None:
    class Breaks(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise broken

    body = Breaks()
    with pytest.raises(StoreUnavailable) as raised, reading({"Body": body}) as stream:
        stream.read()
    assert raised.value.aws_code == type(broken).__name__
    assert body.closed


def test_a_service_that_cannot_be_reached_is_unavailable() -> None:
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:1", config=ONCE)
    with_our_errors(client.meta.events)
    with pytest.raises(StoreUnavailable) as raised:
        client.get_item(**ITEM)
    assert (raised.value.operation, raised.value.aws_code) == ("GetItem", "EndpointConnectionError")


def refused_at_first(client: Any, times: int, reason: str = "TransactionConflict") -> list[int]:
    """Transactions of a client meet another one so often, then go through; one entry for each that was sent."""
    sent = list[int]()

    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        sent.append(len(sent))
        if len(sent) > times:
            return None
        request.url = "https://refused.example/"  # else moto, which comes next, would carry it out
        return cancelled("None", reason)

    client.meta.events.register_first("before-send.dynamodb.TransactWriteItems", refuse)
    return sent


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_an_operators_transaction_that_meets_another_or_too_many_is_done_again(
    table: Table, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with_our_errors(table.client.meta.events)
    admin = DynamoAdmin(table)
    org_id = admin.create_org("Marathon Photos")
    sent = refused_at_first(table.client, times=2, reason=reason)
    assert admin.event(admin.create_event(org_id, "Marathon")) is not None
    assert len(sent) == 3


def test_a_transaction_that_is_throttled_every_time_says_so(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with_our_errors(table.client.meta.events)
    org_id = DynamoAdmin(table).create_org("Marathon Photos")
    sent = refused_at_first(table.client, times=99, reason="ThrottlingError")
    with pytest.raises(Throttled):
        DynamoAdmin(table).create_event(org_id, "Marathon")
    assert len(sent) == ATTEMPTS


def test_a_job_that_is_just_being_added_or_ordered_is_somebody_else_s(table: Table) -> None:
    jobs, search = DynamoJobStore(table, retention_days=1), SearchKey(903, 456, uuid.uuid4())
    refused_at_first(table.client, times=2)
    assert not jobs.add(Job(search))
    assert not jobs.cancel(search)
    assert jobs.add(Job(search))


Refused = tuple[str, str, Callable[[], AWSResponse]]
"""Client, operation, response."""


@dataclass
class Refusing:
    """The clients of the functions, one operation of which is refused until it is `over`."""

    sent: set[str] = field(default_factory=set)
    over: bool = False

    def __call__(self, client: str, operation: str, response: Callable[[], AWSResponse]) -> None:
        def refuse(request: Any, **_: Any) -> AWSResponse | None:
            if self.over:
                return None
            self.sent.add(operation)
            request.url = "https://refused.example/"  # else moto, which comes next, would carry it out
            return response()

        events = getattr(bootstrap.container, client).meta.events
        events.register_first(f"before-send.{client.removeprefix('_')}.{operation}", refuse)


@pytest.fixture
def refusing(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Refusing:
    monkeypatch.setattr("time.sleep", lambda _: None)  # between botocore's attempts
    return Refusing()


def exceeded() -> AWSResponse:
    return dynamodb("ProvisionedThroughputExceededException")


def is_429(response: Any) -> bool:
    assert response["statusCode"] == 429, response["json"]
    assert response["multiValueHeaders"]["Retry-After"] == ["5"]
    assert response["json"] == {"responseType": "error", "message": BUSY, "data": None}
    return True


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("results-details", ("_dynamodb", "BatchGetItem", exceeded)),
        ("results-images", ("_dynamodb", "Query", exceeded)),
        ("results-events", ("_dynamodb", "BatchGetItem", lambda: dynamodb("RequestLimitExceeded"))),
        ("webhook", ("_dynamodb", "TransactWriteItems", lambda: cancelled("ThrottlingError", "None", "None"))),
        ("webhook", ("_sqs", "SendMessage", lambda: other("sqs", "RequestThrottled"))),
        ("webhook-delete", ("_dynamodb", "BatchGetItem", lambda: dynamodb("ThrottlingException"))),
    ],
)
def test_a_call_is_answered_by_429(refusing: Refusing, deployment: Deployment, name: str, refused: Refused) -> None:
    event = deployment.filled(name)
    if event["pathParameters"].keys() == {"org_id"}:
        event["pathParameters"] = {"org_id": str(deployment.org_id)}
    refusing(*refused)
    assert is_429(answer(load(name.partition("-")[0]), event))
    assert refusing.sent == {refused[1]}


@pytest.mark.parametrize(
    "refused",
    [
        ("_dynamodb", "Query", exceeded),  # the tail of the event's index
        ("_dynamodb", "UpdateItem", exceeded),  # the quota, the claim's end
        ("_dynamodb", "PutItem", lambda: dynamodb("ThrottlingException")),  # the claim
        ("_dynamodb", "BatchGetItem", lambda: dynamodb("RequestLimitExceeded")),
        ("s3", "PutObject", lambda: s3(503, "SlowDown")),  # the selfie
    ],
)
def test_a_search_is_answered_by_429_and_is_done_by_its_repetition(
    refusing: Refusing, deployment: Deployment, samples: Path, output: Output, refused: Refused
) -> None:
    body = form((samples / "obama2.jpg").read_bytes(), str(uuid.uuid4()))
    refusing(*refused)
    assert is_429(deployment.post(body))
    assert {line["level"] for line in output.logs if line["message"] == "throttled"} == {"WARNING"}
    counted = output.metrics
    assert "SearchFailed" not in counted
    # A call that is refused before its search has begun is counted as a call alone.
    assert counted.get("SearchThrottled") == (None if refused[1] == "BatchGetItem" else [1])
    refusing.over = True
    again = deployment.post(body)
    assert again["statusCode"] == 200, again["json"]
    assert again["json"]["data"]["pagination"]["total"] == 1


@pytest.mark.parametrize("function", ["indexing", "snapshots", "callbacks"])
def test_a_message_is_delivered_again(refusing: Refusing, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    event = json.loads((ROOT / "events" / f"{function}.json").read_text())
    for name in ("RENDITIONS_BUCKET", "SNAPSHOTS_QUEUE_URL", "CALLBACKS_DEAD_LETTERS_URL", "API_BASE_URL"):
        monkeypatch.setenv(name, "unused")
    for operation in ("BatchGetItem", "GetItem"):
        refusing("_dynamodb", operation, exceeded)
    ids = [{"itemIdentifier": record["messageId"]} for record in event["Records"]]
    assert load(function)(event, Context(function)) == {"batchItemFailures": ids}
    assert refusing.sent


@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem"])
def test_a_webhook_s_search_waits_and_uses_up_none_of_its_deliveries(
    refusing: Refusing, deployment: Deployment, output: Output, operation: str
) -> None:
    assert answer(load("webhook"), deployment.filled("webhook"))["statusCode"] == 202
    sqs, queue = boto3.client("sqs"), bootstrap.container.settings.search_jobs_queue_url
    (order,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = json.loads((ROOT / "events" / "searchjobs.json").read_text())
    event["Records"][0]["body"] = order["Body"]
    deliveries = bootstrap.container.settings.search_job_deliveries
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(deliveries)
    refusing("_dynamodb", operation, exceeded)
    assert load("searchjobs")(event, Context("searchjobs")) == {"batchItemFailures": []}
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"
    assert output.metrics["JobsWaited"] == [1]
