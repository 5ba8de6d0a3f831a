"""The weight of a built function, and what is too heavy for Lambda."""

from pathlib import Path

import pytest

from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tools import build_sizes

TEMPLATE = """
Resources:
  Small: {Type: "AWS::Serverless::Function", Properties: {CodeUri: ../code, Layers: [Ref: Package]}}
  Large: {Type: "AWS::Serverless::Function", Properties: {CodeUri: ../code, Layers: [Ref: Package, Ref: Engine]}}
  Package: {Type: "AWS::Serverless::LayerVersion", Properties: {ContentUri: Package}}
  Engine: {Type: "AWS::Serverless::LayerVersion", Properties: {ContentUri: Engine}}
  Table: {Type: "AWS::DynamoDB::Table"}
"""


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "build"
    for part, size in ((tmp_path / "code", 10), (folder / "Package" / "python", 200), (folder / "Engine", 3000)):
        part.mkdir(parents=True)
        (part / "file").write_bytes(bytes(size))
    (folder / "template.yaml").write_text(TEMPLATE)
    return folder


def test_a_function_weighs_its_code_and_its_layers(build: Path) -> None:
    assert build_sizes.sizes(build / "template.yaml") == {
        "Small": {"code": 10, "Package": 200},
        "Large": {"code": 10, "Package": 200, "Engine": 3000},
    }


def test_a_function_over_a_limit_fails_by_name(
    build: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (build / "Engine" / "file").open("r+b") as weights:
        weights.truncate(build_sizes.LIMIT - 209)
    assert build_sizes.main(build) == 1
    error = capsys.readouterr().err
    assert "Large (240.0 of 240 MiB)" in error
    assert "Small" not in error
    # And over its own budget below that
    monkeypatch.setitem(build_sizes.BUDGETS, "Small", 209)
    assert build_sizes.main(build) == 1
    assert "Small" in capsys.readouterr().err


def test_every_budget_is_for_a_function_of_the_template() -> None:
    template = Template.load(ROOT / "template.yaml", Deployment("any", "000000000000", "us-east-1"))
    assert build_sizes.BUDGETS.keys() <= template.resources.keys()


def test_a_build_says_what_it_had_to_leave_out(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = build / "Package" / "python" / "index"
    package.mkdir()
    (package / "scan.py").touch()
    (package / "scan.c").touch()
    assert build_sizes.main(build) == 0, "it can be deployed all the same"
    error = capsys.readouterr().err
    assert "Without bytecode: Package." in error
    assert "PYTHON313=" in error
    assert "LAMBDA_CC" in error
