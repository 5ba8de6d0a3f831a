"""What a thousand face searches cost, by the published prices, beside Rekognition's.

    python -m tools.bench.cost [--match 1,6,40] [--embed 150] [--cold 0.02] [--pages 3]

A small model: what one search asks of each service, times its price. The requests are those of the code (a test counts
them); the milliseconds and the share of cold starts are assumptions that the arguments change,
since nobody's Lambda is measured here. `make bench-index` gives milliseconds per match on the machine at hand.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass
from math import ceil

from facesearch_cli import interrupts
from tools.bench import idle
from tools.bench.counts import GUEST_READS, GUEST_WRITES, SEARCH
from tools.bench.requests import PRICES, read_prices

SIZES = (10_000, 100_000, 1_000_000)
FACE_BYTES = 132
"""int8 vector and scale, see `packing`."""
RANGE_BYTES = 8 * 2**20
"""A snapshot is read in ranges of this size, a GET each."""
BIBS = 3
"""Of a usual race photo."""


def photo_writes(bibs: int) -> int:
    """Write units of a photo's record, below 1 KB as the items of its bibs: a transaction's count twice."""
    return 2 * (1 + bibs) if bibs else 1


@dataclass(frozen=True)
class Assumptions:
    """What the model cannot know.

    Attributes:
        embed: milliseconds from the upload to the selfie's embedding, on the vCPUs that `search_gb` buys.
        match: milliseconds to scan an event, for each of `SIZES`.
        waiting: milliseconds of a search in which DynamoDB and S3 are waited for.
        reading: milliseconds of a GET.
        init: milliseconds of a cold start before the event's faces are loaded, billed like any other.
        load_bytes_per_ms: how fast a cold environment reads an event's snapshot.
        cold: share of searches that meet an environment without the event's faces.
        pages: GETs for each search: pages, reloads, shared links.
        search_gb, results_gb: memory of the two functions (template.yaml).
    """

    embed: float = 250
    match: tuple[float, ...] = (1, 4, 40)
    waiting: float = 60
    reading: float = 15
    init: float = 2500
    load_bytes_per_ms: float = 80_000
    cold: float = 0.02
    pages: int = 3
    search_gb: float = 3538 / 1024
    results_gb: float = 1.0


@dataclass(frozen=True)
class Cost:
    """Dollars for a thousand searches with their GETs, by service."""

    gateway: float
    compute: float
    dynamodb: float
    s3: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.gateway + self.compute + self.dynamodb + self.s3


class Model:
    """The prices, applied."""

    def __init__(self, assumptions: Assumptions) -> None:
        self._assumed = assumptions
        self._base = read_prices()
        table = tomllib.loads(PRICES.read_text())
        self._gb_second: float = table["lambda"]["dollars_per_million_gb_seconds"] / 1e6
        self._invocation: float = table["lambda"]["dollars_per_million_requests"] / 1e6
        self._call: float = table["api_gateway"]["dollars_per_million_requests"] / 1e6
        self._image: float = table["rekognition"]["dollars_per_thousand_images"] / 1e3
        self._gb_month: float = table["s3"]["dollars_per_gb_month"] + table["dynamodb"]["dollars_per_gb_month"]
        self._face_month: float = table["rekognition"]["dollars_per_thousand_faces_a_month"] / 1e3

    def searches(self, faces: int, match: float, count: int = 1000) -> Cost:
        """With the embedded engine, in an event of so many faces."""
        return self._add(count, self._compute(match, faces), self._search_dynamodb(), self._search_s3(faces))

    def rekognition_searches(self, count: int = 1000) -> float:
        """The same searches by SearchFacesByImage, in dollars, with everything around them but our own scan."""
        around = self._add(count, self._compute(0, 0), self._search_dynamodb(), self._base.put)
        return around.total + count * self._image

    def guests(self) -> float:
        """Dollars that a thousand searches cost more if they come by publishable tokens."""
        return 1000 * (GUEST_READS * self._base.read_unit + GUEST_WRITES * self._base.write_unit)

    def recording(self, bibs: int) -> float:
        """Dollars for writing the records of a thousand photos with so many bibs each."""
        return 1000 * photo_writes(bibs) * self._base.write_unit

    def rekognition_storage(self, faces: int) -> float:
        """Dollars a month for an event's face vectors."""
        return faces * self._face_month

    def own_storage(self, faces: int) -> float:
        """The same for ours: the snapshot in S3 and the faces in DynamoDB's photo items."""
        return faces * FACE_BYTES / 1e9 * self._gb_month

    def _add(self, count: int, compute: float, dynamodb: float, s3: float) -> Cost:
        assumed = self._assumed
        reading = assumed.reading / 1e3 * assumed.results_gb * self._gb_second + self._invocation
        # A GET is one BatchGetItem of key, event, header and chunk: about 4 read units.
        reads = 4 * self._base.read_unit
        return Cost(
            gateway=count * self._call * (1 + assumed.pages),
            compute=count * (compute + assumed.pages * reading),
            dynamodb=count * (dynamodb + assumed.pages * reads),
            s3=count * s3,
        )

    def _compute(self, match: float, faces: int) -> float:
        assumed = self._assumed
        load = faces * FACE_BYTES / assumed.load_bytes_per_ms
        milliseconds = assumed.embed + match + assumed.waiting + assumed.cold * (assumed.init * bool(faces) + load)
        return milliseconds / 1e3 * assumed.search_gb * self._gb_second + self._invocation

    def _search_dynamodb(self) -> float:
        return SEARCH.read_units * self._base.read_unit + SEARCH.write_units * self._base.write_unit

    def _search_s3(self, faces: int) -> float:
        cold_gets = ceil(faces * FACE_BYTES / RANGE_BYTES) + 1
        return self._base.put + self._assumed.cold * cold_gets * self._base.get


