"""What a watch tells, when it ends, and that neither crash nor repetition tells anything twice."""

import time
import uuid
from dataclasses import replace
from typing import Any

import pytest

from facesearch.errors import NotFound, SearchInProgress
from facesearch.models import FaceSet, PhotoMatch, SearchKey, SearchSummary
from facesearch.search.results import OutdatedError
from facesearch.search.selfies import job_prefix, selfie_keys
from facesearch.webhooks.commands import WatchCommand
from facesearch.webhooks.watches.runner import ENOUGH_SECONDS, PAGE
from facesearch.webhooks.watches.watch import DELAY_SECONDS, WINDOW_SECONDS, child_of
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.unit.webhooks.bench import CALLBACK, CrashError
from tests.unit.webhooks.watches.bench import DAY, WatchBench


@pytest.fixture
def site() -> WatchBench:
    return WatchBench()


def test_later_photos_are_a_search_of_their_own_that_is_told_once(site: WatchBench) -> None:
    watch = site.watch()
    site.round()
    assert site.ends.heard == []
    site.matcher.people["anna"] = {1, 2, 3}
    for _ in range(3):
        site.round()
    (end,) = site.ends.heard
    assert (end.type, end.summary, end.metadata, end.callback_url, end.parent_request_id) == (
        "face_search.updated", SearchSummary(3, 90), {"n": 7}, CALLBACK, watch.search.request_id
    )  # fmt: skip
    assert site.stored(end.search.request_id) == [1, 2, 3]
    assert site.stored(watch.search.request_id) == [1], "a result never changes"
    site.matcher.people["anna"] = {1, 2, 3, 4}
    site.round()
    assert [site.stored(child) for child in told(site)] == [[1, 2, 3], [1, 2, 3, 4]]


def test_fewer_photos_and_photos_of_others_are_nothing_to_tell(site: WatchBench) -> None:
    site.matcher.people["anna"] = {1, 2}
    site.watch()
    for people in ({"anna": {1}}, {"anna": {1, 2}, "ben": {3}}, {}):
        site.matcher.people = people
        site.round()
    assert (site.ends.heard, len(site.reader.results)) == ([], 1)


def test_the_probe_is_sealed_and_kept_for_the_days_that_were_agreed_to_and_no_longer_than_results(
    site: WatchBench,
) -> None:
    for number, (wanted, kept) in enumerate([(1, 1), (30, 30), (None, 0)]):
        watch = site.watch(number=number, days=wanted)
        assert watch.expires_at == pytest.approx(time.time() + kept * DAY, abs=5)
        assert watch.created_at == 1
    assert site.runner._new(EVENT, replace(site.search(), watch_days=30), [b"anna"]).probe != b"anna"


def test_a_watch_is_over_when_its_time_is_whether_or_not_the_table_has_forgotten_it(site: WatchBench) -> None:
    watch = site.watch()
    site.store.watches[watch.search] = replace(watch, expires_at=int(time.time()))
    assert site.store.get(watch.search) is None
    site.matcher.people["anna"] = {1, 2}
    site.round()
    assert (site.ends.heard, site.store.watches) == ([], {})


@pytest.mark.parametrize(
    "end",
    [
        lambda site: site.change(faces=FaceSet("another")),
        lambda site: setattr(site.probes, "lost", True),
        lambda site: site.change(retain_until="2020-01-01"),
        lambda site: site.reader.results.clear(),
    ],
    ids=["re-indexed by another model", "key deleted", "the event's last day is over", "its result is gone"],
)
def test_a_watch_that_can_tell_nothing_any_more_is_forgotten(site: WatchBench, end: Any) -> None:
    site.watch()
    end(site)
    site.matcher.people["anna"] = {1, 2}
    site.round()
    assert (site.ends.heard, site.store.watches) == ([], {})


def test_an_event_that_is_switched_off_tells_nothing_until_it_is_on_again(site: WatchBench) -> None:
    site.watch()
    site.matcher.people["anna"] = {1, 2}
    for off in ({"event_enabled": False}, {"selfie_search": False}):
        site.change(**off)
        site.round()
        assert (len(site.ends.heard), len(site.store.watches)) == (0, 1)
        site.change(event_enabled=True, selfie_search=True)
    site.round()
    assert len(site.ends.heard) == 1


def test_an_event_that_is_gone_or_another_organisations_is_left_alone(site: WatchBench) -> None:
    site.watch()
    site.matcher.people["anna"] = {1, 2}
    site.round(command=WatchCommand(ORG + 1, EVENT_ID))
    site.change(closing=True)
    site.round()
    site.reader.events.clear()
    site.round()
    assert site.ends.heard == []


