"""Originals and renditions in two buckets."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.s3.objects import etag_of, read_file
from facesearch.photos.pictures import Pictures, Renditions, StoredFile
from facesearch.records import rendition_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RENDITION_CACHING = "public, max-age=31536000, immutable"
"""A rendition's URL names its content, so that browsers and the CDN may keep it for good."""


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
    def publish(self, event_id: int, image_id: uuid.UUID, renditions: Renditions) -> None:
        files = renditions.large, renditions.medium, renditions.small
        for key, jpeg in zip(rendition_keys(event_id, image_id), files, strict=True):
            if jpeg is not None:
                self.s3.put_object(
                    Bucket=self.renditions_bucket,
                    Key=key,
                    Body=jpeg,
                    ContentType="image/jpeg",
                    CacheControl=RENDITION_CACHING,
                )

    @override
    def unpublish(self, event_id: int, image_id: uuid.UUID) -> None:
        for key in rendition_keys(event_id, image_id):
            self.s3.delete_object(Bucket=self.renditions_bucket, Key=key)
