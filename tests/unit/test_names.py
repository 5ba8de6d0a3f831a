"""A name means one thing."""

import ast
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT


def test_no_class_name_is_defined_twice_in_the_package() -> None:
    places = defaultdict[str, list[Path]](list)
    for file in (ROOT / "layers" / "facesearch" / "facesearch").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(file.relative_to(ROOT))
    assert len(places) > 200
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
