"""Addresses of a host name, in bounded time."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from ipaddress import ip_address

from facesearch.adapters.outbound.urls import Address
from facesearch.webhooks.outbound import FetchFailedError

AT_ONCE = 16
"""Look-ups under way, those that nobody waits for any more included."""


LookUp = Callable[[str], list[str]]
"""The addresses of a name, in its own time. Raises OSError."""


def look_up(host: str) -> list[str]:
    """What the system says: its hosts file, then DNS."""
    # Bytes: of a str Python would make another name first.
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)]


class Resolver:
    """Where names are looked up: what it says once for each connection is what is connected to. By default the system's
    own; threads may share it."""

    def __init__(self, at_once: int = AT_ONCE, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._free = threading.BoundedSemaphore(at_once)

    def resolve(self, host: str, seconds: float) -> Sequence[Address]:
        """Every address of a name, the one to try first leading; scope ids stay.

        Raises:
            FetchFailedError: there is none, or none was found within that time.
        """
        # In a thread, because getaddrinfo knows no timeout: it takes 5 s an attempt and server by default. A daemon,
        # because one that is still waiting must not hold up the end of the process.
        end = time.monotonic() + seconds
        if not self._free.acquire(timeout=seconds):
            raise FetchFailedError("Too many host names are being looked up.", retryable=True)
        found: Future[list[str]] = Future()
        threading.Thread(target=self._look_up_into, args=(host, found), name="look-up", daemon=True).start()
        try:
            return [ip_address(address) for address in dict.fromkeys(found.result(max(0.0, end - time.monotonic())))]
        except TimeoutError:
            raise FetchFailedError("The URL's host name could not be looked up in time.", retryable=True) from None
        except OSError as error:
            is_final = error.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
            raise FetchFailedError("The URL's host name could not be found.", retryable=not is_final) from None

    def _look_up_into(self, host: str, found: "Future[list[str]]") -> None:
        try:
            found.set_result(self._look_up(host))
        except OSError as error:
            found.set_exception(error)
        finally:
            self._free.release()
