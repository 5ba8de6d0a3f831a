"""Uploaded photos, announced by S3 through SQS: renditions, faces, and one record per photo."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.bootstrap import container
from facesearch.observability import count, flush_metrics, log_unexpected, logger, metrics
from facesearch.photos.reports import IndexingOutcome, IndexingReport

# Every message that failed is named in the answer, also when all did: an error of the whole call would say no more.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Index the batch's photos side by side, and report on them in the order of their messages."""
    running = {record["messageId"]: container.photo_indexer.submit(record["body"]) for record in event["Records"]}
    finished: list[IndexingReport] = []

    def finish(record: SQSRecord) -> None:
        try:
            reports = running[record.message_id].result()
        except Exception as error:
            log_unexpected(error)
            raise  # only this message is delivered again
        finished.extend(reports)
        for report in reports:
            tell(report)

    try:
        answer = process_partial_response(event=event, record_handler=finish, processor=processor, context=context)
        container.photo_indexer.request_snapshots(finished)
        container.photo_indexer.request_watches(finished)
        return answer
    finally:
        flush_metrics()


def tell(report: IndexingReport) -> None:
    """One log line for each upload, and the metrics."""
    said = {"org_id": report.org_id, "event_id": report.event_id, "image_id": report.image_id and str(report.image_id)}
    match report.outcome:
        case IndexingOutcome.INDEXED:
            count("FacesIndexed", report.faces)
            metrics.add_metric(name="EmbedMilliseconds", unit=MetricUnit.Milliseconds, value=report.embed_milliseconds)
            logger.info("photo indexed", extra=said | {"faces": report.faces, "ms": round(report.embed_milliseconds)})
        case IndexingOutcome.FAILED:
            count("PhotosFailed")
            logger.warning("photo failed", extra=said | {"reason": report.reason})
        case IndexingOutcome.REINDEXED:
            count("FacesReindexed", report.faces)
            logger.info(
                "photo re-indexed", extra=said | {"faces": report.faces, "ms": round(report.embed_milliseconds)}
            )
        case IndexingOutcome.LOST:
            count("PhotosLost")
            logger.warning("photo not re-indexed", extra=said | {"reason": report.reason})
        case IndexingOutcome.KNOWN:
            logger.info("photo known already", extra=said)
        case IndexingOutcome.DELETED:
            logger.info("photo was deleted", extra=said)
        case IndexingOutcome.IGNORED:
            logger.warning("upload ignored", extra=said | {"reason": report.reason})
