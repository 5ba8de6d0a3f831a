"""A guest has a finished search watched on the running stack, comes back for later photos, and ends it."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.watches import DynamoWatchStore
from facesearch.webhooks.watches.watch import Watch
from tests.integration.conftest import Site, photo_of_nobody, until
from tests.integration.test_faces import envelope, images

DAY = 86_400


@dataclass
class Guest:
    """A guest of an event of its own."""

    site: Site

    def upload(self, photo: bytes) -> str:
        """The image_id of a photographer's photo, when it is indexed."""
        return str(self.site.indexed(self.site.put_photo(photo)).image_id)

    def search(self, selfie: bytes) -> str:
        request_id = str(uuid.uuid4())
        assert self.site.post(selfie, request_id).status_code == 200
        return request_id

    def watch(self, request_id: str, selfie: bytes | None, **fields: str) -> httpx.Response:
        parts: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
        if selfie is not None:
            parts["file"] = ("selfie.jpg", selfie, "image/jpeg")
        return self.site.http.post(f"{self.site.faces_url(request_id)}/watch", files=parts, headers=self.site.headers)

    def updates(self, request_id: str) -> Any:
        response = self.site.http.get(f"{self.site.faces_url(request_id)}/updates", headers=self.site.headers)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def found(self, request_id: str) -> list[str]:
        return sorted(images(self.site.get(request_id)))

    def watches(self) -> list[Watch]:
        store = DynamoWatchStore(Table(self.site.dynamodb, self.site.outputs["TableName"]))
        return store.page(self.site.event_id, None, 100)

    def files(self) -> list[str]:
        """Keys of all selfies of the organisation, uploads among them."""
        bucket = self.site.outputs["SelfiesBucket"]
        keys = [each["Key"] for each in self.site.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return [key for key in keys if f"{self.site.org_id}/{self.site.event_id}/" in key]

    def left(self) -> set[str]:
        """Keys of what there is of searches, jobs, watches and their updates in the table."""
        pages = self.site.dynamodb.get_paginator("scan").paginate(TableName=self.site.outputs["TableName"])
        scope = f"{self.site.org_id}#{self.site.event_id}#"
        partitions = {f"{kind}#{self.site.event_id}" for kind in ("SEARCHES", "JOBS", "WATCH", "WATCHED")}
        return {
            f"{item['pk']['S']}/{item['sk']['S']}"
            for page in pages
            for item in page["Items"]
            if "cancelled" not in item
            and (item["pk"]["S"] in partitions or item["pk"]["S"].startswith((f"RESULT#{scope}", f"JOB#{scope}")))
        }


@pytest.fixture
def guest(site: Site) -> Guest:
    return Guest(site.other_org("Runners"))


def test_a_later_photo_is_in_a_newer_search_and_a_deletion_ends_it_all(
    guest: Guest, obama: bytes, samples: Path
) -> None:
    first = guest.upload(obama)
    selfie = (samples / "obama2.jpg").read_bytes()
    request_id = guest.search(selfie)
    nothing = {"request_id": request_id, "watching_until": None, "latest": None, "total": 1}
    assert guest.updates(request_id) == nothing
    envelope(guest.watch(request_id, selfie, days="7"), 422)
    assert guest.updates(request_id) == nothing
    # When it is watched with the guest's consent, twice
    begun = guest.watch(request_id, selfie, days="7", watch_consent="true")
    assert begun.status_code == 202, begun.text
    data = begun.json()["data"]
    days = datetime.fromisoformat(data["watching_until"]) - datetime.now(UTC)
    assert 6.9 * DAY < days.total_seconds() <= 7 * DAY
    again = guest.watch(request_id, selfie, days="30", watch_consent="true")
    assert (again.status_code, again.json()["data"], again.headers["Idempotent-Replayed"]) == (202, data, "true")
    (kept,) = until(guest.watches)
    assert (str(kept.search.request_id), kept.callback_url) == (request_id, "")
    assert guest.updates(request_id) == nothing | {"watching_until": data["watching_until"]}
    # And later photos come, of which one shows the guest
    for photo in ((samples / "biden.jpg").read_bytes(), photo_of_nobody(3)):
        guest.upload(photo)
    second = guest.upload((samples / "obama3.jpg").read_bytes())
    latest = until(lambda: guest.updates(request_id)["latest"])
    # Then a newer search has both, and the old one never changes
    assert guest.updates(request_id) == {**data, "latest": latest, "total": 2}
    assert guest.found(latest) == sorted([first, second])
    assert guest.found(request_id) == [first]
    # And nothing is left of them once the guest deletes the search
    deleted = guest.site.http.delete(guest.site.faces_url(request_id), headers=guest.site.headers)
    assert deleted.status_code == 200
    for gone in (request_id, latest):
        envelope(guest.site.get(gone), 404)
    assert (guest.watches(), guest.files(), guest.left()) == ([], [], set())
    assert guest.watch(request_id, selfie, watch_consent="true").headers["Face-Search-Error"] == "no_search"


def test_a_large_selfie_is_uploaded_once_and_one_with_nobody_in_it_begins_no_watch(guest: Guest, obama: bytes) -> None:
    guest.upload(obama)
    request_id = guest.search(obama)

    def uploaded(picture: bytes) -> str:
        form = guest.site.upload().json()["data"]
        posted = guest.site.http.post(form["url"], data=form["fields"], files={"file": picture})
        assert posted.status_code in (200, 204), posted.text
        return str(form["upload_id"])

    assert guest.watch(request_id, None, watch_consent="true", upload_id=str(uuid.uuid4())).status_code == 400
    begun = guest.watch(request_id, None, watch_consent="true", upload_id=uploaded(photo_of_nobody(9)))
    assert begun.status_code == 202, begun.text
    until(lambda: guest.updates(request_id)["watching_until"] is None)
    begun = guest.watch(request_id, None, watch_consent="true", upload_id=uploaded(obama))
    assert (begun.status_code, "Idempotent-Replayed" in begun.headers) == (202, False)
    until(guest.watches)
    assert until(lambda: len(guest.files()) == 1), "of the search; both uploads are gone"
