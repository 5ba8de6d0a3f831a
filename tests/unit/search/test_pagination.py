from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.chunks import CHUNK_SIZE, pack_chunk, unpack_chunk
from facesearch.adapters.dynamodb.reading import chunks_of, photos_of
from facesearch.api.presenters import paginate
from facesearch.models import Page
from tests.support.fakes import photos

totals = st.integers(0, 5000)
sizes = st.integers(1, 100)


@given(totals, sizes)
def test_pages_cover_every_result_once_and_in_order(total: int, size: int) -> None:
    everything = photos(total)
    pages = paginate(Page(1, size), total).total_pages
    walked = [photo for number in range(1, pages + 1) for photo in everything[Page(number, size).start :][:size]]
    assert walked == everything


@given(totals, sizes, st.integers(1, 6000))
def test_the_flags_tell_what_lies_before_and_behind(total: int, size: int, number: int) -> None:
    info = paginate(Page(number, size), total)
    assert info.page_size == size
    assert info.total == total
    assert info.has_next_page == (number * size < total)
    assert info.has_previous_page == (total > 0 and number > 1)
    assert info.current_page == (number if total else 0)


def test_nothing_found_is_page_zero_of_zero() -> None:
    assert paginate(Page(3, 32), 0).model_dump(by_alias=True) == {
        "total": 0, "currentPage": 0, "totalPages": 0, "hasNextPage": False, "hasPreviousPage": False, "page_size": 32,
    }  # fmt: skip


def test_an_exact_boundary_has_no_empty_last_page() -> None:
    info = paginate(Page(2, 32), 64)
    assert (info.total_pages, info.has_next_page) == (2, False)


@given(totals, sizes, st.integers(1, 200))
def test_a_page_cut_from_its_chunks_is_the_page_cut_from_the_whole(total: int, size: int, number: int) -> None:
    everything = photos(total)
    page = Page(number, size)
    stored: dict[int, schema.Item] = {
        start // CHUNK_SIZE: {"photos": {"B": pack_chunk(everything[start : start + CHUNK_SIZE])}}
        for start in range(0, total, CHUNK_SIZE)
    }
    touched = chunks_of(page)
    assert len(touched) <= 2
    assert photos_of(page, [stored.get(chunk) for chunk in touched]) == everything[page.start : page.stop]


def test_a_chunk_is_24_bytes_a_photo() -> None:
    assert len(pack_chunk(photos(100))) == 2400
    assert unpack_chunk(pack_chunk(photos(100))) == photos(100)
