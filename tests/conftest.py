"""What every kind of test stands on: no AWS account, the fetched models and photos, the measuring set if any."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# Powertools' objects are made at import, and tests import before any fixture runs.
os.environ["POWERTOOLS_SERVICE_NAME"] = "face-search"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "FaceSearch"

# The machine's load decides how long one example takes; a deadline would make tests fail by chance.
settings.register_profile("all", deadline=None, print_blob=True)
settings.register_profile("short", settings.get_profile("all"), max_examples=20)
settings.load_profile("short")


def pytest_itemcollected(item: pytest.Function) -> None:
    """Say which tests belong to one process when there are several: those that share a stack, or else a file.

    Here and not in `pytest_collection_modifyitems`, where pytest-xdist has read the marks already.
    """
    kind = item.path.relative_to(ROOT / "tests").parts[0]
    shares = kind in ("contract", "deploy", "generated") or (kind == "integration" and "stack" in item.fixturenames)
    item.add_marker(pytest.mark.xdist_group(kind if shares else str(item.path.relative_to(ROOT))))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Have `--last-failed` find what failed in several processes: pytest-xdist ends a test's name with its group, and
    where no failed test is found, all run again."""
    if hasattr(session.config, "cache") and not hasattr(session.config, "workerinput"):
        failed = session.config.cache.get("cache/lastfailed", {})
        session.config.cache.set("cache/lastfailed", {re.sub(r"@[\w/.]+$", "", name): True for name in failed})


@pytest.fixture(scope="session", autouse=True)
def no_account() -> Iterator[None]:
    """Nothing in a test can reach the developer's own AWS account, whatever profile is set up."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "LAMBDA_"))]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder that `make assets` fills: models/*.onnx and samples/*.jpg."""
    folder = Path(os.environ.get("FACESEARCH_ASSETS") or ROOT / ".cache" / "assets")
    if not (folder / "models").is_dir():
        pytest.fail(f"no model weights in {folder}: run `make assets` first")
    return folder


@pytest.fixture(scope="session")
def models(assets: Path) -> Path:
    return assets / "models"


@pytest.fixture(scope="session")
def samples(assets: Path) -> Path:
    return assets / "samples"


@pytest.fixture(scope="session")
def measuring_faces() -> Path:
    """Photos of many people to measure on, kept beside the checkout and never in it; their tests skip where absent."""
    folder = ROOT.parent / "shared" / "faces"
    if not folder.is_dir():
        pytest.skip("needs the measuring set in ../shared/faces")
    return folder
