"""`make demo`: the product's story on real photos, each step checked; exits with 1 if anything is not as promised."""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from facesearch_cli import interrupts
from facesearch_cli.call import call
from facesearch_cli.errors import CommandError
from facesearch_client import ClientError, FaceSearchClient, FaceSearchResponse
from facesearch_local import LocalStackError, running
from tools import runner
from tools.bench.metrics import counted

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local" / "demo"
"""Not the folder of `make serve`: both can run at once."""

SAMPLES = ROOT / ".cache" / "assets" / "samples"
EVERYBODY = {"obama": "Barack Obama", "biden": "Joe Biden", "astronaut": "Eileen Collins, astronaut"}
"""Who is on the sample photos, by what their file names begin with."""

SELFIES = {"obama": "obama2.jpg", "biden": "biden.jpg", "astronaut": "astronaut.png"}
LOG_SECONDS = 10


class DemoError(Exception):
    """Something is not as the demo promises."""


class Story:
    """Prints what happens, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """A new step."""
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    @staticmethod
    def detail(text: str) -> None:
        """More about the step."""
        print(f"          {text}", flush=True)


class Demo:
    """The story, told against a running stack."""

    def __init__(self, url: str, story: Story) -> None:
        self._url = url
        self._story = story
        self._org_id = self._event_id = 0
        self._api_key = ""
        self._files: dict[str, str] = {}
        """File name by image_id."""

    def tell(self) -> None:
        """All of it.

        Raises:
            DemoError: a promise is broken.
        """
        self._set_up()
        self._upload()
        with FaceSearchClient(self._url, self._api_key, self._org_id, transport=httpx.HTTPTransport()) as client:
            first = self._search()
            self._page_two(client, first)
            self._replay(client, first)
            self._everybody(client)
            self._race(client)
        self._rendition(first["data"]["images"][0]["thumbnail_url"])

    def _facesearch(self, *arguments: object) -> Any:
        self._story.detail(f"$ facesearch {shlex.join(map(_shown, arguments))}")
        return call(STATE, *arguments)

    def _set_up(self) -> None:
        self._story.step("The operator creates an organisation, an API key and an event on the command line")
        self._org_id = self._facesearch("org", "create", "Demo")["org_id"]
        self._api_key = self._facesearch("key", "create", "--org", self._org_id)["api_key"]
        self._event_id = self._facesearch("event", "create", "White House 10 km", "--org", self._org_id)["event_id"]

    def _upload(self) -> None:
        self._story.step("The photographer uploads; each photo is indexed by itself")
        began = time.monotonic()
        report = self._facesearch("photos", "upload", SAMPLES, "--event", self._event_id, "--wait")
        photos = report["photos"]
        self._files = {photo["image_id"]: photo["file"] for photo in photos}
        faces = sum(photo["faces"] for photo in photos)
        self._story.detail(f"{len(photos)} photos with {faces} faces indexed in {time.monotonic() - began:.1f} s")
        _check(not report["failed"], f"photos failed: {report['failed']}")
        _check(report["indexed"] == len(photos) > 0, "not every photo was indexed")

    def _search(self) -> Any:
        selfie = SELFIES["obama"]
        address = f"{self._url}/api/v1/ext/{self._org_id}/event/{self._event_id}/faces?page=1&page_size=32"
        self._story.step("A guest searches with a selfie, as in the documentation")
        self._story.detail(f'$ curl -H "X-API-Key: …" -F "file=@{selfie}" "{address}"')
        began = time.monotonic()
        with httpx.Client(transport=httpx.HTTPTransport(), timeout=35) as http:
            response = http.post(
                address, headers={"X-API-Key": self._api_key}, files={"file": (SAMPLES / selfie).read_bytes()}
            )
        _check(response.status_code == 200, f"the search responded with {response.status_code}: {response.text}")
        body = response.json()
        data = body["data"]
        self._story.detail(
            f"{data['pagination']['total']} photos at confidence {data['confidence_percentage']} "
            f"in {time.monotonic() - began:.2f} s, request_id {data['request_id']}:"
        )
        for image in data["images"]:
            self._show(image)
        _check(data["images"], "the selfie found no photo")
        return body

    def _page_two(self, client: FaceSearchClient, first: Any) -> None:
        self._story.step("Page 2 of the same search, two photos a page, without the selfie")
        began = time.monotonic()
        page = client.results(self._event_id, first["data"]["request_id"], page=2, page_size=2)
        self._story.detail(f"GET …/faces/{page.request_id}?page=2&page_size=2 in {time.monotonic() - began:.2f} s:")
        for image in page.images:
            self._show(image)
        _check(page.images == first["data"]["images"][2:4], "page 2 is not the third and fourth photo of the search")

    def _replay(self, client: FaceSearchClient, first: Any) -> None:
        self._story.step("The network failed: the site sends the same request_id again")
        _until(lambda: self._counted("SearchExecuted") >= 1, "SearchExecuted never reached the log")
        executed, replayed = self._counted("SearchExecuted"), self._counted("SearchReplayed")
        began = time.monotonic()
        again = client.search(self._event_id, SAMPLES / SELFIES["obama"], first["data"]["request_id"])
        seconds = time.monotonic() - began
        _check(again.replayed, "the second POST does not say `Idempotent-Replayed: true`")
        _check(again.body == first, "the second POST returned another body")
        _until(lambda: self._counted("SearchReplayed") > replayed, "SearchReplayed was not counted")
        _check(self._counted("SearchExecuted") == executed, "a second match ran")
        self._story.detail(
            f"the same response in {seconds:.2f} s with `Idempotent-Replayed: true`; "
            f"matches run before and after: {executed} and {self._counted('SearchExecuted')}"
        )

    def _everybody(self, client: FaceSearchClient) -> None:
        self._story.step("Everybody gets their own photos and nobody else's")
        for prefix, name in EVERYBODY.items():
            response = client.search(self._event_id, SAMPLES / SELFIES[prefix], page_size=100)
            found = sorted(self._file_of(image["image_id"]) for image in response.images)
            theirs = sorted(file for file in self._files.values() if file.startswith(prefix))
            _check(_is_whole(response), "more photos than the page holds")
            _check(found == theirs, f"{name}: found {found}, but the photos are {theirs}")
            self._story.detail(f"{name}: {', '.join(found)}")

    def _race(self, client: FaceSearchClient) -> None:
        self._story.step("A race: the numbers that runners wear are read, too")
        event_id = self._facesearch("event", "create", "Lakeside 5 km", "--org", self._org_id, "--bib-search", "on")[
            "event_id"
        ]
        facing, away = (photo.name for photo in runner.draw(SAMPLES, STATE / "race"))
        report = self._facesearch("photos", "upload", STATE / "race", "--event", event_id, "--wait")
        self._files |= {photo["image_id"]: photo["file"] for photo in report["photos"]}
        _check(report["indexed"] == 2, "not every photo of the race was indexed")
        self._story.detail(f"GET …/bibs/{runner.BIB}:")
        shown = [image for page in client.bib_images(event_id, runner.BIB) for image in page.data["images"]]
        for image in shown:
            self._show(image)
        _check(sorted(self._named(shown)) == [facing, away], f"bib {runner.BIB} was not read in both photos")
        selfie = SAMPLES / runner.SAMPLE
        alone, both = client.search(event_id, selfie), client.search(event_id, selfie, bib=runner.BIB)
        _check(self._named(alone.images) == [facing], "the selfie alone found more than the photo with the face")
        found = [(self._file_of(image["image_id"]), image.get("matched_by")) for image in both.images]
        _check(found == [(facing, "face"), (away, "bib")], f"selfie and bib together found {found}")
        self._story.detail(f"a selfie finds {facing}; with the bib it finds {away} as well")

    def _named(self, images: Sequence[Any]) -> list[str]:
        return [self._file_of(image["image_id"]) for image in images]

    def _rendition(self, url: str) -> None:
        with httpx.Client(transport=httpx.HTTPTransport(), timeout=10) as http:
            response = http.get(url)
        is_jpeg = response.status_code == 200 and response.content.startswith(b"\xff\xd8\xff")
        _check(is_jpeg, f"{url} responded with {response.status_code} and no JPEG")
        self._story.step(f"A thumbnail, as a guest's browser loads it: {len(response.content)} bytes of JPEG")
        self._story.detail(url)

    def _show(self, image: Any) -> None:
        size = f"{image['width']} x {image['height']}"
        self._story.detail(f"  {self._file_of(image['image_id']):<26} {size:>12}  {image['image_id']}")

    def _file_of(self, image_id: str) -> str:
        return self._files.get(image_id, f"unknown photo {image_id}")

    @staticmethod
    def _counted(name: str) -> int:
        return counted(STATE / "logs", name)


def _shown(argument: object) -> str:
    if isinstance(argument, Path) and argument.is_relative_to(ROOT):
        return str(argument.relative_to(ROOT))
    return str(argument)


def _check(holds: object, otherwise: str) -> None:
    if not holds:
        raise DemoError(otherwise)


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    """Logs are written by other processes: give them a moment."""
    end = time.monotonic() + LOG_SECONDS
    while not holds():
        _check(time.monotonic() < end, otherwise)
        time.sleep(0.05)


def _is_whole(response: FaceSearchResponse) -> bool:
    return response.pagination["total"] == len(response.images)


def main() -> int:
    """Run the demo; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("--store", choices=("ministack", "moto"), default="ministack", help="what stands in for AWS")
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 = any free one")
    options = parser.parse_args()
    story = Story()
    try:
        if not SAMPLES.is_dir():
            raise DemoError(f"there are no sample photos in {_shown(SAMPLES)}; fetch them with: make assets")
        story.step(f"Starting the local stack (the real functions; {options.store} in place of AWS)")
        with running(state=STATE, port=options.port, store=options.store) as stack:
            story.step(f"The API is running at {stack.url}; logs are in {_shown(STATE / 'logs')}")
            Demo(stack.url, story).tell()
            story.step("Done; stopping the stack")
    except (DemoError, CommandError, LocalStackError, ClientError, httpx.HTTPError, OSError) as error:
        print(f"The demo failed: {error}\nThe functions' logs are in {_shown(STATE / 'logs')}.", file=sys.stderr)
        return 1
    page = "make serve" if stack.description.get("page_is_built") else "make web serve"
    print(
        "\nEverything is as promised. Where to go next:\n"
        "  make serve               keep a stack running, and use .venv/bin/facesearch and curl on your own photos\n"
        f"  {page:<25}the guests' page: open its address in a browser, or scan its QR code\n"
        "  make test                the tests\n"
        "  docs/README.md           the API, deployment to AWS, how it works"
    )
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
