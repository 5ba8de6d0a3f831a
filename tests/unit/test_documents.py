"""Documents are about what is there: links and anchors resolve, commands exist, the map names each module once."""

import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer

from facesearch_cli.app import app
from tests.conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "clients").rglob("*.md")])
HOUSES = {
    "facesearch": ROOT / "layers" / "facesearch" / "facesearch",
    "facesearch_client": ROOT / "clients" / "python",
    "facesearch_cli": ROOT,
    "facesearch_local": ROOT,
    "tools": ROOT,
}
"""Where the map's paths of each package begin."""


def anchors_of(document: Path) -> set[str]:
    """The headings of a document as GitHub links to them."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / unquote(path)).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_command_of_a_document_exists_with_its_options(document: Path) -> None:
    """Options in a line's comment, too: there the command line's page lists the others."""
    released = r"^## \d.*"  # what a released version was like does not change
    text = re.sub(released, "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    for line in re.findall(r"^facesearch (.+)$|`facesearch ([^`]+)`", text, re.MULTILINE):
        words = re.sub(r"^--stack \S+ ", "", " ".join("".join(line).split())).split()
        command: Any = typer.main.get_command(app)
        while commands := getattr(command, "commands", None):
            assert words[0] in commands, line
            command = commands[words.pop(0)]
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
        assert {word.strip("`,:;)") for word in words if word.startswith("--")} <= known, line


def test_every_target_that_a_document_names_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE)
        assert set(named) <= targets, document.name


def test_the_map_names_each_module_once() -> None:
    text = (ROOT / "docs" / "contributing" / "map.md").read_text()
    named = Counter(re.findall(r"^\| `([\w/]+\.py)` \|", text, re.MULTILINE))
    modules = {
        path.relative_to(base).as_posix()
        for package, base in HOUSES.items()
        for path in (base if base.name == package else base / package).rglob("*.py")
        if path.name != "__init__.py" or path.parent.name == "bootstrap"
    }
    assert not modules - named.keys(), "not in the map"
    assert not named.keys() - modules, "no longer there"
    assert [module for module, times in named.items() if times > 1] == [], "named twice"
