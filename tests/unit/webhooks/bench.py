"""Webhooks, their searches and watches with everything around them in memory; any step can be made to fail."""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from facesearch.adapters.memory.stores import MemoryObjects, MemoryReader, MemoryTokenBuckets
from facesearch.adapters.memory.webhooks import MemoryCallbackStore, MemoryJobStore, MemoryWatchStore
from facesearch.deletion.search import SearchDeletion
from facesearch.errors import SelfieUnavailable
from facesearch.faces.matching import StoredProbe
from facesearch.models import Event, Job, JobStatus, PhotoMatch, QuotaLimits, SearchKey, SearchSummary
from facesearch.search.face_search import FaceSearch
from facesearch.search.quota import Account, Meter
from facesearch.webhooks.commands import (
    COMMANDS,
    Command,
    MessageDelivery,
    NotNowError,
    SearchCommand,
    SearchCommands,
    WatchCommand,
)
from facesearch.webhooks.intake import Accepted, WebhookIntake
from facesearch.webhooks.job_runner import JobRunner
from facesearch.webhooks.jobs import Announcer, JobEnd
from facesearch.webhooks.outbound import Outbound, PostResult, RefusedUrlError
from facesearch.webhooks.pending_selfies import PendingSelfies, PendingSelfieStore
from facesearch.webhooks.requests import parse_webhook
from facesearch.webhooks.watches.runner import WatchRunner
from facesearch.webhooks.watches.watch import CollapsedWatchRequests, Watch
from tests.support.fakes import (
    EVENT,
    EVENT_ID,
    ORG,
    FakeMatcher,
    MemoryClaims,
    MemorySelfies,
    MemoryShares,
    MemoryUploads,
    OpenProbes,
)
from tests.support.site import Fuse, Inline

DELIVERIES = 4
CALLBACK = "https://partner.example/hook"
SELFIE = "https://partner.example/selfie.jpg"


class CrashError(BaseException):
    """The process has died here, and no code of its own sees it."""


def deaths(fuse: Fuse) -> Iterator[int]:
    """1, 2, …: after how many steps the loop's body has its process die, until they are more than there are."""
    for steps in itertools.count(1):
        yield steps
        if fuse.left:
            fuse.left = None
            return


def raising(error: BaseException) -> Callable[..., Any]:
    """A function that takes anything, and raises."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@dataclass
class MemoryQueue(SearchCommands):
    """Commands as they were sent, and by how much which delivery was put off."""

    sent: list[tuple[Any, int]] = field(default_factory=list)
    postponed: list[tuple[str, int]] = field(default_factory=list)

    def send(self, command: Command, delay: int = 0) -> None:
        self.sent.append((COMMANDS.validate_json(COMMANDS.dump_json(command, exclude_defaults=True)), delay))

    def postpone(self, receipt: str, seconds: int) -> None:
        self.postponed.append((receipt, seconds))


@dataclass
class MemoryPendingSelfies(PendingSelfieStore):
    """Selfies that came along."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def keep(self, search: SearchKey, selfie: bytes) -> str:
        key = f"{search.request_id}/{len(self.kept)}/{uuid.uuid4()}"
        self.kept[key] = selfie
        return key

    def fetch(self, key: str) -> bytes:
        if key not in self.kept:
            raise SelfieUnavailable("The selfie is no longer there.")
        return self.kept[key]

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


@dataclass
class FakeHost(Outbound):
    """Serves every URL alike."""

    response: Callable[[], bytes] = lambda: b"guest"
    asked: list[str] = field(default_factory=list)

    def check(self, url: str) -> None:
        if not url.startswith("https://"):
            raise RefusedUrlError("The URL must begin with https://.")

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.response()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        raise AssertionError


@dataclass
class Ends(Announcer):
    """What was announced."""

    heard: list[JobEnd] = field(default_factory=list)

    def announce(self, end: JobEnd) -> None:
        if end.callback_url:
            self.heard.append(end)

    @property
    def told(self) -> set[tuple[uuid.UUID, str]]:
        """One of each, as a receiver counts them."""
        return {(end.search.request_id, end.type) for end in self.heard}


