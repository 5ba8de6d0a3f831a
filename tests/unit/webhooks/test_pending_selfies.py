"""One contract for selfies that wait in S3 (moto) and in memory; and what a lost reply of S3 leaves."""

import uuid
from typing import Any

import pytest

from facesearch.adapters.s3.selfies import S3PendingSelfies
from facesearch.errors import SelfieUnavailable, StoreUnavailable
from facesearch.models import SearchKey
from facesearch.webhooks.pending_selfies import PendingSelfieStore
from tests.unit.webhooks.bench import MemoryPendingSelfies

SEARCH = SearchKey(903, 456, uuid.UUID(int=7))


@pytest.fixture(params=["s3", "memory"])
def store(request: pytest.FixtureRequest) -> PendingSelfieStore:
    if request.param == "memory":
        return MemoryPendingSelfies()
    s3 = request.getfixturevalue("s3")
    s3.create_bucket(Bucket="selfies")
    return S3PendingSelfies(s3, "selfies")


def test_each_selfie_has_a_key_of_its_own_until_it_is_deleted(store: PendingSelfieStore) -> None:
    one, other = store.keep(SEARCH, b"one"), store.keep(SEARCH, b"other")
    assert (store.fetch(one), store.fetch(other)) == (b"one", b"other")
    store.delete(one)
    store.delete(one)
    with pytest.raises(SelfieUnavailable):
        store.fetch(one)
    assert store.fetch(other) == b"other"


def test_a_selfie_that_was_written_although_its_reply_is_lost_is_deleted(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.create_bucket(Bucket="selfies")
    put = s3.put_object

    def lost(**arguments: Any) -> None:
        put(**arguments)
        raise StoreUnavailable("PutObject", "ReadTimeoutError")

    monkeypatch.setattr(s3, "put_object", lost)
    with pytest.raises(StoreUnavailable):
        S3PendingSelfies(s3, "selfies").keep(SEARCH, b"one")
    assert s3.list_objects_v2(Bucket="selfies")["KeyCount"] == 0
