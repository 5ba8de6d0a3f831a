"""Upload a folder into an event: only what is not there yet, several files at once; wait until all is indexed."""

import base64
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from facesearch.models import Event
from facesearch.packing import FACE_BYTES
from facesearch.photos import Photo, original_key
from tools.cli.errors import CommandError
from tools.cli.pictures import Folder, Picture, read
from tools.cli.stack import UPLOADS_AT_ONCE, Stack
from tools.cli.terminal import SILENT, Watcher, held_interrupts

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

T = TypeVar("T")
ResultT = TypeVar("ResultT")
Records = dict[uuid.UUID, Photo]


@dataclass
class Report:
    """What became of a folder's pictures; each of them is either in `photos` or in `failed`.

    Attributes:
        uploaded: files sent by this run; one of several copies of a file is enough.
        photos: file name, image_id, and number of faces; None for one that is not indexed yet.
        failed: file name and reason.
        ignored: files that are no pictures.
        refused: files that the store did not take.
        stalled: waiting ended before everything was indexed.
    """

    uploaded: int = 0
    photos: list[tuple[str, uuid.UUID, int | None]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    ignored: int = 0
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
        """Pictures that cannot be read are part of life; a store that refuses one, or a stall, is not."""
        return not (self.refused or self.stalled)

    def to_json(self) -> dict[str, Any]:
        """The shape of `photos upload --json`."""
        return {
            "uploaded": self.uploaded,
            "indexed": self.indexed,
            "failed": [{"file": file, "reason": reason} for file, reason in self.failed],
            "photos": [{"file": f, "image_id": str(i), "faces": faces} for f, i, faces in self.photos],
        }


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

    def run(self, folder: Folder, *, wait_until_indexed: bool) -> Report:
        """Send what is neither recorded nor under way; say what became of every picture.

        Raises:
            CommandError: no picture in the folder.
        """
        if not folder.pictures and not folder.unreadable:
            raise CommandError(f"There are no pictures in {folder.root}.")
        report, reasons = Report(ignored=folder.ignored), {}
        pictures: list[Picture] = []
        for path, outcome in self._each("Reading", folder.pictures, self._read):
            if isinstance(outcome, Picture):
                pictures.append(outcome)
            else:
                reasons[path] = outcome
        records = self._records({picture.image_id for picture in pictures})
        new = {picture.image_id: picture for picture in pictures if picture.image_id not in records}
        unsent: dict[uuid.UUID, str] = {}
        under_way = self._under_way() if new else set()
        missing = [picture for image_id, picture in new.items() if image_id not in under_way]
        for picture, problem in self._each("Uploading", missing, self._send):
            if problem is None:
                report.uploaded += 1
            else:
                unsent[picture.image_id] = problem
        report.refused = sum(problem.startswith(NOT_UPLOADED) for problem in unsent.values())
        if wait_until_indexed:
            pending = [image_id for image_id in new if image_id not in unsent]
            records |= self._wait_for(pending)
            unsent |= {image_id: NOT_INDEXED for image_id in pending if image_id not in records}
            report.stalled = NOT_INDEXED in unsent.values()
        image_ids = {picture.path: picture.image_id for picture in pictures}
        report.failed += [(f"{folder.name_of(path)}/", reason) for path, reason in folder.unreadable]
        for path in folder.pictures:
            name, image_id = folder.name_of(path), image_ids.get(path)
            reason = reasons[path] if image_id is None else unsent.get(image_id)
            if reason is None and image_id is not None:
                reason = _add(report, name, image_id, records.get(image_id))
            if reason is not None:
                report.failed.append((name, reason))
        return report

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
        key = original_key(self.event.org_id, self.event.event_id, picture.image_id, _key_name(picture.path.name))
        try:
            with picture.path.open("rb") as file:
                self.stack.s3.put_object(
                    Bucket=self.stack.photos_bucket,
                    Key=key,
                    Body=file,
                    ContentType=picture.content_type,
                    # Refused by S3 if the file has changed since it was read: its image_id would be another.
                    ChecksumSHA256=base64.b64encode(picture.sha256).decode(),
                )
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"
        except (BotoCoreError, ClientError) as error:
            return f"{NOT_UPLOADED}: {error}"
        return None

    def _records(self, image_ids: Iterable[uuid.UUID]) -> Records:
        return self.stack.photos.get_many(self.event.event_id, self.event.shards, image_ids)

    def _under_way(self) -> set[uuid.UUID]:
        """Photos of the event that came into the bucket a moment ago, by one listing of its originals.

        None if the store gives no listing: to send a photo twice costs time and does no harm.
        """
        prefix = f"{self.event.org_id}/{self.event.event_id}/"
        pages = self.stack.s3.get_paginator("list_objects_v2").paginate(Bucket=self.stack.photos_bucket, Prefix=prefix)
        oldest = datetime.fromtimestamp(self.stack.clock() / 1e6 - self.under_way_seconds, UTC)
        found: set[uuid.UUID] = set()
        with suppress(BotoCoreError, ClientError):
            for page in pages:
                recent = (file["Key"] for file in page.get("Contents", []) if file["LastModified"] > oldest)
                found.update(image_id for key in recent if (image_id := _image_id_in(key.removeprefix(prefix))))
        return found

    def _wait_for(self, image_ids: list[uuid.UUID]) -> Records:
        """Records of those photos; what is missing at the end has not come for `stall_seconds`."""
        stage = self.watcher.stage("Indexing", len(image_ids))
        done: Records = {}
        pending, pause, last_progress = image_ids, POLL_SECONDS[0], self.clock()
        while pending:
            settled = self._records(pending[:WINDOW])
            if not settled and len(pending) > WINDOW:
                settled = self._records(pending[WINDOW:])
            if settled:
                done |= settled
                pending = [image_id for image_id in pending if image_id not in settled]
                pause, last_progress = POLL_SECONDS[0], self.clock()
                stage.advance(len(settled))
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
    """Enter a picture that was sent; the reason if its photo failed."""
    if photo is not None and photo.status == "failed":
        return photo.reason or "failed"
    report.photos.append((name, image_id, None if photo is None else len(photo.faces) // FACE_BYTES))
    return None


def _image_id_in(rest: str) -> uuid.UUID | None:
    """Of a key without its organisation and event; None if somebody else's tool has put the file there."""
    with suppress(ValueError):
        return uuid.UUID(rest.partition("/")[0])
    return None


def _key_name(name: str) -> str:
    """The file name as the last part of an S3 key: valid UTF-8 without what XML cannot carry."""
    text = name.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "_" for c in text)
