"""Bibs end with what they belong to, over the real stores on moto and those in memory: with a photo, a person, an
event, and after the last day of an event's faces."""

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import numpy as np
import pytest

from facesearch.admin.models import EndedEvent
from facesearch.deletion.photos import Files
from facesearch.deletion.receipts import Counts, Receipt
from facesearch.faces.packing import unpack
from facesearch.records import Bib, Photo
from tests.support.aws import moto
from tests.support.site import (
    ANNA,
    BEN,
    CARL,
    PEOPLE,
    CrashError,
    MemoryEvents,
    Parts,
    Site,
    crash_points,
    face_of,
    id_of,
)

WEARERS = {"111": ANNA, "222": BEN, "333": CARL}
WORN = {
    1: (Bib("111", 0),),
    2: (Bib("222", 1), Bib("111", 0)),
    3: (Bib("222", 0), Bib("999")),
    4: (Bib("333", 0), Bib("111", 1), Bib("222", 2)),
    5: (Bib("111"), Bib("222"), Bib("555")),  # nobody's face is on it
}
SHOWN = {"111": [1, 2, 4, 5], "222": [2, 3, 4, 5], "333": [4], "555": [5], "999": [3]}
LAST_DAY = dt.date(2026, 5, 31)


def race(parts: Parts) -> Site:
    """The event, whose photos show these bibs, and whose start list has a further one."""
    site = Site(parts)
    photos: Any = site.plain.stores.photos
    for number, bibs in WORN.items():
        assert photos.set_bibs(site.event.event_id, site.event.shards, record(site, number), bibs, "fake")
    if isinstance(site.plain.stores.events, MemoryEvents):
        photos.start_lists[site.event.event_id] = frozenset({"111", "777"})
    else:
        site.plain.stores.events.give_start_list(site.event.event_id, ["111", "777"])  # type: ignore[attr-defined]
    return site


