"""The guests' page as files: where they lie, and how a link's HTML is made of the template that a build brings.

A link's HTML file is all that a guest needs before the selfie is sent: event, consent, token. The table has only the
token's digest; the token itself is in this file, which everybody with the address may read.
"""

import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Protocol
from urllib.parse import urlsplit

from facesearch.errors import InvalidRequest

LINK_PREFIX, BUILD_PREFIX = "e/", "page/"
TEMPLATE, GONE = "page/template.html", "page/gone.html"
ELEMENT = "page/v1/face-search.js"
"""The script that other sites name; it leads to the newest build."""
MAX_PAGE_BYTES = 200_000
"""Of an HTML file: 5 KB of template, 6 KB of QR, 1,000 characters of consent."""

_UNPUBLISHED = """\
<!doctype html>
<html lang="__LANG__">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>__TITLE__</title>
__HEAD__
<script type="application/json" id="face-search-config">__CONFIG__</script>
<h1>__NAME__</h1>
<p>This page has not been published yet. Please come back later.</p>
</html>
"""
"""Until somebody runs `facesearch page publish`, which renders all links anew, a link's file keeps its token so."""
_UNPUBLISHED_GONE = "<!doctype html>\n<title>Gone</title>\n<h1>This link is no longer valid.</h1>\n"
_CONFIG = re.compile(r'<script type="application/json" id="face-search-config">(.*?)</script>', re.DOTALL)
_FILLED = ("LANG", "TITLE", "HEAD", "CONFIG", "NAME")
_PLACEHOLDER = re.compile(f"__({'|'.join(_FILLED)})__")
_LOOPBACKS = ("127.0.0.1", "localhost")
"""Names of one host, and so of one local stack, whose origins are two to a browser."""


class PageFiles(Protocol):
    """The bucket that pages are shown from. What a key begins with tells how long browsers may keep the file."""

    def read(self, key: str) -> str:
        """A text file; empty if it is not there, or has more than `MAX_PAGE_BYTES`."""

    def put(self, key: str, content: bytes) -> None:
        """Show a file, in the place of one that is there."""

    def delete(self, keys: Iterable[str]) -> None:
        """Delete files; some may be gone already."""


@dataclass(frozen=True)
class PageHosts:
    """Whom a page talks to: base URLs without a slash at the end.

    Attributes:
        page: of the host that shows pages and renditions.
        api: of the API.
        stores: origins that originals come from, and large selfies go to.
        foreign_photos: whether renditions are another API's, on hosts that nobody here knows.
    """

    page: str
    api: str
    stores: tuple[str, ...] = ()
    foreign_photos: bool = False

    def url(self, name: str) -> str:
        """The address of a link."""
        return f"{self.page}/{LINK_PREFIX}{name}"

    @property
    def origins(self) -> tuple[str, ...]:
        """The page's own, and the same host by its other name if it is this machine."""
        own = origin_of(self.page)
        names = [own, *(own.replace(a, b) for a, b in (_LOOPBACKS, _LOOPBACKS[::-1]) if urlsplit(own).hostname == a)]
        return tuple(dict.fromkeys(names))

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of a page; what only a header can say is in the template's `PageHeaders`.

        The page's host is named beside 'self', for it shows the photos also to a page at its other name: CloudFront's
        own beside a domain, localhost beside 127.0.0.1.
        """
        calls = dict.fromkeys(["'self'", *self.origins, origin_of(self.api), *self.stores])
        photos = "https:" if self.foreign_photos else ""
        directives = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": f"'self' {' '.join(self.origins)} {photos} blob: data:",
            "connect-src": f"{' '.join(calls)} {photos}",
            "worker-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        return "; ".join(" ".join([name, *sources.split()]) for name, sources in directives.items())


@dataclass(frozen=True)
class LinkPage:
    """What is in a link's HTML beside the template.

    Attributes:
        page: what `GET …/page` says, as JSON has it.
        qr: of the link's own address, an SVG element; empty = none.
        preview: whether the event's cover is shown by messengers that are sent the address.
    """

    name: str
    org_id: int
    event_id: int
    token: str
    page: Mapping[str, Any]
    qr: str = ""
    preview: bool = False


def origin_of(url: str) -> str:
    """Scheme and host of a URL, as browsers send them in `Origin`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def page_key(name: str) -> str:
    """S3 key of a link's HTML, and the path of its address."""
    return f"{LINK_PREFIX}{name}"


