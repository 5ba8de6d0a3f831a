"""CloudFront's part: the renditions under the URLs that the API returns, and the guests' pages, with its headers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from facesearch.admin.page import GONE, LINK_PREFIX, TEMPLATE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIXES = ("/imgs/", "/e/", "/page/")
_RENDITION = re.compile(r"/(imgs/[0-9]{1,19}/(?:large|medium|small)/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jpg)")
_PAGE = re.compile(r"/((?:e|page)(?:/[\w-][\w.-]*){1,5})", re.ASCII)
_CHUNK_BYTES = 64 * 1024
_UNBUILT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Face Search</title>
<link rel="icon" href="data:,">
</head>
<body>
<h1>The guest page is not built.</h1>
<p>Run: make web &ndash; then start the stack again, or run: facesearch page publish</p>
<p><a href="/docs">Try the API</a></p>
</body>
</html>
"""
_LOOPBACK = "http://127.0.0.1:* http://localhost:*"
"""Where a local stack's photos and buckets are; on AWS they are reached by https alone."""


@dataclass(frozen=True)
class CdnHeaders:
    """What the distribution adds to renditions, and to pages."""

    renditions: Mapping[str, str]
    pages: Mapping[str, str]


class Cdn:
    """Reads one bucket, and in it only what has the form of a rendition's key, or of a page's.

    `home` is the path of the page that `/` leads to, once there is one.
    """

    def __init__(self, s3: S3Client, bucket: str, headers: CdnHeaders) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._headers = headers
        self.home = ""

    async def serve(self, method: str, path: str) -> Response:
        """The file, streamed; `gone.html` with 404 if there is none; 405 for methods that do not read."""
        if method not in ("GET", "HEAD"):
            body = {"responseType": "error", "message": "This can only be read.", "data": None}
            return JSONResponse(body, 405, {"Allow": "GET, HEAD"})
        return await run_in_threadpool(self._respond, method, path)

    def _respond(self, method: str, path: str) -> Response:
        if path == "/":
            if self.home and self._is_built():
                return RedirectResponse(self.home, 302, {"Cache-Control": "no-store"})
            return _unbuilt(200)
        if (rendition := _RENDITION.fullmatch(path)) is not None:
            found, headers = self._file(rendition[1]), self._headers.renditions
        elif (page := _PAGE.fullmatch(path)) is not None:
            if page[1].startswith(LINK_PREFIX) and not self._is_built():
                return _unbuilt(404)
            found, headers = self._file(page[1]), self._headers.pages
        else:
            found, headers = None, self._headers.pages
        if found is not None:
            return _streamed(method, 200, found, headers)
        gone = self._file(GONE)
        return _streamed(method, 404, gone, self._headers.pages) if gone is not None else _unbuilt(404)

    def _is_built(self) -> bool:
        if (template := self._file(TEMPLATE)) is None:
            return False
        template["Body"].close()
        return True

    def _file(self, key: str) -> Any | None:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise


def headers_of(policy: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a ResponseHeadersPolicy, as far as they mean something without TLS."""
    security = policy["SecurityHeadersConfig"]
    content = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    named = {
        "Access-Control-Allow-Origin": policy["CorsConfig"]["AccessControlAllowOrigins"]["Items"][0],
        "Content-Security-Policy": content.replace("https:", f"https: {_LOOPBACK}"),
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
    }
    return named | {item["Header"]: item["Value"] for item in policy["CustomHeadersConfig"]["Items"]}


def _streamed(method: str, status: int, found: Any, own: Mapping[str, str]) -> Response:
    headers = {
        **own,
        "Content-Type": found["ContentType"],
        "Content-Length": str(found["ContentLength"]),
        "ETag": found["ETag"],
    }
    if "CacheControl" in found:
        headers["Cache-Control"] = found["CacheControl"]
    body = found["Body"]
    if method == "HEAD":
        body.close()
        return Response(status_code=status, headers=headers)

    def chunks() -> Iterator[bytes]:
        with body:
            yield from body.iter_chunks(_CHUNK_BYTES)

    return StreamingResponse(chunks(), status, headers)


def _unbuilt(status: int) -> Response:
    return Response(_UNBUILT, status, {"Cache-Control": "no-store"}, media_type="text/html")
