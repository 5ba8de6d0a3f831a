"""AWS in the process of the tests: moto, started once a process and emptied after each use; the template's tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from moto import mock_aws
from moto.core.model_instances import reset_model_data
from moto.core.models import MockAWS, botocore_stubber

from facesearch_local.template import read_document
from tests.conftest import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "facesearch"
_uses = 0


@contextmanager
def moto() -> Iterator[None]:
    """Empty services. A start costs 120 ms, for boto3 forgets all that it has read; emptying costs next to nothing."""
    global _uses  # noqa: PLW0603 - moto is one a process, too
    mock = _started()
    _uses += 1
    botocore_stubber.enabled = True
    try:
        yield
    finally:
        _uses -= 1
        if not _uses:
            mock.reset()
            reset_model_data()
            botocore_stubber.enabled = False


@cache
def _started() -> MockAWS:
    mock = mock_aws(
        config={"core": {"reset_boto3_session": False, "passthrough": {"services": ["rekognition"]}}}
    )  # Rekognition has a stand-in of its own
    mock.start()
    return mock


@cache
def template() -> dict[str, Any]:
    """Read once, for hundreds of tests make a table."""
    return read_document(ROOT / "template.yaml")


def create_table(client: "DynamoDBClient", resource: str = "Table", name: str = TABLE) -> None:
    """The template's table, under a name of its own."""
    table: dict[str, Any] = template()["Resources"][resource]["Properties"]
    wanted = {"BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes"} & set(table)
    client.create_table(TableName=name, **{part: table[part] for part in wanted})
