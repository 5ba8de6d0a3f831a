"""Without CloudFront: photos are shown by signed links into the private bucket, made anew for every page."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.integration.conftest import Site, site_on


@pytest.fixture(scope="module")
def trial(no_account: None, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack as `make deploy CONFIG=fresh` has it, with an event of one photo."""
    parameters = {"CloudFront": "false", "RenditionsBaseUrl": ""}
    with site_on(tmp_path_factory.mktemp("trial"), store="moto", workers=1, parameters=parameters) as site:
        yield site


def test_links_show_the_photos_are_signed_for_an_hour_and_made_anew_when_a_page_is_read(
    trial: Site, samples: Path, obama: bytes
) -> None:
    # Given a photo that is indexed, and a search that finds it
    image_id = trial.put_photo((samples / "obama.jpg").read_bytes(), "obama.jpg")
    trial.indexed(image_id)
    searched = trial.post(obama)
    assert searched.status_code == 200, searched.text
    request_id = searched.json()["data"]["request_id"]
    trial.admin.update_event(trial.event_id, cover=image_id)
    # When its pages, the gallery and the list of events are read
    rows = trial.http.get(f"{trial.org_url}/events", headers=trial.headers).json()["data"]["events"]
    pages = [searched, trial.get(request_id), trial.images()]
    links = [
        item[name] for page in pages for item in page.json()["data"]["images"] for name in ("img_url", "thumbnail_url")
    ]
    links += [row["cover_image"] for row in rows]
    # Then every link shows its picture, for an hour
    assert len(links) == 7
    for link in links:
        shown = httpx.get(link)
        assert (shown.status_code, shown.content[:2]) == (200, b"\xff\xd8")
        assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["3600"]
    # And what is stored of the search has none: links cannot grow old in it
    table = trial.outputs["TableName"]
    stored = trial.dynamodb.scan(TableName=table)["Items"]
    assert any(request_id in str(item) for item in stored)
    assert "X-Amz-" not in str(stored)
