"""The distributions, and the lock files: complete, agreeing with each other, naming no place to download from."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

MAIN = ROOT / "requirements" / "dev.txt"
LAYERS = [ROOT / "layers" / name / "requirements.txt" for name in ("dependencies", "engine")]
LOCKS = sorted((ROOT / "requirements").glob("*.txt")) + LAYERS
PROJECT, CLIENT = (
    tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in (ROOT, ROOT / "clients" / "python")
)


def entries(lock: Path) -> list[str]:
    """One logical line per package, its hashes and comments included."""
    lines = "\n".join(line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#"))
    return [entry for entry in lines.replace("\\\n", " ").splitlines() if entry.strip()]


def pins(lock: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.split(" --hash")[0])
        found.setdefault(requirement.name, set()).add(str(requirement.specifier))
    return found


def names(requirements: list[str]) -> set[str]:
    return {Requirement(requirement).name for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_package_is_pinned_to_one_version_with_hashes_and_no_place_is_named(lock: Path) -> None:
    assert entries(lock)
    for entry in entries(lock):
        assert re.match(r"[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", entry), entry
    assert not re.search(r"://|--index|--find-links|--trusted|(?<!\w)/\w", lock.read_text())


@pytest.mark.parametrize("lock", LAYERS, ids=lambda lock: lock.parent.name)
def test_a_layer_holds_the_versions_that_are_tested_here(lock: Path) -> None:
    tested = pins(MAIN)
    for name, versions in pins(lock).items():
        assert versions <= tested[name], name


def test_the_layers_hold_what_the_project_declares() -> None:
    dependencies, engine = (pins(lock).keys() for lock in LAYERS)
    ours = {CLIENT["name"]}  # its source is copied into a layer
    assert (names(PROJECT["dependencies"]) - ours) | names(CLIENT["dependencies"]) <= dependencies
    assert names(PROJECT["optional-dependencies"]["engine"]) == engine
    assert not dependencies & engine


def test_every_service_that_the_functions_call_is_in_the_layer() -> None:
    # The dependencies layer drops botocore's descriptions of all other services, which only Lambda would notice.
    makefile = (ROOT / "layers" / "dependencies" / "Makefile").read_text()
    kept = set(re.findall(r"^SERVICES := (.*)$", makefile, re.MULTILINE)[0].split())
    sources = [*(ROOT / "layers" / "facesearch").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    called = {name for source in sources for name in re.findall(r"\.client\(\s*\"([a-z0-9-]+)\"", source.read_text())}
    assert called
    assert called <= kept


def test_nothing_uses_the_parts_of_packages_that_the_layers_leave_out() -> None:
    makefile = (ROOT / "layers" / "engine" / "Makefile").read_text()
    parts = "|".join(re.findall(r"^NUMPY_UNUSED := (.*)$", makefile, re.MULTILINE)[0].split())
    ways = (rf"\b(np|numpy)\.({parts})\b", r"\bImage(Math|Morph|Tk)\b", r"boto3\.resource\b", r"enable_swagger")
    used = re.compile("|".join(ways))
    for source in [*(ROOT / "layers" / "facesearch").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        assert not used.search(source.read_text()), source


def test_a_distribution_installs_packages_under_names_of_its_own() -> None:
    product, client = (
        (metadata.distribution(name).read_text("top_level.txt") or "").split()
        for name in ("facesearch", "facesearch-client")
    )
    assert (product, client) == (["facesearch", "facesearch_cli", "facesearch_local"], ["facesearch_client"])


def test_the_client_brings_httpx_and_pydantic_and_the_product_brings_the_client() -> None:
    assert names(CLIENT["dependencies"]) == {"httpx", "pydantic"}
    assert CLIENT["name"] in names(PROJECT["dependencies"])
    assert CLIENT["version"] == PROJECT["version"]


def test_the_command_is_called_facesearch() -> None:
    commands = {(entry.name, entry.value) for entry in metadata.distribution("facesearch").entry_points}
    assert commands == {("facesearch", "facesearch_cli.entry:main")}
    assert not metadata.distribution("facesearch-client").entry_points
