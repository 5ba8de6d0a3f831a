"""Which refusals of AWS mean "not so fast". They pass by themselves: callers of the API are told to come again, and
whatever a queue has brought is brought again."""

from typing import Any

from botocore.exceptions import ClientError

from facesearch.errors import StillUnprocessedError, Throttled

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",  # DynamoDB: an item collection's or a partition's share
        "RequestLimitExceeded",  # DynamoDB: the account's or the table's
        "ThrottlingException",  # DynamoDB, KMS and most others
        "Throttling",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "LimitExceededException",
        "SlowDown",  # S3
        "RequestThrottled",  # SQS
        "KmsThrottled",  # SQS, on behalf of KMS
        "BandwidthLimitExceeded",
        "TransactionInProgressException",
        "429",
        "503",  # S3 to a HEAD: the code of a response without a body is its status
    }
)
"""Error codes of our services, and those that botocore itself takes for throttling."""
CANCELLED = frozenset(
    {"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "TransactionConflict"}
)
"""Why DynamoDB cancels a transaction that would come through a little later."""
RETRY_AFTER_SECONDS = 5


def is_throttled(error: BaseException | None) -> bool:
    """Whether a service has refused for having too much to do, also if that has caused another error."""
    while error is not None:
        if isinstance(error, StillUnprocessedError) or (isinstance(error, ClientError) and _is_refusal(error.response)):
            return True
        error = error.__cause__
    return False


def as_outcome(error: Exception) -> Exception:
    """What a caller of the API is told instead of such an error; any other error as it is."""
    if not is_throttled(error):
        return error
    return Throttled("Too many requests at this moment. Retry with the same request_id.", RETRY_AFTER_SECONDS)


def _is_refusal(response: Any) -> bool:
    code = str(response.get("Error", {}).get("Code", "")).removeprefix("KMS.")
    if code == "TransactionCanceledException":
        return any(reason.get("Code") in CANCELLED for reason in response.get("CancellationReasons", []))
    return code in THROTTLED
