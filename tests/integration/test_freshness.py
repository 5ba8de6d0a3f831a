"""A photo that is uploaded while guests search is found within seconds; a deleted one by nobody who asks later."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from facesearch.records import image_id_of_bytes
from facesearch_cli.call import call
from tests.integration.conftest import Site

FOUND_SECONDS = 10
GUESTS = 2
"""Who search without a pause: as many as the machine has cores, so that indexing has to share them."""


@pytest.fixture
def event(site: Site, samples: Path) -> Site:
    """An event with one photo, in environments that have searched it."""
    event = site.unlimited_org("Freshness")
    event.indexed(event.put_photo((samples / "obama.jpg").read_bytes(), "obama.jpg"))
    return event


class Guests:
    """Search in threads of their own, each time under a new request_id."""

    def __init__(self, event: Site, selfie: bytes) -> None:
        self._event, self._selfie = event, selfie
        self.stop = threading.Event()
        self.searches = 0

    def search(self) -> set[str]:
        """One search; what it found."""
        response = self._event.post(self._selfie, str(uuid.uuid4()))
        assert response.status_code == 200, response.text
        self.searches += 1
        return {image["image_id"] for image in response.json()["data"]["images"]}

    def keep_searching(self) -> None:
        while not self.stop.is_set():
            self.search()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Meanwhile they search all the time; none of the searches may fail."""
        with ThreadPoolExecutor(GUESTS) as pool:
            running = [pool.submit(self.keep_searching) for _ in range(GUESTS)]
            try:
                yield
            finally:
                self.stop.set()
            for each in running:
                each.result()


def within(seconds: float, look: Callable[[], bool]) -> float:
    """Seconds until `look` says yes."""
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
    return time.monotonic() - began


def test_a_photo_uploaded_while_searches_run_is_found_within_10_s_and_never_after_its_deletion(
    event: Site, samples: Path, obama: bytes
) -> None:
    known = str(image_id_of_bytes(event.event_id, (samples / "obama.jpg").read_bytes()))
    guests = Guests(event, obama)
    with guests.busy():
        within(FOUND_SECONDS, lambda: guests.searches >= 2 * GUESTS)
        for name in ("obama2.jpg", "obama3.jpg"):
            new = str(event.put_photo((samples / name).read_bytes(), name))
            took = within(FOUND_SECONDS, lambda new=new: new in guests.search())  # type: ignore[misc]
            print(f"found {took:.1f} s after its upload, {guests.searches} searches so far")
            receipt = call(event.stack.state, "photos", "delete", new, "--event", event.event_id)
            assert set(receipt["left"].values()) == {0}
            before = guests.searches
            within(60, lambda new=new, before=before: _never(new, guests, before + 8))  # type: ignore[misc]
    assert guests.search() == {known}


def _never(gone: str, guests: Guests, enough: int) -> bool:
    assert gone not in guests.search()
    return guests.searches >= enough
