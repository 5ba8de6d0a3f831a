"""The command line as its user meets it: JSON alone on stdout, one line on stderr, exit codes."""

import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.models import ApiKey, UpstreamEvent, digest_of
from facesearch.reading import Wanted
from facesearch_cli.app import main
from facesearch_cli.stack import NOT_RUNNING, STACK_FILE_VARIABLE
from tests.support.aws import TABLE
from tests.unit.cli.conftest import BUCKET, JPEG, Command, Place, stack_file_of
from tests.unit.client.fakes import body_of


class TestOrganisationsKeysEvents:
    def test_given_names_when_created_then_numbers_that_work_together(self, place: Place, facesearch: Command) -> None:
        org_id = facesearch("org", "create", "Club", "--json").json["org_id"]
        key = facesearch("key", "create", "--org", org_id, "--json").json
        event_id = facesearch("event", "create", "Gala", "--org", org_id, "--confidence", 80, "--json").json["event_id"]
        known = DynamoReader(Table(place.dynamodb, TABLE)).read(Wanted(digest_of(key["api_key"]), event_id))
        assert known.key is not None
        assert known.event is not None
        assert (known.key.key_id, known.key.org_id) == (key["key_id"], org_id)
        assert (known.event.org_id, known.event.name, known.event.confidence) == (org_id, "Gala", 80)

    def test_given_an_event_when_updated_then_only_what_was_given_changes(
        self, place: Place, facesearch: Command
    ) -> None:
        off = facesearch("event", "update", place.event_id, "--selfie-search", "off", "--json").json
        assert (off["event_id"], off["selfie_search"], off["confidence"]) == (place.event_id, False, 90)
        surer = facesearch("event", "update", place.event_id, "--confidence", 99, "--json").json
        assert surer == off | {"confidence": 99}
        moved = facesearch(
            "event", "update", place.event_id, "--date", "2026-05-01", "--name", "Half marathon", "--json"
        )
        assert moved.json == surer | {
            "event_date": "2026-05-01T00:00:00",
            "event_name": "Half marathon",
            "event_slug": "half-marathon",
        }
        (listed,) = facesearch("event", "list", "--org", place.org_id, "--json").json["events"]
        assert (listed["event_date"], listed["event_name"]) == ("2026-05-01T00:00:00", "Half marathon")

    def test_given_an_event_of_the_upstream_when_updated_then_it_is_searched_there(
        self, place: Place, facesearch: Command
    ) -> None:
        update = ("event", "update", place.event_id, "--json", "--upstream")
        assert facesearch(*update, "12/34").json["upstream"] == "12/34"
        known = DynamoReader(Table(place.dynamodb, TABLE)).read(Wanted(event_id=place.event_id)).event
        assert known is not None
        assert known.upstream == UpstreamEvent(12, 34)
        assert "ORG/EVENT" in facesearch(*update, "12").err
        assert facesearch(*update, "").json["upstream"] is None

    def test_given_keys_when_listed_switched_and_deleted_then_each_shows_at_once(
        self, place: Place, facesearch: Command
    ) -> None:
        org = ("--org", place.org_id, "--json")
        made = facesearch("key", "create", *org, "--scope", "read", "--expires-in-days", 30).json
        rows = {row["key_id"]: row for row in facesearch("key", "list", *org).json["keys"]}
        assert len(rows) == 2
        assert rows[made["key_id"]]["api_key"] == made["api_key"][:5] + "***"
        assert rows[made["key_id"]]["scopes"] == ["read"]
        assert rows[made["key_id"]]["expires_at"] is not None

        def known() -> ApiKey | None:
            return DynamoReader(Table(place.dynamodb, TABLE)).read(Wanted(digest_of(made["api_key"]))).key

        for command, active in (("deactivate", False), ("activate", True)):
            assert facesearch("key", command, made["key_id"], *org).json == {"key_id": made["key_id"], "active": active}
            key = known()
            assert key is not None
            assert key.active is active
        assert facesearch("key", "delete", made["key_id"], *org).json == {"key_id": made["key_id"], "deleted": True}
        assert known() is None
        assert len(facesearch("key", "list", *org).json["keys"]) == 1

    def test_given_a_quota_when_set_and_reset_then_the_organisation_shows_it(
        self, place: Place, facesearch: Command
    ) -> None:
        quota = {"per_minute": 60, "burst": 3}
        set_ = facesearch("quota", "set", "--org", place.org_id, "--per-minute", 60, "--burst", 3, "--json")
        assert set_.json == {"org_id": place.org_id, "quota": quota}
        shown = facesearch("org", "show", place.org_id, "--json").json
        assert shown == {"org_id": place.org_id, "name": "Runners", "keys": 1, "events": 1, "quota": quota}
        assert facesearch("quota", "reset", "--org", place.org_id, "--json").json["quota"] is None
        assert facesearch("org", "show", place.org_id, "--json").json["quota"] is None

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (("key", "create", "--org", 5), "no organisation 5"),
            (("event", "create", "x", "--org", 5), "no organisation 5"),
            (("event", "update", 5, "--confidence", 80), "no event 5"),
            (("event", "list", "--org", 5), "no organisation 5"),
            (("key", "list", "--org", 5), "no organisation 5"),
            (("key", "deactivate", "k", "--org", 5), "no key k"),
            (("key", "delete", "k", "--org", 5), "no key k"),
            (("org", "show", 5), "no organisation 5"),
            (("quota", "set", "--org", 5, "--per-minute", 5, "--burst", 5), "no organisation 5"),
            (("quota", "reset", "--org", 5), "no organisation 5"),
            (("callbacks", "list", "--org", 5), "no organisation 5"),
            (("callbacks", "replay", "--org", 5), "no organisation 5"),
            (("photos", "upload", ".", "--event", 5), "no event 5"),
            (("search", "run", "selfie.jpg", "--event", 5), "no event 5"),
            (("org", "create", "  "), "name"),
        ],
    )
    @pytest.mark.parametrize("as_json", [True, False])
    def test_given_what_does_not_exist_when_asked_then_one_line_and_1(
        self, place: Place, facesearch: Command, arguments: tuple[object, ...], line: str, as_json: bool
    ) -> None:
        (place.folder / "selfie.jpg").write_bytes(JPEG)
        ended = facesearch(*arguments, *(["--json"] if as_json else []))
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
        assert line in ended.err

    @pytest.mark.parametrize(
        "arguments",
        [
            ("org", "create"),
            ("event", "update", "abc", "--confidence", "80"),
            ("event", "update", "5", "--selfie-search", "maybe"),
            ("search", "run", "no-such-file.jpg", "--event", "5"),
            ("dance",),
            ("quota", "set", "--org", "5", "--per-minute", "5"),
        ],
    )
    def test_given_wrong_usage_when_run_then_2(self, place: Place, facesearch: Command, arguments: list[str]) -> None:
        ended = facesearch(*arguments)
        assert (ended.code, ended.out) == (2, "")