# ------------------------------------------------------------------ crashes and company


def test_a_worker_that_dies_anywhere_in_a_round_tells_the_same_child_once() -> None:
    for steps in range(1, 20):
        site = WatchBench()
        watch = site.watch()
        site.matcher.people["anna"] = {1, 2}
        site.fuse.left = steps
        crashed = False
        try:
            site.round()
        except CrashError:
            crashed = True
        site.fuse.left = None
        site.round()
        (child,) = told(site)
        assert child == child_of(watch.search, site.matcher.match(EVENT, "anna")).request_id
        assert (site.stored(child), site.store.watches[watch.search].last) == ([1, 2], child)
        if not crashed:
            break
    assert steps == 9, "page, photos, enter, save, get, announce, note, recount"


def test_photos_that_came_while_the_search_ended_are_caught_up_with(site: WatchBench) -> None:
    catch_up = site.runner.watch(site.search(), lambda: [b"anna"])
    assert catch_up is not None
    catch_up()
    assert site.ends.heard == []
    site.matcher.people["anna"] = {1, 2}  # indexed before anybody could know of the watch
    catch_up()
    assert [site.stored(child) for child in told(site)] == [[1, 2]]


def test_of_two_rounds_at_once_the_older_one_does_not_take_the_newer_ones_note_back(site: WatchBench) -> None:
    watch = site.watch()
    newer, older = (child_of(watch.search, [PhotoMatch(uuid.UUID(int=n), 1, 1)]) for n in (2, 3))
    assert site.store.note(watch, newer)
    assert not site.store.note(watch, older)


def test_a_deletion_that_goes_by_leaves_no_result_behind(site: WatchBench) -> None:
    watch = site.watch()
    site.matcher.people["anna"] = {1, 2}
    site.change(erasures=1)
    stale = replace(EVENT, erasures=0)
    with pytest.raises(OutdatedError):
        site.runner._look_through(stale, [watch], last=True)
    assert (site.ends.heard, len(site.reader.results)) == ([], 1)
    site.round()
    assert len(told(site)) == 1


def test_a_search_that_is_deleted_while_its_photos_are_found_leaves_nothing(site: WatchBench) -> None:
    watch = site.watch()
    site.matcher.people["anna"] = {1, 2}
    enter = site.store.enter

    def deleted_meanwhile(watch: Any, child: Any) -> None:
        site.eraser.delete(watch.search)
        enter(watch, child)

    site.store.enter = deleted_meanwhile  # type: ignore[method-assign]
    site.runner._look(EVENT, watch, "anna")
    assert (site.ends.heard, site.reader.results, site.store.watches) == ([], {}, {})


def test_a_watch_whose_search_or_event_is_deleted_meanwhile_is_not_kept(site: WatchBench) -> None:
    job = site.search()
    site.jobs.delete(job.search)
    assert site.runner.watch(job, lambda: [b"anna"]) is None
    job = site.search(number=8)
    site.change(closing=True)
    assert site.runner.watch(job, lambda: [b"anna"]) is None
    assert site.store.watches == {}


def test_a_person_that_is_deleted_meanwhile_is_looked_at_again(site: WatchBench) -> None:
    job, asked = site.search(), list[int]()

    def selfie() -> list[bytes]:
        asked.append(1)
        if len(asked) == 1:
            site.change(erasures=1)
        return [b"anna"]

    assert site.runner.watch(job, selfie) is not None
    assert len(asked) == 2

    def erasing() -> list[bytes]:
        site.change(erasures=site.reader.events[EVENT_ID].erasures + 1)
        return [b"anna"]

    with pytest.raises(SearchInProgress):
        site.runner.watch(site.search(number=8), erasing)
    assert len(site.store.watches) == 1


def test_a_watch_that_is_kept_is_kept_once_and_its_selfie_not_asked_for_again(site: WatchBench) -> None:
    watch = site.watch()

    def gone() -> list[bytes]:
        raise AssertionError

    assert site.runner.watch(site.search(), gone) is not None
    assert site.store.watches == {watch.search: watch}


# ------------------------------------------------------------------ bounds


def test_an_event_has_only_so_many_watches_and_rounds_count_again() -> None:
    site = WatchBench(most=2)
    first, _ = site.watch(number=1), site.watch(number=2)
    assert site.runner.watch(site.search(number=3), lambda: [b"anna"]) is None
    del site.store.watches[first.search]  # the table has forgotten it by itself
    site.round()
    assert site.watch(number=3).search in site.store.watches


