"""Links to originals: by search, by image_id, under the names that their files had, whatever is missing."""

import uuid
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.integration.calls import pagination
from tests.integration.conftest import Site, photo_of_nobody, until
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


def test_one_bad_image_never_fails_the_whole_call(site: Site) -> None:
    event = site.other_event()
    good, other, gone = (event.put_photo(photo_of_nobody(shade), f"{shade}.jpg") for shade in (10, 20, 30))
    for image_id in (good, other):
        event.indexed(image_id)
    gone_key = event.indexed(gone).key
    event.s3.delete_object(Bucket=event.outputs["PhotosBucket"], Key=gone_key)
    (elsewhere, *_) = images(site.images())
    bad = [str(gone), str(uuid.uuid4()), "no-uuid", "", "ü" * 200, elsewhere]
    asked = [bad[0], str(good), *bad[1:], str(other)]
    data = envelope(event.originals({"method": "image_ids", "identifier": asked}), 200)["data"]
    assert [link["filename"] for link in data["presigned_urls"]] == ["10.jpg", "20.jpg"]
    assert [row["image_id"] for row in data["failed_urls"]] == bad
    assert all(row.keys() == {"image_id", "error", "path"} and row["error"] for row in data["failed_urls"])
    assert [row["path"] for row in data["failed_urls"]] == [gone_key, None, None, None, None, None]
    assert (data["total_images"], data["successful_count"], data["failed_count"]) == (8, 2, 6)
    assert data["identifier"] is None, "only a string is sent back"
    assert data["message"]
    page = envelope(event.originals({"method": "image_ids", "identifier": asked}, page=2, page_size=2), 200)["data"]
    assert (page["total_images"], page["successful_count"], page["failed_count"]) == (8, 0, 2), "of this page"
    envelope(event.originals({"method": "image_id", "identifier": "no-uuid"}), 400)
    for strangers in ([elsewhere], bad[1:]):
        envelope(event.originals({"method": "image_ids", "identifier": strangers}), 400)
    envelope(event.originals({"method": "image_ids", "identifier": bad[1:]}, page=9), 400)


def test_an_original_that_is_renamed_in_s3_is_linked_from_the_moment_that_its_old_key_is_gone(site: Site) -> None:
    event, bucket = site.other_event(), site.outputs["PhotosBucket"]
    image_id = event.put_photo(photo_of_nobody(40), "DSC_1.jpg")
    old = event.indexed(image_id).key
    new = f"{event.org_id}/{event.event_id}/day 1/Läufer 1.jpg"
    event.s3.copy_object(Bucket=bucket, Key=new, CopySource={"Bucket": bucket, "Key": old})
    until(lambda: event.indexed(image_id).copies)
    wanted = {"method": "image_id", "identifier": str(image_id)}

    def names() -> list[str]:
        links = envelope(event.originals(wanted), 200)["data"]["presigned_urls"]
        assert all(httpx.get(link["url"]).status_code == 200 for link in links)
        return [link["filename"] for link in links]

    assert names() == ["DSC_1.jpg"]
    event.s3.delete_object(Bucket=bucket, Key=old)
    assert names() == ["Läufer 1.jpg"]
    event.s3.delete_object(Bucket=bucket, Key=new)
    assert names() == []
    event.put_photo(photo_of_nobody(40), "restored.jpg")
    until(lambda: event.indexed(image_id).key != old)
    assert names() == ["restored.jpg"]
    assert [place.filename for place in event.indexed(image_id).originals] == ["restored.jpg"]


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


def test_originals_by_selfie_and_by_bib_answer_their_own_refusals(site: Site, gallery: Site, obama: bytes) -> None:
    elsewhere = site.post(obama).json()["data"]["request_id"]
    envelope(gallery.originals({"method": "selfie", "identifier": elsewhere}), 404)
    envelope(gallery.originals({"method": "selfie", "identifier": str(uuid.uuid4())}), 404)
    envelope(gallery.originals({"method": "selfie", "identifier": "abc"}), 400)
    envelope(gallery.originals({"method": "bib", "identifier": "17"}), 403)
