"""The examples of the documents, run as they stand against the running stack."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.conftest import Site

CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(CODE.findall((ROOT / "docs" / "integrating" / "examples.md").read_text()))
README = dict(CODE.findall((ROOT / "README.md").read_text()))


def run(command: list[str], site: Site, selfie: Path, folder: Path) -> str:
    environment = os.environ | {
        "URL": site.stack.url,
        "ORG": str(site.org_id),
        "EVENT": str(site.event_id),
        "API_KEY": site.api_key,
        "SELFIE": str(selfie),
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def selfie(samples: Path) -> Path:
    return samples / "obama2.jpg"


def test_the_examples_are_in_three_languages() -> None:
    assert sorted(EXAMPLES) == ["javascript", "python", "sh"]


def test_the_shell_example(site: Site, selfie: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    said = run(["sh", "-eu", "-c", EXAMPLES["sh"]], site, selfie, tmp_path)
    posted, read, originals = map(json.loads, said.splitlines())
    assert posted["data"]["pagination"]["total"] == 5
    assert read["data"]["images"] == posted["data"]["images"]
    assert originals["data"]["successful_count"] == 5


def test_the_python_example(site: Site, selfie: Path, tmp_path: Path) -> None:
    said = run([sys.executable, "-W", "error", "-c", EXAMPLES["python"]], site, selfie, tmp_path)
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
