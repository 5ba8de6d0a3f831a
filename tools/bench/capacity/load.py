"""What comes, and what a limit is."""

from dataclasses import dataclass
from math import ceil, inf


@dataclass(frozen=True, kw_only=True)
class Load:
    """What comes with each search, and over how many the searches spread evenly.

    Attributes:
        pages: GETs for each search: pages, polls, reloads, shared links.
        images: renditions that a browser loads for each search; it keeps what it has.
        faces: of each event.
        organisations, events, keys: that searches spread over. A link's token is a key.
        links: publishable tokens that searches come by; 0 = they come by API keys.
        addresses: that calls come from, such as a partner's servers; 0 = guests' own.
        webhooks: share of the searches that webhooks ask for, and that run behind a queue.
        photos: a second that are indexed in each event meanwhile.
        hours, days: how long the load lasts: hours a day, and days of an event.
    """

    pages: int = 100
    images: int = 100
    faces: int = 100_000
    organisations: int = 1
    events: int = 1
    keys: int = 1
    links: int = 0
    addresses: int = 0
    webhooks: float = 0.0
    photos: float = 0.0
    hours: float = 24.0
    days: int = 1


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A limit, and what one search a second with its pages asks of it.

    Attributes:
        how: the arithmetic of `asks`.
        moves: what moves the limit.
        have, of: how many there are of what it belongs to, which more of would relieve; "" = there can be one.
        fixed: whether no setting and no request moves it, only another design or more of what it belongs to.
    """

    name: str
    asks: float
    limit: float
    how: str
    moves: str
    have: int = 1
    of: str = ""
    fixed: bool = False

    @property
    def breaks_at(self) -> float:
        """Searches a second."""
        return self.limit / self.asks if self.asks else inf

    def used(self, rate: float) -> float:
        """Share of the limit that so many searches a second take; above 1 it is broken."""
        return rate / self.breaks_at if self.breaks_at else inf

    def needs(self, rate: float) -> str:
        """What so many searches a second need in place of the limit; empty = it is enough."""
        if (used := self.used(rate)) <= 1:
            return ""
        return f"{ceil(used * self.have):,} {self.of}" if self.of else f"{rate * self.asks:,.0f}"
