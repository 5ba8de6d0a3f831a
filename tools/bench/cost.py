"""What a thousand face searches cost, line by line, by the published prices, beside Rekognition's.

    python -m tools.bench.cost [--matches 20] [--cold 0.1] [--pages 3] [--http-api] [--snapstart] [--bench FILE]

How often each service is asked is counted: `counts` says it, and tests hold that against the code. Milliseconds are
those of the last `make bench`, where there was one, else those of `Assumptions`, from such a run; nobody's Lambda is
measured here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from facesearch_cli import interrupts
from tools.bench import counts, idle
from tools.bench.bounds import between
from tools.bench.counts import GUEST_READS, GUEST_WRITES, PAGE, PHOTO, SEARCH
from tools.bench.requests import PRICES, read_prices

SIZES = (10_000, 100_000, 1_000_000)
SHOWN = 100_000
"""Faces of the event whose arithmetic is printed."""
A_THOUSAND = 1000
FACE_BYTES = 132
"""int8 vector and scale, see `packing`."""
RANGE_BYTES = 8 * 2**20
"""A snapshot is read in ranges of this size, a GET each."""
BENCH = PRICES.parents[2] / ".cache" / "bench" / "bench.json"
SELFIE_PARTS = 2
"""Of 512 KB, as HTTP APIs count requests: a phone's selfie of 2 to 12 MP, once the page has shrunk it."""
BIBS = 3
"""Of a usual race photo."""
WAIT, PHOTO_WAITS = 4, 60
"""Milliseconds of a call of DynamoDB's, and of all of a photo's calls, as `make bench` puts them in for a search."""
MONTH_SECONDS = 30 * 86_400


@cache
def memory(function: str) -> float:
    """Gigabytes of a function by template.yaml's defaults; `function` is its logical id."""
    template = idle.template()
    size = template.resolve(template.resources[function].properties["MemorySize"], lambda name, attribute: name)
    return int(size) / 1024


def photo_writes(bibs: int) -> int:
    """Write units of a photo's record, below 1 KB as the items of its bibs: a transaction's count twice. The record is
    in the local index, too."""
    return 2 * (PHOTO.write_units + bibs) if bibs else PHOTO.write_units


@dataclass(frozen=True)
class Assumptions:
    """What the model cannot know. Milliseconds are Lambda's, in which calls are waited for.

    Attributes:
        search: of a warm search, for each of `SIZES`.
        page: of a GET, and of a replay.
        photo: of a photo of 12 MP with four faces.
        init: of a cold start before the event's faces are loaded, billed like any other.
        load_bytes_per_ms: how fast a cold environment reads an event's snapshot.
        cold: share of searches that meet an environment without the event's faces.
        pages: GETs for each search: pages, reloads, shared links.
        matches: photos that a search finds.
        http_api: whether `HttpApi=true`.
        snapstart: whether search starts from a snapshot. Nothing is then taken off `init`.
        source: where the milliseconds are from.
    """

    search: tuple[float, ...] = (96, 96, 101)
    page: float = 8
    photo: float = 750
    init: float = 420
    load_bytes_per_ms: float = 80_000
    cold: float = 0.1
    pages: int = 3
    matches: int = 20
    http_api: bool = False
    snapstart: bool = False
    source: str = "assumed: 0.1.0's of two x86 cores, by the ratios that make bench prints"


@dataclass(frozen=True)
class Line:
    """One line of the arithmetic, for so many requests: how many of what, and dollars for one."""

    service: str
    what: str
    count: float
    price: float

    @property
    def dollars(self) -> float:
        """What it comes to."""
        return self.count * self.price


def total(lines: Sequence[Line]) -> float:
    """Dollars."""
    return sum(line.dollars for line in lines)


