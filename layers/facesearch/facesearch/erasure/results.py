"""Stored searches, with all that belongs to them."""

from collections.abc import Sequence

from facesearch.erasure.parts import Stores
from facesearch.erasure.receipts import Counts
from facesearch.models import SearchKey
from facesearch.selfies import selfie_key


def delete_searches(stores: Stores, searches: Sequence[SearchKey], deleted: Counts) -> None:
    """Delete results, idempotency records and kept selfies, and count them. Afterwards each request_id is free again.

    The result goes first and what it names last, by which a second run finds the rest.
    """
    deleted.selfies += len(stores.selfies.existing([selfie_key(search) for search in searches]))

    def withdraw(search: SearchKey) -> None:
        stores.results.withdraw(search)
        stores.claims.forget(search)

    for _ in stores.pool.map(withdraw, searches):
        deleted.results += 1
    stores.selfies.delete(selfie_key(search) for search in searches)
    for _ in stores.pool.map(stores.results.delete, searches):
        pass
