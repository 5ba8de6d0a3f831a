"""What unit tests share: moto's services, and the promise that no unit test starts a process."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.support.aws import create_table, moto

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


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
def s3(aws: None) -> "S3Client":
    return boto3.client("s3")


@pytest.fixture
def sqs(aws: None) -> "SQSClient":
    return boto3.client("sqs")
