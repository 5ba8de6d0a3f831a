"""Receivers, queues and clocks that a test has in its hand."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from standardwebhooks import Webhook

from facesearch.adapters.memory.callbacks import MemoryCallbackStore
from facesearch.adapters.memory.stores import MemoryReader
from facesearch.adapters.outbound import PostResult
from facesearch.models import WebhookSecret
from facesearch.webhooks.announcing import JobEnd
from facesearch.webhooks.callbacks import Callback, CallbackKey, CallbackQueue, DeliveryAttempt
from facesearch.webhooks.callbacks.callback import callback_of
from facesearch.webhooks.callbacks.delivery import CallbackDelivery, DeliveryReport
from facesearch.webhooks.callbacks.plan import Plan
from tests.support.fakes import EVENT, EVENT_ID, ORG, MemoryShares
from tests.support.site import Inline

URL = "https://partner.example/hooks/private-path?token=private"
REQUEST = uuid.UUID(int=7)
SECRETS = tuple(WebhookSecret(name, f"whsec_{name * 10}AAA=", "2026-01-01T00:00:00+00:00") for name in ("abcd", "efgh"))
END = JobEnd(ORG, EVENT_ID, REQUEST, "face_search.completed", 12, 90, None, {"bib": "private-bib"}, URL)
NOW = 1_800_000_000.0
KEY = callback_of(END, NOW).key


@dataclass
class Receiver:
    """`Sender` whose receiver answers as it is told, the last answer for ever; an exception stands for no answer."""

    answers: list[Any] = field(default_factory=lambda: [204])
    got: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)
    during: Callable[[], Any] = lambda: None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        self.got.append((url, body, dict(headers)))
        self.during()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, PostResult) else PostResult(answer, None)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, _, headers in self.got]

    def verified(self, number: int, secret: WebhookSecret) -> Any:
        """What it got, checked by the library as of now; the number may be negative."""
        _, body, headers = self.got[number]
        return Webhook(secret.secret).verify(body, dict(headers))


@dataclass
class MemoryTurns:
    """`TurnQueue` and `DeadLetters` over lists."""

    waiting: list[DeliveryAttempt] = field(default_factory=list)
    dead: list[DeliveryAttempt] = field(default_factory=list)

    def send(self, turn: DeliveryAttempt) -> None:
        self.waiting.append(turn)

    def bury(self, turn: DeliveryAttempt) -> None:
        self.dead.append(turn)

    def take(self, wanted: Callable[[DeliveryAttempt], bool]) -> int:
        taken = [turn for turn in self.dead if wanted(turn)]
        self.dead = [turn for turn in self.dead if turn not in taken]
        return len(taken)


class CallbackBench:
    """The parts of callbacks over memory, at a time that passes only when a test says so."""

    def __init__(self, *, delays: tuple[int, ...] = (5, 300), secrets: tuple[WebhookSecret, ...] = SECRETS) -> None:
        self.now = NOW
        self.callbacks, self.queue, self.receiver = MemoryCallbackStore(), MemoryTurns(), Receiver()
        self.reader = MemoryReader()
        self.reader.events[EVENT_ID] = EVENT
        self.reader.secrets[ORG] = secrets
        self.plan = Plan(delays, lambda low, high: (low + high) / 2)
        self.shares = MemoryShares(2)
        self.wrap: Callable[[Any], Any] = lambda part: part

    @property
    def announcer(self) -> CallbackQueue:
        return CallbackQueue(self.wrap(self.callbacks), self.wrap(self.queue), lambda: self.now)

    @property
    def deliverer(self) -> CallbackDelivery:
        return CallbackDelivery(
            callbacks=self.wrap(self.callbacks),
            addresses=self.wrap(self.callbacks),
            queue=self.wrap(self.queue),
            sender=self.wrap(self.receiver),
            reader=self.reader,
            plan=self.plan,
            api_base_url="https://api.example/live",
            pool=Inline(),
            shares=self.shares,
            clock=lambda: self.now,
        )

    def announce(self, **changes: Any) -> CallbackKey:
        end = replace(END, **changes)
        self.announcer.announce(end)
        return callback_of(end, self.now).key

    def deliver(self, turn: DeliveryAttempt) -> DeliveryReport:
        return self.deliverer.deliver(turn.to_message())

    def run(self, *, most: int = 1_000) -> list[DeliveryReport]:
        """Handle what is in the queue, and pass the time until each is due, to the end."""
        reports: list[DeliveryReport] = []
        while self.queue.waiting and len(reports) < most:
            turn = min(self.queue.waiting, key=lambda each: each.not_before)
            self.queue.waiting.remove(turn)
            self.now = max(self.now, turn.not_before)
            reports.append(self.deliver(turn))
        return reports

    def callback(self, key: CallbackKey = KEY) -> Callback:
        found = self.callbacks.get(key)
        assert found is not None
        return found


def content(body: bytes) -> Any:
    return json.loads(body)
