"""Events that move to the distributed index and back while they are filled and searched."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.embedded import match_faces
from facesearch.faces.index import FaceIndex, IndexCache, IndexMovedError
from facesearch.faces.index.distributed import ChosenIndexes, VectorCohorts, VectorIndex
from facesearch.faces.vector_items import FaceKeeper, FacePlace
from facesearch.models import Event, IndexKind
from facesearch.photos.migration import IndexMigration
from facesearch_cli.app import run
from tests.integration.conftest import Site
from tests.integration.vectors.world import MODEL, Ground, People


class Traffic:
    """Photos of one person are uploaded and searched, as the functions do it."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.people = People(5)
        self.event_id = ground.admin.create_event(ground.admin.create_org("Marathon Photos"), "Marathon")
        self.keeper = FaceKeeper(ground.items, ground.photos, ground.admin.event)
        self.recorded: list[uuid.UUID] = []
        self.searches: list[tuple[IndexKind, int]] = []
        self.stop = threading.Event()

    def event(self) -> Event:
        event = self.ground.admin.event(self.event_id)
        assert event is not None
        return event

    def upload(self) -> None:
        event = self.event()
        photo = self.people.photo(self.people.near(0.8), self.people.unit())
        written = self.keeper.write(event, photo)
        self.ground.photos.add(self.event_id, event.shards, photo)
        self.keeper.settle(self.event_id, photo.image_id, written=written)
        self.recorded.append(photo.image_id)

    def keep_uploading(self) -> None:
        while not self.stop.is_set():
            self.upload()
            time.sleep(0.05)

    def keep_searching(self) -> None:
        """Note of each search the index that answered, and how many photos it lacked that were there when it began."""
        ground = self.ground
        with ThreadPoolExecutor(4) as own:
            exact = IndexCache(ground.photos, ground.snapshots, 64, own)

            cohorts = VectorCohorts(ground.items, own)

            def vectors(event: Event) -> FaceIndex:
                cohort = cohorts.of(event)
                return VectorIndex(event, ground.items, ground.photos, ground.admin.event, own, cohort)

            indexes = ChosenIndexes(exact, ground.items, vectors)
            while not self.stop.is_set():
                expected = set(self.recorded)
                event = self.event()
                found = self.matches(indexes, event, own)
                self.searches.append((event.index_kind, len(expected - found)))

    def matches(self, indexes: ChosenIndexes, event: Event, pool: ThreadPoolExecutor) -> set[uuid.UUID]:
        """As `EmbeddedMatcher.match` does."""
        probe, index = self.people.person.astype("float32"), indexes.current(event)
        while True:
            try:
                return {match.image_id for match in match_faces(index, probe, 0.5, pool)}
            except IndexMovedError as moved:
                index = indexes.current(moved.event)

    def go_on(self, kind: IndexKind) -> None:
        """Wait for a few more uploads, and for searches that this kind of index answers."""
        enough = self.searched_by(kind) + 3, len(self.recorded) + 3
        until(lambda: self.searched_by(kind) >= enough[0] and len(self.recorded) >= enough[1])

    def searched_by(self, kind: IndexKind) -> int:
        return sum(used is kind for used, _ in self.searches)


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_no_search_loses_a_photo_while_an_event_moves_there_and_back(
    ministack: Ground, pool: ThreadPoolExecutor
) -> None:
    traffic = Traffic(ministack)
    for _ in range(40):
        traffic.upload()
    migration = IndexMigration(
        events=ministack.admin,
        photos=ministack.photos,
        items=ministack.items,
        snapshots=ministack.snapshots,
        builder=SnapshotBuilder(ministack.photos, ministack.snapshots, pool),
        pool=pool,
        face_shards=4,
    )
    with ThreadPoolExecutor(3) as background:
        work = (traffic.keep_uploading, traffic.keep_searching, traffic.keep_searching)
        running = [background.submit(each) for each in work]
        try:
            for kind in (IndexKind.VECTORS, IndexKind.EXACT):
                moved = migration.to(traffic.event_id, kind).event
                assert (moved.index_kind, moved.next_index_kind) == (kind, None)
                traffic.go_on(kind)
        finally:
            traffic.stop.set()
        for each in running:
            each.result()
    assert [missed for _, missed in traffic.searches if missed] == []
    left = ministack.items.counts(FacePlace(traffic.event_id, MODEL, 4), pool)
    assert left == {}, "nothing is left of the index that answers no more"


def test_an_event_moves_by_the_command_line_and_is_searched_and_filled_meanwhile(
    site: Site, samples: Path, obama: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    here = site.other_event()
    ids = [here.put_photo((samples / name).read_bytes(), name) for name in ("obama2.jpg", "biden.jpg")]
    for image_id in ids:
        here.indexed(image_id)
    before = here.post(obama).json()["data"]["images"]
    assert [image["image_id"] for image in before] == [str(ids[0])]
    state = str(site.stack.state)

    def move(kind: str) -> int:
        capsys.readouterr()
        return run(["--state", state, "event", "update", str(here.event_id), "--index", kind, "--json"])

    assert move("vectors") == 0
    assert '"index": "vectors"' in capsys.readouterr().out
    assert here.post(obama).json()["data"]["images"] == before
    late = here.put_photo((samples / "obama3.jpg").read_bytes(), "obama3.jpg")
    here.indexed(late)
    found = {image["image_id"] for image in here.post(obama).json()["data"]["images"]}
    assert found == {str(ids[0]), str(late)}
    assert move("exact") == 0
    assert {image["image_id"] for image in here.post(obama).json()["data"]["images"]} == found
