"""Upload pictures into an event: only what is not there yet, several files at once; wait until all is indexed."""

import base64
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from facesearch.errors import StoreUnavailable
from facesearch.faces.packing import FACE_BYTES
from facesearch.models import Event
from facesearch.photos.litter import litter_in
from facesearch.photos.places import GONE, find_moved
from facesearch.records import Photo, original_key, original_prefix
from facesearch_cli.errors import CommandError
from facesearch_cli.pictures import Found, Picture, read
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import SILENT, Watcher, held_interrupts

UPLOADS_AT_ONCE = 8
STALL_SECONDS = 120.0
"""Without one more photo indexed for so long, waiting ends. A cold start and a full batch take about 30 s."""

POLL_SECONDS = (0.25, 4.0)
"""First and longest pause between two looks; it doubles while nothing changes."""

WINDOW = 1_000
"""Photos looked up at a time, in the order of their upload, which is about the order of their indexing."""

UNDER_WAY_SECONDS = 900.0
"""A file that came into S3 within this is taken to be on its way to the indexer, which tries again after 720 s. An
older one without a record may have lost its notification, and is sent again."""

NOT_INDEXED = "not indexed yet"
NOT_UPLOADED = "not uploaded"
LOST_FACES = (
    "its faces were lost when the event was re-indexed without its original; facesearch reindex finds them again"
)
BEING_DELETED = f"{NOT_UPLOADED}: it is being deleted, or its deletion was interrupted; finish that first"

T = TypeVar("T")
ResultT = TypeVar("ResultT")
Records = dict[uuid.UUID, Photo]


