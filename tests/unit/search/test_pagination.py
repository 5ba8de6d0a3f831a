from hypothesis import strategies as st

from facesearch.adapters.dynamodb.reading import pack_chunk, unpack_chunk
from facesearch.api.presenters import paginate
from facesearch.models import Page
from tests.support.fakes import photos

totals = st.integers(0, 5000)
sizes = st.integers(1, 100)


def test_nothing_found_is_page_zero_of_zero() -> None:
    assert paginate(Page(3, 32), 0).model_dump(by_alias=True) == {
        "total": 0, "currentPage": 0, "totalPages": 0, "hasNextPage": False, "hasPreviousPage": False, "page_size": 32,
    }  # fmt: skip


def test_an_exact_boundary_has_no_empty_last_page() -> None:
    info = paginate(Page(2, 32), 64)
    assert (info.total_pages, info.has_next_page) == (2, False)


def test_a_chunk_is_24_bytes_a_photo() -> None:
    assert len(pack_chunk(photos(100))) == 2400
    assert unpack_chunk(pack_chunk(photos(100))) == photos(100)
