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


SAID = {
    IndexingOutcome.INDEXED: "photo indexed",
    IndexingOutcome.FAILED: "photo failed",
    IndexingOutcome.REINDEXED: "photo re-indexed",
    IndexingOutcome.READ: "bibs read",
    IndexingOutcome.LOST: "photo not looked at again",
    IndexingOutcome.RENDERED: "photo rendered again",
    IndexingOutcome.UNRENDERED: "photo not rendered again",
    IndexingOutcome.KNOWN: "photo known already",
    IndexingOutcome.DELETED: "photo was deleted",
    IndexingOutcome.IGNORED: "upload ignored",
}


def tell_of_upload(report: IndexingReport) -> None:
    """One log line for each upload, a warning where something is amiss, and the metrics."""
    said = {"org_id": report.org_id, "event_id": report.event_id, "image_id": report.image_id and str(report.image_id)}
    match report.outcome:
        case IndexingOutcome.INDEXED:
            count("FacesIndexed", report.faces)
            metrics.add_metric(name="EmbedMilliseconds", unit=MetricUnit.Milliseconds, value=report.embed_milliseconds)
        case IndexingOutcome.REINDEXED:
            count("FacesReindexed", report.faces)
        case IndexingOutcome.FAILED:
            count("PhotosFailed")
        case IndexingOutcome.LOST:
            count("PhotosLost")
    if report.bib_milliseconds:
        metrics.add_metric(name="BibMilliseconds", unit=MetricUnit.Milliseconds, value=report.bib_milliseconds)
    if report.reason:
        logger.warning(SAID[report.outcome], extra=said | {"reason": report.reason})
        return
    if report.outcome in {IndexingOutcome.INDEXED, IndexingOutcome.REINDEXED}:
        said |= {"faces": report.faces, "ms": round(report.embed_milliseconds)}
    logger.info(SAID[report.outcome], extra=said)


handler = queue_handler(side_by_side(submit, tell), after=request_more)
