"""Sending callbacks: signed, at least once, until the receiver takes them or the plan is over.

An attempt is made in this order, so that a process may die at any point:

1. It is claimed: a message that came twice is sent once. The claim runs out by itself.
2. The callback is sent.
3. The next attempt is queued, or the dead letter is; the address is switched off.
4. The callback is written down as it is now, which gives the claim back.

If a process dies before 4, the message is delivered again, and the callback is sent once more under the same
`webhook-id`.
"""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from facesearch.models import WebhookSecret
from facesearch.reading import Reader, Wanted
from facesearch.webhooks.callbacks.callback import (
    ATTEMPTS,
    AttemptQueue,
    Callback,
    CallbackStatus,
    CallbackStore,
    DeliveryAttempt,
    body_with_host,
)
from facesearch.webhooks.commands import NotNowError
from facesearch.webhooks.outbound import FetchFailedError, Outbound, RefusedUrlError, Shares
from facesearch.webhooks.signing import sign

CLAIM_SECONDS = 20
"""Sending takes 15 s at most."""
ASIDE_SECONDS = 1_800
"""An attempt that had to step aside for so long has failed, and the plan goes on. Shorter than `OVERDUE_SECONDS`, after
which a callback that is due counts as lost."""
LONGEST_ASIDE = 60
POSTPONABLE = (429, 503)
"""Statuses whose Retry-After counts."""
LONGEST_SECONDS = 86_400
"""A receiver can put the next attempt off by a day at most."""
JITTER = 0.2
"""Share of a delay by which it varies both ways, so that what failed together does not come back together."""


class DeliveryOutcome(StrEnum):
    """What became of an attempt; one that ends a callback is called as the callback's status then."""

    DELIVERED = "callback delivered"
    FAILED = "callback failed"
    DEAD = "callback given up"
    GONE = "callback's address is switched off"
    WAITING = "callback is not due yet"
    STALE = "callback's attempt is over"
    DELETED = "callback's event is gone"


@dataclass(frozen=True)
class DeliveryReport:
    """What became of an attempt, in words and numbers that may be logged.

    Attributes:
        callback: None if it is not known, or was not looked at.
        seconds: until the next attempt; 0 = there is none.
    """

    outcome: DeliveryOutcome
    attempt: DeliveryAttempt
    callback: Callback | None = None
    seconds: float = 0


@dataclass(frozen=True)
class _Response:
    """What the receiver said. `status`: 0 = nothing; `reason`: empty = it took the callback; `final`: another attempt
    would end the same way."""

    status: int = 0
    reason: str = ""
    retry_after: int = 0
    final: bool = False