class Model:
    """The prices, applied to functions with so many gigabytes each."""

    def __init__(self, assumptions: Assumptions, gigabytes: Callable[[str], float] = memory) -> None:
        self._assumed = assumptions
        self._gigabytes = gigabytes
        self._base = read_prices()
        self._table = tomllib.loads(PRICES.read_text())
        gateway = "http_api" if assumptions.http_api else "api_gateway"
        self._call: float = self._table[gateway]["dollars_per_million_requests"] / 1e6
        self._face_month: float = self._table["rekognition"]["dollars_per_thousand_faces_a_month"] / 1e3
        self._gb_month: float = sum(self._table[each]["dollars_per_gb_month"] for each in ("s3", "dynamodb"))
        self._gb_second: float = self._table["lambda"]["dollars_per_million_gb_seconds"] / 1e6
        self._invocation: float = self._table["lambda"]["dollars_per_million_requests"] / 1e6

    def searches(self, faces: int, count: int = A_THOUSAND) -> list[Line]:
        """POSTs in an event of so many faces."""
        assumed, load = self._assumed, faces * FACE_BYTES / self._assumed.load_bytes_per_ms
        cold = assumed.cold * bool(faces)
        warm = assumed.search[min(range(len(SIZES)), key=lambda place: abs(SIZES[place] - faces))]
        ranges = ceil(faces * FACE_BYTES / RANGE_BYTES) + 1
        writes = SEARCH.write_units + counts.chunk_units(assumed.matches)
        lines = [
            Line("gateway", "POST", count * (SELFIE_PARTS if assumed.http_api else 1), self._call),
            *self._lambda("SearchFunction", warm + cold * (assumed.init + load), count),
            *self._units(SEARCH.read_units, writes, count),
            Line("S3", "PUT of the selfie", count * SEARCH.asked("PutObject"), self._base.put),
            Line("S3", "GET of the snapshot, where cold", count * cold * ranges, self._base.get),
            self._logs(counts.SEARCH_LOG_BYTES, count),
        ]
        if assumed.snapstart:
            price = self._table["lambda"]["dollars_per_gb_restored"]
            lines.append(
                Line("Lambda", "GB restored, where cold", count * cold * self._gigabytes("SearchFunction"), price)
            )
        return lines

    def pages(self, count: int = A_THOUSAND) -> list[Line]:
        """The GETs of so many searches."""
        count *= self._assumed.pages
        return [
            Line("gateway", "GET", count, self._call),
            *self._lambda("ResultsFunction", self._assumed.page, count),
            *self._units(PAGE.read_units, PAGE.write_units, count),
            self._logs(counts.PAGE_LOG_BYTES, count),
        ]

    def photos(self, count: int = A_THOUSAND, bibs: int = 0) -> list[Line]:
        """Photos of 12 MP with four faces: uploaded, and indexed in batches of ten messages."""
        asked = PHOTO.calls
        return [
            *self._lambda("IndexingFunction", self._assumed.photo, count, batch=10),
            *self._units(PHOTO.read_units, photo_writes(bibs), count),
            Line("S3", "PUT of the original and renditions", count * (1 + asked["PutObject"]), self._base.put),
            Line("S3", "GET of the original", count * asked["GetObject"], self._base.get),
            Line("SQS", "sent, received, deleted; snapshot", count * (1 + 0.2 + asked["SendMessage"]), self._message),
            self._logs(counts.PHOTO_LOG_BYTES, count),
        ]

    def rekognition_searches(self, count: int = A_THOUSAND) -> float:
        """The same searches with their pages by SearchFacesByImage, in dollars, with all around them but our faces."""
        image = float(self._table["rekognition"]["dollars_per_thousand_images"]) / 1e3
        return total(self.searches(0, count)) + total(self.pages(count)) + count * image

    def guests(self) -> float:
        """Dollars that a thousand searches cost more if they come by publishable tokens."""
        return total(self._units(GUEST_READS, GUEST_WRITES, A_THOUSAND))

    def recording(self, bibs: int) -> float:
        """Dollars for writing the records of a thousand photos with so many bibs each."""
        return A_THOUSAND * photo_writes(bibs) * self._base.write_unit

    def rekognition_storage(self, faces: int) -> float:
        """Dollars a month for an event's face vectors."""
        return faces * self._face_month

    def own_storage(self, faces: int) -> float:
        """The same for ours: the snapshot in S3 and the faces in DynamoDB's photo items."""
        return faces * FACE_BYTES / 1e9 * self._gb_month

    def snapshot_cache(self) -> float:
        """Dollars a month for the snapshot of one version of search."""
        return (
            self._gigabytes("SearchFunction")
            * MONTH_SECONDS
            * float(self._table["lambda"]["dollars_per_gb_second_cached"])
        )

    @property
    def _message(self) -> float:
        return float(self._table["sqs"]["dollars_per_million_requests"]) / 1e6

    def _lambda(self, function: str, milliseconds: float, count: int, batch: int = 1) -> list[Line]:
        gb = self._gigabytes(function)
        seconds = count * milliseconds / 1e3 * gb
        return [
            Line("Lambda", f"GB-seconds, {milliseconds:.0f} ms of {gb:.2f} GB", seconds, self._gb_second),
            Line("Lambda", "invocations", count / batch, self._invocation),
        ]  # fmt: skip

    def _units(self, reads: float, writes: int, count: int) -> list[Line]:
        return [
            Line("DynamoDB", f"read units, {reads:g} each", count * reads, self._base.read_unit),
            Line("DynamoDB", f"write units, {writes} each", count * writes, self._base.write_unit),
        ]

    def _logs(self, size: int, count: int) -> Line:
        gigabytes = count * (size + counts.PLATFORM_LOG_BYTES) / 1e9
        return Line("logs", "GB taken in", gigabytes, self._table["cloudwatch"]["dollars_per_gb_logs"])