class TestWhichStack:
    def test_given_no_stack_when_asked_then_it_says_how_to_start_one(self, place: Place, facesearch: Command) -> None:
        place.stack_file.unlink()
        ended = facesearch("org", "create", "Club", "--json")
        assert (ended.code, ended.out, ended.err) == (1, "", NOT_RUNNING + "\n")

    def test_given_a_stack_that_died_when_asked_then_it_is_not_running(self, place: Place, facesearch: Command) -> None:
        place.stack_file.write_text(json.dumps(stack_file_of(place, pid=2**22 + 1)))  # above Linux's largest
        assert facesearch("org", "create", "Club").err == NOT_RUNNING + "\n"

    def test_given_a_folder_below_when_asked_then_the_stack_above_is_found(
        self, place: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        below = place.folder / "a" / "b"
        below.mkdir(parents=True)
        monkeypatch.chdir(below)
        assert facesearch("org", "create", "Club").code == 0

    @pytest.mark.parametrize("part", ["", "stack.json"])
    @pytest.mark.parametrize("by_variable", [True, False])
    def test_given_a_path_when_asked_from_elsewhere_then_that_stack(
        self,
        place: Place,
        facesearch: Command,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path_factory: pytest.TempPathFactory,
        part: str,
        by_variable: bool,
    ) -> None:
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        path = place.stack_file.parent / part
        if by_variable:
            monkeypatch.setenv(STACK_FILE_VARIABLE, str(path))
            assert facesearch("org", "create", "Club").code == 0
        else:
            assert facesearch("--state", path, "org", "create", "Club").code == 0

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"url": "x"}'])
    def test_given_a_file_of_another_kind_when_asked_then_one_line(
        self, place: Place, facesearch: Command, content: str
    ) -> None:
        place.stack_file.write_text(content)
        ended = facesearch("org", "create", "Club")
        assert (ended.code, ended.err.count("\n")) == (1, 1)
        assert "does not describe a local stack" in ended.err

    def test_given_a_stack_without_a_seed_when_asked_then_it_is_operated(
        self, place: Place, facesearch: Command
    ) -> None:
        place.stack_file.write_text(json.dumps(stack_file_of(place, org_id=None, event_id=None, api_key=None)))
        assert facesearch("org", "create", "Club").code == 0

    def test_given_a_store_that_is_gone_when_asked_then_one_line(self, place: Place, facesearch: Command) -> None:
        place.dynamodb.delete_table(TableName=TABLE)
        ended = facesearch("org", "create", "Club")
        assert (ended.code, ended.err.count("\n")) == (1, 1)


