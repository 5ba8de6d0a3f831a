"""Links to guests' pages: one contract for both stores, the use case, and the HTML that a link's page is."""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from threading import Barrier
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.admin.links import DynamoLinkStore
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.links import MemoryLinkStore, MemoryPageFiles
from facesearch.adapters.s3.page import S3PageFiles, caching_of, type_of
from facesearch.admin import links as module
from facesearch.admin.links import EventLinks, GuestLink, Links, LinkSettings, LinkStore
from facesearch.admin.page import GONE, TEMPLATE, LinkPage, PageFiles, PageHosts, page_key, rendered, token_in
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import MICROSECONDS, ApiKey, Event, TokenRights, digest_of
from facesearch.reading import Wanted
from tests.support.fakes import EVENT
from tests.support.site import Inline

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HTML = (
    '<html lang="__LANG__"><head><title>__TITLE__</title>__HEAD__</head><body>'
    '<script type="application/json" id="face-search-config">__CONFIG__</script><h1>__NAME__</h1></body></html>'
)
HOSTS = PageHosts("https://photos.example", "https://api.example/live", ("https://s3.example",))
NOW = 1_790_000_000
TODAY = dt.datetime.fromtimestamp(NOW, dt.UTC).date()


@dataclass
class Events:
    """One event, as an operator has left it."""

    kept: dict[int, Event] = field(default_factory=dict)

    def event(self, event_id: int) -> Event | None:
        return self.kept.get(event_id)

    def update_event(self, event_id: int, **changes: Any) -> Event:
        self.kept[event_id] = replace(self.kept[event_id], **changes)
        return self.kept[event_id]


@dataclass
class Office:
    """The use case over stores of one kind, and what the API would know of a token."""

    event: Event
    store: LinkStore
    files: PageFiles
    key_of: Callable[[str], ApiKey | None]
    now: int = NOW
    hosts: PageHosts | None = HOSTS
    pool: Executor = field(default_factory=Inline)

    def __post_init__(self) -> None:
        self.events = Events({self.event.event_id: self.event})
        self.files.put(TEMPLATE, HTML.encode())
        self.files.put(GONE, b"gone")

    @property
    def links(self) -> Links:
        return Links(
            events=self.events,
            store=self.store,
            files=self.files,
            hosts=self.hosts,
            pool=self.pool,
            page_of=page_of,
            qr_of=lambda url: f"<svg>{url}</svg>",
            clock=lambda: self.now * MICROSECONDS,
        )

    def page(self, link: GuestLink) -> str:
        return self.files.read(page_key(link.name))


def page_of(event: Event, rights: TokenRights) -> Mapping[str, Any]:
    return {"event_name": event.name, "locale": None, "allows": {"originals": rights.originals}}


@pytest.fixture(params=["memory", "aws"])
def office(request: pytest.FixtureRequest) -> Office:
    if request.param == "memory":
        keys: dict[str, ApiKey] = {}
        return Office(EVENT, MemoryLinkStore(keys), MemoryPageFiles(), lambda token: keys.get(digest_of(token)))
    table: Table = request.getfixturevalue("table")
    s3: S3Client = request.getfixturevalue("s3")
    s3.create_bucket(Bucket="renditions")
    admin = DynamoAdmin(table)
    event = admin.event(admin.create_event(admin.create_org("Runners"), "Marathon"))
    assert event is not None
    reader = DynamoReader(table)
    return Office(
        event,
        DynamoLinkStore(table),
        S3PageFiles(s3, "renditions"),
        lambda token: reader.read(Wanted(digest=digest_of(token))).key,
    )