class WebhookBench:
    """An event with twelve photos of everybody, and a partner who sends webhooks; any step can be made to fail."""

    def __init__(self, pool: Executor, matcher: FakeMatcher | None = None, most_watches: int = 10_000) -> None:
        self.fuse = Fuse(CrashError(), after=True)
        self.reader = MemoryReader()
        self.reader.events[EVENT_ID] = EVENT
        self.jobs, self.watches = MemoryJobStore(self.reader), MemoryWatchStore(most_watches)
        self.queue, self.waiting, self.host, self.ends = MemoryQueue(), MemoryPendingSelfies(), FakeHost(), Ends()
        self.matcher, self.claims, self.kept = matcher or FakeMatcher(), MemoryClaims(), MemorySelfies()
        self.probes, self.files = OpenProbes(), MemoryObjects()
        self.limits = QuotaLimits(per_minute=6000, burst=100)
        self.shares = MemoryShares(2)
        wrap = self.fuse.wrap
        parts: dict[str, Any] = {
            "reader": self.reader, "jobs": wrap(self.jobs), "selfies": wrap(self.waiting), "shares": self.shares,
            "commands": wrap(self.queue), "announcer": wrap(self.ends),
        }  # fmt: skip
        self.intake = WebhookIntake(outbound=self.host, watching=True, **parts)
        results: dict[str, Any] = {"results": self.reader, "idempotency": self.claims, "pool": pool}
        self.deletion = SearchDeletion(
            jobs=self.jobs, watches=self.watches, selfies=self.files, callbacks=MemoryCallbackStore(), **results
        )
        self.watching = WatchRunner(
            reader=self.reader, matcher=self.matcher, probes=self.probes, watches=wrap(self.watches),
            results=wrap(self.reader), announcer=parts["announcer"], commands=parts["commands"], retention_days=30,
        )  # fmt: skip
        search = FaceSearch(
            reader=self.reader, matcher_of=lambda _: self.matcher, selfies=self.kept, uploads=MemoryUploads(),
            wait_seconds=0, **results,
        )  # fmt: skip
        self.runner = JobRunner(
            search=search,
            meter=lambda org_id, quota: Meter(
                Account(MemoryTokenBuckets(self.reader.quotas), str(org_id), self.limits, quota)
            ),
            deliveries=DELIVERIES,
            watcher=self.watching,
            delete_search=self.deletion.delete_rest,
            **parts | {"selfies": PendingSelfies(store=parts["selfies"], outbound=self.host, pool=pool)},
        )

    def send(self, message: str = "msg_1", **body: Any) -> Accepted:
        if not body.keys() & {"selfie_url", "selfie_base64"}:
            body["selfie_url"] = SELFIE
        return self.intake.receive(EVENT, parse_webhook(json.dumps(body).encode()), message)

    def deliver(self, number: int = 1, command: SearchCommand | None = None) -> None:
        """Deliver a command, the latest unless given, for the n-th time, to an invocation that has just begun."""
        delivery = MessageDelivery(number, f"receipt {number}", lambda: 30)
        self.runner.run(command or self.queue.sent[-1][0], delivery)

    def deliver_again(self, *numbers: int, command: SearchCommand | None = None) -> None:
        """Deliver a command that is not done each time."""
        for number in numbers:
            with pytest.raises(NotNowError):
                self.deliver(number, command)

    def deliver_until_over(self) -> None:
        """Deliver everything as SQS does, after crashes too, until it is over."""
        while self.queue.sent:
            try:
                self.deliver(1, self.queue.sent[0][0])
            except CrashError:
                self.fuse.left = None
            else:
                self.queue.sent.pop(0)

    def change(self, **changes: Any) -> None:
        """Change the event."""
        self.reader.events[EVENT_ID] = replace(self.reader.events[EVENT_ID], **changes)

    def status(self, search: SearchKey) -> tuple[JobStatus, str]:
        job = self.reader.jobs[search]
        return job.status, job.reason

    @property
    def is_empty(self) -> bool:
        """Whether nothing was begun, or nothing of it is left."""
        return not (self.reader.jobs or self.reader.webhooks or self.waiting.kept or self.queue.sent)


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
