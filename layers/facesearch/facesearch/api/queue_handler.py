"""What every queue handler does around its use case: log context, errors, metrics, and which messages come again.

A message that failed is named in the response and delivered again, alone; an error of the whole call would say no more.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.observability import flush_metrics, log_unexpected, logger

QueueHandler = Callable[[dict[str, Any], LambdaContext], PartialItemFailureResponse | None]
ReportT = TypeVar("ReportT")


@dataclass(frozen=True)
class QueueMessage:
    """A delivery of a message.

    Attributes:
        number: how often it was delivered, this time included.
        receipt: what the queue knows this delivery by.
        seconds_left: of the invocation, which may have other messages after this one.
    """

    body: str
    number: int
    receipt: str
    seconds_left: Callable[[], float]


class _NeverError(Exception):
    """Nobody raises it."""


def one_by_one(
    handle: Callable[[QueueMessage], None],
    *,
    comes_again: type[Exception] = _NeverError,
    without_messages: Callable[[], None] = lambda: None,
) -> QueueHandler:
    """The Lambda handler that takes a batch's messages one after the other.

    Args:
        handle: a message; what it raises has it delivered again.
        comes_again: what it raises on purpose; its text, if any, is logged.
        without_messages: what else the function is called for, by a schedule.
    """

    def invoke(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | None:
        def seconds_left() -> float:
            return float(context.get_remaining_time_in_millis()) / 1000

        def run(record: SQSRecord) -> None:
            number = int(record.attributes.approximate_receive_count)
            handle(QueueMessage(record.body, number, record.receipt_handle, seconds_left))

        if "Records" not in event:
            without_messages()
            return None
        return _respond(event, context, run, comes_again)

    return _framed(invoke)


def side_by_side(
    submit: Callable[[str], Future[ReportT]],
    tell: Callable[[ReportT], None],
    *,
    comes_again: type[Exception] = _NeverError,
    after: Callable[[Sequence[ReportT]], None] = lambda reports: None,
) -> QueueHandler:
    """The Lambda handler that takes a batch's messages all at once, and reports on them in their order.

    Args:
        submit: starts on a message's body.
        tell: says what became of it; not called for what failed.
        comes_again: see `one_by_one`.
        after: what is to be done for all that did not fail.
    """

    def invoke(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        running = {record["messageId"]: submit(record["body"]) for record in event["Records"]}
        reports = list[ReportT]()

        def finish(record: SQSRecord) -> None:
            report = running[record.message_id].result()
            reports.append(report)
            tell(report)

        response = _respond(event, context, finish, comes_again)
        after(reports)
        return response

    return _framed(invoke)


def _framed(invoke: QueueHandler) -> QueueHandler:
    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | None:
        try:
            return invoke(event, context)
        finally:
            flush_metrics()

    return handler


def _respond(
    event: dict[str, Any], context: LambdaContext, handle: Callable[[SQSRecord], None], comes_again: type[Exception]
) -> PartialItemFailureResponse:
    def run(record: SQSRecord) -> None:
        try:
            handle(record)
        except comes_again as error:
            if text := str(error):
                logger.info(text)
            raise
        except Exception as error:
            log_unexpected(error)
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=run, processor=processor, context=context)