def rendered(files: PageFiles, hosts: PageHosts, link: LinkPage) -> bytes:
    """The HTML of a link, by the template that was published last."""
    config = {
        "api": hosts.api,
        "org": link.org_id,
        "event": link.event_id,
        "token": link.token,
        "link": link.name,
        "page": link.page,
        "qr": link.qr,
    }
    name = html.escape(link.page["event_name"])
    values = {
        "LANG": html.escape(link.page.get("locale") or "en"),
        "TITLE": name,
        "NAME": name,
        "HEAD": "\n".join(_head(hosts, link)),
        "CONFIG": _json_in_html(config),
    }
    # In one pass: what is put in may itself contain the name of a placeholder.
    return _PLACEHOLDER.sub(lambda found: values[found[1]], files.read(TEMPLATE) or _UNPUBLISHED).encode()


def gone(files: PageFiles) -> bytes:
    """The HTML in the place of a link that is no longer valid."""
    return (files.read(GONE) or _UNPUBLISHED_GONE).encode()


def check_build(build: Mapping[str, bytes]) -> None:
    """See that every link's page works by this build, its files by their keys.

    Raises:
        InvalidRequest: a file is missing, or the template lacks a place for what is put into it.
    """
    for key in (TEMPLATE, GONE, ELEMENT):
        if key not in build:
            raise InvalidRequest(f"It has no {key}.")
    template, gone_page = _text(TEMPLATE, build[TEMPLATE]), _text(GONE, build[GONE])
    for place in _FILLED:
        if f"__{place}__" not in template:
            raise InvalidRequest(f"{TEMPLATE} lacks __{place}__.")
    if token_in(template.replace("__CONFIG__", '{"token": "fsp_"}')) != "fsp_":
        raise InvalidRequest(f"{TEMPLATE} has __CONFIG__ elsewhere than in the face-search-config.")
    named = {key: _Assets(page) for key, page in ((TEMPLATE, template), (GONE, gone_page))}
    if not named[TEMPLATE].scripts:
        raise InvalidRequest(f"{TEMPLATE} names no script.")
    for key, assets in named.items():
        for address in assets.scripts + assets.links:
            if address.removeprefix("/") not in build or not address.startswith(f"/{BUILD_PREFIX}"):
                raise InvalidRequest(f"{key} names {address!r}, which is not in it.")


class _Assets(HTMLParser):
    """The scripts that a page names, and the styles and modules that it links to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "script" and "src" in named:
            self.scripts.append(named["src"])
        if tag == "link" and {"stylesheet", "modulepreload"} & set(named.get("rel", "").lower().split()):
            self.links.append(named.get("href", ""))


def _text(key: str, content: bytes) -> str:
    """Half of what a page may have is left for what is put into it: `PageFiles` reads no page beyond the whole."""
    if len(content) > MAX_PAGE_BYTES // 2:
        raise InvalidRequest(f"{key} has {len(content):,} bytes; {MAX_PAGE_BYTES // 2:,} are the most.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"{key} is no text in UTF-8.") from None


def token_in(page: str) -> str:
    """The token that a link's HTML holds; empty if it holds none."""
    found = _CONFIG.search(page)
    try:
        return str(json.loads(found[1])["token"]) if found else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _head(hosts: PageHosts, link: LinkPage) -> Iterable[str]:
    yield _meta("http-equiv", "Content-Security-Policy", hosts.policy)
    yield _meta("property", "og:type", "website")
    yield _meta("property", "og:title", link.page["event_name"])
    yield _meta("property", "og:url", hosts.url(link.name))
    cover = link.page.get("cover_image")
    if cover and link.preview:  # else whoever is sent the address would show a photo of somebody
        yield _meta("property", "og:image", cover)
    if origin_of(hosts.api) != origin_of(hosts.page):
        yield f'<link rel="preconnect" href="{html.escape(origin_of(hosts.api))}" crossorigin>'
    if cover:
        yield f'<link rel="preload" as="image" href="{html.escape(cover)}" fetchpriority="high">'


def _meta(kind: str, name: str, content: str) -> str:
    return f'<meta {kind}="{name}" content="{html.escape(content)}">'


def _json_in_html(value: Any) -> str:
    """JSON that no `</script>` and no comment in it can end."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
