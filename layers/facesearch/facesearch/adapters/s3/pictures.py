"""Originals and renditions in two buckets."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.adapters.aws import reading
from facesearch.adapters.s3.objects import etag_of, read_file
from facesearch.photos.pictures import Pictures, Renditions, Shown, StoredFile
from facesearch.records import rendition_key, rendition_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RENDITION_CACHING = "public, max-age=31536000, immutable"
"""A rendition's URL names its content, so that browsers and the CDN may keep it for good."""
WATERMARKED_CACHING = "public, max-age=3600, s-maxage=31536000"
"""A watermark may be changed or taken away. The CDN is told then, and browsers ask after an hour."""
LOOKS = "rendering"
"""Metadata of a rendition that say how it looks, if not as it did from the first."""


@dataclass(frozen=True)
class S3Pictures(Pictures):
    """Photos' files in S3."""

    s3: "S3Client"
    photos_bucket: str
    renditions_bucket: str

    @property
    @override
    def uploads(self) -> str:
        return self.photos_bucket

    @override
    def original(self, key: str, most: int) -> StoredFile | None:
        file = read_file(self.s3, self.photos_bucket, key, most)
        return None if file is None else StoredFile(*file)

    @override
    def etag(self, key: str) -> str | None:
        return etag_of(self.s3, self.photos_bucket, key)

    @override
    def publish(self, event_id: int, image_id: uuid.UUID, renditions: Renditions, rendering: str = "") -> None:
        files = renditions.large, renditions.medium, renditions.small
        more: Any = {"Metadata": {LOOKS: rendering}} if rendering else {}
        for key, jpeg in zip(rendition_keys(event_id, image_id), files, strict=True):
            if jpeg is not None:
                self.s3.put_object(
                    Bucket=self.renditions_bucket,
                    Key=key,
                    Body=jpeg,
                    ContentType="image/jpeg",
                    CacheControl=WATERMARKED_CACHING if rendering else RENDITION_CACHING,
                    **more,
                )

    @override
    def shown(self, event_id: int, image_id: uuid.UUID) -> Shown | None:
        try:
            response = self.s3.get_object(Bucket=self.renditions_bucket, Key=rendition_key(event_id, "large", image_id))
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        with reading(response) as body:
            return Shown(response["Metadata"].get(LOOKS, ""), bytes(body.read()))

    @override
    def unpublish(self, event_id: int, image_id: uuid.UUID) -> None:
        for key in rendition_keys(event_id, image_id):
            self.s3.delete_object(Bucket=self.renditions_bucket, Key=key)
