"""`facesearch callbacks`: what is printed, what the exit code says, what happens in the queues."""

import uuid
from dataclasses import replace
from typing import Any

import boto3
import pytest

from facesearch.adapters.dynamodb.callbacks import DynamoCallbackStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.sqs.webhooks import SqsAttemptQueue
from facesearch.models import SearchKey, SearchSummary
from facesearch.webhooks.callbacks.callback import CallbackKey, CallbackStatus, DeliveryAttempt, callback_of
from facesearch.webhooks.jobs import JobEnd
from tests.support.aws import TABLE
from tests.unit.cli.conftest import Command, Place


class Kept:
    """A dead callback and a delivered one, and the queues."""

    def __init__(self, place: Place) -> None:
        sqs = boto3.client("sqs")
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("turns", "dead")]
        place.describe({"CallbacksQueueUrl": urls[0], "CallbacksDeadLettersUrl": urls[1]})
        self.sqs, self.urls, self.org_id = sqs, urls, place.org_id
        self.store = DynamoCallbackStore(Table(place.dynamodb, TABLE))
        self.queue = SqsAttemptQueue(sqs, urls[0], urls[1])
        self.dead = self.add(place, CallbackStatus.DEAD, attempts=10, last_status=500, reason="response 500")
        self.done = self.add(place, CallbackStatus.DELIVERED, attempts=1, last_status=204)
        self.queue.add_dead_letter(DeliveryAttempt(self.dead, 0))

    def add(self, place: Place, status: CallbackStatus, **changes: Any) -> CallbackKey:
        search = SearchKey(place.org_id, place.event_id, uuid.uuid4())
        told = "https://partner.example/hooks", {"bib": "private-bib"}
        end = JobEnd(search, "face_search.completed", *told, SearchSummary(1, 90))
        callback = callback_of(end, 1_900_000_000)
        self.store.add(callback)
        assert self.store.settle(replace(callback, status=status, **changes), 0)
        return callback.key

    def waiting(self, queue: int) -> int:
        url = self.urls[queue]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])


@pytest.fixture
def kept(place: Place) -> Kept:
    return Kept(place)


def test_given_callbacks_then_each_with_its_state_and_none_with_what_it_says(kept: Kept, facesearch: Command) -> None:
    ended = facesearch("callbacks", "list", "--org", kept.org_id, "--json")
    assert "private-bib" not in ended.out
    rows = {row["callback_id"]: row for row in ended.json["callbacks"]}
    assert rows.keys() == {str(kept.dead.callback_id), str(kept.done.callback_id)}
    only = facesearch("callbacks", "list", "--org", kept.org_id, "--status", "dead")
    said = "face_search.completed  dead  10 attempts: response 500  https://partner.example/hooks"
    assert only.out == f"{kept.dead.callback_id}  {said}\n"
    assert facesearch("callbacks", "list", "--org", kept.org_id, "--status", "lost").code == 2
    row = rows[str(kept.dead.callback_id)]
    assert row == {
        "callback_id": str(kept.dead.callback_id),
        "event_id": kept.dead.event_id,
        "request_id": row["request_id"],
        "type": "face_search.completed",
        "url": "https://partner.example/hooks",
        "status": "dead",
        "attempts": 10,
        "last_status": 500,
        "reason": "response 500",
        "created_at": "2030-03-17T17:46:40+00:00",
        "next_at": None,
    }


def test_a_dead_letter_when_replayed_then_it_is_queued_and_no_dead_letter(kept: Kept, facesearch: Command) -> None:
    ended = facesearch("callbacks", "replay", "--org", kept.org_id, "--json")
    assert ended.json == {"replayed": [str(kept.dead.callback_id)], "unknown": []}
    assert (kept.waiting(0), kept.waiting(1)) == (1, 0)
    callback = kept.store.get(kept.dead)
    assert callback is not None
    assert (callback.status, callback.attempt_number, callback.attempts) == (CallbackStatus.PENDING, 1, 0)
    assert facesearch("callbacks", "replay", "--org", kept.org_id).out == "0 callbacks queued again.\n"


def test_given_ids_when_replayed_then_those_that_cannot_be_are_named_with_1(kept: Kept, facesearch: Command) -> None:
    ended = facesearch("callbacks", "replay", "--org", kept.org_id, kept.done.callback_id, kept.dead.callback_id)
    assert (ended.code, ended.out) == (1, "1 callback queued again.\n")
    assert str(kept.done.callback_id) in ended.err
    assert facesearch("callbacks", "replay", "--org", kept.org_id, "x").code == 1


def test_given_a_stack_of_before_when_replayed_then_one_line_says_what_to_do(place: Place, facesearch: Command) -> None:
    assert facesearch("callbacks", "replay", "--org", place.org_id).failed("Deploy it again")
