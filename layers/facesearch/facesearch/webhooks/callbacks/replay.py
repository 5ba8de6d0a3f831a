"""What operators do about callbacks: list them, and send again what was given up."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from facesearch.webhooks.callbacks.attempts import AttemptQueue, DeadLetters, DeliveryAttempt
from facesearch.webhooks.callbacks.callback import (
    Addresses,
    Callback,
    CallbackLists,
    CallbackStatus,
    CallbackStore,
    begun_again,
)

GIVEN_UP = (CallbackStatus.DEAD, CallbackStatus.GONE)


@dataclass(frozen=True)
class Replayed:
    """What a replay did. `unknown`: asked for by name, but not kept, or delivered already."""

    callbacks: tuple[Callback, ...]
    unknown: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallbackReplay:
    """The use cases of `facesearch callbacks`."""

    callbacks: CallbackStore
    lists: CallbackLists
    addresses: Addresses
    queue: AttemptQueue
    dead_letters: DeadLetters
    clock: Callable[[], float] = time.time

    def list(self, org_id: int, status: CallbackStatus | None = None) -> list[Callback]:
        """An organisation's callbacks as they are now, oldest first."""
        now = self.clock()
        every = (each.as_of(now) for each in self.lists.of_org(org_id))
        found = [each for each in every if status in (None, each.status)]
        return sorted(found, key=lambda each: (each.created_at, each.key.callback_id))

    def replay(self, org_id: int, wanted: Sequence[uuid.UUID] = ()) -> Replayed:
        """Send callbacks again, from the first delay on.

        Args:
            org_id: the organisation.
            wanted: which, whatever their state unless they were delivered; empty = what is dead, and what went to an
                address that was switched off.
        """
        known = {each.key.callback_id: each for each in self.list(org_id)}
        chosen = [known[each] for each in dict.fromkeys(wanted) if each in known] if wanted else list(known.values())
        replayed = [
            begun
            for callback in chosen
            if (wanted or callback.status in GIVEN_UP) and (begun := self._restart(callback)) is not None
        ]
        self._delete_dead_letters(org_id)
        done = {each.key.callback_id for each in replayed}
        return Replayed(tuple(replayed), tuple(each for each in dict.fromkeys(wanted) if each not in done))

    def _restart(self, callback: Callback) -> Callback | None:
        """Queue it first: if the process dies then, the message replays it all the same."""
        if callback.status is CallbackStatus.DELIVERED:
            return None
        self.addresses.switch_on(callback.key.org_id, callback.url)
        begun = begun_again(callback, callback.attempt_number + 1, self.clock())
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

        self.dead_letters.delete(is_over)
