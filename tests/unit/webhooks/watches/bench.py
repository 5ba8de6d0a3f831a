"""An event that is watched, with everything around it in memory; any step can be made to fail."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from facesearch.faces.matching import StoredProbe
from facesearch.models import Event, Job, JobStatus, PhotoMatch, SearchKey, SearchSummary
from facesearch.webhooks.commands import WatchCommand
from facesearch.webhooks.watches.watch import CollapsedWatchRequests, Watch
from tests.support.fakes import EVENT, EVENT_ID, ORG, FakeMatcher
from tests.support.site import Inline
from tests.unit.webhooks.bench import CALLBACK, WebhookBench

DAY = 86_400


@dataclass
class PeopleMatcher(FakeMatcher):
    """Its selfies are names; a photo is found by whoever is in it."""

    people: dict[str, set[int]] = field(default_factory=lambda: {"anna": {1}})
    refreshed: int = 0

    def recall(self, event: Event, kept: Sequence[StoredProbe]) -> list[bytes]:
        self.refreshed += 1
        assert {each.model for each in kept} == {event.model}
        return super().recall(event, kept)

    def match(self, event: Event, probe: bytes) -> list[PhotoMatch]:
        return [PhotoMatch(uuid.UUID(int=number), 30, 40) for number in sorted(self.people.get(probe.decode(), ()))]


class WatchBench(WebhookBench):
    """Anna is in photo 1, and everybody may watch."""

    matcher: PeopleMatcher

    def __init__(self, most: int = 10_000) -> None:
        super().__init__(Inline(), PeopleMatcher(), most)
        self.clock = 1_000.0
        self.requests = CollapsedWatchRequests(commands=self.queue, watches=self.watches, clock=lambda: self.clock)

    def search(self, person: str = "anna", number: int = 7, days: int | None = 30) -> Job:
        """A finished search that a webhook has asked for."""
        key = SearchKey(ORG, EVENT_ID, uuid.UUID(int=number))
        job = Job(key, selfies=("s",), callback_url=CALLBACK, metadata={"n": number}, watch_days=days, created_at=1)
        self.jobs.add(replace(job, status=JobStatus.DONE))
        photos = self.matcher.match(EVENT, person.encode())
        self.reader.save(key, SearchSummary(len(photos), 90), photos)
        return job

    def watch(self, person: str = "anna", number: int = 7, days: int | None = 30) -> Watch:
        job = self.search(person, number, days)
        self.watching.watch(job, lambda: [person.encode()])
        return self.watches.watches[job.search]

    def round(self, *, last: bool = False, left: float = 30, command: WatchCommand | None = None) -> None:
        self.watching.run(command or WatchCommand(ORG, EVENT_ID), lambda: left, last=last)

    def found(self, search: SearchKey) -> list[int] | None:
        """Numbers of the photos in a result."""
        result = self.reader.results.get(search)
        return None if result is None else [photo.image_id.int for photo in result[1]]

    @property
    def told(self) -> list[SearchKey]:
        """Each child once, as callbacks are, in their order."""
        return list(dict.fromkeys(end.search for end in self.ends.heard))
