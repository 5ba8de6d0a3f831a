"""The template's resources, made in moto's memory."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from facesearch_local.clients import Clients
from facesearch_local.intrinsics import TemplateError
from facesearch_local.resources import Resources
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT

DEPLOYMENT = Deployment("stack", "000000000000", "us-east-1", suggestions={"RenditionsBaseUrl": "http://127.0.0.1:1"})


@pytest.fixture
def clients(aws: None) -> Clients:
    services: Any = ("dynamodb", "s3", "sqs", "kms")
    return Clients(*(boto3.client(service) for service in services))


def resources_of(template: Template, clients: Clients) -> Resources:
    resources = Resources(template, clients)
    resources.create()
    return resources


@pytest.fixture
def ours(clients: Clients) -> Resources:
    return resources_of(Template.load(ROOT / "template.yaml", DEPLOYMENT), clients)


def test_given_our_template_when_created_then_the_tables_are_as_declared(ours: Resources, clients: Clients) -> None:
    name = ours.lookup("Table", "Ref")
    table = clients.dynamodb.describe_table(TableName=name)["Table"]
    assert [index["IndexName"] for index in table["LocalSecondaryIndexes"]] == ["by-change"]
    assert ours.lookup("Table", "Arn") == table["TableArn"]
    expiry = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (expiry["AttributeName"], expiry["TimeToLiveStatus"]) == ("expires_at", "ENABLED")


def test_given_our_template_then_queues_and_lifecycles_are_as_declared(ours: Resources, clients: Clients) -> None:
    queue = clients.sqs.get_queue_attributes(QueueUrl=ours.lookup("UploadsQueue", "Ref"), AttributeNames=["All"])
    assert queue["Attributes"]["VisibilityTimeout"] == "720"
    assert ours.lookup("UploadsDeadLetters", "Arn") in queue["Attributes"]["RedrivePolicy"]
    rules = clients.s3.get_bucket_lifecycle_configuration(Bucket=ours.lookup("SelfiesBucket", "Ref"))["Rules"]
    assert {rule["ID"] for rule in rules} == {"forget-selfies", "forget-uploads", "forget-jobs", "abandoned-uploads"}


def test_resources_that_exist_when_created_again_then_their_content_stays(ours: Resources, clients: Clients) -> None:
    name = ours.lookup("IdempotencyTable", "Ref")
    clients.dynamodb.put_item(TableName=name, Item={"id": {"S": "kept"}})
    again = resources_of(Template.load(ROOT / "template.yaml", DEPLOYMENT), clients)
    assert again.names() == ours.names()
    assert clients.dynamodb.scan(TableName=name)["Count"] == 1


@pytest.mark.parametrize(
    ("resource", "complaint"),
    [
        ({"Type": "AWS::Kinesis::Stream"}, "Thing.*AWS::Kinesis::Stream"),
        ({"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}, "Thing.*Colour"),
        ({"Type": "AWS::S3::Bucket", "Properties": {"WebsiteConfiguration": {}}}, "Thing.*WebsiteConfiguration"),
    ],
)
def test_given_what_the_local_stack_does_not_know_when_created_then_it_says_so(
    clients: Clients, resource: dict[str, object], complaint: str
) -> None:
    template = Template({"Resources": {"Thing": resource}}, ROOT, DEPLOYMENT)
    with pytest.raises(TemplateError, match=complaint):
        resources_of(template, clients)
