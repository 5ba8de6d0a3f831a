"""How large each built function is with its layers, against what Lambda takes, and what the build had to leave out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from facesearch_cli import interrupts

BUILD = Path(__file__).resolve().parent.parent / ".aws-sam" / "build"
MEBIBYTE = 1024 * 1024
LIMIT = 240 * MEBIBYTE  # Lambda refuses 250 MiB unzipped; the rest is room for our own next lines
BUDGETS = {"SearchFunction": 230 * MEBIBYTE, "ResultsFunction": 40 * MEBIBYTE, "IndexingFunction": 247 * MEBIBYTE}
"""What these may weigh. Results starts cold in front of a waiting guest most often, and must never gain the engine.
Indexing alone has the bib models beside it, 30 MiB, and starts cold in front of nobody."""

LOOP = "scan-linux-aarch64.so"
BYTECODE = "*.cpython-313.pyc"


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def layers_of(template: Path) -> dict[str, Path]:
    """The folder of each layer."""
    return {
        name: template.parent / resource["Properties"]["ContentUri"]
        for name, resource in yaml.safe_load(template.read_text())["Resources"].items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }


def sizes(template: Path) -> dict[str, dict[str, int]]:
    """Per function, the unzipped bytes of its own code and of each of its layers."""
    resources = yaml.safe_load(template.read_text())["Resources"]
    layers = {name: size_of(folder) for name, folder in layers_of(template).items()}
    return {
        name: {"code": size_of(template.parent / resource["Properties"]["CodeUri"])}
        | {layer["Ref"]: layers[layer["Ref"]] for layer in resource["Properties"].get("Layers", [])}
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def left_out(template: Path) -> Iterator[str]:
    """What the layers go without because this machine lacks a tool, and how to have it. SAM shows none of what the
    layers' own Makefiles say."""
    layers = layers_of(template)
    bare = [name for name, folder in layers.items() if any(folder.rglob("*.py")) and not any(folder.rglob(BYTECODE))]
    if bare:
        yield (
            f"Without bytecode: {', '.join(bare)}. Each cold start compiles them, which takes longer. Install"
            " Python 3.13, or name one: make build PYTHON313=/path/to/python3.13"
        )
    if any(any(folder.rglob("scan.c")) and not any(folder.rglob(LOOP)) for folder in layers.values()):
        yield (
            "Without the scan's loop in C: a search in a million faces takes some 6 ms longer. Install"
            " gcc-aarch64-linux-gnu, or name a compiler in LAMBDA_CC (docs/adr/0013-the-scans-inner-loop-in-c.md)"
        )


def main(build: Path = BUILD) -> int:
    template = build / "template.yaml"
    found = sizes(template)
    columns = sorted({part for parts in found.values() for part in parts}, key=lambda part: (part != "code", part))
    table = Table("MiB, unzipped", *columns, "all", "at most", title_justify="left")
    too_large = []
    for name, parts in found.items():
        total, most = sum(parts.values()), BUDGETS.get(name, LIMIT)
        if total > most:
            too_large.append(f"{name} ({total / MEBIBYTE:.1f} of {most // MEBIBYTE} MiB)")
        cells = [f"{parts[column] / MEBIBYTE:.1f}" if column in parts else "" for column in columns]
        table.add_row(name, *cells, f"{total / MEBIBYTE:.1f}", f"{most // MEBIBYTE}")
    Console(width=100).print(table)
    for sentence in left_out(template):
        print(f"warning: {sentence}.", file=sys.stderr)
    if too_large:
        print(f"error: too large with its layers: {', '.join(too_large)}.", file=sys.stderr)
        return 1
    print("Built into .aws-sam/build. To deploy: make deploy")
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
