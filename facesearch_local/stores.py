"""The store behind the local stack: DynamoDB, S3 and SQS from MiniStack, from moto, or wherever an endpoint is.

This is all that knows about either of the two programs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from facesearch_local.workers import dying_with_us

START_SECONDS = 60.0
STOP_SECONDS = 10.0
PORTS_TRIED = 3
MINISTACK = Path(__file__).resolve().parents[1] / ".venv-ministack" / "bin" / "ministack"
# moto's server logs every path, and paths hold file names: its own main, with that log turned off.
MOTO = "import logging; logging.getLogger('werkzeug').setLevel(logging.ERROR); from moto.server import main; main()"


class StoreError(Exception):
    """The store cannot be used; the text says why."""


class PortTakenError(StoreError):
    """Somebody bound the port in the seconds that the store took to import."""


@dataclass(frozen=True)
class Place:
    """Where a store keeps what.

    Attributes:
        state: a folder for what must outlive the store; None = it may forget.
        scratch: a folder for temporary files.
        log: what it prints.
    """

    state: Path | None
    scratch: Path
    log: Path


class Store:
    """A store that runs; `process` is None if somebody else runs it."""

    def __init__(self, name: str, endpoint_url: str, process: asyncio.subprocess.Process | None) -> None:
        self.name = name
        self.endpoint_url = endpoint_url
        self._process = process

    async def ended(self) -> None:
        """Returns when the store's process has ended by itself."""
        if self._process is None:
            await asyncio.get_running_loop().create_future()  # never
        else:
            await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, on which MiniStack saves its state; SIGKILL if that takes too long."""
        if self._process is None:
            return
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal_number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
                return

    def kill(self) -> None:
        """At once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


async def start(name: str, place: Place) -> Store:
    """A store by name, "ministack" or "moto", or by the URL of one that runs already.

    Raises:
        StoreError: an unknown name, or it does not come up.
    """
    if "://" in name:
        if not await asyncio.to_thread(_responds, name):
            raise StoreError(f"nothing responds at {name}")
        return Store("endpoint", name.rstrip("/"), None)
    for _ in range(PORTS_TRIED - 1):
        try:
            return await _start_at(_free_port(), name, place)
        except PortTakenError:
            continue
    return await _start_at(_free_port(), name, place)


async def _start_at(port: int, name: str, place: Place) -> Store:
    command, environment = _ministack(port, place) if name == "ministack" else _moto(name, port)
    base = {"PATH": os.defpath, "HOME": str(place.scratch), "TMPDIR": str(place.scratch), "LANG": "C.UTF-8"}
    with place.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *dying_with_us(command, death=signal.SIGTERM),
            env=base | dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    store = Store(name, f"http://127.0.0.1:{port}", process)
    try:
        await _until_ready(store, process, place.log)
    except BaseException:
        store.kill()
        raise
    return store


def _ministack(port: int, place: Place) -> tuple[list[str], Mapping[str, str]]:
    program = Path(os.environ.get("FACESEARCH_MINISTACK", MINISTACK))
    if not program.exists():
        raise StoreError(f"MiniStack is not at {program}; `make ministack` installs it")
    environment = {
        "BIND_HOST": "127.0.0.1",  # its default is every interface
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",  # else a broker listens on 8883
        "LOG_LEVEL": "ERROR",  # warnings may quote object keys, which hold file names
        "MINISTACK_ACCOUNT_ID": "000000000000",
        "SFTP_ENABLED": "0",
    }
    if place.state is not None:
        place.state.mkdir(parents=True, exist_ok=True)
        environment |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(place.state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(place.state / "s3"),
        }
    return [str(program)], environment


def _moto(name: str, port: int) -> tuple[list[str], Mapping[str, str]]:
    if name != "moto":
        raise StoreError(f"unknown store {name!r}: use ministack, moto, or the URL of a running store")
    command = [sys.executable, "-c", MOTO, "-H", "127.0.0.1", "-p", str(port)]
    return command, {"MOTO_ACCOUNT_ID": "000000000000"}


async def _until_ready(store: Store, process: asyncio.subprocess.Process, log: Path) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while _runs(process):
                responds = await asyncio.to_thread(_responds, store.endpoint_url)
                await asyncio.sleep(0.05)
                if responds and _runs(process):  # else somebody else's server has responded
                    return
    if "ddress already in use" in _tail(log):
        raise PortTakenError(f"{store.name} found its port taken: {store.endpoint_url}")
    raise StoreError(f"{store.name} did not start; its log, {log}, ends with:\n{_tail(log)}")


def _runs(process: asyncio.subprocess.Process) -> bool:
    return process.returncode is None


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])


def _responds(url: str) -> bool:
    """Whether HTTP is spoken there, whatever is said; never through a proxy."""
    try:
        build_opener(ProxyHandler({})).open(url, timeout=5).close()
    except HTTPError as error:
        error.close()
    except (URLError, OSError):
        return False
    return True


def _free_port() -> int:
    """Below those that a system gives away by itself (Linux: from 32768), for the store binds it only 2 s later."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - no secret
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
