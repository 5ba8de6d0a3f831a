"""Webhooks and their searches with everything around them in memory; any step can be made to fail."""

import itertools
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

from facesearch.adapters.memory.jobs import MemoryJobStore
from facesearch.adapters.memory.stores import MemoryObjects, MemoryReader, MemoryTokenBuckets
from facesearch.adapters.memory.watches import MemoryWatchStore
from facesearch.deletion.search import SearchDeletion
from facesearch.errors import SelfieUnavailable
from facesearch.models import Job, JobStatus, SearchKey
from facesearch.search.face_search import FaceSearch, WaitPolicy
from facesearch.search.quota import Meter, QuotaLimits, QuotaState
from facesearch.webhooks.announcing import JobEnd
from facesearch.webhooks.commands import SearchCommand
from facesearch.webhooks.intake import Accepted, WebhookIntake
from facesearch.webhooks.job_runner import JobRunner, MessageDelivery
from facesearch.webhooks.outbound import RefusedUrlError
from facesearch.webhooks.pending_selfies import PendingSelfies
from facesearch.webhooks.requests import WebhookRequest
from facesearch.webhooks.watches.commands import WatchCommand
from facesearch.webhooks.watches.runner import WatchRunner
from tests.support.fakes import (
    EVENT,
    EVENT_ID,
    ORG,
    Context,
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
class MemoryQueue:
    """Orders as they were sent, and by how much which delivery was put off."""

    sent: list[tuple[SearchCommand, int]] = field(default_factory=list)
    postponed: list[tuple[str, int]] = field(default_factory=list)

    def send(self, order: SearchCommand, delay: int = 0) -> None:
        self.sent.append((SearchCommand.of(order.to_text()), delay))

    def postpone(self, receipt: str, seconds: int) -> None:
        self.postponed.append((receipt, seconds))


@dataclass
class MemoryOrders:
    """Orders to look through watches."""

    sent: list[tuple[WatchCommand, int]] = field(default_factory=list)

    def send(self, order: WatchCommand, delay: int = 0) -> None:
        read = WatchCommand.of(order.to_text())
        assert read is not None
        self.sent.append((read, delay))


@dataclass
class MemoryWaiting:
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

    def forget(self, key: str) -> None:
        self.kept.pop(key, None)


@dataclass
class FakeHost:
    """Serves every URL alike."""

    answer: Callable[[], bytes] = lambda: b"guest"
    asked: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.answer()


@dataclass
class Ends:
    """What was announced."""

    heard: list[JobEnd] = field(default_factory=list)

    def announce(self, end: JobEnd) -> None:
        self.heard.append(end)

    @property
    def told(self) -> set[tuple[uuid.UUID, str]]:
        """One of each, as a receiver counts them."""
        return {(end.request_id, end.type) for end in self.heard}


def check_url(url: str) -> None:
    if not url.startswith("https://"):
        raise RefusedUrlError("The URL must begin with https://.")


class WebhookBench:
    """An event with twelve photos of everybody, and a partner who sends webhooks."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.fuse = Fuse()
        self.reader = MemoryReader()
        self.reader.events[EVENT_ID] = EVENT
        self.store = MemoryJobStore(self.reader)
        self.queue, self.waiting, self.host, self.ends = MemoryQueue(), MemoryWaiting(), FakeHost(), Ends()
        self.matcher, self.claims, self.kept = FakeMatcher(), MemoryClaims(), MemorySelfies()
        self.limits = QuotaLimits(per_minute=60, burst=5)
        self.shares = MemoryShares(2)
        fused: dict[str, Any] = {
            name: Fused(part, self.fuse)
            for name, part in {
                "jobs": self.store,
                "selfies": self.waiting,
                "queue": self.queue,
                "announcer": self.ends,
            }.items()
        }
        self.receiver = WebhookIntake(
            reader=self.reader, check_url=check_url, shares=self.shares, watching=True, **fused
        )
        self.watches = MemoryWatchStore()
        eraser = SearchDeletion(self.reader, self.store, self.claims, MemoryObjects(), self.watches)
        watching = WatchRunner(
            matcher=self.matcher,
            probes=OpenProbes(),
            watches=Fused(self.watches, self.fuse),
            reader=self.reader,
            results=self.reader,
            announcer=fused["announcer"],
            orders=MemoryOrders(),
            retention_days=30,
        )
        search = FaceSearch(
            matcher=self.matcher,
            claims=self.claims,
            results=self.reader,
            selfies=self.kept,
            uploads=MemoryUploads(),
            reader=self.reader,
            pool=pool,
            patience=WaitPolicy(0),
        )
        self.jobs = JobRunner(
            reader=self.reader,
            search=search,
            meter=self.meter,
            deliveries=DELIVERIES,
            shares=self.shares,
            watching=watching,
            forget=eraser.forget,
            **fused | {"selfies": PendingSelfies(fused["selfies"], self.host, pool)},
        )

    def meter(self, org_id: int, quota: QuotaState) -> Meter:
        return Meter(MemoryTokenBuckets(self.reader.quotas), org_id, self.limits, quota)

    def send(self, message: str = "msg_1", **body: Any) -> Accepted:
        if not body.keys() & {"selfie_url", "selfie_base64"}:
            body["selfie_url"] = SELFIE
        return self.receiver.receive(EVENT, WebhookRequest.model_validate(body), message)

    def deliver(self, number: int = 1, order: SearchCommand | None = None) -> None:
        """Deliver an order, the latest unless given, for the n-th time."""
        self.jobs.run(
            order or self.queue.sent[-1][0],
            MessageDelivery(number, f"receipt {number}"),
            cast("Any", Context(milliseconds=30_000)),
        )

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
