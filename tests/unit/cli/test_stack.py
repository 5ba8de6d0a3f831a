"""Deployed stacks, found by name through their CloudFormation outputs."""

import json
from typing import Any

import boto3
import pytest

from tests.unit.cli.conftest import BUCKET, JPEG, TABLE, Command, Place
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


def test_given_a_deployed_stack_when_searched_then_with_the_key_given_or_not_at_all(
    place: Place, facesearch: Command
) -> None:
    (place.folder / "selfie.jpg").write_bytes(JPEG)
    with api(place, 200, body_of()) as asked:
        url = json.loads(place.stack_file.read_text())["url"]
        deploy("prod", {"ApiUrl": f"{url}/live", "TableName": TABLE, "PhotosBucket": BUCKET})
        search = ("--stack", "prod", "search", "selfie.jpg", "--event", place.event_id)
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
    ended = facesearch("--stack", "prod", "org", "create", "Club", "--json")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert "prod" in ended.err


def test_given_no_credentials_when_named_then_one_line_and_1(
    place: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    ended = facesearch("--stack", "prod", "org", "create", "Club")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("No AWS credentials")
