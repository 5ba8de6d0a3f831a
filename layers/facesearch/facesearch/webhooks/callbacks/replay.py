"""What operators do about callbacks: list them, and send again what was given up."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from facesearch.webhooks.callbacks.callback import (
    AttemptQueue,
    Callback,
    CallbackStatus,
    CallbackStore,
    DeliveryAttempt,
)


@dataclass(frozen=True)
class Replayed:
    """What a replay did. `unknown`: asked for by name, but not kept, or delivered already."""

    callbacks: tuple[Callback, ...]
    unknown: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallbackReplay:
    """The use cases of `facesearch callbacks`."""

    callbacks: CallbackStore
    queue: AttemptQueue
    clock: Callable[[], float] = time.time

    def list(self, org_id: int, status: CallbackStatus | None = None) -> list[Callback]:
        """An organisation's callbacks as they are now, oldest first."""
        now = self.clock()
        every = (each.as_of(now) for each in self.callbacks.of_org(org_id))
        found = [each for each in every if status in (None, each.status)]
        return sorted(found, key=lambda each: (each.created_at, each.key.callback_id))

    def replay(self, org_id: int, wanted: Sequence[uuid.UUID] = ()) -> Replayed:
        """Send an organisation's callbacks again, from the first delay on: those wanted, unless they were delivered, or
        else what is dead. An address that said that it is gone for good is called only for a callback that is named."""
        known = {each.key.callback_id: each for each in self.list(org_id)}
        chosen = [known[each] for each in dict.fromkeys(wanted) if each in known] if wanted else known.values()
        named = (CallbackStatus.DEAD, CallbackStatus.GONE, CallbackStatus.PENDING)
        statuses = named if wanted else (CallbackStatus.DEAD,)
        replayed = tuple(self._restart(each) for each in chosen if each.status in statuses)
        self._delete_dead_letters(org_id)
        done = {each.key.callback_id for each in replayed}
        return Replayed(replayed, tuple(each for each in dict.fromkeys(wanted) if each not in done))

    def _restart(self, callback: Callback) -> Callback:
        """Queue it first: if the process dies then, the message replays it all the same."""
        self.callbacks.switch_on(callback.key.org_id, callback.url)
        begun = callback.begun_again(callback.attempt_number + 1, self.clock())
        self.queue.send(DeliveryAttempt(begun.key, begun.attempt_number, is_replay=True))
        self.callbacks.restart(begun)
        return begun

    def _delete_dead_letters(self, org_id: int) -> None:
        """Delete the organisation's that no longer stand for a callback that is dead, or that will be: SQS moves the
        message of an attempt that failed too often while its callback is still pending."""

        def is_over(attempt: DeliveryAttempt) -> bool:
            if attempt.key.org_id != org_id:
                return False
            callback = self.callbacks.get(attempt.key)
            if callback is None or callback.status not in (CallbackStatus.DEAD, CallbackStatus.PENDING):
                return True
            return attempt.number < callback.attempt_number

        self.queue.delete_dead_letters(is_over)
