"""Several selfies in one search over HTTP: what they find, which one is refused, and what is left of them."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch.models import QuotaLimits, SearchKey
from facesearch.search.selfies import selfie_keys
from tests.integration.conftest import Site
from tests.integration.test_faces import OBAMA, Footprint, envelope, images
from tests.integration.test_uploads import form_for, padded, send, uploads_of
from tests.integration.webhooks import Host, Partner, host

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


def remaining(response: httpx.Response) -> int:
    return int(response.headers["RateLimit-Remaining"])


@pytest.mark.parametrize("selfies", [("obama2.jpg", "obama3.jpg", "obama.jpg")])
def test_selfies_of_one_person_are_one_search(
    site: Site, post: Post, samples: Path, sample_id: Callable[[str], str], selfies: tuple[str, ...]
) -> None:
    own, request_id = site.other_org(), str(uuid.uuid4())
    site.admin.set_quota(own.org_id, QuotaLimits(per_minute=1, burst=5))  # so that it does not fill up meanwhile
    before = remaining(site.http.post(own.faces_url(), files={"no": b"file"}, headers=own.headers))
    response = post(*selfies, request_id=request_id)
    assert set(images(response)) == {sample_id(name) for name in OBAMA}
    assert response.json()["data"]["request_id"] == request_id
    search = SearchKey(site.org_id, site.event_id, uuid.UUID(request_id))
    sent = [(samples / name).read_bytes() for name in selfies]
    assert kept(site, request_id) == dict(zip(selfie_keys(search), sent, strict=False))
    first = site.http.post(own.faces_url(), files=[("file", each) for each in sent], headers=own.headers)
    assert remaining(first) == before - 1, "one search of the quota"


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
    before, request_id = Footprint(site)(), str(uuid.uuid4())
    assert envelope(post(*selfies, request_id=request_id), 400)["message"].startswith(said)
    assert Footprint(site)() == before
    assert len(images(post("obama.jpg", request_id=request_id))) == 5, "the request_id is still free"


def test_files_and_uploads_are_searched_together_and_the_uploads_are_gone(site: Site, post: Post, obama: bytes) -> None:
    form, large = form_for(site), padded(obama, 6 * 2**20)
    upload_id = form["upload_id"]
    assert send(form, large).is_success
    refused = envelope(post("biden.jpg", upload_id=upload_id), 400)
    assert refused["message"] == "Selfie 2 does not show the same person as selfie 1."
    assert upload_id in uploads_of(site), "for the retry"
    response = post("obama2.jpg", upload_id=upload_id)
    assert len(images(response)) == 5
    assert response.json()["data"]["request_id"] == upload_id
    assert upload_id not in uploads_of(site)
    assert list(kept(site, upload_id).values())[1] == large
    again = post("obama2.jpg", upload_id=upload_id)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (response.json(), "true")


def test_a_deleted_search_takes_all_its_selfies_along(site: Site, post: Post) -> None:
    request_id = post("obama.jpg", "obama2.jpg", "obama3.jpg").json()["data"]["request_id"]
    assert len(kept(site, request_id)) == 3
    envelope(site.http.delete(site.faces_url(request_id), headers=site.headers), 200)
    assert kept(site, request_id) == {}


# ------------------------------------------------------------------ webhooks


@pytest.fixture(scope="module")
def partner(site: Site) -> Partner:
    return Partner(site, site.admin.create_webhook_secret(site.org_id).secret)


@pytest.fixture(scope="module")
def selfies() -> Iterator[Host]:
    with host() as selfies:
        yield selfies


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
