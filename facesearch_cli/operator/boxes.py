"""Face boxes that were found before: files of this machine, for looking at a photo takes a second.

A file holds numbers alone, and is named by the photo and the model. It goes when `MOST_FILES` others are newer.
"""

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import BoundedSemaphore

from facesearch.errors import Busy
from facesearch.photos.boxes import FaceBox
from facesearch.records import Photo
from facesearch_cli.stack import MODELS

FOLDER = MODELS.parents[1] / "boxes"
MOST_FILES = 1_000
WAITING = 4
"""Photos that may be looked at or wait for it; one is looked at at a time."""
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,60}")


@dataclass(frozen=True)
class KeptBoxes:
    """Finds boxes by `find`, and keeps them in `folder`."""

    folder: Path
    _waiting: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(WAITING), repr=False)

    def of(self, photo: Photo, model: str, find: Callable[[Photo, str], list[FaceBox]]) -> list[FaceBox]:
        """The boxes, as they were found before or are found now; raises what `find` raises, and `Busy`."""
        path = self._path(photo, model)
        with suppress(OSError, ValueError, TypeError):
            return [FaceBox(**box) for box in json.loads(path.read_bytes())]
        if not self._waiting.acquire(blocking=False):
            raise Busy("Other photos are being looked at. Try again in a few seconds.")
        try:
            boxes = find(photo, model)
        finally:
            self._waiting.release()
        with suppress(OSError):  # a disk that is full, or not ours
            self._keep(path, boxes)
        return boxes

    def _path(self, photo: Photo, model: str) -> Path:
        if not _MODEL.fullmatch(model):
            raise ValueError("no model's name")
        return self.folder / f"{photo.image_id}.{model}.json"

    def _keep(self, path: Path, boxes: list[FaceBox]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            json.dump([asdict(box) for box in boxes], file)
        partial.replace(path)
        files = sorted(self.folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
        for old in files[MOST_FILES:]:
            old.unlink(missing_ok=True)
