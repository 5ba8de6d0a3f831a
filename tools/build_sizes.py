"""How large each built function is with its layers, against what Lambda takes."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from tools import interrupts

BUILD = Path(__file__).resolve().parent.parent / ".aws-sam" / "build"
MEBIBYTE = 1024 * 1024
LIMIT = 240 * MEBIBYTE  # Lambda refuses 250 MiB unzipped; the rest is room for our own next lines
BUDGETS = {"SearchFunction": 230 * MEBIBYTE, "ResultsFunction": 40 * MEBIBYTE}
"""What these may weigh. Results starts cold in front of a waiting guest most often, and must never gain the engine."""


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def sizes(template: Path) -> dict[str, dict[str, int]]:
    """Per function, the unzipped bytes of its own code and of each of its layers."""
    resources = yaml.safe_load(template.read_text())["Resources"]
    layers = {
        name: size_of(template.parent / resource["Properties"]["ContentUri"])
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }
    return {
        name: {"code": size_of(template.parent / resource["Properties"]["CodeUri"])}
        | {layer["Ref"]: layers[layer["Ref"]] for layer in resource["Properties"].get("Layers", [])}
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def main(build: Path = BUILD) -> int:
    found = sizes(build / "template.yaml")
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
    if too_large:
        print(f"error: too large with its layers: {', '.join(too_large)}.", file=sys.stderr)
        return 1
    print("Built into .aws-sam/build. To deploy: make deploy")
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
