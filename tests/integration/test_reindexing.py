"""An event's faces are rebuilt on the running stack, while guests search."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from facesearch.faces.engine import PLAIN_MODEL
from facesearch.models import DEFAULT_MODEL, FaceSet
from facesearch.records import image_id_of_bytes
from facesearch_cli.app import run
from tests.integration.conftest import Site, until
from tests.integration.test_faces import images

PHOTOS = ("obama2.jpg", "obama3.jpg", "biden.jpg", "astronaut.png")


@pytest.fixture
def event(site: Site, samples: Path) -> Site:
    event = site.unlimited_org("Reindexing")
    for image_id in [event.put_photo((samples / name).read_bytes(), name) for name in PHOTOS]:
        event.indexed(image_id)
    return event


@contextmanager
def guests(event: Site, samples: Path) -> Iterator[list[str]]:
    """Two guests who search all the time; what was wrong with their answers."""
    wrong: list[str] = []
    expected = {
        selfie: {str(image_id_of_bytes(event.event_id, (samples / name).read_bytes())) for name in names}
        for selfie, names in (("obama.jpg", PHOTOS[:2]), ("biden.jpg", PHOTOS[2:3]))
    }
    over, answers = threading.Event(), [0, 0]

    def search(number: int, selfie: str) -> None:
        while not over.is_set():
            response = event.post((samples / selfie).read_bytes())
            if response.status_code != 200 or set(images(response)) != expected[selfie]:
                wrong.append(f"{selfie}: {response.status_code} {response.text}")
            answers[number] += 1

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(search, number, selfie) for number, selfie in enumerate(expected)]
        try:
            yield wrong
            before = list(answers)  # the very next searches, too
            until(lambda: all(now >= then + 2 for now, then in zip(answers, before, strict=True)))
        finally:
            over.set()
        for each in running:
            each.result()


def test_an_event_goes_to_another_model_and_place_and_back_and_no_search_notices(
    event: Site, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = [("--model", PLAIN_MODEL), ("--model", DEFAULT_MODEL)]
    with guests(event, samples) as wrong:
        for words in [*ways, ("--faces", "vectors"), *ways, ("--faces", "exact")]:
            state = str(event.stack.state)
            assert run(["--state", state, "reindex", str(event.event_id), *words, "--json"]) == 0
            said = json.loads(capsys.readouterr().out)
            assert (said["photos"], said["faces"], said["failed"], said["switched"]) == (4, 4, [], True)
            assert words[1] in (said["model"], said["kept_in"])
    assert wrong == []
    now = event.admin.event(event.event_id)
    assert now is not None
    assert (now.face_sets, now.leaving) == ((FaceSet(),), None)
