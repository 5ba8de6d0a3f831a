"""What unit tests stand on: clients that raise our errors, as those of the functions do."""

from collections.abc import Iterator

import botocore.handlers
import pytest

from facesearch.adapters import aws


@pytest.fixture(scope="session", autouse=True)
def our_errors() -> Iterator[None]:
    """Clients that a test makes for an adapter raise what the functions' own clients raise."""
    services = ("dynamodb", "s3", "sqs", "kms", "rekognition")
    events = (("after-call", aws._refused), ("after-call-error", aws._unreachable))
    handlers = [(f"{event}.{service}", handler) for event, handler in events for service in services]
    botocore.handlers.BUILTIN_HANDLERS += handlers
    yield
    for handler in handlers:
        botocore.handlers.BUILTIN_HANDLERS.remove(handler)
