"""A watermark is set, changed and taken out on the running stack, while guests read and photos come."""

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from facesearch_cli.app import run
from tests.integration.conftest import Site, until
from tests.support.pictures import encoded

PHOTOS = 12


def photo(number: int) -> bytes:
    """Of one colour each, so that whatever is drawn into it is seen."""
    return encoded(Image.new("RGB", (1600, 1100), (16 * number, 120, 200)), "JPEG")


@pytest.fixture
def event(site: Site) -> Site:
    event = site.unlimited_org("Watermarks")
    for image_id in [event.put_photo(photo(number), f"{number}.jpg") for number in range(PHOTOS)]:
        event.indexed(image_id)
    return event


def previews(event: Site) -> list[str]:
    """The addresses of all previews, as the gallery has them; the medium ones as the guests' page makes them."""
    images = event.images(page_size=100).json()["data"]["images"]
    links = [image[name] for image in images for name in ("img_url", "thumbnail_url")]
    return links + [link.replace("/large/", "/medium/") for link in links if "/large/" in link]


@contextmanager
def guests(event: Site) -> Iterator[list[str]]:
    """Two guests who read the gallery and its previews all the time; what was wrong with them."""
    wrong: list[str] = []
    over, read = threading.Event(), [0, 0]

    def look(number: int) -> None:
        with httpx.Client(timeout=60) as http:
            while not over.is_set():
                for link in previews(event):
                    response = http.get(link)
                    if response.status_code != 200 or response.content[:2] != b"\xff\xd8":
                        wrong.append(f"{link}: {response.status_code}")
                read[number] += 1

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(look, number) for number in range(2)]
        try:
            yield wrong
            before = list(read)
            until(lambda: all(now >= then + 2 for now, then in zip(read, before, strict=True)))
        finally:
            over.set()
        for each in running:
            each.result()


def marks(event: Site) -> list[float]:
    """How much of each preview is not of the photo's one colour."""
    shown = (np.asarray(Image.open(io.BytesIO(event.http.get(link).content))) for link in previews(event))
    return [float((np.abs(each - np.median(each, axis=(0, 1))).max(axis=2) > 25).mean()) for each in shown]


def test_a_watermark_is_set_changed_and_taken_out_while_guests_read_and_photos_come(
    event: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    state, count = str(event.stack.state), PHOTOS

    def update(*words: str) -> None:
        """With a photo that is on its way when it begins."""
        nonlocal count
        event.put_photo(photo(count), f"{count}.jpg")
        count += 1
        assert run(["--state", state, "event", "update", str(event.event_id), *words, "--json"]) == 0
        said = json.loads(capsys.readouterr().out)["previews"]
        assert (said["done"], said["left"], said["failed"]) == (said["photos"], 0, [])
        until(lambda: len(previews(event)) == 3 * count)

    with guests(event) as wrong:
        assert max(marks(event)) == 0
        update("--watermark", "© Lakeside", "--watermark-opacity", "100")
        corner = marks(event)
        assert min(corner) > 0.001
        assert max(corner) < 0.05
        update("--watermark-place", "tiled")
        assert min(marks(event)) > 0.05
        update("--watermark", "none")
        assert max(marks(event)) == 0
    assert wrong == []


def test_of_an_original_that_is_gone_the_preview_has_the_watermark_for_good(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = site.other_event()
    image_id = event.put_photo(photo(1), "gone.jpg")
    event.s3.delete_object(Bucket=event.outputs["PhotosBucket"], Key=event.indexed(image_id).key)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logo.png").write_bytes(encoded(Image.new("RGBA", (40, 20), "red"), "PNG"))
    update = ["--state", str(event.stack.state), "event", "update", str(event.event_id), "--json", "--watermark"]
    assert run([*update, "logo.png"]) == 0
    assert min(marks(event)) > 0.005
    capsys.readouterr()
    assert run([*update, "none"]) == 1
    assert json.loads(capsys.readouterr().out)["previews"] == {
        "photos": 1, "done": 0, "left": 0, "failed": [str(image_id)],
    }  # fmt: skip
    assert min(marks(event)) > 0.005
