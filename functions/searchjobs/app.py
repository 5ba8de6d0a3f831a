"""Searches that webhooks have asked for, ordered through SQS: each is brought to its end, or comes again. And rounds
over those that watch for later photos."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.api.handler import log_call
from facesearch.bootstrap import container
from facesearch.observability import flush_metrics, log_unexpected, logger
from facesearch.webhooks.commands import SearchCommand
from facesearch.webhooks.job_runner import MessageDelivery, NotNowError
from facesearch.webhooks.watches.commands import WatchCommand
from facesearch.webhooks.watches.runner import WatchInvocation

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle the batch's orders one after the other; those that are not over are named in the answer."""
    try:
        return process_partial_response(event=event, record_handler=run, processor=processor, context=context)
    finally:
        flush_metrics()


def run(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """One order."""
    try:
        delivery = MessageDelivery(int(record.attributes.approximate_receive_count), record.receipt_handle)
        watch = WatchCommand.of(record.body)
        if watch is None:
            order = SearchCommand.of(record.body)
            log_call(order.search.org_id, order.search.event_id, order.search.request_id)
            container.search_jobs.run(order, delivery, lambda_context)
        elif container.watching is not None:
            log_call(watch.org_id, watch.event_id, None)
            last = delivery.number >= container.settings.search_job_deliveries
            container.watching.run(watch, WatchInvocation(lambda_context.get_remaining_time_in_millis, last))
    except NotNowError:
        raise
    except Exception as error:
        log_unexpected(error)
        raise
