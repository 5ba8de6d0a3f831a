"""Whom a photo shows, and of which group, by where it lies."""

from pathlib import Path

import pytest

from facesearch_cli.errors import CommandError
from tools.bench.dataset import Label, labels_of, read_dataset

NOBODY = Label(None, None, None)


def labels(*files: str) -> list[Label]:
    return labels_of([file.split("/") for file in files])


def test_a_folder_of_folders_is_of_groups_and_one_folder_in_two_of_them_is_two_people() -> None:
    found = labels("child/1/a.jpg", "adult/1/b.jpg", "adult/2/more/c.jpg", "adult/stray.jpg", "stray.jpg")
    assert found == [
        Label("child", "child/1", "1"),
        Label("adult", "adult/1", "1"),
        Label("adult", "adult/2", "2"),
        NOBODY,
        NOBODY,
    ]


def test_a_dataset_is_read_from_a_folder(tmp_path: Path) -> None:
    for name in ("b/2/1.jpg", "a/1/1.jpg", "a/1/2.jpg", "note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    dataset = read_dataset(tmp_path)
    assert dataset.groups == ["a", "b"]
    assert dataset.people == ["a/1", "a/1", "b/2"]
    assert dataset.folders == ["1", "1", "2"]
    assert [path.relative_to(tmp_path).as_posix() for path in dataset.paths] == ["a/1/1.jpg", "a/1/2.jpg", "b/2/1.jpg"]


def test_photos_without_folders_are_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    with pytest.raises(CommandError, match="one folder of photos per person"):
        read_dataset(tmp_path)
