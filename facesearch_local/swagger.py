"""Swagger UI on the local stack's own document: its files come with powertools, nothing is fetched from elsewhere.

On AWS there is no such page: who may read about an API there is the operator's business.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

PAGE = "/docs"
DOCUMENT = "/openapi.json"
_ROOT = Path(__file__).resolve().parents[1]
_SWAGGER_UI = files("aws_lambda_powertools") / "event_handler" / "openapi" / "swagger_ui"

_HTML = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Face Search</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# A file, so that the page needs no inline script. The key outlives a reload; nobody's validator is asked.
# Swagger UI begins a form with samples, which for a pattern are random ids, and sends fields that are empty: neither
# is what somebody wants who has chosen a file.
_START = """\
const emptyIds = () => ({
  afterLoad(system) {
    const sample = system.fn.getSampleSchema;
    system.fn.getSampleSchema = (schema, ...rest) => (schema?.get?.("pattern") ? "" : sample(schema, ...rest));
  },
});
const withoutEmptyFields = (request) => {
  if (request.body instanceof FormData)
    for (const [name, value] of [...request.body]) if (value === "") request.body.delete(name);
  return request;
};
SwaggerUIBundle({
  dom_id: "#docs",
  url: "/openapi.json",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  plugins: [emptyIds],
  requestInterceptor: withoutEmptyFields,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""
_FILES: dict[str, tuple[str, str | Traversable]] = {
    PAGE: ("text/html", _HTML),
    "/docs/start.js": ("text/javascript", _START),
    "/docs/swagger-ui.js": ("text/javascript", _SWAGGER_UI / "swagger-ui-bundle.min.js"),
    "/docs/swagger-ui.css": ("text/css", _SWAGGER_UI / "swagger-ui.min.css"),
    DOCUMENT: ("application/json", _ROOT / "docs" / "openapi.json"),
}
_HEADERS = {
    "Cache-Control": "no-cache",
    # Swagger UI sets styles and shows icons that are written into its files, and talks to this stack alone.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def is_docs(path: str) -> bool:
    """Whether `serve` has something there."""
    return path in _FILES


async def serve(method: str, path: str) -> Response:
    """One file of the page; 405 in the envelope for methods that do not read."""
    if method not in ("GET", "HEAD"):
        body = {"responseType": "error", "message": "The documentation can only be read.", "data": None}
        return JSONResponse(body, 405, {"Allow": "GET, HEAD"})
    media_type, content = _FILES[path]
    text = content if isinstance(content, str) else await run_in_threadpool(content.read_text, "utf-8")
    return Response(text, headers=_HEADERS, media_type=media_type)
