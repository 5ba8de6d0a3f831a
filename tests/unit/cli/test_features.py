"""`facesearch event create` and `update`: bibs and the timeline."""

import json
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.admin import features as admin_features
from facesearch.models import BibRules
from facesearch.photos.commands import CommandKind, IndexingCommand, parse_command
from facesearch.records import SHARDS, Bib, Photo
from facesearch_cli.commands import features
from tests.support.aws import TABLE
from tests.unit.cli.conftest import Command, Ended, Place

OFF = {
    "bib_search": False, "bib_pattern": None, "bibs_listed": 0, "bibs_from_faces": False, "timeline_search": False,
    "time_zone": "UTC",
}  # fmt: skip


@pytest.fixture
def queue(place: Place) -> str:
    """The uploads queue's URL."""
    url = boto3.client("sqs").create_queue(QueueName="uploads")["QueueUrl"]
    place.describe({"UploadsQueueUrl": url})
    return url


def commands_in(queue: str) -> list[IndexingCommand]:
    sqs, found = boto3.client("sqs"), list[IndexingCommand]()
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            command = parse_command(message["Body"])
            assert command is not None
            found.append(command)
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def index(place: Place, number: int, **changes: Any) -> None:
    photo = Photo(uuid.UUID(int=number), **{"status": "indexed", "key": f"k{number}", "model": "m"} | changes)
    assert DynamoPhotoStore(Table(place.dynamodb, TABLE)).add(place.event_id, SHARDS, photo)


def chosen(ended: Ended) -> dict[str, Any]:
    """What the command says of the features."""
    assert ended.code == 0, ended.err
    return {name: ended.json[name] for name in OFF}


def listed(place: Place) -> set[str]:
    items = Table(place.dynamodb, TABLE).query(schema.start_list_key(place.event_id))
    return {bib for item in items for bib in item["bibs"]}


def rules(place: Place) -> BibRules:
    return place.stack.event(place.event_id).bibs


