import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from facesearch.adapters.memory.stores import MemoryReader, MemoryTokenBuckets
from facesearch.api.selfie_form import SelfieForm
from facesearch.errors import (
    FaceSearchError,
    FaceSetMissing,
    Forbidden,
    NoFaceFound,
    NotFound,
    QuotaExceeded,
    SearchInProgress,
    UnusableImage,
)
from facesearch.models import Page, QuotaLimits, QuotaState, RenditionUrls, SearchKey, SearchSummary
from facesearch.search.face_search import FaceSearch, Invocation, SearchOutcome
from facesearch.search.quota import REFUSED_AT_ONCE, Account, Meter, of_refused, of_token
from facesearch.search.selfies import UploadKey
from tests.support.fakes import (
    EVENT,
    EVENT_ID,
    ORG,
    EagerMatcher,
    FakeMatcher,
    MemoryClaims,
    MemorySelfies,
    MemoryUploads,
    PaidProbeMatcher,
    photos,
)

SEARCH = SearchKey(ORG, EVENT_ID, uuid.UUID(int=7))
FIRST = Page(1, 32)


class SearchBench:
    """A search use case with everything around it in memory."""

    def __init__(self, pool: ThreadPoolExecutor, wait: float = 5, matcher: FakeMatcher | None = None) -> None:
        self.matcher = matcher or FakeMatcher()
        self.claims = MemoryClaims()
        self.store = MemoryReader()
        self.store.events[EVENT_ID] = EVENT
        self.selfies = MemorySelfies()
        self.uploads = MemoryUploads()
        self.limits = QuotaLimits(per_minute=1, burst=5)
        self.face_search = FaceSearch(
            matcher_of=lambda _: self.matcher,
            idempotency=self.claims,
            results=self.store,
            selfies=self.selfies,
            uploads=self.uploads,
            reader=self.store,
            pool=pool,
            wait_seconds=wait,
        )

    def post(self, selfie: bytes = b"guest", page: Page = FIRST) -> SearchOutcome:
        return self.ask(SelfieForm((selfie,)), page)

    def ask(self, form: SelfieForm, page: Page = FIRST, seen: QuotaState | None = None) -> SearchOutcome:
        state = seen or self.store.quotas.get(str(ORG), QuotaState())
        meter = Meter(Account(MemoryTokenBuckets(self.store.quotas), str(ORG), self.limits, state))
        return self.face_search.search(EVENT, SEARCH, form.selfies(EVENT), page, Invocation(lambda: 28.0, meter))


@pytest.fixture
def bench(pool: ThreadPoolExecutor) -> SearchBench:
    return SearchBench(pool)


def test_a_search_is_matched_and_stored_and_then_replayed_without_a_match(bench: SearchBench) -> None:
    bench.matcher.confidence = 87
    bench.matcher.renditions = RenditionUrls("https://a.example/large/{image_id}.jpg", "https://a.example/{image_id}")
    outcome = bench.post(page=Page(2, 5))
    assert (outcome.replayed, outcome.stored.photos) == (False, photos(12)[5:10])
    assert outcome.stored.summary == SearchSummary(12, 87, bench.matcher.renditions)
    again = bench.post(b"somebody else", Page(2, 5))
    assert (again.stored, again.replayed) == (outcome.stored, True)
    assert bench.matcher.matched == 1
    assert bench.selfies.kept == {SEARCH: (b"guest",)}
    assert bench.store.results[SEARCH] == (outcome.stored.summary, photos(12))


def test_many_at_once_are_matched_once_and_all_answered_alike(bench: SearchBench) -> None:
    gate = threading.Barrier(8)

    def post() -> SearchOutcome:
        gate.wait()
        return bench.post()

    with ThreadPoolExecutor(8) as callers:
        outcomes = [future.result() for future in [callers.submit(post) for _ in range(8)]]
    assert bench.matcher.matched == 1
    assert all(outcome.stored == outcomes[0].stored for outcome in outcomes)
    assert [outcome.replayed for outcome in outcomes].count(False) == 1


