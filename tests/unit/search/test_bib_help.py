"""Bibs beside a selfie: what they bring in, what they take away, and when they are silent."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.faces.matching import Likeness
from facesearch.faces.packing import pack, unpack
from facesearch.models import BibRules, Event, PhotoMatch
from facesearch.records import Bib, Photo
from facesearch.search.bib_help import BibHelp
from tests.support.fakes import EVENT, EVENT_ID
from tests.support.site import Inline

RACE = replace(EVENT, bib_search=True)
DERIVING = replace(RACE, bibs=BibRules(from_faces=True))
OWN, HARD, NOBODY = 0.7, 0.3, -0.05
"""Cosines to the selfie: of its owner, of its owner in sunglasses, of somebody else."""


def face(cosine: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A vector that has that cosine to the selfie, which looks along the first axis."""
    vector = np.zeros(128, np.float32)
    vector[0], vector[1] = cosine, (1 - cosine**2) ** 0.5
    return vector


@dataclass
class Race:
    """Photos of an event, and a selfie."""

    photos: MemoryPhotoStore = field(default_factory=MemoryPhotoStore)
    reader: MemoryReader = field(default_factory=MemoryReader)
    count: int = 0
    is_alike: bool = False

    def __post_init__(self) -> None:
        self.reader.photo_store = self.photos
        self.reader.events[EVENT_ID] = RACE

    def add(self, *faces: float, bibs: tuple[Bib, ...] = ()) -> uuid.UUID:
        """A photo with such faces, taken a second after the one before."""
        self.count += 1
        packed = pack(np.stack([face(cosine) for cosine in faces])) if faces else b""
        taken = datetime(2026, 5, 17) + timedelta(seconds=self.count)  # noqa: DTZ001 - a camera's clock
        image_id = uuid.UUID(int=1000 - self.count)
        photo = Photo(image_id, "indexed", "k", 30, 40, EVENT.model, packed, taken, bibs=bibs, bib_model="fake")
        assert self.photos.add(EVENT_ID, EVENT.shards, photo)
        return image_id

    def wearing(self, bib: str, cosine: float) -> uuid.UUID:
        """A photo of one runner."""
        return self.add(cosine, bibs=(Bib(bib, 0),))

    def search(
        self, *found: uuid.UUID, typed: str = "", event: Event = RACE, knows_faces: bool = True
    ) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        """What is found by faces and by the bib, for a selfie whose face search finds these."""
        likeness = Likeness(
            EVENT.model, 0.5, 0.52, self.is_alike, lambda faces: np.asarray(unpack(faces)[:, 0], np.float64)
        )
        help_ = BibHelp(photos=self.photos, reader=self.reader, pool=Inline())
        matches = [PhotoMatch(image_id, 30, 40) for image_id in found]
        photos = help_.widen(event, matches, typed, lambda: likeness if knows_faces else None)
        by_face = [photo.image_id for photo in photos if not photo.by_bib]
        by_bib = [photo.image_id for photo in photos if photo.by_bib]
        assert [photo.image_id for photo in photos] == by_face + by_bib, "face matches come first"
        return by_face, by_bib


def test_a_typed_number_brings_in_photos_without_a_usable_face_by_capture_time() -> None:
    race = Race()
    turned, own, shades = race.add(bibs=(Bib("12"),)), race.wearing("12", OWN), race.wearing("12", HARD)
    race.wearing("13", HARD)
    assert race.search(own, typed="12") == ([own], [turned, shades])
    assert race.search(own, typed="12", knows_faces=False) == ([own], [turned, shades])
    assert race.search(typed="12") == ([], [turned, own, shades]), "where the selfie finds nobody"
    assert race.search(own) == ([own], []), "nobody typed it"
    assert race.search(own, typed="99") == ([own], []), "nobody wears it"


def test_an_event_without_bib_search_reads_nothing_more() -> None:
    race = Race()
    own = race.wearing("12", OWN)
    race.wearing("12", HARD)
    for event in (EVENT, replace(EVENT, bibs=BibRules(from_faces=True))):
        assert race.search(own, typed="12", event=event) == ([own], [])
    assert race.search(own, event=RACE) == ([own], [])
    assert race.reader.reads == 0


def test_a_face_whose_own_bib_reads_otherwise_is_not_taken_for_the_selfie_s() -> None:
    race = Race()
    own, bare, part = race.wearing("1234", OWN), race.add(OWN), race.wearing("234", OWN)
    twin = race.wearing("77", OWN)
    with_twin = race.add(OWN, NOBODY, bibs=(Bib("77", 1),))
    race.add(OWN, bibs=(Bib("ADIDAS1", 0),))
    assert race.search(own, bare, part, twin, with_twin, typed="1234") == ([own, bare, part, with_twin], []), (
        "a half-hidden number may be the same, and that of somebody else in the photo says nothing"
    )


