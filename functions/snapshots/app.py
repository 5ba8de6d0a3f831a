"""Events whose faces have changed, one at a time each: a new snapshot where the tail behind the old one is long.
Once a day also events whose faces may be kept no longer."""

import json
from datetime import UTC, datetime

from aws_lambda_powertools.metrics import MetricUnit

from facesearch.api.queue_handler import one_by_one, queue_handler
from facesearch.bootstrap import container
from facesearch.faces.health import Alikeness, is_alike
from facesearch.models import Event, FaceSetKind
from facesearch.observability import count, logger, metrics, milliseconds
from facesearch.webhooks.commands import MessageDelivery


def retain() -> None:
    """Delete the faces of events whose last day is over. Whatever is left is the next day's."""
    for receipt in container.face_retention.run(datetime.now(UTC).date()):
        deleted, left = receipt.deleted, receipt.left.faces
        count("FacesExpired", deleted.faces)
        logger.info("faces expired", event_id=receipt.event_id, faces=deleted.faces, left=left, probes=deleted.probes)


def compact(body: str, _: MessageDelivery) -> None:
    event_id = int(json.loads(body)["event_id"])
    event = container.event(event_id)
    if event is None or _is_over(event):
        # One that was killed between its file and what names it comes again, and finds the event deleted.
        _delete_snapshots(event_id)
        return
    if event.faces.kind is not FaceSetKind.EXACT:
        logger.info("event is not searched in memory", event_id=event_id)
        return
    with milliseconds("CompactMilliseconds"):
        done = container.snapshot_builder.compact(event)
    now = container.event(event_id)
    if done.written and (now is None or _is_over(now) or now.faces.kind is not FaceSetKind.EXACT):
        _delete_snapshots(event_id)
        return
    if done.together is not None:
        tell_alikeness(event_id, done.together)
    if done.written:
        count("SnapshotWritten")
    logger.info(
        "snapshot written" if done.written else "snapshot kept",
        event_id=event_id,
        photos=done.photos,
        faces=done.faces,
        tail_bytes=done.tail_bytes,
    )


def tell_alikeness(event_id: int, together: Alikeness) -> None:
    """Say how alike an event's strangers are, whose confidence may promise too much."""
    q90 = round(together.q90, 3)
    metrics.add_metric(name="FacesAlike", unit=MetricUnit.NoUnit, value=q90)
    if is_alike(together):
        logger.warning("faces unusually alike", event_id=event_id, pairs=together.pairs, q90=q90)


def _delete_snapshots(event_id: int) -> None:
    container.snapshot_builder.snapshots.delete(event_id)
    logger.info("event is over", event_id=event_id)


def _is_over(event: Event | None) -> bool:
    return event is None or event.closing or not event.keeps_faces


handler = queue_handler(one_by_one(compact), without_messages=retain)
