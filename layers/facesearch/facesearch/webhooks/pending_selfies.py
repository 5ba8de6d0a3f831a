"""The selfies of a webhook's search: they came along and wait in the selfies bucket, or are fetched from their URLs."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from facesearch.errors import Busy, SelfieUnavailable, StoreUnavailable
from facesearch.faces.several import naming
from facesearch.models import Job, SearchKey
from facesearch.observability import log_unexpected
from facesearch.webhooks.outbound import FetchFailedError, Outbound, RefusedUrlError


class PendingSelfieStore(Protocol):
    """Where they wait."""

    def keep(self, search: SearchKey, selfie: bytes) -> str:
        """Keep one, beside whatever there is of the same search; what it is fetched by."""

    def fetch(self, key: str) -> bytes:
        """One that was kept; SelfieUnavailable if it is gone."""

    def delete(self, key: str) -> None:
        """Delete one; it may be gone already."""


@dataclass(frozen=True, kw_only=True)
class PendingSelfies:
    """The selfies of jobs, wherever they are. The pool gets several side by side: each may take as long as alone."""

    store: PendingSelfieStore
    outbound: Outbound
    pool: Executor

    def of(self, job: Job) -> list[bytes]:
        """The selfies, in their order. Of one of several, errors say which.

        Raises:
            SelfieUnavailable: it is gone, its URL is refused, or there is nothing.
            Busy: its host has no response for now; `retry_after` is 0 if it did not say when it will.
        """
        places = job.selfies or job.urls
        get = self.store.fetch if job.selfies else self._fetch
        if not places:
            raise SelfieUnavailable("The search has no selfie.")

        def numbered(number: int) -> bytes:
            with naming(number, len(places)):
                return get(places[number - 1])

        return list(self.pool.map(numbered, range(1, len(places) + 1)))

    def _fetch(self, url: str) -> bytes:
        try:
            return self.outbound.fetch(url)
        except RefusedUrlError as error:
            raise SelfieUnavailable(f"selfie_url was refused: {error.reason}") from None
        except FetchFailedError as error:
            reason = f"selfie_url could not be fetched: {error.reason}"
            if error.retryable:
                raise Busy(reason, error.retry_after or 0) from None
            raise SelfieUnavailable(reason) from None

    def delete(self, job: Job) -> None:
        """Delete what came along. The bucket's lifecycle rule deletes what cannot be deleted now."""
        for key in job.selfies:
            try:
                self.store.delete(key)
            except StoreUnavailable as error:
                log_unexpected(error)
