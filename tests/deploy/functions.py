"""Built functions, to be invoked with an event each."""

import asyncio
import json
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from facesearch_local.clients import aws_environment, make_clients
from facesearch_local.functions import Function, functions_of
from facesearch_local.pool import Pool
from facesearch_local.resources import Resources
from facesearch_local.runtime_api import RuntimeApi
from facesearch_local.server import Serving, listening
from facesearch_local.template import Deployment, Template
from facesearch_local.workers import (
    FunctionLog,
    LoggedProcess,
    Surroundings,
    default_runtime,
    dying_with_us,
    environment,
    start_logged,
)
from tools.built import Host

ACCOUNT = "000000000000"
SUGGESTIONS = {
    "ApiBaseUrl": "https://api.example",
    "RenditionsBaseUrl": "https://renditions.example",
    "FaceSets": "exact,vectors",
}
T = TypeVar("T")


class Background:
    """An event loop in a thread of its own, for the tools that are made for one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine that runs over there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class BuiltLauncher:
    """Starts workers of a built function, `layers` laid over each other."""

    function: Function
    log: FunctionLog
    host: Host
    layers: Path
    surroundings: Surroundings

    async def launch(self, port: int) -> LoggedProcess:
        function, code = self.function, self.function.code.resolve()
        variables = environment(function, self.surroundings, port) | self.host.environment(code, self.layers)
        # The parent_death is innermost: the kernel forgets it where a process gains the rights to mount.
        parent_death = dying_with_us([], death=signal.SIGKILL)
        python = self.host.command(code, self.layers, "-m", "awslambdaric", function.handler, through=parent_death)
        return await start_logged(python, code, variables, self.log)


class Functions:
    """All functions of a build over resources of their own; each has one worker, started when it is first called."""

    def __init__(self, template: Path, endpoint_url: str, scratch: Path, background: Background) -> None:
        aws = aws_environment(endpoint_url, is_ours=True)
        self._template = Template.load(template, Deployment("lambda", ACCOUNT, aws["AWS_REGION"], {}, SUGGESTIONS))
        self.clients = make_clients(aws)
        resources = Resources(self._template, self.clients)
        resources.create()
        self.names = resources.names()
        self.functions = {each.name: each for each in functions_of(self._template, resources.lookup)}
        self.surroundings = Surroundings(aws=aws, overrides={}, scratch=scratch, runtime=default_runtime())
        self._background = background
        self._pools: dict[str, Pool] = {}
        self._serving: Serving | None = None

    def start(self, host: Host, layers: Callable[[Function], Path]) -> None:
        """Be ready to be invoked."""
        self._background.run(self._start(host, layers))

    async def _start(self, host: Host, layers: Callable[[Function], Path]) -> None:
        sockets: list[socket.socket] = []
        by_port: dict[int, Pool] = {}
        arns: dict[int, str] = {}
        for name, function in self.functions.items():
            log = FunctionLog(self.surroundings.scratch / f"{name}.log")
            log.start()
            own = [listening("127.0.0.1", 0) for _ in range(3)]
            ports = [each.getsockname()[1] for each in own]
            launcher = BuiltLauncher(function, log, host, layers(function), self.surroundings)
            pool = Pool(launch=launcher.launch, ports=ports, maximum=1, timeout=function.timeout * 3, log=log)
            self._pools[name] = pool
            sockets += own
            by_port |= dict.fromkeys(ports, pool)
            arns |= dict.fromkeys(ports, function.arn)
        self._serving = Serving(RuntimeApi(by_port, arns).app, keep_alive=3600, grace=1)
        await self._serving.start(sockets)

    def invoke(self, name: str, event: Mapping[str, Any]) -> Any:
        """The function's response to this event."""
        return json.loads(self._background.run(self._pools[name].invoke(json.dumps(event).encode())))

    def stop(self) -> None:
        """End the workers."""
        self._background.run(self._stop())

    async def _stop(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        if self._serving is not None:
            await self._serving.stop()

    def log(self, name: str) -> str:
        """What the function has printed."""
        return (self.surroundings.scratch / f"{name}.log").read_text(errors="replace")
