"""Selfies that came with a webhook, until its search has ended."""

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from facesearch.errors import SelfieUnavailable
from facesearch.models import SearchKey
from facesearch.search.selfies import job_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3PendingSelfies:
    """`PendingSelfieStore` in the bucket of selfies, whose lifecycle rule forgets what nobody came for.

    A key of its own for each webhook: of two at once for one request_id, only the one whose job was added is read.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def keep(self, search: SearchKey, selfie: bytes) -> str:
        """See `PendingSelfieStore.keep`."""
        key = f"{job_prefix(search)}{uuid.uuid4()}"
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=selfie)
        except (BotoCoreError, ClientError):
            with suppress(BotoCoreError, ClientError):  # then the lifecycle rule does
                self.forget(key)  # it may have been written, and its key is known to nobody else
            raise
        return key

    def fetch(self, key: str) -> bytes:
        """See `PendingSelfieStore.fetch`."""
        try:
            with self._s3.get_object(Bucket=self._bucket, Key=key)["Body"] as body:
                return body.read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise SelfieUnavailable("The selfie is no longer there.") from None

    def forget(self, key: str) -> None:
        """See `PendingSelfieStore.forget`."""
        self._s3.delete_object(Bucket=self._bucket, Key=key)