class TestUpload:
    def test_given_a_folder_when_uploaded_then_the_documented_shape_alone_on_stdout(
        self, place: Place, facesearch: Command
    ) -> None:
        (place.folder / "race").mkdir()
        (place.folder / "race" / "a.jpg").write_bytes(JPEG)
        (place.folder / "race" / "b.gif").write_bytes(b"unreadable")
        (place.folder / "race" / "notes.txt").write_text("x")
        (place.folder / "race" / "@eaDir").mkdir()
        (place.folder / "race" / "@eaDir" / "a.jpg").write_bytes(JPEG + b"thumbnail")
        arguments = ("photos", "upload", place.folder / "race", "--event", place.event_id, "--json")
        first = facesearch(*arguments, "--no-wait")
        assert (first.json["uploaded"], first.json["indexed"], first.json["failed"]) == (2, 0, [])
        place.index()
        second = facesearch(*arguments, "--wait")
        assert second.code == 0
        assert second.json == {
            "uploaded": 0,
            "indexed": 1,
            "failed": [{"file": "b.gif", "reason": "no readable picture"}],
            "left_out": [{"file": "notes.txt", "reason": "not a picture"}],
            "skipped": {"@eaDir": 1},
            "keeps_faces": True,
            "photos": [{"file": "a.jpg", "image_id": second.json["photos"][0]["image_id"], "faces": 3}],
        }
        assert second.err == "1 other file left out.\n1 file skipped: 1 @eaDir.\n"

    def test_given_only_failures_when_uploaded_then_listed_and_no_error(
        self, place: Place, facesearch: Command
    ) -> None:
        (place.folder / "race").mkdir()
        (place.folder / "race" / "b.gif").write_bytes(b"unreadable")
        facesearch("photos", "upload", "race", "--event", place.event_id)
        place.index()
        ended = facesearch("photos", "upload", "race", "--event", place.event_id, "--wait")
        assert ended.code == 0
        assert ended.out == "0 uploaded, 0 indexed with 0 faces, 1 failed.\n"
        assert ended.err == "b.gif: no readable picture\n"

    def test_given_no_folder_when_uploaded_then_one_line_and_1(self, place: Place, facesearch: Command) -> None:
        ended = facesearch("photos", "upload", "nowhere", "--event", place.event_id, "--json")
        assert (ended.code, ended.out, ended.err) == (1, "", "There is no file or folder nowhere.\n")

    def test_given_no_picture_when_uploaded_then_all_is_named_and_1(self, place: Place, facesearch: Command) -> None:
        (place.folder / "race").mkdir()
        (place.folder / "race" / "film.MOV").write_bytes(b"x")
        arguments = ("photos", "upload", "race", "--event", place.event_id)
        ended = facesearch(*arguments)
        assert (ended.code, ended.err) == (1, "No pictures were found.\nfilm.MOV: a video\n")
        ended = facesearch(*arguments, "--json")
        assert (ended.code, ended.json["left_out"]) == (1, [{"file": "film.MOV", "reason": "a video"}])

    def test_given_raw_files_alone_when_uploaded_then_they_failed_and_are_not_sent(
        self, place: Place, facesearch: Command
    ) -> None:
        (place.folder / "DSC_1.NEF").write_bytes(b"MM\0*")
        ended = facesearch("photos", "upload", "DSC_1.NEF", "--event", place.event_id, "--wait")
        assert (ended.code, ended.out) == (0, "0 uploaded, 0 indexed with 0 faces, 1 failed.\n")
        assert ended.err == "DSC_1.NEF: a camera's RAW file: save it as JPEG and upload that\n"
        assert place.object_keys() == []

    @pytest.mark.parametrize("as_json", [False, True])
    def test_given_an_event_past_its_last_day_when_uploaded_then_it_says_that_no_faces_are_kept(
        self, place: Place, facesearch: Command, *, as_json: bool
    ) -> None:
        place.stack.container.admin.update_event(place.event_id, retain_until=date(2026, 1, 1))
        (place.folder / "a.jpg").write_bytes(JPEG)
        arguments = ("photos", "upload", "a.jpg", "--event", place.event_id, *(["--json"] if as_json else []))
        ended = facesearch(*arguments)
        assert ended.code == 0
        assert "keeps no faces: their last day was 2026-01-01" in ended.err
        if as_json:
            assert ended.json["keeps_faces"] is False

    def test_given_photos_that_failed_when_listed_then_each_with_its_reason_whichever_way_it_came(
        self, place: Place, facesearch: Command
    ) -> None:
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


