"""Selfies: kept once under their search for a day or so, or not at all; an embedding of one never."""

from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from facesearch.models import SearchKey

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SelfieStore(Protocol):
    """Where selfies are kept."""

    def keep(self, search: SearchKey, selfie: bytes) -> None:
        """Keep the selfie of a search; a second one for the same search changes nothing."""


class S3SelfieStore:
    """Selfies in a bucket whose lifecycle rule forgets them."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def keep(self, search: SearchKey, selfie: bytes) -> None:
        """See `SelfieStore.keep`; one conditional PUT. The content type stays opaque: nothing ever serves a selfie."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=selfie_key(search), Body=selfie, IfNoneMatch="*")
        except ClientError as error:
            # 412: it is there. 409: a PUT of the same key is under way, which then keeps one.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (409, 412):
                raise


class NoSelfieStore:
    """For `SelfieRetentionDays` 0: selfies are never stored."""

    def keep(self, search: SearchKey, selfie: bytes) -> None:
        """Forget it at once."""


def selfie_key(search: SearchKey) -> str:
    """S3 key of a search's selfie."""
    return f"{search.org_id}/{search.event_id}/{search.request_id}"
