"""A circuit breaker: who has failed again and again is left alone for a while.

Our own, because PyPI's (pybreaker, purgatory, circuitbreaker) do not say how long a circuit stays open, which is our
`Retry-After`, and none was worth a package in the layer that every function loads.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class CircuitOpenError(Exception):
    """Nothing was tried. `seconds`: until the next try is admitted."""

    seconds: float


@dataclass
class Breaker:
    """Closed: everything is admitted. After `failures` in a row it opens: nothing is, for `seconds`. Then it is half
    open: one try is admitted, whose success closes it; its failure, or its silence, is worth another `seconds`.

    One per process. Threads may share it.
    """

    failures: int = 5
    seconds: float = 15.0
    clock: Callable[[], float] = time.monotonic
    _failed: int = 0
    _open_until: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self) -> None:
        """Ask before each try, and report its end.

        Raises:
            CircuitOpenError: not now.
        """
        with self._lock:
            if self._open_until is None:
                return
            left = self._open_until - self.clock()
            if left > 0:
                raise CircuitOpenError(left)
            # Should this try never report, the next one is admitted after the same time.
            self._open_until = self.clock() + self.seconds

    def succeeded(self) -> None:
        """A try got a response, whatever it said."""
        with self._lock:
            self._failed, self._open_until = 0, None

    def failed(self) -> None:
        """A try got none, or a 5xx."""
        with self._lock:
            self._failed += 1
            if self._failed >= self.failures:
                self._open_until = self.clock() + self.seconds
