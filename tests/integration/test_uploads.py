"""Selfies that are too large for one call: a presigned form, the upload through the store, and the search by it."""

import uuid
from typing import Any

import httpx
import pytest

from tests.integration.conftest import Site
from tests.integration.test_faces import envelope

LIMIT = 15 * 2**20


def padded(jpeg: bytes, size: int) -> bytes:
    """The same picture in that many bytes: readers stop at its end."""
    return jpeg.ljust(size, b"\0")


def form_for(site: Site) -> Any:
    return envelope(site.upload(), 200)["data"]


def send(form: dict[str, Any], content: bytes) -> httpx.Response:
    """POST as a browser does: the fields in their order, the file last."""
    fields = {name: (None, value) for name, value in form["fields"].items()}
    return httpx.post(form["url"], files={**fields, "file": ("selfie.jpg", content)}, timeout=60)


def search(site: Site, **fields: str) -> httpx.Response:
    """POST faces with form fields alone, urlencoded."""
    return site.http.post(site.faces_url(), data=fields, headers=site.headers)


def uploads_of(site: Site) -> list[str]:
    prefix = f"uploads/{site.org_id}/{site.event_id}/"
    listed = site.s3.list_objects_v2(Bucket=site.outputs["SelfiesBucket"], Prefix=prefix)
    return [item["Key"].removeprefix(prefix) for item in listed.get("Contents", [])]


def test_a_large_selfie_is_uploaded_searched_once_and_replayed(site: Site, obama: bytes) -> None:
    selfie = padded(obama, 6 * 2**20)
    envelope(site.post(selfie), 413)
    form = form_for(site)
    upload_id = form["upload_id"]
    assert send(form, selfie).is_success
    assert upload_id in uploads_of(site)
    first = search(site, upload_id=upload_id)
    data = envelope(first, 200)["data"]
    assert data["request_id"] == upload_id, "a retry is a retry"
    assert data["pagination"]["total"] == 5
    assert "idempotent-replayed" not in first.headers
    assert upload_id not in uploads_of(site), "an upload is for one search"
    kept = site.s3.get_object(Bucket=site.outputs["SelfiesBucket"], Key=f"{site.org_id}/{site.event_id}/{upload_id}")[
        "Body"
    ].read()
    assert kept == selfie
    again = search(site, upload_id=upload_id)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert site.get(upload_id).json() == first.json()
    envelope(search(site, upload_id=upload_id, request_id=str(uuid.uuid4())), 400)


def test_an_upload_belongs_to_its_organisation_and_event(site: Site, obama: bytes) -> None:
    form = form_for(site)
    upload_id = form["upload_id"]
    assert send(form, obama).is_success
    for elsewhere in (site.other_event(), site.other_org()):
        envelope(search(elsewhere, upload_id=upload_id), 400)
        assert elsewhere.get(upload_id).status_code == 404
    assert upload_id in uploads_of(site)
    assert envelope(search(site, upload_id=upload_id), 200)["data"]["pagination"]["total"] == 5


@pytest.mark.parametrize("size", [0, LIMIT + 1])
def test_an_upload_beyond_its_limits_is_never_searched(site: Site, obama: bytes, size: int) -> None:
    """S3 and MiniStack refuse the upload by the form's policy."""
    form = form_for(site)
    sent = send(form, padded(obama, size) if size else b"")
    assert (sent.status_code, "EntityToo" in sent.text) == (400, True)
    envelope(search(site, upload_id=form["upload_id"]), 400)
    assert site.get(form["upload_id"]).status_code == 404
