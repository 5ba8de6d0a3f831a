"""Selfies in their bucket, whose lifecycle rules expire them: of searches, and uploaded ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.adapters.s3.objects import read_file
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


@dataclass(frozen=True)
class S3SelfieStore(SelfieStore):
    """Those of searches."""

    s3: "S3Client"
    bucket: str

    @override
    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        """A PUT each. Content types stay opaque: nothing ever serves a selfie.

        The first is there for as long as any is, so that it alone says whether there are more to be deleted.
        """
        keys = selfie_keys(search)
        if not self._is_first(keys[0], selfies[0]):
            for key in keys[len(selfies) :]:
                self.s3.delete_object(Bucket=self.bucket, Key=key)
            self.s3.put_object(Bucket=self.bucket, Key=keys[0], Body=selfies[0])
        # Not strict: there is a key for each of the most selfies that a search may have.
        for key, selfie in zip(keys[1:], selfies[1:], strict=False):
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=selfie)

    def _is_first(self, key: str, selfie: bytes) -> bool:
        """Keep it, unless there is one."""
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=selfie, IfNoneMatch="*")
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
            self.s3.delete_object(Bucket=self.bucket, Key=key)


@dataclass(frozen=True)
class S3SelfieUploads(SelfieUploads):
    """Those that were uploaded by a form."""

    s3: "S3Client"
    bucket: str

    @override
    def form(self, upload: UploadKey, content_type: ContentType) -> UploadForm:
        """Signed here, nothing is sent. A POST: a presigned PUT cannot limit the size."""
        signed = self.s3.generate_presigned_post(
            Bucket=self.bucket,
            Key=upload_key(upload),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_UPLOAD_BYTES]],
            ExpiresIn=UPLOAD_SECONDS,
        )
        return UploadForm(signed["url"], signed["fields"])

    @override
    def fetch(self, upload: UploadKey) -> bytes:
        file = read_file(self.s3, self.bucket, upload_key(upload), MAX_UPLOAD_BYTES)
        if file is None:
            raise UnknownUpload("upload_id matches no upload of this event. Upload the selfie again.")
        if file[1] is None:  # the form has limited the size; not every stand-in for S3 does
            raise UnknownUpload(f"The upload is larger than {MAX_UPLOAD_BYTES // 2**20} MiB.")
        return file[1]

    @override
    def delete(self, upload: UploadKey) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=upload_key(upload))
