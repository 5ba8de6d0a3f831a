"""The pictures among files and folders: found by content or name, identified by content; and what is no picture."""

import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from facesearch.photos.litter import litter_in
from facesearch.records import image_id_of
from facesearch_cli.errors import CommandError
from facesearch_client import image_type_of

PICTURE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .heic .heif .hif .avif .gif .tif .tiff .bmp".split()  # noqa: SIM905 - to be read
)
"""Names of pictures. Those the indexer cannot read are sent all the same: then their record says why they failed."""

RAW_SUFFIXES = frozenset(
    ".3fr .ari .arw .bay .cap .cr2 .cr3 .crw .dcr .dcs .dng .drf .eip .erf .fff .gpr .iiq .k25 .kdc .mdc .mef .mos .mrw"  # noqa: SIM905
    " .nef .nrw .orf .ori .pef .ptx .pxn .raf .raw .rw2 .rwl .rwz .sr2 .srf .srw .x3f".split()
)
"""What cameras write beside their JPEGs or instead of them; of 10 to 100 MB, so they are not sent to be refused."""

OTHER_PICTURES = frozenset(".jxl .jp2 .j2k .jpf .jpx .psd .psb .tga .exr .xcf".split())  # noqa: SIM905

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .mts .m2ts .mpg .mpeg .mxf .3gp .3g2 .wmv .flv .insv .lrv .braw .r3d .crm .vob .ogv"  # noqa: SIM905
    " .asf .m2v .mod .tod".split()
)

IS_RAW = "a camera's RAW file: save it as JPEG and upload that"
IS_RAW_BESIDE = "a camera's RAW file; the picture of the same name beside it is uploaded instead"
IS_OTHER_PICTURE = "a kind of picture that cannot be read: save it as JPEG and upload that"
IS_VIDEO = "a video"
IS_NO_PICTURE = "not a picture"
IS_NO_FILE = "a device, a pipe or a socket, not a file"

_HEAD_BYTES = 16


@dataclass
class Found:
    """What was found; each file is in one of these.

    Attributes:
        pictures: paths, in the order of what was asked for, then by their position in its folder.
        failed: names of what should be a photo and cannot be one, and why; folders that cannot be read are such.
        left_out: names of other files, and why.
        skipped: how many files were skipped by the name of a folder or their own: see `litter`, and hidden ones.
        names: what the pictures are called in reports.
    """

    pictures: list[Path] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    names: dict[Path, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """There was nothing at all."""
        return not (self.pictures or self.failed or self.left_out or self.skipped)


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


def scan(*roots: Path) -> Found:
    """Every picture among these files and under these folders. Links are followed, each folder once.

    Of a single folder the names of files begin below it, of several with what was asked for. What was asked for by its
    own name is looked at even if it is hidden or in a recycle bin.

    Raises:
        CommandError: one of them is not there, or neither a file nor a folder.
    """
    found, seen = Found(), set[str]()
    for root in roots:
        if not (root.is_file() or root.is_dir()):
            raise CommandError(
                f"{root} is neither a file nor a folder." if root.exists() else f"There is no file or folder {root}."
            )

        def name_of(path: Path, root: Path = root) -> str:
            if len(roots) > 1:
                return path.as_posix()
            return path.name if path == root else path.relative_to(root).as_posix()

        if root.is_dir():
            files = sorted(_files(root, name_of, found), key=lambda path: path.parts)
        else:
            files = [] if _skip(Path(root.name), found, hidden=False) else [root]
        each = {os.path.abspath(path): path for path in files}  # noqa: PTH100 - links stay what they are called
        _sort([path for place, path in each.items() if place not in seen], name_of, found)
        seen |= each.keys()
    return found


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


def _files(root: Path, name_of: Callable[[Path], str], found: Found) -> Iterator[Path]:
    """Files below the folder that are not skipped. Links that lead nowhere are such: their names may promise a picture
    that is missed otherwise."""
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        path = Path(error.filename)
        if not _skip(path.relative_to(root), found):
            found.failed.append((f"{name_of(path)}/", f"cannot be read: {error.strerror or error}"))

    for place, folders, files in os.walk(root, onerror=note, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:  # a link to a folder that was walked already, or above this one
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        for name in files:
            path = Path(place, name)
            if not _skip(path.relative_to(root), found):
                yield path


def _skip(path: Path, found: Found, *, hidden: bool = True) -> bool:
    """Whether nobody means this file, or means it to be `hidden`; then it is counted by the name that says so."""
    name = litter_in(path.parts)
    if name is None and hidden:
        name = next((part for part in path.parts if part.startswith(".")), None)
    if name is not None:
        found.skipped[name] += 1
    return name is not None


def _sort(files: Iterable[Path], name_of: Callable[[Path], str], found: Found) -> None:
    """Put each file where it belongs."""
    raw: list[Path] = []
    taken: set[tuple[Path, str]] = set()
    for path in files:
        suffix = path.suffix.lower()
        if _is_no_file(path):
            found.left_out.append((name_of(path), IS_NO_FILE))
        elif suffix in PICTURE_SUFFIXES or _looks_like_picture(path):
            found.pictures.append(path)
            found.names[path] = name_of(path)
            taken.add((path.parent, path.stem.lower()))
        elif suffix in RAW_SUFFIXES:
            raw.append(path)
        elif suffix in OTHER_PICTURES:
            found.failed.append((name_of(path), IS_OTHER_PICTURE))
        else:
            found.left_out.append((name_of(path), IS_VIDEO if suffix in VIDEO_SUFFIXES else IS_NO_PICTURE))
    for path in raw:
        if (path.parent, path.stem.lower()) in taken:
            found.left_out.append((name_of(path), IS_RAW_BESIDE))
        else:
            found.failed.append((name_of(path), IS_RAW))


def _is_no_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_file()
    except OSError:  # who reads it will say why it cannot be read
        return False


def _looks_like_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return image_type_of(file.read(_HEAD_BYTES)) is not None
    except OSError:
        return False
