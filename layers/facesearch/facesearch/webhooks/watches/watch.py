"""A watch: the probe of a finished search, kept for a while, and what has been told of it."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from facesearch.faces.matching import StoredProbe
from facesearch.models import PhotoMatch, SearchKey
from facesearch.webhooks.commands import SearchCommands, WatchCommand

WATCHES_PER_EVENT = 10_000
"""A round over so many takes 10 to 20 minutes of one worker."""
DELAY_SECONDS = 10
"""A round begins so long after its command was sent, and so sees the photos of a whole batch of uploads."""
WINDOW_SECONDS = 8
"""Requests within it are one command. Shorter than the delay: after a refusal a round is yet to begin."""


@dataclass(frozen=True)
class Watch:
    """One watch. It lives no longer than the result of its search.

    Attributes:
        search: that it goes on with.
        model: made the probe.
        probe: encrypted (see `Probes`).
        created_at: when the person's consent came, in seconds since the epoch.
        expires_at: from then on there is no watch, whether or not its item is gone.
        callback_url: who is told of its children; empty = nobody.
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


class WatchStore(Protocol):
    """Where watches are kept. Those of an event include expired ones, which the table deletes by itself."""

    def keep(self, watch: Watch) -> bool:
        """Keep a new one, and leave one that is there; False if the event has as many as it may."""

    def get(self, search: SearchKey) -> Watch | None:
        """The watch of a search, unless it has expired; read strongly consistent."""

    def page(self, event_id: int, after: uuid.UUID | None, limit: int) -> list[Watch]:
        """The event's watches in the order of their searches' ids; fewer than `limit`: no more."""

    def count(self, event_id: int) -> int:
        """How many watches of the event there are."""

    def recount(self, event_id: int, watches: int) -> None:
        """So many there are really: what expired by itself was not counted off."""

    def has_watches(self, event_id: int) -> bool:
        """Whether anybody watches the event; read strongly consistent."""

    def claim(self, event_id: int, now: float, until: float) -> bool:
        """Be the one who has a round begun; False if somebody else is, until then."""

    def enter(self, watch: Watch, child: SearchKey) -> None:
        """Say that a search is about to become a child of the watch's."""

    def note(self, watch: Watch, child: SearchKey) -> bool:
        """The child was told; False if the watch is gone, or something else was told meanwhile. A `Reader` knows it as
        the latest, also when the watch is over."""

    def children(self, search: SearchKey) -> list[SearchKey]:
        """Searches that became, or were about to become, children of this one."""

    def delete_children(self, search: SearchKey) -> None:
        """Delete what says which children there were, and which was the latest."""

    def delete(self, search: SearchKey) -> bool:
        """Delete the watch of a search; whether there was one."""

    def delete_watches(self, event_id: int) -> int:
        """Delete the event's watches; how many there were. Deletions of their searches still know their children."""

    def delete_all(self, event_id: int) -> int:
        """The same, and their children are known no more."""


class LostProbeError(Exception):
    """A probe cannot be decrypted any more, by nobody and never."""


class Probes(Protocol):
    """Encrypts probes, each for its own search: copied to another, it opens no more."""

    def seal(self, search: SearchKey, kept: StoredProbe) -> bytes:
        """Encrypt it."""

    def open(self, watch: Watch) -> StoredProbe:
        """The probe of a watch; LostProbeError if nobody can decrypt it any more."""


def child_of(parent: SearchKey, photos: Iterable[PhotoMatch]) -> SearchKey:
    """The search that tells of this set of photos: the same set found again is the same search."""
    digest = hashlib.sha256(b"".join(sorted(photo.image_id.bytes for photo in photos))).hexdigest()
    return replace(parent, request_id=uuid.uuid5(parent.request_id, digest))


@dataclass(frozen=True, kw_only=True)
class CollapsedWatchRequests:
    """Cost an event that nobody watches one read unit, and others one message every few seconds."""

    commands: SearchCommands
    watches: WatchStore
    clock: Callable[[], float] = time.time

    def request(self, org_id: int, event_id: int) -> None:
        # If the worker dies between claim and message, the photos' redelivery asks again, minutes later: the claim is
        # over by then.
        now = self.clock()
        if self.watches.has_watches(event_id) and self.watches.claim(event_id, now, now + WINDOW_SECONDS):
            self.commands.send(WatchCommand(org_id, event_id), DELAY_SECONDS)
