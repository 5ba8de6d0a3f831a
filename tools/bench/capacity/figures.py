"""What one search and one page ask for: time, and which keys of the table they read and write."""

import json
from dataclasses import dataclass, field, fields, replace
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np

from facesearch.records import OVERLAP_MICROSECONDS
from tools.bench.cost import FACE_BYTES, RANGE_BYTES, SIZES, Assumptions
from tools.bench.units import READ_UNIT_BYTES

Owner = Literal["key", "event", "organisation", "link", "shard", "request"]


@dataclass(frozen=True)
class Touch:
    """Units that one call takes of a partition key.

    Attributes:
        family: what the key begins with.
        owner: whose it is: all calls of the same owner meet in it.
    """

    family: str
    owner: Owner
    reads: float = 0
    writes: float = 0
    table: str = "Table"


SEARCH = (
    Touch("KEY", "key", reads=1),
    Touch("EVENT", "event", reads=2),  # when it begins, and once more before its result counts
    Touch("QUOTA", "organisation", reads=1, writes=1),
    Touch("SEARCHES", "event", reads=1, writes=1),  # its place, and whether that is still there before it counts
    Touch("RESULT", "request", reads=2, writes=2),  # is it there already, header and chunk? announced, then confirmed
    Touch("claims", "request", writes=2, table="IdempotencyTable"),
)
"""Of a search by API key that brings its request_id and finds no more photos than its header has room for; a test
counts them. Bytes round up to units: all items are below 4 KB when they are read, and 1 KB when they are written."""
NEWS = Touch("PHOTOS", "shard", reads=1)
"""Of each shard, where somebody has written photos of the event within the last minute (ADR 42); else nothing."""
LINK = Touch("QUOTA#TOKEN", "link", reads=1, writes=1)
"""What a search by a publishable token has beside those; its key is an API key's, one for all guests of a link."""
PAGE = (Touch("KEY", "key", reads=0.5), Touch("EVENT", "event", reads=0.5), Touch("RESULT", "request", reads=1))
"""Of a page of a result, which does not cross a chunk: reads that may be stale are half a unit each."""

DESIGNS = {
    "KEY": "more keys or links; a second's cache of keys",
    "EVENT": "more events; a second's cache of events",
    "QUOTA": "more organisations; a bucket split in several items",
    "QUOTA#TOKEN": "more links; tokens of visitors, which have a bucket each",
    "PHOTOS": "more events; more shards",
    "SEARCHES": "more events; the list split in shards",
}
"""What moves the heat of each key."""

ROW_BYTES = 1_500
"""Of a photo with ten faces in the local index: 132 bytes a face and its names (`test_read_units.py`)."""
NEWS_SECONDS = OVERLAP_MICROSECONDS / 1e6 + 1
"""What a search reads again while photos arrive: the overlap, and what came since its environment last looked."""
LISTED_BYTES = 90
"""Of a search in its event's list: SEARCHES#, request_id, organisation, expiry."""


@dataclass(frozen=True)
class Figures:
    """Times of one call. All but the last two are those of `make cost`, whose units and dollars are used, too.

    Attributes:
        restore: milliseconds in which SnapStart resumes an environment, in place of its init. AWS promises less than a
            second and gives no number; this is half of that.
        spread: standard deviation of a search's time, as a share of its mean.
    """

    assumed: Assumptions = field(default_factory=Assumptions)
    restore: float = 500
    spread: float = 0.3

    def search_seconds(self, faces: int) -> float:
        """Of a search in a warm environment, interpolated between the sizes that are known."""
        return float(np.interp(faces, SIZES, self.assumed.search)) / 1e3

    def cold_seconds(self, faces: int, snapstart: bool) -> float:
        """What a search in a new environment takes longer: its start, and the event's faces."""
        start = self.restore if snapstart else self.assumed.init
        return (start + faces * FACE_BYTES / self.assumed.load_bytes_per_ms) / 1e3

    @property
    def page_seconds(self) -> float:
        """Of a page."""
        return self.assumed.page / 1e3


def read_figures(path: Path) -> Figures:
    """Figures of a JSON object by the names of the attributes here and in `Assumptions`; the others keep their
    defaults.

    Raises:
        ValueError: an unknown name.
    """
    given: dict[str, Any] = json.loads(path.read_text())
    own = {each.name for each in fields(Figures)} - {"assumed"}
    if unknown := given.keys() - own - {each.name for each in fields(Assumptions)}:
        raise ValueError(f"{path}: unknown figures {', '.join(sorted(unknown))}")
    named: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    ours = {name: named.pop(name) for name in own & named.keys()}
    return Figures(replace(Assumptions(source=path.name), **named), **ours)


def snapshot_gets(faces: int) -> int:
    """GETs of a cold load: the ranges of the event's snapshot, and its head."""
    return ceil(faces * FACE_BYTES / RANGE_BYTES) + 1


def shard_reads(photos: float, shards: int) -> int:
    """Read units that the news of a shard takes a search while so many photos a second are indexed in the event."""
    return ceil(photos * NEWS_SECONDS / shards * ROW_BYTES / READ_UNIT_BYTES)
