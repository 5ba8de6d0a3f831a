"""Attempts to deliver callbacks, from SQS: each callback is sent, and queued again, given up or done with."""

from concurrent.futures import Future
from typing import Any

from facesearch.api.queue_handler import queue_handler, side_by_side
from facesearch.bootstrap import container
from facesearch.observability import count, logger
from facesearch.webhooks.callbacks.delivery import DeliveryOutcome, DeliveryReport
from facesearch.webhooks.commands import NotNowError

ATTEMPTS_THAT_FAILED = (DeliveryOutcome.FAILED, DeliveryOutcome.DEAD, DeliveryOutcome.GONE)


def submit(body: str) -> Future[DeliveryReport]:
    return container.callback_delivery.submit(body)


def tell(report: DeliveryReport) -> None:
    """One log line for each attempt, and the metrics. Neither the address nor what was sent is in them."""
    key, callback = report.attempt.key, report.callback
    said: dict[str, Any] = {"org_id": key.org_id, "event_id": key.event_id, "callback_id": str(key.callback_id)}
    if callback is not None:
        said |= {"request_id": str(callback.request_id), "attempts": callback.attempts, "status": callback.last_status}
    if report.seconds:
        said["next_in_seconds"] = round(report.seconds)
    if report.outcome is DeliveryOutcome.DELIVERED:
        count("CallbacksDelivered")
    if report.outcome in ATTEMPTS_THAT_FAILED:
        count("CallbacksFailed")
    if report.outcome is DeliveryOutcome.DEAD:
        count("CallbacksDead")
    log = logger.warning if report.outcome in ATTEMPTS_THAT_FAILED else logger.info
    log(report.outcome.value, extra=said)


# Side by side: a receiver that takes its 15 s holds up nobody else's callback.
handler = queue_handler(side_by_side(submit, tell), comes_again=NotNowError)
