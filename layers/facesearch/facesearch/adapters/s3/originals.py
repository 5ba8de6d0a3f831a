"""Links to originals in their bucket."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from typing_extensions import override

from facesearch.adapters.s3.objects import etag_of
from facesearch.photos.links import LINK_SECONDS, OriginalStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Originals(OriginalStore):
    """Over the photos bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    @override
    def etag(self, key: str) -> str | None:
        """One HEAD."""
        return etag_of(self._s3, self._bucket, key)

    @override
    def link(self, key: str, filename: str) -> str:
        """Signed here, nothing is sent."""
        disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"  # RFC 6266
        return self._s3.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": disposition},
            ExpiresIn=LINK_SECONDS,
        )
