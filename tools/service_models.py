"""Part of `make build`: botocore's descriptions of AWS, cut down to what a client reads while it works.

Making a client is mostly reading these files, so they have neither other services nor documentation, and are not
zipped. Of DynamoDB and S3, whose clients a first search waits for, only what the template allows functions is left.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
ALLOWED_WITH = {
    "dynamodb": {"TransactWriteItems"},
    "s3": {
        "DeleteObjects",
        "HeadObject",
        "ListObjectsV2",
        "HeadBucket",  # botocore's, to find in which region a bucket is
        "CreateBucket",  # botocore's, for the URL of a form for uploads
    },
}
"""Operations that IAM allows by another name than theirs, and two that botocore itself looks up."""


def operations(service: str) -> set[str] | None:
    """What a client of the service must know, among it whatever the template allows a function; None: all."""
    if service not in ALLOWED_WITH:
        return None
    return ALLOWED_WITH[service] | set(re.findall(rf"\b{service}:([A-Z]\w+)", TEMPLATE.read_text()))


def cut_down(data: Path) -> None:
    """Rewrite `botocore/data`, where only the folders of services that are used are left."""
    services = {folder.name for folder in data.iterdir() if folder.is_dir()}
    endpoints = data / "endpoints.json"
    regions = json.loads(endpoints.read_bytes())
    for partition in regions["partitions"]:
        partition["services"] = {name: of for name, of in partition["services"].items() if name in services}
    _write(endpoints, regions)
    for zipped in data.glob("*/*/*.json.gz"):
        content = _undocumented(json.loads(gzip.decompress(zipped.read_bytes())))
        if zipped.name == "service-2.json.gz" and (wanted := operations(zipped.parents[1].name)) is not None:
            content = _with_only(wanted, content)
        _write(zipped.with_suffix(""), content)
        zipped.unlink()
    for examples in data.glob("*/*/examples-1.json"):
        examples.unlink()


def _write(path: Path, content: Any) -> None:
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":")))


def _with_only(wanted: set[str], model: Any) -> Any:
    """A service's model with these operations, and with the shapes that they need."""
    kept = {name: each for name, each in model["operations"].items() if name in wanted}
    shapes, found = dict[str, Any](), list(_shapes(kept.values()))
    while found:
        if (name := found.pop()) not in shapes:
            shapes[name] = model["shapes"][name]
            found += _shapes([shapes[name]])
    return model | {"operations": kept, "shapes": shapes}


def _shapes(content: Iterable[Any]) -> Iterator[str]:
    """The names of the shapes that are referred to."""
    for each in content:
        match each:
            case {"shape": str(name)}:
                yield name
            case dict():
                yield from _shapes(each.values())
            case list():
                yield from _shapes(each)


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
