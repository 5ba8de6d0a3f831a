"""Indexing: from "a photo was uploaded" to its renditions and its faces in the event's index.

Whatever arrives ends in one of these outcomes, and only trouble with the services around raises: that message is then
delivered again, and after a few times it lies in the dead-letter queue.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus
from uuid import UUID

import numpy as np
from botocore.exceptions import ClientError
from PIL import Image

from facesearch.adapters.s3.objects import etag_of
from facesearch.errors import StoreUnavailable, UnusableImage
from facesearch.faces.compaction import SnapshotRequests
from facesearch.faces.engine import EngineOf, Face
from facesearch.faces.outside import WHOLE, OutsideIndexing, PhotoFile, Region
from facesearch.faces.packing import pack
from facesearch.faces.qualities import pack_qualities
from facesearch.faces.vector_items import FaceKeeper
from facesearch.models import Event
from facesearch.observability import log_unexpected
from facesearch.photos.imaging import Picture, read_image
from facesearch.photos.litter import litter_in
from facesearch.photos.nextfaces import NextFaces, Renewal, parse_command
from facesearch.photos.places import note_place
from facesearch.photos.renditions import Renditions, render
from facesearch.photos.requests import WatchRequests
from facesearch.reading import Reader, Wanted
from facesearch.records import Original, Photo, PhotoStore, image_id_of, image_id_of_bytes, rendition_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_FILE_BYTES = 50_000_000
"""A 64 MP JPEG at the best quality has 30 to 40 MB. Four such files are in memory at a time."""
ENOUGH_PIXELS = 4_500
"""Long side in pixels. A 64 MP JPEG is read as one of 16 MP, with a quarter of the memory, and a face in it has 24 px
where it had 48; 50 MP and less are read whole, for the crowds in them."""

SURER = 1.02
"""By so much must the faces of a view in doubt be surer: of a face that is hard to see either may seem so by chance
(`engine.opencv.TURN_MARGIN`)."""

_TOO_LARGE = f"The file is larger than {MAX_FILE_BYTES // 10**6} MB."

RENDITION_CACHING = "public, max-age=31536000, immutable"
"""A rendition's URL names its content, so that browsers and the CDN may keep it for good."""

_KEY = re.compile(r"(?P<org_id>[0-9]{1,15})/(?P<event_id>[0-9]{1,15})/(?P<path>.*[^/])", re.DOTALL)


class IndexingOutcome(StrEnum):
    """What became of an upload."""

    INDEXED = "indexed"
    """Recorded with its faces, or with the fact that it has none."""
    FAILED = "failed"
    """Recorded as a photo that cannot be read, with the reason; the same file will never be tried again."""
    KNOWN = "known"
    """This very photo is in the event already: a redelivery, or the same file uploaded twice."""
    DELETED = "deleted"
    """This very photo was deleted after it had been uploaded: a redelivery, or a run that the deletion overtook."""
    REINDEXED = "reindexed"
    """A known photo has faces by a further model."""
    LOST = "lost"
    """It should have, but its original is gone, or cannot be read any more."""
    IGNORED = "ignored"
    """Nothing that can ever be indexed; trying again would not help."""


_ADDED = (IndexingOutcome.INDEXED, IndexingOutcome.FAILED)


@dataclass(frozen=True)
class IndexingReport:
    """What one record of a message came to, for logs and metrics.

    Attributes:
        reason: why it failed or was ignored.
        faces: number of faces found.
        embed_milliseconds: time that the engine took.
    """

    outcome: IndexingOutcome
    reason: str = ""
    org_id: int | None = None
    event_id: int | None = None
    image_id: UUID | None = None
    faces: int = 0
    embed_milliseconds: float = 0


@dataclass(frozen=True)
class Upload:
    """An object that appeared in a bucket. `at`: microseconds since the epoch, 0 if the message does not tell.
    `etag`: of what was read of it, as the message may be older."""

    bucket: str
    key: str
    at: int = 0
    etag: str = ""


