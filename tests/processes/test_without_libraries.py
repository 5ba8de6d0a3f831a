"""OpenCV without the libraries that it is linked with and nobody here calls."""

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.without_libraries import Elf, main

UNUSED = ("libavcodec", "libavformat", "libavif", "libavutil", "libswscale")
"""As in layers/engine/Makefile."""
WORKS = """
import sys; sys.path.insert(0, sys.argv[1])
import cv2, numpy
assert cv2.__file__.startswith(sys.argv[1])
print(cv2.resize(numpy.full((4, 4, 3), 7, numpy.uint8), (2, 2)).sum(), cv2.SVDecomp(numpy.eye(3))[0].sum())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the layers are built of Linux' libraries")
def test_it_works_without_them_and_keeps_all_but_its_lists(tmp_path: Path) -> None:
    package = Path(cv2.__file__).parent
    (libraries,) = package.parent.glob("opencv_python_headless.libs")
    for folder in (package, libraries):
        shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("*.xml", "__pycache__"))
    (library,) = (tmp_path / "cv2").glob("*.so")
    before = np.fromfile(library, np.uint8)
    main(library, tmp_path / libraries.name, *UNUSED)

    after = np.fromfile(library, np.uint8)
    assert len(after) == len(before)
    assert np.count_nonzero(before != after) < 2_000
    left = {file.name for file in (tmp_path / libraries.name).iterdir()}
    assert not {name for name in left if name.startswith((*UNUSED, "libaom", "libvpx", "libcrypto"))}
    for file in (library, *(tmp_path / libraries.name).iterdir()):
        needed = {name for name in Elf(file).needed() if (libraries / name).exists()}
        assert needed <= left
    done = subprocess.run([sys.executable, "-c", WORKS, tmp_path], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["84", "3.0"], "")


def test_what_is_no_such_library_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_bytes(b"text" * 20)
    with pytest.raises(ValueError, match=r"text\.so"):
        Elf(tmp_path / "text.so")
