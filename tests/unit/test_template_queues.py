"""What template.yaml promises of its queues and of the functions that they call: chains, receives, concurrency."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from facesearch.webhooks.callbacks.callback import OVERDUE_SECONDS
from facesearch_local.resources import static_attributes
from facesearch_local.template import Resource
from tests.unit.test_template import FUNCTIONS, TEMPLATE
from tools.policies import grants

LEAST_RECEIVES = 5
"""AWS's advice for a queue that calls a function: a delivery that is throttled counts as one that was received."""
FEWEST_EXECUTIONS = 10
"""What Lambda gives a new account, all functions together."""


QUEUES = [queue for queue in TEMPLATE.of_type("AWS::SQS::Queue") if "RedrivePolicy" in queue.properties]


def lookup(logical_id: str, attribute: str) -> Any:
    return static_attributes(TEMPLATE, logical_id).get(attribute, f"{logical_id}.{attribute}")


def sources(function: Resource) -> Iterator[dict[str, Any]]:
    """The queues that call a function, as the properties of their events."""
    for event in function.properties["Events"].values():
        if event["Type"] == "SQS":
            yield event["Properties"]


def called_by(function: Resource) -> set[str]:
    """Queues' logical ids."""
    return {source["Queue"]["Fn::GetAtt"][0] for source in sources(function)}


def queues_fed_by(function: str) -> set[str]:
    """Queues that a function may send to, or whose bucket it may write to: S3 tells them of each object."""
    found = set()
    for grant in (each for each in grants(TEMPLATE) if each.function == function):
        for queue in QUEUES:
            name = static_attributes(TEMPLATE, queue.id)["QueueName"]
            if grant.action == "sqs:SendMessage" and any(fnmatchcase(name, to) for to in grant.resources):
                found.add(queue.id)
        for bucket in TEMPLATE.of_type("AWS::S3::Bucket"):
            name = static_attributes(TEMPLATE, bucket.id)["Arn"].rpartition(":")[2]
            written = any(resource.partition("/")[0] == name for resource in grant.resources)
            if grant.action == "s3:PutObject" and written:
                told = bucket.properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
                found.update(each["Queue"]["Fn::GetAtt"][0] for each in told)
    return found


def reached_from(function: str) -> set[str]:
    """Functions that run because this one ran, however many others lie between."""
    found: set[str] = set()
    new = {function}
    while new:
        fed = {queue for each in new for queue in queues_fed_by(each)}
        new = {other.id for other in FUNCTIONS if called_by(other) & fed} - found
        found |= new
    return found


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.id)
def test_a_function_that_feeds_what_calls_it_says_so_and_no_other_does(function: Resource) -> None:
    """Lambda ends a chain after 16 calls of one function and sends its message to the dead letters, unless the function
    says that it is meant. Of one that says so without need, Lambda would end no endless chain."""
    feeds_itself = function.id in reached_from(function.id)
    assert function.properties.get("RecursiveLoop") == ("Allow" if feeds_itself else None)


def test_chains_are_found_in_the_policies() -> None:
    assert queues_fed_by("CallbacksFunction") == {"CallbacksQueue"}
    assert reached_from("IndexingFunction") == {"SnapshotsFunction", "SearchJobsFunction", "CallbacksFunction"}
    assert reached_from("SearchFunction") == set()


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.id)
def test_a_message_is_received_often_enough_before_it_is_given_up(queue: Resource) -> None:
    assert queue.properties["RedrivePolicy"]["maxReceiveCount"] >= LEAST_RECEIVES


def test_a_callback_is_not_called_dead_while_its_queue_still_delivers_it() -> None:
    (queue,) = [each.properties for each in QUEUES if each.id == "CallbacksQueue"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"] < OVERDUE_SECONDS


def test_by_default_queues_leave_room_for_searches_in_the_smallest_account() -> None:
    concurrency = [
        int(TEMPLATE.resolve(source["ScalingConfig"]["MaximumConcurrency"], lookup))
        for function in FUNCTIONS
        for source in sources(function)
    ]
    assert len(concurrency) == len(QUEUES)
    assert sum(concurrency) < FEWEST_EXECUTIONS
    reserved = [function.properties.get("ReservedConcurrentExecutions") for function in FUNCTIONS]
    assert {TEMPLATE.resolve(each, lookup) for each in reserved} == {None}, "an account of 10 has nothing to reserve"
