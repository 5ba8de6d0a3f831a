"""boto3's clients of the store, and the environment that gives a worker's own the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from facesearch_cli.region import chosen_region

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

DEFAULT_REGION = "us-east-1"
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

LOCAL_CONFIG = Config(
    connect_timeout=5,
    max_pool_connections=50,
    proxies={},  # none, whatever HTTP_PROXY says
    retries={"mode": "standard", "total_max_attempts": 3},
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True)
class Clients:
    """Clients of one store."""

    dynamodb: DynamoDBClient
    s3: S3Client
    sqs: SQSClient
    kms: KMSClient


def aws_environment(endpoint_url: str, *, is_ours: bool) -> dict[str, str]:
    """Where AWS is, for boto3: a store of ours takes any credentials, somebody else's may need the caller's. Each has
    the region that the caller has chosen."""
    caller: Mapping[str, str] = {} if is_ours else os.environ
    region = chosen_region() or DEFAULT_REGION
    credentials = {name: caller[name] for name in CREDENTIALS if name in caller}
    return (credentials or {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}) | {
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": region,
    }


def make_clients(aws: Mapping[str, str]) -> Clients:
    """Clients with exactly this environment, whatever the caller's own says about profiles and proxies."""
    session = boto3.Session(
        aws_access_key_id=aws["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=aws.get("AWS_SESSION_TOKEN"),
        region_name=aws["AWS_REGION"],
    )
    endpoint_url, config = aws["AWS_ENDPOINT_URL"], LOCAL_CONFIG
    return Clients(
        dynamodb=session.client("dynamodb", endpoint_url=endpoint_url, config=config),
        s3=session.client("s3", endpoint_url=endpoint_url, config=config),
        sqs=session.client("sqs", endpoint_url=endpoint_url, config=config),
        kms=session.client("kms", endpoint_url=endpoint_url, config=config),
    )
