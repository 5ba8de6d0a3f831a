import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.errors import NoFaceFound, SearchInProgress, UnusableImage
from facesearch.models import SearchKey
from facesearch.multipart import SelfieForm
from facesearch.pagination import Page
from facesearch.search import FaceSearch, Outcome, Patience
from facesearch.store.memory import MemoryReader
from tests.unit.fakes import EVENT, EVENT_ID, ORG, FakeMatcher, MemoryClaims, MemorySelfies, photos

SEARCH = SearchKey(ORG, EVENT_ID, uuid.UUID(int=7))
FIRST = Page(1, 32)


class Bench:
    """A search use case with everything around it in memory."""

    def __init__(self, pool: ThreadPoolExecutor, wait: float = 5) -> None:
        self.matcher = FakeMatcher()
        self.claims = MemoryClaims()
        self.store = MemoryReader()
        self.selfies = MemorySelfies()
        self.face_search = FaceSearch(
            matcher=self.matcher,
            claims=self.claims,
            results=self.store,
            selfies=self.selfies,
            reader=self.store,
            pool=pool,
            patience=Patience(wait),
        )

    def post(self, selfie: bytes = b"guest", page: Page = FIRST) -> Outcome:
        return self.face_search.search(EVENT, SEARCH, SelfieForm(selfie), page, LambdaContext())


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def bench(pool: ThreadPoolExecutor) -> Bench:
    return Bench(pool)


def test_a_search_is_matched_stored_and_answered(bench: Bench) -> None:
    outcome = bench.post(page=Page(2, 5))
    assert outcome.replayed is False
    assert outcome.stored.photos == photos(12)[5:10]
    assert outcome.stored.summary.total == 12
    assert bench.selfies.kept == {SEARCH: b"guest"}
    assert bench.store.results[SEARCH] == (outcome.stored.summary, photos(12))


def test_the_same_request_id_again_is_replayed_without_a_match(bench: Bench) -> None:
    first = bench.post()
    again = bench.post(selfie=b"somebody else")
    assert (again.stored, again.replayed) == (first.stored, True)
    assert bench.matcher.matched == 1
    assert bench.selfies.kept == {SEARCH: b"guest"}


def test_many_at_once_are_matched_once_and_all_answered_alike(bench: Bench) -> None:
    gate = threading.Barrier(8)

    def post() -> Outcome:
        gate.wait()
        return bench.post()

    with ThreadPoolExecutor(8) as callers:
        outcomes = [future.result() for future in [callers.submit(post) for _ in range(8)]]
    assert bench.matcher.matched == 1
    assert all(outcome.stored == outcomes[0].stored for outcome in outcomes)
    assert [outcome.replayed for outcome in outcomes].count(False) == 1


def test_a_duplicate_that_waited_long_enough_is_told_when_to_come_back(pool: ThreadPoolExecutor) -> None:
    bench = Bench(pool, wait=0.2)
    bench.claims.running.add(SEARCH)
    with pytest.raises(SearchInProgress) as refused:
        bench.post()
    assert refused.value.status == 429
    assert int(refused.value.headers["Retry-After"]) > 0


def test_a_duplicate_takes_over_when_the_first_one_failed(bench: Bench) -> None:
    bench.claims.running.add(SEARCH)
    threading.Timer(0.3, bench.claims.running.discard, [SEARCH]).start()
    assert bench.post().replayed is False
    assert bench.matcher.matched == 1


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (SelfieForm(b""), UnusableImage),
        (SelfieForm(b"nobody"), NoFaceFound),
        (SelfieForm(problem=UnusableImage("broken")), UnusableImage),
    ],
)
def test_a_selfie_that_cannot_be_searched_leaves_nothing_behind(
    bench: Bench, form: SelfieForm, error: type[Exception]
) -> None:
    with pytest.raises(error):
        bench.face_search.search(EVENT, SEARCH, form, FIRST, LambdaContext())
    assert not bench.selfies.kept
    assert not bench.store.results
    assert bench.post().replayed is False, "a retry with a good selfie runs"


def test_a_match_that_breaks_is_run_again_by_the_retry(bench: Bench) -> None:
    def broken() -> None:
        raise ConnectionError

    bench.matcher.during_match = broken
    with pytest.raises(ConnectionError):
        bench.post()
    assert not bench.store.results
    bench.matcher.during_match = lambda: None
    assert bench.post().replayed is False


def test_a_result_that_another_run_has_finished_meanwhile_is_the_answer(bench: Bench) -> None:
    def overtaken() -> None:
        bench.store.save(SEARCH, summary, photos(3))

    summary = bench.post().stored.summary
    bench.store.results.clear()
    bench.claims.done.clear()
    bench.matcher.during_match = overtaken
    assert bench.post().stored.photos == photos(3)
