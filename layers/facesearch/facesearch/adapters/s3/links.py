"""Signed links: to renditions for a stack without CloudFront, and to originals. Nothing is sent for them."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from typing_extensions import override

from facesearch.adapters.s3.objects import etag_of
from facesearch.photos.links import LINK_SECONDS, OriginalStore, RenditionLinks
from facesearch.records import RenditionSize, rendition_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class SignedLinks(RenditionLinks):
    """Into the private bucket itself."""

    s3: "S3Client"
    bucket: str

    @override
    def url(self, event_id: int, size: RenditionSize, image_id: uuid.UUID) -> str:
        place = {"Bucket": self.bucket, "Key": rendition_key(event_id, size, image_id)}
        return self.s3.generate_presigned_url("get_object", Params=place, ExpiresIn=LINK_SECONDS)


@dataclass(frozen=True)
class S3Originals(OriginalStore):
    """Over the photos bucket."""

    s3: "S3Client"
    bucket: str

    @override
    def etag(self, key: str) -> str | None:
        return etag_of(self.s3, self.bucket, key)

    @override
    def link(self, key: str, filename: str) -> str:
        disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"  # RFC 6266
        place = {"Bucket": self.bucket, "Key": key, "ResponseContentDisposition": disposition}
        return self.s3.generate_presigned_url("get_object", Params=place, ExpiresIn=LINK_SECONDS)
