"""Indexing: from "a photo was uploaded" to its renditions and its faces in the event's face sets.

Whatever arrives ends in one of `IndexingOutcome`, and only trouble with the services around raises: that message is
then delivered again, and after a few times it lies in the dead-letter queue.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

from facesearch.errors import StoreUnavailable, UnusableImage
from facesearch.faces.exact_set import SnapshotRequests
from facesearch.faces.qualities import pack_qualities
from facesearch.faces.sets import FaceSets, FaceWriter, Written
from facesearch.models import REKOGNITION, Event, FaceSetKind
from facesearch.observability import log_unexpected
from facesearch.photos.bibs import ReadBibs
from facesearch.photos.commands import CommandKind, IndexingCommand, parse_command
from facesearch.photos.litter import litter_in
from facesearch.photos.lookagain import LookAgain
from facesearch.photos.looking import IndexingOutcome, IndexingReport, Look, PhotoLooker
from facesearch.photos.pictures import MAX_FILE_BYTES, Pictures, Renditions
from facesearch.photos.places import note_place
from facesearch.photos.rerender import Rerender
from facesearch.photos.watermark import Stamps
from facesearch.reading import Reader, Wanted
from facesearch.records import Original, Photo, PhotoStore, image_id_of, image_id_of_bytes

_TOO_LARGE = f"The file is larger than {MAX_FILE_BYTES // 10**6} MB."

_KEY = re.compile(r"(?P<org_id>[0-9]{1,15})/(?P<event_id>[0-9]{1,15})/(?P<path>.*[^/])", re.DOTALL)


@dataclass(frozen=True)
class Upload:
    """An object that appeared in a bucket at so many microseconds since the epoch, 0 if the message does not tell."""

    bucket: str
    key: str
    at: int = 0
    etag: str = ""
    """Of what was read of it, as the message may be older."""


@dataclass(frozen=True, kw_only=True)
class PhotoIndexer:
    """The indexing use case.

    Attributes:
        pool: runs whole messages side by side, so that one's transfers overlap another's faces.
        request_watches: has the watches of an organisation's event looked through soon; asked often within seconds is
            asked once. None where nobody can watch.
    """

    looker: PhotoLooker
    photos: PhotoStore
    pictures: Pictures
    stamps: Stamps
    reader: Reader
    sets: FaceSets
    snapshots: SnapshotRequests
    pool: Executor
    request_watches: Callable[[int, int], None] | None = None

    @property
    def _writer(self) -> FaceWriter:
        return FaceWriter(sets=self.sets, photos=self.photos, event_now=self._event_now)

    @property
    def _again(self) -> LookAgain:
        return LookAgain(looker=self.looker, photos=self.photos, pictures=self.pictures, writer=self._writer)

    @property
    def _bibs(self) -> ReadBibs:
        return ReadBibs(looker=self.looker, photos=self.photos, pictures=self.pictures, event_now=self._event_now)

    @property
    def _rerender(self) -> Rerender:
        return Rerender(
            looker=self.looker,
            photos=self.photos,
            pictures=self.pictures,
            stamps=self.stamps,
            event_now=self._event_now,
        )

    def submit(self, message: str) -> Future[list[IndexingReport]]:
        """Start to index the photos that the body of an SQS message speaks of: S3's notification of new ones, or a
        command to look at known ones again, or to render them again."""
        return self.pool.submit(self.index_message, message)

    def index_message(self, message: str) -> list[IndexingReport]:
        """Index the photos of one message, one report for each.

        Raises:
            StoreUnavailable: a service refused or could not be reached; worth a retry.
        """
        try:
            command = parse_command(message)
            if command is not None:
                return self._carry_out(command)
            uploads = parse_notification(message)
        except ValueError as error:
            return [_ignored(str(error))]
        return [self._index(upload) for upload in uploads]

    def request_more(self, reports: Sequence[IndexingReport]) -> None:
        """Have the snapshots of events looked at whose faces changed, and the watches looked through of events that
        have new photos, or such as were new when an earlier delivery was killed.

        Raises:
            StoreUnavailable: nobody was asked for the watches. The whole batch must come again: a search that waits for
                its photos would never hear of them, and photos that are known cost next to nothing.
        """
        new = [each for each in reports if each.faces and each.outcome is IndexingOutcome.INDEXED]
        known = [each for each in reports if each.outcome is IndexingOutcome.KNOWN]
        for event_id in {each.event_id for each in new if each.event_id is not None}:
            try:
                self.snapshots.request(event_id)
            except StoreUnavailable as error:  # costs cold starts some milliseconds until the next request
                log_unexpected(error)
        for org_id, watched_id in {(each.org_id, each.event_id) for each in new + known}:
            if self.request_watches is not None and org_id is not None and watched_id is not None:
                self.request_watches(org_id, watched_id)

    def _carry_out(self, command: IndexingCommand) -> list[IndexingReport]:
        """Make what is commanded, as far as it is still wanted."""
        event_id, model = command.event_id, command.model
        match command.kind:
            case CommandKind.FACES:
                return [self._again.look(event_id, model, image_id) for image_id in command.image_ids]
            case CommandKind.BIBS:
                return [self._bibs.read(event_id, image_id) for image_id in command.image_ids]
            case CommandKind.RENDITIONS:
                return [self._rerender.render(event_id, image_id) for image_id in command.image_ids]

    def _event_now(self, event_id: int) -> Event | None:
        return self.reader.read(Wanted(event_id=event_id)).event

    def _index(self, upload: Upload) -> IndexingReport:
        place = _KEY.fullmatch(upload.key)
        if upload.bucket != self.pictures.uploads or place is None:
            return _ignored("the object is no org/event/photo of the photos bucket")
        org_id, event_id = int(place["org_id"]), int(place["event_id"])
        return replace(self._index_in(org_id, event_id, place["path"], upload), org_id=org_id, event_id=event_id)

    def _index_in(self, org_id: int, event_id: int, path: str, upload: Upload) -> IndexingReport:
        if litter_in(path.split("/")) is not None:
            return _ignored("what a system or a drive leaves among pictures")
        event = self._event_now(event_id)
        if event is None or event.org_id != org_id or event.closing:
            return _ignored("no such event of this organisation")
        written = Written()
        report = self._index_photo(event, upload, written)
        return report if report.image_id is None else self._check_event(event, report.image_id, report, written)

    def _check_event(self, event: Event, image_id: UUID, report: IndexingReport, written: Written) -> IndexingReport:
        """Undo what was added to an event that was being deleted meanwhile: its deletion may have looked already. Add
        what a face set wants that the event has got meanwhile, or while this photo's earlier delivery was killed, and
        have renditions look as it says now."""
        event_id = event.event_id
        now = self._event_now(event_id)
        if now is not None and not now.closing:
            if report.rendered not in (None, now.rendering):
                # Known: to another run, which may have published before this one did.
                self._rerender.render(event_id, image_id, even_so=report.outcome is IndexingOutcome.KNOWN)
            if any(face_set.kind is not FaceSetKind.EXACT for face_set in (*now.face_sets, *written)):
                for face_set in self._writer.settle(event, image_id, written):
                    self._again.look(event_id, face_set.model, image_id, even_so=True)
            if now.keeps_faces and (report.outcome is IndexingOutcome.KNOWN or now.face_sets != event.face_sets):
                self._again.complete(now, image_id)
            if now.reads_bibs and (report.outcome is IndexingOutcome.KNOWN or not event.reads_bibs):
                self._bibs.read(event_id, image_id, is_there=True)
            return report
        if report.outcome in (IndexingOutcome.INDEXED, IndexingOutcome.FAILED):
            # First: a redelivery finds no event, and looks for nothing any more.
            self.photos.remove(event_id, event.shards, image_id)
            self.pictures.unpublish(event_id, image_id)
            report = _ignored("the event was deleted meanwhile", image_id)
        for face_set in written:
            self.sets.open(event, face_set).delete()
        return report

    def _index_photo(self, event: Event, upload: Upload, written: Written) -> IndexingReport:
        event_id, key = event.event_id, upload.key
        file = self.pictures.original(key, MAX_FILE_BYTES)
        if file is None:
            return _ignored("the object was deleted meanwhile")
        upload = replace(upload, etag=file.etag)
        if file.data is None:
            unread = hashlib.sha256(f"unread\n{key}\n{upload.etag}".encode()).digest()
            return self._failed(event, image_id_of(event_id, unread), upload, _TOO_LARGE)
        image_id = image_id_of_bytes(event_id, file.data)
        known = self.photos.get(event_id, event.shards, image_id)
        if known is not None:
            self._note_place(event, known, upload)
            if upload.at <= known.changed_at:  # maybe recorded by this very message, whose earlier delivery was killed
                self.photos.touch(event_id, event.shards, image_id)
            rendered = known.rendered if known.status == "indexed" else None
            return IndexingReport(IndexingOutcome.KNOWN, image_id=image_id, rendered=rendered)
        tombstone = self.photos.tombstone(event_id, event.shards, image_id)
        if tombstone is not None and tombstone.refuses(upload.at):
            # An earlier delivery may have been killed after it had added faces.
            written.update(dict.fromkeys(event.face_sets, b""))
            return IndexingReport(IndexingOutcome.DELETED, image_id=image_id)
        try:
            report = self._look_at(event, image_id, upload, file.data, written)
            # Who was told to render the deleted one may have found no record of this one a moment ago.
            if tombstone is not None:
                self._rerender.render(event_id, image_id, even_so=True)
            return report
        except UnusableImage as error:
            return self._failed(event, image_id, upload, error.message)

    def _look_at(self, event: Event, image_id: UUID, upload: Upload, data: bytes, written: Written) -> IndexingReport:
        models = [face_set.model for face_set in event.face_sets if face_set.is_ours and event.keeps_faces]
        file = event.keeps_faces and REKOGNITION in event.face_sets
        stamp, models = self.stamps.of(event), list(dict.fromkeys(models))
        look = self.looker.look(data, models, renditions=True, file=file, bibs=event.reads_bibs, stamp=stamp)
        photo = _photo_of(event, image_id, upload, look)
        # Faces and renditions first: a recorded photo may be in a response the next moment. Without its record it is
        # shown to nobody.
        count = self._writer.write(event, photo, written, look.file)
        shown = self._as_wanted_now(event, look, data)
        self._publish(event.event_id, image_id, shown)
        photo = replace(photo, rendered=shown.rendering)
        if not self.photos.add(event.event_id, event.shards, photo, upload.at):
            outcome = self._why_not_added(event, image_id, upload, shown)
            return IndexingReport(outcome, image_id=image_id, rendered=shown.rendering)
        return IndexingReport(
            IndexingOutcome.INDEXED,
            image_id=image_id,
            faces=count,
            embed_milliseconds=look.milliseconds,
            bib_milliseconds=look.bib_milliseconds,
            rendered=shown.rendering,
        )

    def _as_wanted_now(self, event: Event, look: Look, data: bytes) -> "_Shown":
        """The renditions as the event wants them after the photo was looked at, which took seconds.

        So all that another watermark can miss is the moment from here until the photo is recorded, for which
        `watermarking.SETTLED_SECONDS` has room.
        """
        shown, large = _Shown(event.rendering, look.renditions), look.renditions.large if look.renditions else None
        while (now := self._event_now(event.event_id)) is not None and now.rendering != shown.rendering:
            shown = _Shown(now.rendering, self.looker.render(data, self.stamps.of(now), lambda: large))
        return shown

    def _why_not_added(self, event: Event, image_id: UUID, upload: Upload, shown: "_Shown") -> IndexingOutcome:
        """Known by now, or deleted since this run began: then the deletion has not seen what this run has made."""
        photo = self.photos.get(event.event_id, event.shards, image_id)
        if photo is not None:  # by another run, which may have found the same file under another key
            self._note_place(event, photo, upload)
        if self.photos.tombstone(event.event_id, event.shards, image_id) is None:
            return IndexingOutcome.KNOWN
        self.pictures.unpublish(event.event_id, image_id)
        if self.photos.get(event.event_id, event.shards, image_id) is None:
            return IndexingOutcome.DELETED
        self._publish(event.event_id, image_id, shown)  # it was uploaded afresh at this very moment
        return IndexingOutcome.KNOWN

    def _note_place(self, event: Event, photo: Photo, upload: Upload) -> None:
        note_place(self.photos, self.pictures.etag, event, photo, Original(upload.key, upload.etag))

    def _publish(self, event_id: int, image_id: UUID, shown: "_Shown") -> None:
        if shown.renditions is not None:
            self.pictures.publish(event_id, image_id, shown.renditions, shown.rendering)

    def _failed(self, event: Event, image_id: UUID, upload: Upload, reason: str) -> IndexingReport:
        photo = Photo(image_id, "failed", upload.key, reason=reason, etag=upload.etag)
        is_new = self.photos.add(event.event_id, event.shards, photo, upload.at)
        return IndexingReport(IndexingOutcome.FAILED if is_new else IndexingOutcome.KNOWN, reason, image_id=image_id)


@dataclass(frozen=True)
class _Shown:
    """Renditions, and how they look."""

    rendering: str
    renditions: Renditions | None


def _ignored(reason: str, image_id: UUID | None = None) -> IndexingReport:
    return IndexingReport(IndexingOutcome.IGNORED, reason, image_id=image_id)


def _photo_of(event: Event, image_id: UUID, upload: Upload, look: Look) -> Photo:
    """The record of a photo that was looked at for every face set of its event."""
    built_model = next((each.model for each in event.face_sets if each.model != event.model), "")
    return Photo(
        image_id,
        "indexed",
        upload.key,
        width=look.width,
        height=look.height,
        model=event.model,
        faces=look.packed(event.model),
        built_model=built_model,
        built_faces=look.packed(built_model),
        taken_at=look.taken_at,
        etag=upload.etag,
        bibs=tuple(look.bibs),
        bib_model=look.bib_model,
        qualities=pack_qualities((max(face.box[2:]), face.sharpness) for face in look.faces.get(event.model, ())),
    )


def parse_notification(message: str) -> list[Upload]:
    """The objects that an S3 event notification announces; none for the test event of a new notification.

    Raises:
        ValueError: the message is something else.
    """
    try:
        body = json.loads(message)
        return [] if body.get("Event") == "s3:TestEvent" else [_upload(record) for record in body["Records"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("the message is no S3 event notification") from error


def _upload(record: dict[str, Any]) -> Upload:
    s3, at = record["s3"], record.get("eventTime")
    # AWS leaves the slashes of a key as they are, some stand-ins for S3 do not; either way it is URL-encoded.
    key = unquote_plus(s3["object"]["key"])
    return Upload(s3["bucket"]["name"], key, int(datetime.fromisoformat(at).timestamp() * 1_000_000) if at else 0)
