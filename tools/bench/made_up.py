"""Events of made-up faces, as many as wanted, whose cosines are spread like those of real ones."""

import uuid
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.engine import Embedding
from facesearch.faces.packing import FACE_BYTES, pack
from facesearch.models import DEFAULT_MODEL, Event
from facesearch.records import SHARDS, Photo

FACES_A_PHOTO = 3
PHOTOS_A_PERSON = 20
STRANGERS = 0.09
"""Mean cosine of two strangers; with 128 dimensions it varies by .09. Both are the real model's."""
SAME = 0.65
"""Mean cosine of one person's photos, about the real model's."""


def event(event_id: int) -> Event:
    """An event that searches can be made in."""
    return Event(
        event_id=event_id,
        org_id=1,
        name="Made up",
        selfie_search=True,
        event_enabled=True,
        confidence=90,
        shards=SHARDS,
        slug="made-up",
        date="2026-01-01",
    )


def faces(count: int, seed: int) -> Embedding:
    """Unit vectors, shape (count, 128); face n is of person n // `PHOTOS_A_PERSON`."""
    rng = np.random.default_rng(seed)
    everybody = rng.standard_normal(128, np.float32) * np.float32((STRANGERS / 128) ** 0.5)
    made = rng.standard_normal((count, 128), np.float32)
    for first in range(0, count, 1000 * PHOTOS_A_PERSON):  # in place: a million faces are 512 MB
        here = made[first : first + 1000 * PHOTOS_A_PERSON]
        people = rng.standard_normal((-(-len(here) // PHOTOS_A_PERSON), 128), np.float32)
        people *= np.float32(((SAME - STRANGERS) / 128) ** 0.5)
        here *= np.float32(((1 - SAME) / 128) ** 0.5)
        here += np.repeat(people, PHOTOS_A_PERSON, axis=0)[: len(here)] + everybody
        here /= np.linalg.norm(here, axis=1, keepdims=True)
    return made


def changes(vectors: Embedding, changed_at: int, rng: np.random.Generator) -> Iterator[Photo]:
    """The vectors' photos as the change feed brings them; who is in a photo together is chance."""
    order: NDArray[np.int64] = rng.permutation(len(vectors))
    for start in range(0, len(order), FACES_A_PHOTO):
        packed = pack(vectors[np.sort(order[start : start + FACES_A_PHOTO])])
        image_id = uuid.UUID(bytes=rng.bytes(16), version=5)
        yield Photo(image_id, "indexed", "", 6000, 4000, DEFAULT_MODEL, packed, changed_at=changed_at)


def tail(megabytes: float, item_bytes: int = 200) -> list[Photo]:
    """Photos whose items come to so much, `item_bytes` each besides its faces."""
    count = int(megabytes * 1e6 / (item_bytes + FACES_A_PHOTO * FACE_BYTES))
    rows = changes(faces(count * FACES_A_PHOTO, 5), 0, np.random.default_rng(6))
    return [Photo(row.image_id, "indexed", "1/1/made-up.jpg", 6000, 4000, DEFAULT_MODEL, row.faces) for row in rows]