def table(model: Model, assumptions: Assumptions) -> str:
    """The table of docs/operating/costs.md, in Markdown."""
    lines = [
        "| faces | gateway | Lambda | DynamoDB | S3 | 1,000 searches | Rekognition | kept a month | Rekognition |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for faces, match in zip(SIZES, assumptions.match, strict=True):
        cost = model.searches(faces, match)
        cells = [cost.gateway, cost.compute, cost.dynamodb, cost.s3, cost.total, model.rekognition_searches()]
        kept = [model.own_storage(faces), model.rekognition_storage(faces)]
        lines.append(
            f"| {faces:,} | "
            + " | ".join(f"${cell:.4f}" for cell in cells)
            + " | "
            + " | ".join(f"${each:.2f}" for each in kept)
            + " |"
        )
    return "\n".join(lines)


def recording(model: Model) -> str:
    """What docs/operating/costs.md says of writing photos."""
    return f"${model.recording(0):.4f} without bibs, ${model.recording(BIBS):.4f} with three each"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="What a thousand searches cost")
    given = Assumptions()
    parser.add_argument("--embed", type=float, default=given.embed, help="milliseconds for the selfie")
    parser.add_argument(
        "--match",
        type=lambda text: tuple(float(each) for each in text.split(",")),
        default=given.match,
        help="milliseconds for the scan at 1e4,1e5,1e6 faces",
    )
    parser.add_argument("--cold", type=float, default=given.cold, help="share of searches that load the event")
    parser.add_argument("--pages", type=int, default=given.pages, help="GETs for each search")
    asked = parser.parse_args()
    if len(asked.match) != len(SIZES):
        parser.error(f"--match takes {len(SIZES)} numbers")
    assumptions = Assumptions(embed=asked.embed, match=asked.match, cold=asked.cold, pages=asked.pages)
    model = Model(assumptions)
    print(table(model, assumptions))
    print(
        f"\nBy publishable tokens: ${model.guests():.4f} more ({GUEST_READS} read unit and {GUEST_WRITES} write unit)."
    )
    print(f"\nWriting 1,000 photos: {recording(model)}.")
    print(f"\n{idle.table(idle.template())}")
    prices = read_prices()
    print(f"\nPrices of {prices.as_of}, {prices.region}; without tax, free tier, logs and data out of AWS.")


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
