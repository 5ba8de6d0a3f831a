"""Announcing: the end of a search becomes a callback that is kept and queued."""

import time
from collections.abc import Callable

from facesearch.webhooks.announcing import JobEnd
from facesearch.webhooks.callbacks.attempts import AttemptQueue, DeliveryAttempt
from facesearch.webhooks.callbacks.callback import CallbackStore, Status, callback_of


class CallbackQueue:
    """`webhooks.announcing.Announcer`: kept first, queued then.

    Whoever dies between the two announces again; the callback that is there is then queued, unless it was sent
    meanwhile. Queued twice is sent once: a turn is claimed.
    """

    def __init__(self, callbacks: CallbackStore, queue: AttemptQueue, clock: Callable[[], float] = time.time) -> None:
        self._callbacks = callbacks
        self._queue = queue
        self._clock = clock

    def announce(self, end: JobEnd) -> None:
        """See `Announcer.announce`.

        Raises:
            ValueError: its metadata is larger than a callback may be.
        """
        callback = self._callbacks.add(callback_of(end, self._clock()))
        if callback.status is Status.PENDING and not callback.turn:
            self._queue.send(DeliveryAttempt(callback.key, callback.turn))