@pytest.fixture(params=["memory", "aws"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "memory":
        yield race(Parts.memory())
        return
    with moto():
        yield race(Parts.aws())


def record(site: Site, number: int) -> Photo:
    photo = site.plain.stores.photos.get(site.event.event_id, site.event.shards, id_of(number))
    assert photo is not None
    return photo


def shown(site: Site) -> dict[str, list[int]]:
    """The photos that each bib finds."""
    photos = site.plain.stores.photos
    return {bib: sorted(each.int for each in photos.bib_photos(site.event.event_id, bib)) for bib in SHOWN}


def named(site: Site) -> list[str]:
    """The bibs that anything kept names, the start list's among them."""
    photos: Any = site.plain.stores.photos
    if isinstance(site.plain.stores.events, MemoryEvents):
        records = [each for shard in range(site.event.shards) for each in photos.records(site.event.event_id, shard)]
        kept = {bib.text for each in records for bib in each.bibs} | photos.start_lists.get(site.event.event_id, set())
        return sorted(kept)
    items = boto3.client("dynamodb").scan(TableName="table")["Items"]
    text = json.dumps(
        [item for item in items if item["pk"]["S"].startswith(("PHOTOS#", "BIBS#", "STARTERS#"))], default=str
    )
    return [bib for bib in sorted({*SHOWN, "777"}) if f'"{bib}"' in text]


def check_wearers(site: Site, numbers: list[int]) -> None:
    """Each bib that is tied to a face is tied to its wearer's."""
    for number in numbers:
        photo = record(site, number)
        faces = unpack(photo.faces) if photo.faces else np.empty((0, 128))
        for bib in photo.bibs:
            if bib.face is not None:
                assert faces[bib.face] @ face_of(WEARERS[bib.text], number) > 0.99, (number, bib)
        assert {bib.text for bib in photo.bibs if bib.face is not None} == {
            bib for bib, person in WEARERS.items() if person in PEOPLE[number] and number in shown(site)[bib]
        }


def test_a_photo_takes_its_bibs_along(site: Site) -> None:
    receipt = site.photos_eraser.delete_photos(site.event, [id_of(3), id_of(5)], Files())
    assert receipt.complete
    assert (receipt.deleted.photos, receipt.deleted.bibs) == (2, 5)
    assert receipt.to_json()["deleted"]["bibs"] == 5
    assert shown(site) == {"111": [1, 2, 4], "222": [2, 4], "333": [4], "555": [], "999": []}
    assert named(site) == ["111", "222", "333", "777"], "not even an empty item is left of the others"


def test_a_person_takes_the_own_bibs_along_from_every_photo(site: Site) -> None:
    receipt = site.person_eraser.delete_person(site.event, [b"1"])
    assert receipt.complete
    assert (receipt.deleted.faces, receipt.deleted.bibs) == (3, 4)
    assert shown(site) == SHOWN | {"111": []}, "also where no face was, and others' stay"
    check_wearers(site, [1, 2, 3, 4, 5])
    assert site.person_eraser.delete_person(site.event, [b"1"]).deleted == Counts()


def test_with_the_photos_the_own_bibs_go_from_those_that_stay(site: Site) -> None:
    receipt = site.person_eraser.delete_person(site.event, [b"1"], Files())
    assert receipt.complete
    assert (receipt.deleted.photos, receipt.deleted.bibs) == (3, 7), "four of the own, three of others on the photos"
    assert shown(site) == {"111": [], "222": [3, 5], "333": [], "555": [5], "999": [3]}
    check_wearers(site, [3, 5])


def test_a_number_that_others_wear_more_often_stays_theirs(site: Site) -> None:
    """Half hidden, a person's own number reads as somebody else's."""
    photos = site.plain.stores.photos
    misread = (Bib("222", 0),)
    assert photos.set_bibs(site.event.event_id, site.event.shards, record(site, 1), misread, "fake")
    receipt = site.person_eraser.delete_person(site.event, [b"1"])
    assert receipt.complete
    assert shown(site) == SHOWN | {"111": []}, "Ben's stay, and where nobody knows whose it is"
    check_wearers(site, [1, 2, 3, 4, 5])


RUNS: dict[str, Callable[[Site], Receipt]] = {
    "person": lambda site: site.person_eraser.delete_person(site.event, [b"1"]),
    "person with photos": lambda site: site.person_eraser.delete_person(site.event, [b"1"], Files()),
}
LEFT = {
    "person": SHOWN | {"111": []},
    "person with photos": {"111": [], "222": [3, 5], "333": [], "555": [5], "999": [3]},
}


@pytest.mark.parametrize("name", RUNS)
def test_a_persons_deletion_that_crashed_anywhere_leaves_no_bib_after_a_second_run(name: str) -> None:
    crashes = 0
    for site in crash_points(lambda: race(Parts.memory()), RUNS[name]):
        assert RUNS[name](site).complete
        assert shown(site) == LEFT[name]
        check_wearers(site, [3, 5] if name != "person" else [1, 2, 3, 4, 5])
        crashes += 1
    assert crashes > 40


@pytest.mark.parametrize("at", [4, 8, 12, 16])
def test_a_persons_deletion_on_dynamodb_that_crashed_leaves_no_bib_after_a_second_run(at: int) -> None:
    with moto():
        site = race(Parts.aws())
        site.fuse.set(at, after=True)
        with pytest.raises(CrashError):
            RUNS["person"](site)
        site.fuse.left = None
        assert RUNS["person"](site).complete
        assert shown(site) == LEFT["person"]
        check_wearers(site, [1, 2, 3, 4, 5])


def test_a_photo_that_others_change_meanwhile_loses_the_bib_as_well(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, changed = site.plain.stores.photos, set[uuid.UUID]()
    set_bibs = type(photos).set_bibs

    def changed_first(self: Any, event_id: int, shards: int, seen: Photo, *rest: Any) -> bool:
        if seen.image_id not in changed:
            changed.add(seen.image_id)
            self.touch(event_id, shards, seen.image_id)
        return set_bibs(self, event_id, shards, seen, *rest)

    monkeypatch.setattr(type(photos), "set_bibs", changed_first)
    receipt = RUNS["person"](site)
    assert (receipt.complete, receipt.deleted.bibs) == (True, 4)
    assert len(changed) == 4
    assert shown(site) == LEFT["person"]


def test_an_event_leaves_nothing_that_names_a_bib(site: Site) -> None:
    receipt = site.event_eraser.delete_event(site.event.event_id)
    assert (receipt.complete, receipt.deleted.bibs) == (True, 11)
    assert named(site) == []


@pytest.mark.parametrize(("kind", "step"), [("memory", 1), ("aws", 60)])
@pytest.mark.parametrize("after", [False, True])
def test_nor_does_one_to_which_photos_came_while_it_was_deleted(kind: str, step: int, after: bool) -> None:
    """The indexing function looks for the event once more when it has recorded a photo, and takes it back."""
    at, happened = 1, True
    while happened:
        with moto():
            site, happened = race(Parts.memory() if kind == "memory" else Parts.aws()), False
            photos, event = site.plain.stores.photos, site.event
            new = replace(record(site, 2), image_id=uuid.UUID(int=20), bibs=(Bib("111"), Bib("555")))

            def upload(site: Site = site, new: Photo = new) -> None:
                nonlocal happened
                happened = True
                site.fuse.left = None
                assert site.plain.stores.photos.add(site.event.event_id, site.event.shards, new)

            site.fuse.set(at, after=after, happens=upload)
            receipt = site.event_eraser.delete_event(event.event_id)
            assert receipt.complete
            photos.remove(event.event_id, event.shards, new.image_id)
            assert named(site) == []
        at += step
    assert at > step


def end(site: Site) -> None:
    """Give the event its last day."""
    events: Any = site.plain.stores.events
    if isinstance(events, MemoryEvents):
        events.update_event(site.event.event_id, retain_until=LAST_DAY.isoformat())
        events.ended.append(EndedEvent(site.event.event_id, LAST_DAY.isoformat()))
    else:
        events.update_event(site.event.event_id, retain_until=LAST_DAY)


def test_bibs_and_the_start_list_go_after_the_last_day_with_the_faces(site: Site) -> None:
    end(site)
    (ended,) = site.retention.run(LAST_DAY + dt.timedelta(days=1))
    assert (ended.deleted, ended.left) == (Counts(faces=7, bibs=11, snapshots=1), Counts())
    assert named(site) == []
    event = site.plain.stores.events.event(site.event.event_id)
    assert event is not None
    assert event.bibs.listed == 0, "it has no start list any more"
    assert shown(site) == {bib: [] for bib in SHOWN}
    assert [record(site, number).bib_model for number in WORN] == ["fake"] * 5, "nobody reads them again"
    assert site.gallery() == [1, 2, 3, 4, 5]
    (again,) = site.retention.run(LAST_DAY + dt.timedelta(days=2))
    assert again.deleted == Counts()
    assert list(site.retention.run(LAST_DAY + dt.timedelta(days=3))) == []


def test_bibs_of_a_photo_that_somebody_has_just_changed_are_the_next_runs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(site)
    photos = site.plain.stores.photos
    replace_faces = type(photos).replace_faces
    busy = {id_of(4), id_of(5)}

    def refused(self: Any, event_id: int, shards: int, seen: Photo, *rest: Any) -> bool:
        return seen.image_id not in busy and replace_faces(self, event_id, shards, seen, *rest)

    monkeypatch.setattr(type(photos), "replace_faces", refused)
    (first,) = site.retention.run(LAST_DAY + dt.timedelta(days=2))
    assert (first.deleted.bibs, first.left) == (5, Counts(faces=3, bibs=6))
    busy.clear()
    (second,) = site.retention.run(LAST_DAY + dt.timedelta(days=2))
    assert (second.deleted.faces, second.deleted.bibs, second.left) == (3, 6, Counts())
    assert named(site) == []
    assert list(site.retention.run(LAST_DAY + dt.timedelta(days=3))) == []
