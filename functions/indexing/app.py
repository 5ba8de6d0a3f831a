"""Uploaded photos, announced by S3 through SQS: renditions, faces, and one record per photo."""

from collections.abc import Sequence
from concurrent.futures import Future

from aws_lambda_powertools.metrics import MetricUnit

from facesearch.api.queue_handler import queue_handler, side_by_side
from facesearch.bootstrap import container
from facesearch.observability import count, logger, metrics
from facesearch.photos.looking import IndexingOutcome, IndexingReport


def submit(body: str) -> Future[list[IndexingReport]]:
    return container.photo_indexer.submit(body)


def tell(reports: list[IndexingReport]) -> None:
    for report in reports:
        tell_of_upload(report)


def request_more(batch: Sequence[list[IndexingReport]]) -> None:
    container.photo_indexer.request_more([report for reports in batch for report in reports])


def tell_of_upload(report: IndexingReport) -> None:
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
        case IndexingOutcome.RENDERED:
            logger.info("photo rendered again", extra=said)
        case IndexingOutcome.UNRENDERED:
            logger.warning("photo not rendered again", extra=said | {"reason": report.reason})
        case IndexingOutcome.KNOWN:
            logger.info("photo known already", extra=said)
        case IndexingOutcome.DELETED:
            logger.info("photo was deleted", extra=said)
        case IndexingOutcome.IGNORED:
            logger.warning("upload ignored", extra=said | {"reason": report.reason})


handler = queue_handler(side_by_side(submit, tell), after=request_more)
