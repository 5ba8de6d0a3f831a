"""Files of a bucket, found and deleted in bulk."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.adapters.aws import reading
from facesearch.photos.objects import Objects, StillThereError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DELETE_LIMIT = 1000
ATTEMPTS = 5


@dataclass(frozen=True)
class S3Objects(Objects):
    """Of an S3 bucket, 1,000 to a round trip; `pool` looks at single files side by side, one HEAD each."""

    s3: "S3Client"
    bucket: str
    pool: Executor

    @override
    def under(self, prefix: str) -> Iterator[str]:
        return (key for key, _ in self.etags_under(prefix))

    @override
    def etags_under(self, prefix: str) -> Iterator[tuple[str, str]]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            yield from ((file["Key"], file["ETag"]) for file in page.get("Contents", []))

    @override
    def etags(self, keys: Sequence[str]) -> dict[str, str]:
        found = zip(keys, self.pool.map(lambda key: etag_of(self.s3, self.bucket, key), keys), strict=True)
        return {key: etag for key, etag in found if etag is not None}

    @override
    def read(self, key: str, most: int) -> bytes | None:
        file = read_file(self.s3, self.bucket, key, most)
        return None if file is None else file[1]

    @override
    def delete(self, keys: Iterable[str]) -> int:
        iterator, count = iter(keys), 0
        while some := list(islice(iterator, DELETE_LIMIT)):
            self._delete(some)
            count += len(some)
        return count

    def _delete(self, keys: list[str]) -> None:
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - jitter, not a secret
            objects: Any = [{"Key": key} for key in keys]
            response = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
            keys = [error["Key"] for error in response.get("Errors", [])]
            if not keys:
                return
        raise StillThereError(f"{len(keys)} files could not be deleted")


def etag_of(s3: "S3Client", bucket: str, key: str) -> str | None:
    """The object's ETag, None if it is not there; one HEAD. Without ListBucket S3's would be 403, which is raised."""
    try:
        return s3.head_object(Bucket=bucket, Key=key)["ETag"]
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise


def read_file(s3: "S3Client", bucket: str, key: str, most: float) -> tuple[str, bytes | None] | None:
    """The object's ETag and its bytes, which are None if they are more than `most`; None if it is not there."""
    try:
        response = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
    with reading(response) as body:
        return response["ETag"], bytes(body.read()) if response["ContentLength"] <= most else None