def test_a_new_link_opens_its_event_and_nothing_else_until_its_last_day(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings(originals=False, origins=("https://run.example/",)))
    assert made.url == f"https://photos.example/e/{office.event.slug}-{made.link.link_id}"
    assert re.fullmatch("[a-z0-9]{10}", made.link.link_id)
    assert re.fullmatch(r"fsp_[\w-]{32}", made.token)
    key = office.key_of(made.token)
    assert key is not None
    assert key.token is not None
    assert (key.org_id, key.active, key.token.event_id) == (office.event.org_id, True, office.event.event_id)
    assert (key.token.originals, key.token.watch, key.token.link_id) == (False, False, made.link.link_id)
    assert key.token.origins == ("https://photos.example", "https://run.example")
    assert (key.token.quota.per_minute, key.token.quota.burst) == (120, 60)
    last = dt.datetime.combine(TODAY + dt.timedelta(91), dt.time(), dt.UTC)
    assert key.expires_at == last.timestamp()
    assert token_in(office.page(made.link)) == made.token
    assert office.links.links(office.event.org_id) == [made.link]


def test_a_rotated_link_keeps_its_address_and_its_old_token_is_refused(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    other = office.links.rotate(made.url)
    assert (other.url, other.link.link_id) == (made.url, made.link.link_id)
    assert (office.key_of(made.token), office.key_of(other.token) is not None) == (None, True)
    assert token_in(office.page(other.link)) == other.token
    assert office.links.links(office.event.org_id) == [other.link]


@pytest.mark.parametrize("end", ["", "/", "?r=8f14e45f-ceea-467f-a0e6-2d4a1c9b1f3e", "#p=1", "/?r=8f14e45f#p=1"])
def test_a_link_is_known_by_its_address_as_a_browser_shows_it(office: Office, end: str) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    assert office.links.link(f" {made.url}{end} ") == made.link
    office.hosts = PageHosts("https://new.example", "https://api.example/live")
    for host in ("new.example", "photos.example"):  # the earlier one is on paper
        assert office.links.link(f"https://{host}/e/{made.link.name}{end}") == made.link


@pytest.mark.parametrize(
    "other",
    [
        "https://evil.example/e/{name}", "http://photos.example/e/{name}", "https://photos.example/{name}",
        "https://photos.example/e/another-{id}", "https://photos.example/e/{id}", "another-{id}", "/e/{name}", "-{id}",
    ],
)  # fmt: skip
def test_a_link_is_known_by_no_other_address_or_name(office: Office, other: str) -> None:
    link = office.links.create(office.event.event_id, LinkSettings()).link
    with pytest.raises(NotFound):
        office.links.link(other.format(name=link.name, id=link.link_id))


def test_a_link_that_had_expired_is_rotated_into_a_new_one(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings(until=TODAY))
    assert office.links.rotate(made.link.link_id).link.valid_until == made.link.valid_until
    office.now = made.link.valid_until
    assert office.links.rotate(made.link.link_id).link.valid_until > office.now


def test_a_link_that_is_off_stays_off(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    for _ in range(2):
        assert office.links.switch_off(made.link.name).off
    assert (office.key_of(made.token), office.page(made.link)) == (None, "gone")
    assert [link.off for link in office.links.links(office.event.org_id)] == [True]
    with pytest.raises(InvalidRequest, match="off for good"):
        office.links.rotate(made.link.link_id)
    assert office.links.render().links == 0
    assert office.page(made.link) == "gone"


def test_an_organisation_has_so_many_links_and_those_that_are_off_do_not_count(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in ("admin.links", "adapters.memory.links", "adapters.dynamodb.admin.links"):
        monkeypatch.setattr(f"facesearch.{at}.LINKS_PER_ORG", 2)
    made = [office.links.create(office.event.event_id, LinkSettings()) for _ in range(2)]
    with pytest.raises(InvalidRequest, match="2 links"):
        office.links.create(office.event.event_id, LinkSettings())
    office.links.switch_off(made[0].link.link_id)
    office.links.create(office.event.event_id, LinkSettings())
    assert EventLinks(store=office.store, files=office.files).delete(office.event) == 3
    office.links.create(office.event.event_id, LinkSettings())
    office.links.create(office.event.event_id, LinkSettings())
    with pytest.raises(InvalidRequest):
        office.links.create(office.event.event_id, LinkSettings())


def test_a_deleted_event_takes_its_links_along(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    erasing = EventLinks(store=office.store, files=office.files)
    assert (erasing.count(office.event), erasing.delete(office.event), erasing.count(office.event)) == (1, 1, 0)
    assert (office.key_of(made.token), office.page(made.link)) == (None, "")
    with pytest.raises(NotFound):
        office.links.rotate(made.link.link_id)


def test_two_changes_at_once_leave_one_token_and_it_is_the_pages(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    before = made.link
    assert office.store.replace(before, replace(before, digest=digest_of("fsp_other"), prefix="fsp_othe"))
    assert not office.store.replace(before, replace(before, digest=digest_of("fsp_late")))
    assert not office.store.switch_off(before)
    assert [office.key_of(token) is not None for token in (made.token, "fsp_other", "fsp_late")] == [False, True, False]
    assert [link.link_id for link in office.links.render().lost] == [made.link.link_id]
    office.links.rotate(made.link.link_id)
    assert office.links.render().lost == ()


def test_a_page_that_was_rendered_beside_a_rotation_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    real, links = rendered, office.links

    def meanwhile(*arguments: Any) -> bytes:
        monkeypatch.setattr(module, "rendered", real)
        links.rotate(made.link.link_id)
        return real(*arguments)

    monkeypatch.setattr(module, "rendered", meanwhile)
    with pytest.raises(InvalidRequest, match="changed by somebody else"):
        links.rotate(made.link.link_id)
    with pytest.raises(InvalidRequest, match="off for good"):  # and what heals it is at hand
        links.rotate(links.switch_off(made.link.link_id).link_id)


def test_a_link_that_was_changed_meanwhile_is_told_and_the_others_are_rendered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [office.links.create(office.event.event_id, LinkSettings()) for _ in range(3)]
    changed, real = next(office.store.links()), rendered

    def meanwhile(*arguments: Any) -> bytes:
        monkeypatch.setattr(module, "rendered", real)
        office.links.rotate(changed.link_id)
        return real(*arguments)

    monkeypatch.setattr(module, "rendered", meanwhile)
    office.events.update_event(office.event.event_id, name="Another name")
    done = office.links.render()
    assert (done.links, done.lost, len(done.failed)) == (2, (), 1)
    assert changed.link_id in done.failed[0]
    assert sum("Another name" in office.page(each.link) for each in made if each.link.link_id != changed.link_id) == 2


def test_pages_are_rendered_side_by_side(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [office.links.create(office.event.event_id, LinkSettings()) for _ in range(3)]
    office.files.delete([page_key(made[2].link.name)])
    meeting = Barrier(2, timeout=60)  # one after the other they would never meet

    def together(*arguments: Any) -> bytes:
        meeting.wait()
        return rendered(*arguments)

    monkeypatch.setattr(module, "rendered", together)
    office.events.update_event(office.event.event_id, name="Another name")
    with ThreadPoolExecutor(2) as office.pool:
        done = office.links.render()
    assert (done.links, done.failed) == (2, ())
    assert [link.link_id for link in done.lost] == [made[2].link.link_id]
    assert ["Another name" in office.page(each.link) for each in made] == [True, True, False]


def test_a_link_of_ten_pages_moves_with_the_guests_page_again_and_again(office: Office) -> None:
    others = tuple(f"https://{number}.example" for number in range(10))
    made = office.links.create(office.event.event_id, LinkSettings(origins=others))
    for host in ("new.example", "newest.example"):
        office.hosts = PageHosts(f"https://{host}", "https://api.example/live")
        assert (office.links.render().links, office.links.render().failed) == (1, ())
    key = office.key_of(office.links.rotate(made.link.link_id).token)
    assert key is not None
    assert key.token is not None
    own = ("https://newest.example", "https://new.example", "https://photos.example")
    assert key.token.origins == (*own, *others)


def test_a_link_that_is_switched_off_while_its_page_is_rendered_has_no_page(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())

    def meanwhile(*arguments: Any) -> bytes:
        office.links.switch_off(made.link.link_id)
        return rendered(*arguments)

    monkeypatch.setattr(module, "rendered", meanwhile)
    assert (office.links.render().links, office.page(made.link)) == (0, "gone")


def test_a_page_that_is_rendered_while_its_link_is_deleted_goes_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = office.links.create(office.event.event_id, LinkSettings()), type(office.store).delete

    def meanwhile(store: LinkStore, link: GuestLink) -> None:
        office.files.put(page_key(link.name), b"rendered anew")
        real(store, link)

    monkeypatch.setattr(type(office.store), "delete", meanwhile)
    assert EventLinks(store=office.store, files=office.files).delete(office.event) == 1
    assert office.page(made.link) == ""


def test_an_event_that_is_renamed_changes_no_address_and_every_page(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    event = office.events.update_event(office.event.event_id, name="Another name", slug="another-name")
    assert office.links.render(event).links == 1
    page = office.page(made.link)
    assert "<h1>Another name</h1>" in page
    assert token_in(page) == made.token
    assert office.links.url(office.links.link(made.link.link_id)) == made.url


def test_a_build_is_shown_with_its_html_last_and_all_links_are_rendered_by_it(office: Office) -> None:
    made = office.links.create(office.event.event_id, LinkSettings())
    build = {TEMPLATE: b"<b>__NAME__</b>" + HTML.encode(), GONE: b"new gone", "page/1/assets/a-b.js": b"export {}"}
    assert office.links.publish(build).links == 1
    assert office.page(made.link).startswith("<b>")
    assert [office.files.read(key) for key in build] == [content.decode() for content in build.values()]


def test_without_a_published_page_a_link_keeps_its_token_all_the_same(office: Office) -> None:
    office.files.delete([TEMPLATE, GONE])
    made = office.links.create(office.event.event_id, LinkSettings())
    assert "not been published" in office.page(made.link)
    office.files.put(TEMPLATE, HTML.encode())
    assert office.links.render().links == 1
    assert token_in(office.page(made.link)) == made.token


def test_where_no_pages_are_shown_there_is_a_token_and_no_address(office: Office) -> None:
    office.hosts = None
    made = office.links.create(office.event.event_id, LinkSettings(origins=("https://run.example",)))
    assert (made.url, made.link.origins, office.page(made.link)) == ("", ("https://run.example",), "")
    assert office.key_of(made.token) is not None
    assert office.links.render().links == 0
    assert office.links.switch_off(made.link.link_id).off


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (LinkSettings(until=TODAY - dt.timedelta(1)), "ends today at the earliest"),
        (LinkSettings(until=TODAY + dt.timedelta(401)), "at the latest"),
        (LinkSettings(per_minute=0), "searches a minute"),
        (LinkSettings(origins=("run.example",)), "is not an origin"),
        (LinkSettings(origins=("https://run.example/path",)), "is not an origin"),
        (LinkSettings(origins=("https://RUN.example",)), "is not an origin"),
        (LinkSettings(origins=("https://..",)), "is not an origin"),
        (LinkSettings(origins=tuple(f"https://{n}.example" for n in range(11))), "at most 10 origins"),
    ],
)
def test_settings_that_no_link_may_have(settings: LinkSettings, said: str) -> None:
    office = Office(EVENT, MemoryLinkStore({}), MemoryPageFiles(), lambda token: None)
    with pytest.raises(InvalidRequest, match=said):
        office.links.create(EVENT.event_id, settings)
    assert list(office.store.links()) == []


def test_an_event_that_is_being_deleted_gets_no_link(table: Table) -> None:
    admin = DynamoAdmin(table)
    event = admin.event(admin.create_event(admin.create_org("Runners"), "Marathon"))
    assert event is not None
    admin.close_event(event.event_id)
    stale = Office(event, DynamoLinkStore(table), MemoryPageFiles(), lambda token: None)
    with pytest.raises(NotFound):
        stale.links.create(event.event_id, LinkSettings())


@pytest.mark.parametrize(("days", "lasts"), [(7, 7), (0, 0), (-1, 90), (401, 400)])
def test_until_the_events_last_day_unless_it_is_over(days: int, lasts: int) -> None:
    office = Office(
        replace(EVENT, retain_until=(TODAY + dt.timedelta(days)).isoformat()),
        MemoryLinkStore({}),
        MemoryPageFiles(),
        lambda token: None,
    )
    ends = office.links.create(EVENT.event_id, LinkSettings()).link.valid_until
    assert dt.datetime.fromtimestamp(ends - 1, dt.UTC).date() == TODAY + dt.timedelta(lasts)


# ------------------------------------------------------------------ the HTML


class Reading(HTMLParser):
    """What a browser makes of a page: elements, and the texts of some."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.append("")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1]:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data


NASTY = st.text(max_size=60) | st.sampled_from(
    ["</script><script>alert(1)</script>", "<!--", "__CONFIG__", '"><img src=x onerror=alert(1)>', "\u2028]]>", "\\"]
)


@given(name=NASTY, organiser=NASTY, consent=NASTY, locale=st.none() | NASTY, cover=st.none() | NASTY)
def test_nothing_that_an_operator_writes_gets_out_of_its_place(
    name: str, organiser: str, consent: str, locale: str | None, cover: str | None
) -> None:
    files = MemoryPageFiles({TEMPLATE: HTML.encode()})
    page = {
        "event_name": name,
        "organiser": organiser,
        "consent": {"version": "v", "text": consent},
        "locale": locale,
        "cover_image": cover,
    }
    link = LinkPage("run-0123456789", 1, 2, "fsp_token", page, "<svg/>", preview=True)
    html = rendered(files, HOSTS, link).decode()
    seen = Reading(html)
    assert [tag for tag, _ in seen.elements if tag not in ("meta", "link")] == [
        "html", "head", "title", "body", "script", "h1",
    ]  # fmt: skip
    assert json.loads(seen.texts["script"])["page"] == page
    assert token_in(html) == "fsp_token"
    assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)


def test_the_cover_is_shown_to_messengers_only_if_that_was_asked_for() -> None:
    files = MemoryPageFiles({TEMPLATE: HTML.encode()})
    page = {"event_name": "Run", "cover_image": "https://photos.example/imgs/2/large/a.jpg"}
    shown = [
        "og:image" in rendered(files, HOSTS, LinkPage("run-a", 1, 2, "fsp_", page, preview=preview)).decode()
        for preview in (False, True)
    ]
    assert shown == [False, True]


def test_the_policy_names_the_hosts_that_the_page_talks_to_and_no_others() -> None:
    assert HOSTS.policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https://photos.example "
        "blob: data:; connect-src 'self' https://photos.example https://api.example https://s3.example; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'"
    )
    foreign = replace(HOSTS, foreign_photos=True).policy
    assert "img-src 'self' https://photos.example https: blob: data:;" in foreign


def test_this_machine_has_two_names() -> None:
    hosts = PageHosts("http://127.0.0.1:8700", "http://127.0.0.1:8700")
    assert hosts.origins == ("http://127.0.0.1:8700", "http://localhost:8700")
    assert "img-src 'self' http://127.0.0.1:8700 http://localhost:8700 blob:" in hosts.policy
    assert HOSTS.origins == ("https://photos.example",)


@pytest.mark.parametrize(
    ("key", "kind", "caching"),
    [
        ("e/run-0123456789", "text/html; charset=utf-8", "public, max-age=60"),
        ("page/template.html", "text/html; charset=utf-8", "public, max-age=60"),
        ("page/v1/face-search.js", "text/javascript; charset=utf-8", "public, max-age=300"),
        ("page/0.1.0-abc/face-search.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("page/0.1.0-abc/assets/a-b.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
def test_files_are_of_their_kind_and_kept_as_long_as_they_stay_true(key: str, kind: str, caching: str) -> None:
    assert (type_of(key), caching_of(key)) == (kind, caching)


def test_a_file_in_s3_has_both(s3: "S3Client") -> None:
    s3.create_bucket(Bucket="renditions")
    S3PageFiles(s3, "renditions").put("page/v1/face-search.js", b"x")
    head = boto3.client("s3").head_object(Bucket="renditions", Key="page/v1/face-search.js")
    assert (head["ContentType"], head["CacheControl"]) == ("text/javascript; charset=utf-8", "public, max-age=300")


@pytest.mark.parametrize(
    "page",
    ["", "<html>", HTML, HTML.replace("__CONFIG__", "[]"), HTML.replace("__CONFIG__", "{}")],
)
def test_a_page_without_a_token(page: str) -> None:
    assert token_in(page) == ""
