"""Sending callbacks: signed, at least once, until the receiver takes them or the plan is over.

A turn ends in this order, so that a process may die at any point:

1. It is claimed: a message that came twice is sent once. The claim runs out by itself.
2. The callback is sent.
3. The next turn is queued, or the dead letter is; the address is switched off.
4. The callback is written down as it is now, which gives the claim back.

Whoever dies before 4 has its message delivered again, and the callback is sent once more under the same `webhook-id`.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from facesearch.adapters.outbound import PostResult
from facesearch.models import WebhookSecret
from facesearch.reading import Reader, Wanted
from facesearch.webhooks.callbacks.attempts import AttemptQueue, DeliveryAttempt
from facesearch.webhooks.callbacks.callback import Addresses, Callback, CallbackStore, Status, again, body_with_host
from facesearch.webhooks.callbacks.plan import Plan
from facesearch.webhooks.outbound import FetchFailedError, RefusedUrlError
from facesearch.webhooks.shares import Shares
from facesearch.webhooks.signing import sign

CLAIM_SECONDS = 20
"""Sending takes 15 s at most."""
ASIDE_SECONDS = 1_800
"""A turn that could not be had for so long is over: the attempt has failed, and the plan goes on. Shorter than
`OVERDUE_SECONDS`, after which a callback that is due counts as lost."""
LONGEST_ASIDE = 60
POSTPONABLE = (429, 503)
"""Statuses whose Retry-After counts."""


class DeliveryOutcome(StrEnum):
    """What became of a turn."""

    DELIVERED = "callback delivered"
    FAILED = "callback failed"
    DEAD = "callback given up"
    GONE = "callback's address is switched off"
    WAITING = "callback is not due yet"
    STALE = "callback's turn is over"
    ERASED = "callback's event is gone"


@dataclass(frozen=True)
class DeliveryReport:
    """What became of a turn, in words and numbers that may be logged.

    Attributes:
        callback: None if it is not known, or was not looked at.
        seconds: until the next attempt; 0 = there is none.
    """

    outcome: DeliveryOutcome
    turn: DeliveryAttempt
    callback: Callback | None = None
    seconds: float = 0


class BusyError(Exception):
    """Somebody else is sending this callback, or died while doing so: deliver the message again."""


class Sender(Protocol):
    """How a callback reaches its address; see `outbound.Outbound`."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        """POST it, following no redirect.

        Raises:
            RefusedUrlError: nothing is ever sent to such an address.
            FetchFailedError: no answer.
        """


@dataclass(frozen=True)
class _Attempt:
    """How an attempt ended. `status`: 0 = no answer; `final`: another attempt would end the same way."""

    status: int = 0
    reason: str = ""
    retry_after: int | None = None
    final: bool = False

    @property
    def was_taken(self) -> bool:
        return 200 <= self.status < 300


class CallbackDelivery:
    """The use case of the callbacks function."""

    def __init__(  # noqa: PLR0913 - a use case's parts, each by its name
        self,
        *,
        callbacks: CallbackStore,
        addresses: Addresses,
        queue: AttemptQueue,
        sender: Sender,
        reader: Reader,
        plan: Plan,
        api_base_url: str,
        pool: Executor,
        shares: Shares,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the parts; `pool` runs turns side by side, `api_base_url` is what `results_url` begins with. `shares`:
        of an organisation in the workers, each of which waits for the slowest of its batch."""
        self._callbacks = callbacks
        self._addresses = addresses
        self._queue = queue
        self._sender = sender
        self._reader = reader
        self._plan = plan
        self._api_base_url = api_base_url
        self._pool = pool
        self._shares = shares
        self._clock = clock

    def submit(self, message: str) -> "Future[DeliveryReport]":
        """`deliver`, beside others."""
        return self._pool.submit(self.deliver, message)

    def deliver(self, message: str) -> DeliveryReport:
        """Handle one message of the queue.

        Raises:
            BusyError: see there.
            ValueError: that is no message of ours.
        """
        turn = DeliveryAttempt.from_message(message)
        if turn.not_before > self._clock():
            self._queue.send(turn)
            return DeliveryReport(DeliveryOutcome.WAITING, turn)
        callback = self._callbacks.get(turn.key)
        if callback is None:
            return DeliveryReport(DeliveryOutcome.ERASED, turn)
        if turn.is_replay and turn.number > callback.turn:
            callback = self._begin_again(turn, callback)
        if turn.number < callback.turn or callback.status is not Status.PENDING:
            return DeliveryReport(DeliveryOutcome.STALE, turn, callback)
        known = self._reader.read(Wanted(event_id=turn.key.event_id, secrets_of=turn.key.org_id))
        if known.event is None or known.event.closing:
            self._callbacks.remove(turn.key)  # announced while its event was being deleted
            return DeliveryReport(DeliveryOutcome.ERASED, turn)
        now = self._clock()
        share = self._shares.take(turn.key.org_id, CLAIM_SECONDS)
        late = now - callback.next_at
        if share is None and late < ASIDE_SECONDS:
            return self._step_aside(turn, callback, now, late)
        with share or ExitStack():
            if not self._callbacks.claim(turn.key, turn.number, now, now + CLAIM_SECONDS):
                raise BusyError("callback is being sent by somebody else")
            return self._send(turn, callback, known.secrets if share else None)

    def _step_aside(self, turn: DeliveryAttempt, callback: Callback, now: float, late: float) -> DeliveryReport:
        """Queue the same turn again: other receivers of its organisation are being waited for as much as they may."""
        delay = random.uniform(1, 2 + min(LONGEST_ASIDE, max(0.0, late)))  # noqa: S311 - jitter
        self._queue.send(replace(turn, not_before=now + delay))
        return DeliveryReport(DeliveryOutcome.WAITING, turn, callback, delay)

    def _begin_again(self, turn: DeliveryAttempt, callback: Callback) -> Callback:
        """What the replay is about to write itself, or died before it could."""
        self._callbacks.restart(again(callback, turn.number, self._clock()))
        return self._callbacks.get(turn.key) or callback

    def _send(
        self, turn: DeliveryAttempt, callback: Callback, secrets: Sequence[WebhookSecret] | None
    ) -> DeliveryReport:
        if self._addresses.is_off(turn.key.org_id, callback.url):
            return self._settle(DeliveryOutcome.GONE, turn, replace(callback, reason="the address is switched off"))
        attempt = self._attempt(callback, secrets)
        callback = replace(callback, attempts=callback.attempts + 1, last_status=attempt.status, reason=attempt.reason)
        if attempt.was_taken:
            return self._settle(DeliveryOutcome.DELIVERED, turn, callback)
        if attempt.status == 410:
            self._addresses.switch_off(turn.key.org_id, callback.url)
            return self._settle(DeliveryOutcome.GONE, turn, callback)
        delay = None if attempt.final else self._plan.after(callback.attempts, attempt.retry_after)
        if delay is None:
            self._queue.bury(turn)
            return self._settle(DeliveryOutcome.DEAD, turn, callback)
        return self._again(turn, callback, delay)

    def _attempt(self, callback: Callback, secrets: Sequence[WebhookSecret] | None) -> _Attempt:
        if secrets is None:
            return _Attempt(reason="too many other callbacks of the organisation are not responded to")
        if not secrets:  # one may be made before the plan is over
            return _Attempt(reason="the organisation has no webhook secret to sign by")
        body = body_with_host(callback.body, self._api_base_url)
        moment = datetime.fromtimestamp(self._clock(), UTC)
        headers = {"content-type": "application/json"} | sign(str(callback.key.callback_id), moment, body, secrets)
        try:
            delivery = self._sender.post(callback.url, body, headers)
        except RefusedUrlError as error:
            return _Attempt(reason=error.reason, final=True)
        except FetchFailedError as error:
            return _Attempt(reason=error.reason)
        status = delivery.status
        if 200 <= status < 300:
            return _Attempt(status)
        return _Attempt(status, f"answered {status}", delivery.retry_after if status in POSTPONABLE else None)

    def _again(self, turn: DeliveryAttempt, callback: Callback, delay: float) -> DeliveryReport:
        due = self._clock() + delay
        self._queue.send(DeliveryAttempt(turn.key, turn.number + 1, due))
        later = replace(callback, turn=turn.number + 1, next_at=int(due))
        self._callbacks.settle(later, turn.number)
        return DeliveryReport(DeliveryOutcome.FAILED, turn, later, delay)

    def _settle(self, outcome: DeliveryOutcome, turn: DeliveryAttempt, callback: Callback) -> DeliveryReport:
        ends = {
            DeliveryOutcome.DELIVERED: Status.DELIVERED,
            DeliveryOutcome.DEAD: Status.DEAD,
            DeliveryOutcome.GONE: Status.GONE,
        }
        ended = replace(callback, turn=turn.number, status=ends[outcome])
        if ended.status is Status.DELIVERED:
            ended = replace(ended, body=b"")  # what was for the receiver alone, and it has it
        self._callbacks.settle(ended, turn.number)
        return DeliveryReport(outcome, turn, ended)
