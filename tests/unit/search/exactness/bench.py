"""An event whose every step can be cut short or interfered with, and what is known about it from outside.

Processes share the stores in memory. One of them works through `Steps`, which at a chosen call of a store kill it, or
let another process act first. What searches must find is not read from an index: `ExactnessBench` knows which people
each photo shows, what has become of it, and which vector each model makes of a person.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesearch.faces.engine import PLAIN_MODEL, Embedding, Face, RgbImage, SelfieProbe, engine_name
from facesearch.faces.index.event import IndexCache
from facesearch.faces.index.snapshot import SnapshotError
from facesearch.faces.index.vectors import probe_of
from facesearch.faces.packing import pack, values_of
from facesearch.models import DEFAULT_MODEL
from facesearch.records import Tombstone, image_id_of_bytes
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.support.pictures import encoded
from tests.support.site import Inline
from tests.unit.faces.sets.bench import World
from tests.unit.photos.indexing.fakes import PHOTOS, notification

T = TypeVar("T")
MODELS = (DEFAULT_MODEL, PLAIN_MODEL)
VIEWS, PEOPLE = 5, 4
"""Pictures of each person, whose cosines to each other are about .65, and .1 to other people's: real ones' spread."""
STEP = 8
"""Pixels that a face takes in a picture."""


def _views() -> Embedding:
    rng = np.random.default_rng(4)
    person, view = rng.normal(size=(PEOPLE, 1, 128)), rng.normal(size=(PEOPLE, VIEWS, 128))
    made = rng.normal(size=128) * 0.3 + person * 0.75 + view * 0.6
    made /= np.linalg.norm(made, axis=-1, keepdims=True)
    return made.reshape(-1, 128).astype(np.float32)


LOOKS: dict[str, Embedding] = {MODELS[0]: _views(), MODELS[1]: np.roll(_views(), 1, axis=0)}
"""By model and number of a view, its embedding. To one model a view is what the next one is to the other: whoever
compares faces of two models finds the wrong ones."""
STORED: dict[str, NDArray[np.int8]] = {model: values_of(pack(looks)) for model, looks in LOOKS.items()}
"""The same as they are stored."""
ALBUM: list[list[int]] = [
    np.random.default_rng(number).integers(0, PEOPLE * VIEWS, number % 4).tolist() for number in range(12)
]
"""Photos that can be uploaded: the views in each."""


@cache
def picture(number: int) -> bytes:
    """A photo of the album: its views side by side, each a bar of a red of its own."""
    image = Image.new("RGB", (STEP * 8, 2 * STEP), (0, number, 0))
    for place, view in enumerate(ALBUM[number]):
        image.paste((view + 1, 0, 0), (place * STEP, 0, place * STEP + STEP, STEP))
    return encoded(image, "PNG")


@cache
def id_of(number: int) -> uuid.UUID:
    """A photo's image_id."""
    return image_id_of_bytes(EVENT_ID, picture(number))


