"""Links to guests' pages: created, listed, rotated, switched off. A printed QR names a link, and the link's HTML file
holds the token: another token needs no new print."""

import datetime as dt
import re
import secrets
import string
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Protocol

from facesearch.admin.page import GONE, TEMPLATE, LinkPage, PageFiles, PageHosts, gone, page_key, rendered, token_in
from facesearch.admin.ports import EventSettings
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import MICROSECONDS, ApiKey, Event, QuotaLimits, Scope, TokenRights, digest_of
from facesearch.tokens import MAX_ORIGINS, NO_ORIGIN, new_token, web_origin

LINKS_PER_ORG = 1_000
ID_LENGTH = 10
"""36**10 ids: an address is not guessed, nor chosen twice."""
SHOWN_CHARACTERS = 8
DEFAULT_DAYS, MOST_DAYS = 90, 400
PER_MINUTE, MOST_PER_MINUTE = 120, 6_000


@dataclass(frozen=True)
class LinkSettings:
    """What an operator chooses for a link.

    Attributes:
        until: its last day, by UTC; None = the event's last day, else in `DEFAULT_DAYS`.
        origins: of pages beside the guests' own that may use its token.
        originals: whether guests may have the originals of their photos.
        watch: whether they may have later photos looked through.
        preview: whether messengers that are sent the address show the event's cover.
        per_minute: face matches in the long run; half of them at once.
    """

    until: dt.date | None = None
    origins: tuple[str, ...] = ()
    originals: bool = True
    watch: bool = False
    preview: bool = False
    per_minute: int = PER_MINUTE


@dataclass(frozen=True)
class GuestLink:
    """A link as it is kept: without its token.

    Attributes:
        name: in the address; fixed when the link is made, whatever the event is called later.
        digest: of its token.
        prefix: the first characters of its token.
        origins: of pages that may use its token.
        created_at, token_at: of the link and of its present token, in microseconds since the epoch.
        valid_until: seconds since the epoch.
        off: for good.
    """

    link_id: str
    org_id: int
    event_id: int
    name: str
    digest: str
    prefix: str
    origins: tuple[str, ...]
    originals: bool
    watch: bool
    preview: bool
    quota: QuotaLimits
    created_at: int
    token_at: int
    valid_until: int
    off: bool = False

    @property
    def key(self) -> ApiKey:
        """Its token, as it is looked up."""
        rights = TokenRights(
            event_id=self.event_id,
            quota=self.quota,
            created_at=self.token_at,
            link_id=self.link_id,
            origins=self.origins,
            originals=self.originals,
            watch=self.watch,
        )
        scopes = frozenset({Scope.SEARCH, Scope.READ})
        return ApiKey(self.link_id, self.org_id, not self.off, scopes, self.valid_until, rights)


class LinkStore(Protocol):
    """Links, each with its token's item: both change together."""

    def add(self, link: GuestLink) -> None:
        """Keep a new link and admit its token.

        Raises:
            NotFound: no such event, or it is being deleted.
            InvalidRequest: the organisation has `LINKS_PER_ORG` already.
        """

    def replace(self, before: GuestLink, after: GuestLink) -> bool:
        """Change a link and its token, which is another if the digest is: the old one is refused from now on. Whether
        the link was still as it was `before`."""

    def switch_off(self, link: GuestLink) -> bool:
        """End its token for good: it counts no more; whether the link was still as given."""

    def delete(self, link: GuestLink) -> None:
        """Delete the link and its token."""

    def links(self, org_id: int | None = None, event_id: int | None = None) -> Iterator[GuestLink]:
        """All, an organisation's, or an event's of an organisation."""


@dataclass(frozen=True, kw_only=True)
class EventLinks:
    """What the deletion of an event asks."""

    store: LinkStore
    files: PageFiles

    def delete(self, event: Event) -> int:
        """Delete the event's links, their tokens and their pages; how many there were. The pages go first: a link that
        is still listed is found by the next run. They go again last: one may have been rendered in between."""
        links = list(self.store.links(event.org_id, event.event_id))
        pages = [page_key(link.name) for link in links]
        self.files.delete(pages)
        for link in links:
            self.store.delete(link)
        self.files.delete(pages)
        return len(links)

    def count(self, event: Event) -> int:
        return sum(1 for _ in self.store.links(event.org_id, event.event_id))


@dataclass(frozen=True)
class MadeLink:
    """A link with its token, which is shown this once; `url` is empty where no pages are hosted."""

    link: GuestLink
    token: str
    url: str


