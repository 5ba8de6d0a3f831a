"""Clients of AWS's services, and how patient each is.

Botocore's own, not boto3's: those bring resources, S3 transfers and multiprocessing along, a third of the time that the
import takes, and nothing here uses them. Importing this module is most of a cold start, so `bootstrap` does it when a
client is first needed.
"""

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

DYNAMODB = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=16
)
"""A single-digit-millisecond service: a call that hangs is better tried again, with botocore's jittered backoff."""
S3 = Config(
    connect_timeout=2,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=16,
    signature_version="s3v4",
    s3={"addressing_style": "virtual"},  # else presigned links lead to us-east-1, which redirects; browsers refuse that
)
SQS = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
SECRETS = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})


def client(service: str, config: Config) -> Any:
    """A client with the environment's region and credentials; the methods are boto3's."""
    return _session().create_client(service, config=config)


@cache
def _session() -> Session:
    """One for all clients, so that what describes the services is read once."""
    return get_session()
