"""The command line as its user meets it: JSON alone on stdout, one line on stderr, exit codes."""

import json
import os
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from facesearch.models import GuestPage, UpstreamEvent
from facesearch_cli.app import main
from facesearch_cli.stack import NOT_RUNNING, STACK_FILE_VARIABLE
from tests.support.aws import TABLE
from tests.unit.cli.conftest import BUCKET, JPEG, Command, Ended, Place
from tests.unit.client.fakes import body_of


class TestOrganisationsKeysEvents:
    def test_what_is_created_works_together(self, place: Place, facesearch: Command) -> None:
        org_id = facesearch("org", "create", "Club", "--json").json["org_id"]
        key = facesearch("key", "create", "--org", org_id, "--json").json
        event_id = facesearch("event", "create", "Gala", "--org", org_id, "--confidence", 80, "--json").json["event_id"]
        known, event = place.api_key(key["api_key"]), place.stack.event(event_id)
        assert known is not None
        assert (known.key_id, known.org_id) == (key["key_id"], org_id)
        assert (event.org_id, event.name, event.confidence) == (org_id, "Gala", 80)

    def test_an_update_changes_only_what_was_given(self, place: Place, facesearch: Command) -> None:
        update = ("event", "update", place.event_id, "--json")
        off = facesearch(*update, "--selfie-search", "off").json
        assert (off["event_id"], off["selfie_search"], off["confidence"]) == (place.event_id, False, 90)
        surer = facesearch(*update, "--confidence", 99).json
        assert surer == off | {"confidence": 99}
        moved = {"event_date": "2026-05-01T00:00:00", "event_name": "Half marathon", "event_slug": "half-marathon"}
        assert facesearch(*update, "--date", "2026-05-01", "--name", "Half marathon").json == surer | moved
        (listed,) = facesearch("event", "list", "--org", place.org_id, "--json").json["events"]
        assert listed.items() >= moved.items()

    def test_what_guests_see_is_chosen_kept_and_taken_back(self, place: Place, facesearch: Command) -> None:
        update = ("event", "update", place.event_id)
        (place.folder / "consent.txt").write_text("A parent agrees for a child.\n", encoding="utf-8")
        chosen = ("--organiser", "Runners", "--privacy-url", "https://run.example/privacy", "--accent", "#0B6E4F")
        shown = facesearch(*update, *chosen, "--consent-text", "consent.txt", "--json").json["guest_page"]
        page = place.stack.event(place.event_id).guest_page
        assert shown == {
            "organiser": "Runners", "privacy_url": "https://run.example/privacy",
            "consent_version": page.consent_version, "consent_text": "A parent agrees for a child.",
            "locale": None, "accent": "#0b6e4f", "photos_complete": False,
        }  # fmt: skip
        assert page.consent_version not in {"", page.STANDARD_CONSENT}
        more = facesearch(*update, "--locale", "de", "--photos-complete", "on", "--consent-text", "", "--json")
        changes = {"locale": "de", "photos_complete": True, "consent_text": None, "consent_version": "standard-1"}
        assert more.json["guest_page"] == shown | changes
        said = facesearch(*update, "--consent", "off", "--organiser", "").out
        line = "privacy https://run.example/privacy, locale de, accent #0b6e4f, consent off, photos complete on"
        assert said.endswith(f"Guests' page: {line}\n")
        assert place.stack.event(place.event_id).guest_page.consent_version == ""

    def test_what_guests_cannot_be_shown_is_refused(self, place: Place, facesearch: Command) -> None:
        (place.folder / "empty.txt").write_bytes(b" \n")
        (place.folder / "latin.txt").write_bytes(b"\xe4")
        for words, said in (
            (("--privacy-url", "http://a.example"), "https://"),
            (("--accent", "#ffff00"), "too pale"),
            (("--consent-text", "none.txt"), "cannot be read"),
            (("--consent-text", "empty.txt"), "is empty"),
            (("--consent-text", "latin.txt"), "UTF-8"),
        ):
            assert facesearch("event", "update", place.event_id, *words).failed(said)
        assert place.stack.event(place.event_id).guest_page == GuestPage()

    def test_tokens_that_were_made_before_are_ended(self, place: Place, facesearch: Command) -> None:
        before = time.time_ns() // 1000
        ended = facesearch("event", "update", place.event_id, "--end-tokens")
        assert "have ended" in ended.err
        assert before <= place.stack.event(place.event_id).tokens_since <= time.time_ns() // 1000

    def test_an_event_of_the_upstream_is_searched_there(self, place: Place, facesearch: Command) -> None:
        update = ("event", "update", place.event_id, "--json", "--upstream")
        assert facesearch(*update, "12/34").failed("upstream engine only")
        place.describe({"Engine": "upstream"})
        assert facesearch(*update, "12/34").json["upstream"] == "12/34"
        assert place.stack.event(place.event_id).upstream == UpstreamEvent(12, 34)
        assert "ORG/EVENT" in facesearch(*update, "12").err
        assert facesearch(*update, "").json["upstream"] is None

    def test_keys_are_listed_switched_and_deleted_at_once(self, place: Place, facesearch: Command) -> None:
        org = ("--org", place.org_id, "--json")
        made = facesearch("key", "create", *org, "--scope", "read", "--expires-in-days", 30).json
        rows = {row["key_id"]: row for row in facesearch("key", "list", *org).json["keys"]}
        row = rows[made["key_id"]]
        assert (len(rows), row["api_key"], row["scopes"]) == (2, made["api_key"][:5] + "***", ["read"])
        assert row["expires_at"] is not None
        for command, active in (("deactivate", False), ("activate", True)):
            assert facesearch("key", command, made["key_id"], *org).json == {"key_id": made["key_id"], "active": active}
            key = place.api_key(made["api_key"])
            assert key is not None
            assert key.active is active
        assert facesearch("key", "delete", made["key_id"], *org).json == {"key_id": made["key_id"], "deleted": True}
        assert place.api_key(made["api_key"]) is None
        assert len(facesearch("key", "list", *org).json["keys"]) == 1

    def test_a_quota_is_set_shown_and_reset(self, place: Place, facesearch: Command) -> None:
        quota = {"per_minute": 60, "burst": 3}
        set_ = facesearch("quota", "set", "--org", place.org_id, "--per-minute", 60, "--burst", 3, "--json")
        assert set_.json == {"org_id": place.org_id, "quota": quota}
        shown = facesearch("org", "show", place.org_id, "--json").json
        assert shown == {"org_id": place.org_id, "name": "Runners", "keys": 1, "events": 1, "quota": quota}
        assert facesearch("quota", "reset", "--org", place.org_id, "--json").json["quota"] is None
        assert facesearch("org", "show", place.org_id, "--json").json["quota"] is None

    def test_webhook_secrets_are_shown_once_listed_without_and_deleted(self, place: Place, facesearch: Command) -> None:
        org = ("--org", place.org_id, "--json")
        first, second = (facesearch("webhook", "secret", "create", *org).json for _ in range(2))
        assert first["secret"].startswith("whsec_")
        assert facesearch("webhook", "secret", "create", *org).failed("2 webhook secrets")
        listed = facesearch("webhook", "secret", "list", *org)
        assert {each["secret_id"] for each in listed.json["secrets"]} == {first["secret_id"], second["secret_id"]}
        assert "whsec_" not in listed.out + facesearch("webhook", "secret", "list", "--org", place.org_id).out
        gone = facesearch("webhook", "secret", "delete", first["secret_id"], *org)
        assert gone.json == {"secret_id": first["secret_id"], "deleted": True}
        assert facesearch("webhook", "secret", "delete", first["secret_id"], *org).code == 1
        shown = facesearch("webhook", "secret", "create", "--org", place.org_id)
        assert "whsec_" in shown.out
        assert "not shown again" in shown.err

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (("key", "create", "--org", 5), "no organisation 5"),
            (("event", "update", 5, "--confidence", 80), "no event 5"),
            (("event", "list", "--org", 5), "no organisation 5"),
            (("key", "list", "--org", 5), "no organisation 5"),
            (("key", "deactivate", "k", "--org", 5), "no key k"),
            (("org", "show", 5), "no organisation 5"),
            (("quota", "set", "--org", 5, "--per-minute", 5, "--burst", 5), "no organisation 5"),
            (("callbacks", "list", "--org", 5), "no organisation 5"),
            (("photos", "upload", ".", "--event", 5), "no event 5"),
            (("photos", "upload", "nowhere", "--event", "{event}"), "There is no file or folder nowhere."),
            (("search", "run", "selfie.jpg", "--event", 5), "no event 5"),
            (("org", "create", "  "), "name"),
            (("event", "update", "{event}", "--retain-until", "2026-01-01"), "takes today"),
        ],
    )
    def test_what_cannot_be_done_is_one_line_and_1(
        self, place: Place, facesearch: Command, arguments: tuple[object, ...], line: str
    ) -> None:
        (place.folder / "selfie.jpg").write_bytes(JPEG)
        words = [str(each).format(event=place.event_id) for each in arguments]
        assert facesearch(*words).failed(line)
        assert facesearch(*words, "--json").failed(line)

    def test_wrong_usage_is_2(self, facesearch: Command) -> None:
        maybe, no_file = "event update 5 --selfie-search maybe", "search run no-such-file.jpg --event 5"
        for words in ("org create", "event update abc", maybe, no_file, "dance", "quota set --org 5 --per-minute 5"):
            ended = facesearch(*words.split())
            assert (ended.code, ended.out) == (2, "")

    def test_an_empty_list_says_so_on_stderr(self, place: Place, facesearch: Command) -> None:
        place.have_all_stores()
        org_id = facesearch("org", "create", "Club", "--json").json["org_id"]
        for words in (["event"], ["key"], ["callbacks"], ["webhook", "secret"]):
            ended = facesearch(*words, "list", "--org", org_id)
            assert (ended.code, ended.out) == (0, "")
            assert f"Organisation {org_id} has no {' '.join(words).rstrip('s')}s." in ended.err

    def test_a_cancel_of_nothing_says_so(self, place: Place, facesearch: Command) -> None:
        place.have_all_stores()
        ended = facesearch("reindex", place.event_id, "--cancel")
        assert ended.code == 0
        assert "nothing to cancel" in ended.err


