"""Stored searches, with all that belongs to them."""

from collections.abc import Sequence

from facesearch.erasure.parts import Stores
from facesearch.erasure.receipts import Counts
from facesearch.models import SearchKey
from facesearch.selfies import job_prefix, selfie_keys


def delete_searches(stores: Stores, searches: Sequence[SearchKey], deleted: Counts) -> None:
    """Delete results, idempotency records, kept selfies, watches, and what webhooks have sent for them, and count it
    all. Afterwards each request_id is free again.

    A watch goes before the search that it goes on with. The result goes first of the rest and what it names last, by
    which a second run finds what is left.
    """
    deleted.probes += sum(stores.pool.map(stores.watches.end, searches))
    keys = [key for search in searches for key in selfie_keys(search)]
    deleted.selfies += len(stores.selfies.existing(keys))

    def withdraw(search: SearchKey) -> None:
        stores.results.withdraw(search)
        stores.claims.forget(search)

    for _ in stores.pool.map(withdraw, searches):
        deleted.results += 1
    stores.selfies.delete(keys)
    had_jobs = list(stores.pool.map(stores.jobs.holds, searches))
    jobs = [search for search, had_job in zip(searches, had_jobs, strict=True) if had_job]
    for search in jobs:
        deleted.selfies += stores.selfies.delete(stores.selfies.under(job_prefix(search)))
    deleted.jobs += sum(stores.pool.map(stores.jobs.delete, jobs))
    for _ in stores.pool.map(stores.results.delete, searches):
        pass
