"""Serves the view of a command: on this machine alone, until Ctrl-C."""

import socket
from collections.abc import Callable

import uvicorn

from facesearch_cli.errors import CommandError
from facesearch_cli.operator.view import OperatorView

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 64


def serve(view: OperatorView, port: int, tell: Callable[[str], None]) -> None:
    """Listen, 0 = on any free port, `tell` the address, and serve.

    Raises:
        CommandError: the port is taken, or not ours to have.
        KeyboardInterrupt: Ctrl-C has ended it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            raise CommandError(f"Port {port} cannot be used: {error.strerror}. Choose another --port.") from None
        listener.listen()
        tell(f"http://{LOOPBACK}:{listener.getsockname()[1]}/")
        config = uvicorn.Config(
            view,
            access_log=False,
            http="h11",
            lifespan="off",
            limit_concurrency=MOST_CONNECTIONS,
            log_level="error",
            proxy_headers=False,  # a client does not choose its address
            server_header=False,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        uvicorn.Server(config).run(sockets=[listener])