class TestWhichStack:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, NOT_RUNNING),
            ("", "does not describe a local stack"),
            ("[]", "does not describe a local stack"),
            ('{"url": "x"}', "does not describe a local stack"),
        ],
    )
    def test_no_stack_is_said(self, place: Place, facesearch: Command, content: str | None, said: str) -> None:
        place.stack_file.unlink() if content is None else place.stack_file.write_text(content)
        assert facesearch("org", "create", "Club", "--json").failed(said)

    @pytest.mark.parametrize("part", ["", "stack.json"])
    def test_a_path_names_the_stack_from_elsewhere(
        self, place: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch, part: str
    ) -> None:
        below = place.folder / "a" / "b"
        below.mkdir(parents=True)
        monkeypatch.chdir(below)
        assert facesearch("org", "create", "Club").code == 0, "it is in a folder above"
        monkeypatch.chdir("/")
        path = place.stack_file.parent / part
        assert facesearch("--state", path, "org", "create", "Club").code == 0
        monkeypatch.setenv(STACK_FILE_VARIABLE, str(path))
        assert facesearch("org", "create", "Club").code == 0

    def test_a_stack_without_a_seed_is_operated_and_one_that_is_gone_is_said(
        self, place: Place, facesearch: Command
    ) -> None:
        place.describe(org_id=None, event_id=None, api_key=None)
        assert facesearch("org", "create", "Club").code == 0
        place.dynamodb.delete_table(TableName=TABLE)
        assert facesearch("org", "create", "Club").failed("AWS refused")
        place.describe(pid=2**22 + 1)  # above Linux's largest
        assert facesearch("org", "create", "Club").failed(NOT_RUNNING)


