"""A rebuild over everything in memory, from any face set to any other: never a wrong or a missing photo, and nothing
left of the old one, whatever happens between any two steps."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from facesearch.adapters.memory.rekognition import Refusal
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.errors import FaceSetMissing, InvalidRequest, NotFound, Throttled
from facesearch.faces.engine import UnknownModelError
from facesearch.faces.sets import FaceSets, LaggingError, PhotoFaces
from facesearch.faces.vector_items import FacePlace, ShardFaces
from facesearch.models import REKOGNITION, FaceSet, FaceSetKind
from facesearch.photos.lookagain import DELETED_FACES
from facesearch.photos.places import GONE
from facesearch.photos.rebuild import Rebuilt, StalledError
from facesearch.records import Photo
from tests.support.examples import examples_of
from tests.support.fakes import EVENT_ID, ORG
from tests.support.site import CrashError, Inline, crash_points
from tests.unit.faces.sets.bench import (
    ANNA,
    BEN,
    CARL,
    EVERY,
    EXACT_A,
    EXACT_B,
    VECTORS_A,
    VECTORS_B,
    A,
    RebuildBench,
    filled,
    picture,
)
from tests.unit.photos.indexing.fakes import PHOTOS, notification

PAIRS = list(permutations(EVERY, 2))
every_pair = pytest.mark.parametrize(("before", "after"), PAIRS, ids=[f"{one}-{other}" for one, other in PAIRS])
to_every_kind = pytest.mark.parametrize(
    ("before", "after"), [(EXACT_A, EXACT_B), (VECTORS_A, VECTORS_B), (EXACT_A, REKOGNITION), (REKOGNITION, EXACT_A)]
)
by_looking = pytest.mark.parametrize("after", [EXACT_B, VECTORS_B, REKOGNITION])


def rebuild(site: RebuildBench, to: FaceSet | None = None, **options: Any) -> Rebuilt:
    """Run it as the command line does."""
    if to is None:
        return site.rebuild.run(EVENT_ID, **options)
    return site.rebuild.run(EVENT_ID, to.model if to.is_ours else None, to.kind, **options)


def begun(before: FaceSet, after: FaceSet) -> RebuildBench:
    """A site on its way, whose photos were all looked at."""
    site = filled(before)
    rebuild(site, after, wait=False)
    site.deliver()
    return site


def first(monkeypatch: pytest.MonkeyPatch, part: Any, name: str, act: Callable[..., Any]) -> None:
    """Have somebody else act before the first call of a part."""
    call = getattr(part, name)

    def overtaken(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(part, name, call)
        act(*args)
        return call(*args, **named)

    monkeypatch.setattr(part, name, overtaken)


@every_pair
def test_an_event_goes_over_to_any_other_face_set(before: FaceSet, after: FaceSet) -> None:
    site = filled(before)
    done = rebuild(site, after)
    assert done.to_json() == {
        "event_id": EVENT_ID, "model": after.model, "kept_in": after.kind, "photos": 5, "faces": 7, "failed": [],
        "switched": True,
    }  # fmt: skip
    site.check()
    assert site.is_settled(after)
    assert site.event.erasures == 1, "a search that began before begins afresh"
    assert site.event.vector_models == {each.model for each in (before, after) if each.kind is FaceSetKind.VECTORS}
    assert (site.snapshots.current(EVENT_ID, after.model) is not None) == (after.kind is FaceSetKind.EXACT)
    site.delete_person(ANNA)
    site.check()
    site.delete_photo(site.upload(7, CARL))
    assert site.is_settled(after)
    site.delete_event()
    assert (site.service.collections, site.kept()[after]) == ({}, {})


@every_pair
def test_an_interruption_anywhere_is_made_good_by_running_it_again(before: FaceSet, after: FaceSet) -> None:
    """At every call of a store in the long run, and for some pairs in the short one."""
    step, crashes = 1 if (before, after) in examples_of(PAIRS) else 11, 0
    for site in crash_points(lambda: filled(before), lambda one: rebuild(one, after), step):
        site.check()
        site.deliver()
        site.check()
        done = rebuild(site, after)
        assert (done.photos, done.faces, done.switched, done.face_set) == (5, 7, True, after)
        site.check()
        assert site.is_settled(after)
        crashes += 1
    assert crashes > 1


@every_pair
def test_it_is_cancelled_at_any_point_before_the_switch(before: FaceSet, after: FaceSet) -> None:
    cancelled = 0
    for site in crash_points(lambda: filled(before), lambda one: rebuild(one, after), step=9):
        if site.event.faces == after:
            continue
        waiting = list(site.queue)
        site.deliver()
        site.rebuild.cancel(EVENT_ID)
        site.queue = waiting  # a message that comes again afterwards
        site.deliver()
        site.check()
        assert site.is_settled(before)
        cancelled += 1
    assert cancelled > 1


@to_every_kind
def test_an_interrupted_cancel_is_made_good_by_another_or_by_a_further_rebuild(before: FaceSet, after: FaceSet) -> None:
    points = crash_points(lambda: begun(before, after), lambda one: one.rebuild.cancel(EVENT_ID), step=3)
    for number, site in enumerate(points):
        site.check()
        if number % 2:
            site.rebuild.cancel(EVENT_ID)
        else:
            rebuild(site, after)
        site.check()
        assert site.is_settled(before if number % 2 else after)


@every_pair
def test_what_comes_and_goes_meanwhile_is_right_in_both(before: FaceSet, after: FaceSet) -> None:
    site = begun(before, after)
    late = site.upload(10, ANNA, CARL)
    kept = site.kept()
    assert (kept[before][late], kept[after][late]) == (2, 2)
    site.check()
    gone = next(iter(site.people))
    site.delete_photo(gone)
    assert not any(gone in places for places in site.kept().values())
    site.check()
    site.delete_person(BEN)
    site.check()
    done = rebuild(site, after)
    assert done.switched
    if before == REKOGNITION:
        _lost_with_their_neighbours(site, done)
    site.check()
    assert site.is_settled(after)


@every_pair
def test_an_event_deleted_meanwhile_leaves_nothing(before: FaceSet, after: FaceSet) -> None:
    site = begun(before, after)
    waiting = site.queue
    with site.stale():
        site.delete_event()
    site.indexer.index_message(notification(site.key(0)))
    site.queue = waiting
    site.deliver()
    assert (site.service.collections, site.snapshots.files) == ({}, {})
    assert not any(site.kept().values())


@pytest.mark.parametrize("after", [VECTORS_B, REKOGNITION])
@pytest.mark.parametrize("is_over", [True, False])
def test_an_event_deleted_during_another_look_leaves_nothing(
    after: FaceSet, is_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = filled()
    rebuild(site, after, wait=False)

    def delete() -> None:
        event = site.event
        site.delete_event()
        if not is_over:
            site.reader.events[EVENT_ID] = replace(event, closing=True)

    first(monkeypatch, site.s3, "get_object", delete)
    site.deliver()
    assert (site.service.collections, any(site.kept().values())) == ({}, False)


def test_a_photo_of_which_rekognition_can_read_no_part_keeps_none_of_its_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    image_id = site.upload(10, *[ANNA] * 100)
    rebuild(site, REKOGNITION, wait=False)
    index_faces = site.client.index_faces

    def indexed(**asked: Any) -> Any:
        found = index_faces(**asked)
        if len(found["FaceRecords"]) == 100:
            site.service.refusals["IndexFaces"] = [Refusal("InvalidImageFormatException")]
        return found

    monkeypatch.setattr(site.client, "index_faces", indexed)
    site.deliver()
    assert image_id not in site.kept()[REKOGNITION]


@pytest.mark.parametrize("faces", [EXACT_A, VECTORS_A])
def test_the_same_model_with_new_settings_is_another_generation(faces: FaceSet) -> None:
    site = filled(faces)
    for generation in (f"{A}+2", f"{A}+3"):
        assert rebuild(site).face_set == replace(faces, model=generation)
        site.check()
    moved = rebuild(site, kind=FaceSetKind.EXACT).face_set
    assert moved == FaceSet(f"{A}+3"), "another place is no other look"
    site.check()


def test_one_that_has_switched_cannot_be_cancelled() -> None:
    site = begun(EXACT_A, EXACT_B)
    site.events.change_face_sets(site.event, replace(site.event, faces=EXACT_B, building=None, leaving=EXACT_A))
    with pytest.raises(InvalidRequest, match="already"):
        site.rebuild.cancel(EVENT_ID)
    assert rebuild(site).face_set == EXACT_B, "it is finished"
    assert site.is_settled(EXACT_B)


def test_what_it_cannot_do_is_said() -> None:
    site, theirs = filled(), filled(REKOGNITION)
    with pytest.raises(UnknownModelError, match="no face model 'arcface'"):
        rebuild(site, model="arcface")
    with pytest.raises(InvalidRequest, match="no --model"):
        rebuild(site, model=A, kind=FaceSetKind.REKOGNITION)
    for model in (None, A):
        with pytest.raises(InvalidRequest, match="--faces"):
            rebuild(theirs, model=model)
    for options in ({"model": A}, {"kind": FaceSetKind.EXACT}, {"model": A, "kind": FaceSetKind.EXACT}):
        assert rebuild(site, **options).switched, "it has that one: nothing to do"
    assert rebuild(theirs, REKOGNITION).switched
    assert (site.event.erasures, theirs.event.erasures) == (0, 0)
    assert rebuild(theirs, kind=FaceSetKind.VECTORS).face_set == VECTORS_A
    rebuild(site, EXACT_B, wait=False)
    for other in (EXACT_A, VECTORS_B, REKOGNITION):
        with pytest.raises(InvalidRequest, match="--cancel"):
            rebuild(site, other)
    site.reader.events[EVENT_ID] = replace(site.event, retain_until="2020-01-01")
    with pytest.raises(InvalidRequest, match="no faces"):
        rebuild(site, EXACT_B)
    site.reader.events.clear()
    with pytest.raises(NotFound):
        rebuild(site)


@pytest.mark.parametrize("kind", [FaceSetKind.VECTORS, FaceSetKind.REKOGNITION])
def test_a_stack_without_a_kind_says_so_and_changes_nothing(kind: FaceSetKind) -> None:
    site = filled()
    none = replace(site.rebuild, sets=FaceSets({FaceSetKind.EXACT: site.sets.openers[FaceSetKind.EXACT]}))
    with pytest.raises(FaceSetMissing, match=f"{kind} added to the parameter FaceSets"):
        none.run(EVENT_ID, kind=kind)
    assert site.is_settled(EXACT_A)
    with pytest.raises(FaceSetMissing, match="FaceSets") as missing:
        FaceSets({}).open(site.event, FaceSet(kind=kind))
    assert "FaceSets" not in missing.value.message, "guests are told less"


@pytest.mark.parametrize("kind", [FaceSetKind.VECTORS, FaceSetKind.EXACT])
def test_an_event_whose_table_was_replaced_is_searched_by_its_records_and_moved_again(kind: FaceSetKind) -> None:
    site = filled(VECTORS_A)
    site.items.delete_all(FacePlace(EVENT_ID, A, site.event.face_shards), Inline())
    site.reader.events[EVENT_ID] = replace(site.event, vector_table="one that is gone")
    assert site.sets.actual(site.event, site.event.faces) == EXACT_A
    site.check()
    assert rebuild(site, kind=kind).face_set == FaceSet(A, kind)
    site.check()
    assert site.is_settled(FaceSet(A, kind))


@by_looking
def test_a_photo_that_was_being_indexed_when_it_began_is_in_the_new_set_too(after: FaceSet) -> None:
    """Also if the run was killed before it could look: by the message that is delivered again."""
    site = filled()
    recorded = site.upload(11, BEN)
    with site.stale():
        rebuild(site, after, wait=False)
    late = site.upload(10, ANNA)
    assert (site.kept()[after].get(late), site.kept()[after].get(recorded)) == (1, None)
    site.upload(11, BEN)
    assert site.kept()[after][recorded] == 1
    site.check()


@every_pair
@pytest.mark.parametrize("is_cancelled", [True, False])
def test_a_photo_that_was_being_indexed_all_the_time_is_in_the_set_that_is_left(
    before: FaceSet, after: FaceSet, is_cancelled: bool
) -> None:
    site = begun(before, after) if is_cancelled else filled(before)
    with site.stale():
        site.rebuild.cancel(EVENT_ID) if is_cancelled else rebuild(site, after)
    site.upload(10, ANNA)
    site.check()
    if is_cancelled:
        assert {row.built_model for row in site.rows()} <= {"", after.model}
        assert after.kind is FaceSetKind.EXACT or not site.kept()[after]
    else:
        assert site.is_settled(after)


@by_looking
def test_a_photo_whose_original_is_gone_is_reported_and_keeps_no_faces(after: FaceSet) -> None:
    site = filled()
    gone, replaced = site.upload(10, CARL), site.upload(11, CARL)
    del site.s3.objects[PHOTOS, site.key(10)]
    site.s3.objects[PHOTOS, site.key(11)] = picture(12, ANNA)
    done = rebuild(site, after)
    assert dict(done.failed) == {gone: GONE, replaced: GONE}
    site.people[gone], site.people[replaced] = [], []
    site.check()
    assert site.is_settled(after)


@by_looking
@pytest.mark.parametrize("is_under_way", [True, False])
def test_an_original_that_is_there_again_has_its_faces_again(after: FaceSet, is_under_way: bool) -> None:
    """Moved while it was being looked for, or restored after that."""
    site = filled()
    image_id = site.upload(10, CARL)
    file = site.s3.objects.pop((PHOTOS, site.key(10)))
    rebuild(site, after, wait=not is_under_way)
    site.deliver()
    assert site.photo(image_id).reason == GONE
    site.people[image_id] = [CARL] if is_under_way else []
    site.check()
    moved = f"{ORG}/{EVENT_ID}/moved/10.png"
    site.s3.objects[PHOTOS, moved] = file
    site.indexer.index_message(notification(moved))
    if is_under_way:
        rebuild(site, after)
    site.people[image_id] = [CARL]
    site.check()
    assert site.photo(image_id).reason == ""
    assert site.is_settled(after)


def test_a_photo_that_rekognition_cannot_read_fails_in_its_set_alone() -> None:
    site = filled()
    site.sets.open(site.event, REKOGNITION).complete()
    site.service.refusals["IndexFaces"] = [Refusal("InvalidImageFormatException")]
    done = rebuild(site, REKOGNITION)
    ((image_id, reason),) = done.failed
    assert "cannot read" in reason
    site.people[image_id] = []
    site.check()
    site = begun(EXACT_A, REKOGNITION)
    site.service.refusals["IndexFaces"] = [Refusal("InvalidImageFormatException")]
    site.upload(10, ANNA)
    site.check()


@by_looking
def test_a_photo_deleted_meanwhile_stays_deleted(after: FaceSet, monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    gone = list[uuid.UUID]()

    def delete(event_id: int, shards: int, seen: Photo, *rest: Any) -> None:
        gone.append(seen.image_id)
        site.delete_photo(seen.image_id)

    first(monkeypatch, site.photos, "put_faces", delete)
    rebuild(site, after)
    site.check()
    assert not site.photos.get_many(EVENT_ID, 4, gone)
    assert site.is_settled(after)


@every_pair
@pytest.mark.parametrize("when", ["before", "while it is built", "after", "after the switch"])
def test_a_person_who_was_deleted_is_not_brought_back(
    before: FaceSet, after: FaceSet, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = filled(before)
    if when == "before":
        site.delete_person(ANNA)
    elif when == "while it is built":
        part: tuple[Any, str] = (site.photos, "put_faces")
        if before.model == after.model:
            part = (site.items, "put") if after.kind is FaceSetKind.VECTORS else (site.snapshots, "save")
        first(monkeypatch, *part, lambda *_: site.delete_person(ANNA))
    else:
        rebuild(site, after, wait=False)
        site.deliver()
        if when == "after the switch":
            site.sets.open(site.event, after).complete()
            site.events.change_face_sets(site.event, replace(site.event, faces=after, building=None, leaving=before))
        site.delete_person(ANNA)
    site.check()
    done = rebuild(site, after)
    if before == REKOGNITION and when != "after the switch":
        _lost_with_their_neighbours(site, done)
    site.check()
    assert site.is_settled(after)
    assert site.found(ANNA, site.matchers()) == set()


def _lost_with_their_neighbours(site: RebuildBench, done: Rebuilt) -> None:
    """What Rekognition has kept of a photo from which somebody was deleted is not known: nobody is found on it."""
    for image_id, reason in done.failed:
        assert reason == DELETED_FACES
        site.people[image_id] = []


def test_waiting_ends_when_nothing_more_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    monkeypatch.setattr(site, "deliver", lambda: None)
    with pytest.raises(StalledError, match="5 photos"):
        rebuild(site, EXACT_B)
    monkeypatch.undo()
    site.deliver()
    assert rebuild(site, EXACT_B).switched


@by_looking
def test_one_that_is_cancelled_meanwhile_ends(after: FaceSet, monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    monkeypatch.setattr(site, "deliver", lambda: site.rebuild.cancel(EVENT_ID))
    with pytest.raises(InvalidRequest, match="cancelled"):
        rebuild(site, after)
    monkeypatch.undo()
    site.deliver()
    assert site.is_settled(EXACT_A)


@pytest.mark.parametrize("command", ["cancel", "delete"])
def test_what_is_copied_after_it_was_cancelled_or_the_event_deleted_goes_again(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = filled()
    commands = {"cancel": lambda *_: site.rebuild.cancel(EVENT_ID), "delete": lambda *_: site.delete_event()}
    first(monkeypatch, MemoryVectorItems, "put", commands[command])
    with pytest.raises((InvalidRequest, NotFound)):
        rebuild(site, VECTORS_A)
    if command == "cancel":
        assert site.is_settled(EXACT_A)
    assert not site.kept()[VECTORS_A]


@pytest.mark.parametrize("left", [VECTORS_A, VECTORS_B, FaceSet(f"{A}+2", FaceSetKind.VECTORS)])
def test_what_a_killed_writer_left_in_a_set_that_is_gone_goes_with_whoever_it_shows(left: FaceSet) -> None:
    for faces in (EXACT_A, FaceSet(f"{A}+2"), VECTORS_A):
        if faces == left:
            continue
        site = RebuildBench(faces)
        site.events.update_event(EVENT_ID, vector_models=frozenset({left.model}))
        image_ids = [site.upload(30 + number, ANNA) for number in range(3)]
        place = FacePlace(EVENT_ID, left.model, site.event.face_shards)
        site.items.put(place, [PhotoFaces.of(row, site.event.model) for row in site.rows()])
        site.delete_photo(image_ids[0])
        assert site.items.counts(place, Inline()) == dict.fromkeys(image_ids[1:], 1)
        site.delete_person(ANNA)
        assert site.items.counts(place, Inline()) == {}
        site.items.put(place, [replace(PhotoFaces.of(site.rows()[0], site.event.model), faces=b"\1" * 132)])
        site.delete_event()
        assert site.items.counts(place, Inline()) == {}


def test_it_waits_for_the_service_s_own_index_and_does_not_switch_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    site, nearest, behind = filled(), RebuildBench().items.nearest, [3]
    nearest = site.items.nearest

    def lagging(place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
        behind[0] -= 1
        nothing = ShardFaces([], np.empty((0, 128), np.int8))
        return nothing if behind[0] >= 0 else nearest(place, shard, vector)

    monkeypatch.setattr(site.items, "nearest", lagging)
    rebuild(site, VECTORS_A)
    assert site.now == 3
    rebuild(site, EXACT_A)
    behind[0] = 10**6
    with pytest.raises(LaggingError):
        rebuild(site, VECTORS_A)
    assert site.event.faces == EXACT_A


def test_a_throttled_copy_is_tried_again_and_what_was_there_is_not_copied_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, given_photos, refusals = filled(), list[int](), [Throttled("BatchWriteItem", "Unprocessed")] * 2
    site.sets.open(site.event, VECTORS_A).complete()
    image_id = next(image_id for image_id, people in site.people.items() if people)
    site.items.delete(FacePlace(EVENT_ID, A, site.event.face_shards), image_id)
    put = site.items.put

    def counting(place: FacePlace, photos: list[PhotoFaces]) -> int:
        if refusals:
            raise refusals.pop()
        given_photos.append(len(photos))
        return put(place, photos)

    monkeypatch.setattr(site.items, "put", counting)
    rebuild(site, VECTORS_A)
    assert sum(given_photos) == 1
    assert site.is_settled(VECTORS_A)


def test_faces_that_an_earlier_life_left_behind_are_gone() -> None:
    site, other = filled(), RebuildBench()
    other.upload(30, ANNA)
    site.items.put(FacePlace(EVENT_ID, A, site.event.face_shards), [PhotoFaces.of(row, A) for row in other.rows()])
    rebuild(site, VECTORS_A)
    assert site.is_settled(VECTORS_A)


STEPS = ("upload", "delete", "person", "begin", "deliver", "crash", "cancel", "finish")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 60), st.booleans()), max_size=10))
def test_any_sequence_of_events_leaves_every_search_right(steps: list[tuple[str, int, bool]]) -> None:
    site, number = filled(), 20
    ours = (EXACT_A, EXACT_B, VECTORS_A, VECTORS_B)  # Rekognition may lose neighbours of who was deleted
    for step, value, flag in steps:
        target = None if flag else ours[value % 4]
        if step == "upload":
            number += 1
            site.upload(number, *(person for person in (ANNA, BEN, CARL) if value & person))
        elif step == "delete" and site.people:
            site.delete_photo(sorted(site.people)[value % len(site.people)])
        elif step == "person":
            site.delete_person(value % 3 + 1)
        elif step == "deliver":
            site.deliver()
        elif step == "crash":
            site.fuse.set(value, after=flag)
            _unless_refused(lambda target=target: rebuild(site, target))  # type: ignore[misc]
            site.fuse.left = None
        elif step == "begin":
            _unless_refused(lambda target=target: rebuild(site, target, wait=False))  # type: ignore[misc]
        elif step == "cancel":
            _unless_refused(lambda: site.rebuild.cancel(EVENT_ID))
        elif step == "finish":
            _unless_refused(lambda: rebuild(site))
        site.check()
    site.deliver()
    rebuild(site)
    site.check()
    assert (site.event.building, site.event.leaving) == (None, None)


def _unless_refused(run: Callable[[], Any]) -> None:
    with suppress(CrashError, InvalidRequest):
        run()
