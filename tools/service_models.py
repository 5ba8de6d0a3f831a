"""Part of `make build`: botocore's descriptions of AWS, cut down to what a client reads while it works.

Making a client is mostly reading these files. Without other services, without documentation and unzipped, DynamoDB's
takes a third of the time (26 ms of CPU in place of 78) and S3's two thirds (33 of 47); 1 MB of the layer is free.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any


def cut_down(data: Path) -> None:
    """Rewrite `botocore/data`, where only the folders of services that are used are left."""
    services = {folder.name for folder in data.iterdir() if folder.is_dir()}
    endpoints = data / "endpoints.json"
    regions = json.loads(endpoints.read_bytes())
    for partition in regions["partitions"]:
        partition["services"] = {name: of for name, of in partition["services"].items() if name in services}
    _write(endpoints, regions)
    for zipped in data.glob("*/*/*.json.gz"):
        _write(zipped.with_suffix(""), _undocumented(json.loads(gzip.decompress(zipped.read_bytes()))))
        zipped.unlink()
    for examples in data.glob("*/*/examples-1.json"):
        examples.unlink()


def _write(path: Path, content: Any) -> None:
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":")))


def _undocumented(content: Any) -> Any:
    """With nothing in the texts for people. A shape's member that happens to have that name is a shape itself."""
    match content:
        case {"documentation": str()}:
            return _undocumented(content | {"documentation": None}) | {"documentation": ""}
        case dict():
            return {key: _undocumented(value) for key, value in content.items()}
        case list():
            return [_undocumented(each) for each in content]
        case _:
            return content


if __name__ == "__main__":
    cut_down(Path(sys.argv[1]))
