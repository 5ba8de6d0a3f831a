"""The view over HTTP: who may ask, what there is, and the built page's files. Nothing here changes anything.

It has no login, for it is only there for this machine. So it takes care that no other page, and no other name of this
machine, gets at it: a browser says where a request comes from, and which host it believes to be talking to.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from facesearch.errors import FaceSearchError, InvalidRequest, StoreUnavailable
from facesearch.records import RenditionSize
from facesearch.settings import MissingSetting
from facesearch_cli.errors import CommandError

if TYPE_CHECKING:
    from facesearch_cli.operator.bodies import Bodies, Query
    from facesearch_cli.stack import Stack

BUILT = Path(__file__).resolve().parents[2] / "web" / "dist" / "operator"
NOT_BUILT = "The operator's view is not built. Run: make web\n"
METHODS = ("GET", "HEAD")
OWN_SITES = ("none", "same-origin")
"""Where a request may come from, as browsers say: an address that was typed, or our own page."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
MOST_QUERY_BYTES = 2_000
_ID = "([0-9]{1,18})"
_IMAGE = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_FILE = re.compile(r"assets/[A-Za-z0-9_-]{1,80}\.(?:js|css|svg)")


def _rendition(size: RenditionSize) -> Callable[..., Any]:
    return lambda bodies, query, event, image: bodies.rendition(int(event), uuid.UUID(image), size)


ROUTES: dict[str, Callable[..., Any]] = {
    "api/about": lambda bodies, query: bodies.about(),
    f"api/orgs/{_ID}/events": lambda bodies, query, org: bodies.events(int(org), query),
    f"api/events/{_ID}": lambda bodies, query, event: bodies.event(int(event)),
    f"api/events/{_ID}/photos": lambda bodies, query, event: bodies.photos(int(event), query),
    f"api/events/{_ID}/photos/{_IMAGE}": lambda bodies, query, event, image: bodies.photo(int(event), uuid.UUID(image)),
    f"api/events/{_ID}/photos/{_IMAGE}/found": lambda bodies, query, event, image: bodies.found(
        int(event), uuid.UUID(image)
    ),
    f"api/events/{_ID}/photos/{_IMAGE}/small[.]jpg": _rendition("small"),
    f"api/events/{_ID}/photos/{_IMAGE}/large[.]jpg": _rendition("large"),
    f"api/events/{_ID}/searches": lambda bodies, query, event: bodies.searches(int(event), query),
    "api/queues": lambda bodies, query: bodies.queues(),
    "api/logs": lambda bodies, query: bodies.logs(),
}
"""What there is, by patterns of paths; their groups come behind the query."""
_ROUTES = [(re.compile(pattern), read) for pattern, read in ROUTES.items()]


@dataclass(frozen=True)
class OperatorView:
    """An ASGI application.

    Attributes:
        open_stack: opens the stack, when it is first asked about.
        org_id: the organisation that is shown first; None = the local stack's own, else one that the operator names.
        prefix: what the paths of all requests begin with, without a slash at the end.
        built: folder of the built page.
        kept_boxes: folder of what was found in photos; None = the checkout's cache.

    What it reads by is imported with the first request: the local stack starts without it.
    """

    open_stack: "Callable[[], Stack]"
    org_id: int | None = None
    prefix: str = ""
    built: Path = BUILT
    kept_boxes: Path | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(Request(scope, receive))
        await response(scope, receive, send)

    def has(self, path: str) -> bool:
        """Whether a path is the view's."""
        return path == self.prefix or path.startswith(f"{self.prefix}/")

    async def respond(self, request: Request) -> Response:
        """The response to one request; errors have our envelope."""
        try:
            response = await self._respond(request)
        except FaceSearchError as error:
            response = _refusal(error.status, error.message)
        except CommandError as error:
            response = _refusal(503, str(error))
        except MissingSetting as error:
            response = _refusal(404, f"The stack has no output for {error.name}. Deploy it again with this version.")
        except (StoreUnavailable, BotoCoreError, ClientError) as error:
            response = _refusal(502, f"The stack's services do not respond as they should: {_code(error)}.")
        response.headers.update(HEADERS)
        return response

    async def _respond(self, request: Request) -> Response:
        if (why := refused(request)) is not None:
            return _refusal(403, why)
        if request.method not in METHODS:
            refusal = _refusal(405, "This view can only be read.")
            refusal.headers["Allow"] = ", ".join(METHODS)
            return refusal
        path = request.scope["path"]
        if path == self.prefix and self.prefix:
            return RedirectResponse(f"{self.prefix}/")  # else the page's relative addresses lead elsewhere
        rest = path.removeprefix(f"{self.prefix}/")
        if rest.startswith("api/"):
            return await self._read(request, rest)
        return await run_in_threadpool(self._file, rest or "index.html")

    async def _read(self, request: Request, path: str) -> Response:
        if len(request.scope["query_string"]) > MOST_QUERY_BYTES:
            raise InvalidRequest("The query is too long.")
        query = dict(request.query_params)
        for pattern, read in _ROUTES:
            if (found := pattern.fullmatch(path)) is not None:
                body = await run_in_threadpool(self._body, read, query, found.groups())
                return Response(body, media_type="image/jpeg") if isinstance(body, bytes) else JSONResponse(body)
        return _refusal(404, "There is nothing here.")

    def _body(self, read: Callable[..., Any], query: "Query", groups: tuple[str, ...]) -> Any:
        return read(self._bodies, query, *groups)

    @cached_property
    def _bodies(self) -> "Bodies":
        from facesearch_cli.operator.bodies import Bodies
        from facesearch_cli.operator.boxes import FOLDER, KeptBoxes

        stack = self.open_stack()
        first = stack.first_key[0] if stack.first_key is not None else None
        return Bodies(stack, self.org_id if self.org_id is not None else first, KeptBoxes(self.kept_boxes or FOLDER))

    def _file(self, name: str) -> Response:
        """A file of the built page; without a build, what to do about that."""
        if name != "index.html" and not _FILE.fullmatch(name):
            return _refusal(404, "There is nothing here.")
        path = self.built / name
        try:
            return Response(path.read_bytes(), media_type=MEDIA_TYPES[path.suffix])
        except FileNotFoundError:
            if name == "index.html":
                return Response(NOT_BUILT, 503, media_type="text/plain")
            return _refusal(404, "There is nothing here.")


def refused(request: Request) -> str | None:
    """Why a request is refused before anything is looked at; None = it is not.

    A page elsewhere can have its own name lead to this machine (DNS rebinding), but not choose what its browser says
    that it asks for. Where the stack listens on all addresses, others on its network are no operators either.
    """
    client, server = request.scope.get("client"), request.scope.get("server")
    if client is None or server is None or not _is_loopback(client[0]):
        return "This view is only there for browsers on its own machine."
    if request.headers.getlist("host") not in ([f"{name}:{server[1]}"] for name in ("127.0.0.1", "localhost")):
        return f"Open this view as http://127.0.0.1:{server[1]} or http://localhost:{server[1]}."
    if any(site not in OWN_SITES for site in request.headers.getlist("sec-fetch-site")):
        return "Another page may not use this view. Type its address, or use a bookmark."
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _code(error: Exception) -> str:
    """What names an error without quoting what was asked."""
    if isinstance(error, StoreUnavailable):
        return str(error)
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {cast('Any', error.response)['Error'].get('Code')}"
    return type(error).__name__


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"responseType": "error", "message": message, "data": None}, status)
