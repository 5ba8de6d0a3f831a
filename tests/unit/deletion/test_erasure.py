"""Deletions over the real stores on moto and those in memory: what is gone, what stays, what a receipt says."""

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import boto3
import numpy as np
import pytest

from facesearch.adapters.cloudfront.cdn_cache import CloudFrontCache
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.admin.models import EndedEvent
from facesearch.deletion.log import Erasing
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.receipts import Counts, Looked, Receipt
from facesearch.errors import InvalidRequest, NoFaceFound, NotFound
from facesearch.faces.engine import PLAIN_MODEL
from facesearch.faces.packing import pack
from facesearch.faces.sets import PhotoFaces
from facesearch.faces.vector_items import FacePlace
from facesearch.models import FaceSet, FaceSetKind, SearchKey
from facesearch.reading import Wanted
from facesearch.records import Held, Photo
from facesearch.search.selfies import job_prefix, selfie_keys
from tests.support.aws import moto
from tests.support.fakes import EVENT
from tests.support.site import (
    ANNA,
    BEN,
    CARL,
    DORA,
    ELSA,
    PEOPLE,
    CrashError,
    Inline,
    MemoryEvents,
    Parts,
    Site,
    crash_points,
    face_of,
    id_of,
)
from tests.unit.faces.sets.places import face_sets

EVERYTHING = Files(renditions=True, originals=True)
NOW = 2**53
"""Microseconds: later than any deletion of a test."""