class TestSwitches:
    def test_an_event_has_neither_unless_it_is_told_to(self, place: Place, facesearch: Command) -> None:
        created = facesearch("event", "create", "5 km", "--org", place.org_id, "--json").json["event_id"]
        assert chosen(facesearch("event", "update", created, "--enabled", "on", "--json")) == OFF

    def test_a_new_event_may_have_both(self, place: Place, facesearch: Command) -> None:
        options = ("--bib-search", "on", "--timeline-search", "on", "--time-zone", "Europe/Berlin")
        created = facesearch("event", "create", "5 km", "--org", place.org_id, *options, "--json").json["event_id"]
        told = facesearch("event", "update", created, "--enabled", "on", "--json")
        both = {"bib_search": True, "timeline_search": True, "time_zone": "Europe/Berlin"}
        assert chosen(told) == OFF | both
        said = facesearch("event", "update", created, "--enabled", "on").out
        assert "Features: bib search on, timeline search on, time zone Europe/Berlin" in said

    def test_photos_that_nobody_has_read_are_told_and_sent_to_be_read(
        self, place: Place, facesearch: Command, queue: str
    ) -> None:
        for number in range(1, 24):
            index(place, number)
        index(place, 30, bibs=(Bib("7"),), bib_model="fake")
        index(place, 31, status="failed", reason="no readable picture", model="")
        ended = facesearch("event", "update", place.event_id, "--bib-search", "on", "--json")
        assert chosen(ended) == OFF | {"bib_search": True}
        assert ended.json["bibs_unread"] == 23
        assert ended.err == "Bibs are being read in 23 photos. Run this again to see how many are left.\n"
        commands = commands_in(queue)
        assert {(command.kind, command.event_id) for command in commands} == {(CommandKind.BIBS, place.event_id)}
        assert sorted(each.int for command in commands for each in command.image_ids) == list(range(1, 24))

    def test_nothing_is_sent_where_all_is_read_or_for_other_options(
        self, place: Place, facesearch: Command, queue: str
    ) -> None:
        index(place, 30, bib_model="fake")
        ended = facesearch("event", "update", place.event_id, "--bib-search", "on", "--json")
        assert (ended.json["bibs_unread"], ended.err) == (0, "Bibs are read in all photos of the event.\n")
        index(place, 1)
        for options in (("--confidence", 95), ("--bib-search", "off")):
            assert "bibs_unread" not in facesearch("event", "update", place.event_id, *options, "--json").json
        assert commands_in(queue) == []

    def test_an_event_whose_last_day_is_over_has_nothing_read(
        self, place: Place, facesearch: Command, queue: str
    ) -> None:
        index(place, 1)
        item = schema.event_key(place.event_id)
        place.dynamodb.update_item(
            TableName=TABLE,
            Key={name: {"S": value} for name, value in item.items()},
            UpdateExpression="SET retain_until = :day",
            ExpressionAttributeValues={":day": {"S": "2020-01-01"}},
        )
        assert facesearch("event", "update", place.event_id, "--bib-search", "on", "--json").json["bibs_unread"] == 0
        assert commands_in(queue) == []

    def test_a_stack_of_the_upstream_reads_no_bibs(self, place: Place, facesearch: Command) -> None:
        place.describe({"Engine": "upstream"})
        create = ("event", "create", "5 km", "--org", place.org_id)
        for command in (create, ("event", "update", place.event_id)):
            assert facesearch(*command, "--bib-search", "on").failed("--bib-search works with the embedded engine only")
        assert facesearch("event", "update", place.event_id, "--bib-search", "off", "--json").code == 0
        assert not place.stack.event(place.event_id).bib_search

    @pytest.mark.parametrize("zone", ["Berlin", "../UTC", "localtime", "", "Europe"])
    def test_a_zone_that_is_none_is_refused(self, place: Place, facesearch: Command, zone: str) -> None:
        assert facesearch("event", "update", place.event_id, "--time-zone", zone).failed("IANA name")

    def test_whether_bibs_help_selfies(self, place: Place, facesearch: Command) -> None:
        on = facesearch("event", "update", place.event_id, "--bibs-from-faces", "on", "--json")
        assert chosen(on) == OFF | {"bibs_from_faces": True}
        said = facesearch("event", "update", place.event_id, "--bib-pattern", "[0-9]{3}").out
        assert "bib pattern [0-9]{3}, bibs help selfies" in said
        assert rules(place) == BibRules("[0-9]{3}", 0, from_faces=True)


