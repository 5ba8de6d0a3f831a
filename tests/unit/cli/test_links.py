"""`facesearch link …` and `page publish`: what they print and write, and what a changed event does to its pages."""

import io
import json
import random
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesearch.admin import links
from facesearch.admin.page import check_build, rendered
from facesearch.errors import InvalidRequest
from facesearch.models import QuotaLimits
from facesearch_cli import qr
from facesearch_cli.commands.page import _unpacked
from tests.unit.cli.conftest import Command, Place

PAGE_URL = "https://photos.example"
TEMPLATE = (
    b'<html lang="__LANG__"><title>__TITLE__</title>__HEAD__<h1>__NAME__</h1>'
    b'<script type="module" src="/page/1.0.0-0a1b2c3d/face-search.js"></script>'
    b'<script type="application/json" id="face-search-config">__CONFIG__</script></html>'
)
BUILD = {
    "page/template.html": TEMPLATE,
    "page/gone.html": b"<h1>Gone</h1>",
    "page/v1/face-search.js": b'import "../1.0.0-0a1b2c3d/face-search.js";',
    "page/1.0.0-0a1b2c3d/face-search.js": b"export {};",
    "page/1.0.0-0a1b2c3d/assets/viewer-AbC_12-x.js": b"export {};",
}
CONFIG = re.compile('id="face-search-config">(.*?)</script>')


@pytest.fixture
def hosting(place: Place) -> Place:
    """A stack that shows pages."""
    place.have_all_stores()
    place.describe({"PageUrl": PAGE_URL})
    return place


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    for key, content in BUILD.items():
        (tmp_path / "dist" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "dist" / key).write_bytes(content)
    return tmp_path / "dist"


def page_of(place: Place, url: str) -> str:
    key = url.removeprefix(f"{PAGE_URL}/")
    return place.s3.get_object(Bucket="r-b", Key=key)["Body"].read().decode()


def config_of(place: Place, url: str) -> Any:
    (config,) = CONFIG.findall(page_of(place, url))
    return json.loads(config)


def archive_of(folder: Path, *members: tuple[str, bytes]) -> Path:
    path = folder / "build.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return path