def table(model: Model) -> str:
    """The table of docs/operating/costs.md, in Markdown."""
    lines = [
        "| faces | 1,000 searches | with their pages | Rekognition, with pages | kept a month | Rekognition |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for faces in SIZES:
        post = total(model.searches(faces))
        cells = [post, post + total(model.pages()), model.rekognition_searches()]
        kept = [model.own_storage(faces), model.rekognition_storage(faces)]
        texts = [*(f"${cell:.4f}" for cell in cells), *(f"${each:.2f}" for each in kept)]
        lines.append(f"| {faces:,} | {' | '.join(texts)} |")
    return "\n".join(lines)


def arithmetic(title: str, lines: Sequence[Line]) -> str:
    """Line by line, in Markdown."""
    rows = [
        f"| {line.service} | {line.what} | {line.count:,.4g} | ${line.price:.4g} | ${line.dollars:.5f} |"
        for line in lines
        if line.count
    ]
    head = [f"| {title} | what | count | dollars for one | dollars |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, f"| all | | | | ${total(lines):.5f} |"])


def everything(model: Model) -> str:
    """The arithmetic of docs/operating/costs.md."""
    return "\n\n".join(
        arithmetic(title, lines)
        for title, lines in (
            (f"1,000 POSTs, {SHOWN:,} faces", model.searches(SHOWN)),
            ("their GETs", model.pages()),
            ("1,000 photos", model.photos()),
        )
    )


MOVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("as above", {}),
    ("nothing cold", {"cold": 0.0}),
    ("nothing found", {"matches": 0}),
    ("1,000 photos found", {"matches": 1000}),
    ("`HttpApi=true`", {"http_api": True}),
    ("SnapStart, as if it saved nothing", {"snapstart": True}),
)


def moves(assumptions: Assumptions) -> str:
    """The lines of docs/operating/costs.md that say what changes a thousand POSTs at 100,000 faces, in Markdown."""
    return "\n".join(
        f"| {what} | ${total(Model(replace(assumptions, **change)).searches(SHOWN)):.4f} |" for what, change in MOVES
    )


def recording(model: Model) -> str:
    """What docs/operating/costs.md says of writing photos."""
    return f"${model.recording(0):.4f} without bibs, ${model.recording(BIBS):.4f} with three each"


def measured(path: Path, given: Assumptions) -> Assumptions:
    """The assumptions with the milliseconds of a `make bench`, where its JSON is there."""
    return of_bench(json.loads(path.read_text()), given, path.name) if path.exists() else given


def of_bench(found: Any, given: Assumptions, name: str = "this run") -> Assumptions:
    """The assumptions with the milliseconds that a `make bench` has measured; those that it has not stay. A search's
    are its wall time with AWS's usual waits put in."""
    rows = [row for row in found.get("search") or () if row["megapixels"] == 2]
    searches = {row["faces"]: row["now"]["wall_with_waits"] for row in rows}
    if not searches:
        return given
    nearest = tuple(searches[min(searches, key=lambda faces: abs(faces - size))] for size in SIZES)
    kinds = {(row["megapixels"], row["people"]): row["now"]["cpu"] for row in found.get("indexing") or ()}
    page = found["pages"]["now"]["page"]["wall"] + WAIT if found.get("pages") else given.page
    starts = (found.get("cold") or {}).get("starts", {})
    return replace(
        given,
        search=nearest,
        page=page,
        photo=kinds[12, 4] + PHOTO_WAITS if (12, 4) in kinds else given.photo,
        init=next((each for kind, each in starts.items() if kind.startswith("search, and")), given.init),
        source=f"of {name}, commit {found['about']['commit']}",
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="What a thousand searches cost")
    given = Assumptions()
    parser.add_argument("--matches", type=between(0, 100_000), default=given.matches, help="photos that a search finds")
    parser.add_argument(
        "--cold", type=between(0.0, 1.0), default=given.cold, help="share of searches that load the event"
    )
    parser.add_argument("--pages", type=between(0, 1_000), default=given.pages, help="GETs for each search")
    parser.add_argument("--http-api", action="store_true", help="as with HttpApi=true")
    parser.add_argument("--snapstart", action="store_true", help="search starts from a snapshot")
    parser.add_argument("--bench", type=Path, default=BENCH, help="JSON of make bench; one that is not there: assumed")
    asked = parser.parse_args()
    wished = replace(
        given,
        cold=asked.cold,
        pages=asked.pages,
        matches=asked.matches,
        http_api=asked.http_api,
        snapstart=asked.snapstart,
    )
    try:
        assumptions = measured(asked.bench, wished)
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        parser.error(f"--bench: {asked.bench} is not what make bench writes")
    model = Model(assumptions)
    print(f"{table(model)}\n\n{everything(model)}")
    print(f"\n| what moves it | 1,000 POSTs |\n| --- | --- |\n{moves(assumptions)}")
    print(f"\nMilliseconds: {assumptions.source}.")
    print(
        f"\nBy publishable tokens: ${model.guests():.4f} more ({GUEST_READS} read unit and {GUEST_WRITES} write unit)."
    )
    print(f"\nWriting 1,000 photos: {recording(model)}.")
    print(f"\nA snapshot of SnapStart's, kept for a month: ${model.snapshot_cache():.2f} a version.")
    print(f"\n{idle.table(idle.template())}")
    prices = read_prices()
    print(f"\nPrices of {prices.as_of}, {prices.region}; without tax, free tier and data out of AWS.")


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
