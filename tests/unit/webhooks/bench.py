"""Webhooks and their searches with everything around them in memory; any step can be made to fail."""

import itertools
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from facesearch.adapters.memory.callbacks import MemoryCallbackStore
from facesearch.adapters.memory.jobs import MemoryJobStore
from facesearch.adapters.memory.stores import MemoryObjects, MemoryReader, MemoryTokenBuckets
from facesearch.adapters.memory.watches import MemoryWatchStore
from facesearch.deletion.search import SearchDeletion
from facesearch.errors import SelfieUnavailable
from facesearch.models import Job, JobStatus, QuotaLimits, QuotaState, SearchKey
from facesearch.search.face_search import FaceSearch
from facesearch.search.quota import Meter
from facesearch.webhooks.commands import COMMANDS, Command, MessageDelivery, SearchCommand, SearchCommands
from facesearch.webhooks.intake import Accepted, WebhookIntake
from facesearch.webhooks.job_runner import JobRunner
from facesearch.webhooks.jobs import Announcer, JobEnd
from facesearch.webhooks.outbound import Outbound, PostResult, RefusedUrlError
from facesearch.webhooks.pending_selfies import PendingSelfies, PendingSelfieStore
from facesearch.webhooks.requests import WebhookRequest
from facesearch.webhooks.watches.runner import WatchRunner
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

DELIVERIES = 4
CALLBACK = "https://partner.example/hook"
SELFIE = "https://partner.example/selfie.jpg"


class CrashError(BaseException):
    """The process has died here."""


@dataclass
class Fuse:
    """Lets a process die after its n-th step, or lets that step's reply be lost."""

    left: int | None = None
    error: BaseException = field(default_factory=CrashError)

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if not self.left:
                raise self.error


class Fused:
    """Something whose every call is a step."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **more: Any) -> Any:
            result = method(*arguments, **more)
            self._fuse.step()
            return result

        return call


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

    answer: Callable[[], bytes] = lambda: b"guest"
    asked: list[str] = field(default_factory=list)

    def check(self, url: str) -> None:
        if not url.startswith("https://"):
            raise RefusedUrlError("The URL must begin with https://.")

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.answer()

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
    """An event with twelve photos of everybody, and a partner who sends webhooks."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.fuse = Fuse()
        self.reader = MemoryReader()
        self.reader.events[EVENT_ID] = EVENT
        self.store = MemoryJobStore(self.reader)
        self.queue, self.waiting, self.host, self.ends = MemoryQueue(), MemoryPendingSelfies(), FakeHost(), Ends()
        self.matcher, self.claims, self.kept = FakeMatcher(), MemoryClaims(), MemorySelfies()
        self.limits = QuotaLimits(per_minute=60, burst=5)
        self.shares = MemoryShares(2)
        fused: dict[str, Any] = {
            name: Fused(part, self.fuse)
            for name, part in {
                "jobs": self.store,
                "selfies": self.waiting,
                "commands": self.queue,
                "announcer": self.ends,
            }.items()
        }
        self.intake = WebhookIntake(
            reader=self.reader,
            outbound=self.host,
            shares=self.shares,
            watching=True,
            **fused,
        )
        self.watches = MemoryWatchStore()
        eraser = SearchDeletion(
            results=self.reader,
            idempotency=self.claims,
            jobs=self.store,
            watches=self.watches,
            selfies=MemoryObjects(),
            callbacks=MemoryCallbackStore(),
            pool=pool,
        )
        watching = WatchRunner(
            matcher=self.matcher,
            probes=OpenProbes(),
            watches=Fused(self.watches, self.fuse),
            reader=self.reader,
            results=self.reader,
            announcer=fused["announcer"],
            commands=MemoryQueue(),
            retention_days=30,
        )
        search = FaceSearch(
            matcher=self.matcher,
            idempotency=self.claims,
            results=self.reader,
            selfies=self.kept,
            uploads=MemoryUploads(),
            reader=self.reader,
            pool=pool,
            wait_seconds=0,
        )
        self.runner = JobRunner(
            reader=self.reader,
            search=search,
            meter=self.meter,
            deliveries=DELIVERIES,
            shares=self.shares,
            watcher=watching,
            delete_search=eraser.delete_rest,
            **fused | {"selfies": PendingSelfies(store=fused["selfies"], outbound=self.host, pool=pool)},
        )

    def meter(self, org_id: int, quota: QuotaState) -> Meter:
        return Meter(MemoryTokenBuckets(self.reader.quotas), org_id, self.limits, quota)

    def send(self, message: str = "msg_1", **body: Any) -> Accepted:
        if not body.keys() & {"selfie_url", "selfie_base64"}:
            body["selfie_url"] = SELFIE
        return self.intake.receive(EVENT, WebhookRequest.model_validate(body), message)

    def deliver(self, number: int = 1, command: SearchCommand | None = None) -> None:
        """Deliver a command, the latest unless given, for the n-th time, to an invocation that has just begun."""
        delivery = MessageDelivery(number, f"receipt {number}", lambda: 30)
        self.runner.run(command or self.queue.sent[-1][0], delivery)

    def deliver_until_over(self) -> int:
        """Deliver everything as SQS does, after crashes too, until it is over; how many deliveries that took."""
        for deliveries in itertools.count():
            if not self.queue.sent:
                return deliveries
            try:
                self.deliver(1, self.queue.sent[0][0])
            except CrashError:
                self.fuse.left = None
            else:
                self.queue.sent.pop(0)
        raise AssertionError

    def job(self, request_id: uuid.UUID) -> Job:
        return self.reader.jobs[SearchKey(ORG, EVENT_ID, request_id)]

    def status(self, request_id: uuid.UUID) -> tuple[JobStatus, str]:
        job = self.job(request_id)
        return job.status, job.reason
