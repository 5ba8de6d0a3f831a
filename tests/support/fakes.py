"""Small parts that stand in for slow or remote ones in unit tests."""

import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from facesearch.errors import CostlyImage, NoFaceFound, OtherPerson, UnknownUpload
from facesearch.faces.matching import Likeness, StoredProbe
from facesearch.faces.several import naming
from facesearch.models import ApiKey, Event, PhotoMatch, RenditionUrls, SearchKey, SearchSummary
from facesearch.search.idempotency import AlreadyRunningError, Idempotency
from facesearch.search.selfies import ContentType, SelfieStore, SelfieUploads, UploadForm, UploadKey
from facesearch.webhooks.outbound import Shares
from facesearch.webhooks.watches.watch import LostProbeError, Probes, Watch

ORG, EVENT_ID = 903, 456

EVENT = Event(
    event_id=EVENT_ID,
    org_id=ORG,
    name="Marathon",
    selfie_search=True,
    event_enabled=True,
    confidence=90,
    shards=4,
    slug="marathon",
    date="2026-05-01",
)
KEY = ApiKey(key_id="k", org_id=ORG, active=True)


def photos(count: int) -> list[PhotoMatch]:
    """So many photos with ids that tell their place."""
    return [PhotoMatch(uuid.UUID(int=number + 1), 3240, 4860) for number in range(count)]


class OneAtATime:
    """A client whose writes of items follow one another, as DynamoDB's do and those of moto in this process do not."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.updates = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **arguments: Any) -> Any:
        with self._lock:
            self.updates += 1
            return self._client.update_item(**arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        with self._lock:
            return self._client.transact_write_items(**arguments)


@dataclass
class FakeMatcher:
    """A matcher whose selfies are texts: `b"nobody"` has no face in it, `b"stranger"` is not the person of others, and
    `b"bomb"` is made to be work; any other matches `found`. A probe is all of them, with plus signs between."""

    found: list[PhotoMatch] = field(default_factory=lambda: photos(12))
    probed: int = 0
    matched: int = 0
    confidence: int | None = None
    renditions: RenditionUrls | None = None
    during_match: Callable[[], None] = lambda: None

    def probe_is_paid(self, event: Event) -> bool:
        return False

    def probe(
        self,
        event: Event,
        selfies: Sequence[bytes],
        search: SearchKey,
        seconds: float,
        accepted: Callable[[], None] = lambda: None,
    ) -> bytes:
        self.probed += 1
        for number, selfie in enumerate(selfies, 1):
            with naming(number, len(selfies)):
                if selfie == b"nobody":
                    raise NoFaceFound("No face was found in the selfie.")
                if selfie == b"bomb":
                    raise CostlyImage
        if len(selfies) > 1 and b"stranger" in selfies:
            raise OtherPerson(f"Selfie {selfies.index(b'stranger') + 1} shows somebody else.")
        return b"+".join(selfies)

    def keepable(self, event: Event, selfies: Sequence[bytes]) -> StoredProbe:
        return StoredProbe(event.model, self.probe(event, selfies, SearchKey(0, 0, uuid.UUID(int=0)), 1))

    def recall(self, event: Event, kept: Sequence[StoredProbe]) -> list[bytes]:
        return [each.values for each in kept]

    def match(self, event: Event, probe: bytes) -> list[PhotoMatch]:
        self.matched += 1
        self.during_match()
        return self.found

    def likeness(self, event: Event, probe: bytes) -> Likeness | None:
        return None

    def summary(self, event: Event, probe: bytes, photos: Sequence[PhotoMatch]) -> SearchSummary:
        return SearchSummary(len(photos), self.confidence or event.confidence, self.renditions)


class EagerMatcher(FakeMatcher):
    """One that accepts a selfie before it has embedded it, as our own does: from then on steps run side by side."""

    during_embedding: Callable[[], object] = staticmethod(lambda: None)

    def probe(
        self,
        event: Event,
        selfies: Sequence[bytes],
        search: SearchKey,
        seconds: float,
        accepted: Callable[[], None] = lambda: None,
    ) -> bytes:
        probe = super().probe(event, selfies, search, seconds)
        accepted()
        self.during_embedding()
        return probe


class PaidProbeMatcher(FakeMatcher):
    """One whose probe is what costs, as with an engine elsewhere."""

    def probe_is_paid(self, event: Event) -> bool:
        return True


@dataclass
class MemoryClaims(Idempotency):
    """In memory, with powertools' rules: a failed run gives its claim back, a finished one is remembered."""

    done: dict[SearchKey, SearchSummary] = field(default_factory=dict)
    running: set[SearchKey] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, search: SearchKey, seconds_left: float, work: Callable[[], SearchSummary]) -> SearchSummary:
        with self.lock:
            if search in self.done:
                return self.done[search]
            if search in self.running:
                raise AlreadyRunningError
            self.running.add(search)
        try:
            summary = work()
        finally:
            self.running.discard(search)
        self.done[search] = summary
        return summary

    def delete(self, search: SearchKey) -> None:
        self.done.pop(search, None)

    def holds(self, search: SearchKey) -> bool:
        return search in self.done or search in self.running


@dataclass
class MemorySelfies(SelfieStore):
    """Selfies in a dictionary, kept once."""

    kept: dict[SearchKey, tuple[bytes, ...]] = field(default_factory=dict)

    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        self.kept[search] = tuple(selfies)

    def delete(self, search: SearchKey) -> None:
        self.kept.pop(search, None)


@dataclass
class MemoryShares(Shares):
    """So many slots of each organisation, which nothing but the holder gives back."""

    slots: int
    taken: list[int] = field(default_factory=list)

    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        if self.taken.count(org_id) >= self.slots:
            return None
        self.taken.append(org_id)
        held = ExitStack()
        held.callback(self.taken.remove, org_id)
        return held

    def is_free(self, org_id: int) -> bool:
        return self.taken.count(org_id) < self.slots


@dataclass
class MemoryUploads(SelfieUploads):
    """Uploads in a dictionary; a test puts them there."""

    waiting: dict[UploadKey, bytes] = field(default_factory=dict)

    def form(self, upload: UploadKey, content_type: ContentType) -> UploadForm:
        return UploadForm("memory:", {"Content-Type": content_type})

    def fetch(self, upload: UploadKey) -> bytes:
        if upload not in self.waiting:
            raise UnknownUpload("nothing there")
        return self.waiting[upload]

    def delete(self, upload: UploadKey) -> None:
        self.waiting.pop(upload, None)


@dataclass
class OpenProbes(Probes):
    """Not encrypted, but as particular about whose they are; `lost`: nobody can open any."""

    lost: bool = False

    def seal(self, search: SearchKey, kept: StoredProbe) -> bytes:
        return str(search).encode() + b"|" + kept.values

    def open(self, watch: Watch) -> StoredProbe:
        own = str(watch.search).encode() + b"|"
        if self.lost or not watch.probe.startswith(own):
            raise LostProbeError
        return StoredProbe(watch.model, watch.probe.removeprefix(own))


@dataclass
class Context:
    """What handlers and claims use of a Lambda context."""

    function_name: str = "search"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:search"
    aws_request_id: str = "r"
    milliseconds: int = 28_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds
