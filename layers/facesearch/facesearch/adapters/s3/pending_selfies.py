"""Selfies that came with a webhook, until its search has ended."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.adapters.aws import reading
from facesearch.errors import SelfieUnavailable, StoreUnavailable
from facesearch.models import SearchKey
from facesearch.search.selfies import job_prefix
from facesearch.webhooks.pending_selfies import PendingSelfieStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3PendingSelfies(PendingSelfieStore):
    """The bucket of selfies, whose lifecycle rule expires what nobody came for.

    A key of its own for each webhook: of two at once for one request_id, only the one whose job was added is read.
    """

    s3: "S3Client"
    bucket: str

    @override
    def keep(self, search: SearchKey, selfie: bytes) -> str:
        key = f"{job_prefix(search)}{uuid.uuid4()}"
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=selfie)
        except StoreUnavailable:
            with suppress(StoreUnavailable):  # then the lifecycle rule does
                self.delete(key)  # it may have been written, and its key is known to nobody else
            raise
        return key

    @override
    def fetch(self, key: str) -> bytes:
        try:
            with reading(self.s3.get_object(Bucket=self.bucket, Key=key)) as body:
                return bytes(body.read())
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise SelfieUnavailable("The selfie is no longer there.") from None

    @override
    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=key)
