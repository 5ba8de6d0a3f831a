"""Which files of a folder are pictures, in which order, and under which identity."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from facesearch.records import image_id_of_bytes
from facesearch_cli.errors import CommandError
from facesearch_cli.pictures import (
    IS_NO_FILE,
    IS_NO_PICTURE,
    IS_OTHER_PICTURE,
    IS_RAW,
    IS_RAW_BESIDE,
    IS_VIDEO,
    RAW_SUFFIXES,
    read,
    scan,
)

JPEG = b"\xff\xd8\xff\xe0 picture"
PNG = b"\x89PNG\r\n\x1a\n picture"


def write(root: Path, *names: str, content: bytes = JPEG) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names(root: Path) -> list[str]:
    found = scan(root)
    return [found.names[path] for path in found.pictures]


def test_nested_folders_then_every_picture_in_order_and_hidden_ones_by_name(tmp_path: Path) -> None:
    write(tmp_path, "b.jpg", "a/z.JPG", "a/b/c.png", "a.jpg", "ä ö [x].jpeg")
    write(tmp_path, ".hidden.jpg", ".cache/x/a.jpg", ".cache/b.jpg", "b/.DS_Store")
    found = scan(tmp_path)
    assert names(tmp_path) == ["a/b/c.png", "a/z.JPG", "a.jpg", "b.jpg", "ä ö [x].jpeg"]
    assert found.left_out == []
    assert found.skipped == {".hidden.jpg": 1, ".cache": 2, ".DS_Store": 1}


LITTER = {
    "@eaDir/DSC_1.JPG/SYNOPHOTO_THUMB_XL.jpg": "@eaDir",
    "day 1/#recycle/deleted.jpg": "#recycle",
    "$recycle.bin/S-1-5/$R1.jpg": "$RECYCLE.BIN",
    ".@__thumb/s800DSC_1.JPG": ".@__thumb",
    "__MACOSX/day 1/._DSC_1.JPG": "__MACOSX",
    ".Trash-1000/files/a.jpg": ".Trash-*",
    "day 1/._DSC_1.JPG": "._*",
    "Thumbs.db": "Thumbs.db",
    "Race Previews.lrdata/0/1/a.lrprev": "*.lrdata",
    "CaptureOne/Cache/Thumbnails/DSC_1.JPG.cot": "*.cot",
    "[Originals]/DSC_1.JPG": "[Originals]",
    "MVI_2.THM": "*.THM",
    "MISC/THM/100/DJI_1.SCR": "*.SCR",
    "PRIVATE/M4ROOT/THMBNL/C0001T01.JPG": "THMBNL",
    "SYNOFILE_THUMB_M.jpg": "SYNOFILE_THUMB_*",
    ".trashed-1700000000-IMG_1.jpg": ".trashed-*",
    "#snapshot/GMT+1/DSC_1.JPG": "#snapshot",
    "Photos Library.photoslibrary/resources/derivatives/0/A_1_105_c.jpeg": "*.photoslibrary",
}


@pytest.mark.parametrize("case", [str, str.lower, str.upper])
@pytest.mark.parametrize(("path", "name"), LITTER.items())
def test_given_what_systems_leave_when_scanned_then_it_is_skipped_and_counted_by_its_name(
    tmp_path: Path, path: str, name: str, case: Callable[[str], str]
) -> None:
    write(tmp_path, "DSC_1.JPG", case(path))
    found = scan(tmp_path)
    assert [found.names[each] for each in found.pictures] == ["DSC_1.JPG"]
    assert (found.skipped, found.failed, found.left_out) == ({name: 1}, [], [])


@pytest.mark.parametrize(
    "path",
    [
        "Recycle Run 2026/a.jpg",
        "originals/a.jpg",
        "thm/a.jpg",
        "a.thm.jpg",
        "trash run/a.jpg",
        "snapshot/a.jpg",
        "@home/a.jpg",
        "Photos Library.photoslibrary/originals/0/A.jpeg",
    ],
)
def test_names_that_only_resemble_litter_when_scanned_then_their_pictures_are_taken(tmp_path: Path, path: str) -> None:
    write(tmp_path, path)
    assert names(tmp_path) == [path]


def test_given_a_recycle_bin_by_its_own_name_when_scanned_then_it_is_meant(tmp_path: Path) -> None:
    write(tmp_path, "#recycle/a.jpg", "#recycle/@eaDir/b.jpg", ".hidden.jpg", "MVI_2.THM")
    assert names(tmp_path / "#recycle") == ["a.jpg"]
    assert names(tmp_path / ".hidden.jpg") == [".hidden.jpg"]
    # But not a file that the indexer would skip.
    assert scan(tmp_path / "MVI_2.THM").skipped == {"*.THM": 1}


def test_other_files_when_scanned_then_content_or_name_makes_a_picture_and_the_rest_is_named(tmp_path: Path) -> None:
    write(tmp_path, "IMG_0001", content=JPEG)
    write(tmp_path, "misnamed.txt", content=PNG)
    write(tmp_path, "phone.HEIC", "sony.HIF", "scan.tif", "loop.gif", "empty.jpg", content=b"")
    write(tmp_path, "notes.txt", "film.mp4", "empty", "layers.PSD", content=b"text")
    found = scan(tmp_path)
    assert names(tmp_path) == [
        "IMG_0001", "empty.jpg", "loop.gif", "misnamed.txt", "phone.HEIC", "scan.tif", "sony.HIF",
    ]  # fmt: skip
    assert found.failed == [("layers.PSD", IS_OTHER_PICTURE)]
    assert found.left_out == [("empty", IS_NO_PICTURE), ("film.mp4", IS_VIDEO), ("notes.txt", IS_NO_PICTURE)]


@pytest.mark.parametrize("suffix", sorted(RAW_SUFFIXES))
def test_a_raw_file_then_it_failed_unless_a_picture_of_its_name_lies_beside_it(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, f"alone{suffix}", f"both{suffix.upper()}", f"other/both{suffix}", content=b"II*\0")
    write(tmp_path, "BOTH.JPG")
    found = scan(tmp_path)
    assert names(tmp_path) == ["BOTH.JPG"]
    assert found.left_out == [(f"both{suffix.upper()}", IS_RAW_BESIDE)]
    assert found.failed == [(f"alone{suffix}", IS_RAW), (f"other/both{suffix}", IS_RAW)]


def test_several_files_and_folders_when_scanned_then_each_once_by_the_name_it_was_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "day1/a.jpg", "day2/a.jpg", "b.jpg")
    day1, day2, single = tmp_path / "day1", tmp_path / "day2", tmp_path / "b.jpg"
    found = scan(day2, single, day1, day1 / "a.jpg")
    assert found.pictures == [day2 / "a.jpg", single, day1 / "a.jpg"]
    assert [found.names[path] for path in found.pictures] == [str(path) for path in found.pictures]


def test_given_links_in_circles_when_scanned_then_each_picture_once(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root, "a/one.jpg")
    write(outside, "two.jpg")
    (root / "a" / "up").symlink_to(root, target_is_directory=True)
    (root / "b").symlink_to(outside, target_is_directory=True)
    (root / "c").symlink_to(outside, target_is_directory=True)
    assert names(root) == ["a/one.jpg", "b/two.jpg"]


def test_links_that_lead_nowhere_are_not_missed_and_a_pipe_does_not_hang(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg")
    (tmp_path / "b.jpg").symlink_to("long" * 100)  # refused by the system, as a place is that must not be entered
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert names(tmp_path) == ["a.jpg", "b.jpg", "dead.jpg"]
    with pytest.raises(OSError, match="too long"):
        read(tmp_path / "b.jpg", 1, 100)
    assert scan(tmp_path).left_out == [("pipe.jpg", IS_NO_FILE)]


@pytest.mark.parametrize(("name", "message"), [("nothing", "no file or folder"), ("pipe", "neither a file nor")])
def test_given_neither_file_nor_folder_when_scanned_then_a_clear_error(tmp_path: Path, name: str, message: str) -> None:
    write(tmp_path, "file.jpg")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CommandError, match=message):
        scan(tmp_path / "file.jpg", tmp_path / name)


def test_given_a_picture_when_read_then_the_identity_that_the_indexer_gives_it(tmp_path: Path) -> None:
    content = PNG * 300_000
    write(tmp_path, "a", content=content)
    picture = read(tmp_path / "a", 456, len(content))
    assert picture.image_id == image_id_of_bytes(456, content)
    assert picture.sha256 == hashlib.sha256(content).digest()
    assert picture.content_type == "image/png"
    with pytest.raises(ValueError, match="at most"):
        read(tmp_path / "a", 456, len(content) - 1)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "day1/a.jpg", "day2/b.jpg")
    walk = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "day2":
            raise PermissionError(13, "Permission denied", path)
        return walk(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = scan(tmp_path)
    assert [path.name for path in found.pictures] == ["a.jpg"]
    assert found.failed == [("day2/", "cannot be read: Permission denied")]
