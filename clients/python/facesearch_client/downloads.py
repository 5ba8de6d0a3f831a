"""Originals on disk: the names that a server gives them, files that appear whole or not at all, and the report."""

import itertools
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from facesearch_client.models import OriginalPhotos

AT_ONCE = 4
"""Files that are fetched at the same time."""

CHUNK_BYTES = 2**18
"""256 KiB: what is held of each file at a time."""

LONGEST_NAME = 120
"""Bytes of a name in UTF-8: with a suffix it fits every usual file system (eCryptfs takes 143, most others 255)."""

Progress = Callable[[int, int], None]
"""Is told after each photo, in the caller's own thread: how many are over, well or not, and of how many."""

_FORBIDDEN = '<>:"|?*'  # on Windows; the colon even writes into another file's hidden stream
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789")}


@dataclass(frozen=True)
class DownloadFailure:
    """A photo that is not there: its `image_id` or the server's name for it, and why."""

    photo: str
    reason: str


@dataclass(frozen=True)
class DownloadReport:
    """What became of a download: the files in the server's order, and the photos without one."""

    files: list[Path]
    failed: list[DownloadFailure]


class DownloadTotals:
    """Counts what is over, and makes the report."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0
        self._total = 0
        self._outcomes: list[Path | DownloadFailure] = []

    def begin_page(self, page: OriginalPhotos) -> None:
        """Note how many there are in all, and which of this page the server has no link to."""
        self._total = max(page["total_images"], self._done)
        for missing in page["failed_urls"]:
            self._outcomes.append(DownloadFailure(missing["image_id"], missing["error"]))
            self.count()

    def count(self) -> None:
        """One more is over."""
        self._done += 1
        self._total = max(self._total, self._done)
        if self._progress is not None:
            self._progress(self._done, self._total)

    def end_page(self, outcomes: list[Path | DownloadFailure]) -> None:
        """Keep the outcomes of one page, in the server's order."""
        self._outcomes += outcomes

    def report(self) -> DownloadReport:
        """Everything so far."""
        files = [outcome for outcome in self._outcomes if isinstance(outcome, Path)]
        return DownloadReport(files, [outcome for outcome in self._outcomes if isinstance(outcome, DownloadFailure)])


class Part:
    """A file on its way into a folder, under a name that nobody looks for."""

    def __init__(self, path: Path, file: BinaryIO, folder: "Folder") -> None:
        self._path = path
        self._file = file
        self._folder = folder
        self.size = 0

    def restart(self) -> None:
        """Forget what was written: a retry begins at the beginning."""
        self._file.seek(0)
        self._file.truncate()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Add to the end."""
        self._file.write(chunk)
        self.size += len(chunk)

    def keep(self, filename: str) -> Path:
        """Give the whole file its name; where it ended up.

        Raises:
            OSError: of the file system.
        """
        self._file.close()
        target = self._folder.claim(safe_name(filename))
        try:
            self._path.replace(target)
        except OSError:
            target.unlink(missing_ok=True)
            raise
        return target


class Folder:
    """Where originals are put; nothing that is there already is ever touched. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            OSError: the folder is not there and cannot be made.
        """
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._next: dict[str, int] = {}

    @contextmanager
    def part(self) -> Iterator[Part]:
        """A new file to write to; unless it was kept, it is gone afterwards."""
        path = self._path / f".{uuid.uuid4().hex}.part"
        file = path.open("xb")
        try:
            yield Part(path, file, self)
        finally:
            with suppress(OSError):  # a full disk shows again when what is buffered is written
                file.close()
            path.unlink(missing_ok=True)

    def claim(self, name: str) -> Path:
        """Create an empty file of that name, or of the next one that is free: name.jpg, name-2.jpg, …

        The file system decides what is free: it knows of other programs, of links, and of names that only differ in
        case. Exclusive creation is one step, which a look beforehand would not be.
        """
        stem, suffix = _split(name)
        for number in itertools.count(self._next.get(name, 1)):
            target = self._path / (name if number == 1 else f"{stem}-{number}{suffix}")
            try:
                target.open("xb").close()
            except FileExistsError:
                continue
            self._next[name] = (
                number + 1
            )  # or a thousand photos of one name would look for a place half a million times
            return target
        raise AssertionError("counting has no end")


def safe_name(filename: str) -> str:
    """A name for a file in one folder out of whatever a server said; never empty.

    No separators, control or invisible characters, no leading dot or dash, nothing that Windows reads as something
    else, and at most LONGEST_NAME bytes; the last suffix is kept.
    """
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(character for character in last if unicodedata.category(character) not in _INVISIBLE)
    name = _EDGES.sub("", visible.translate(_UNDERSCORES))
    stem, suffix = _split(name)
    suffix = suffix if len(suffix.encode()) <= 16 else ""
    room = LONGEST_NAME - len(suffix.encode())
    stem = (stem if suffix else name).encode()[:room].decode(errors="ignore")
    stem = _EDGES.sub("", stem)
    if stem.split(".", 1)[0].strip().upper() in _DEVICES:
        stem = f"_{stem}"[:room]
    return f"{stem or 'photo'}{suffix}"


_EDGES = re.compile(r"^[\s.-]+|[\s.]+$")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UNDERSCORES = str.maketrans(dict.fromkeys(_FORBIDDEN, "_"))


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem else (name, "")
