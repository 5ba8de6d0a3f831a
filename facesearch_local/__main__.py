"""`python -m facesearch_local`: run the local stack until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import shlex
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from facesearch_cli import interrupts, qr
from facesearch_local import swagger
from facesearch_local.disk import LogFile
from facesearch_local.intrinsics import TemplateError
from facesearch_local.seed import files_in
from facesearch_local.server import listening
from facesearch_local.stack import MODELS, OPERATOR_PREFIX, LocalStack, Options
from facesearch_local.state import NotOurFolderError, State, StateInUseError
from facesearch_local.stores import StoreError


def main() -> int:
    """Exit codes: 0 stopped as asked, 1 could not start or lost its store, 2 port or state folder in use."""
    arguments = _arguments()
    os.umask(0o077)  # of the store and the workers as well: what a stack writes is for its owner alone
    options = Options(
        store=arguments.store,
        state=arguments.state,
        template=arguments.template,
        persist=arguments.persist,
        seed=arguments.seed,
        photos=arguments.photos,
        workers=arguments.workers,
        runtime=arguments.runtime,
        record_calls=arguments.record_calls and arguments.record_calls.resolve(),
        parameters=dict(arguments.parameter),
        settings=dict(arguments.setting),
        throttled=arguments.throttled,
        secrets=dict(arguments.secret),
        host=arguments.host,
    )
    try:
        listener = listening(arguments.host, arguments.port)
    except OSError as error:
        return _refuse(f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror}. Choose another --port.")
    state = State(options.state)
    try:
        with listener, state.claimed():
            logging.basicConfig(handlers=[LogFile(state.log("stack"))], level=logging.WARNING)
            return asyncio.run(_run(options, state, listener))
    except StateInUseError as error:
        return _refuse(f"{error}. Stop it first, or choose another --state.")
    except NotOurFolderError as error:
        return _refuse(str(error))
    except OSError as error:
        print(f"error: cannot use {options.state}: {error.strerror or error}", file=sys.stderr)
        return 1


def _refuse(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return 2


async def _run(options: Options, state: State, listener: socket.socket) -> int:
    stopping = asyncio.Event()
    async with AsyncExitStack() as exits:
        stack = LocalStack(options, state, exits)

        def stop() -> None:
            if stopping.is_set():
                stack.force_stop()
            stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        try:
            return await _serve(stack, state, listener, stopping)
        except (TemplateError, StoreError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except (BotoCoreError, ClientError) as error:
            print(f"error: the store refused: {' '.join(str(error).split())}", file=sys.stderr)
            return 1


async def _serve(stack: LocalStack, state: State, listener: socket.socket, stopping: asyncio.Event) -> int:
    asked = asyncio.create_task(stopping.wait())
    starting = asyncio.create_task(stack.start(listener))
    await asyncio.wait({asked, starting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return 0
    _greet(starting.result(), state, stack.photos)
    lost = asyncio.create_task(stack.store_ended())
    await asyncio.wait({asked, lost}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.is_set():
        lost.cancel()
        print("Stopping …", flush=True)
        return 0
    asked.cancel()
    print(f"error: the store has stopped; see its log, {_shown(state.log('store'))}", file=sys.stderr)
    return 1


def _greet(description: dict[str, Any], state: State, photos: Path | None) -> None:
    url = description["url"]
    print(f"Face Search is running at {url}")
    print(f"  try it      {url}{swagger.PAGE}")
    if "page_url" in description:
        print(f"  for guests  {description['page_url']}")
        if not description["page_is_built"]:
            print("              (not built yet: make web, then start this again)")
        elif sys.stdout.isatty():
            qr.print_on(sys.stdout, description["page_url"])
    print(f"  look in     {url}{OPERATOR_PREFIX}")
    print(f"  store       {description['store']} at {description['endpoint_url']}")
    print(f"  logs        {_shown(state.logs)}/ (gateway.log and one per function)")
    print(f"  ids, key    {_shown(state.description)}")
    if not MODELS.is_dir():
        print(f"  WARNING     no model weights in {_shown(MODELS)}: run `make assets`", file=sys.stderr)
    if description["event_id"] is not None:
        event = description["event_id"]
        if photos is None:
            print("Upload photos to the event, then search with a selfie:")
        else:
            print(f"The event holds the photos in {photos}. Add your own, then search with a selfie:")
        chosen = "" if state.folder == Options().state.resolve() else f"--state {shlex.quote(_shown(state.folder))} "
        print(f"  .venv/bin/facesearch {chosen}photos upload DIR --event {event} --wait")
        selfie = "selfie.jpg" if photos is None else files_in(photos)[0]
        print(f'  curl -i \\\n    -H "X-API-Key: {description["api_key"]}" \\\n    -F "file=@{selfie}" \\')
        print(f'    "{url}/api/v1/ext/{description["org_id"]}/event/{event}/faces?page=1&page_size=32"')
    print(f"Stop it with Ctrl-C, or: kill {description['pid']}", flush=True)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _arguments() -> argparse.Namespace:
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m facesearch_local", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=_port, default=8700, help="port to listen on, 0 = any free one (default %(default)s)")
    add("--store", default=defaults.store, help="ministack, moto, or the URL of a running store (default %(default)s)")
    add("--state", type=Path, default=defaults.state, help="folder for logs and stack.json (default .local)")
    add("--template", type=Path, default=defaults.template, help="the template (default template.yaml)")
    add("--persist", action="store_true", help="keep MiniStack's content for the next start, without a promise")
    add("--seed", action=argparse.BooleanOptionalAction, default=True, help="create an organisation, a key, an event")
    add("--photos", type=_folder, metavar="DIR", help="put this folder's photos into that event")
    add("--workers", type=_count, help="the most worker processes per function (default: by the cores)")
    add("--runtime", choices=("awslambdaric", "plain"), help="what runs the handlers (default: awslambdaric)")
    add("--record-calls", type=Path, metavar="DIR", help="note what permissions the handlers' calls need")
    add("--parameter", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="template parameter")
    add("--setting", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="variable of every function")
    add("--throttled", action=argparse.BooleanOptionalAction, default=True, help="refuse what comes too fast")
    add(
        "--secret",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=VARIABLE",
        help="secret, from a variable",
    )
    arguments = parser.parse_args()
    if arguments.persist and arguments.store != "ministack":
        parser.error("--persist needs --store ministack")
    return arguments


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("0 to 65535")
    return number


def _folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError("no such folder")
    if not files_in(folder):
        raise argparse.ArgumentTypeError("no files in this folder")
    return folder


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("two names with = between them")
    return name, value


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