@pytest.fixture(params=["memory", "aws"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "memory":
        yield Site(Parts.memory())
        return
    with moto():
        yield Site(Parts.aws())


def test_a_deleted_photo_is_in_no_search_and_no_gallery_that_starts_later(site: Site) -> None:
    assert site.found(ANNA) == [1, 2, 4]
    assert site.gallery() == [1, 2, 3, 4, 5]
    receipt = site.photos_eraser.delete_photos(site.event, [id_of(2)], Files())
    assert receipt.complete
    assert receipt.deleted == Counts(photos=1, faces=2, results=2, jobs=2, selfies=4, snapshots=1, renditions=3)
    for matcher in (site.warm, site.matcher()):
        assert (site.found(ANNA, matcher), site.found(BEN, matcher)) == ([1, 4], [3, 4])
    assert site.gallery() == [1, 3, 4, 5]
    assert site.faces(2) is None
    assert site.keys("renditions") == site.renditions_of([1, 3, 4, 5])
    assert site.keys("originals") == site.originals_of([1, 2, 3, 4, 5]), "only by flag"


def test_originals_go_by_flag_with_the_copies_that_our_tool_has_uploaded(site: Site) -> None:
    copy = site.originals_of([2])[0].replace("photo.jpg", "the same.jpg")
    site.plain.put("originals", copy)
    receipt = site.photos_eraser.delete_photos(site.event, [id_of(2)], Files(renditions=False, originals=True))
    assert (receipt.deleted.originals, receipt.deleted.renditions, receipt.left) == (2, 0, Counts())
    assert site.keys("originals") == site.originals_of([1, 3, 4, 5])
    assert site.keys("renditions") == site.renditions_of([1, 2, 3, 4, 5])


@pytest.mark.parametrize("below", ["", "its own folder/"])
def test_a_file_that_has_taken_the_key_of_a_deleted_photo_stays(site: Site, below: str) -> None:
    stores, event = site.plain.stores, site.event
    replaced, own = uuid.UUID(int=21), uuid.UUID(int=22)
    folder = f"{replaced}/" if below else ""
    key = f"{event.org_id}/{event.event_id}/{folder}IMG_1.jpg"
    site.plain.put("originals", key)
    etag = stores.originals.etags([key])[key]
    stores.photos.add(event.event_id, event.shards, Photo(replaced, "indexed", key, etag='"before"'))
    stores.photos.add(event.event_id, event.shards, Photo(own, "indexed", key, etag=etag))
    receipt = site.photos_eraser.delete_photos(event, [replaced], EVERYTHING)
    assert receipt.complete
    assert receipt.deleted.originals == 0
    assert key in site.keys("originals"), "it is the other photo's"
    assert site.photos_eraser.delete_photos(event, [own], EVERYTHING).deleted.originals == 1
    assert key not in site.keys("originals")


def test_results_that_name_the_photo_are_searched_anew_and_the_others_stay(site: Site) -> None:
    site.photos_eraser.delete_photos(site.event, [id_of(1)], Files())
    assert (site.stored(ANNA), site.stored(BEN), site.stored(CARL)) == (None, [2, 3, 4], [4])
    site.search(ANNA)
    assert site.stored(ANNA) == [2, 4], "the same request_id, matched again"
    site.search(BEN)
    assert site.stored(BEN) == [2, 3, 4]


def test_what_is_no_photo_of_the_event_is_said_and_a_deleted_one_is_looked_after_again(site: Site) -> None:
    stranger = uuid.UUID(int=99)
    site.photos_eraser.delete_photos(site.event, [id_of(2)], Files())
    receipt = site.photos_eraser.delete_photos(site.event, [id_of(2), stranger], EVERYTHING)
    assert receipt.unknown == (stranger,)
    assert receipt.deleted == Counts(snapshots=1, originals=1)
    assert receipt.complete
    assert site.photos_eraser.delete_photos(site.event, [stranger], Files()).deleted == Counts()


def test_a_redelivered_upload_does_not_bring_a_photo_back_and_a_later_one_does(site: Site) -> None:
    before = time.time_ns() // 1000
    site.photos_eraser.delete_photos(site.event, [id_of(2)], EVERYTHING)
    assert site.upload(2) is False, "nobody knows when it was uploaded"
    assert site.upload(2, uploaded_at=before) is False
    assert site.found(BEN) == [3, 4]
    assert site.upload(2, uploaded_at=NOW) is True
    for matcher in (site.warm, site.matcher()):
        assert site.found(BEN, matcher) == [2, 3, 4]
    assert site.gallery() == [1, 2, 3, 4, 5]
    site.photos_eraser.delete_photos(site.event, [id_of(2)], EVERYTHING)
    assert site.found(BEN) == [3, 4]


class _Dies:
    """A store whose process dies at the n-th call of one of its functions."""

    def __init__(self, store: Any, name: str, at: int) -> None:
        self._store, self._name, self._left = store, name, at

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            self._left -= 1
            if not self._left:
                raise CrashError
        return getattr(self._store, name)


@pytest.mark.parametrize(("store", "name", "at"), [("log", "end", 1), ("photos", "expire", 2)])
def test_a_photo_that_comes_after_its_deletion_stays_though_the_run_was_killed(
    site: Site, store: str, name: str, at: int
) -> None:
    dying: Any = {store: _Dies(getattr(site.stores, store), name, at)}
    with suppress(CrashError):
        PhotoDeletion(stores=replace(site.stores, **dying)).delete_photos(site.event, [id_of(1), id_of(2)], EVERYTHING)
    assert site.upload(1, uploaded_at=NOW) is True
    site.photos_eraser.delete_photos(site.event, [id_of(5)], EVERYTHING)
    assert site.gallery() == [1, 3, 4]
    assert site.keys("renditions") == site.renditions_of([1, 3, 4])
    assert site.keys("originals") == site.originals_of([1, 3, 4])
    assert site.plain.stores.log.pending(site.event.event_id) == []


def test_a_photo_that_comes_while_it_is_being_deleted_goes_along(site: Site) -> None:
    assert site.plain.stores.photos.delete(site.event.event_id, site.event.shards, id_of(2)) is not None
    assert site.upload(2, uploaded_at=NOW) is False


def test_what_a_killed_run_has_done_to_a_photo_that_stays_is_shown_to_readers_again(site: Site) -> None:
    photos = site.plain.stores.photos
    before = photos.get(site.event.event_id, site.event.shards, id_of(3))
    site.plain.stores.log.begin(site.event.event_id, [Erasing(id_of(3), whole=False)])
    site.photos_eraser.delete_photos(site.event, [id_of(1)], Files())
    after = photos.get(site.event.event_id, site.event.shards, id_of(3))
    assert before is not None
    assert after is not None
    assert after == before
    assert after.changed_at > before.changed_at


def test_the_cover_goes_with_its_photo(site: Site) -> None:
    events, event_id = site.stores.events, site.event.event_id
    events.update_event(event_id, cover=id_of(2))
    for number, cover in ((1, id_of(2)), (2, None)):
        site.photos_eraser.delete_photos(site.event, [id_of(number)], Files())
        event = events.event(event_id)
        assert event is not None
        assert event.cover == cover


def test_a_person_takes_the_probes_along_that_show_them_and_such_as_nobody_can_compare(site: Site) -> None:
    of_anna, of_ben = site.watch(ANNA, 21), site.watch(BEN, 22)
    of_another_model = site.watch(CARL, 23, model="another")
    assert site.watched() == [of_anna, of_ben, of_another_model]
    receipt = site.person_eraser.delete_person(site.event, [b"1"])
    assert (receipt.deleted.probes, receipt.left) == (2, Counts())
    assert site.watched() == [of_ben]


def test_a_search_takes_its_watch_along_and_an_event_takes_all(site: Site) -> None:
    searched, other = site.watch(ANNA, site.searches[ANNA].request_id.int), site.watch(BEN, 22)
    receipt = site.photos_eraser.delete_photos(site.event, [id_of(1)], Files())
    assert (receipt.deleted.probes, site.watched()) == (1, [other])
    assert searched not in site.watched()
    receipt = site.event_eraser.delete_event(site.event.event_id)
    assert (receipt.deleted.probes, receipt.left, site.watched()) == (1, Counts(), [])


def test_a_person_is_not_found_again_and_everybody_else_is(site: Site) -> None:
    receipt = site.person_eraser.delete_person(site.event, [b"1"])
    assert receipt.complete
    assert receipt.deleted == Counts(faces=3, results=3, jobs=3, selfies=6, snapshots=1), (
        "group photos were in every result"
    )
    for matcher in (site.warm, site.matcher()):
        assert (site.found(ANNA, matcher), site.found(BEN, matcher)) == ([], [2, 3, 4])
        assert site.found(CARL, matcher) == [4]
    assert site.gallery() == [1, 2, 3, 4, 5]
    assert [site.faces(number) for number in (1, 2, 3, 4, 5)] == [0, 1, 1, 2, 0]
    assert site.person_eraser.delete_person(site.event, [b"1"]).deleted == Counts()


def test_a_photo_that_changes_while_a_person_is_deleted_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Parts.memory())
    photos, changed = site.plain.stores.photos, [False]
    replace_faces = photos.replace_faces

    def changed_first(event_id: int, shards: int, seen: Any, *rest: Any) -> bool:
        if not changed[0]:
            changed[0] = True
            photos.touch(event_id, shards, seen.image_id)
        return replace_faces(event_id, shards, seen, *rest)

    monkeypatch.setattr(photos, "replace_faces", changed_first)
    assert site.person_eraser.delete_person(site.event, [str(ANNA).encode()]).complete
    assert changed[0]
    assert site.found(ANNA, site.matcher()) == []


def test_a_person_goes_with_the_photos_if_wanted(site: Site) -> None:
    receipt = site.person_eraser.delete_person(site.event, [b"1"], EVERYTHING)
    assert receipt.complete
    assert receipt.deleted == Counts(
        photos=3, faces=6, results=3, jobs=3, selfies=6, snapshots=1, renditions=9, originals=3
    )
    assert (site.found(ANNA), site.found(BEN), site.gallery()) == ([], [3], [3, 5])
    assert site.keys("originals") == site.originals_of([3, 5])
    assert site.keys("renditions") == site.renditions_of([3, 5])


@pytest.mark.parametrize("further", [None, 1, 2])
def test_a_person_s_searches_that_found_nothing_go_by_their_stored_selfies(site: Site, further: int | None) -> None:
    """Of Dora, who is on no photo; with `further` only another selfie of several is hers to the eye of the engine."""
    search, other = site.search(DORA), site.search(ELSA)
    keys = selfie_keys(search)
    if further is not None:
        site.plain.put("selfies", keys[0], b"nobody")
        site.plain.put("selfies", keys[further], str(DORA).encode())
        site.plain.stores.searches.selfies.delete(site.plain.stores.searches.selfies.under(job_prefix(search)))
    before = set(site.keys("selfies"))
    receipt = site.person_eraser.delete_person(site.event, [str(DORA).encode()])
    assert receipt.deleted == Counts(results=1, jobs=1, selfies=2)
    assert receipt.left == Counts()
    assert receipt.looked == Looked(selfies=10, unreadable=int(further is not None))
    assert before - set(site.keys("selfies")) == {key for key in before if str(search.request_id) in key}, (
        "hers, and nobody else's"
    )
    assert not site.plain.stores.searches.idempotency.holds(search), "its request_id is free again"
    assert site.plain.stores.searches.results.holds(other)


def test_a_person_s_uploads_and_unsearched_webhooks_go_too(site: Site) -> None:
    event = site.event
    of_dora, of_elsa = (f"uploads/{event.org_id}/{event.event_id}/{uuid.UUID(int=person)}" for person in (DORA, ELSA))
    elsewhere = f"uploads/{event.org_id}/{event.event_id}1/{uuid.UUID(int=DORA)}"
    for key, person in ((of_dora, DORA), (of_elsa, ELSA), (elsewhere, DORA)):
        site.plain.put("selfies", key, str(person).encode())
    unsearched = SearchKey(event.org_id, event.event_id, uuid.UUID(int=77))
    site.ask(unsearched, DORA)
    receipt = site.person_eraser.delete_person(event, [str(DORA).encode()])
    assert (receipt.deleted, receipt.left) == (Counts(jobs=1, selfies=2), Counts())
    assert receipt.looked == Looked(selfies=9)
    assert not site.plain.stores.searches.jobs.holds(unsearched)
    assert {of_dora, of_elsa, elsewhere} & {*site.keys("selfies")} == {of_elsa, elsewhere}


def test_a_selfie_that_came_while_the_others_were_looked_at_is_looked_at_too(site: Site) -> None:
    late = f"uploads/{site.event.org_id}/{site.event.event_id}/{uuid.UUID(int=1)}"
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        if not told:
            site.plain.put("selfies", late, str(DORA).encode())
        told.append((done, total))

    eraser = site.person_eraser_telling(progress)
    assert eraser.delete_person(site.event, [str(DORA).encode()]).deleted == Counts(selfies=1)
    assert told[0] == (1, 6)
    assert told[-1] == (7, 7)


def test_a_deletion_of_a_person_s_searches_that_crashed_anywhere_is_finished_by_a_second_run() -> None:
    def made() -> Site:
        site = Site(Parts.memory())
        site.search(DORA)
        return site

    def run(site: Site) -> Any:
        return site.person_eraser.delete_person(site.event, [str(DORA).encode()])

    search = SearchKey(EVENT.org_id, EVENT.event_id, uuid.UUID(int=DORA))
    for site in crash_points(made, run):
        assert run(site).complete
        assert not any(str(search.request_id) in key for key in site.keys("selfies"))
        stores = site.plain.stores.searches
        assert [part.holds(search) for part in (stores.jobs, stores.results, stores.idempotency)] == [False] * 3


def test_faces_are_counted_once_wherever_they_lay(site: Site) -> None:
    stores, event = site.plain.stores, site.event
    photo = stores.photos.get(event.event_id, event.shards, id_of(2))
    assert photo is not None
    assert stores.photos.put_faces(event.event_id, event.shards, photo, "next", photo.faces), "a rebuild is under way"
    receipt = site.photos_eraser.delete_photos(event, [id_of(2)], Files())
    assert receipt.deleted.faces == 2
    assert site.event_eraser.delete_event(event.event_id).deleted.faces == 1 + 1 + 3
    assert site.keys("originals") == site.originals_of([1, 2, 3, 4, 5]), "only by flag"


@pytest.mark.parametrize("stay", [False, True])
def test_a_person_s_receipt_counts_faces_in_sets_that_the_event_does_not_name(stay: bool) -> None:
    class Items(MemoryVectorItems):
        def delete(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> int:
            return 0 if stay else super().delete(place, image_id, beyond)

    site, items = Site(Parts.memory()), Items()
    event = cast("Any", site.plain.stores.events).update_event(
        site.event.event_id, vector_table=items.name, vector_models=frozenset({PLAIN_MODEL})
    )
    sets = face_sets(site.plain.stores.photos, items=items, pool=Inline())
    faces = pack(np.stack([face_of(ANNA, 1)]))
    sets.open(event, FaceSet(PLAIN_MODEL, FaceSetKind.VECTORS)).add([PhotoFaces(id_of(1), faces, 30, 40)])
    site.stores = replace(site.stores, sets=sets)
    assert site.person_eraser.delete_person(event, [b"1"]).left == Counts(faces=int(stay))


def test_a_selfie_that_cannot_be_searched_deletes_nobody(site: Site) -> None:
    with pytest.raises(NoFaceFound):
        site.person_eraser.delete_person(site.event, [b"nobody"])
    with pytest.raises(InvalidRequest):
        site.person_eraser.delete_person(site.event, [b"1"], confidence=101)
    assert site.found(ANNA) == [1, 2, 4]


def test_an_event_leaves_nothing(site: Site) -> None:
    site.photos_eraser.delete_photos(site.event, [id_of(3)], Files())
    site.ask(replace(site.searches[ANNA], request_id=uuid.uuid4()), ANNA)  # and has not been searched yet
    for prefix in ("", "uploads/", "jobs/"):
        site.plain.put("selfies", f"{prefix}{site.event.org_id}/{site.event.event_id}/{uuid.uuid4()}")
    for person in (ANNA, BEN):
        site.announce(person)
    events = site.plain.stores.events
    if not isinstance(events, MemoryEvents):
        events.update_event(site.event.event_id, retain_until=dt.date(2099, 1, 1))
    for png in (b"now", b"before"):
        site.plain.stores.watermarks.put(site.event.event_id, png)
    receipt = site.event_eraser.delete_event(site.event.event_id, originals=True)
    assert receipt.complete
    assert receipt.deleted == Counts(
        photos=4,
        faces=6,
        results=2,
        jobs=3,
        selfies=8,
        snapshots=1,
        renditions=12,
        originals=5,
        callbacks=2,
        watermarks=2,
    )
    assert site.plain.stores.watermarks.count(site.event.event_id) == 0
    assert site.plain.stores.searches.callbacks.count(site.event.org_id, site.event.event_id) == 0
    assert site.reader.read(Wanted(event_id=site.event.event_id)).event is None
    assert [site.keys(bucket) for bucket in ("selfies", "renditions", "originals")] == [[], [], []]
    assert site.plain.stores.snapshots.count(site.event.event_id) == 0
    with pytest.raises(NotFound):
        site.event_eraser.delete_event(site.event.event_id)
    if not isinstance(events, MemoryEvents):
        (org,) = boto3.client("dynamodb").scan(TableName="table")["Items"]
        assert org["events"] == {"N": "0"}
        assert boto3.client("dynamodb").scan(TableName="claims")["Items"] == []


RUNS: dict[str, Callable[[Site], Receipt]] = {
    "photos": lambda site: site.photos_eraser.delete_photos(site.event, [id_of(1), id_of(2), id_of(4)], EVERYTHING),
    "person": lambda site: site.person_eraser.delete_person(site.event, [b"1"]),
    "person with photos": lambda site: site.person_eraser.delete_person(site.event, [b"1"], EVERYTHING),
}


def check_after_crash(site: Site, name: str) -> Receipt:
    """Whatever the crash left, a second run finishes it, and nothing that was deleted was found in between."""
    half = site.found(ANNA)
    assert site.found(ANNA, site.matcher()) == half, "warm or cold"
    receipt = RUNS[name](site)
    assert receipt.complete
    for matcher in (site.warm, site.matcher()):
        assert site.found(ANNA, matcher) == []
        assert site.found(BEN, matcher) == ([2, 3, 4] if name == "person" else [3])
    assert site.stored(ANNA) is None
    assert not any(site.plain.stores.searches.jobs.holds(search) for search in site.searches.values())
    assert site.keys("selfies") == [], "everybody was in a photo with Anna"
    kept = [1, 2, 3, 4, 5] if name == "person" else [3, 5]
    assert site.gallery() == kept
    assert site.keys("renditions") == site.renditions_of(kept)
    assert site.keys("originals") == site.originals_of(kept)
    assert site.plain.stores.log.pending(site.event.event_id) == []
    assert site.plain.stores.snapshots.count(site.event.event_id) == 1
    if name != "person":
        assert site.upload(1, uploaded_at=1) is False
        assert site.upload(1, uploaded_at=NOW) is True
    site.search(ANNA)
    assert site.stored(ANNA) == ([1] if name != "person" else [])
    return receipt


@pytest.mark.parametrize("name", RUNS)
def test_a_deletion_that_crashed_anywhere_is_finished_by_a_second_run(name: str) -> None:
    """Its receipt says that it does not count what an interrupted run deleted."""
    assert RUNS[name](Site(Parts.memory())).resumed is False
    crashes = interrupted = 0
    for site in crash_points(lambda: Site(Parts.memory()), RUNS[name]):
        gone = any(site.faces(number) != len(PEOPLE[number]) for number in PEOPLE)
        done = not site.plain.stores.log.pending(site.event.event_id)
        receipt = check_after_crash(site, name)
        assert receipt.resumed or done or not gone
        interrupted += receipt.resumed
        crashes += 1
    assert crashes > 40
    assert interrupted > 5


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("at", [9, 21])
def test_a_deletion_on_dynamodb_that_crashed_is_finished_by_a_second_run(name: str, at: int) -> None:
    with moto():
        site = Site(Parts.aws())
        site.fuse.set(at, after=True)
        with pytest.raises(CrashError):
            RUNS[name](site)
        site.fuse.left = None
        check_after_crash(site, name)


def test_an_event_whose_deletion_crashed_anywhere_is_gone_after_a_second_run() -> None:
    def run(site: Site) -> Any:
        return site.event_eraser.delete_event(site.event.event_id, originals=True)

    for site in crash_points(lambda: Site(Parts.memory()), run):
        event = site.stores.events.event(site.event.event_id)
        if event is not None:
            receipt = run(site)
            assert (receipt.complete, receipt.resumed) == (True, event.closing)
        assert site.stores.events.event(site.event.event_id) is None
        assert [site.keys(bucket) for bucket in ("selfies", "renditions", "originals")] == [[], [], []]
        assert list(site.plain.stores.searches.results.searches(site.event.event_id)) == []
        assert list(site.plain.stores.searches.jobs.jobs(site.event.event_id)) == []
        held = [site.plain.stores.photos.count(site.event.event_id, shard) for shard in range(4)]
        assert set(held) == {Held(0, 0)}
        assert site.plain.stores.snapshots.count(site.event.event_id) == 0


def test_a_crashed_run_s_wish_is_not_forgotten_by_a_later_one_s() -> None:
    for site in crash_points(
        lambda: Site(Parts.memory()), lambda site: site.photos_eraser.delete_photos(site.event, [id_of(1)], EVERYTHING)
    ):
        pending = bool(site.plain.stores.log.pending(site.event.event_id))
        site.photos_eraser.delete_photos(site.event, [id_of(1), id_of(2)], Files())
        if pending:
            assert site.keys("originals") == site.originals_of([2, 3, 4, 5])


def test_the_faces_of_an_event_go_after_their_last_day_and_are_looked_for_twice(site: Site) -> None:
    day = dt.date(2026, 5, 31)
    site.watch(ANNA, 21)
    retained = site.stores.events.update_event(site.event.event_id, retain_until=day)
    if isinstance(site.plain.stores.events, MemoryEvents):
        site.plain.stores.events.update_event(site.event.event_id, retain_until=day.isoformat())
        site.plain.stores.events.ended.append(EndedEvent(retained.event_id, day.isoformat()))
    assert list(site.retention.run(day)) == []
    assert site.found(ANNA) == [1, 2, 4]
    (ended,) = site.retention.run(day + dt.timedelta(days=1))
    assert (ended.deleted, ended.left) == (Counts(faces=7, snapshots=1, probes=1), Counts())
    assert site.watched() == []
    for matcher in (site.warm, site.matcher()):
        assert site.found(ANNA, matcher) == []
    assert site.gallery() == [1, 2, 3, 4, 5]
    (again,) = site.retention.run(day + dt.timedelta(days=2))
    assert again.deleted == Counts()
    assert list(site.retention.run(day + dt.timedelta(days=3))) == []


def test_an_event_that_fails_does_not_keep_those_behind_it_from_ending() -> None:
    class Watches:
        def delete_watches(self, event_id: int) -> int:
            if event_id == broken:
                raise OSError("no answer")
            return 0

    site, day, broken = Site(Parts.memory()), "2026-05-31", 1
    events = site.plain.stores.events
    assert isinstance(events, MemoryEvents)
    events.update_event(site.event.event_id, retain_until=day)
    events.reader.events[broken] = replace(events.reader.events[site.event.event_id], event_id=broken)
    events.ended += [EndedEvent(broken, day), EndedEvent(site.event.event_id, day)]
    run = replace(site.retention, events=events, watches=cast("Any", Watches())).run(dt.date(2026, 6, 1))
    assert next(run).deleted.faces == 7
    with pytest.raises(ExceptionGroup):
        next(run)


def test_the_cdn_cache_is_told_to_delete_the_renditions() -> None:
    class CloudFront:
        def __init__(self) -> None:
            self.paths: list[list[str]] = []

        def create_invalidation(self, *, DistributionId: str, InvalidationBatch: Any) -> None:  # noqa: N803
            assert DistributionId == "D"
            assert InvalidationBatch["Paths"]["Quantity"] == len(InvalidationBatch["Paths"]["Items"])
            self.paths.append(InvalidationBatch["Paths"]["Items"])

    site, cloudfront = Site(Parts.memory()), CloudFront()
    stores = replace(site.stores, cdn_cache=CloudFrontCache(cloudfront, "D"))
    PhotoDeletion(stores=stores).delete_photos(site.event, [id_of(1)], Files())
    assert cloudfront.paths == [[f"/{key}" for key in site.renditions_of([1])]]
    CloudFrontCache(cloudfront, "D").delete(["/x"] * 2_500)
    assert [len(paths) for paths in cloudfront.paths[1:]] == [1_000, 1_000, 500]
