"""Addresses of a host name, in bounded time."""

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Protocol

from typing_extensions import override

from facesearch.adapters.outbound.addresses import Address
from facesearch.webhooks.outbound import FetchFailedError

AT_ONCE = 16
"""Look-ups under way, those that nobody waits for any more included."""


class Resolver(Protocol):
    """Where names are looked up. It is asked once for each connection, and what it says is what is connected to."""

    def resolve(self, host: str, seconds: float) -> Sequence[Address]:
        """Every address of a name, the one to try first leading; scope ids stay.

        Raises:
            FetchFailedError: there is none, or none was found within that time.
        """


LookUp = Callable[[str], list[str]]
"""The addresses of a name, in its own time. Raises OSError."""


def look_up(host: str) -> list[str]:
    """What the system says: its hosts file, then DNS."""
    # Bytes: of a str Python would make another name first.
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)]


class SystemResolver(Resolver):
    """The system's own resolver."""

    def __init__(self, at_once: int = AT_ONCE, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._free = threading.BoundedSemaphore(at_once)

    @override
    def resolve(self, host: str, seconds: float) -> Sequence[Address]:
        # In a thread, because getaddrinfo knows no timeout: it takes 5 s an attempt and server by default. A daemon,
        # because one that is still waiting must not hold up the end of the process.
        end = time.monotonic() + seconds
        if not self._free.acquire(timeout=seconds):
            raise FetchFailedError("Too many host names are being looked up.", retryable=True)
        found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()
        threading.Thread(target=self._look_up_into, args=(host, found), name="look-up", daemon=True).start()
        try:
            addresses = found.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise FetchFailedError("The URL's host name could not be looked up in time.", retryable=True) from None
        if isinstance(addresses, OSError):
            raise FetchFailedError("The URL's host name could not be found.", retryable=_is_passing(addresses))
        return [ip_address(address) for address in dict.fromkeys(addresses)]

    def _look_up_into(self, host: str, found: "queue.SimpleQueue[list[str] | OSError]") -> None:
        try:
            found.put(self._look_up(host))
        except OSError as error:
            found.put(error)
        finally:
            self._free.release()


def _is_passing(error: OSError) -> bool:
    return error.errno not in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
