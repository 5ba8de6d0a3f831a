"""An event that is watched, with everything around it in memory; any step can be made to fail."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from facesearch.adapters.memory.callbacks import MemoryCallbackStore
from facesearch.adapters.memory.jobs import MemoryJobStore
from facesearch.adapters.memory.stores import MemoryObjects, MemoryReader
from facesearch.adapters.memory.watches import MemoryWatchStore
from facesearch.deletion.search import SearchDeletion
from facesearch.errors import NoFaceFound
from facesearch.faces.matching import StoredProbe, StoringMatcher
from facesearch.models import Event, Job, JobStatus, PhotoMatch, SearchKey, SearchSummary
from facesearch.webhooks.commands import WatchCommand
from facesearch.webhooks.watches.runner import WatchRunner
from facesearch.webhooks.watches.watch import CollapsedWatchRequests, Watch
from tests.support.fakes import EVENT, EVENT_ID, ORG, MemoryClaims, OpenProbes
from tests.support.site import Inline
from tests.unit.webhooks.bench import CALLBACK, Ends, Fuse, Fused, MemoryQueue

DAY = 86_400
LEFT = 30.0


@dataclass
class PeopleMatcher:
    """`StoringMatcher` whose selfies are names; a photo is found by whoever is in it."""

    people: dict[str, set[int]] = field(default_factory=dict)
    refreshed: int = 0
    matched: int = 0

    def probe_is_paid(self, event: Event) -> bool:
        return False

    def probe(self, event: Event, selfies: Sequence[bytes], search: SearchKey, seconds: float) -> str:
        return self.recall(event, [self.keepable(event, selfies)])[0]

    def keepable(self, event: Event, selfies: Sequence[bytes]) -> StoredProbe:
        if b"nobody" in selfies:
            raise NoFaceFound("No face was found in the selfie.")
        return StoredProbe(event.model, selfies[0])

    def recall(self, event: Event, kept: Sequence[StoredProbe]) -> list[str]:
        self.refreshed += 1
        assert {each.model for each in kept} == {event.model}
        return [each.values.decode() for each in kept]

    def match(self, event: Event, probe: str) -> list[PhotoMatch]:
        self.matched += 1
        return [PhotoMatch(uuid.UUID(int=number), 30, 40) for number in sorted(self.people.get(probe, ()))]

    def summary(self, event: Event, probe: str, photos: Sequence[PhotoMatch]) -> SearchSummary:
        return SearchSummary(len(photos), event.confidence)


class WatchBench:
    """The event; Anna is in photo 1, and everybody may watch."""

    def __init__(self, most: int = 10_000) -> None:
        self.fuse = Fuse()
        self.reader = MemoryReader()
        self.reader.events[EVENT_ID] = EVENT
        self.jobs = MemoryJobStore(self.reader)
        self.store, self.commands, self.ends = MemoryWatchStore(most), MemoryQueue(), Ends()
        self.matcher, self.probes = PeopleMatcher({"anna": {1}}), OpenProbes()
        self.claims, self.selfies = MemoryClaims(), MemoryObjects()
        self.clock = 1_000.0
        assert isinstance(self.matcher, StoringMatcher)
        fused: dict[str, Any] = {
            name: Fused(part, self.fuse)
            for name, part in {
                "watches": self.store,
                "results": self.reader,
                "announcer": self.ends,
                "commands": self.commands,
            }.items()
        }
        self.runner = WatchRunner(
            matcher=self.matcher, probes=self.probes, reader=self.reader, retention_days=30, **fused
        )
        self.requests = CollapsedWatchRequests(commands=self.commands, watches=self.store, clock=lambda: self.clock)
        self.eraser = SearchDeletion(
            results=self.reader,
            idempotency=self.claims,
            jobs=self.jobs,
            watches=self.store,
            selfies=self.selfies,
            callbacks=MemoryCallbackStore(),
            pool=Inline(),
        )

    def search(self, person: str = "anna", number: int = 7, days: int | None = 30) -> Job:
        """A finished search that a webhook has asked for."""
        key = SearchKey(ORG, EVENT_ID, uuid.UUID(int=number))
        job = Job(key, selfies=("s",), callback_url=CALLBACK, metadata={"n": number}, watch_days=days, created_at=1)
        self.jobs.add(replace(job, status=JobStatus.DONE))
        photos = self.matcher.match(EVENT, person)
        self.reader.save(key, SearchSummary(len(photos), 90), photos)
        return job

    def watch(self, person: str = "anna", number: int = 7, days: int | None = 30) -> Watch:
        job = self.search(person, number, days)
        self.runner.watch(job, lambda: [person.encode()])
        watch = self.store.watches.get(job.search)
        assert watch is not None
        return watch

    def change(self, **changes: Any) -> None:
        self.reader.events[EVENT_ID] = replace(self.reader.events[EVENT_ID], **changes)

    def round(self, *, last: bool = False, left: float = LEFT, command: WatchCommand | None = None) -> None:
        self.runner.run(command or WatchCommand(ORG, EVENT_ID), lambda: left, last=last)

    def stored(self, request_id: uuid.UUID) -> list[int] | None:
        """Numbers of the photos in a result."""
        result = self.reader.results.get(SearchKey(ORG, EVENT_ID, request_id))
        return None if result is None else [photo.image_id.int for photo in result[1]]
