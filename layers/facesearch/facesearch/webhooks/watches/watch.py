"""A watch: the probe of a finished search, kept for a while, and what has been told of it."""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from facesearch.faces.matching import StoredProbe
from facesearch.models import PhotoMatch, SearchKey

WATCHES_PER_EVENT = 10_000
"""A round over so many takes 10 to 20 minutes of one worker."""


@dataclass(frozen=True)
class Watch:
    """One watch. It lives no longer than the result of its search.

    Attributes:
        search: that it goes on with.
        model: made the probe.
        probe: encrypted (see `Probes`).
        created_at: when the person's consent came, in seconds since the epoch.
        expires_at: from then on there is no watch, whether or not its item is gone.
        last: the search whose result was told last: `search` itself, or a child of it.
    """

    search: SearchKey
    model: str
    probe: bytes = field(repr=False)
    callback_url: str = field(repr=False)
    metadata: dict[str, Any] | None = field(repr=False)
    created_at: int
    expires_at: int
    last: uuid.UUID


class WatchPages(Protocol):
    """What running watches and deletions both ask."""

    def page(self, event_id: int, after: uuid.UUID | None, limit: int) -> list[Watch]:
        """The event's watches in the order of their searches' ids, expired ones too; fewer than `limit`: no more."""

    def delete(self, search: SearchKey) -> bool:
        """Delete the watch of a search; whether there was one."""

    def delete_all(self, event_id: int) -> int:
        """Delete all that there is of the event's watches; how many there were."""


class WatchStore(WatchPages, Protocol):
    """Where watches are kept."""

    def keep(self, watch: Watch) -> bool:
        """Keep a new one, and leave one that is there; False if the event has as many as it may."""

    def get(self, search: SearchKey) -> Watch | None:
        """The watch of a search, unless it has expired; read strongly consistent."""

    def enter(self, watch: Watch, child: SearchKey) -> None:
        """Say that a search is about to become a child of the watch's."""

    def note(self, watch: Watch, child: SearchKey) -> bool:
        """The child was told; False if the watch is gone, or something else was told meanwhile."""

    def recount(self, event_id: int, watches: int) -> None:
        """So many there are really: what expired by itself was not counted off."""


class WatchEraser(WatchPages, Protocol):
    """What deletions ask."""

    def children(self, search: SearchKey) -> list[SearchKey]:
        """Searches that became, or were about to become, children of this one."""

    def delete_children(self, search: SearchKey) -> None:
        """Delete what says which children there were."""

    def count(self, event_id: int) -> int:
        """How many watches of the event there are, expired ones too."""


class Rounds(Protocol):
    """What indexing asks."""

    def has_watches(self, event_id: int) -> bool:
        """Whether anybody watches the event; read strongly consistent."""

    def claim(self, event_id: int, now: float, until: float) -> bool:
        """Be the one who has a round begun; False if somebody else is, until then."""


class LostProbeError(Exception):
    """A probe cannot be decrypted any more, by nobody and never."""


class Probes(Protocol):
    """Encrypts probes, each for its own search: copied to another, it opens no more."""

    def seal(self, search: SearchKey, kept: StoredProbe) -> bytes:
        """What is kept of it."""

    def open(self, watch: Watch) -> StoredProbe:
        """The probe of a watch.

        Raises:
            LostProbeError: nobody can decrypt it any more.
        """


def child_of(parent: SearchKey, photos: Iterable[PhotoMatch]) -> SearchKey:
    """The search that tells of this set of photos: the same set found again is the same search."""
    digest = hashlib.sha256(b"".join(sorted(photo.image_id.bytes for photo in photos))).hexdigest()
    return replace(parent, request_id=uuid.uuid5(parent.request_id, digest))