def test_the_wearer_of_a_typed_number_who_is_surely_somebody_else_is_left_out() -> None:
    race = Race()
    own, misread, hard = race.wearing("12", OWN), race.wearing("12", NOBODY), race.wearing("12", HARD)
    assert race.search(own, typed="12") == ([own], [hard])
    assert misread not in race.search(own, typed="12")[1]
    assert race.search(typed="12") == ([], [own, hard]), "where the selfie finds nobody, too"


def test_a_number_that_others_wear_is_silent() -> None:
    race = Race()
    own = race.add(OWN)
    for _ in range(3):
        race.wearing("12", NOBODY)
    race.add(bibs=(Bib("12"),))
    assert race.search(own, typed="12") == ([own], []), "it is somebody else's"
    sure = race.wearing("34", OWN)
    race.wearing("12", HARD)
    assert race.search(own, sure, typed="12") == ([own, sure], []), "the selfie wears another one"


def test_a_number_is_derived_from_the_surest_faces_if_the_event_says_so() -> None:
    race = Race()
    own, more = race.wearing("12", OWN), race.wearing("12", OWN)
    shades, turned = race.wearing("12", HARD), race.add(bibs=(Bib("12"),))
    assert race.search(own, more, event=DERIVING) == ([own, more], [shades, turned])
    assert race.search(own, event=DERIVING) == ([own], [more, shades, turned]), "one vote"
    race.is_alike = True
    assert race.search(own, event=DERIVING) == ([own], []), "one vote where faces are alike"
    assert race.search(own, more, event=DERIVING) == ([own, more], [shades, turned])
    assert race.search(own, more, event=DERIVING, knows_faces=False) == ([own, more], [])


def test_where_two_numbers_compete_none_is_derived() -> None:
    race = Race()
    own, other = race.wearing("12", OWN), race.wearing("34", OWN)
    race.wearing("12", HARD)
    assert race.search(own, other, event=DERIVING) == ([own, other], [])
    more = race.wearing("12", OWN)
    by_face, by_bib = race.search(own, other, more, event=DERIVING)
    assert (by_face, len(by_bib)) == ([own, more], 1), "twice as many votes"


def test_a_number_that_was_read_once_is_not_derived() -> None:
    race = Race()
    own, twin = race.wearing("12", OWN), race.wearing("34", 0.51)
    assert race.search(own, twin, event=DERIVING) == ([own, twin], [])


def test_only_numbers_that_count_in_the_event_help() -> None:
    race = Race()
    own, hard = race.wearing("12", OWN), race.wearing("12", HARD)
    for rules in (BibRules(listed=5), BibRules(pattern="[0-9]{3}")):
        assert race.search(own, typed="12", event=replace(RACE, bibs=rules)) == ([own], [])
        assert race.search(own, event=replace(RACE, bibs=replace(rules, from_faces=True))) == ([own], [])
    race.photos.start_lists[EVENT_ID] = frozenset({"12"})
    assert race.search(own, typed="12", event=replace(RACE, bibs=BibRules(listed=1))) == ([own], [hard])


def test_a_misreading_that_is_not_on_the_start_list_takes_nothing_away() -> None:
    race = Race()
    own, misread, hard = race.wearing("1024", OWN), race.wearing("1824", OWN), race.wearing("1024", HARD)
    assert race.search(own, misread, typed="1024") == ([own], [hard])
    race.photos.start_lists[EVENT_ID] = frozenset({"1024", "77"})
    listed = replace(RACE, bibs=BibRules(listed=2))
    assert race.search(own, misread, typed="1024", event=listed) == ([own, misread], [hard])
    assert race.search(misread, typed="1024", event=listed) == ([misread], [own, hard]), "nor is it a rival"


RUNNERS = st.lists(
    st.tuples(st.sampled_from(["", "1", "12", "123", "9"]), st.sampled_from([OWN, HARD, NOBODY])), max_size=12
)


@given(RUNNERS, st.sampled_from(["", "12", "9", "77"]), st.booleans(), st.booleans())
def test_nothing_is_lost_but_for_another_number_and_nothing_comes_twice(
    runners: list[tuple[str, float]], typed: str, alike: bool, derives: bool
) -> None:
    race = Race(is_alike=alike)
    photos = {race.wearing(bib, cosine) if bib else race.add(cosine): (bib, cosine) for bib, cosine in runners}
    found = [image_id for image_id, (_, cosine) in photos.items() if cosine == OWN]
    by_face, by_bib = race.search(*found, typed=typed, event=DERIVING if derives else RACE)
    assert len({*by_face, *by_bib}) == len(by_face + by_bib)
    assert by_face == [image_id for image_id in found if image_id in by_face], "in their order"
    assert all(photos[image_id][0] for image_id in set(found) - set(by_face))
    assert {photos[image_id][0] for image_id in by_bib} <= ({typed} if typed else {"1", "12", "123", "9"})
    assert len({photos[image_id][0] for image_id in by_bib}) <= 1