@dataclass
class Report:
    """What became of the files; each picture is either in `photos` or in `failed`.

    Attributes:
        keeps_faces: whether faces of the event are kept today; if not, nobody is found on what was uploaded.
        uploaded: files sent by this run; one of several copies of a file is enough.
        photos: file name, image_id, and number of faces; None for one that is not indexed yet.
        failed: file name and reason.
        left_out: the same of files that are no pictures.
        skipped: how many files were not looked at, by the name that says why.
        refused: files that the store did not take.
        stalled: waiting ended before everything was indexed.
    """

    keeps_faces: bool = True
    uploaded: int = 0
    photos: list[tuple[str, uuid.UUID, int | None]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    skipped: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    stalled: bool = False

    @property
    def indexed(self) -> int:
        """Pictures that can be found by a search."""
        return sum(faces is not None for _, _, faces in self.photos)

    @property
    def faces(self) -> int:
        """Faces in distinct photos."""
        return sum({image_id: faces or 0 for _, image_id, faces in self.photos}.values())

    @property
    def succeeded(self) -> bool:
        """There were pictures, and none failed."""
        return bool(self.photos) and not self.failed

    def to_json(self) -> dict[str, Any]:
        """The shape of `photos upload --json`."""
        return {
            "uploaded": self.uploaded,
            "indexed": self.indexed,
            "failed": _named(self.failed),
            "left_out": _named(self.left_out),
            "skipped": dict(self.skipped),
            "keeps_faces": self.keeps_faces,
            "photos": [{"file": f, "image_id": str(i), "faces": faces} for f, i, faces in self.photos],
        }


@dataclass(frozen=True)
class _Originals:
    """What the bucket has of the event.

    Attributes:
        etags: by key.
        arrived: of photos that our own tool has sent a moment ago: when the last file came, in microseconds since the
            epoch.
    """

    etags: dict[str, str]
    arrived: dict[uuid.UUID, int]


@dataclass
class Uploader:
    """Uploads into one event.

    Attributes:
        most_bytes: what the indexer takes.
        watcher: follows the progress.
    """

    stack: Stack
    event: Event
    most_bytes: int
    watcher: Watcher = SILENT
    stall_seconds: float = STALL_SECONDS
    under_way_seconds: float = UNDER_WAY_SECONDS
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(self, found: Found, *, wait_until_indexed: bool) -> Report:
        """Send what is neither recorded nor under way, and what is recorded but lost; say what became of every picture.

        Raises:
            CommandError: there is nothing at all.
        """
        if found.is_empty:
            raise CommandError("There are no pictures.")
        report = Report(keeps_faces=self.event.keeps_faces, left_out=found.left_out, skipped=found.skipped)
        reasons: dict[Path, str] = {}
        pictures: dict[Path, Picture] = {}
        for path, outcome in self._each("Reading", found.pictures, self._read):
            if isinstance(outcome, Picture):
                pictures[path] = outcome
            else:
                reasons[path] = outcome
        distinct = {picture.image_id: picture for picture in pictures.values()}
        records = self._records(distinct)
        missing, unsent = self._missing(distinct, records)
        sent: dict[uuid.UUID, str] = {}
        for picture, problem in self._each("Uploading", missing, self._send):
            if problem is None:
                sent[picture.image_id] = self._key(picture)
            else:
                unsent[picture.image_id] = problem
        report.uploaded, report.refused = len(sent), sum(each.startswith(NOT_UPLOADED) for each in unsent.values())
        if wait_until_indexed:
            pending = [each for each in distinct if each not in unsent and (each not in records or each in sent)]
            records |= self._wait_for(pending, sent)
            unsent |= {image_id: NOT_INDEXED for image_id in pending if image_id not in records}
            report.stalled = NOT_INDEXED in unsent.values()
        report.failed += found.failed
        for path in found.pictures:
            name, picture_of = found.names[path], pictures.get(path)
            reason = reasons[path] if picture_of is None else unsent.get(picture_of.image_id)
            if reason is None and picture_of is not None:
                reason = _add(report, name, picture_of.image_id, records.get(picture_of.image_id))
            if reason is not None:
                report.failed.append((name, reason))
        return report

    def _missing(
        self, distinct: Mapping[uuid.UUID, Picture], records: Records
    ) -> tuple[list[Picture], dict[uuid.UUID, str]]:
        """Pictures that have to be sent, and those that must not be, with the reason."""
        originals, event = self._originals(), self.event
        new = [image_id for image_id in distinct if image_id not in records]
        tombstones = self.stack.container.photos.tombstones(event.event_id, event.shards, new)
        unsent = {image_id: BEING_DELETED for image_id, tombstone in tombstones.items() if not tombstone.finished}

        def is_under_way(image_id: uuid.UUID) -> bool:
            # What came before the deletion was over is the deleted file, of which nothing will come any more.
            after = tombstones[image_id].deleted_at if image_id in tombstones else 0
            return originals is not None and originals.arrived.get(image_id, 0) > after

        wanted = {image_id for image_id in new if image_id not in unsent and not is_under_way(image_id)}
        if originals is not None:
            indexed = [photo for photo in records.values() if photo.status == "indexed"]
            lost = find_moved(self.stack.container.photos, event, indexed, originals.etags)
            wanted |= {photo.image_id for photo in lost if originals.arrived.get(photo.image_id) is None}
        return [picture for image_id, picture in distinct.items() if image_id in wanted], unsent

    def _each(self, stage_name: str, inputs: Sequence[T], work: Callable[[T], ResultT]) -> Iterator[tuple[T, ResultT]]:
        """Run `work` on every input, several at once; results in the order of the inputs."""
        stage = self.watcher.stage(stage_name, len(inputs))
        finished: SimpleQueue[Future[ResultT]] = SimpleQueue()
        pool = ThreadPoolExecutor(UPLOADS_AT_ONCE)
        with held_interrupts() as check:
            try:
                futures = []
                for value in inputs:
                    check()
                    futures.append(pool.submit(work, value))
                    futures[-1].add_done_callback(finished.put)
                for _ in futures:
                    _await_one(finished, check)
                    stage.advance(1)
            finally:
                pool.shutdown(cancel_futures=True)  # after Ctrl-C: what is on its way ends, the rest never starts
        yield from zip(inputs, (future.result() for future in futures), strict=True)

    def _read(self, path: Path) -> Picture | str:
        try:
            return read(path, self.event.event_id, self.most_bytes)
        except ValueError as error:
            return str(error)
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"

    def _send(self, picture: Picture) -> str | None:
        try:
            with picture.path.open("rb") as file:
                self.stack.container.s3.put_object(
                    Bucket=self.stack.settings.photos_bucket,
                    Key=self._key(picture),
                    Body=file,
                    ContentType=picture.content_type,
                    # Refused by S3 if the file has changed since it was read: its image_id would be another.
                    ChecksumSHA256=base64.b64encode(picture.sha256).decode(),
                )
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"
        except (StoreUnavailable, ClientError) as error:
            return f"{NOT_UPLOADED}: {error}"
        return None

    def _key(self, picture: Picture) -> str:
        return original_key(self.event.org_id, self.event.event_id, picture.image_id, _key_name(picture.path))

    def _records(self, image_ids: Iterable[uuid.UUID]) -> Records:
        return self.stack.container.photos.get_many(self.event.event_id, self.event.shards, image_ids)

    def _originals(self) -> _Originals | None:
        """By one listing; None if the store gives none: to send a photo twice costs time and does no harm."""
        prefix = original_prefix(self.event.org_id, self.event.event_id)
        pages = self.stack.container.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.stack.settings.photos_bucket, Prefix=prefix
        )
        oldest = datetime.fromtimestamp(self.stack.container.clock() / 1e6 - self.under_way_seconds, UTC)
        originals = _Originals({}, {})
        try:
            for file in (file for page in pages for file in page.get("Contents", [])):
                originals.etags[file["Key"]] = file["ETag"]
                image_id = _image_id_in(file["Key"].removeprefix(prefix))
                if image_id is not None and file["LastModified"] > oldest:
                    arrived = int(file["LastModified"].timestamp() * 1e6)
                    originals.arrived[image_id] = max(arrived, originals.arrived.get(image_id, 0))
        except (StoreUnavailable, ClientError):
            return None
        return originals

    def _wait_for(self, image_ids: list[uuid.UUID], sent: Mapping[uuid.UUID, str]) -> Records:
        """Records of those photos, once they lead to the key of what was `sent`; what is missing at the end has not
        come for `stall_seconds`."""
        stage = self.watcher.stage("Indexing", len(image_ids))
        done: Records = {}
        pending, pause, last_progress = image_ids, POLL_SECONDS[0], self.clock()

        def settled(some: list[uuid.UUID]) -> Records:
            records = self._records(some)
            return {each: photo for each, photo in records.items() if _leads_to(photo, sent.get(each))}

        while pending:
            new = settled(pending[:WINDOW])
            if not new and len(pending) > WINDOW:
                new = settled(pending[WINDOW:])
            if new:
                done |= new
                pending = [image_id for image_id in pending if image_id not in new]
                pause, last_progress = POLL_SECONDS[0], self.clock()
                stage.advance(len(new))
            elif self.clock() - last_progress >= self.stall_seconds:
                break
            if pending:
                self.sleep(pause)
                pause = min(2 * pause, POLL_SECONDS[1])
        return done


