"""What a search pays and keeps from the moment in which a face is found, beside everything that it still computes."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait


class Keeping:
    """The place in the event's list, the payment and the selfies, begun side by side.

    An upload of a selfie takes as long as its embedding, so neither waits for the other. A selfie without a face begins
    nothing.
    """

    def __init__(
        self, pool: Executor, *, enter: Callable[[], None], pay: Callable[[], None], keep: Callable[[], None]
    ) -> None:
        """`pool` runs leaf calls."""
        self._pool = pool
        self._steps = enter, pay, keep
        self._begun: tuple[Future[None], ...] = ()

    def begin(self) -> None:
        """Once a face is found; whoever says so again is not heard."""
        self._begun = self._begun or tuple(self._pool.submit(step) for step in self._steps)

    @property
    def has_begun(self) -> bool:
        return bool(self._begun)

    @property
    def has_paid(self) -> bool:
        """Whether the payment went through, after `wait`."""
        return self.has_begun and self._begun[1].exception() is None

    def entered(self) -> None:
        """Wait for the place in the list; raise what stood in its way."""
        self._begun[0].result()

    def settle(self) -> None:
        """Wait for all; raise what stood in the way of one."""
        self.wait()
        for step in self._begun:
            step.result()

    def wait(self) -> None:
        """Until nothing is under way any more that somebody might undo."""
        wait(self._begun)