class TestLinks:
    def test_a_new_links_token_opens_its_event_and_is_in_its_page_alone(
        self, hosting: Place, facesearch: Command
    ) -> None:
        options = ("--origin", "https://run.example/", "--no-originals", "--per-minute", 30, "--json")
        made = facesearch("link", "create", "--event", hosting.event_id, *options)
        assert "make web" in made.err
        assert made.json["url"] == f"{PAGE_URL}/e/10-km-{made.json['link_id']}"
        key = hosting.api_key(made.json["token"])
        assert key is not None
        assert key.token is not None
        assert (key.org_id, key.token.event_id, key.token.link_id) == (
            hosting.org_id, hosting.event_id, made.json["link_id"],
        )  # fmt: skip
        assert key.token.origins == (PAGE_URL, "https://run.example")
        assert (key.token.originals, key.token.quota) == (False, QuotaLimits(30, 15))
        assert config_of(hosting, made.json["url"])["token"] == made.json["token"]
        (row,) = facesearch("link", "list", "--org", hosting.org_id, "--json").json["links"]
        assert row == {name: value for name, value in made.json.items() if name != "token"}

    def test_rotate_refuses_the_old_token_and_keeps_the_address(self, hosting: Place, facesearch: Command) -> None:
        made = facesearch("link", "create", "--event", hosting.event_id, "--json").json
        rotated = facesearch("link", "rotate", made["url"], "--json").json
        assert rotated["url"] == made["url"]
        assert hosting.api_key(made["token"]) is None
        assert hosting.api_key(rotated["token"]) is not None
        assert config_of(hosting, made["url"])["token"] == rotated["token"]

    def test_off_ends_the_token_and_the_page_says_so(self, hosting: Place, facesearch: Command, dist: Path) -> None:
        facesearch("page", "publish", "--dist", dist)
        made = facesearch("link", "create", "--event", hosting.event_id, "--json").json
        assert facesearch("link", "off", made["link_id"], "--json").json["off"] is True
        assert hosting.api_key(made["token"]) is None
        assert page_of(hosting, made["url"]) == "<h1>Gone</h1>"
        assert facesearch("link", "rotate", made["link_id"]).failed("off for good")

    def test_links_that_ended_with_their_events_tokens_are_listed_so_until_they_are_rotated(
        self, hosting: Place, facesearch: Command
    ) -> None:
        old, other = (facesearch("link", "create", "--event", hosting.event_id, "--json").json for _ in range(2))
        assert old["ended"] is False
        facesearch("event", "update", hosting.event_id, "--end-tokens")
        facesearch("link", "rotate", other["link_id"])
        listed = facesearch("link", "list", "--org", hosting.org_id)
        states = {line.split()[0]: line.split()[4] for line in listed.out.splitlines()}
        assert states == {old["link_id"]: "ended", other["link_id"]: "until"}
        rows = facesearch("link", "list", "--org", hosting.org_id, "--json").json["links"]
        assert {row["link_id"]: row["ended"] for row in rows} == {old["link_id"]: True, other["link_id"]: False}
        assert facesearch("link", "off", old["link_id"], "--json").json["ended"] is True

    def test_a_link_whose_guests_could_use_up_the_organisations_quota_is_told(
        self, hosting: Place, facesearch: Command
    ) -> None:
        create = ("link", "create", "--event", hosting.event_id, "--json", "--per-minute")
        hosting.s3.put_object(Bucket="r-b", Key="page/template.html", Body=TEMPLATE)
        large, small = facesearch(*create, 600), facesearch(*create, 599)
        assert (large.err.count("\n"), small.err) == (1, "")
        assert f"quota, 600 a minute: {large.json['link_id']}." in large.err
        hosting.describe({"SearchQuotaPerMinute": "601"})
        assert facesearch(*create, 600).err == ""
        quota = ("quota", "set", "--org", hosting.org_id, "--burst", 9, "--per-minute")
        assert facesearch(*quota, 601).err == ""
        facesearch("link", "off", large.json["link_id"])
        told = facesearch(*quota, 599, "--json")
        assert told.json["quota"] == {"per_minute": 599, "burst": 9}
        assert small.json["link_id"] in told.err
        assert large.json["link_id"] not in told.err
        for _ in range(3):
            facesearch(*create, 599)
        assert "and 2 more. " in facesearch(*quota, 5).err

    def test_what_no_link_may_have_is_refused_in_a_line(self, hosting: Place, facesearch: Command) -> None:
        create = ("link", "create", "--event", hosting.event_id)
        assert facesearch(*create, "--origin", "run.example").failed("origin")
        assert facesearch(*create, "--until", "2001-01-01").failed("earliest")
        assert facesearch(*create, "--per-minute", 0).failed("a minute")
        assert facesearch("link", "create", "--event", 1).failed("no event 1")
        assert facesearch("link", "off", "nowhere").failed("no link nowhere")
        assert facesearch("link", "list", "--org", 999).failed("no organisation 999")
        assert facesearch("link", "list", "--org", hosting.org_id).err == (
            f"Organisation {hosting.org_id} has no links.\n"
        )

    def test_without_pages_there_is_a_token_and_no_address(self, place: Place, facesearch: Command) -> None:
        create = ("link", "create", "--event", place.event_id)
        made = facesearch(*create, "--origin", "https://run.example", "--json")
        assert "no CloudFront" in made.err
        assert made.json["url"] is None
        assert place.api_key(made.json["token"]) is not None
        assert facesearch(*create, "--svg", place.folder / "qr.svg").failed("deploy it with CloudFront")
        assert len(facesearch("link", "list", "--org", place.org_id, "--json").json["links"]) == 1

    def test_the_code_comes_as_files_and_on_a_sheet_that_needs_nothing_else(
        self, hosting: Place, facesearch: Command
    ) -> None:
        facesearch("event", "update", hosting.event_id, "--name", "<b>Run</b> & fun")
        svg, png, sheet = (hosting.folder / name for name in ("qr.svg", "qr.png", "sheet.html"))
        files = ("--svg", svg, "--png", png, "--sheet", sheet)
        made = facesearch("link", "create", "--event", hosting.event_id, *files)
        assert png.read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in svg.read_bytes()
        text = sheet.read_text()
        assert "<h1>&lt;b&gt;Run&lt;/b&gt; &amp; fun</h1>" in text
        assert made.out.strip() in text
        assert text.count("<li>") == 3
        assert not re.search(r"<script|<link|src=|url\(", text)

    @pytest.mark.parametrize(
        ("option", "file", "said"),
        [
            ("--png", "poster", "must end in .png"),
            ("--png", "poster.svg", "must end in .png"),
            ("--svg", "poster.png", "must end in .svg"),
            ("--svg", "nowhere/poster.svg", "no folder nowhere"),
            ("--sheet", "nowhere/sheet.html", "no folder nowhere"),
        ],
    )
    def test_a_file_that_cannot_be_written_is_refused_before_anything_changes(
        self, hosting: Place, facesearch: Command, option: str, file: str, said: str
    ) -> None:
        made = facesearch("link", "create", "--event", hosting.event_id, "--json").json
        assert facesearch("link", "create", "--event", hosting.event_id, option, file).failed(said)
        assert facesearch("link", "rotate", made["link_id"], option, file).failed(said)
        (link,) = facesearch("link", "list", "--org", hosting.org_id, "--json").json["links"]
        assert link["link_id"] == made["link_id"]
        assert hosting.api_key(made["token"]) is not None

    def test_a_terminal_is_shown_the_code(self) -> None:
        drawn = io.StringIO()
        qr.print_on(drawn, f"{PAGE_URL}/e/10-km-0123456789")
        assert len(drawn.getvalue().splitlines()) > 15


