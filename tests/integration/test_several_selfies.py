"""Several selfies in one search over HTTP: what they find, which one is refused, and what is left of them."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch.models import QuotaLimits, SearchKey
from facesearch.search.selfies import selfie_keys
from tests.integration.conftest import Site
from tests.integration.test_faces import OBAMA, envelope, footprint, images
from tests.integration.webhooks import Host, Partner

Post = Callable[..., httpx.Response]


@pytest.fixture
def post(site: Site, samples: Path) -> Post:
    """Searches with samples by their names, or with bytes, and with more fields."""

    def post(*selfies: str | bytes, **fields: str) -> httpx.Response:
        files: list[Any] = [
            ("file", ("selfie", each if isinstance(each, bytes) else (samples / each).read_bytes())) for each in selfies
        ]
        return site.http.post(site.faces_url(), files=files, data=fields, headers=site.headers)

    return post


def kept(site: Site, request_id: str) -> dict[str, bytes]:
    """Which selfies are stored of a search, by their keys."""
    bucket, prefix = site.outputs["SelfiesBucket"], f"{site.org_id}/{site.event_id}/{request_id}"
    listed = site.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"]: site.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in listed}


def test_selfies_of_one_person_are_one_search(
    site: Site, post: Post, samples: Path, sample_id: Callable[[str], str]
) -> None:
    own, request_id, selfies = site.other_org(), str(uuid.uuid4()), ("obama2.jpg", "obama3.jpg", "obama.jpg")
    site.admin.set_quota(own.org_id, QuotaLimits(per_minute=1, burst=5))  # so that it does not fill up meanwhile
    response = post(*selfies, request_id=request_id)
    assert set(images(response)) == {sample_id(name) for name in OBAMA}
    assert response.json()["data"]["request_id"] == request_id
    search = SearchKey(site.org_id, site.event_id, uuid.UUID(request_id))
    sent = [(samples / name).read_bytes() for name in selfies]
    assert kept(site, request_id) == dict(zip(selfie_keys(search), sent, strict=False))
    first = site.http.post(own.faces_url(), files=[("file", each) for each in sent], headers=own.headers)
    assert first.headers["RateLimit-Remaining"] == "4", "one search of the quota"


@pytest.mark.parametrize(
    ("selfies", "said"),
    [
        (("biden.jpg", "obama.jpg", "obama2.jpg"), "Selfie 1 does not show the same person as the others."),
        (("obama.jpg", "obama2.jpg", b"no picture"), "Selfie 3: "),
    ],
)
def test_a_selfie_that_does_not_fit_is_named_and_nothing_is_stored(
    site: Site, post: Post, selfies: tuple[str | bytes, ...], said: str
) -> None:
    before, request_id = footprint(site), str(uuid.uuid4())
    assert envelope(post(*selfies, request_id=request_id), 400)["message"].startswith(said)
    assert footprint(site) == before
    assert len(images(post("obama.jpg", request_id=request_id))) == 5, "the request_id is still free"


def test_a_deleted_search_takes_all_its_selfies_along(site: Site, post: Post) -> None:
    request_id = post("obama.jpg", "obama2.jpg", "obama3.jpg").json()["data"]["request_id"]
    assert len(kept(site, request_id)) == 3
    envelope(site.http.delete(site.faces_url(request_id), headers=site.headers), 200)
    assert kept(site, request_id) == {}


def test_a_webhook_may_name_several_and_its_reason_says_which_it_was(
    partner: Partner, selfies: Host, obama: bytes, samples: Path
) -> None:
    side, stranger = (selfies.put((samples / name).read_bytes()) for name in ("obama2.jpg", "biden.jpg"))
    request_id = partner.send({"selfie_url": [selfies.put(obama), side]}).json()["data"]["request_id"]
    assert partner.end_of(request_id)["status"] == "done"
    for urls, reason in (
        ([side, stranger], "Selfie 2 does not show the same person as selfie 1."),
        ([side, selfies.put(b"no picture")], "Selfie 2: "),
        ([f"{selfies.url}/nothing", side], "Selfie 1: selfie_url could not be fetched: "),
    ):
        failed = partner.send({"selfie_url": urls}).json()["data"]["request_id"]
        end = partner.end_of(failed)
        assert end["status"] == "failed"
        assert end["reason"].startswith(reason)
        assert kept(partner.site, failed) == {}
