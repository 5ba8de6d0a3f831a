"""The renditions under the URLs that the API returns: what CloudFront does on AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "/imgs/"
_PATH = re.compile(r"/(imgs/[0-9]{1,19}/(?:large|medium|small)/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jpg)")
_CHUNK_BYTES = 64 * 1024


class Renditions:
    """Reads one bucket, and in it only what has the form of a rendition's key."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    async def serve(self, method: str, path: str) -> Response:
        """The rendition, streamed; the envelope with 404 for everything else, 405 for other methods."""
        if method not in ("GET", "HEAD"):
            return _refusal(405, "Renditions can only be read.")
        found = _PATH.fullmatch(path)
        if found is None:
            return _refusal(404, "No such image.")
        return await run_in_threadpool(self._read, method, found[1])

    def _read(self, method: str, key: str) -> Response:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return _refusal(404, "No such image.")
            raise
        headers = {
            "Content-Type": found["ContentType"],
            "Content-Length": str(found["ContentLength"]),
            "ETag": found["ETag"],
        }
        if "CacheControl" in found:
            headers["Cache-Control"] = found["CacheControl"]
        body = found["Body"]
        if method == "HEAD":
            body.close()
            return Response(headers=headers)

        def chunks() -> Iterator[bytes]:
            with body:
                yield from body.iter_chunks(_CHUNK_BYTES)

        return StreamingResponse(chunks(), headers=headers)


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"responseType": "error", "message": message, "data": None}, status)
