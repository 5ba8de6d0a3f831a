"""Selfies and uploads of selfies in their bucket."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.adapters.aws import reading
from facesearch.errors import UnknownUpload
from facesearch.models import SearchKey
from facesearch.search.selfies import (
    MAX_UPLOAD_BYTES,
    UPLOAD_SECONDS,
    ContentType,
    SelfieStore,
    SelfieUploads,
    UploadForm,
    UploadKey,
    selfie_keys,
    upload_key,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3SelfieStore(SelfieStore):
    """In a bucket whose lifecycle rule expires them."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    @override
    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        """A PUT each. Content types stay opaque: nothing ever serves a selfie.

        The first is there for as long as any is, so that it alone says whether there are more to be deleted.
        """
        keys = selfie_keys(search)
        if not self._is_first(keys[0], selfies[0]):
            for key in keys[len(selfies) :]:
                self._s3.delete_object(Bucket=self._bucket, Key=key)
            self._s3.put_object(Bucket=self._bucket, Key=keys[0], Body=selfies[0])
        # Not strict: there is a key for each of the most selfies that a search may have.
        for key, selfie in zip(keys[1:], selfies[1:], strict=False):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=selfie)

    def _is_first(self, key: str, selfie: bytes) -> bool:
        """Keep it, unless there is one."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=selfie, IfNoneMatch="*")
        except ClientError as error:
            # 412: there is. 409: a PUT of the same key is under way, a dead run's.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (409, 412):
                raise
            return False
        return True

    @override
    def delete(self, search: SearchKey) -> None:
        """The first goes last."""
        for key in reversed(selfie_keys(search)):
            self._s3.delete_object(Bucket=self._bucket, Key=key)


class S3SelfieUploads(SelfieUploads):
    """In the selfies bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    @override
    def form(self, upload: UploadKey, content_type: ContentType) -> UploadForm:
        """Signed here, nothing is sent. A POST: a presigned PUT cannot limit the size."""
        signed = self._s3.generate_presigned_post(
            Bucket=self._bucket,
            Key=upload_key(upload),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_UPLOAD_BYTES]],
            ExpiresIn=UPLOAD_SECONDS,
        )
        return UploadForm(signed["url"], signed["fields"])

    @override
    def fetch(self, upload: UploadKey) -> bytes:
        try:
            response = self._s3.get_object(Bucket=self._bucket, Key=upload_key(upload))
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise UnknownUpload("upload_id matches no upload of this event. Upload the selfie again.") from None
        with reading(response) as body:
            # The form has limited the size; not every stand-in for S3 does.
            if response["ContentLength"] > MAX_UPLOAD_BYTES:
                raise UnknownUpload(f"The upload is larger than {MAX_UPLOAD_BYTES // 2**20} MiB.")
            return bytes(body.read())

    @override
    def delete(self, upload: UploadKey) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=upload_key(upload))
