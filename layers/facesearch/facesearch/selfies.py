"""Selfies: kept once under their search for a day or so, or not at all; an embedding of one by consent only.

A selfie that is too large for one call comes through the same bucket: uploaded under a presigned form, fetched by the
search that names it, and gone with that search.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from facesearch.calls import flatten, no_json
from facesearch.errors import InvalidRequest, UnknownUpload
from facesearch.models import SearchKey
from facesearch.several import MAX_SELFIES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_UPLOAD_BYTES = 15 * 2**20
UPLOAD_SECONDS = 600
UPLOADS = "uploads"
"""Prefix of what was uploaded but not searched yet."""

JOBS = "jobs"
"""Prefix of what came with a webhook whose search has not ended yet."""

ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/avif"]


class SelfieStore(Protocol):
    """Where selfies are kept."""

    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        """Keep these selfies of a search, in place of what a run of it that was killed may have left."""

    def forget(self, search: SearchKey) -> None:
        """Delete the selfies of a search; there may be none."""


class S3SelfieStore:
    """Selfies in a bucket whose lifecycle rule forgets them."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        """See `SelfieStore.keep`; a PUT each. Content types stay opaque: nothing ever serves a selfie.

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

    def forget(self, search: SearchKey) -> None:
        """See `SelfieStore.forget`; the first goes last."""
        for key in reversed(selfie_keys(search)):
            self._s3.delete_object(Bucket=self._bucket, Key=key)


class NoSelfieStore:
    """For `SelfieRetentionDays` 0: selfies are never stored."""

    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        """Forget them at once."""

    def forget(self, search: SearchKey) -> None:
        """There is none."""


def selfie_keys(search: SearchKey) -> tuple[str, ...]:
    """S3 keys of the selfies that a search may have, in their order; mostly there is only the first."""
    first = f"{search.org_id}/{search.event_id}/{search.request_id}"
    return first, *(f"{first}/{number}" for number in range(2, MAX_SELFIES + 1))


def selfie_prefixes(org_id: int, event_id: int) -> tuple[str, ...]:
    """What the keys of an event's selfies begin with: those of searches, and those that wait for theirs."""
    return f"{org_id}/{event_id}/", f"{UPLOADS}/{org_id}/{event_id}/", f"{JOBS}/{org_id}/{event_id}/"


def job_prefix(search: SearchKey) -> str:
    """What the key of a selfie begins with that came with a webhook for this search."""
    return f"{JOBS}/{selfie_keys(search)[0]}/"


def search_of(key: str) -> SearchKey | None:
    """The search that a selfie's key belongs to, kept with it or sent with its webhook; None of an upload, which is not
    searched yet, and of what is no selfie's key."""
    match key.removeprefix(f"{JOBS}/").split("/"):
        case [org_id, event_id, request_id, *_] if org_id.isdecimal() and event_id.isdecimal():
            try:
                return SearchKey(int(org_id), int(event_id), uuid.UUID(request_id))
            except ValueError:
                return None
    return None


class UploadRequest(BaseModel):
    """The body of a call for an upload; without one, the picture is a JPEG."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content_type: ContentType = "image/jpeg"


def parse_upload_request(body: bytes) -> UploadRequest:
    """Read the body, which may be empty.

    Raises:
        InvalidRequest: not JSON, or another type of picture.
    """
    if not body:
        return UploadRequest()
    try:
        return UploadRequest.model_validate(json.loads(body))
    except ValidationError as error:
        raise InvalidRequest("; ".join(flatten("body", error))) from None
    except (ValueError, RecursionError):
        raise InvalidRequest(no_json(body, "body: must be empty or a JSON object with content_type")) from None


@dataclass(frozen=True)
class UploadKey:
    """The scope of one upload: no other organisation or event can use it."""

    org_id: int
    event_id: int
    upload_id: uuid.UUID


@dataclass(frozen=True)
class UploadForm:
    """What a client needs to upload: where to POST, and the form's fields, which go before the file."""

    url: str
    fields: dict[str, str]


class SelfieUploads(Protocol):
    """Where selfies wait that were too large for one call."""

    def form(self, upload: UploadKey, content_type: ContentType) -> UploadForm:
        """A form that takes one file of that type, 1 byte to `MAX_UPLOAD_BYTES`, for `UPLOAD_SECONDS`."""

    def fetch(self, upload: UploadKey) -> bytes:
        """What was uploaded.

        Raises:
            UnknownUpload: nothing was, or it is gone.
        """

    def forget(self, upload: UploadKey) -> None:
        """Delete it; it may be gone already."""


class S3SelfieUploads:
    """`SelfieUploads` in the selfies bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def form(self, upload: UploadKey, content_type: ContentType) -> UploadForm:
        """See `SelfieUploads.form`. Signed here, nothing is sent. A POST: a presigned PUT cannot limit the size."""
        signed = self._s3.generate_presigned_post(
            Bucket=self._bucket,
            Key=_upload_key(upload),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_UPLOAD_BYTES]],
            ExpiresIn=UPLOAD_SECONDS,
        )
        return UploadForm(signed["url"], signed["fields"])

    def fetch(self, upload: UploadKey) -> bytes:
        """See `SelfieUploads.fetch`."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=_upload_key(upload))
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise UnknownUpload(
                "upload_id names no upload of this event that is still there. Upload the selfie again."
            ) from None
        with answer["Body"] as body:
            # The form has limited the size; not every stand-in for S3 does.
            if answer["ContentLength"] > MAX_UPLOAD_BYTES:
                raise UnknownUpload(f"The upload is larger than {MAX_UPLOAD_BYTES // 2**20} MiB.")
            return body.read()

    def forget(self, upload: UploadKey) -> None:
        """See `SelfieUploads.forget`."""
        self._s3.delete_object(Bucket=self._bucket, Key=_upload_key(upload))


def _upload_key(upload: UploadKey) -> str:
    return f"{UPLOADS}/{upload.org_id}/{upload.event_id}/{upload.upload_id}"
