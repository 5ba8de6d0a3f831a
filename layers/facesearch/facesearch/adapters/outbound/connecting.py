"""Time that runs out once for everything, and sockets to addresses that were checked."""

import socket
import time
from collections.abc import Callable, Sequence

from facesearch.adapters.outbound.addresses import Address
from facesearch.webhooks.outbound import FetchFailedError

Dial = Callable[[Address, int, float], socket.socket]
"""Connects to an address and port within seconds. Raises OSError."""

MOST_TRIED = 4
"""Addresses of one host that are tried before it counts as unreachable."""


class Deadline:
    """The end of a whole call: look-up, connection, TLS, headers, bodies and redirects share it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds to go, more than 0.

        Raises:
            FetchFailedError: there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> FetchFailedError:
        """What to raise when it is over."""
        return FetchFailedError(f"The host sent no complete response within {self._seconds:g} seconds.", retryable=True)

    def shorten(self, seconds: float) -> None:
        """End in so many seconds, if it would not sooner."""
        self._end = min(self._end, time.monotonic() + seconds)


def dial(address: Address, port: int, seconds: float) -> socket.socket:
    """A TCP connection to that address; there is no name in it that could be looked up again.

    Raises:
        OSError: there is none within that time.
    """
    connection = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect((str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


def connect(addresses: Sequence[Address], port: int, deadline: Deadline, dial: Dial) -> socket.socket:
    """A connection to the first address that takes one; each gets its share of the time that is left.

    Raises:
        FetchFailedError: none did.
    """
    tried = addresses[:MOST_TRIED]
    for number, address in enumerate(tried):
        try:
            return dial(address, port, deadline.left() / (len(tried) - number))
        except OSError:
            continue
    raise FetchFailedError("Could not connect to the host.", retryable=True)