class TestStartLists:
    @pytest.mark.parametrize(
        "text",
        [
            "101\nF7\n205\n",
            "bib;name\n101;Müller, Anna\nF7;Ben\n205;C\n",
            "Startnummer,Name\r\n101,Anna\r\nF7,\r\n205\r\n",
            "\ufeffBib\tName\n101\tAnna\nF7\tBen\n205\tCarl",
            "\n\nBib\n\n101\n\n f7 \n205\n\n",
            '"bib","name"\n"101","A ""x"" B"\n"F7","B;C"\n"205",""\n',
            "101\n101\nF7\nf7\n205\n",
            "101\x0cF7\u2028205",
            "sep=;\nBib;Name\n101;Anna\nF7;Ben\n205;Carl\n",
        ],
        ids=[
            "plain",
            "semicolons",
            "commas, CRLF",
            "BOM, tabs",
            "blank lines",
            "quotes",
            "duplicates",
            "odd lines",
            "Excel",
        ],
    )
    def test_the_first_field_of_each_line_is_a_bib(self, place: Place, facesearch: Command, text: str) -> None:
        Path("bibs.csv").write_bytes(text.encode())
        ended = facesearch("event", "update", place.event_id, "--bibs", "bibs.csv", "--json")
        assert chosen(ended) == OFF | {"bibs_listed": 3}
        assert listed(place) == {"101", "F7", "205"}
        assert "3 bibs on the start list" in facesearch("event", "update", place.event_id, "--enabled", "on").out

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "has no bibs"),
            (b"\n \n;\n", "has no bibs"),
            (b"bib\n", "has no bibs"),
            (b"101\n10-1\n", "line 2 of bad does not begin with a bib: 1 to 16 letters and digits"),
            (b"Name,Bib\nAnna,101\nBen,102\n", "line 2 of bad does not begin with a bib"),
            (b"101\nAnna M\xc3\xbcller\n", "1 to 16 letters and digits"),
            ("101\n٤٢\n".encode(), "1 to 16 letters and digits"),
            ("101\nſ1\n".encode(), "1 to 16 letters and digits"),
            (b"101\n" + b"1" * 17, "1 to 16 letters and digits"),
            (b"101\n\x00\x01\x02\n", "1 to 16 letters and digits"),
            (b"101\n" + b"9" * 200_000, "1 to 16 letters and digits"),
            (b"\x89PNG\r\n\x1a\n\x00\xff", "is not UTF-8 text"),
            ("101\n".encode("utf-16"), "is not UTF-8 text"),
        ],
        ids=[
            "empty", "blank", "heading alone", "hyphen", "names first", "name", "other digits", "long s", "long", "NUL",
            "endless", "picture", "UTF-16",
        ],
    )  # fmt: skip
    def test_what_is_no_start_list_changes_nothing(
        self, place: Place, facesearch: Command, data: bytes, said: str
    ) -> None:
        Path("good").write_text("7")
        facesearch("event", "update", place.event_id, "--bibs", "good")
        Path("bad").write_bytes(data)
        assert facesearch("event", "update", place.event_id, "--bibs", "bad", "--confidence", 99).failed(said)
        assert (listed(place), place.stack.event(place.event_id).confidence) == ({"7"}, 90)

    def test_a_file_that_cannot_be_read(self, place: Place, facesearch: Command) -> None:
        for name in ("missing.csv", "."):
            assert facesearch("event", "update", place.event_id, "--bibs", name).failed(
                f"--bibs: {name} cannot be read"
            )

    def test_a_list_has_its_limits(self, place: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(admin_features, "MAX_STARTERS", 3)
        update = ("event", "update", place.event_id, "--bibs", "bibs")
        Path("bibs").write_text("bib\n" + "1\n2\n3\n" * 5)
        assert facesearch(*update, "--json").json["bibs_listed"] == 3, "a bib that comes twice counts once"
        Path("bibs").write_text("1\n2\n3\n4\n")
        assert facesearch(*update).failed("3 bibs at most")
        monkeypatch.setattr(features, "MAX_LIST_BYTES", 4)
        Path("bibs").write_text("1\n2é")
        assert facesearch(*update).failed("is larger than")
        assert listed(place) == {"1", "2", "3"}

    def test_a_long_list_is_whole(self, place: Place, facesearch: Command) -> None:
        Path("bibs").write_text("\n".join(map(str, range(1, 5_001))))
        assert facesearch("event", "update", place.event_id, "--bibs", "bibs", "--json").json["bibs_listed"] == 5_000
        assert listed(place) == set(map(str, range(1, 5_001)))
        Path("bibs").write_text("17\n")
        facesearch("event", "update", place.event_id, "--bibs", "bibs")
        assert listed(place) == {"17"}, "nothing is left of the old one"

    def test_an_option_without_a_value_changes_nothing(self, place: Place, facesearch: Command) -> None:
        Path("bibs").write_text("17\n")
        facesearch("event", "update", place.event_id, "--bibs", "bibs")
        assert facesearch("event", "update", place.event_id, "--bibs", "").failed("takes a file, or none")
        assert listed(place) == {"17"}

    def test_none_takes_it_away(self, place: Place, facesearch: Command) -> None:
        Path("bibs").write_text("17\n")
        facesearch("event", "update", place.event_id, "--bibs", "bibs")
        assert chosen(facesearch("event", "update", place.event_id, "--bibs", "none", "--json")) == OFF
        assert listed(place) == set()

    @given(
        st.lists(st.from_regex(r"\A[0-9A-Za-z]{0,15}[0-9]\Z"), min_size=1, max_size=30),
        st.sampled_from([",", ";", "\t", ""]),
        st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
        st.booleans(),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_wrote_the_file(
        self, tmp_path: Path, bibs: list[str], delimiter: str, line: str, marked: bool
    ) -> None:
        after = f"{delimiter}x y{delimiter}1" if delimiter else ""
        text = line.join(f"{bib}{after}" for bib in bibs)
        (tmp_path / "bibs").write_bytes(text.encode("utf-8-sig" if marked else "utf-8"))
        assert features.start_list(str(tmp_path / "bibs")) == {bib.upper() for bib in bibs}


class TestPatterns:
    def test_a_pattern_takes_the_start_lists_place_and_the_other_way_round(
        self, place: Place, facesearch: Command
    ) -> None:
        Path("bibs").write_text("17\n")
        update = ("event", "update", place.event_id, "--json")
        assert chosen(facesearch(*update, "--bib-pattern", "[0-9]{3,4}")) == OFF | {"bib_pattern": "[0-9]{3,4}"}
        assert chosen(facesearch(*update, "--bibs", "bibs")) == OFF | {"bibs_listed": 1}
        assert chosen(facesearch(*update, "--bib-pattern", "F?[0-9]+")) == OFF | {"bib_pattern": "F?[0-9]+"}
        assert listed(place) == set()
        assert chosen(facesearch(*update, "--bib-pattern", "")) == OFF

    def test_no_pattern_takes_no_list_away(self, place: Place, facesearch: Command) -> None:
        Path("bibs").write_text("17\n")
        update = ("event", "update", place.event_id, "--json")
        facesearch(*update, "--bibs", "bibs")
        assert chosen(facesearch(*update, "--bib-pattern", "")) == OFF | {"bibs_listed": 1}
        assert chosen(facesearch(*update, "--bibs", "bibs", "--bib-pattern", "")) == OFF | {"bibs_listed": 1}

    @pytest.mark.parametrize(
        "pattern",
        [
            "[", "(", "*", "a{99999999999}", "x" * 101, "(?P<n>", "\\", "(A?){50}B", "(A+)+", "(?:A|B)*",
            "(?x)(A?) {50}", "A?" * 7, "(|A)" * 20,
        ],
    )  # fmt: skip
    def test_what_is_no_expression_changes_nothing(self, place: Place, facesearch: Command, pattern: str) -> None:
        Path("bibs").write_text("17\n")
        facesearch("event", "update", place.event_id, "--bibs", "bibs")
        assert facesearch("event", "update", place.event_id, "--bib-pattern", pattern).failed("regular expression")
        assert (listed(place), rules(place)) == ({"17"}, BibRules(listed=1)), "nor does it take the list away"

    @pytest.mark.parametrize(
        "pattern", ["[0-9]{3,4}", "F?[0-9]+[A-Z]?", "(?:F|M)?[0-9]{1,5}", r"[0-9+*?]{2}\?", "(HM|10K)[0-9]{4}", "1|2|3"]
    )
    def test_what_races_have_is_taken(self, place: Place, facesearch: Command, pattern: str) -> None:
        assert facesearch("event", "update", place.event_id, "--bib-pattern", pattern).code == 0
        assert rules(place).pattern == pattern

    def test_both_are_refused(self, place: Place, facesearch: Command) -> None:
        Path("bibs").write_text("17\n")
        both = facesearch("event", "update", place.event_id, "--bibs", "bibs", "--bib-pattern", "[0-9]+")
        assert both.failed("--bibs or --bib-pattern")
        assert facesearch("event", "update", place.event_id, "--bibs", "none", "--bib-pattern", "1").failed("--bibs or")
        assert rules(place) == BibRules()


def test_a_start_list_of_an_unknown_event(place: Place, facesearch: Command) -> None:
    Path("bibs").write_text("17\n")
    assert facesearch("event", "update", 1, "--bibs", "bibs").failed("1")
    assert "STARTERS" not in json.dumps(place.dynamodb.scan(TableName=TABLE)["Items"], default=str)
