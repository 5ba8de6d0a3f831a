"""The command: every size on a store of its own, each step in a fresh process."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from facesearch_cli import interrupts
from facesearch_cli.terminal import say
from facesearch_local.clients import aws_environment, make_clients
from facesearch_local.resources import Resources
from facesearch_local.stores import Place, Store, StoreError, start
from facesearch_local.template import Deployment, Template
from tools.bench import index
from tools.bench.index.making import Where, make
from tools.bench.index.measuring import Measured, measure
from tools.bench.index.report import show
from tools.bench.requests import read_prices

ROOT = Path(__file__).resolve().parents[3]
SIZES = (10_000, 100_000, 1_000_000)


async def run(sizes: Sequence[int], store_name: str, repeats: int) -> list[Measured]:
    """Every size on a store of its own; each step in a fresh process.

    Raises:
        StoreError: the store does not start.
    """
    with tempfile.TemporaryDirectory(prefix="facesearch-bench-") as name:
        folder = Path(name)
        store = await start(store_name, Place(None, folder, folder / "store.log"))
        try:
            return await asyncio.to_thread(_sizes, store, sizes, repeats, folder)
        finally:
            await store.stop()


def _sizes(store: Store, sizes: Sequence[int], repeats: int, folder: Path) -> list[Measured]:
    names = create(store.endpoint_url)
    where = Where(store.endpoint_url, names["Table"], names["SnapshotsBucket"], folder)
    rows = []
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        for event_id, size in enumerate(sizes, 1):
            say(f"{size} faces …")
            made = fresh.submit(make, where, event_id, size).result()
            rows.append(fresh.submit(measure, where, made, size, repeats).result())
            (folder / f"{event_id}.fsindex").unlink()
    return rows


def create(endpoint_url: str) -> Mapping[str, str]:
    """The template's tables and buckets in the store; names by logical id."""
    clients = make_clients(aws_environment(endpoint_url, is_ours=True))
    deployment = Deployment(
        "bench", "000000000000", "us-east-1", suggestions={"RenditionsBaseUrl": "http://127.0.0.1:1"}
    )
    resources = Resources(Template.load(ROOT / "template.yaml", deployment), clients)
    resources.create()
    return resources.names()


def _numbers(text: str) -> list[int]:
    try:
        sizes = [int(each) for each in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"numbers with commas between them, not {text!r}")
    return sizes


def main() -> int:
    """Measure; the exit code is 1 if a limit is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.index", description=(index.__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "sizes", nargs="?", type=_numbers, default=",".join(map(str, SIZES)), help="faces, with commas between"
    )
    parser.add_argument("--repeats", type=int, default=7, help="how often everything is measured (default 7)")
    parser.add_argument("--store", choices=("ministack", "moto"), default="ministack", help="what stands in for AWS")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        rows = asyncio.run(run(options.sizes, options.store, options.repeats))
    except (StoreError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    if options.json:
        print(json.dumps({"rows": [asdict(row) | {"missed": row.too_slow} for row in rows]}))
    else:
        show(rows, read_prices())
    return 1 if any(row.too_slow for row in rows) else 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