@dataclass(frozen=True)
class Rendered:
    """How many links have a new page, those whose token is lost with their page (`rotate` makes another), and why
    others have none."""

    links: int
    lost: tuple[GuestLink, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Links:
    """The operator's use case. The table is written first, the page second: what crashes between is mended by `rotate`.

    Attributes:
        hosts: whom pages talk to; None where no pages are hosted.
        pool: renders pages side by side.
        page_of: what `GET …/page` says of an event to a token.
        qr_of: the QR code of an address, an SVG element; empty = pages show none.
        clock: microseconds since the epoch.
    """

    events: EventSettings
    store: LinkStore
    files: PageFiles
    hosts: PageHosts | None
    pool: Executor
    page_of: Callable[[Event, TokenRights], Mapping[str, Any]]
    qr_of: Callable[[str], str] = lambda url: ""
    clock: Callable[[], int] = lambda: time.time_ns() // 1000

    def create(self, event_id: int, settings: LinkSettings) -> MadeLink:
        """A new link, and its page.

        Raises:
            NotFound: no such event, or it is being deleted.
            InvalidRequest: settings that no link may have, or too many links.
        """
        event, now, token = self._event(event_id), self.clock(), new_token()
        others = dict.fromkeys(map(_checked_origin, settings.origins))
        if len(others) > MAX_ORIGINS:
            raise InvalidRequest(f"A link has at most {MAX_ORIGINS} origins beside its page's own.")
        if not 1 <= settings.per_minute <= MOST_PER_MINUTE:
            raise InvalidRequest(f"A link takes 1 to {MOST_PER_MINUTE} searches a minute.")
        link_id = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(ID_LENGTH))
        link = GuestLink(
            link_id=link_id,
            org_id=event.org_id,
            event_id=event_id,
            name=f"{event.slug}-{link_id}",
            digest=digest_of(token),
            prefix=token[:SHOWN_CHARACTERS],
            origins=self._origins(others),
            originals=settings.originals,
            watch=settings.watch,
            preview=settings.preview,
            quota=QuotaLimits(settings.per_minute, max(1, settings.per_minute // 2)),
            created_at=now,
            token_at=now,
            valid_until=self._end(event, settings.until),
        )
        self.store.add(link)
        return self._shown(event, link, token)

    def rotate(self, link_id: str, until: dt.date | None = None) -> MadeLink:
        """Give a link another token, under the same address; a link that had expired begins anew."""
        link, token = self.link(link_id), new_token()
        if link.off:
            raise InvalidRequest(f"Link {link.link_id} is off for good. Create another one.")
        event = self._event(link.event_id)
        ends = link.valid_until
        if until is not None or ends * MICROSECONDS <= self.clock():
            ends = self._end(event, until)
        after = replace(
            link,
            digest=digest_of(token),
            prefix=token[:SHOWN_CHARACTERS],
            token_at=self.clock(),
            origins=self._origins(link.origins),
            valid_until=ends,
        )
        if not self.store.replace(link, after):
            raise _changed(link)
        return self._shown(event, after, token)

    def switch_off(self, link_id: str) -> GuestLink:
        """End a link for good: its token is refused from now on, its page says so within a minute."""
        link = self.link(link_id)
        if not link.off and not self.store.switch_off(link):
            raise _changed(link)
        if self.hosts is not None:
            self.files.put(page_key(link.name), gone(self.files))
        return replace(link, off=True)

    def link(self, link_id: str) -> GuestLink:
        """The link of that id, of that name in the address, or of that address, as a browser shows it."""
        wanted = re.split("[?#]", link_id.strip())[0].rstrip("/")
        for link in self.store.links():
            if wanted in (link.link_id, link.name) or wanted in self._addresses(link):
                return link
        raise NotFound(f"There is no link {link_id}.")

    def _addresses(self, link: GuestLink) -> set[str]:
        """By all names of the page's host, those that it had earlier among them: codes on paper still lead there."""
        own = self.hosts.origins if self.hosts is not None else ()
        return {self.url(link), *(f"{origin}/{page_key(link.name)}" for origin in (*own, *link.origins))}

    def links(self, org_id: int, event_id: int | None = None) -> list[GuestLink]:
        """Those of an organisation, or of one event, oldest first."""
        return sorted(self.store.links(org_id, event_id), key=lambda link: link.created_at)

    def ended(self, links: Iterable[GuestLink]) -> set[str]:
        """The ids of those whose token has ended with all others of its event, as `check_token` tells it."""
        links = list(links)
        events = {event_id: self.events.event(event_id) for event_id in {link.event_id for link in links}}
        return {
            link.link_id
            for link in links
            if (event := events[link.event_id]) is not None and link.token_at < event.tokens_since
        }

    def url(self, link: GuestLink) -> str:
        """The address of its page; empty where no pages are hosted."""
        return self.hosts.url(link.name) if self.hosts is not None else ""

    def publish(self, build: Mapping[str, bytes]) -> Rendered:
        """Show a build of the page, its files by their keys, and render all links by it: the HTML comes last."""
        for key in sorted(build, key=lambda each: each in (TEMPLATE, GONE)):
            self.files.put(key, build[key])
        return self.render()

    def render(self, event: Event | None = None) -> Rendered:
        """Render the pages of one event, or of all, anew: its settings have changed, the page, or its hosts."""
        if self.hosts is None:
            return Rendered(0)
        of = (event.org_id, event.event_id) if event is not None else (None, None)
        links = [each for each in self.store.links(*of) if not each.off]
        events = {each: event or self.events.event(each) for each in {link.event_id for link in links}}
        done = list(self.pool.map(lambda link: self._rendered_anew(events[link.event_id], link), links))
        return Rendered(
            sum(each.links for each in done),
            tuple(link for each in done for link in each.lost),
            tuple(message for each in done for message in each.failed),
        )

    def _rendered_anew(self, event: Event | None, link: GuestLink) -> Rendered:
        if event is None or event.closing:
            return Rendered(0)
        token = token_in(self.files.read(page_key(link.name)))
        if digest_of(token) != link.digest:
            return Rendered(0, (link,))
        try:
            self._shown(event, self._at_home(link), token)
        except InvalidRequest as error:  # which is about this one alone
            return Rendered(0, failed=(str(error),))
        return Rendered(1)

    def _at_home(self, link: GuestLink) -> GuestLink:
        """The link with the origins admitted that its page has now."""
        here = replace(link, origins=self._origins(link.origins))
        if here != link and not self.store.replace(link, here):
            raise _changed(link)
        return here

    def _shown(self, event: Event, link: GuestLink, token: str) -> MadeLink:
        """Write the page of a link, which nobody may have changed meanwhile: else an old token would stay in it."""
        if self.hosts is None or link.key.token is None:
            return MadeLink(link, token, "")
        page, url = self.page_of(event, link.key.token), self.hosts.url(link.name)
        about = LinkPage(link.name, link.org_id, link.event_id, token, page, self.qr_of(url), link.preview)
        self.files.put(page_key(link.name), rendered(self.files, self.hosts, about))
        now = next((each for each in self.links(link.org_id, link.event_id) if each.link_id == link.link_id), None)
        if now is None:
            self.files.delete([page_key(link.name)])
        elif now.off:
            self.files.put(page_key(link.name), gone(self.files))
        if now != link:
            raise _changed(link)
        return MadeLink(link, token, url)

    def _event(self, event_id: int) -> Event:
        event = self.events.event(event_id)
        if event is None or event.closing:
            raise NotFound(f"There is no event {event_id}.")
        return event

    def _origins(self, others: Iterable[str]) -> tuple[str, ...]:
        """The page's own, and others: those of its earlier hosts among them, for codes on paper still lead there."""
        own = self.hosts.origins if self.hosts is not None else ()
        return tuple(dict.fromkeys([*own, *others]))

    def _end(self, event: Event, until: dt.date | None) -> int:
        """The second after its last day."""
        today = dt.datetime.fromtimestamp(self.clock() / MICROSECONDS, dt.UTC).date()
        latest = today + dt.timedelta(MOST_DAYS)
        if until is None:
            last_day = dt.date.fromisoformat(event.retain_until) if event.retain_until else dt.date.min
            until = min(last_day, latest) if last_day >= today else today + dt.timedelta(DEFAULT_DAYS)
        if not today <= until <= latest:
            raise InvalidRequest(
                f"A link ends today at the earliest, and on {latest}, in {MOST_DAYS} days, at the latest."
            )
        after = dt.datetime.combine(until, dt.time(), dt.UTC) + dt.timedelta(1)
        return int(after.timestamp())


def _checked_origin(text: str) -> str:
    """An origin as browsers send it.

    Raises:
        InvalidRequest: it is none, or not of the web.
    """
    origin = web_origin(text.strip().rstrip("/"))
    if origin is None:
        raise InvalidRequest(f"{text!r} is {NO_ORIGIN}.")
    return origin


def _changed(link: GuestLink) -> InvalidRequest:
    return InvalidRequest(f"Link {link.link_id} was changed by somebody else meanwhile. Run the command again.")
