"""Deleting a person from an event whose faces are so alike that bare cosines would take other people's, too."""

import uuid
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from facesearch.deletion.embedded_person import EmbeddedPerson
from facesearch.deletion.person import PersonDeletion, PersonParts
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.engine import SelfieProbe
from facesearch.faces.index.event import EventIndex, IndexCache
from facesearch.faces.packing import pack, values_of
from facesearch.models import DEFAULT_MODEL
from facesearch.records import Photo
from tests.support.fakes import EVENT, EVENT_ID
from tests.support.site import Inline, Parts
from tests.unit.faces.test_cohort import Vectors, crowd, picture_of

PEOPLE, EACH = 200, 8


class Engine:
    """Reads a selfie that is the number of a person of the crowd."""

    model = DEFAULT_MODEL

    def __init__(self, people: Vectors) -> None:
        self._people = people

    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        return SelfieProbe(self._people[int(selfie)].astype(np.float32))


@pytest.mark.parametrize("person", [0, 7, 55])
def test_it_ends_and_takes_the_person_s_faces_and_no_others(person: int) -> None:
    people = crowd(PEOPLE, 9, alike=0.66)
    # Two people a photo: one's face must go and the other's stay.
    shown = {
        uuid.uuid5(uuid.NAMESPACE_OID, f"{number}/{take}"): (number, (number + take + 1) % PEOPLE)
        for number in range(PEOPLE)
        for take in range(EACH)
    }
    parts = Parts.memory()
    stored: dict[bytes, int] = {}
    for seed, (image_id, pair) in enumerate(shown.items()):
        faces = [picture_of(people[number], 1_000 * number + seed, 0.97) for number in pair]
        packed = pack(np.stack(faces).astype(np.float32))
        stored |= {row.tobytes(): number for row, number in zip(values_of(packed), pair, strict=True)}
        parts.stores.photos.add(EVENT_ID, EVENT.shards, Photo(image_id, "indexed", "k", 4, 3, DEFAULT_MODEL, packed))
    matcher = EmbeddedMatcher(
        engines=lambda _: cast("Any", Engine(people)),
        indexes=IndexCache(parts.stores.photos, parts.stores.snapshots, 100, Inline()).current,
        background=Inline(),
        pool=Inline(),
    )

    known = PersonParts(matcher, EmbeddedPerson(parts.stores))
    receipt = PersonDeletion(stores=parts.stores, parts=lambda _: known).delete_person(EVENT, [str(person).encode()])

    assert receipt.left.faces == 0
    index = EventIndex(EVENT_ID, DEFAULT_MODEL)
    index.refresh(parts.stores.photos, EVENT, Inline())
    left = [stored[row.tobytes()] for row in index.first_faces(10 * PEOPLE * EACH)[0]]
    assert left.count(person) == 0
    lost = 2 * (PEOPLE - 1) * EACH - len(left)
    assert lost == 0, "by bare cosines two or three of other people's faces would go"
