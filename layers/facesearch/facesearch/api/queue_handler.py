"""What every queue handler does around its use case: log context, errors, metrics, and which messages come again.

A message that failed is named in the response and delivered again, alone; an error of the whole call would say no more.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.observability import flush_metrics, log_unexpected, logger
from facesearch.webhooks.commands import MessageDelivery

QueueHandler = Callable[[dict[str, Any], LambdaContext], PartialItemFailureResponse | None]
ReportT = TypeVar("ReportT")
Start = Callable[[SQSRecord, Callable[[], float]], Callable[[], ReportT]]
"""Called with each message before what it gives is called for the first; the second is the invocation's time left."""


def one_by_one(handle: Callable[[str, MessageDelivery], None]) -> Start[None]:
    """Have a batch's messages handled one after the other, each by its body."""

    def start(record: SQSRecord, seconds_left: Callable[[], float]) -> Callable[[], None]:
        number = int(record.attributes.approximate_receive_count)
        return partial(handle, record.body, MessageDelivery(number, record.receipt_handle, seconds_left))

    return start


def side_by_side(submit: Callable[[str], Future[ReportT]], tell: Callable[[ReportT], None]) -> Start[ReportT]:
    """Have a batch's messages handled all at once: `submit` starts on a body, `tell` says what became of it."""

    def start(record: SQSRecord, _: Callable[[], float]) -> Callable[[], ReportT]:
        running = submit(record.body)

        def finish() -> ReportT:
            tell(report := running.result())
            return report

        return finish

    return start


def queue_handler(
    start: Start[ReportT],
    *,
    comes_again: type[Exception] | tuple[()] = (),
    without_messages: Callable[[], None] = lambda: None,
    after: Callable[[Sequence[ReportT]], None] = lambda reports: None,
) -> QueueHandler:
    """The Lambda handler of a queue.

    Args:
        start: `one_by_one` or `side_by_side`.
        comes_again: what is raised on purpose to have a message delivered again; its text, if any, is logged.
        without_messages: what else the function is called for, by a schedule.
        after: is told in the end of all messages that did not fail.
    """

    def respond(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        def seconds_left() -> float:
            return float(context.get_remaining_time_in_millis()) / 1000

        started = {record["messageId"]: start(SQSRecord(record), seconds_left) for record in event["Records"]}
        reports = list[ReportT]()

        def finish(record: SQSRecord) -> None:
            try:
                reports.append(started[record.message_id]())
            except comes_again as error:
                if text := str(error):
                    logger.info(text)
                raise
            except Exception as error:
                log_unexpected(error)
                raise

        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        response = process_partial_response(event=event, record_handler=finish, processor=processor, context=context)
        after(reports)
        return response

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | None:
        try:
            if "Records" in event:
                return respond(event, context)
            without_messages()
            return None
        finally:
            flush_metrics()

    return handler