class TestUpload:
    @pytest.fixture
    def race(self, place: Place) -> Path:
        """A folder that is empty."""
        (place.folder / "race").mkdir()
        return place.folder / "race"

    def test_the_documented_shape_alone_on_stdout(self, place: Place, facesearch: Command, race: Path) -> None:
        (race / "a.jpg").write_bytes(JPEG)
        (race / "b.gif").write_bytes(b"unreadable")
        (race / "notes.txt").write_text("x")
        (race / "@eaDir").mkdir()
        (race / "@eaDir" / "a.jpg").write_bytes(JPEG + b"thumbnail")
        arguments = ("photos", "upload", race, "--event", place.event_id, "--json")
        first = facesearch(*arguments, "--no-wait")
        assert (first.code, first.json["uploaded"], first.json["indexed"], first.json["failed"]) == (0, 2, 0, [])
        place.index()
        second = facesearch(*arguments, "--wait")
        assert second.json == {
            "uploaded": 0,
            "indexed": 1,
            "failed": [{"file": "b.gif", "reason": "no readable picture"}],
            "left_out": [{"file": "notes.txt", "reason": "not a picture"}],
            "skipped": {"@eaDir": 1},
            "keeps_faces": True,
            "photos": [{"file": "a.jpg", "image_id": second.json["photos"][0]["image_id"], "faces": 3}],
        }
        assert second.err == "1 other file left out.\n1 file skipped: 1 @eaDir.\n1 picture failed.\n"
        assert second.code == 1

    def test_no_picture_is_1_and_all_is_named(self, place: Place, facesearch: Command, race: Path) -> None:
        (race / "film.MOV").write_bytes(b"x")
        arguments = ("photos", "upload", "race", "--event", place.event_id)
        ended = facesearch(*arguments)
        assert (ended.code, ended.err) == (1, "No pictures were found.\nfilm.MOV: a video\n")
        ended = facesearch(*arguments, "--json")
        assert (ended.code, ended.json["left_out"]) == (1, [{"file": "film.MOV", "reason": "a video"}])

    def test_raw_files_alone_failed_and_are_not_sent(self, place: Place, facesearch: Command, race: Path) -> None:
        (race / "DSC_1.NEF").write_bytes(b"MM\0*")
        ended = facesearch("photos", "upload", race, "--event", place.event_id, "--wait")
        assert (ended.code, ended.out) == (1, "0 uploaded, 0 indexed with 0 faces, 1 failed.\n")
        raw = "DSC_1.NEF: a camera's RAW file: save it as JPEG and upload that\n"
        assert (ended.err, place.object_keys()) == (f"{raw}1 picture failed.\n", [])

    def test_an_event_past_its_last_day_says_that_it_keeps_no_faces(self, place: Place, facesearch: Command) -> None:
        place.stack.container.admin.update_event(place.event_id, retain_until=date(2026, 1, 1))
        (place.folder / "a.jpg").write_bytes(JPEG)
        for options in ((), ("--json",)):
            ended = facesearch("photos", "upload", "a.jpg", "--event", place.event_id, *options)
            assert ended.code == 0
            assert "keeps no faces: their last day was 2026-01-01" in ended.err
        assert ended.json["keeps_faces"] is False

    def test_photos_are_listed_whichever_way_they_came(self, place: Place, facesearch: Command) -> None:
        for name, content in (("b\n.gif", b"unreadable"), ("fine.jpg", JPEG), ("a/x.gif", b"unreadable too")):
            place.s3.put_object(Bucket=BUCKET, Key=f"{place.org_id}/{place.event_id}/{name}", Body=content)
        place.index()
        photos = ("photos", "list", "--event", place.event_id)
        (a, b) = facesearch(*photos, "--failed", "--json").json["photos"]
        assert (a["file"], a["reason"]) == ("a/x.gif", "no readable picture")
        assert (b["file"], b["reason"]) == ("b\n.gif", "no readable picture")
        every = facesearch(*photos, "--json").json["photos"]
        assert [(each["file"], each["faces"]) for each in every] == [("a/x.gif", 0), ("b\n.gif", 0), ("fine.jpg", 3)]
        ended = facesearch(*photos)
        assert (ended.out.splitlines()[2], ended.err) == (f"{every[2]['image_id']}  fine.jpg: 3 faces", "3 photos.\n")
        ended = facesearch(*photos, "--failed")
        assert ended.out == (
            f"{a['image_id']}  a/x.gif: no readable picture\n{b['image_id']}  b\ufffd.gif: no readable picture\n"
        )
        assert (ended.code, ended.err) == (0, "2 photos failed.\n")

    def test_files_of_one_name_are_listed_by_their_folders(self, place: Place, facesearch: Command, race: Path) -> None:
        for folder in ("day 1", "day 2", "#recycle"):
            (race / folder).mkdir()
            (race / folder / "a.jpg").write_bytes(JPEG + folder.encode())
        facesearch("photos", "upload", race, race / "#recycle", "--event", place.event_id)
        place.index()
        listed = facesearch("photos", "list", "--event", place.event_id, "--json").json["photos"]
        assert [each["file"] for each in listed] == ["a.jpg", "day 1/a.jpg", "day 2/a.jpg"], "the bin's name is litter"


