"""Selfies: kept once under their search for a day or so, or not at all; an embedding of one by consent only.

A selfie that is too large for one call comes through the same bucket: uploaded under a presigned form, fetched by the
search that names it, and gone with that search.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from typing_extensions import override

from facesearch.errors import StoreUnavailable
from facesearch.faces.several import MAX_SELFIES, naming
from facesearch.models import SearchKey
from facesearch.observability import log_unexpected

MAX_SELFIE_BYTES = 4_718_592
"""4.5 MiB: a little over what fits through one Lambda call (6 MB of event, a third of it base64), so that the gateway
says 413 first. Of all selfies of a call together."""
MAX_UPLOAD_BYTES = 15 * 2**20
UPLOAD_SECONDS = 600
UPLOADS, JOBS = "uploads", "jobs"
"""Prefixes of what was uploaded but not searched yet, and of what came with a webhook whose search has not ended."""
ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/avif"]


class SelfieStore(Protocol):
    """Where selfies are kept."""

    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        """Keep these selfies of a search, in place of what a run of it that was killed may have left."""

    def delete(self, search: SearchKey) -> None:
        """Delete the selfies of a search; there may be none."""


class NoSelfieStore(SelfieStore):
    """For `SelfieRetentionDays` 0: selfies are never stored."""

    @override
    def keep(self, search: SearchKey, selfies: Sequence[bytes]) -> None:
        pass

    @override
    def delete(self, search: SearchKey) -> None:
        pass


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
    try:
        org_id, event_id, request_id, *_ = key.removeprefix(f"{JOBS}/").split("/")
        return SearchKey(int(org_id), int(event_id), uuid.UUID(request_id))
    except ValueError:
        return None


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

    def delete(self, upload: UploadKey) -> None:
        """Delete it; it may be gone already."""


def pictures_of(selfies: Sequence[bytes | UploadKey], uploads: SelfieUploads) -> list[bytes]:
    """The selfies, uploads among them fetched. Of one of several, UnknownUpload says which."""
    pictures = []
    for number, selfie in enumerate(selfies, 1):
        with naming(number, len(selfies)):
            pictures.append(selfie if isinstance(selfie, bytes) else uploads.fetch(selfie))
    return pictures


def delete_uploads(selfies: Sequence[bytes | UploadKey], uploads: SelfieUploads) -> None:
    """An upload is used once. The bucket's lifecycle rule expires what cannot be deleted now."""
    for upload in selfies:
        if isinstance(upload, UploadKey):
            try:
                uploads.delete(upload)
            except StoreUnavailable as error:
                log_unexpected(error)


def upload_key(upload: UploadKey) -> str:
    """The S3 key of an upload."""
    return f"{UPLOADS}/{upload.org_id}/{upload.event_id}/{upload.upload_id}"
