"""The folder of a local stack: it is a stack's own or it is left alone, and nobody but the owner reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from facesearch_local import LocalStackError, running
from facesearch_local.state import NotOurFolderError, State


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def modes(folder: Path) -> set[tuple[bool, int]]:
    """Of folders and of files, as (is a folder, permission bits)."""
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize("names", [("photo.jpg",), ("logs/a", "tmp/b"), ("stack.json",), ("lock",)])
def test_given_a_folder_with_files_of_somebody_else_then_it_is_refused_and_left_whole(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    with pytest.raises(LocalStackError, match="not a local stack's"):
        running(state=tmp_path).__enter__()
    assert content(tmp_path) == dict.fromkeys(names, "mine")


def test_given_an_empty_folder_or_none_then_it_is_marked_and_taken_again(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "new" / "below"):
        for _ in range(2):
            with State(folder).claimed():
                (State(folder).scratch / "left").write_text("by a killed stack")
    State(tmp_path / "again").own()


def test_given_the_demo_s_folder_in_it_then_it_is_taken_and_the_demo_s_stays(tmp_path: Path) -> None:
    demo = State(tmp_path / "demo")
    demo.own()
    demo.description.write_text("the demo's")
    with State(tmp_path).claimed():
        assert demo.description.read_text() == "the demo's"


@pytest.mark.parametrize("below", ["file", "file/below"])
def test_given_no_folder_when_started_then_one_line_says_so(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotOurFolderError, match="cannot be used"):
        State(tmp_path / below).own()
    assert content(tmp_path) == {"file": "mine"}


def test_given_files_of_an_open_umask_when_claimed_again_then_they_are_the_owner_s_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    outside.chmod(0o644)
    folder = tmp_path / "state"
    with umask(0):
        State(folder).own()
        (folder / "ministack").mkdir()
        (folder / "ministack" / "tables").write_text("keys")
        (folder / "ministack" / "link").symlink_to(outside)
    with State(folder).claimed():
        assert (folder.stat().st_mode & 0o777, (folder / "ministack").stat().st_mode & 0o777) == (0o700, 0o700)
        assert (folder / "ministack" / "tables").stat().st_mode & 0o777 == 0o600
    assert outside.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("mask", [0, 0o077])
@pytest.mark.parametrize(("store", "persist"), [("moto", False), ("ministack", True)])
def test_what_a_stack_writes_is_its_owner_s_alone_whatever_the_umask(
    tmp_path: Path, store: str, persist: bool, mask: int
) -> None:
    template, state = tmp_path / "template.yaml", tmp_path / "state"
    template.write_text(
        "Resources:\n"
        "  Api: {Type: AWS::Serverless::Api, Properties: {StageName: live}}\n"
        "  PhotosBucket: {Type: AWS::S3::Bucket}\n"
    )
    with umask(mask), running(store=store, persist=persist, state=state, template=template) as stack:
        assert stack.logs("store").exists()
        assert modes(state) == {(True, 0o700), (False, 0o600)}
    assert modes(state) == {(True, 0o700), (False, 0o600)}, "and what the store has kept when it stopped"
    assert (state / "ministack").is_dir() == persist