def _await_one(finished: "SimpleQueue[Any]", check: Callable[[], None]) -> None:
    while True:
        check()
        with suppress(Empty):
            finished.get(timeout=0.1)
            return


def _add(report: Report, name: str, image_id: uuid.UUID, photo: Photo | None) -> str | None:
    """Enter a picture that was sent; the reason if its photo failed, or is found by nobody any more."""
    if photo is not None and photo.status == "failed":
        return photo.reason or "failed"
    if photo is not None and photo.reason and not photo.faces:
        return LOST_FACES if photo.reason == GONE else photo.reason
    report.photos.append((name, image_id, None if photo is None else len(photo.faces) // FACE_BYTES))
    return None


def _leads_to(photo: Photo, key: str | None) -> bool:
    return key is None or any(place.key == key for place in photo.originals)


def _named(files: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"file": file, "reason": reason} for file, reason in files]


def _image_id_in(rest: str) -> uuid.UUID | None:
    """Of a key without its organisation and event; None if somebody else's tool has put the file there."""
    with suppress(ValueError):
        return uuid.UUID(rest.partition("/")[0])
    return None


def _key_name(path: Path) -> str:
    """Folder and file name as the end of an S3 key: valid UTF-8 without what XML cannot carry.

    The folder tells files of one name apart. Not one that the indexer skips: it was asked for by its own name.
    """
    folder = path.parent.resolve().name
    name = path.name if litter_in([folder, path.name]) else f"{folder}/{path.name}"
    text = name.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "_" for c in text)
