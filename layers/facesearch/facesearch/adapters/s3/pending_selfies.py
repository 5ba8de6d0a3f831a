"""Selfies that came along with a webhook, in the selfies' bucket until its search has ended."""

import math
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.s3.objects import read_file
from facesearch.errors import SelfieUnavailable, StoreUnavailable
from facesearch.models import SearchKey
from facesearch.search.selfies import job_prefix
from facesearch.webhooks.pending_selfies import PendingSelfieStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3PendingSelfies(PendingSelfieStore):
    """Each has a key of its own: of two webhooks at once for one request_id, only that whose job was added is read."""

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
        file = read_file(self.s3, self.bucket, key, math.inf)
        if file is None or file[1] is None:
            raise SelfieUnavailable("The selfie is no longer there.")
        return file[1]

    @override
    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=key)
