"""Receivers, queues and clocks that a test has in its hand."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from facesearch.adapters.memory.stores import MemoryReader
from facesearch.adapters.memory.webhooks import MemoryCallbackStore
from facesearch.models import SearchKey, SearchSummary, WebhookSecret
from facesearch.webhooks.callbacks.callback import (
    ATTEMPTS,
    AttemptQueue,
    Callback,
    CallbackAnnouncer,
    CallbackKey,
    DeliveryAttempt,
    callback_of,
)
from facesearch.webhooks.callbacks.delivery import CallbackDelivery, DeliveryReport
from facesearch.webhooks.callbacks.replay import CallbackReplay, Replayed
from facesearch.webhooks.jobs import JobEnd
from facesearch.webhooks.outbound import PostResult
from tests.support.fakes import EVENT, EVENT_ID, ORG, MemoryShares
from tests.support.site import Inline
from tests.unit.webhooks.bench import FakeHost

URL = "https://partner.example/hooks/private-path?token=private"
REQUEST = uuid.UUID(int=7)
SECRETS = tuple(WebhookSecret(name, f"whsec_{name * 10}AAA=", "2026-01-01T00:00:00+00:00") for name in ("abcd", "efgh"))
SEARCH = SearchKey(ORG, EVENT_ID, REQUEST)
END = JobEnd(SEARCH, "face_search.completed", URL, {"bib": "private-bib"}, SearchSummary(12, 90))
NOW = 1_800_000_000.0
KEY = callback_of(END, NOW).key


@dataclass
class Receiver(FakeHost):
    """One that responds as it is told, the last response for ever; an exception stands for no response."""

    responses: list[Any] = field(default_factory=lambda: [204])
    got: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)
    during: Callable[[], Any] = lambda: None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        self.got.append((url, body, dict(headers)))
        self.during()
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return response if isinstance(response, PostResult) else PostResult(response)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, _, headers in self.got]


@dataclass
class MemoryAttempts(AttemptQueue):
    """Over lists."""

    waiting: list[DeliveryAttempt] = field(default_factory=list)
    dead: list[DeliveryAttempt] = field(default_factory=list)

    def send(self, attempt: DeliveryAttempt) -> None:
        self.waiting.append(attempt)

    def add_dead_letter(self, attempt: DeliveryAttempt) -> None:
        self.dead.append(attempt)

    def delete_dead_letters(self, is_over: Callable[[DeliveryAttempt], bool]) -> int:
        over = [attempt for attempt in self.dead if is_over(attempt)]
        self.dead = [attempt for attempt in self.dead if attempt not in over]
        return len(over)


class CallbackBench:
    """The parts of callbacks over memory, at a time that passes only when a test says so."""

    def __init__(self, *, delays: tuple[int, ...] = (5, 300), secrets: tuple[WebhookSecret, ...] = SECRETS) -> None:
        self.now = NOW
        self.callbacks, self.queue, self.receiver = MemoryCallbackStore(), MemoryAttempts(), Receiver()
        self.reader = MemoryReader()
        self.reader.events[EVENT_ID] = EVENT
        self.reader.secrets[ORG] = secrets
        self.delays = delays
        self.uniform: Callable[[float, float], float] = lambda low, high: (low + high) / 2
        self.shares = MemoryShares(2)
        self.wrap: Callable[[Any], Any] = lambda part: part

    @property
    def announcer(self) -> CallbackAnnouncer:
        store, queue = self.wrap(self.callbacks), self.wrap(self.queue)
        return CallbackAnnouncer(callbacks=store, queue=queue, clock=lambda: self.now)

    @property
    def delivery(self) -> CallbackDelivery:
        return CallbackDelivery(
            callbacks=self.wrap(self.callbacks), queue=self.wrap(self.queue), outbound=self.wrap(self.receiver),
            reader=self.reader, delays=self.delays, api_base_url="https://api.example/live", pool=Inline(),
            shares=self.shares, clock=lambda: self.now, uniform=self.uniform,
        )  # fmt: skip

    def announce(self, *, org_id: int = ORG, **changes: Any) -> CallbackKey:
        end = replace(END, search=replace(SEARCH, org_id=org_id), **changes)
        self.announcer.announce(end)
        return callback_of(end, self.now).key

    def deliver(self, attempt: DeliveryAttempt) -> DeliveryReport:
        return self.delivery.deliver(written(attempt))

    def run(self, *, most: int = 1_000) -> list[DeliveryReport]:
        """Handle what is in the queue, and pass the time until each is due, to the end."""
        reports: list[DeliveryReport] = []
        while self.queue.waiting and len(reports) < most:
            reports.append(self.deliver(self.next()))
        return reports

    def next(self) -> DeliveryAttempt:
        """Take what is due first, when it is due."""
        attempt = min(self.queue.waiting, key=lambda each: each.not_before)
        self.queue.waiting.remove(attempt)
        self.now = max(self.now, attempt.not_before)
        return attempt

    def outcomes(self) -> list[str]:
        return [report.outcome.name for report in self.run()]

    def replay(self, *wanted: uuid.UUID, wrap: Callable[[Any], Any] = lambda part: part) -> Replayed:
        return self.replays(wrap).replay(ORG, wanted)

    def replays(self, wrap: Callable[[Any], Any] = lambda part: part) -> CallbackReplay:
        return CallbackReplay(callbacks=wrap(self.callbacks), queue=wrap(self.queue), clock=lambda: self.now)

    def callback(self, key: CallbackKey = KEY) -> Callback:
        return self.callbacks.callbacks[key]


def written(attempt: DeliveryAttempt) -> str:
    return ATTEMPTS.dump_json(attempt, exclude_defaults=True).decode()


def content(body: bytes) -> Any:
    return json.loads(body)
