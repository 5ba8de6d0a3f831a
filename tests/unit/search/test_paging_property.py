"""However many photos match, and however a caller turns the pages: every match once, in one order, flags that agree."""

import uuid
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from facesearch.adapters.dynamodb.reading import pack_chunk, unpack_chunk
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.stores import MemoryReader
from facesearch.api.pages import paginate
from facesearch.models import Page, PhotoMatch, SearchKey, SearchSummary
from facesearch.reading import Wanted
from tests.support.examples import examples
from tests.support.fakes import EVENT_ID, ORG, photos
from tests.support.pools import LEAVES
from tests.unit.api.test_handlers import Deployment, deployment

__all__ = ["deployment"]

MOST = 5_000
Totals = st.integers(0, MOST) | st.sampled_from([0, 1, 99, 100, 101, 199, 200, 201, MOST - 1, MOST])
Sizes = st.integers(1, 100) | st.sampled_from([1, 32, 99, 100])
# As small a page as leaves at most a hundred of them to walk.
Walks = Totals.flatmap(lambda total: st.tuples(st.just(total), st.integers(max(1, total // 100), 100)))
Calls = st.lists(st.tuples(st.integers(1, 60) | st.integers(1, 2**31 - 1), Sizes), max_size=12)
PageOf = Callable[[Page], tuple[int, list[PhotoMatch]]]


def check_walk(page_of: PageOf, total: int, size: int) -> None:
    """From the first page on while there is a next one: everything, once, in order."""
    walked: list[PhotoMatch] = []
    number, more = 1, True
    while more:
        known, some = page_of(Page(number, size))
        info = paginate(Page(number, size), known)
        assert len(some) == (size if info.has_next_page else total - len(walked))
        walked += some
        number, more = number + 1, info.has_next_page
        assert number <= total + 2, "this has no end"
    assert walked == photos(total)
    assert info.total_pages == (number - 1 if total else 0)


def check_calls(page_of: PageOf, total: int, calls: list[tuple[int, int]]) -> None:
    """Any pages of any sizes: each a slice of the one order, with flags that say where it lies."""
    for number, size in calls:
        page = Page(number, size)
        known, some = page_of(page)
        assert some == photos(total)[page.start : page.stop]
        info = paginate(page, known)
        assert (info.total, info.page_size, info.current_page) == (total, size, number if total else 0)
        assert info.has_next_page == (total > page.stop)
        assert info.has_previous_page == (total > 0 and page.start > 0)
        assert (info.total_pages - 1) * size < total <= info.total_pages * size or total == info.total_pages == 0


@settings(max_examples=examples(60))
@given(Walks, Calls)
@example((1_000, 1), [(3, 32)])
@example((0, 32), [(3, 32)])
@example((64, 32), [(2, 32)])
def test_pages_of_the_store_in_memory(walk: tuple[int, int], calls: list[tuple[int, int]]) -> None:
    (total, size), memory, search = walk, MemoryReader(), SearchKey(ORG, EVENT_ID, uuid.uuid4())
    assert memory.save(search, SearchSummary(total, 90), photos(total))

    def page_of(page: Page) -> tuple[int, list[PhotoMatch]]:
        stored = memory.read(Wanted(search=search, page=page)).result
        assert stored is not None
        return stored.summary.total, stored.photos

    check_walk(page_of, total, size)
    check_calls(page_of, total, calls)


def test_pages_of_the_real_handler_over_a_real_table(deployment: Deployment) -> None:
    store = DynamoResultStore(Table(deployment.dynamodb, "table"), 30, pool=LEAVES)

    @settings(max_examples=examples(25))
    @given(Totals, Calls)
    @example(100, [(1, 100), (2, 100)])
    @example(201, [(2, 99), (3, 100), (3, 1)])
    @example(MOST, [(50, 100), (51, 100)])
    def check(total: int, calls: list[tuple[int, int]]) -> None:
        search = SearchKey(deployment.org_id, deployment.event_id, uuid.uuid4())
        assert store.save(search, SearchSummary(total, 90), photos(total))

        def page_of(page: Page) -> tuple[int, list[PhotoMatch]]:
            query = {"page": str(page.number), "page_size": str(page.size)}
            data = deployment.get(str(search.request_id), query=query)["json"]["data"]
            assert data["pagination"] == paginate(page, data["pagination"]["total"]).model_dump(by_alias=True)
            shown = [(uuid.UUID(image["image_id"]), image["width"], image["height"]) for image in data["images"]]
            return data["pagination"]["total"], [PhotoMatch(*each) for each in shown]

        check_calls(page_of, total, calls)
        check_walk(page_of, total, size=min(100, max(30, total // 20)))

    check()


def test_a_chunk_is_24_bytes_a_photo() -> None:
    assert len(pack_chunk(photos(100))) == 2400
    assert unpack_chunk(pack_chunk(photos(100))) == photos(100)