class TestPublishing:
    @pytest.mark.parametrize("packed", [False, True])
    def test_a_build_is_shown_and_links_that_were_there_before_show_it(
        self, hosting: Place, facesearch: Command, dist: Path, packed: bool
    ) -> None:
        made = facesearch("link", "create", "--event", hosting.event_id, "--json").json
        assert "not been published" in page_of(hosting, made["url"])
        members = [(f"./{key}", content) for key, content in BUILD.items()]
        source = ("--archive", archive_of(dist, *members)) if packed else ("--dist", dist)
        done = facesearch("page", "publish", *source, "--json")
        assert done.json == {"files": len(BUILD), "links": 1, "lost": [], "failed": []}
        assert set(BUILD) <= set(hosting.object_keys("r-b"))
        assert "<title>10 km</title>" in page_of(hosting, made["url"])
        assert config_of(hosting, made["url"])["token"] == made["token"]
        assert facesearch("link", "create", "--event", hosting.event_id).err == ""

    def test_a_link_that_is_changed_meanwhile_is_told_by_name_and_exit_code(
        self, hosting: Place, facesearch: Command, dist: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = [facesearch("link", "create", "--event", hosting.event_id, "--json").json for _ in range(2)]
        changed = min(each["link_id"] for each in made)

        def meanwhile(*arguments: Any) -> bytes:
            if changed in arguments[2].name:
                monkeypatch.setattr(links, "rendered", rendered)
                hosting.stack.container.links.rotate(changed)
            return rendered(*arguments)

        monkeypatch.setattr(links, "rendered", meanwhile)
        done = facesearch("page", "publish", "--dist", dist, "--json")
        assert (done.code, done.json["links"], len(done.json["failed"])) == (1, 1, 1)
        assert changed in done.err

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("../../etc/passwd", "does not belong"),
            ("page/../e/somebodys-link", "does not belong"),
            ("/page/x.js", "does not belong"),
            ("e/somebodys-link", "does not belong"),
            ("imgs/1/large/a.jpg", "does not belong"),
            ("page/1.0.0-0a1b2c3d/huge.js", "more than any file"),
        ],
    )
    def test_what_is_no_part_of_a_build_is_refused_and_nothing_is_uploaded(
        self, hosting: Place, facesearch: Command, tmp_path: Path, name: str, said: str
    ) -> None:
        content = bytes(2_000_001) if "huge" in name else b"x"
        archive = archive_of(tmp_path, *BUILD.items(), (name, content))
        assert facesearch("page", "publish", "--archive", archive).failed(said)
        assert hosting.object_keys("r-b") == []

    @pytest.mark.parametrize("linked", ["page/v1/password.txt", "page"])
    def test_a_link_in_a_folder_is_refused_and_nothing_is_uploaded(
        self, hosting: Place, facesearch: Command, dist: Path, linked: str
    ) -> None:
        elsewhere = dist / "elsewhere"
        if (dist / linked).is_dir():
            (dist / linked).rename(elsewhere)
        else:
            elsewhere.write_text("a password")
        (dist / linked).symlink_to(elsewhere)
        assert facesearch("page", "publish", "--dist", dist).failed("is a link")
        assert hosting.object_keys("r-b") == []

    def test_a_folder_that_is_itself_named_by_a_link_is_published(
        self, hosting: Place, facesearch: Command, dist: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "newest").symlink_to(dist)
        assert facesearch("page", "publish", "--dist", tmp_path / "newest").code == 0
        assert set(BUILD) <= set(hosting.object_keys("r-b"))

    def test_an_archive_of_any_number_of_files_is_refused(
        self, hosting: Place, facesearch: Command, tmp_path: Path
    ) -> None:
        for count, said in ((500, "no build"), (1_001, "too many files")):
            more = [(f"page/1.0.0-0a1b2c3d/{number}.js", b"") for number in range(count)]
            archive = archive_of(tmp_path, *BUILD.items(), *more)
            assert facesearch("page", "publish", "--archive", archive).failed(said)
        assert hosting.object_keys("r-b") == []

    @pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
    def test_an_archive_whose_header_claims_any_number_of_bytes_is_refused(
        self, hosting: Place, facesearch: Command, tmp_path: Path, form: int
    ) -> None:
        path = tmp_path / "build.tar.gz"
        with tarfile.open(path, "w:gz", format=form) as packed:
            for name, content in BUILD.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                packed.addfile(member, io.BytesIO(content))
            packed.addfile(tarfile.TarInfo("x" * 21_000_000))
        assert facesearch("page", "publish", "--archive", path).failed("unpacks to more")
        assert hosting.object_keys("r-b") == []

    def test_a_sparse_file_takes_no_room(self, tmp_path: Path) -> None:
        member = tarfile.TarInfo("page/1.0.0-0a1b2c3d/huge.js")
        member.pax_headers = {
            "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,0", "GNU.sparse.size": "1999999",
        }  # fmt: skip
        path = tmp_path / "build.tar.gz"
        with tarfile.open(path, "w:gz") as packed:
            packed.addfile(member)
        assert list(_unpacked(path)) == []

    @pytest.mark.parametrize("damage", [lambda whole: whole[:-3], lambda whole: whole[:-8] + bytes(8)])
    def test_an_archive_that_is_damaged_at_its_end_is_refused(
        self, hosting: Place, facesearch: Command, tmp_path: Path, damage: Callable[[bytes], bytes]
    ) -> None:
        large = ("page/1.0.0-0a1b2c3d/large.txt", random.Random(1).randbytes(300_000))
        archive = archive_of(tmp_path, *BUILD.items(), large)
        archive.write_bytes(damage(archive.read_bytes()))
        assert facesearch("page", "publish", "--archive", archive).failed("no .tar.gz")
        assert hosting.object_keys("r-b") == []

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"page/template.html": None}, "no page/template.html"),
            ({"page/gone.html": None}, "no page/gone.html"),
            ({"page/v1/face-search.js": None}, "no page/v1/face-search.js"),
            ({"page/1.0.0-0a1b2c3d/face-search.js": None}, "'/page/1.0.0-0a1b2c3d/face-search.js'"),
            ({"page/template.html": b"hello", "page/gone.html": b"hello"}, "__LANG__"),
            *(({"page/template.html": TEMPLATE.replace(b"__%b__" % place, b"")}, f"__{place.decode()}__")
              for place in (b"LANG", b"TITLE", b"HEAD", b"CONFIG", b"NAME")),
            ({"page/template.html": TEMPLATE.replace(b"face-search-config", b"config")}, "face-search-config"),
            ({"page/template.html": TEMPLATE.replace(b'<script type="module" src', b"<b id")}, "names no script"),
            ({"page/template.html": TEMPLATE + b'<script src="face-search.js"></script>'}, "'face-search.js'"),
            ({"page/template.html": TEMPLATE + b'<link rel=modulepreload href="/page/a.js">'}, "'/page/a.js'"),
            ({"page/template.html": TEMPLATE + b'<link rel="Stylesheet" href="/page/a.css">'}, "'/page/a.css'"),
            ({"page/gone.html": b'<link rel="stylesheet" href="/page/a.css">'}, "page/gone.html names '/page/a.css'"),
            ({"page/template.html": TEMPLATE + bytes(100_000)}, "100,000 are the most"),
            ({"page/template.html": TEMPLATE + b"\xff"}, "UTF-8"),
        ],
        ids=str,
    )  # fmt: skip
    def test_a_build_by_which_no_page_would_work_is_none(self, changes: dict[str, bytes | None], said: str) -> None:
        build = {key: content for key, content in (BUILD | changes).items() if content is not None}
        with pytest.raises(InvalidRequest, match=re.escape(said)):
            check_build(build)

    def test_what_is_no_build_is_refused_before_anything_is_uploaded(
        self, hosting: Place, facesearch: Command, tmp_path: Path
    ) -> None:
        pages = ("page/template.html", TEMPLATE), ("page/gone.html", b"")
        for members in ((), pages):
            assert facesearch("page", "publish", "--archive", archive_of(tmp_path, *members)).failed("no build")
        assert hosting.object_keys("r-b") == []

    def test_what_cannot_be_published_says_what_to_do(self, place: Place, facesearch: Command, dist: Path) -> None:
        assert facesearch("page", "publish").failed("make web")
        (dist / "broken.tar.gz").write_bytes(b"no archive")
        assert facesearch("page", "publish", "--archive", dist / "broken.tar.gz").failed("no .tar.gz")
        assert facesearch("page", "publish", "--dist", dist).failed("CloudFront")


