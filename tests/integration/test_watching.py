"""Watching on the running stack: later photos of the same person are told of, until it ends."""

import base64
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.watches import DynamoWatchStore
from facesearch.models import Scope
from facesearch.webhooks.watches.watch import Watch
from facesearch_cli.call import call
from tests.integration.conftest import Site, photo_of_nobody, until
from tests.integration.test_faces import envelope, images
from tests.integration.test_webhooks import accepted
from tests.integration.webhooks import Got, Partner, Receiver, receiving

COMPLETED, UPDATED = "face_search.completed", "face_search.updated"
METADATA = {"guest": 17}
QUIET_SECONDS = 14
"""A round begins ten seconds after a photo was indexed."""


@dataclass
class Watched:
    """An event of its own, and its organisation's partner who sends webhooks and takes callbacks."""

    site: Site
    partner: Partner
    receiver: Receiver

    def watch(self, selfie: bytes, **more: Any) -> str:
        """Ask to be told of later photos, too; the request_id as soon as the search is done."""
        body = {
            "selfie_base64": base64.b64encode(selfie).decode(),
            "callback_url": self.receiver.url,
            "metadata": METADATA,
            "watch": True,
            "watch_consent": True,
        }
        request_id = accepted(self.partner.send(body | more))
        assert self.partner.end_of(request_id)["status"] == "done"
        until(lambda: self.told(request_id))
        return request_id

    def told(self, request_id: str, kind: str = COMPLETED) -> list[Got]:
        """Callbacks of that kind about a search, or about its children."""
        return [
            got
            for got in list(self.receiver.got)
            if got.message["type"] == kind
            and request_id in (got.message["data"]["request_id"], got.message["data"].get("parent_request_id"))
        ]

    def upload(self, photo: bytes) -> str:
        """The image_id of a photo, when it is indexed."""
        return str(self.site.indexed(self.site.put_photo(photo)).image_id)

    def found(self, request_id: str) -> list[str]:
        return sorted(images(self.site.get(request_id)))

    def kept(self) -> list[Watch]:
        store = DynamoWatchStore(Table(self.site.dynamodb, self.site.outputs["TableName"]))
        return store.page(self.site.event_id, None, 100)

    def delete(self, request_id: str, **headers: str) -> httpx.Response:
        return self.site.http.delete(self.site.faces_url(request_id), headers=headers or self.site.headers)


@pytest.fixture
def watched(site: Site) -> Iterator[Watched]:
    own = site.other_org("Watchful")
    secret = own.admin.create_webhook_secret(own.org_id).secret
    with receiving(secret) as receiver:
        yield Watched(own, Partner(own, secret), receiver)
        assert receiver.forged == 0


def test_a_later_photo_of_the_person_is_told_of_and_a_strangers_is_not(
    watched: Watched, obama: bytes, samples: Path
) -> None:
    first = watched.upload(obama)
    request_id = watched.watch((samples / "obama2.jpg").read_bytes())
    assert watched.found(request_id) == [first]
    (kept,) = watched.kept()
    assert (str(kept.search.request_id), kept.metadata, str(kept.last)) == (request_id, METADATA, request_id)
    assert 29 * 86_400 < kept.expires_at - time.time() <= 30 * 86_400
    # When a stranger's photo, nobody's, and one of the person come
    for photo in ((samples / "biden.jpg").read_bytes(), photo_of_nobody(3)):
        watched.upload(photo)
    time.sleep(QUIET_SECONDS)
    assert watched.told(request_id, UPDATED) == []
    second = watched.upload((samples / "obama3.jpg").read_bytes())
    (got,) = until(lambda: watched.told(request_id, UPDATED))
    # Then it is a search of its own, which never changes either
    data = got.message["data"]
    child = data["request_id"]
    assert (data["parent_request_id"], data["total"], data["status"]) == (request_id, 2, "done")
    assert data["metadata"] == METADATA
    assert data["results_url"].endswith(f"/faces/{child}")
    assert uuid.UUID(child).version == 5
    assert watched.found(child) == sorted([first, second])
    assert watched.found(request_id) == [first]
    until(lambda: [str(watch.last) for watch in watched.kept()] == [child])
    # And the photo again tells nothing new
    watched.site.put_photo((samples / "obama3.jpg").read_bytes(), "again.jpg")
    time.sleep(QUIET_SECONDS)
    assert len(watched.told(request_id, UPDATED)) == 1


def test_a_deleted_search_is_over_with_all_that_it_has_told_of(watched: Watched, obama: bytes, samples: Path) -> None:
    request_id = watched.watch(obama)
    watched.upload(obama)
    (got,) = until(lambda: watched.told(request_id, UPDATED))
    child = got.message["data"]["request_id"]
    reading = watched.site.admin.create_key(watched.site.org_id, [Scope.READ]).api_key
    for key in (reading, watched.site.other_org().api_key, "wrong"):
        envelope(watched.delete(request_id, **{"X-API-Key": key}), 403)
    envelope(watched.delete(str(uuid.uuid4())), 404)
    envelope(watched.delete("no-uuid"), 400)
    assert watched.kept() != []
    response = watched.delete(request_id)
    assert (response.status_code, response.json()) == (
        200,
        {"responseType": "success", "message": "Face search deleted", "data": {"request_id": request_id}},
    )
    assert watched.kept() == []
    for gone in (request_id, child):
        assert watched.site.get(gone).status_code == 404
        assert watched.partner.status(gone).status_code == 404
    envelope(watched.delete(request_id), 404)
    bucket, prefix = watched.site.outputs["SelfiesBucket"], f"{watched.site.org_id}/"
    assert watched.site.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("KeyCount") == 0
    watched.upload((samples / "obama3.jpg").read_bytes())
    time.sleep(QUIET_SECONDS)
    assert len(watched.told(request_id, UPDATED)) == 1
    # The request_id is free again
    assert watched.site.post(obama, request_id).json()["data"]["pagination"]["total"] == 2
    assert call(watched.site.stack.state, "search", "delete", request_id, "--event", watched.site.event_id) == {
        "request_id": request_id
    }
    assert watched.site.get(request_id).status_code == 404