def test_a_duplicate_asks_less_and_less_often_and_then_is_told_when_to_come_back(pool: ThreadPoolExecutor) -> None:
    bench, slept = SearchBench(pool), list[float]()
    bench.face_search = replace(bench.face_search, wait_seconds=10, clock=lambda: sum(slept), sleep=slept.append)
    bench.claims.running.add(SEARCH)
    with pytest.raises(SearchInProgress) as refused:
        bench.post()
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "5"})
    assert sum(slept) == pytest.approx(10)
    first, second, third, fourth = slept[:4]
    assert 0.025 <= first <= 0.05 <= second <= 0.1 <= third <= 0.2 <= fourth <= 0.4
    assert max(slept) <= 0.5
    # At the end of each second it tries to take over, and begins anew.
    assert bench.store.reads == len(slept) <= 10 * 6


def test_a_duplicate_takes_over_when_the_first_one_failed(bench: SearchBench) -> None:
    bench.claims.running.add(SEARCH)
    threading.Timer(0.3, bench.claims.running.discard, [SEARCH]).start()
    assert bench.post().replayed is False
    assert bench.matcher.matched == 1


def test_a_result_that_another_run_has_finished_meanwhile_is_the_answer(bench: SearchBench) -> None:
    def overtaken() -> None:
        bench.store.save(SEARCH, summary, photos(3))

    summary = bench.post().stored.summary
    bench.store.results.clear()
    bench.claims.done.clear()
    bench.matcher.during_match = overtaken
    assert bench.post().stored.photos == photos(3)


def left(bench: SearchBench) -> int:
    """Searches that the organisation may still run."""
    state = bench.store.quotas.get(str(ORG), QuotaState())
    return int(Meter(Account(MemoryTokenBuckets({}), str(ORG), bench.limits, state)).headers["RateLimit-Remaining"])


def test_a_search_pays_once_and_its_replays_and_duplicates_nothing(bench: SearchBench) -> None:
    started, release = threading.Event(), threading.Event()

    def hold() -> None:
        started.set()
        release.wait(10)

    bench.matcher.during_match = hold
    with ThreadPoolExecutor(8) as callers:
        first = callers.submit(bench.post)
        started.wait(10)
        others = [callers.submit(bench.post) for _ in range(7)]
        release.set()
        assert {first.result().replayed, *(other.result().replayed for other in others)} == {True, False}
    bench.post()
    assert bench.matcher.matched == 1
    assert left(bench) == 4


@pytest.mark.parametrize("matcher", [FakeMatcher, PaidProbeMatcher])
def test_a_selfie_that_is_made_to_be_work_costs_a_search_each_time(
    pool: ThreadPoolExecutor, matcher: type[FakeMatcher]
) -> None:
    bench = SearchBench(pool, matcher=matcher())
    for sent in range(1, 6):
        with pytest.raises(UnusableImage):
            bench.post(b"bomb")
        assert left(bench) == 5 - sent
    with pytest.raises(QuotaExceeded):
        bench.post(b"bomb")
    assert (bench.matcher.probed, bench.selfies.kept, bench.store.results) == (5, {}, {})


