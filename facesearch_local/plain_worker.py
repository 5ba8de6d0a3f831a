"""The runtime loop of a Python Lambda in the standard library, for systems that awslambdaric has no wheels for.

Run by path with the code's folder as working directory: `python plain_worker.py app.handler`.
"""

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

API = "/2018-06-01/runtime"
Handler = Callable[[Any, "Context"], Any]


class Context:
    """What a handler gets as its second argument; the names are Lambda's."""

    def __init__(self, headers: "http.client.HTTPMessage") -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = None
        self.identity = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline - int(time.time() * 1000))


class Runtime:
    """One kept-alive connection to the runtime API."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def next(self) -> tuple[bytes, "http.client.HTTPMessage"]:
        self._connection.request("GET", f"{API}/invocation/next")
        response = self._connection.getresponse()
        return response.read(), response.headers

    def post(self, path: str, payload: bytes) -> None:
        self._connection.request("POST", API + path, payload, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        response.read()
        if response.status != http.client.ACCEPTED:
            raise RuntimeError(f"the runtime API responded with {response.status}")


def load(handler: str) -> Handler:
    module, function = handler.rsplit(".", 1)
    found: Handler = getattr(importlib.import_module(module.replace("/", ".")), function)
    return found


def described(error: BaseException) -> bytes:
    """The error as the runtime API wants it; also printed, since that is a function's log."""
    trace = traceback.format_tb(error.__traceback__)
    print(f"[ERROR] {type(error).__name__}: {error}\r" + "\r".join(trace), flush=True)
    return json.dumps({"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}).encode()


def serve(runtime: Runtime, handler: Handler) -> None:
    while True:
        event, headers = runtime.next()
        context = Context(headers)
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
        try:
            payload, outcome = json.dumps(handler(json.loads(event), context)).encode(), "response"
        except Exception as error:  # noqa: BLE001 - what a handler raises is its response
            payload, outcome = described(error), "error"
        runtime.post(f"/invocation/{context.aws_request_id}/{outcome}", payload)


def main() -> None:
    sys.path[0] = str(Path.cwd())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
    runtime = Runtime(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load(sys.argv[1])
    except Exception as error:  # noqa: BLE001 - an import can fail in any way
        runtime.post("/init/error", described(error))
        sys.exit(1)
    serve(runtime, handler)


if __name__ == "__main__":
    main()
