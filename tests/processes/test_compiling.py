"""The scan's loop in C: compiled where there is a compiler, for this machine and for Lambda's."""

import os
import platform
import sys
from pathlib import Path

import pytest

from facesearch.faces.index import native
from tools import native as compiling

HERE = (sys.platform, platform.machine().lower())


def test_it_is_compiled_once_and_again_when_its_source_changes(tmp_path: Path) -> None:
    if compiling.compiler(*HERE) is None:
        pytest.skip("there is no C compiler")
    assert compiling.build(tmp_path, *HERE) == ""
    (made,) = tmp_path.iterdir()
    assert made.name == native.library_name()
    inode = made.stat().st_ino
    assert compiling.build(tmp_path, *HERE) == ""
    assert made.stat().st_ino == inode
    os.utime(made, (0, 0))
    assert compiling.build(tmp_path, *HERE) == ""
    assert made.stat().st_ino != inode


def test_without_a_compiler_or_with_one_that_fails_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no C compiler" in compiling.build(tmp_path, *HERE)
    monkeypatch.setenv("CC", f"{sys.executable} -c 'raise SystemExit(3)'")
    assert "ended with 3" in compiling.build(tmp_path, *HERE)
    assert list(tmp_path.iterdir()) == []
