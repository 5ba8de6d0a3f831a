"""Deletions from the command line: what is asked, what is printed, what the exit code says."""

import sys
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import typer

from facesearch.adapters.dynamodb.erasure_log import DynamoErasureLog
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.deletion.log import Erasing
from facesearch.faces.packing import pack
from facesearch.models import DEFAULT_MODEL
from facesearch.records import SHARDS, Bib, Photo, original_key, rendition_keys
from tests.support.aws import TABLE
from tests.support.site import FakeEngine, face_of
from tests.unit.cli.conftest import BUCKET, JPEG, Command, Place
from tests.unit.cli.test_links import TEMPLATE, page_of

PHOTO = uuid.UUID(int=8)


@pytest.fixture
def event(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The event with one photo of person 1, its files, and everything that deletions work on."""
    place.have_all_stores()
    key = original_key(place.org_id, place.event_id, PHOTO, "a.jpg")
    photo = Photo(PHOTO, "indexed", key, 3, 4, DEFAULT_MODEL, pack(face_of(1, 1)[None]))
    DynamoPhotoStore(Table(place.dynamodb, TABLE)).add(place.event_id, SHARDS, photo)
    place.s3.put_object(Bucket=BUCKET, Key=key, Body=JPEG)
    for rendition in rendition_keys(place.event_id, PHOTO):
        place.s3.put_object(Bucket="r-b", Key=rendition, Body=JPEG)
    (place.folder / "selfie").write_bytes(b"1")
    monkeypatch.setattr("facesearch.adapters.opencv.face_engine.OpenCvEngine", lambda folder, threads: FakeEngine())
    monkeypatch.setenv("MODELS_DIR", str(place.folder))
    return place


def refuse_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def confirm(question: str, **options: Any) -> None:
        asked.append(question)
        raise typer.Abort

    monkeypatch.setattr("typer.confirm", confirm)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    return asked


def is_there(place: Place) -> bool:
    return DynamoPhotoStore(Table(place.dynamodb, TABLE)).get(place.event_id, SHARDS, PHOTO) is not None


def test_given_a_photo_when_deleted_then_a_receipt_of_zeros(event: Place, facesearch: Command) -> None:
    receipt = facesearch("photos", "delete", PHOTO, "--event", event.event_id, "--originals", "--json").json
    assert receipt["event_id"] == event.event_id
    assert {kind: count for kind, count in receipt["deleted"].items() if count} == {
        "photos": 1, "faces": 1, "renditions": 3, "originals": 1,
    }  # fmt: skip
    assert receipt["left"] == dict.fromkeys(receipt["deleted"], 0)
    assert event.object_keys() == []


@pytest.mark.parametrize("command", ["photos delete {photo}", "person delete --selfie selfie --photos"])
def test_given_a_cover_when_deleted_then_no_guests_page_names_it(
    event: Place, facesearch: Command, command: str
) -> None:
    event.describe({"PageUrl": "https://photos.example"})
    event.s3.put_object(Bucket="r-b", Key="page/template.html", Body=TEMPLATE)
    assert facesearch("event", "update", event.event_id, "--cover", PHOTO).code == 0
    url = facesearch("link", "create", "--event", event.event_id, "--preview", "--json").json["url"]
    assert page_of(event, url).count(f"{PHOTO}.jpg") == 3, "for messengers, to load it early, and in the settings"
    assert facesearch(*command.format(photo=PHOTO).split(), "--event", event.event_id, "--json").code == 0
    assert not is_there(event)
    assert str(PHOTO) not in page_of(event, url)


def test_given_an_unknown_photo_when_deleted_then_it_is_said_with_1(event: Place, facesearch: Command) -> None:
    stranger = uuid.uuid4()
    ended = facesearch("photos", "delete", PHOTO, stranger, "--event", event.event_id, "--json")
    assert (ended.code, ended.json["unknown"]) == (1, [str(stranger)])
    assert str(stranger) in ended.err
    assert not is_there(event)
    assert facesearch("photos", "delete", "x", "--event", event.event_id).err == "'x' is not an image_id.\n"


def test_a_selfie_when_deleted_then_the_face_is_gone_and_the_photo_is_not(event: Place, facesearch: Command) -> None:
    person = ("person", "delete", "--selfie", "selfie", "--event", event.event_id)
    receipt = facesearch(*person, "--json").json
    assert (receipt["deleted"]["faces"], set(receipt["left"].values())) == (1, {0})
    assert is_there(event)
    assert facesearch(*person, "--originals").failed("--photos")


@pytest.mark.parametrize("command", ["photos delete {photo}", "person delete --selfie selfie", "event delete"])
def test_given_bibs_when_deleted_then_the_receipt_says_so_and_names_none(
    event: Place, facesearch: Command, command: str
) -> None:
    store = DynamoPhotoStore(Table(event.dynamodb, TABLE))
    photo = store.get(event.event_id, SHARDS, PHOTO)
    assert photo is not None
    assert store.set_bibs(event.event_id, SHARDS, photo, [Bib("4711", 0), Bib("4712", 0)], "fake")
    place = [event.event_id] if command == "event delete" else ["--event", event.event_id]
    ended = facesearch(*command.format(photo=PHOTO).split(), *place, "--yes")
    assert ended.code == 0
    assert "2 bibs" in ended.out.splitlines()[0]
    assert "Left (counted again): nothing." in ended.out
    assert "471" not in (ended.out + ended.err).replace(str(event.event_id), "").replace(str(event.org_id), "")
    assert [store.bib_photos(event.event_id, bib) for bib in ("4711", "4712")] == [[], []]


def test_given_stored_selfies_of_the_person_when_deleted_then_they_go_and_the_receipt_says_how_many_were_looked_at(
    event: Place, facesearch: Command
) -> None:
    below = f"{event.org_id}/{event.event_id}"
    of_the_person, of_another = f"{below}/{uuid.UUID(int=1)}", f"uploads/{below}/{uuid.UUID(int=2)}"
    for key, content in {of_the_person: b"2", of_another: b"3", f"uploads/{below}/x": b"nobody"}.items():
        event.s3.put_object(Bucket="s-b", Key=key, Body=content)
    (event.folder / "other").write_bytes(b"2")
    person = ("person", "delete", "--selfie", "other", "--event", event.event_id)
    receipt = facesearch(*person, "--json").json
    assert {kind: count for kind, count in receipt["deleted"].items() if count} == {"selfies": 1}
    assert receipt["looked_at"] == {"selfies": 3, "unreadable": 1}
    assert event.object_keys("s-b") == [of_another, f"uploads/{below}/x"]
    ended = facesearch(*person)
    assert "Stored selfies checked: 2." in ended.out
    assert "1 of the stored selfies show no face" in " ".join(ended.err.split())
    assert "If an earlier run was interrupted, it had finished" in " ".join(ended.err.split())


def test_given_an_interrupted_run_when_deleted_then_the_receipt_says_that_it_does_not_count_that_one(
    event: Place, facesearch: Command
) -> None:
    DynamoErasureLog(Table(event.dynamodb, TABLE)).begin(event.event_id, [Erasing(PHOTO, whole=True)])
    ended = facesearch("photos", "delete", PHOTO, "--event", event.event_id, "--json")
    assert ended.json["resumed"] is True
    assert "counts only its own part" in ended.err


def test_several_selfies_when_deleted_then_one_person_and_at_most_three(event: Place, facesearch: Command) -> None:
    (event.folder / "other").write_bytes(b"2")
    person = ("person", "delete", "--photos", "--event", event.event_id, "--json", "--selfie", "selfie", "--selfie")
    assert facesearch(*person, "other").err == "Selfie 2 does not show the same person as selfie 1.\n"
    assert facesearch(*person, "selfie", *["--selfie", "selfie"] * 2).failed("1 to 3 selfies")
    deleted = facesearch(*person, "selfie").json["deleted"]
    assert (deleted["photos"], deleted["faces"], deleted["renditions"]) == (1, 1, 3)
    assert not is_there(event)


def test_no_models_then_one_line_and_1(event: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_DIR", str(event.folder / "nothing"))
    assert facesearch("person", "delete", "--selfie", "selfie", "--event", event.event_id).failed("make assets")


def test_an_event_then_it_is_unknown_and_its_organisation_counts_one_less(event: Place, facesearch: Command) -> None:
    assert facesearch("event", "update", event.event_id, "--retain-until", "2099-01-01", "--json").code == 0
    deleted = facesearch("event", "delete", event.event_id, "--json")
    assert deleted.json["deleted"]["photos"] == 1
    assert f"files stay in the photos bucket, under {event.org_id}/{event.event_id}/" in deleted.err
    assert "no event" in facesearch("event", "delete", event.event_id).err
    assert facesearch("org", "show", event.org_id, "--json").json["events"] == 0
    assert facesearch("event", "list", "--org", event.org_id, "--json").json == {"events": []}
    assert len(event.object_keys()) == 1, "originals by flag only"


@pytest.mark.parametrize(
    "words",
    [
        lambda event: ("photos", "delete", PHOTO, "--event", event.event_id),
        lambda event: ("person", "delete", "--selfie", "selfie", "--event", event.event_id, "--photos"),
        lambda event: ("event", "delete", event.event_id),
    ],
)
def test_given_a_terminal_when_deleted_then_it_is_asked_and_no_means_no(
    event: Place, facesearch: Command, monkeypatch: pytest.MonkeyPatch, words: Callable[[Place], tuple[object, ...]]
) -> None:
    asked = refuse_on_a_terminal(monkeypatch)
    for options in ((), ("--json",)):
        assert facesearch(*words(event), *options).code != 0
    assert len(asked) == 2
    assert is_there(event)
    facesearch(*words(event), "--yes")
    assert len(asked) == 2
    assert not is_there(event)


def test_given_a_stack_of_before_when_deleted_then_one_line_says_what_to_do(place: Place, facesearch: Command) -> None:
    assert facesearch("event", "delete", place.event_id).failed("Deploy it again")


def test_given_a_last_day_when_updated_or_by_default_then_it_is_listed(place: Place, facesearch: Command) -> None:
    def listed() -> list[str]:
        pk = {":pk": {"S": "RETENTION"}}
        query: Any = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": pk}
        rows = place.dynamodb.query(TableName=TABLE, **query)
        return [item["sk"]["S"] for item in rows["Items"]]

    update = ("event", "update", place.event_id, "--json", "--retain-until")
    assert facesearch(*update, "2098-12-31").json["retain_until"] == "2098-12-31"
    assert facesearch(*update, "2099-01-31").json["retain_until"] == "2099-01-31"
    assert listed() == [f"2099-01-31#{place.event_id}"]
    assert facesearch(*update, "").json["retain_until"] is None
    assert listed() == []
    assert "YYYY-MM-DD" in facesearch(*update, "soon").err

    place.describe({"BiometricRetentionDays": "90"})
    create = ("event", "create", "Gala", "--org", place.org_id, "--date", "2026-05-01", "--json")
    event_id = facesearch(*create).json["event_id"]
    assert listed() == [f"2026-07-30#{event_id}"]