@dataclass
class ViewsEngine:
    """Sees the views of a picture; a selfie is the number of one."""

    model: str

    def faces(self, image: RgbImage) -> list[Face]:
        looks = LOOKS[engine_name(self.model)]
        return [
            Face((place * STEP, 0, STEP, STEP), np.zeros((5, 2), np.float32), 0.9, looks[int(red) - 1])
            for place, red in enumerate(image[0, STEP // 2 :: STEP, 0])
            if red
        ]

    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        return SelfieProbe(LOOKS[engine_name(self.model)][int(selfie)])


class ExactnessBench(World):
    """The stores, and what must be found in them.

    Attributes:
        shows: views in each photo that is there now.
        gone: photos that were deleted.
        messages: of every upload the photo's number, its time and S3's message.
        uploaded, deleting: what the step under way has tried.
    """

    engine = ViewsEngine

    def __init__(self) -> None:
        super().__init__()
        self.shows: dict[int, list[int]] = {}
        self.gone: set[int] = set()
        self.messages: list[tuple[int, int, str]] = []
        self.uploaded, self.deleting = set[int](), False
        self._deleted: dict[int, int] = {}

    def announce(self, number: int) -> str:
        """Put the photo's file into the bucket; S3's message about it."""
        key = f"{ORG}/{EVENT_ID}/{number}.png"
        self.s3.objects[PHOTOS, key] = picture(number)
        at = datetime.now(UTC)
        message = notification(key, at=at)
        self.messages.append((number, int(at.timestamp() * 1_000_000), message))
        return message

    def begin(self) -> None:
        """A step begins."""
        self.uploaded, self.deleting, self._deleted = set(), False, {}
        for number in self.gone:
            tombstone = self.tombstone(number)
            assert tombstone is not None, f"nobody knows any more that photo {number} was deleted"
            self._deleted[number] = tombstone.deleted_at

    def end(self) -> None:
        """Look what the step has made of each photo, and that it was nothing forbidden."""
        for number in range(len(ALBUM)):
            views = self._recorded(number)
            before = self.shows.pop(number, None)
            if views is not None:
                self._check_photo(number, before, views)
                self.shows[number] = views
                self.gone.discard(number)
            elif before is not None:
                assert self.deleting, f"photo {number} was lost"
                self.gone.add(number)

        if not self.log.entries:
            self._check_files()

    def _check_files(self) -> None:
        """Once no deletion is under way, no snapshot has what was deleted: tombstones, which keep searches from it,
        expire."""
        event = self.event
        for model in {each.model for each in (event.faces, event.building, event.leaving) if each is not None}:
            stored = STORED[engine_name(model)]
            there = {
                (id_of(number).bytes, bytes(stored[view])) for number, views in self.shows.items() for view in views
            }
            info = self.snapshots.current(EVENT_ID, model)
            if info is not None:
                with suppress(SnapshotError):  # damaged
                    file = self.snapshots.load(info, Inline())
                    ids = map(bytes, np.repeat(file.ids, file.counts, axis=0))
                    kept = set(zip(ids, map(bytes, file.faces.values), strict=True))
                    assert kept <= there, f"the snapshot of {model} has a deleted face"

    def _check_photo(self, number: int, before: list[int] | None, views: list[int]) -> None:
        if number in self.gone:  # it may return if an upload after its deletion was announced in this step
            later = any(each == number and at > self._deleted[number] for each, at, _ in self.messages)
            assert number in self.uploaded and later, f"photo {number} came back"  # noqa: PT018
        elif before is None:
            assert number in self.uploaded, f"photo {number} came from nowhere"
        if before is None or (self.deleting and number in self.uploaded):  # maybe deleted, then uploaded afresh
            before = ALBUM[number]
        assert not Counter(views) - Counter(before), f"photo {number} shows people who were deleted from it"
        assert self.deleting or len(views) == len(before), f"photo {number} has lost people"

    def tombstone(self, number: int) -> Tombstone | None:
        """What is left of a photo of the album that was deleted."""
        return self.photos.tombstone(EVENT_ID, EVENT.shards, id_of(number))

    def _recorded(self, number: int) -> list[int] | None:
        """The views whose vectors the photo's record has for the model that is searched; None without a record."""
        photo = self.photos.get(EVENT_ID, EVENT.shards, id_of(number))
        if photo is None:
            return None
        faces = photo.faces_by(self.event.model)
        assert faces is not None, f"photo {number} has no faces by the model that is searched"
        known = [bytes(each) for each in STORED[engine_name(self.event.model)]]
        return [known.index(bytes(each)) for each in values_of(faces)]

    def stored(self) -> list[tuple[uuid.UUID, NDArray[np.int8]]]:
        """Every face of the photos that are there, as the model that is searched has made it."""
        rows = STORED[engine_name(self.event.model)]
        return [(id_of(number), rows[view]) for number, views in self.shows.items() for view in views]

    def check(self, environment: IndexCache, probe: NDArray[np.float64], minimum: float) -> None:
        """A search by that environment finds what a float64 comparison with every stored vector finds."""
        expected = Counter((image_id, bytes(row)) for image_id, row in self.stored() if cosine(row, probe) >= minimum)
        index = environment.current(self.event)
        hits = index.search(probe_of(probe), minimum, Inline())
        found = [index.photo(number).image_id for number in hits.photos.tolist()]
        assert Counter(zip(found, map(bytes, hits.values), strict=True)) == expected
        for row, score in zip(hits.values, hits.cosines, strict=True):
            assert abs(cosine(row, probe) - score) < 1e-12


def cosine(stored: NDArray[np.int8], probe: NDArray[np.float64]) -> float:
    """By its definition."""
    row = stored.astype(np.float64)
    return float(row @ probe / np.sqrt(row @ row) / np.sqrt(probe @ probe))
