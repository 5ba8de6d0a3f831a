"""What unit tests share: moto's services, and the promise that no unit test starts a process."""

import io
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from logging import StreamHandler
from typing import TYPE_CHECKING, NoReturn, TextIO, cast

import boto3
import botocore.handlers
import pytest

from facesearch.adapters import aws as our_aws
from facesearch.adapters.dynamodb.table import Table
from facesearch.observability import logger
from tests.support.aws import TABLE, create_table, moto
from tests.support.output import Output

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@pytest.fixture(scope="module", autouse=True)
def no_process() -> Iterator[None]:
    """A unit test that starts a process fails: those that do are in tests/processes."""

    def refused(*_: object, **__: object) -> NoReturn:
        pytest.fail("A unit test starts a process; those that do so belong in tests/processes.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", refused)
        for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system"):
            patch.setattr(os, name, refused)
        yield


_sessions: dict[bool, boto3.Session | None] = {}


@pytest.fixture(scope="module", autouse=True)
def our_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Clients that a test makes for an adapter raise what the functions' clients raise; the local stack's do not.

    Each has a session of its own for the whole process, as reading what describes the services takes 100 ms.
    """
    is_ours = "local" not in request.path.parts
    events = (("after-call", our_aws._refused), ("after-call-error", our_aws._unreachable))
    services = ("dynamodb", "s3", "sqs", "kms", "rekognition")
    handlers = [(f"{event}.{service}", handler) for event, handler in events for service in services if is_ours]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.handlers, "BUILTIN_HANDLERS", botocore.handlers.BUILTIN_HANDLERS + handlers)
        patch.setattr(boto3, "DEFAULT_SESSION", _sessions.get(is_ours))
        yield
        _sessions[is_ours] = boto3.DEFAULT_SESSION


@pytest.fixture
def aws() -> Iterator[None]:
    """Empty services."""
    with moto():
        yield


@pytest.fixture
def dynamodb(aws: None) -> "DynamoDBClient":
    """With the template's table, empty."""
    client = boto3.client("dynamodb")
    create_table(client)
    return client


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> Table:
    return Table(dynamodb, TABLE)


@pytest.fixture
def s3(aws: None) -> "S3Client":
    return boto3.client("s3")


@pytest.fixture
def sqs(aws: None) -> "SQSClient":
    return boto3.client("sqs")


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    handler = cast("StreamHandler[TextIO]", logger.registered_handler)
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "stream", stream)  # the logger keeps the stdout that it found when it was made
        yield Output(stream, capsys)


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool
