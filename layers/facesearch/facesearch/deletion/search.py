"""One search is deleted, with all that belongs to it, as whoever has asked for it may want."""

from dataclasses import dataclass
from typing import Protocol

from facesearch.errors import NotFound
from facesearch.models import SearchKey
from facesearch.photos.objects import Objects
from facesearch.search.results import ResultStore
from facesearch.search.selfies import job_prefix, selfie_keys
from facesearch.webhooks.jobs import JobEraser
from facesearch.webhooks.watches.watch import WatchEraser


class Records(Protocol):
    """The part of `idempotency.OnceOnly` that this needs."""

    def holds(self, search: SearchKey) -> bool:
        """Whether the search is done, or running, or was killed."""

    def delete(self, search: SearchKey) -> None:
        """Forget that a search is done, so that it can be done again."""


@dataclass(frozen=True)
class SearchDeletion:
    """The use case: the watch ends first, then the job, so that nothing new comes of either; then what was found.

    A search that runs at this moment can keep no result any more and takes back what it has kept; one that has found
    later photos finds the watch gone. The search stays known until the very end, for a second run after a crash.
    """

    results: ResultStore
    jobs: JobEraser
    claims: Records
    selfies: Objects
    watches: WatchEraser

    def delete(self, search: SearchKey) -> None:
        """Delete the search and what its watch has told of.

        Raises:
            NotFound: there is nothing of it.
        """
        watched, asked = self.watches.end(search), self.jobs.holds(search)
        children = self.watches.children(search)
        if not (watched or asked or children or self.results.holds(search) or self._is_begun(search)):
            raise NotFound("request_id is unknown for this event.")
        self.forget(search)

    def forget(self, search: SearchKey) -> None:
        """The same of what there may be nothing of."""
        self.watches.end(search)
        self.jobs.delete(search)
        for child in self.watches.children(search):
            self._erase(child)
        self.watches.disown(search)
        self.selfies.delete(self.selfies.under(job_prefix(search)))
        self.results.cancel(search)
        self._erase(search)

    def _is_begun(self, search: SearchKey) -> bool:
        """Whether it is running, or what was killed in its midst has left a selfie."""
        prefixes = selfie_keys(search)[0], job_prefix(search)
        return self.claims.holds(search) or any(True for prefix in prefixes for _ in self.selfies.under(prefix))

    def _erase(self, search: SearchKey) -> None:
        self.results.hide(search)
        self.claims.delete(search)
        self.selfies.delete(selfie_keys(search))
        self.results.delete(search)
