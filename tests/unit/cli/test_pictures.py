"""Which files of a folder are pictures, in which order, and under which identity."""

import hashlib
import os
from pathlib import Path

import pytest

from facesearch.photos import image_id_of_bytes
from tools.cli.errors import CommandError
from tools.cli.pictures import read, scan

JPEG = b"\xff\xd8\xff\xe0 picture"
PNG = b"\x89PNG\r\n\x1a\n picture"


def write(root: Path, *names: str, content: bytes = JPEG) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names(root: Path) -> list[str]:
    folder = scan(root)
    return [folder.name_of(path) for path in folder.pictures]


def test_given_nested_folders_when_scanned_then_every_picture_in_order(tmp_path: Path) -> None:
    write(tmp_path, "b.jpg", "a/z.JPG", "a/b/c.png", "a.jpg", "ä ö [x].jpeg")
    assert names(tmp_path) == ["a/b/c.png", "a/z.JPG", "a.jpg", "b.jpg", "ä ö [x].jpeg"]


def test_given_hidden_files_and_folders_when_scanned_then_they_do_not_exist(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "._a.jpg", ".thumbnails/a.jpg", "b/.DS_Store")
    folder = scan(tmp_path)
    assert (names(tmp_path), folder.ignored) == (["a.jpg"], 0)


def test_given_other_files_when_scanned_then_content_or_name_makes_a_picture_and_the_rest_is_counted(
    tmp_path: Path,
) -> None:
    write(tmp_path, "IMG_0001", content=JPEG)
    write(tmp_path, "misnamed.txt", content=PNG)
    write(tmp_path, "phone.HEIC", "scan.tif", "loop.gif", "empty.jpg", content=b"")
    write(tmp_path, "notes.txt", "film.mp4", "empty", content=b"text")
    folder = scan(tmp_path)
    assert names(tmp_path) == ["IMG_0001", "empty.jpg", "loop.gif", "misnamed.txt", "phone.HEIC", "scan.tif"]
    assert folder.ignored == 3


def test_given_links_in_circles_when_scanned_then_each_picture_once(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root, "a/one.jpg")
    write(outside, "two.jpg")
    (root / "a" / "up").symlink_to(root, target_is_directory=True)
    (root / "b").symlink_to(outside, target_is_directory=True)
    (root / "c").symlink_to(outside, target_is_directory=True)
    assert names(root) == ["a/one.jpg", "b/two.jpg"]


def test_given_a_pipe_and_a_dead_link_when_scanned_then_no_hang_and_the_link_is_not_missed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert names(tmp_path) == ["dead.jpg"]


@pytest.mark.parametrize(("name", "message"), [("nothing", "no folder"), ("file.jpg", "not a folder")])
def test_given_no_folder_when_scanned_then_a_clear_error(tmp_path: Path, name: str, message: str) -> None:
    write(tmp_path, "file.jpg")
    with pytest.raises(CommandError, match=message):
        scan(tmp_path / name)


def test_given_a_picture_when_read_then_the_identity_that_the_indexer_gives_it(tmp_path: Path) -> None:
    content = PNG * 300_000
    write(tmp_path, "a", content=content)
    picture = read(tmp_path / "a", 456, len(content))
    assert picture.image_id == image_id_of_bytes(456, content)
    assert picture.sha256 == hashlib.sha256(content).digest()
    assert picture.content_type == "image/png"


def test_given_more_bytes_than_the_indexer_takes_when_read_then_value_error(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", content=JPEG)
    with pytest.raises(ValueError, match="at most"):
        read(tmp_path / "a.jpg", 456, len(JPEG) - 1)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "day1").mkdir()
    (tmp_path / "day1" / "a.jpg").write_bytes(b"a")
    (tmp_path / "day2").mkdir()
    walk = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "day2":
            raise PermissionError(13, "Permission denied", path)
        return walk(path)

    monkeypatch.setattr(os, "scandir", scandir)
    folder = scan(tmp_path)
    assert [path.name for path in folder.pictures] == ["a.jpg"]
    assert folder.unreadable == [(tmp_path / "day2", "cannot be read: Permission denied")]
