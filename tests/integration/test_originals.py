"""Links to originals: by search, by image_id, under the names that their files had, whatever is missing."""

import uuid
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.integration.calls import pagination
from tests.integration.conftest import Site, photo_of_nobody
from tests.integration.test_faces import envelope, images


def test_the_originals_of_a_search_can_be_downloaded_under_their_own_names(
    site: Site, obama: bytes, samples: Path
) -> None:
    searched = site.post(obama)
    request_id, found = searched.json()["data"]["request_id"], images(searched)
    body = envelope(site.originals({"method": "selfie", "identifier": request_id}), 200)
    assert body["message"] == "Original photos"
    data = body["data"]
    assert list(data) == [
        "presigned_urls", "failed_urls", "total_images", "successful_count", "failed_count", "identifier", "message",
        "pagination",
    ]  # fmt: skip
    assert data | {"presigned_urls": []} == {
        "presigned_urls": [],
        "failed_urls": [],
        "total_images": 5,
        "successful_count": 5,
        "failed_count": 0,
        "identifier": request_id,
        "message": None,
        "pagination": pagination(5, 1, 1, 30),
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
