"""The pictures of a folder: found by content or name, identified by content."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facesearch.client import image_type_of
from facesearch.photos import image_id_of
from tools.cli.errors import CommandError

PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".tif", ".tiff", ".bmp")
)
"""Names of pictures. Those the indexer cannot read are sent all the same: then their record says why they failed."""

_HEAD_BYTES = 16


@dataclass(frozen=True)
class Folder:
    """What a folder holds.

    Attributes:
        pictures: paths, sorted by their position in the folder.
        ignored: how many other files there are.
        unreadable: folders whose content nobody knows, and why.
    """

    root: Path
    pictures: list[Path]
    ignored: int
    unreadable: list[tuple[Path, str]]

    def name_of(self, path: Path) -> str:
        """The path from the folder on, with forward slashes."""
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True)
class Picture:
    """A picture that can be sent.

    Attributes:
        sha256: of the content, 32 bytes.
    """

    path: Path
    image_id: uuid.UUID
    sha256: bytes
    content_type: str


def scan(root: Path) -> Folder:
    """Every picture under the folder. Hidden files are skipped, links followed, each folder once.

    Raises:
        CommandError: no such folder, or not one.
    """
    if not root.is_dir():
        raise CommandError(f"{root} is not a folder." if root.exists() else f"There is no folder {root}.")
    pictures, ignored = [], 0
    unreadable: list[tuple[Path, str]] = []
    for path in _files(root, unreadable):
        if path.suffix.lower() in PICTURE_SUFFIXES or _looks_like_picture(path):
            pictures.append(path)
        else:
            ignored += 1
    return Folder(root, sorted(pictures, key=lambda path: path.relative_to(root).parts), ignored, unreadable)


def read(path: Path, event_id: int, most_bytes: int) -> Picture:
    """Identify a picture without holding it in memory.

    Raises:
        ValueError: it is larger than the indexer takes.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > most_bytes:
        raise ValueError(f"{size / 1e6:.1f} MB: a photo may have at most {most_bytes / 1e6:g} MB")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").digest()
    content_type = image_type_of(head) or "application/octet-stream"
    return Picture(path, image_id_of(event_id, sha256), sha256, content_type)


def _files(root: Path, unreadable: list[tuple[Path, str]]) -> Iterator[Path]:
    """Regular files, and links that lead nowhere: their names may promise a picture that is missed otherwise."""
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename), f"cannot be read: {error.strerror or error}"))

    for place, folders, files in os.walk(root, onerror=note, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:  # a link to a folder that was walked already, or above this one
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and (path.is_file() or not path.exists()):
                yield path


def _looks_like_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return image_type_of(file.read(_HEAD_BYTES)) is not None
    except OSError:
        return False
