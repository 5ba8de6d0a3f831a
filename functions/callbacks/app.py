"""Attempts to deliver callbacks, from SQS: each callback is sent, and queued again, given up or done with."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.bootstrap import container
from facesearch.observability import count, flush_metrics, log_unexpected, logger
from facesearch.webhooks.callbacks.delivery import BusyError, DeliveryOutcome, DeliveryReport

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
ATTEMPTS_THAT_FAILED = (DeliveryOutcome.FAILED, DeliveryOutcome.DEAD, DeliveryOutcome.GONE)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle the batch's attempts side by side: a receiver that takes its 15 s holds up nobody else's callback."""
    running = {record["messageId"]: container.callback_delivery.submit(record["body"]) for record in event["Records"]}

    def finish(record: SQSRecord) -> None:
        try:
            report = running[record.message_id].result()
        except BusyError:
            logger.info("callback is being sent by somebody else")
            raise
        except Exception as error:
            log_unexpected(error)
            raise  # only this message is delivered again
        tell(report)

    try:
        return process_partial_response(event=event, record_handler=finish, processor=processor, context=context)
    finally:
        flush_metrics()


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
