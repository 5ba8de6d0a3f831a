"""Clients of AWS's services, and how patient each is.

Botocore's own, not boto3's: those bring resources, S3 transfers and multiprocessing along, a third of the time that the
import takes, and nothing here uses them. Importing this module takes long, so `bootstrap` does it when a client is
first needed, and an environment that starts does it without the texts that botocore has of its methods.

What a service says becomes an error of ours here, once for all adapters: `Throttled`, `StoreUnavailable`. Only refusals
that an adapter may have asked for stay botocore's: a condition that did not hold, a file that is not there.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

from facesearch import starting
from facesearch.errors import StoreUnavailable, Throttled


def _undocumented(**_: object) -> None:
    """In place of the texts that botocore has for each method."""


_TEXTS = dict.fromkeys(("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"), _undocumented)

with starting.without({"botocore.docs.service": {"ServiceDocumenter": None}, "botocore.docs.docstring": _TEXTS}):
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session, get_session
    from urllib3.exceptions import HTTPError

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",  # DynamoDB: an item collection's or a partition's share
        "RequestLimitExceeded",  # DynamoDB: the account's or the table's
        "ThrottlingException",  # DynamoDB, KMS and most others
        *("Throttling", "ThrottledException", "RequestThrottledException", "TooManyRequestsException"),
        *("LimitExceededException", "BandwidthLimitExceeded", "TransactionInProgressException"),
        "SlowDown",  # S3
        "RequestThrottled",  # SQS
        "KmsThrottled",  # SQS, on behalf of KMS
        "TransactionConflictException",  # DynamoDB: a transaction is at the item
        "429",
        "503",  # S3 to a HEAD: the code of a response without a body is its status
    }
)
"""Error codes of our services, and those that botocore itself takes for throttling."""
CANCELLED = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})
"""Why DynamoDB cancels a transaction that would come through a little later."""
EXPECTED = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
"""Why it cancels one that an adapter knows what to do about, whatever else was the matter."""
ASKED_FOR = frozenset(
    {
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
        "InvalidCiphertextException",  # KMS: sealed by another key, or for another search
        "NotFoundException",
        "KMSInvalidStateException",
    }
)
ASKED_FOR_STATUS = frozenset({404, 409, 412, 416})
"""S3's: not there, being written, changed, beyond the end."""
OWN_ERRORS = frozenset({"rekognition"})
"""Services whose adapters know what each refusal means."""

DYNAMODB = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=16,
    parameter_validation=False,
)
"""A single-digit-millisecond service: a call that hangs is better tried again, with botocore's jittered backoff.

It checks a request itself; that botocore does so first is 7 % of a call. (To S3 an empty key would be another call.)"""
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
    """A client with the environment's region and credentials; the methods are boto3's.

    Its `User-Agent` is put together once. Botocore does it anew twice a call, a tenth of the call's CPU.
    """
    session = _session()
    return session.create_client(service, config=config.merge(Config(user_agent=session.user_agent())))


def with_our_errors(events: Any) -> None:
    """Have the clients of a session, or one client, raise our errors: `events` is its emitter."""
    events.register("after-call", _refused)
    events.register("after-call-error", _unreachable)


@contextmanager
def reading(response: Any) -> Iterator[Any]:
    """The body of what S3 sent, closed at the end: it comes when the call itself is long over.

    Raises:
        StoreUnavailable: the connection ended, or nothing came for too long.
    """
    try:
        with closing(response["Body"]) as body:
            yield body
    except (BotoCoreError, HTTPError) as error:
        raise StoreUnavailable("GetObject", type(error).__name__) from error


def _refused(http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
    status = http_response.status_code
    if status < 300:  # as botocore has it
        return
    code = str(parsed.get("Error", {}).get("Code", "")).removeprefix("KMS.")
    reasons = {reason.get("Code") for reason in parsed.get("CancellationReasons", [])}
    if code in THROTTLED or (reasons & CANCELLED and not reasons & EXPECTED):
        raise Throttled(model.name, code)
    own = model.service_model.service_name in OWN_ERRORS and status < 500
    if not own and code not in ASKED_FOR and status not in ASKED_FOR_STATUS:
        raise StoreUnavailable(model.name, code)


def _unreachable(exception: Exception, event_name: str, **_: Any) -> None:
    if isinstance(exception, BotoCoreError):
        raise StoreUnavailable(event_name.rpartition(".")[2], type(exception).__name__) from exception


@cache
def _session() -> Session:
    """One for all clients, so that what describes the services is read once."""
    session = get_session()
    with_our_errors(session)
    return session
