"""What a request asks of AWS, by the code as it is: one table, which tests hold against the code, exactly.

`make cost` multiplies it by prices; `make bench` shows it beside the times. Whoever changes a flow edits it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from facesearch.adapters.dynamodb.results import INLINE_PHOTOS
from facesearch.records import SHARDS
from tools.bench.units import WRITE_UNIT_BYTES

Level = tuple[str, ...]
"""Calls that are under way at the same time: each has begun before any of them has its response."""


@dataclass(frozen=True)
class Flow:
    """One request's calls.

    Attributes:
        before: until the selfie is looked at, or until the response where there is none.
        beside: while it is looked at.
        after: what the guest waits for once the selfie's embedding is there.
        read_units: of an event in which nothing is new.
        write_units: of few matches: what they take beyond is `chunk_units`.
    """

    before: tuple[Level, ...]
    beside: Level = ()
    after: tuple[Level, ...] = ()
    read_units: float = 0
    write_units: int = 0

    @property
    def levels(self) -> tuple[Level, ...]:
        """All of them in turn."""
        return (*self.before, *([self.beside] if self.beside else []), *self.after)

    @property
    def round_trips(self) -> int:
        """Calls in all."""
        return sum(map(len, self.levels))

    def asked(self, operation: str) -> int:
        """How often it is asked for."""
        return sum(level.count(operation) for level in self.levels)


SEARCH = Flow(
    before=(("BatchGetItem",), ("PutItem",)),  # key, event, quota; the claim
    beside=("PutItem", "UpdateItem", "PutObject"),  # place in the event's list, quota, the selfie
    after=(
        ("PutItem",),  # the header with the photos, announced
        ("BatchGetItem",),  # deletions; is the place there still?
        ("UpdateItem",),  # the header, confirmed
        ("UpdateItem",),  # the claim, done
    ),
    read_units=5,
    write_units=6,
)
"""A new search by an API key, without a request_id, in an environment that has the event's faces, where nobody has
written photos for a minute (`records.is_unchanged`)."""
NEWS = ("Query",) * SHARDS
"""What it asks for beside those, a read unit each at least, while photos arrive."""

PAGE = Flow(before=(("BatchGetItem",),), read_units=2)
"""A page of a finished search: key, event, header, chunk, half a unit each; in two chunks `PAGE_ACROSS` more."""
PAGE_ACROSS = 0.5
REPLAY = Flow(before=(("BatchGetItem",),), read_units=5)
"""The same by POST: the quota's item is read along."""

PAGE_BODY_BYTES = 10_200
"""At most, of the response with 32 photos, 26 characters of each link being the renditions' host."""
PAGE_READ_BYTES = 10_000
"""At most, of what DynamoDB sends for it: two chunks of 100 photos, in base64."""
SEARCH_LOG_BYTES, PAGE_LOG_BYTES, PHOTO_LOG_BYTES = 800, 0, 800
"""At most, what the functions print: log lines and metrics."""
PLATFORM_LOG_BYTES = 560
"""At most, what Lambda (START, END, REPORT) and API Gateway's access log add to each."""


@dataclass(frozen=True)
class PhotoCalls:
    """What indexing one photo asks for, by operation; one with few faces and no bib."""

    calls: Mapping[str, int]
    read_units: float
    write_units: int


PHOTO = PhotoCalls(
    # Event; the file; whether it is known, or deleted; event; renditions; the record, which the local index has, too;
    # event; a snapshot is asked for; the first of the event's watches.
    calls={"GetObject": 1, "BatchGetItem": 3, "GetItem": 2, "PutObject": 3, "PutItem": 1, "SendMessage": 1, "Query": 1},
    read_units=6,
    write_units=2,
)

GUEST_READS, GUEST_WRITES = 1, 1
"""What a search by a publishable token has beside those: its own bucket, read with the rest and taken from in one more
round trip."""

PHOTOS_IN_CHUNK = 100
PHOTO_BYTES = 24
CHUNK_BYTES = 96
"""Of a chunk beside its photos, where organisation and event have nine digits: keys, names, the day when it goes."""


def chunk_units(matches: int) -> int:
    """Write units of a result's chunks, where its header does not hold it."""
    if matches <= INLINE_PHOTOS:
        return 0
    full, rest = divmod(matches, PHOTOS_IN_CHUNK)
    sizes = [PHOTOS_IN_CHUNK] * full + ([rest] if rest else [])
    return sum(ceil((CHUNK_BYTES + PHOTO_BYTES * size) / WRITE_UNIT_BYTES) for size in sizes)


LOOKS = {"selfie": 1, "faceless selfie": 9, "photo of 2 MP": 2, "photo of 12 MP": 5, "photo of 24 MP": 8}
"""Runs of the detector, a turn of a face's own not counted."""

_CLIENTS = frozenset({"boto3", "botocore.client", "botocore.session", "s3transfer", "urllib3"})
_FACES = frozenset({"numpy", "cv2", "PIL", "simsimd", "onnxruntime"})
_HTTP = frozenset({"httpx", "httpcore"})
NEVER_AT_START = {
    "search": _CLIENTS | _FACES | _HTTP,
    "results": _CLIENTS | _FACES | _HTTP,
    "webhook": _CLIENTS | _FACES | _HTTP,
    "callbacks": _CLIENTS | _FACES | _HTTP,
    "searchjobs": _CLIENTS | _FACES | _HTTP,
    "indexing": _CLIENTS | _HTTP | {"cv2", "onnxruntime"},
    "snapshots": _CLIENTS | _HTTP | {"cv2", "PIL", "onnxruntime"},
}
"""Modules that the import of a function's `app` leaves alone."""
