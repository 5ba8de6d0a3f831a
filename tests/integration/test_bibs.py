"""Photos are found by bibs that the real reader has read on the running stack, uploaded by the command line."""

import io
import json
import uuid
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesearch.faces.engine import RgbImage
from facesearch.records import image_id_of_bytes
from facesearch_cli.app import run
from tests.integration.conftest import Site, until
from tests.integration.test_faces import envelope, images
from tests.support.runners import bib, heads_of, runners

PHOTOS = {"start.jpg": ("1024", "F77"), "finish.jpg": ("1024", "2048"), "nobody.jpg": ()}
"""Who wears what, by name: Biden the first of each, the astronaut the second."""


def drawn(heads: list[RgbImage], *numbers: str) -> bytes:
    output = io.BytesIO()
    Image.fromarray(np.asarray(runners(heads, *map(bib, numbers)))).save(output, "JPEG", quality=92)
    return output.getvalue()


@pytest.fixture(scope="module")
def race(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with drawn race photos."""
    folder, heads = tmp_path_factory.mktemp("race"), heads_of(samples)
    for name, numbers in PHOTOS.items():
        (folder / name).write_bytes(drawn(heads, *numbers))
    return folder


def showing(event: Site, race: Path, number: str) -> set[str]:
    """The files of the photos that a bib finds."""
    names = {str(image_id_of_bytes(event.event_id, path.read_bytes())): path.name for path in race.iterdir()}
    return {names[image_id] for image_id in images(event.bibs(number))}


def command(event: Site, *words: str) -> int:
    return run(["--state", str(event.stack.state), *words])


def check_found(event: Site, race: Path) -> None:
    assert showing(event, race, "1024") == {"start.jpg", "finish.jpg"}
    assert showing(event, race, "f77") == {"start.jpg"}
    assert showing(event, race, "2048") == {"finish.jpg"}
    assert showing(event, race, "4711") == set()


def test_a_number_below_a_face_finds_the_photo_from_the_upload_to_the_persons_deletion(
    site: Site, race: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = site.unlimited_org("Bibs")
    event.admin.update_event(event.event_id, bib_search=True)
    assert command(event, "photos", "upload", str(race), "--event", str(event.event_id), "--wait") == 0
    check_found(event, race)
    links = envelope(event.originals({"method": "bib", "identifier": "1024"}), 200)["data"]
    assert {link["filename"] for link in links["presigned_urls"]} == {"start.jpg", "finish.jpg"}
    assert event.http.get(links["presigned_urls"][0]["url"]).status_code == 200
    found = envelope(event.post((samples / "biden.jpg").read_bytes()), 200)["data"]["images"]
    assert {item["matched_by"] for item in found} == {"face"}
    assert len(found) == 2
    capsys.readouterr()
    person = ("person", "delete", "--selfie", str(samples / "biden.jpg"), "--event", str(event.event_id))
    assert command(event, *person, "--yes", "--json") == 0
    receipt = json.loads(capsys.readouterr().out)
    assert (receipt["deleted"]["faces"], receipt["deleted"]["bibs"]) == (2, 2)
    assert showing(event, race, "1024") == set()
    assert showing(event, race, "f77") == {"start.jpg"}, "the astronaut's"
    lines = [json.dumps(line) for name in ("indexing", "results", "search") for line in event.log(name)]
    about = [line for line in lines if str(event.event_id) in line]
    assert about
    assert not [line for line in about if "F77" in line or "f77" in line]


def test_photos_from_before_are_read_when_bib_search_is_switched_on(
    site: Site, race: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = site.unlimited_org("Bibs later")
    assert command(event, "photos", "upload", str(race), "--event", str(event.event_id), "--wait") == 0
    assert event.bibs("1024").status_code == 403
    update = ("event", "update", str(event.event_id), "--bib-search", "on", "--json")
    capsys.readouterr()
    assert command(event, *update) == 0
    assert json.loads(capsys.readouterr().out)["bibs_unread"] == len(PHOTOS)
    ids = [image_id_of_bytes(event.event_id, path.read_bytes()) for path in race.iterdir()]

    def is_read(image_id: uuid.UUID) -> bool:
        return event.indexed(image_id).bib_model != ""

    until(lambda: all(map(is_read, ids)))
    check_found(event, race)
    assert command(event, *update) == 0
    assert json.loads(capsys.readouterr().out)["bibs_unread"] == 0