def test_a_selfie_that_is_made_to_be_work_is_refused_as_such_when_others_took_the_last_search(
    bench: SearchBench,
) -> None:
    bench.store.quotas[str(ORG)] = QuotaState(full_at=time.time_ns() // 1000 + 5 * bench.limits.interval)
    with pytest.raises(UnusableImage):
        bench.ask(SelfieForm((b"guest", b"bomb")), seen=QuotaState(full_at=1))


@pytest.mark.parametrize("matcher", [FakeMatcher, PaidProbeMatcher])
@pytest.mark.parametrize("selfies", [(b"nobody",), (b"guest", b"stranger")])
def test_refused_selfies_are_free_for_a_key_until_they_come_in_numbers(
    pool: ThreadPoolExecutor, matcher: type[FakeMatcher], selfies: tuple[bytes, ...]
) -> None:
    bench = SearchBench(pool, matcher=matcher())
    bench.limits = QuotaLimits(per_minute=1, burst=5)
    for sent in range(1, REFUSED_AT_ONCE + 3):
        with pytest.raises(FaceSearchError) as refused:
            bench.ask(SelfieForm(selfies))
        assert refused.value.status == 400
        assert left(bench) == 5 - max(0, sent - REFUSED_AT_ONCE)
    # A good one is searched all the same, and costs what it always does.
    bench.post()
    assert left(bench) == 2


def test_a_refused_selfie_is_refused_as_such_by_an_organisation_that_has_nothing_left(bench: SearchBench) -> None:
    used_up = QuotaState(full_at=time.time_ns() // 1000 + 10**9)
    bench.store.quotas |= {str(ORG): used_up, of_refused(str(ORG)): used_up}
    with pytest.raises(NoFaceFound):
        bench.ask(SelfieForm((b"nobody",)), seen=QuotaState(full_at=1))


@pytest.mark.parametrize("error", [OSError(), FaceSetMissing("rekognition")])
def test_a_failed_search_costs_nothing(bench: SearchBench, error: Exception) -> None:
    def fail() -> None:
        raise error

    bench.matcher.during_match = fail
    with pytest.raises(type(error)):
        bench.post()
    assert (left(bench), bench.store.results, bench.selfies.kept) == (5, {}, {})
    bench.matcher.during_match = lambda: None
    assert bench.post().replayed is False


def test_what_is_kept_is_kept_while_the_selfie_is_embedded(pool: ThreadPoolExecutor) -> None:
    """Embedding ends here only once the selfie is kept, the search listed and the quota taken."""
    matcher, done = EagerMatcher(), threading.Barrier(4)
    bench = SearchBench(pool, matcher=matcher)

    def and_then(step: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any) -> Any:
            result = step(*args)
            done.wait(30)
            return result

        return stepped

    matcher.during_embedding = lambda: done.wait(30)
    bench.selfies.keep = and_then(bench.selfies.keep)  # type: ignore[method-assign]
    bench.store.enter = and_then(bench.store.enter)  # type: ignore[method-assign]

    class Buckets(MemoryTokenBuckets):
        take = and_then(MemoryTokenBuckets.take)

    meter = Meter(Account(Buckets(bench.store.quotas), str(ORG), bench.limits, QuotaState()))
    outcome = bench.face_search.search(EVENT, SEARCH, [b"guest"], FIRST, Invocation(lambda: 28.0, meter))
    assert (outcome.replayed, bench.selfies.kept, left(bench)) == (False, {SEARCH: (b"guest",)}, 4)


@pytest.mark.parametrize("matcher", [FakeMatcher, EagerMatcher])
def test_who_took_the_last_search_meanwhile_leaves_nothing_of_this_one(
    pool: ThreadPoolExecutor, matcher: type[FakeMatcher]
) -> None:
    bench = SearchBench(pool, matcher=matcher())
    full = QuotaState(full_at=time.time_ns() // 1000 + 5 * bench.limits.interval)
    bench.store.quotas[str(ORG)] = full
    with pytest.raises(QuotaExceeded):
        bench.ask(SelfieForm((b"guest",)), seen=QuotaState(full_at=1))
    assert (bench.selfies.kept, bench.store.results, bench.store.listed, bench.claims.done) == ({}, {}, {}, {})
    assert bench.store.quotas[str(ORG)] == full
    bench.store.quotas.clear()
    assert not bench.post().replayed


def test_a_search_that_fails_once_its_selfie_is_accepted_leaves_nothing(pool: ThreadPoolExecutor) -> None:
    matcher = EagerMatcher()
    bench = SearchBench(pool, matcher=matcher)

    def fail() -> None:
        raise MemoryError

    matcher.during_embedding = fail
    with pytest.raises(MemoryError):
        bench.post()
    assert (left(bench), bench.store.results, bench.store.listed, bench.selfies.kept) == (5, {}, {}, {})


def test_a_selfie_that_is_refused_begins_nothing(bench: SearchBench) -> None:
    begun: list[SearchKey] = []
    bench.store.enter = begun.append  # type: ignore[method-assign, assignment]
    with pytest.raises(NoFaceFound):
        bench.post(b"nobody")
    assert (left(bench), begun, bench.selfies.kept) == (5, [], {})


@pytest.mark.parametrize("seen", [None, QuotaState(full_at=1)], ids=["now", "before others took the last search"])
def test_without_quota_nothing_is_probed_or_stored_and_a_later_retry_is_searched(
    pool: ThreadPoolExecutor, seen: QuotaState | None
) -> None:
    bench = SearchBench(pool, matcher=PaidProbeMatcher())
    bench.store.quotas[str(ORG)] = QuotaState(full_at=time.time_ns() // 1000 + 5 * bench.limits.interval)
    with pytest.raises(QuotaExceeded) as refused:
        bench.ask(SelfieForm((b"guest",)), seen=seen)
    assert 1 <= refused.value.retry_after <= 60
    assert (bench.matcher.probed, bench.matcher.matched, bench.selfies.kept, bench.store.results) == (0, 0, {}, {})
    bench.store.quotas.clear()
    assert not bench.post().replayed


def test_a_paid_probe_costs_the_quota_once_and_a_refused_selfie_nothing(pool: ThreadPoolExecutor) -> None:
    bench = SearchBench(pool, matcher=PaidProbeMatcher())
    with pytest.raises(NoFaceFound):
        bench.post(b"nobody")
    assert left(bench) == 5
    bench.post()
    assert (left(bench), bench.matcher.probed) == (4, 2)


@pytest.mark.parametrize("matcher", [FakeMatcher, PaidProbeMatcher])
@pytest.mark.parametrize(
    ("selfies", "token", "organisation"),
    [
        ((b"guest",), 1, 1),
        ((b"nobody",), 1, 0),
        ((b"guest", b"stranger"), 1, 0),
        ((UploadKey(ORG, EVENT_ID, uuid.UUID(int=9)),), 1, 0),
        ((b"bomb",), 1, 1),
        ((b"fails",), 0, 0),
    ],
    ids=["found", "no face", "other person", "no upload", "costly", "failed"],
)
def test_a_token_pays_for_each_look_at_selfies_and_its_organisation_for_matches(
    pool: ThreadPoolExecutor, matcher: type[FakeMatcher], selfies: tuple[Any, ...], token: int, organisation: int
) -> None:
    def match() -> None:
        if selfies == (b"fails",):
            raise OSError

    bench = SearchBench(pool, matcher=matcher())
    bench.matcher.during_match = match
    buckets, full = MemoryTokenBuckets(bench.store.quotas), QuotaState()
    meter = Meter(*(Account(buckets, owner, bench.limits, full) for owner in (of_token("d" * 64), str(ORG))))
    with suppress(FaceSearchError, OSError):
        bench.face_search.search(EVENT, SEARCH, selfies, FIRST, Invocation(lambda: 28.0, meter))
    left = [int(part.headers["RateLimit-Remaining"]) for part in (meter.token, meter.organisation)]
    assert left == [5 - token, 5 - organisation]


def test_a_search_that_a_deletion_has_overtaken_is_done_again(bench: SearchBench) -> None:
    """Given a deletion while the first match runs, then what is stored and answered is from after it."""

    def delete() -> None:
        if bench.matcher.matched == 1:
            bench.store.events[EVENT_ID] = replace(EVENT, erasures=1)
            bench.matcher.found = photos(3)

    bench.matcher.during_match = delete
    outcome = bench.post()
    assert (outcome.replayed, outcome.stored.summary.total) == (False, 3)
    assert bench.store.results[SEARCH][1] == photos(3)
    assert bench.matcher.matched == 2
    assert bench.selfies.kept == {SEARCH: (b"guest",)}


def test_a_search_gives_up_when_something_is_deleted_all_the_time(bench: SearchBench) -> None:
    def delete() -> None:
        bench.store.events[EVENT_ID] = replace(EVENT, erasures=bench.matcher.matched)

    bench.matcher.during_match = delete
    with pytest.raises(SearchInProgress):
        bench.post()
    assert bench.store.results == {}
    assert bench.selfies.kept == {}


@pytest.mark.parametrize(
    ("event", "error"), [(None, NotFound), (replace(EVENT, erasures=1, event_enabled=False), Forbidden)]
)
def test_a_search_whose_event_was_deleted_meanwhile_leaves_nothing(
    bench: SearchBench, event: Any, error: type[Exception]
) -> None:
    def delete() -> None:
        bench.store.events = {} if event is None else {EVENT_ID: event}

    bench.matcher.during_match = delete
    with pytest.raises(error):
        bench.post()
    assert (bench.store.results, bench.selfies.kept, bench.claims.done) == ({}, {}, {})


def test_a_request_id_whose_result_was_deleted_is_searched_again(bench: SearchBench) -> None:
    """Also while the deletion has come as far as the result, and not to the record that it is done."""
    bench.post()
    bench.store.hide(SEARCH)
    bench.matcher.found = photos(2)
    outcome = bench.post()
    assert (outcome.replayed, outcome.stored.summary.total) == (False, 2)
    assert bench.post().replayed is True
