"""Re-indexing over the stores in memory: never a wrong or a missing photo, whatever happens between any two steps."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.errors import InvalidRequest
from facesearch.faces.engine import FIRST_MODEL, UnknownModelError
from facesearch.models import Event
from facesearch.photos.nextfaces import GONE
from facesearch.photos.reindexing import StalledError
from facesearch.records import Photo
from tests.support.examples import examples
from tests.support.fakes import EVENT_ID, ORG
from tests.support.site import CrashError, crash_points
from tests.unit.photos.indexing.fakes import PHOTOS, notification
from tests.unit.photos.reindexing.bench import ANNA, BEN, CARL, A, B, ReindexBench, filled, picture


def test_an_event_goes_over_to_another_model_and_back() -> None:
    site = filled()
    done = site.reindexing.run(EVENT_ID, B)
    assert done.to_json() == {
        "event_id": EVENT_ID, "model": B, "photos": 5, "faces": 7, "failed": [], "switched": True,
    }  # fmt: skip
    site.check()
    assert site.is_settled(B)
    assert site.snapshots.current(EVENT_ID, B) is not None
    assert site.reindexing.run(EVENT_ID, A).switched
    site.check()
    assert site.is_settled(A)


def test_the_same_model_with_new_settings_is_another_generation() -> None:
    site = filled()
    for generation in (f"{A}+2", f"{A}+3"):
        assert site.reindexing.run(EVENT_ID).model == generation
        site.check()
        assert site.is_settled(generation)


def test_an_event_of_the_first_model_goes_over_to_today_s() -> None:
    site = filled()
    assert site.reindexing.run(EVENT_ID, FIRST_MODEL).model == FIRST_MODEL
    assert site.reindexing.run(EVENT_ID).model == A
    site.check()
    assert site.is_settled(A)


def test_photos_whose_faces_another_engine_kept_get_ours() -> None:
    site = filled()
    for image_id in site.people:
        photo = site.photos.get(EVENT_ID, site.event.shards, image_id)
        assert photo is not None
        site.photos.remove(EVENT_ID, site.event.shards, image_id)
        site.photos.add(EVENT_ID, site.event.shards, replace(photo, model="rekognition", faces=b""))
    done = site.reindexing.run(EVENT_ID)
    assert (done.switched, done.photos, done.faces, done.failed) == (True, 5, 7, [])
    site.warm = site.matcher()
    site.check()


def test_vectors_of_two_models_never_meet() -> None:
    """Given a photo whose live faces are one model's and whose next faces another's: to B,
    Anna looks as Ben does to A."""
    site = filled()
    site.reindexing.run(EVENT_ID, B, wait=False)
    site.deliver()
    assert {(row.model, row.next_model) for row in site.rows()} == {(A, B)}
    site.check()
    site.events.change_models(site.event, _with(site.event, model=B, previous_model=A))
    site.check()


def test_searches_during_it_and_after_the_switch_are_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    sleep, looks = site.sleep, 0

    def watch(seconds: float) -> None:
        nonlocal looks
        site.check()
        sleep(seconds)
        site.check()
        looks += 1

    monkeypatch.setattr(site, "sleep", watch)
    fold = site.photos.fold

    def folding(*args: Any) -> bool:
        site.check()
        folded = fold(*args)
        site.check()
        return folded

    monkeypatch.setattr(site.photos, "fold", folding)
    site.reindexing.run(EVENT_ID, B)
    assert looks


@pytest.mark.parametrize("model", [B, None])
def test_an_interruption_anywhere_is_made_good_by_running_it_again(model: str | None) -> None:
    crashes = 0
    for site in crash_points(filled, lambda one: one.reindexing.run(EVENT_ID, model)):
        site.check()
        site.deliver()
        site.check()
        done = site.reindexing.run(EVENT_ID, model)
        assert (done.photos, done.faces, done.switched) == (5, 7, True)
        site.check()
        # Whoever is killed after the very last write begins a further generation; else it is the one begun.
        assert site.is_settled(done.model)
        assert model is None or done.model == model
        crashes += 1
    assert crashes > 30


def test_it_is_cancelled_at_any_point_before_the_switch() -> None:
    cancelled = 0
    for site in crash_points(filled, lambda one: one.reindexing.run(EVENT_ID, B)):
        if site.event.previous_model or site.event.model == B:
            continue
        waiting = list(site.queue)
        site.deliver()
        site.reindexing.cancel(EVENT_ID)
        site.queue = waiting  # a message that comes again afterwards
        site.deliver()
        site.check()
        assert site.is_settled(A)
        cancelled += 1
    assert cancelled > 10


def test_an_interrupted_cancel_is_made_good_by_another() -> None:
    def begun() -> ReindexBench:
        site = filled()
        site.reindexing.run(EVENT_ID, B, wait=False)
        site.deliver()
        return site

    for site in crash_points(begun, lambda one: one.reindexing.cancel(EVENT_ID)):
        site.check()
        site.reindexing.cancel(EVENT_ID)
        site.check()
        assert site.is_settled(A)


def test_one_that_has_switched_cannot_be_cancelled() -> None:
    site = filled()
    site.events.change_models(site.event, _with(site.event, next_model=B))
    site.events.change_models(site.event, _with(site.event, model=B, next_model="", previous_model=A))
    with pytest.raises(InvalidRequest, match="already"):
        site.reindexing.cancel(EVENT_ID)


def test_what_it_cannot_do_is_said() -> None:
    site = filled()
    with pytest.raises(UnknownModelError, match="no face model 'arcface'"):
        site.reindexing.run(EVENT_ID, "arcface")
    assert site.reindexing.run(EVENT_ID, A).switched, "it has that one: nothing to do"
    assert site.event.erasures == 0
    site.reindexing.run(EVENT_ID, B, wait=False)
    with pytest.raises(InvalidRequest, match="--cancel"):
        site.reindexing.run(EVENT_ID, A)
    assert site.event.model == A
    site.reader.events[EVENT_ID] = _with(site.event, retain_until="2020-01-01")
    with pytest.raises(InvalidRequest, match="no faces"):
        site.reindexing.run(EVENT_ID, B)


def test_a_new_photo_gets_faces_by_both_models() -> None:
    site = filled()
    site.reindexing.run(EVENT_ID, B, wait=False)
    photo = site.photo(site.upload(10, ANNA, CARL))
    assert (photo.model, photo.next_model) == (A, B)
    assert len(photo.faces) == len(photo.next_faces) == 2 * 132
    site.check()


def test_a_photo_that_was_being_indexed_when_it_began_gets_the_next_model_s_faces_too() -> None:
    """Also if the run was killed before it could look: by the message that is delivered again."""
    site = filled()
    with site.stale():
        site.reindexing.run(EVENT_ID, B, wait=False)
    late = site.photo(site.upload(10, ANNA))
    assert (late.model, late.next_model) == (A, B)
    site.check()
    other = filled()
    data = picture(11, BEN)
    image_id = other.upload(11, BEN)
    other.reindexing.run(EVENT_ID, B, wait=False)
    assert other.photo(image_id).next_model == ""
    other.upload(11, BEN)
    assert data
    assert other.photo(image_id).next_model == B


def test_a_photo_that_was_being_indexed_all_the_time_is_searched_by_the_new_model() -> None:
    site = filled()
    with site.stale():
        site.reindexing.run(EVENT_ID, B)
    image_id = site.upload(10, ANNA)
    assert (site.photo(image_id).model, site.photo(image_id).next_model) == (B, "")
    site.check()


def test_a_photo_whose_original_is_gone_is_reported_and_keeps_no_faces() -> None:
    site = filled()
    gone = site.upload(10, CARL)
    replaced = site.upload(11, CARL)
    del site.s3.objects[PHOTOS, site.key(10)]
    site.s3.objects[PHOTOS, site.key(11)] = picture(12, ANNA)
    done = site.reindexing.run(EVENT_ID, B)
    assert dict(done.failed) == {gone: GONE, replaced: GONE}
    assert site.photo(gone).faces == b""
    site.people[gone], site.people[replaced] = [], []
    site.check()
    assert site.is_settled(B)
    assert dict(site.reindexing.run(EVENT_ID).failed) == {gone: GONE, replaced: GONE}


@pytest.mark.parametrize("is_under_way", [True, False])
def test_an_original_that_is_there_again_has_its_faces_again(is_under_way: bool) -> None:
    """Moved while it was being re-indexed, or restored after that."""
    site = filled()
    image_id = site.upload(10, CARL)
    file = site.s3.objects.pop((PHOTOS, site.key(10)))
    site.reindexing.run(EVENT_ID, B, wait=not is_under_way)
    site.deliver()
    assert site.photo(image_id).reason == GONE
    site.people[image_id] = [CARL] if is_under_way else []
    site.check()
    moved = f"{ORG}/{EVENT_ID}/moved/10.png"
    site.s3.objects[PHOTOS, moved] = file
    site.indexer.index_message(notification(moved))
    if is_under_way:
        site.reindexing.run(EVENT_ID, B)
    site.people[image_id] = [CARL]
    site.check()
    assert site.photo(image_id).reason == ""
    assert site.is_settled(B)


def test_a_photo_deleted_meanwhile_stays_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    image_id = site.upload(10, ANNA)
    put_next = site.photos.put_next

    def deleted_first(event_id: int, shards: int, seen: Photo, *rest: Any) -> bool:
        if seen.image_id == image_id:
            site.delete_photo(image_id)
        return put_next(event_id, shards, seen, *rest)

    monkeypatch.setattr(site.photos, "put_next", deleted_first)
    site.reindexing.run(EVENT_ID, B)
    site.check()
    assert site.photos.get(EVENT_ID, 4, image_id) is None


@pytest.mark.parametrize("when", ["before", "while vectors are made", "after", "after the switch"])
def test_a_person_who_was_deleted_is_not_brought_back(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    if when == "before":
        site.forget(ANNA)
    elif when == "while vectors are made":
        put_next, once = site.photos.put_next, [True]

        def forgotten_first(*args: Any) -> bool:
            if once:
                once.clear()
                site.forget(ANNA)
            return put_next(*args)

        monkeypatch.setattr(site.photos, "put_next", forgotten_first)
    elif when == "after":
        site.reindexing.run(EVENT_ID, B, wait=False)
        site.deliver()
        site.forget(ANNA)
        assert any(row.next_model != B for row in site.rows()), "what was stripped is ordered again"
    else:
        site.reindexing.run(EVENT_ID, B, wait=False)
        site.deliver()
        site.events.change_models(site.event, _with(site.event, model=B, next_model="", previous_model=A))
        site.forget(ANNA)
    site.check()
    site.reindexing.run(EVENT_ID, B)
    site.check()
    assert site.is_settled(B)
    assert site.found(ANNA, site.matcher()) == set()
    site.reindexing.run(EVENT_ID, A)
    site.check()


def test_waiting_ends_when_nothing_more_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    monkeypatch.setattr(site, "deliver", lambda: None)
    with pytest.raises(StalledError, match="5 photos"):
        site.reindexing.run(EVENT_ID, B)
    monkeypatch.undo()
    site.deliver()
    assert site.reindexing.run(EVENT_ID, B).switched


def test_an_event_that_was_changed_meanwhile_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    monkeypatch.setattr(site.events, "change_models", lambda before, after: False)
    with pytest.raises(InvalidRequest, match="changed meanwhile"):
        site.reindexing.run(EVENT_ID, B)
    site.check()


def test_one_that_is_cancelled_meanwhile_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    site = filled()
    monkeypatch.setattr(site, "deliver", lambda: site.reindexing.cancel(EVENT_ID))
    with pytest.raises(InvalidRequest, match="cancelled"):
        site.reindexing.run(EVENT_ID, B)
    monkeypatch.undo()
    site.deliver()
    assert site.is_settled(A)


STEPS = ("upload", "delete", "forget", "begin", "deliver", "crash", "cancel", "finish")


@settings(max_examples=examples(40))
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 60), st.booleans()), max_size=10))
def test_any_sequence_of_events_leaves_every_search_right(steps: list[tuple[str, int, bool]]) -> None:
    site, number = filled(), 20
    for step, value, flag in steps:
        other = B if site.event.model.startswith(A) and site.event.model != B else A
        model = None if flag else other
        if step == "upload":
            number += 1
            site.upload(number, *(person for person in (ANNA, BEN, CARL) if value & person))
        elif step == "delete" and site.people:
            site.delete_photo(sorted(site.people)[value % len(site.people)])
        elif step == "forget":
            site.forget(value % 3 + 1)
        elif step == "deliver":
            site.deliver()
        elif step == "crash":
            site.fuse.set(value, after=flag)
            _unless_refused(lambda model=model: site.reindexing.run(EVENT_ID, model))  # type: ignore[misc]
            site.fuse.left = None
        elif step == "begin":
            _unless_refused(lambda model=model: site.reindexing.run(EVENT_ID, model, wait=False))  # type: ignore[misc]
        elif step == "cancel":
            _unless_refused(lambda: site.reindexing.cancel(EVENT_ID))
        elif step == "finish":
            _unless_refused(lambda: site.reindexing.run(EVENT_ID))
        site.check()
    site.deliver()
    done = site.reindexing.run(EVENT_ID)
    site.check()
    assert site.is_settled(done.model)


def _unless_refused(run: Callable[[], Any]) -> None:
    with suppress(CrashError, InvalidRequest):
        run()


def _with(event: Event, **changes: Any) -> Event:
    return replace(event, **changes)
