"""The two faces calls over HTTP: what a guest gets, down to the originals under the names that their files had."""

import io
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from tests.integration.conftest import Site, photo_of_nobody

OBAMA = {"obama.jpg", "obama2.jpg", "obama3.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg"}
ONE_PAGE = {"total": 5, "currentPage": 1, "totalPages": 1, "hasNextPage": False, "hasPreviousPage": False}
PEOPLE = [
    ("obama.jpg", OBAMA),
    ("obama2.jpg", OBAMA),
    ("biden.jpg", {"biden.jpg"}),
    ("astronaut.png", {"astronaut.png"}),
]


def envelope(response: httpx.Response, status: int) -> Any:
    """The body of an answer, checked to be the envelope of that status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].split(";")[0] == "application/json"
    body = response.json()
    assert set(body) == {"responseType", "message", "data"}
    assert body["responseType"] == ("success" if status < 300 else "error")
    assert (body["data"] is None) == (status >= 300)
    return body


def images(response: httpx.Response) -> list[str]:
    return [image["image_id"] for image in envelope(response, 200)["data"]["images"]]


@pytest.mark.parametrize(("selfie", "expected"), PEOPLE)
def test_a_selfie_returns_every_photo_of_its_person_and_no_other(
    site: Site, samples: Path, sample_id: Callable[[str], str], selfie: str, expected: set[str]
) -> None:
    response = site.post((samples / selfie).read_bytes())
    assert set(images(response)) == {sample_id(name) for name in expected}


def test_an_answer_has_the_documented_shape_field_for_field(site: Site, obama: bytes) -> None:
    body = envelope(site.post(obama, page=1, page_size=32), 200)
    assert body["message"] == "Computed face search"
    data = body["data"]
    assert list(data) == ["request_id", "confidence_percentage", "images", "pagination"]
    assert str(uuid.UUID(data["request_id"])) == data["request_id"]
    assert uuid.UUID(data["request_id"]).version == 4
    assert data["confidence_percentage"] == 90
    for image in data["images"]:
        image_id = image["image_id"]
        base = f"{site.stack.url}/imgs/{site.event_id}"
        assert image == {
            "img_url": f"{base}/large/{image_id}.jpg",
            "height": image["height"],
            "width": image["width"],
            "image_id": image_id,
            "thumbnail_url": f"{base}/small/{image_id}.jpg",
            "original_url": None,
        }
        assert image["height"] > 0
        assert image["width"] > 0
    assert data["pagination"] == ONE_PAGE | {"page_size": 32}


def test_the_renditions_are_served_under_the_urls_of_the_answer(site: Site, obama: bytes) -> None:
    image = envelope(site.post(obama), 200)["data"]["images"][0]
    for url, limit in (
        (image["img_url"], 2048),
        (image["img_url"].replace("/large/", "/medium/"), 1024),
        (image["thumbnail_url"], 400),
    ):
        response = site.http.get(url)
        assert response.headers["content-type"] == "image/jpeg"
        rendition = Image.open(io.BytesIO(response.content))
        assert rendition.format == "JPEG"
        assert max(rendition.size) <= limit
        assert not rendition.getexif()


def test_get_answers_what_post_answered_page_by_page(site: Site, obama: bytes) -> None:
    everything = site.post(obama)
    data = everything.json()["data"]
    request_id, ids = data["request_id"], images(everything)
    assert site.get(request_id).json() == everything.json()
    walked = [image for page in (1, 2, 3) for image in images(site.get(request_id, page=page, page_size=2))]
    assert walked == ids
    past = envelope(site.get(request_id, page=4, page_size=2), 200)["data"]
    assert past["images"] == []
    more = {"currentPage": 4, "totalPages": 3, "hasPreviousPage": True, "page_size": 2}
    assert past["pagination"] == ONE_PAGE | more


def test_a_search_is_a_snapshot(site: Site, obama: bytes, samples: Path) -> None:
    event = site.other_event()
    event.indexed(event.put_photo((samples / "obama2.jpg").read_bytes()))
    before = event.post(obama)
    event.indexed(event.put_photo((samples / "obama3.jpg").read_bytes()))
    assert event.get(before.json()["data"]["request_id"]).json() == before.json()
    assert len(images(event.post(obama))) == 2, "a warm environment sees the photo that came in between"


def footprint(site: Site) -> tuple[int, ...]:
    """What a store holds: results, claims, selfies."""
    tables = (site.outputs["TableName"], site.outputs["IdempotencyTableName"])
    scans = [site.dynamodb.get_paginator("scan").paginate(TableName=table) for table in tables]
    listed = site.s3.get_paginator("list_objects_v2").paginate(Bucket=site.outputs["SelfiesBucket"])
    return *(sum(page["Count"] for page in pages) for pages in scans), sum(page["KeyCount"] for page in listed)


def test_the_gateway_answers_in_the_same_envelope(site: Site) -> None:
    envelope(site.http.get(site.stack.url + "/nothing/here"), 404)
    envelope(site.http.delete(site.faces_url(), headers=site.headers), 404)
    too_much = b"x" * 5_000_000
    message = envelope(site.post(too_much), 413)["message"]
    assert "4.4 MiB" in message
    envelope(site.post(b"x" * 11_000_000), 413)


def test_nothing_about_a_person_is_in_the_logs(site: Site, samples: Path) -> None:
    envelope(site.post((samples / "obama.jpg").read_bytes()), 200)
    for function in ("search", "results", "indexing", "gateway"):
        text = site.stack.logs(function).read_text(encoding="utf-8", errors="replace")
        assert site.api_key not in text
        assert not re.search(r"obama|biden|astronaut|selfie\.jpg", text, re.IGNORECASE)


def test_the_originals_of_a_search_can_be_downloaded_under_their_own_names(
    site: Site, obama: bytes, samples: Path
) -> None:
    searched = site.post(obama)
    request_id, found = searched.json()["data"]["request_id"], images(searched)
    body = envelope(site.originals({"method": "selfie", "identifier": request_id}), 200)
    assert body["message"] == "Original photos"
    data = body["data"]
    assert data | {"presigned_urls": []} == {
        "presigned_urls": [],
        "failed_urls": [],
        "total_images": 5,
        "successful_count": 5,
        "failed_count": 0,
        "identifier": request_id,
        "message": None,
        "pagination": ONE_PAGE | {"page_size": 30},
    }
    names = [record.originals[0].filename for image_id in found if (record := site.photo(uuid.UUID(image_id)))]
    assert [link["filename"] for link in data["presigned_urls"]] == names, "in the order of the search"
    for link in data["presigned_urls"]:
        assert list(link) == ["url", "filename"]
        assert "X-Amz-Expires=3600" in link["url"]
        download = httpx.get(link["url"])
        assert download.content == (samples / link["filename"]).read_bytes()


def test_a_file_keeps_whatever_name_its_photographer_gave_it(site: Site) -> None:
    event = site.other_event()
    names = ["Ziel + Läufer 1%.jpg", "a b;c'd.jpg", "写真.jpg", 'quo"te.jpg']
    contents = [photo_of_nobody(number * 30) for number in range(len(names))]
    ids = [event.put_photo(content, name) for content, name in zip(contents, names, strict=True)]
    for image_id in ids:
        event.indexed(image_id)
    data = envelope(event.originals({"method": "image_ids", "identifier": [str(one) for one in ids]}), 200)["data"]
    assert [link["filename"] for link in data["presigned_urls"]] == names
    for link, content in zip(data["presigned_urls"], contents, strict=True):
        download = httpx.get(link["url"])
        assert download.content == content
        assert (
            download.headers["content-disposition"]
            == f"attachment; filename*=UTF-8''{quote(link['filename'], safe='')}"
        )
