"""What operators do about callbacks: list them, and send again what was given up."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from facesearch.webhooks.callbacks.attempts import AttemptQueue, DeadLetters, DeliveryAttempt
from facesearch.webhooks.callbacks.callback import Addresses, Callback, CallbackLists, CallbackStore, Status, again

GIVEN_UP = (Status.DEAD, Status.GONE)


@dataclass(frozen=True)
class Replayed:
    """What a replay did. `unknown`: asked for by name, but not kept, or delivered already."""

    callbacks: tuple[Callback, ...]
    unknown: tuple[uuid.UUID, ...] = ()


class CallbackDesk:
    """The use cases of `facesearch callbacks`."""

    def __init__(
        self,
        callbacks: CallbackStore,
        lists: CallbackLists,
        addresses: Addresses,
        queue: AttemptQueue,
        dead_letters: DeadLetters,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._callbacks = callbacks
        self._lists = lists
        self._addresses = addresses
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock

    def list(self, org_id: int, status: Status | None = None) -> list[Callback]:
        """An organisation's callbacks as they are now, oldest first."""
        now = self._clock()
        every = (each.as_of(now) for each in self._lists.of_org(org_id))
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
        self._clear(org_id)
        done = {each.key.callback_id for each in replayed}
        return Replayed(tuple(replayed), tuple(each for each in dict.fromkeys(wanted) if each not in done))

    def _restart(self, callback: Callback) -> Callback | None:
        """Queued first: whoever dies then has it replayed all the same, by the message."""
        if callback.status is Status.DELIVERED:
            return None
        self._addresses.switch_on(callback.key.org_id, callback.url)
        begun = again(callback, callback.turn + 1, self._clock())
        self._queue.send(DeliveryAttempt(begun.key, begun.turn, is_replay=True))
        self._callbacks.restart(begun)
        return begun

    def _clear(self, org_id: int) -> None:
        """Take out the organisation's dead letters that no longer stand for a callback that is dead, or that will be:
        SQS moves the message of a turn that failed too often while its callback is still pending."""

        def is_over(turn: DeliveryAttempt) -> bool:
            if turn.key.org_id != org_id:
                return False
            callback = self._callbacks.get(turn.key)
            if callback is None or callback.status not in (Status.DEAD, Status.PENDING):
                return True
            return turn.number < callback.turn

        self._dead_letters.take(is_over)
