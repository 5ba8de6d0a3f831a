"""Publishable tokens: one contract for both stores, read back as a request reads them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.tokens import DynamoTokenStore
from facesearch.adapters.memory.stores import MemoryReader, MemoryTokenStore
from facesearch.models import ApiKey, QuotaLimits, Scope, TokenRights
from facesearch.reading import Reader, Wanted
from facesearch.tokens import TokenStore
from tests.support.fakes import KEY

VISITORS = TokenRights(456, QuotaLimits(6, 3), 1_800_000_000_000_000, origins=("https://a.example", "http://b:8080"))
LINKS = replace(VISITORS, link_id="a1b2c3d4e5", quota=QuotaLimits(120, 60), originals=False, watch=True, origins=())
DIGEST = "d" * 64


@pytest.fixture(params=["dynamodb", "memory"])
def kept(request: pytest.FixtureRequest) -> tuple[TokenStore, Reader]:
    if request.param == "memory":
        reader = MemoryReader()
        return MemoryTokenStore(reader.keys), reader
    table: Table = request.getfixturevalue("table")
    return DynamoTokenStore(table), DynamoReader(table)


@pytest.mark.parametrize("rights", [VISITORS, LINKS], ids=["visitor's", "link's"])
@pytest.mark.parametrize("expires_at", [1_800_000_000, None])
def test_a_token_is_read_as_it_was_put_and_a_later_one_takes_its_place(
    kept: tuple[TokenStore, Reader], rights: TokenRights, expires_at: int | None
) -> None:
    store, reader = kept
    read: Callable[[], ApiKey | None] = lambda: reader.read(Wanted(digest=DIGEST)).key  # noqa: E731
    token = replace(KEY, scopes=frozenset({Scope.READ}), expires_at=expires_at, token=rights)
    store.put(DIGEST, token)
    assert read() == token
    store.put(DIGEST, replace(token, active=False))
    assert read() == replace(token, active=False)


def test_an_api_key_is_no_token(table: Table) -> None:
    with pytest.raises(ValueError, match="no token"):
        DynamoTokenStore(table).put(DIGEST, KEY)
    assert table.get(schema.api_key_key(DIGEST)) is None
