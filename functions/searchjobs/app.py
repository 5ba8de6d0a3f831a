"""Commands from SQS: to run a search that a webhook has asked for, which is brought to its end or comes again, and to
look through an event's watches."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.api.handler import log_call
from facesearch.bootstrap import container
from facesearch.observability import flush_metrics, log_unexpected, logger
from facesearch.webhooks.commands import MessageDelivery, SearchCommand
from facesearch.webhooks.job_runner import NotNowError
from facesearch.webhooks.watches.commands import WatchCommand

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle the batch's commands one after the other; those that are not over are named in the response."""
    try:
        return process_partial_response(event=event, record_handler=run, processor=processor, context=context)
    finally:
        flush_metrics()


def run(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """One command."""

    def seconds_left() -> float:
        return lambda_context.get_remaining_time_in_millis() / 1000

    try:
        number = int(record.attributes.approximate_receive_count)
        watch = WatchCommand.from_message(record.body)
        if watch is None:
            command = SearchCommand.from_message(record.body)
            log_call(command.search.org_id, command.search.event_id, command.search.request_id)
            container.job_runner.run(command, MessageDelivery(number, record.receipt_handle, seconds_left))
        elif container.watch_runner is not None:
            log_call(watch.org_id, watch.event_id, None)
            last = number >= container.settings.search_job_deliveries
            container.watch_runner.run(watch, seconds_left, last=last)
    except NotNowError:
        raise
    except Exception as error:
        log_unexpected(error)
        raise