class TestSearch:
    def test_exactly_the_apis_body(self, place: Place, facesearch: Command) -> None:
        body = body_of(total=5, page=2, page_size=2)
        with api(place, 200, body) as asked:
            ended = search(place, facesearch, "--page", 2, "--page-size", 2, "--json")
            shown = search(place, facesearch).out
        assert "5 photos at confidence 90, page 2 of 3" in shown
        assert body["data"]["request_id"] in shown
        assert shown.count("https://") == 2
        assert (ended.code, ended.json, ended.err) == (0, body, "")
        assert asked[0]["path"] == f"/api/v1/ext/{place.org_id}/event/{place.event_id}/faces?page=2&page_size=2"
        assert asked[0]["key"] == place.first_key

    def test_several_selfies_are_one_call_and_at_most_three(self, place: Place, facesearch: Command) -> None:
        (place.folder / "side.jpg").write_bytes(JPEG)
        with api(place, 200, body_of()) as asked:
            assert search(place, facesearch, "side.jpg", "side.jpg", "--json").code == 0
            assert search(place, facesearch, *["side.jpg"] * 3, "--json").failed("takes 1 to 3 selfies, not 4.")
        assert [request["files"] for request in asked] == ["3"]

    def test_downscale_reads_the_picture_first(self, place: Place, facesearch: Command) -> None:
        with api(place, 200, body_of()) as asked:
            ended = search(place, facesearch, "--downscale", 1600)
        assert ended.failed("not a readable JPEG, PNG, WebP, HEIC or AVIF picture."), "four bytes are not"
        assert asked == []

    def test_a_refusal_is_the_envelope_one_line_and_1(self, place: Place, facesearch: Command) -> None:
        envelope = {"responseType": "error", "message": "Selfie search is off.", "data": None}
        with api(place, 403, envelope):
            ended = search(place, facesearch, "--json")
        assert (ended.code, ended.json) == (1, envelope)
        assert ended.err == "The API responded with 403: Selfie search is off.\n"

    def test_a_busy_api_is_given_up_with_how_to_go_on(self, place: Place, facesearch: Command) -> None:
        request_id = body_of()["data"]["request_id"]
        with api(place, 429, {"responseType": "error", "message": "Busy.", "data": None}, {"Retry-After": "60"}):
            ended = search(place, facesearch, "--request-id", request_id)
        assert ended.failed(f"--request-id {request_id}")
        assert ended.err.startswith("The API responded with 429: Busy.")

    def test_a_key_may_be_given(self, place: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        with api(place, 200, body_of()) as asked:
            search(place, facesearch, "--key", "mine")
            monkeypatch.setenv("FACESEARCH_API_KEY", "from the environment")
            search(place, facesearch)
        assert [request["key"] for request in asked] == ["mine", "from the environment"]

    @pytest.mark.parametrize("created", [True, False])
    def test_another_organisations_key_is_kept_for_the_user_alone(
        self, place: Place, facesearch: Command, created: bool
    ) -> None:
        org_id = facesearch("org", "create", "Club", "--json").json["org_id"]
        key = facesearch("key", "create", "--org", org_id, "--json").json["api_key"] if created else None
        place.event_id = facesearch("event", "create", "Gala", "--org", org_id, "--json").json["event_id"]
        with api(place, 200, body_of()) as asked:
            search(place, facesearch)
            search(place, facesearch)
        used, again = (request["key"] for request in asked)
        assert used == again == (key or used)
        known = place.api_key(used)
        assert known is not None
        assert known.org_id == org_id
        assert stat.S_IMODE((place.stack_file.parent / "keys.json").stat().st_mode) == 0o600

    def test_a_key_that_there_is_no_room_for_is_shown_all_the_same(self, place: Place, facesearch: Command) -> None:
        (place.stack_file.parent / f"keys.json.{os.getpid()}").mkdir()  # as good as a full disk
        ended = facesearch("key", "create", "--org", place.org_id, "--json")
        assert ended.code == 0
        assert place.api_key(ended.json["api_key"]) is not None
        assert "could not be saved" in ended.err

    def test_a_remembered_key_of_an_earlier_stack_is_replaced(self, place: Place, facesearch: Command) -> None:
        (place.stack_file.parent / "keys.json").write_text(json.dumps({str(place.org_id): "of yesterday"}))
        place.describe(api_key="of yesterday, too")
        with api(place, 200, body_of()) as asked:
            search(place, facesearch)
        assert place.api_key(asked[0]["key"]) is not None


def search(place: Place, facesearch: Command, *options: object) -> Ended:
    (place.folder / "selfie.jpg").write_bytes(JPEG)
    return facesearch("search", "run", "selfie.jpg", "--event", place.event_id, *options)


def test_ctrl_c_is_a_clean_line_and_130(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("facesearch_cli.commands.photos.scan", interrupt)
    monkeypatch.setattr("sys.argv", ["facesearch", "photos", "upload", ".", "--event", str(place.event_id)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "Stopped.\n")


def test_help_needs_no_stack(facesearch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = facesearch("photos", "upload", "--help")
    assert (ended.code, ended.err) == (0, "")
    assert "--wait" in ended.out


@contextmanager
def api(
    place: Place, status: int, body: dict[str, Any], headers: Mapping[str, str] = MappingProxyType({})
) -> Iterator[list[dict[str, str]]]:
    """An API on loopback with one response to everything; yields what it was asked."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            files = self.rfile.read(int(self.headers["Content-Length"])).count(b'name="file"')
            asked.append({"path": self.path, "key": self.headers["X-API-Key"], "files": str(files)})
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        place.describe({"ApiUrl": url}, url=url)
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()
