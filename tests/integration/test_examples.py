"""The examples of the documents, run as they stand against the running stack."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT
from tests.integration.conftest import Site

CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(CODE.findall((ROOT / "docs" / "integrating" / "examples.md").read_text()))
README = dict(CODE.findall((ROOT / "README.md").read_text()))


def run(command: list[str], site: Site, selfie: Path, folder: Path, **more: str) -> str:
    environment = os.environ | {
        "URL": site.stack.url,
        "ORG": str(site.org_id),
        "EVENT": str(site.event_id),
        "API_KEY": site.api_key,
        "SELFIE": str(selfie),
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def selfie(samples: Path) -> Path:
    return samples / "obama2.jpg"


def dependencies_of(distribution: metadata.Distribution) -> Iterator[metadata.Distribution]:
    for requirement in map(Requirement, distribution.requires or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed = metadata.distribution(requirement.name)
            yield needed
            yield from dependencies_of(needed)


@pytest.fixture
def client_alone(tmp_path: Path) -> Path:
    """A folder of packages: the client as pip installs it, and of what is installed here only what it depends on."""
    source, packages = tmp_path / "source", tmp_path / "packages"
    shutil.copytree(ROOT / "clients" / "python", source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    pip = [sys.executable, "-I", "-m", "pip", "install", "-qq", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(packages), str(source)], check=True)
    (client,) = metadata.distributions(path=[str(packages)])
    for needed in dependencies_of(client):
        for top in {file.parts[0] for file in needed.files or []} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(str(needed.locate_file(top)))
    return packages


def test_the_shell_example(site: Site, selfie: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    said = run(["sh", "-eu", "-c", EXAMPLES["sh"]], site, selfie, tmp_path)
    posted, read, originals = map(json.loads, said.splitlines())
    assert posted["data"]["pagination"]["total"] == 5
    assert read["data"]["images"] == posted["data"]["images"]
    assert originals["data"]["successful_count"] == 5


def test_the_python_example(site: Site, selfie: Path, tmp_path: Path, client_alone: Path) -> None:
    only = f"import sys; sys.path.append({str(client_alone)!r})\n"
    said = run([sys.executable, "-I", "-S", "-W", "error", "-c", only + EXAMPLES["python"]], site, selfie, tmp_path)
    assert said.startswith("5 photos, request_id ")
    assert said.count("/large/") == 5
    assert said.endswith("5 originals in ./originals\n")
    assert selfie.read_bytes() in [path.read_bytes() for path in (tmp_path / "originals").iterdir()]


def test_the_readmes_python_example(site: Site, selfie: Path, tmp_path: Path) -> None:
    said = run([sys.executable, "-W", "error", "-c", README["python"]], site, selfie, tmp_path)
    assert said.count("/large/") == len(said.splitlines()) == 5


def test_the_javascript_example(site: Site, selfie: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or int(subprocess.check_output([node, "--version"], text=True)[1:].split(".")[0]) < 20:
        pytest.skip("needs Node 20 or newer")
    (tmp_path / "example.mjs").write_text(EXAMPLES["javascript"])
    said = run([node, "--no-warnings", "example.mjs"], site, selfie, tmp_path)
    assert said.startswith("5 photos, request_id ")
    assert said.count("/large/") == 5
    assert "obama2.jpg http" in said
