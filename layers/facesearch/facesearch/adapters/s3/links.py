"""Signed links to renditions, for a stack without CloudFront."""

import uuid
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.photos.links import LINK_SECONDS, RenditionLinks
from facesearch.records import RenditionSize, rendition_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SignedLinks(RenditionLinks):
    """Into the private bucket itself, for `LINK_SECONDS`."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    @override
    def url(self, event_id: int, size: RenditionSize, image_id: uuid.UUID) -> str:
        """Signed here, nothing is sent."""
        key = rendition_key(event_id, size, image_id)
        return self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=LINK_SECONDS
        )
