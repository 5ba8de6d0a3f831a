from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from facesearch_local.functions import Function
from facesearch_local.pool import Pool
from facesearch_local.runtime_api import RuntimeApi
from facesearch_local.server import Serving, listening
from facesearch_local.workers import FunctionLog, Launcher, RuntimeName, Surroundings

ARN = "arn:aws:lambda:us-east-1:000000000000:function:toy"
HANDLER = """
import os, time
print("imported")

def handler(event, context):
    match event["do"]:
        case "echo":
            return event
        case "context":
            return [context.aws_request_id, context.invoked_function_arn, context.get_remaining_time_in_millis()]
        case "environment":
            return dict(os.environ)
        case "pid":
            return os.getpid()
        case "sleep":
            open(event["mark"], "w").close()
            time.sleep(event["seconds"])
            return os.getpid()
        case "raise":
            raise ValueError("what went wrong")
        case "exit":
            os._exit(3)
        case "large":
            return "x" * event["bytes"]
"""

OpenPool = Callable[..., AbstractAsyncContextManager[Pool]]


@pytest.fixture(params=["awslambdaric", "plain"])
def runtime(request: pytest.FixtureRequest) -> RuntimeName:
    """Both runtimes must behave the same."""
    if request.param == "awslambdaric":
        pytest.importorskip("awslambdaric", reason="no wheels for this system")
    name: RuntimeName = request.param
    return name


@pytest.fixture
def log(tmp_path: Path) -> FunctionLog:
    return FunctionLog(tmp_path / "toy.log")


@pytest.fixture
def open_pool(tmp_path: Path, log: FunctionLog, runtime: RuntimeName) -> OpenPool:
    """Opens a pool of real worker processes that run `HANDLER`, or the source given."""

    @contextlib.asynccontextmanager
    async def opened(*, maximum: int = 1, seconds: float = 10, source: str = HANDLER) -> AsyncIterator[Pool]:
        code = tmp_path / "code"
        code.mkdir()
        (code / "app.py").write_text(source)
        log.start()
        sockets = [listening("127.0.0.1", 0) for _ in range(maximum + 2)]
        ports = [each.getsockname()[1] for each in sockets]
        surroundings = Surroundings(
            aws={"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "eu-west-1"},
            overrides={"MODELS_DIR": "/models", "NOT_DECLARED": "x"},
            scratch=tmp_path,
            runtime=runtime,
        )
        launch = Launcher(toy(code, seconds), surroundings, log).launch
        pool = Pool(launch=launch, ports=ports, maximum=maximum, timeout=seconds, log=log)
        serving = Serving(
            RuntimeApi(dict.fromkeys(ports, pool), dict.fromkeys(ports, ARN)).app, keep_alive=3600, grace=1
        )
        await serving.start(sockets)
        try:
            yield pool
        finally:
            await pool.close()
            await serving.stop()

    return opened


def toy(code: Path, timeout: float = 10) -> Function:
    return Function(
        id="ToyFunction",
        name="toy",
        physical_name="facesearch-local-ToyFunction",
        arn=ARN,
        code=code,
        handler="app.handler",
        runtime="python3.13",
        timeout=timeout,
        memory=512,
        environment={"GREETING": "hello", "MODELS_DIR": "/opt/models"},
        import_path=(code / "layer",),
        routes=(),
        queues=(),
    )


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
