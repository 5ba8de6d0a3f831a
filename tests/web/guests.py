"""A guest with a browser, and what goes wrong in it."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import ConsoleMessage, FilePayload, Locator, Page, Request, WebError, expect

from tests.integration.conftest import Site
from tests.web.browsers import Browsers
from tests.web.links import Link
from tests.web.scripts import POSTS

PHONE, LYING, DESKTOP = 390, 844, 1280
HEIGHTS = {PHONE: 844, LYING: 390, DESKTOP: 800}
PATIENCE = 60_000
"""Milliseconds for anything to happen, on a machine that is busy with other things."""
CALL = re.compile(r"/api/v1/ext/[0-9]+/event/[0-9]+/(.*)")
FOUND = re.compile("[0-9]+ photos? of you")
TILE = re.compile("^Photo [0-9]+ of [0-9]+")
UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

expect.set_options(timeout=PATIENCE)


class Guest:
    """Somebody with a browser of their own: its page, the requests that it has made, and whatever went wrong in it."""

    def __init__(
        self,
        site: Site,
        browsers: Browsers,
        *,
        camera: str = "me",
        width: int = PHONE,
        scheme: str = "light",
        motion: str = "no-preference",
        language: str = "en-GB",
        agent: str | None = None,
        scripts: Sequence[str] = (),
        zoom: int = 1,
        scripted: bool = True,
    ) -> None:
        """`scripts` run before the page's own; `zoom`: as large as the guest has set the page."""
        self.site = site
        is_phone = width <= LYING
        self.context = browsers.with_camera(camera).new_context(
            viewport={"width": width // zoom, "height": HEIGHTS.get(width, 800) // zoom},
            device_scale_factor=zoom,
            is_mobile=is_phone and zoom == 1,
            has_touch=is_phone,
            color_scheme=scheme,
            locale=language,
            user_agent=agent,
            reduced_motion=motion,
            java_script_enabled=scripted,
        )
        self.context.set_default_timeout(PATIENCE)
        self.posts: list[dict[str, str]] = []
        """The forms of the POSTs, files as base64."""
        self.context.expose_function("posted", self._posted)
        for script in (POSTS, *scripts):
            self.context.add_init_script(script)
        self.requests: list[Request] = []
        self.hosts = {urlsplit(site.stack.url).netloc, urlsplit(site.stack.endpoint_url).netloc}
        self.hosts.add(f"localhost:{urlsplit(site.stack.url).port}")
        self._expected: list[re.Pattern[str]] = []
        self._troubles: list[str] = []
        self.context.on("console", self._heard)
        self.context.on("weberror", self._failed)
        self.context.on("request", self._asked)
        self.page: Page = self.context.new_page()

    # ------------------------------------------------------------ what went wrong
    def expects(self, *troubles: str) -> None:
        """Patterns of what the test itself provokes: messages of the console, errors of the page."""
        self._expected += [re.compile(trouble) for trouble in troubles]

    @property
    def troubles(self) -> list[str]:
        """Messages of the console, violations of the CSP among them, errors of scripts, requests to third parties."""
        return [each for each in self._troubles if not any(expected.search(each) for expected in self._expected)]

    def _heard(self, message: ConsoleMessage) -> None:
        self._troubles.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _failed(self, error: WebError) -> None:
        self._troubles.append(f"script: {error.error}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        url = urlsplit(request.url)
        if url.scheme not in {"data", "blob"} and url.netloc not in self.hosts:
            self._troubles.append(f"third party: {request.url}")

    # ------------------------------------------------------------ what was asked
    def _posted(self, post: dict[str, str]) -> None:
        self.posts.append(post)

    @property
    def calls(self) -> Counter[str]:
        """How often each route of the API was asked, such as `GET faces/{id}`.

        Without `GET page`: once there are results, it may be asked whether photos still arrive.
        """
        calls = Counter(call for request in self.requests if (call := call_of(request)))
        del calls["GET page"]
        return calls

    def sent(self, call: str) -> list[Request]:
        return [request for request in self.requests if call_of(request) == call]

    # ------------------------------------------------------------ what is done
    def open(self, link: Link, query: str = "") -> None:
        self.page.goto(link.url + query)

    def agree(self) -> None:
        self.page.get_by_role("checkbox", name=re.compile("I agree")).check()

    def look_into_camera(self) -> None:
        self.button("Take a selfie").click()
        self.button("Take the picture").click()

    def choose(self, *files: Path | FilePayload) -> None:
        """Choose a file in place of the camera."""
        with self.page.expect_file_chooser() as chooser:
            self.button("Choose a photo").click()
        chooser.value.set_files(list(files))

    def send(self) -> None:
        self.button("Find my photos").click()

    def find(self, link: Link) -> None:
        """From the link to the results, by the camera."""
        self.open(link)
        self.agree()
        self.look_into_camera()
        self.send()
        expect(self.heading(FOUND)).to_be_visible()

    # ------------------------------------------------------------ what is seen
    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=name)

    @property
    def tiles(self) -> Locator:
        return self.page.get_by_role("button", name=TILE)

    @property
    def photos(self) -> list[str]:
        """The image_ids of the tiles in their order."""
        return [found[0] for tile in self.tiles.all() if (found := UUID.search(tile.inner_html()))]

    @property
    def request_id(self) -> str:
        """Of the search in the address."""
        return parse_qs(urlsplit(str(self.page.url)).query).get("r", [""])[0]

    def show(self, path: Path) -> None:
        """Keep a picture of the page, and beside it where it is and what it says."""
        self.page.screenshot(path=path, timeout=PATIENCE)
        said = [self.page.url, "", *self._troubles, "", *(f"{r.method} {r.url}" for r in self.requests)]
        path.with_suffix(".txt").write_text("\n".join(said) + "\n")

    def leave(self) -> None:
        self.context.close()


def call_of(request: Request) -> str:
    """The route of the API that a request asks; empty for everything else."""
    found = CALL.fullmatch(urlsplit(request.url).path)
    return f"{request.method} {UUID.sub('{id}', found[1])}" if found else ""