class TestAChangedEvent:
    def test_its_links_show_it_at_once(self, hosting: Place, facesearch: Command, dist: Path) -> None:
        facesearch("page", "publish", "--dist", dist)
        made = facesearch("link", "create", "--event", hosting.event_id, "--json").json
        facesearch("event", "update", hosting.event_id, "--name", "Half marathon", "--organiser", "Lakeside Runners")
        assert "<title>Half marathon</title>" in page_of(hosting, made["url"])
        config = config_of(hosting, made["url"])
        assert config["page"]["organiser"] == "Lakeside Runners"
        assert (config["token"], config["link"]) == (made["token"], f"10-km-{made['link_id']}")

    @pytest.mark.parametrize(
        ("trouble", "said"),
        [
            (lambda place, url: place.s3.delete_object(Bucket="r-b", Key=url.removeprefix(f"{PAGE_URL}/")), "rotate"),
            (lambda place, _: place.describe({"RenditionsBucket": "gone"}), "same command again"),
        ],
    )
    def test_a_page_that_cannot_follow_is_told_and_the_change_holds(
        self, hosting: Place, facesearch: Command, trouble: Callable[[Place, str], object], said: str
    ) -> None:
        url = facesearch("link", "create", "--event", hosting.event_id, "--json").json["url"]
        trouble(hosting, url)
        done = facesearch("event", "update", hosting.event_id, "--name", "Half marathon")
        assert done.code == 0
        assert said in done.err
        assert hosting.stack.event(hosting.event_id).name == "Half marathon"

    def test_a_deleted_event_takes_its_links_along(self, hosting: Place, facesearch: Command) -> None:
        made = facesearch("link", "create", "--event", hosting.event_id, "--json").json
        receipt = facesearch("event", "delete", hosting.event_id, "--yes", "--json").json
        assert (receipt["deleted"]["links"], receipt["left"]["links"]) == (1, 0)
        assert hosting.api_key(made["token"]) is None
        assert hosting.object_keys("r-b") == []
        assert facesearch("link", "list", "--org", hosting.org_id, "--json").json == {"links": []}