class TestSearch:
    def test_given_a_selfie_when_searched_then_exactly_the_apis_body(self, place: Place, facesearch: Command) -> None:
        body = body_of(total=5, page=2, page_size=2)
        with api(place, 200, body) as asked:
            ended = self.search(place, facesearch, "--page", 2, "--page-size", 2, "--json")
        assert (ended.code, ended.json, ended.err) == (0, body, "")
        assert asked[0]["path"] == f"/api/v1/ext/{place.org_id}/event/{place.event_id}/faces?page=2&page_size=2"
        assert asked[0]["key"] == place.first_key

    def test_given_several_selfies_when_searched_then_one_call_and_at_most_three(
        self, place: Place, facesearch: Command
    ) -> None:
        (place.folder / "side.jpg").write_bytes(JPEG)
        with api(place, 200, body_of()) as asked:
            assert self.search(place, facesearch, "side.jpg", "side.jpg", "--json").code == 0
            assert [request["files"] for request in asked] == ["3"]
            ended = self.search(place, facesearch, *["side.jpg"] * 3, "--json")
        assert (ended.code, ended.out, len(asked)) == (1, "", 1)
        assert ended.err == "A search takes 1 to 3 selfies, not 4.\n"

    def test_given_downscale_when_searched_then_a_smaller_copy_is_what_is_read(
        self, place: Place, facesearch: Command
    ) -> None:
        with api(place, 200, body_of(total=5)) as asked:
            ended = self.search(place, facesearch, "--downscale", 1600)
        assert (ended.code, ended.out, asked) == (1, "", [])
        refusal = "The selfie is not a readable JPEG, PNG, WebP, HEIC or AVIF picture.\n"
        assert ended.err == refusal, "four bytes are not"

    def test_given_a_refusal_when_searched_then_the_envelope_one_line_and_1(
        self, place: Place, facesearch: Command
    ) -> None:
        envelope = {"responseType": "error", "message": "Selfie search is off.", "data": None}
        with api(place, 403, envelope):
            ended = self.search(place, facesearch, "--json")
        assert (ended.code, ended.json) == (1, envelope)
        assert ended.err == "The API responded with 403: Selfie search is off.\n"

    def test_given_no_json_when_searched_then_the_photos_and_the_request_id(
        self, place: Place, facesearch: Command
    ) -> None:
        with api(place, 200, body_of(total=3)):
            ended = self.search(place, facesearch)
        assert "3 photos at confidence 90, page 1 of 1" in ended.out
        assert body_of()["data"]["request_id"] in ended.out
        assert ended.out.count("https://") == 3

    def test_given_a_busy_api_when_given_up_then_the_line_says_how_to_go_on(
        self, place: Place, facesearch: Command
    ) -> None:
        request_id = body_of()["data"]["request_id"]
        with api(place, 429, {"responseType": "error", "message": "Busy.", "data": None}, {"Retry-After": "60"}):
            ended = self.search(place, facesearch, "--request-id", request_id)
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
        assert ended.err.startswith("The API responded with 429: Busy.")
        assert f"--request-id {request_id}" in ended.err

    def test_given_a_key_when_searched_then_that_key(
        self, place: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with api(place, 200, body_of()) as asked:
            self.search(place, facesearch, "--key", "mine")
            monkeypatch.setenv("FACESEARCH_API_KEY", "from the environment")
            self.search(place, facesearch)
        assert [request["key"] for request in asked] == ["mine", "from the environment"]

    def test_given_another_organisation_when_searched_then_a_key_is_made_once_and_kept_for_the_user_alone(
        self, place: Place, facesearch: Command
    ) -> None:
        org_id = facesearch("org", "create", "Club", "--json").json["org_id"]
        place.event_id = facesearch("event", "create", "Gala", "--org", org_id, "--json").json["event_id"]
        with api(place, 200, body_of()) as asked:
            self.search(place, facesearch)
            self.search(place, facesearch)
        keys = [request["key"] for request in asked]
        assert keys[0] == keys[1]
        known = DynamoReader(Table(place.dynamodb, TABLE)).read(Wanted(digest_of(keys[0]))).key
        assert known is not None
        assert known.org_id == org_id
        assert stat.S_IMODE((place.stack_file.parent / "keys.json").stat().st_mode) == 0o600

    def test_given_a_created_key_when_searched_then_it_is_remembered(self, place: Place, facesearch: Command) -> None:
        org_id = facesearch("org", "create", "Club", "--json").json["org_id"]
        created = facesearch("key", "create", "--org", org_id, "--json").json["api_key"]
        place.event_id = facesearch("event", "create", "Gala", "--org", org_id, "--json").json["event_id"]
        with api(place, 200, body_of()) as asked:
            self.search(place, facesearch)
        assert asked[0]["key"] == created

    def test_given_no_room_to_remember_a_key_when_created_then_it_is_shown_all_the_same(
        self, place: Place, facesearch: Command
    ) -> None:
        (place.stack_file.parent / f"keys.json.{os.getpid()}").mkdir()  # as good as a full disk
        ended = facesearch("key", "create", "--org", place.org_id, "--json")
        assert ended.code == 0
        assert DynamoReader(Table(place.dynamodb, TABLE)).read(Wanted(digest_of(ended.json["api_key"]))).key is not None
        assert "could not be saved" in ended.err

    def test_given_a_remembered_key_of_an_earlier_stack_when_searched_then_it_is_replaced(
        self, place: Place, facesearch: Command
    ) -> None:
        (place.stack_file.parent / "keys.json").write_text(json.dumps({str(place.org_id): "of yesterday"}))
        place.stack_file.write_text(json.dumps(stack_file_of(place, api_key="of yesterday, too")))
        with api(place, 200, body_of()) as asked:
            self.search(place, facesearch)
        assert asked[0]["key"] not in {"of yesterday", "of yesterday, too"}
        assert DynamoReader(Table(place.dynamodb, TABLE)).read(Wanted(digest_of(asked[0]["key"]))).key is not None

    @staticmethod
    def search(place: Place, facesearch: Command, *options: object) -> Any:
        (place.folder / "selfie.jpg").write_bytes(JPEG)
        return facesearch("search", "run", "selfie.jpg", "--event", place.event_id, *options)


def test_given_ctrl_c_when_running_then_a_clean_line_and_130(
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
    """An API on loopback that gives one answer to everything; yields what it was asked."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            files = self.rfile.read(int(self.headers["Content-Length"])).count(b'name="file"')
            asked.append({"path": self.path, "key": self.headers["X-API-Key"], "files": str(files)})
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        content = json.loads(place.stack_file.read_text()) | {"pid": os.getpid()}
        content["outputs"]["ApiUrl"] = content["url"] = f"http://127.0.0.1:{server.server_port}"
        place.stack_file.write_text(json.dumps(content))
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


def test_webhook_secrets_are_shown_once_listed_without_and_deleted(place: Place, facesearch: Command) -> None:
    org = ("--org", place.org_id, "--json")
    first, second = (facesearch("webhook", "secret", "create", *org).json for _ in range(2))
    assert set(first) == {"secret_id", "secret"}
    assert first["secret"].startswith("whsec_")
    full = facesearch("webhook", "secret", "create", *org)
    assert (full.code, full.out) == (1, "")
    assert "2 webhook secrets" in full.err
    listed = facesearch("webhook", "secret", "list", *org)
    assert {each["secret_id"] for each in listed.json["secrets"]} == {first["secret_id"], second["secret_id"]}
    assert "whsec_" not in listed.out
    assert "whsec_" not in facesearch("webhook", "secret", "list", "--org", place.org_id).out
    gone = facesearch("webhook", "secret", "delete", first["secret_id"], *org)
    assert gone.json == {"secret_id": first["secret_id"], "deleted": True}
    assert facesearch("webhook", "secret", "delete", first["secret_id"], *org).code == 1
    shown = facesearch("webhook", "secret", "create", "--org", place.org_id)
    assert "whsec_" in shown.out
    assert "not shown again" in shown.err
