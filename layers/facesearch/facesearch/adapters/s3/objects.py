"""Files of a bucket, found and deleted in bulk."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
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


class S3Objects(Objects):
    """Of an S3 bucket."""

    def __init__(self, s3: "S3Client", bucket: str, pool: Executor) -> None:
        """Take the parts; `pool` looks at single files side by side."""
        self._s3 = s3
        self._bucket = bucket
        self._pool = pool

    @override
    def under(self, prefix: str) -> Iterator[str]:
        """1,000 to a round trip."""
        return (key for key, _ in self.etags_under(prefix))

    @override
    def etags_under(self, prefix: str) -> Iterator[tuple[str, str]]:
        """1,000 to a round trip."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from ((file["Key"], file["ETag"]) for file in page.get("Contents", []))

    @override
    def existing(self, keys: Sequence[str]) -> list[str]:
        """One HEAD each."""
        return list(self.etags(keys))

    @override
    def etags(self, keys: Sequence[str]) -> dict[str, str]:
        """One HEAD each."""
        found = zip(keys, self._pool.map(self._etag, keys), strict=True)
        return {key: etag for key, etag in found if etag is not None}

    @override
    def read(self, key: str, most: int) -> bytes | None:
        try:
            response = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        with reading(response) as body:
            return body.read() if response["ContentLength"] <= most else None

    @override
    def delete(self, keys: Iterable[str]) -> int:
        """1,000 to a round trip."""
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
            response = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            keys = [error["Key"] for error in response.get("Errors", [])]
            if not keys:
                return
        raise StillThereError(f"{len(keys)} files could not be deleted")

    def _etag(self, key: str) -> str | None:
        return etag_of(self._s3, self._bucket, key)


def etag_of(s3: "S3Client", bucket: str, key: str) -> str | None:
    """The object's ETag, None if it is not there; one HEAD. Without ListBucket S3's would be 403, which is raised."""
    try:
        return s3.head_object(Bucket=bucket, Key=key)["ETag"]
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise
