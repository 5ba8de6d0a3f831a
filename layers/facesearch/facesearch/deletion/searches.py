"""Stored searches, with all that belongs to them."""

from collections.abc import Sequence

from facesearch.deletion.receipts import Counts
from facesearch.deletion.stores import Stores
from facesearch.models import SearchKey
from facesearch.search.selfies import job_prefix, selfie_keys


def delete_searches(
    stores: Stores, searches: Sequence[SearchKey], deleted: Counts, *, found_by_selfie: bool = False
) -> None:
    """Delete results, idempotency records, kept selfies, watches, and what webhooks have sent for them, and count it
    all. Afterwards each request_id is free again.

    A watch goes before the search that it goes on with. The result goes first of the rest; last goes what a second run
    finds the search by: what its result names, or its selfies.
    """
    deleted.probes += sum(stores.pool.map(stores.watches.end, searches))
    deleted.results += sum(stores.pool.map(stores.results.holds, searches))

    def withdraw(search: SearchKey) -> None:
        stores.results.hide(search)
        stores.claims.delete(search)

    for _ in stores.pool.map(withdraw, searches):
        pass
    if not found_by_selfie:
        _delete_selfies(stores, searches, deleted)
    jobs = zip(searches, list(stores.pool.map(stores.jobs.holds, searches)), strict=True)
    deleted.jobs += sum(stores.pool.map(stores.jobs.delete, [search for search, is_there in jobs if is_there]))
    for _ in stores.pool.map(stores.results.delete, searches):
        pass
    if found_by_selfie:
        _delete_selfies(stores, searches, deleted)


def _delete_selfies(stores: Stores, searches: Sequence[SearchKey], deleted: Counts) -> None:
    kept = [key for search in searches for key in selfie_keys(search)]
    deleted.selfies += len(stores.selfies.existing(kept))
    stores.selfies.delete(kept)
    for search in searches:
        deleted.selfies += stores.selfies.delete(stores.selfies.under(job_prefix(search)))
