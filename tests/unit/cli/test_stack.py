"""Deployed stacks, found by name through their CloudFormation outputs."""

import json
from typing import Any

import boto3
import pytest

from facesearch_cli.stack import open_stack
from facesearch_local.clients import aws_environment
from tests.support.aws import TABLE
from tests.unit.cli.conftest import BUCKET, JPEG, Command, Place
from tests.unit.cli.test_app import api
from tests.unit.client.fakes import body_of


def deploy(name: str, outputs: dict[str, str]) -> None:
    template: dict[str, Any] = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def test_given_a_deployed_stack_when_named_then_its_table_and_no_key_is_kept(place: Place, facesearch: Command) -> None:
    deploy("prod", {"ApiUrl": "http://127.0.0.1:1/live", "TableName": TABLE, "PhotosBucket": BUCKET, "Other": "x"})
    ended = facesearch("--stack", "prod", "key", "create", "--org", place.org_id, "--json")
    assert ended.code == 0
    assert not (place.stack_file.parent / "keys.json").exists()


def test_given_a_deployed_stack_then_with_the_key_given_or_not_at_all(place: Place, facesearch: Command) -> None:
    (place.folder / "selfie.jpg").write_bytes(JPEG)
    with api(place, 200, body_of()) as asked:
        url = json.loads(place.stack_file.read_text())["url"]
        deploy("prod", {"ApiUrl": f"{url}/live", "TableName": TABLE, "PhotosBucket": BUCKET})
        search = ("--stack", "prod", "search", "run", "selfie.jpg", "--event", place.event_id)
        refused, answered = facesearch(*search), facesearch(*search, "--key", "mine")
    assert (refused.code, refused.out) == (1, "")
    assert f"facesearch --stack prod key create --org {place.org_id}" in refused.err
    assert answered.code == 0
    assert [request["path"].startswith("/live/api/v1/ext/") for request in asked] == [True]


@pytest.mark.parametrize("outputs", [None, {"WebsiteUrl": "x"}])
def test_given_no_stack_of_ours_when_named_then_one_line_and_1(
    place: Place, facesearch: Command, outputs: dict[str, str] | None
) -> None:
    if outputs is not None:
        deploy("prod", outputs)
    assert facesearch("--stack", "prod", "org", "create", "Club", "--json").failed("prod")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "No AWS credentials"),
        (("AWS_DEFAULT_REGION",), "set AWS_REGION"),
    ],
)
def test_no_credentials_and_no_region_are_said(
    place: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], said: str
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert facesearch("--stack", "prod", "org", "create", "Club").failed(said)


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_given_a_region_by_either_variable_when_named_then_the_stack_is_looked_for_and_used_there(
    place: Place, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], region: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    outputs = {"ApiUrl": "http://127.0.0.1:1/live", "TableName": TABLE, "PhotosBucket": BUCKET}
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    deploy("there", outputs)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    parts = open_stack("there").container
    assert [client.meta.region_name for client in (parts._dynamodb, parts.s3, parts._sqs)] == [region] * 3
    assert aws_environment("http://127.0.0.1:1", is_ours=True)["AWS_REGION"] == region


def test_given_work_in_threads_when_its_block_ends_then_it_is_done_and_the_threads_are_gone(place: Place) -> None:
    stack = place.stack
    with stack.working():
        pool = stack.container.pool
        future = pool.submit(lambda: "done")
    assert future.done()
    assert future.result() == "done"
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(lambda: "done")