class PhotoIndexer:
    """The indexing use case."""

    def __init__(  # noqa: PLR0913 - a use case's parts, each by its name
        self,
        engines: EngineOf,
        photos: PhotoStore,
        reader: Reader,
        s3: "S3Client",
        photos_bucket: str,
        renditions_bucket: str,
        snapshots: SnapshotRequests,
        pool: Executor,
        *,
        face_keeper: FaceKeeper | None = None,
        outside: OutsideIndexing | None = None,
        watches: WatchRequests | None = None,
    ) -> None:
        """Take the parts; `pool` runs whole messages side by side, so that one's transfers overlap another's faces.

        `face_keeper` keeps the distributed index in step; None on a stack without one. `outside` finds and keeps the
        faces in the engines' place. `watches` hears of new photos; None where nobody can watch.
        """
        self._engines = engines
        self._photos = photos
        self._reader = reader
        self._s3 = s3
        self._photos_bucket = photos_bucket
        self._renditions_bucket = renditions_bucket
        self._snapshots = snapshots
        self._pool = pool
        self._face_keeper = face_keeper
        self._watches = watches
        self._outside = outside
        self._cpu = Lock()
        self._next = NextFaces(self._faces_of, photos, reader, s3, photos_bucket, MAX_FILE_BYTES)

    def submit(self, message: str) -> Future[list[IndexingReport]]:
        """Start to index the photos that the body of an SQS message speaks of: S3's notification of new ones, or an
        order to index known ones again."""
        return self._pool.submit(self.index_message, message)

    def index_message(self, message: str) -> list[IndexingReport]:
        """Index the photos of one message, one report for each.

        Raises:
            StoreUnavailable: a service refused or could not be reached; worth a retry.
        """
        try:
            order = parse_command(message)
            if order is not None:
                renewals = self._next.carry_out(order)
                return [_report(order.event_id, renewal) for renewal in renewals]
            uploads = parse_notification(message)
        except ValueError as error:
            return [IndexingReport(IndexingOutcome.IGNORED, str(error))]
        return [self._index(upload) for upload in uploads]

    def request_snapshots(self, reports: Iterable[IndexingReport]) -> None:
        """Have the snapshots of the events looked at whose faces changed. A request that is lost costs cold starts some
        milliseconds until the next one."""
        if self._outside is not None:  # no faces of ours have changed
            return
        events = {report.event_id for report in reports if report.outcome is IndexingOutcome.INDEXED and report.faces}
        for event_id in events:
            if event_id is not None:
                try:
                    self._snapshots.request(event_id)
                except StoreUnavailable as error:
                    log_unexpected(error)

    def request_watches(self, reports: Iterable[IndexingReport]) -> None:
        """Have the watches of events looked through that have new photos, or such as were new when an earlier delivery
        was killed.

        Raises:
            StoreUnavailable: nobody was asked. The whole batch must come again: a search that waits for its
                photos would never hear of them, and photos that are known cost next to nothing.
        """
        places = {
            (report.org_id, report.event_id)
            for report in reports
            if (report.outcome is IndexingOutcome.INDEXED and report.faces) or report.outcome is IndexingOutcome.KNOWN
        }
        for org_id, event_id in places:
            if self._watches is not None and org_id is not None and event_id is not None:
                self._watches.request(org_id, event_id)

    def _index(self, upload: Upload) -> IndexingReport:
        place = _KEY.fullmatch(upload.key)
        if upload.bucket != self._photos_bucket or place is None:
            return IndexingReport(IndexingOutcome.IGNORED, "the object is no org/event/photo of the photos bucket")
        org_id, event_id = int(place["org_id"]), int(place["event_id"])
        if litter_in(place["path"].split("/")) is not None:
            return IndexingReport(
                IndexingOutcome.IGNORED, "what a system or a drive leaves among pictures", org_id, event_id
            )
        event = self._reader.read(Wanted(event_id=event_id)).event
        if event is None or event.org_id != org_id or event.closing:
            return IndexingReport(IndexingOutcome.IGNORED, "no such event of this organisation", org_id, event_id)
        report = self._index_photo(event, upload)
        return self._check_event(event, report) if report.outcome in (*_ADDED, IndexingOutcome.KNOWN) else report

    def _check_event(self, event: Event, report: IndexingReport) -> IndexingReport:
        """Undo what was added to an event that was being deleted meanwhile: its deletion may have looked already. Add
        what a re-indexing wants that began meanwhile, or while this photo's earlier delivery was killed."""
        now = self._reader.read(Wanted(event_id=event.event_id)).event
        if report.image_id is None:
            return report
        if now is not None and not now.closing:
            if (
                self._outside is None
                and now.keeps_faces
                and (report.outcome is IndexingOutcome.KNOWN or now.models != event.models)
            ):
                self._next.complete(now, report.image_id)
            return report
        if report.outcome is IndexingOutcome.KNOWN:
            return report
        self._photos.remove(event.event_id, event.shards, report.image_id)
        self._unpublish(event.event_id, report.image_id)
        if self._outside is not None:
            self._outside.faces.forget_event(event.event_id)
        return IndexingReport(
            IndexingOutcome.IGNORED, "the event was deleted meanwhile", event.org_id, event.event_id, report.image_id
        )

    def _index_photo(self, event: Event, upload: Upload) -> IndexingReport:
        org_id, event_id, key = event.org_id, event.event_id, upload.key
        try:
            answer = self._s3.get_object(Bucket=self._photos_bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return IndexingReport(IndexingOutcome.IGNORED, "the object was deleted meanwhile", org_id, event_id)
        upload = replace(upload, etag=answer["ETag"])
        with closing(answer["Body"]) as body:
            if answer["ContentLength"] > MAX_FILE_BYTES:
                image_id = unread_image_id(event_id, key, upload.etag)
                return self._failed(event, image_id, upload, _TOO_LARGE)
            data = body.read()
        image_id = image_id_of_bytes(event_id, data)
        known = self._photos.get(event_id, event.shards, image_id)
        if known is not None:
            return self._known(event, known, upload)
        tombstone = self._photos.tombstone(event_id, event.shards, image_id)
        if tombstone is not None and tombstone.refuses(upload.at):
            if self._outside is not None:  # an earlier delivery may have been killed after it had added faces
                self._outside.faces.forget(event_id, [image_id])
            return IndexingReport(IndexingOutcome.DELETED, "", org_id, event_id, image_id)
        try:
            seen = self._found_outside(event, image_id, self._look_at(data, event))
        except UnusableImage as error:
            return self._failed(event, image_id, upload, error.message)
        return self._indexed(event, image_id, upload, seen)

    def _known(self, event: Event, known: Photo, upload: Upload) -> IndexingReport:
        event_id, image_id = event.event_id, known.image_id
        note_place(self._photos, self._etag, event, known, Original(upload.key, upload.etag))
        if upload.at <= known.changed_at:  # maybe recorded by this very message, whose earlier delivery was killed
            self._photos.touch(event_id, event.shards, image_id)
        if self._face_keeper is not None:  # whoever recorded it may have been killed before its faces were settled
            self._face_keeper.settle(event_id, image_id, written=False)
        return IndexingReport(IndexingOutcome.KNOWN, "", event.org_id, event_id, image_id)

    def _faces_of(self, data: bytes, models: Sequence[str]) -> dict[str, list[Face]]:
        """See `nextfaces.Look`."""
        with self._cpu:
            return self._seen_by(read_image(data, enough=ENOUGH_PIXELS), models)[1]

    def _seen_by(self, picture: Picture, models: Sequence[str]) -> tuple[Picture, dict[str, list[Face]]]:
        """The faces by each model, and the picture as it is held: where that is in doubt, the view in which faces are
        found wins, by their scores, and without any the one that browsers show."""
        found = self._found(picture, models)
        if picture.doubtful == 1:
            return picture, found
        turned = picture.turned()
        found_turned = self._found(turned, models)
        before, after = (sum(face.score for face in faces[models[0]]) for faces in (found, found_turned))
        return (turned, found_turned) if after > SURER * before else (picture, found)

    def _found(self, picture: Picture, models: Sequence[str]) -> dict[str, list[Face]]:
        image = np.asarray(picture.image)
        return {model: self._engines(model).faces(image) for model in models}

    def _look_at(self, data: bytes, event: Event) -> "_Seen":
        """The CPU's part, of one photo at a time: a decoded one can take 600 MB."""
        with self._cpu:
            picture = read_image(data, enough=ENOUGH_PIXELS)
            started = perf_counter()
            by_model: dict[str, list[Face]] = {}
            if event.keeps_faces and self._outside is None:
                picture, by_model = self._seen_by(picture, event.models)
            found = [by_model.get(model, []) for model in event.models]
            milliseconds = (perf_counter() - started) * 1000
            packed = [pack(np.stack([face.embedding for face in faces])) if faces else b"" for faces in found]
            faces, next_faces = packed if event.next_model else (packed[0], b"")
            return _Seen(
                picture.width,
                picture.height,
                picture.taken_at,
                faces,
                next_faces,
                len(found[0]),
                milliseconds,
                render(picture),
                self._file_of(picture.image, data) if event.keeps_faces else None,
                qualities=pack_qualities((max(face.box[2:]), face.sharpness) for face in found[0]),
            )

    def _file_of(self, image: Image.Image, data: bytes) -> PhotoFile | None:
        """What is sent to who finds the faces in the engines' place."""
        if self._outside is None:
            return None
        parts_of = self._outside.parts_of

        def cut(regions: Sequence[Region]) -> list[bytes]:
            with self._cpu:
                return parts_of(read_image(data, enough=ENOUGH_PIXELS).image, regions)

        return PhotoFile(parts_of(image, [WHOLE])[0], cut)

    def _found_outside(self, event: Event, image_id: UUID, seen: "_Seen") -> "_Seen":
        """The network's part of faces that are kept outside; of others there is none."""
        if self._outside is None or seen.file is None:
            return seen
        started = perf_counter()
        face_ids = self._outside.faces.add(event.event_id, image_id, seen.file)
        milliseconds = (perf_counter() - started) * 1000
        return replace(seen, face_count=len(face_ids), face_ids=face_ids, embed_milliseconds=milliseconds)

    def _indexed(self, event: Event, image_id: UUID, upload: Upload, seen: "_Seen") -> IndexingReport:
        # The renditions first: a recorded photo may be in an answer the next moment, with their URLs.
        self._publish(event.event_id, image_id, seen.renditions)
        photo = Photo(
            image_id,
            "indexed",
            upload.key,
            width=seen.width,
            height=seen.height,
            model=event.model if self._outside is None else self._outside.model,
            faces=seen.faces,
            next_model=event.next_model if self._outside is None else "",
            next_faces=seen.next_faces,
            taken_at=seen.taken_at,
            etag=upload.etag,
            qualities=seen.qualities,
        )
        # Its faces first: one that is recorded is found by the next search. Without its record nobody is shown it.
        keeper = self._face_keeper
        written = keeper is not None and keeper.write(event, photo)
        new = self._photos.add(event.event_id, event.shards, photo, upload.at)
        if keeper is not None:
            keeper.settle(event.event_id, image_id, written=written)
        if not new:
            return self._not_added(event, image_id, upload, seen)
        return IndexingReport(
            IndexingOutcome.INDEXED,
            "",
            event.org_id,
            event.event_id,
            image_id,
            seen.face_count,
            seen.embed_milliseconds,
        )

    def _not_added(self, event: Event, image_id: UUID, upload: Upload, seen: "_Seen") -> IndexingReport:
        """Known by now, or deleted since this run began: then the deletion has not seen what this run has made."""
        known = IndexingReport(IndexingOutcome.KNOWN, "", event.org_id, event.event_id, image_id)
        photo = self._photos.get(event.event_id, event.shards, image_id)
        if photo is not None:  # by another run, which may have found the same file under another key
            note_place(self._photos, self._etag, event, photo, Original(upload.key, upload.etag))
        if self._photos.tombstone(event.event_id, event.shards, image_id) is None:
            return known
        self._unpublish(event.event_id, image_id)
        if self._outside is not None:
            self._outside.faces.discard(event.event_id, seen.face_ids)
        if self._photos.get(event.event_id, event.shards, image_id) is not None:  # uploaded afresh at this very moment
            self._publish(event.event_id, image_id, seen.renditions)
            self._found_outside(event, image_id, seen)
            return known
        return IndexingReport(IndexingOutcome.DELETED, "", event.org_id, event.event_id, image_id)

    def _publish(self, event_id: int, image_id: UUID, renditions: Renditions) -> None:
        for key, jpeg in zip(rendition_keys(event_id, image_id), (renditions.large, renditions.small), strict=True):
            self._s3.put_object(
                Bucket=self._renditions_bucket,
                Key=key,
                Body=jpeg,
                ContentType="image/jpeg",
                CacheControl=RENDITION_CACHING,
            )

    def _etag(self, key: str) -> str | None:
        return etag_of(self._s3, self._photos_bucket, key)

    def _unpublish(self, event_id: int, image_id: UUID) -> None:
        for key in rendition_keys(event_id, image_id):
            self._s3.delete_object(Bucket=self._renditions_bucket, Key=key)

    def _failed(self, event: Event, image_id: UUID, upload: Upload, reason: str) -> IndexingReport:
        photo = Photo(image_id, "failed", upload.key, reason=reason, etag=upload.etag)
        new = self._photos.add(event.event_id, event.shards, photo, upload.at)
        return IndexingReport(
            IndexingOutcome.FAILED if new else IndexingOutcome.KNOWN, reason, event.org_id, event.event_id, image_id
        )


@dataclass(frozen=True)
class _Seen:
    """What one look at a photo gave: faces and their qualities packed, `next_faces` by the event's next model, if any.

    Of faces that are kept outside: `file` is what finds them there, `face_ids` what they are called there.
    """

    width: int
    height: int
    taken_at: datetime | None
    faces: bytes
    next_faces: bytes
    face_count: int
    embed_milliseconds: float
    renditions: Renditions
    file: PhotoFile | None = None
    face_ids: Sequence[str] = ()
    qualities: bytes = b""


def _report(event_id: int, renewal: Renewal) -> IndexingReport:
    outcome = IndexingOutcome.REINDEXED if renewal.made else IndexingOutcome.KNOWN
    return IndexingReport(
        IndexingOutcome.LOST if renewal.reason else outcome,
        renewal.reason,
        event_id=event_id,
        image_id=renewal.image_id,
        faces=renewal.faces,
        embed_milliseconds=renewal.milliseconds,
    )


def unread_image_id(event_id: int, key: str, etag: str) -> UUID:
    """The image_id of a photo that is too large to be read, and so to be hashed: by its key and S3's ETag instead."""
    return image_id_of(event_id, hashlib.sha256(f"unread\n{key}\n{etag}".encode()).digest())


def parse_notification(message: str) -> list[Upload]:
    """The objects that an S3 event notification announces; none for the test event of a new notification.

    Raises:
        ValueError: the message is something else.
    """
    try:
        body = json.loads(message)
        if body.get("Event") == "s3:TestEvent":
            return []
        return [_upload(record) for record in body["Records"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("the message is no S3 event notification") from error


def _upload(record: dict[str, Any]) -> Upload:
    s3, at = record["s3"], record.get("eventTime")
    # AWS leaves the slashes of a key as they are, some stand-ins for S3 do not; either way it is URL-encoded.
    key = unquote_plus(s3["object"]["key"])
    return Upload(s3["bucket"]["name"], key, int(datetime.fromisoformat(at).timestamp() * 1_000_000) if at else 0)
