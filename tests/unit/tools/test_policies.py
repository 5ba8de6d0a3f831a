"""What a run saw is compared with what the policies allow: every difference is told, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from facesearch_local.intrinsics import TemplateError
from facesearch_local.recorder.sitecustomize import needs
from facesearch_local.template import Deployment, Template
from tools.policies import Grant, differences, grants, recorded

READ = Grant("SearchFunction", "Read", "s3:GetObject", ("bucket/uploads/*",))
LIST = Grant("SearchFunction", "List", "s3:ListBucket", ("bucket",))
READS = ("s3:GetObject", "bucket/uploads/x")


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("dynamodb", "Query", {"TableName": "T"}, {("dynamodb:Query", "table/T")}),
        ("dynamodb", "Query", {"TableName": "T", "IndexName": "I"}, {("dynamodb:Query", "table/T/index/I")}),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "T"}}, {"ConditionCheck": {"TableName": "U"}}]},
            {("dynamodb:PutItem", "table/T"), ("dynamodb:ConditionCheckItem", "table/U")},
        ),
        ("dynamodb", "BatchGetItem", {"RequestItems": {"T": {}}}, {("dynamodb:BatchGetItem", "table/T")}),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "uploads/12/34"}, {("s3:GetObject", "b/uploads/x")}),
        ("s3", "PutObject", {"Bucket": "b", "Key": "1001/2002/a.jpg"}, {("s3:PutObject", "b/x")}),
        ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "x"}, {("s3:ListBucket", "b")}),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "imgs/1/2"}, {"Key": "imgs/3/4"}]}},
            {("s3:DeleteObject", "b/imgs/x")},
        ),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "a", "Key": "imgs/1"}},
            {("s3:GetObject", "a/imgs/x"), ("s3:PutObject", "b/x")},
        ),
        ("sqs", "SendMessageBatch", {"QueueUrl": "http://127.0.0.1:1/0/q.fifo"}, {("sqs:SendMessage", "q.fifo")}),
        ("rekognition", "IndexFaces", {"CollectionId": "c"}, {("rekognition:IndexFaces", "collection/c")}),
        ("kinesis", "PutRecord", {}, {("kinesis:PutRecord", "*")}),
    ],
)
def test_a_call_needs_its_action_on_its_resource(
    service: str, operation: str, parameters: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert set(needs(service, operation, parameters)) == expected


def test_no_key_is_noted_beyond_its_first_folder() -> None:
    for key in ("1001/2002/anna.jpg", "uploads/1001/2002/anna.jpg", "anna.jpg"):
        ((_, resource),) = needs("s3", "GetObject", {"Bucket": "b", "Key": key})
        assert resource in ("b/x", "b/uploads/x")


def test_given_calls_that_the_policy_allows_or_an_excuse_then_nothing_is_said() -> None:
    assert list(differences([READ], {"SearchFunction": {READS}}, {})) == []
    assert list(differences([READ, LIST], {"SearchFunction": {READS}}, {LIST.key: "some reason"})) == []


@pytest.mark.parametrize(
    ("allowed", "made", "never_seen", "expected"),
    [
        ([READ], {READS, ("s3:PutObject", "bucket/uploads/x")}, {}, "is not allowed s3:PutObject on bucket/uploads/x"),
        ([READ], {READS, ("s3:GetObject", "bucket/x")}, {}, "is not allowed s3:GetObject on bucket/x"),
        ([READ, LIST], {READS}, {}, "is allowed s3:ListBucket (List), and never calls it"),
        ([READ], {READS}, {LIST.key: "some reason"}, "excuses what no policy allows"),
    ],
)
def test_given_a_difference_when_compared_then_it_is_told(
    allowed: list[Grant], made: set[tuple[str, str]], never_seen: dict[tuple[str, str, str], str], expected: str
) -> None:
    (told,) = differences(allowed, {"SearchFunction": made}, never_seen)
    assert expected in told


def test_given_a_run_without_a_function_when_compared_then_it_says_to_run_all() -> None:
    (told,) = differences([READ], {}, {})
    assert "run all tests first" in told


def test_given_workers_files_when_read_then_each_function_has_its_needs(tmp_path: Path) -> None:
    (tmp_path / "facesearch-local-SearchFunction.jsonl").write_text(f"{json.dumps(READS)}\n{json.dumps(READS)}\n")
    assert recorded(tmp_path) == {"SearchFunction": {READS}}


@pytest.mark.parametrize(
    "policy",
    [
        "AmazonS3FullAccess",
        {"SQSSendMessagePolicy": {"QueueName": "q"}},
        {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]},
        {"Statement": [{"Sid": "No", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]},
    ],
)
def test_a_policy_that_hides_what_it_allows_is_refused(policy: Any) -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Policies": [policy]}}
    template = Template({"Resources": {"F": function}}, Path(), Deployment("s", "0", "us-east-1"))
    with pytest.raises(TemplateError, match=r"^F: "):
        list(grants(template))