@dataclass(frozen=True, kw_only=True)
class CallbackDelivery:
    """The use case of the callbacks function.

    Attributes:
        delays: between attempts, in seconds; there is one attempt more than there are delays.
        api_base_url: what `results_url` begins with.
        pool: makes attempts side by side.
        shares: of an organisation in the workers, each of which waits for the slowest of its batch.
        uniform: a random number between two.
    """

    callbacks: CallbackStore
    queue: AttemptQueue
    outbound: Outbound
    reader: Reader
    delays: Sequence[int]
    api_base_url: str
    pool: Executor
    shares: Shares
    clock: Callable[[], float] = time.time
    uniform: Callable[[float, float], float] = random.uniform

    def submit(self, message: str) -> Future[DeliveryReport]:
        """`deliver`, beside others."""
        return self.pool.submit(self.deliver, message)

    def deliver(self, message: str) -> DeliveryReport:
        """Handle one message of the queue.

        Raises:
            NotNowError: another process is sending this callback, or died while doing so.
            ValueError: that is no message of ours.
        """
        attempt = ATTEMPTS.validate_json(message)
        if attempt.not_before > self.clock():
            self.queue.send(attempt)
            return DeliveryReport(DeliveryOutcome.WAITING, attempt)
        callback = self.callbacks.get(attempt.key)
        if callback is None:
            return DeliveryReport(DeliveryOutcome.DELETED, attempt)
        if attempt.is_replay and attempt.number > callback.attempt_number:
            # What the replay is about to write itself, or died before it could.
            self.callbacks.restart(callback.begun_again(attempt.number, self.clock()))
            callback = self.callbacks.get(attempt.key) or callback
        if attempt.number < callback.attempt_number or callback.status is not CallbackStatus.PENDING:
            return DeliveryReport(DeliveryOutcome.STALE, attempt, callback)
        known = self.reader.read(Wanted(event_id=attempt.key.event_id, secrets_of=attempt.key.org_id))
        if known.event is None or known.event.closing:
            self.callbacks.delete(attempt.key)  # announced while its event was being deleted
            return DeliveryReport(DeliveryOutcome.DELETED, attempt)
        now = self.clock()
        share = self.shares.take(attempt.key.org_id, CLAIM_SECONDS)
        late = now - callback.next_at
        if share is None and late < ASIDE_SECONDS:
            return self._step_aside(attempt, callback, now, late)
        with share or ExitStack():
            if not self.callbacks.claim(attempt.key, attempt.number, now, now + CLAIM_SECONDS):
                raise NotNowError("callback is being sent by another process")
            return self._send(attempt, callback, known.secrets if share else None)

    def _step_aside(self, attempt: DeliveryAttempt, callback: Callback, now: float, late: float) -> DeliveryReport:
        """Queue the attempt again: other receivers of its organisation are being waited for as much as they may."""
        delay = self.uniform(1, 2 + min(LONGEST_ASIDE, max(0.0, late)))
        self.queue.send(replace(attempt, not_before=now + delay))
        return DeliveryReport(DeliveryOutcome.WAITING, attempt, callback, delay)

    def _send(
        self, attempt: DeliveryAttempt, callback: Callback, secrets: Sequence[WebhookSecret] | None
    ) -> DeliveryReport:
        if self.callbacks.is_off(attempt.key.org_id, callback.url):
            return self._settle(DeliveryOutcome.GONE, attempt, replace(callback, reason="the address is switched off"))
        response = self._post(callback, secrets)
        attempts = callback.attempts + 1
        callback = replace(callback, attempts=attempts, last_status=response.status, reason=response.reason)
        if not response.reason:
            # The body was for the receiver alone, and it has it.
            return self._settle(DeliveryOutcome.DELIVERED, attempt, replace(callback, body=b""))
        if response.status == 410:
            self.callbacks.switch_off(attempt.key.org_id, callback.url)
            return self._settle(DeliveryOutcome.GONE, attempt, callback)
        if response.final or attempts > len(self.delays):
            self.queue.add_dead_letter(attempt)
            return self._settle(DeliveryOutcome.DEAD, attempt, callback)
        delay = max(self.delays[attempts - 1] * self.uniform(1 - JITTER, 1 + JITTER), response.retry_after)
        due = self.clock() + delay
        self.queue.send(DeliveryAttempt(attempt.key, attempt.number + 1, due))
        later = replace(callback, attempt_number=attempt.number + 1, next_at=int(due))
        self.callbacks.settle(later, attempt.number)
        return DeliveryReport(DeliveryOutcome.FAILED, attempt, later, delay)

    def _post(self, callback: Callback, secrets: Sequence[WebhookSecret] | None) -> _Response:
        if secrets is None:
            return _Response(reason="too many other callbacks of the organisation are not responded to")
        if not secrets:  # one may be made before the plan is over
            return _Response(reason="the organisation has no webhook secret to sign by")
        body = body_with_host(callback.body, self.api_base_url)
        moment = datetime.fromtimestamp(self.clock(), UTC)
        headers = {"content-type": "application/json"} | sign(str(callback.key.callback_id), moment, body, secrets)
        try:
            result = self.outbound.post(callback.url, body, headers)
        except (RefusedUrlError, FetchFailedError) as error:
            return _Response(reason=error.reason, final=isinstance(error, RefusedUrlError))
        if 200 <= result.status < 300:
            return _Response(result.status)
        retry_after = min(result.retry_after or 0, LONGEST_SECONDS) if result.status in POSTPONABLE else 0
        return _Response(result.status, f"responded with {result.status}", retry_after)

    def _settle(self, outcome: DeliveryOutcome, attempt: DeliveryAttempt, callback: Callback) -> DeliveryReport:
        ended = replace(callback, attempt_number=attempt.number, status=CallbackStatus[outcome.name])
        self.callbacks.settle(ended, attempt.number)
        return DeliveryReport(outcome, attempt, ended)