def test_a_round_that_is_too_long_goes_on_in_another_message(site: WatchBench) -> None:
    for number in range(PAGE * 2 + 3):
        site.watch("anna", number=number + 1)
    site.matcher.people["anna"] = {1, 2}
    times = iter([ENOUGH_SECONDS - 1])
    site.runner.run(WatchCommand(ORG, EVENT_ID), lambda: next(times))
    ((command, delay),) = site.commands.sent
    assert (len(told(site)), command.counted, delay) == (PAGE, PAGE, 0)
    site.round(command=command)
    assert (len(told(site)), len(site.commands.sent)) == (PAGE * 2 + 3, 1)
    assert site.store.counts[EVENT_ID] == PAGE * 2 + 3
    assert site.matcher.refreshed == 3, "one refresh of the index for a page"


def test_a_round_ends_after_as_many_messages_as_pages_however_slow_its_workers_are(site: WatchBench) -> None:
    for number in range(PAGE * 2 + 3):
        site.watch("anna", number=number + 1)
    command: WatchCommand | None = WatchCommand(ORG, EVENT_ID)
    messages = 0
    while command is not None and messages < 10:
        site.commands.sent.clear()
        site.round(command=command, left=0)
        messages += 1
        command = site.commands.sent[0][0] if site.commands.sent else None
    assert messages == 3
    assert site.store.counts[EVENT_ID] == PAGE * 2 + 3


def test_one_that_cannot_be_looked_through_has_the_round_again_and_at_last_stops_nobody(site: WatchBench) -> None:
    site.watch("anna", 1)
    site.watch("ben", 2)
    site.matcher.people = {"ben": {5}}
    match = site.matcher.match

    def failing(event: Any, probe: str) -> list[PhotoMatch]:
        if probe == "anna":
            raise OSError("disk")
        return match(event, probe)

    site.matcher.match = failing  # type: ignore[method-assign]
    with pytest.raises(OSError, match="disk"):
        site.round()
    assert site.ends.heard == []
    site.round(last=True)
    assert [site.stored(child) for child in told(site)] == [[5]]


def test_an_event_that_nobody_watches_costs_no_message_and_a_batch_of_uploads_costs_one(site: WatchBench) -> None:
    site.requests.request(ORG, EVENT_ID)
    assert site.commands.sent == []
    site.watch()
    for _ in range(5):
        site.requests.request(ORG, EVENT_ID)
        site.clock += WINDOW_SECONDS / 4.5
    assert site.commands.sent == [(WatchCommand(ORG, EVENT_ID), DELAY_SECONDS)]
    site.clock += WINDOW_SECONDS
    site.requests.request(ORG, EVENT_ID)
    assert len(site.commands.sent) == 2
    assert WINDOW_SECONDS < DELAY_SECONDS, "who is refused knows that the round has not begun"


# ------------------------------------------------------------------ deletion


def test_a_deleted_search_leaves_nothing_and_others_stay(site: WatchBench) -> None:
    watch, other = site.watch(), site.watch("ben", 8)
    site.matcher.people["anna"] = {1, 2}
    site.round()
    (child,) = told(site)
    for key in (*selfie_keys(watch.search), f"{job_prefix(watch.search)}1", *selfie_keys(other.search)):
        site.selfies.files[key] = b"x"
    site.claims.done[watch.search] = SearchSummary(1, 90)
    site.eraser.delete(watch.search)
    assert (site.stored(watch.search.request_id), site.stored(child)) == (None, None)
    assert list(site.reader.results) == list(site.reader.jobs) == list(site.store.watches) == [other.search]
    assert (list(site.selfies.files), site.claims.done, site.store.told) == ([*selfie_keys(other.search)], {}, {})
    with pytest.raises(NotFound):
        site.eraser.delete(watch.search)


def test_a_search_of_any_kind_can_be_deleted_and_an_unknown_one_cannot(site: WatchBench) -> None:
    posted = SearchKey(ORG, EVENT_ID, uuid.uuid4())
    site.reader.save(posted, SearchSummary(0, 90), [])
    queued = site.search(number=9)
    site.reader.results.clear()
    for search in (posted, queued.search):
        site.eraser.delete(search)
        with pytest.raises(NotFound):
            site.eraser.delete(search)


def told(site: WatchBench) -> list[uuid.UUID]:
    """Each child once, as callbacks are, in their order."""
    return list(dict.fromkeys(end.search.request_id for end in site.ends.heard))
