"""Logs and metrics: one logger, one metrics object, what may be said in them, and how an invocation ends."""

import os
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from facesearch.errors import StoreUnavailable, Throttled

logger = Logger()
"""Structured JSON. Identifiers (request_id, org_id, event_id, image_id), counts and times only: never a picture, a file
name, an object key, an API key or an embedding."""

metrics = Metrics()
"""CloudWatch embedded metric format; the namespace comes from POWERTOOLS_METRICS_NAMESPACE."""


def log_request(org_id: int | None, event_id: int | None, request_id: uuid.UUID | None) -> None:
    """Say in every further log line of this invocation what it is about."""
    logger.append_keys(org_id=org_id, event_id=event_id, request_id=str(request_id) if request_id else None)


def count(name: str, value: float = 1) -> None:
    """Add to a counter."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


@contextmanager
def milliseconds(name: str) -> Iterator[None]:
    """Measure a block as a metric in milliseconds; a block that raises is not measured."""
    started = perf_counter()
    yield
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=round((perf_counter() - started) * 1000, 3))


def count_failed_call() -> None:
    """Count a 5xx of this very version of the function, which Lambda itself takes for a success.

    In a line of its own, by version: the alarms by which a release goes back ask for the new version alone.
    """
    with single_metric(name="CallsFailed", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="service", value=os.environ.get("POWERTOOLS_SERVICE_NAME", ""))
        metric.add_dimension(name="function", value=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))
        metric.add_dimension(name="version", value=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""))


def flush_metrics() -> None:
    """Write what was counted in this invocation, if anything was."""
    if metrics.metric_set:
        metrics.flush_metrics()


def log_unexpected(error: BaseException) -> None:
    """Log a failure by its type, AWS error code and stack; its text may quote the request and is left out. Throttling
    ends by itself and is a warning."""
    frames = traceback.extract_tb(error.__traceback__)
    cause = error.__cause__
    throttled = isinstance(error, Throttled) or isinstance(cause, Throttled)
    log, said = (logger.warning, "throttled") if throttled else (logger.error, "unexpected failure")
    log(
        said,
        error=type(error).__name__,
        cause=type(cause).__name__ if cause is not None else None,
        aws_code=next((each.aws_code for each in (error, cause) if isinstance(each, StoreUnavailable)), None),
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
