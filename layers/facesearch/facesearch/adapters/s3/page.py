"""The files of the guests' page in the renditions bucket."""

from collections.abc import Iterable
from dataclasses import dataclass
from mimetypes import guess_type
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.s3.objects import read_file
from facesearch.admin.page import BUILD_PREFIX, LINK_PREFIX, MAX_PAGE_BYTES, PageFiles, origin_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOR_GOOD = "public, max-age=31536000, immutable"
"""Below `page/{version}/`: another build has another version."""
FOR_MINUTES, FOR_A_MINUTE = "public, max-age=300", "public, max-age=60"


@dataclass(frozen=True)
class S3PageFiles(PageFiles):
    s3: "S3Client"
    bucket: str

    @override
    def read(self, key: str) -> str:
        _, content = read_file(self.s3, self.bucket, key, MAX_PAGE_BYTES) or ("", None)
        return (content or b"").decode()

    @override
    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(
            Bucket=self.bucket, Key=key, Body=content, ContentType=type_of(key), CacheControl=caching_of(key)
        )

    @override
    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.s3.delete_object(Bucket=self.bucket, Key=key)


def type_of(key: str) -> str:
    """A link's file has no suffix."""
    kind = "text/html" if key.startswith(LINK_PREFIX) else guess_type(key)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(("text/", "application/json")) else kind


def caching_of(key: str) -> str:
    folder = key.removeprefix(BUILD_PREFIX).rpartition("/")[0]
    if key.startswith(LINK_PREFIX) or not folder:
        return FOR_A_MINUTE
    return FOR_MINUTES if folder == "v1" else FOR_GOOD


def store_origins(s3: "S3Client", *buckets: str) -> tuple[str, ...]:
    """Where signed links into these buckets lead."""
    links = [s3.generate_presigned_url("get_object", Params={"Bucket": each, "Key": "-"}) for each in buckets]
    return tuple(dict.fromkeys(map(origin_of, links)))
