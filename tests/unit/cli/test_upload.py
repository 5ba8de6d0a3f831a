"""Uploads: each picture accounted for once, only what is missing is sent, and waiting ends."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table, update
from facesearch.photos.places import GONE
from facesearch.records import Original, Photo, image_id_of_bytes
from facesearch_cli.pictures import scan
from facesearch_cli.upload import BEING_DELETED, LOST_FACES, NOT_INDEXED, Report, Uploader
from tests.support.aws import TABLE
from tests.unit.cli.conftest import BUCKET, JPEG, Command, Place

THIRD = JPEG + b"\x03"


class Expired:
    """The body of S3's refusal, as urllib3 would stream it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


EXPIRED = Expired()


@dataclass
class Race:
    """Five pictures in a folder, and time that passes only by sleeping, when the indexer does its part."""

    place: Place
    folder: Path
    now: float = 0.0
    photos_a_look: int | None = None
    stops_after: int | None = None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.stops_after is None or not self.place.indexed:
            self.place.index(self.stops_after or self.photos_a_look)

    def uploader(self, **changes: Any) -> Uploader:
        stack = self.place.stack
        event = stack.event(self.place.event_id)
        return Uploader(stack, event, 1000, clock=lambda: self.now, sleep=self.sleep, **changes)

    def upload(self, *, wait: bool = True, **changes: Any) -> Report:
        return self.uploader(**changes).run(scan(self.folder), wait_until_indexed=wait)

    def __post_init__(self) -> None:
        (self.folder / "finish").mkdir(parents=True)
        for number in range(5):
            (self.folder / "finish" / f"{number}.jpg").write_bytes(JPEG + bytes([number]))
        self.third = image_id_of_bytes(self.place.event_id, THIRD)
        self.prefix = f"{self.place.org_id}/{self.place.event_id}/"
        self.key = f"{self.prefix}{self.third}/finish/3.jpg"
        self.store = DynamoPhotoStore(Table(self.place.dynamodb, TABLE))
        self.own = (self.place.event_id, self.place.stack.event(self.place.event_id).shards)

    def record(self) -> Photo:
        found = self.store.get(*self.own, self.third)
        assert found is not None
        return found

    def delete(self, *, finish: bool = True) -> None:
        """Delete the third photo, as every kind of deletion does, and keep its original."""
        self.store.delete(*self.own, self.third)
        if finish:
            self.store.expire(*self.own, self.third)


@pytest.fixture
def race(place: Place) -> Race:
    return Race(place, place.folder / "race")


def test_every_photo_of_a_folder_is_uploaded_with_its_faces(race: Race) -> None:
    race.photos_a_look = 2
    report = race.upload()
    assert (report.uploaded, report.indexed, report.faces, report.failed) == (5, 5, 15, [])
    assert report.photos[3] == ("finish/3.jpg", race.third, 3)
    assert race.key in race.place.object_keys()
    assert report.succeeded


def test_s3_can_refuse_a_photo_that_has_changed_since_it_was_read(race: Race) -> None:
    sent: list[dict[str, str]] = []
    uploader = race.uploader()
    uploader.stack.container.s3.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"])
    )
    uploader.run(scan(race.folder), wait_until_indexed=False)
    digests = {base64.b64encode(sha256(JPEG + bytes([n])).digest()).decode() for n in range(5)}
    assert {headers["x-amz-checksum-sha256"] for headers in sent} == digests
    assert {headers["Content-Type"] for headers in sent} == {"image/jpeg"}


def test_while_the_indexer_lags_only_what_is_new_is_sent_and_all_is_waited_for(race: Race) -> None:
    race.upload(wait=False)
    race.place.index(2)
    (race.folder / "late.jpg").write_bytes(JPEG + b"late")
    unwaited = race.upload(wait=False)
    assert (unwaited.uploaded, unwaited.indexed, len(unwaited.photos)) == (1, 2, 6)
    report = race.upload()
    assert (report.uploaded, report.indexed, report.failed) == (0, 6, [])


def test_a_photo_whose_notification_was_lost_is_sent_again_much_later(race: Race) -> None:
    race.upload(wait=False)
    race.place.index(2)
    assert race.upload(wait=False, under_way_seconds=-60.0).uploaded == 3


@pytest.mark.parametrize("wait", [True, False])
def test_a_photo_deleted_a_moment_ago_is_sent_again(race: Race, *, wait: bool) -> None:
    race.upload()
    race.delete()
    race.place.indexed.remove(race.key)
    report = race.upload(wait=wait)
    assert (report.uploaded, len(report.photos), report.failed, report.succeeded) == (1, 5, [], True)
    assert report.indexed == 4 + wait


def test_a_photo_sent_again_after_its_deletion_is_under_way(race: Race) -> None:
    race.upload()
    race.delete()
    # As if the deletion had been over a minute before the file that is there came.
    earlier = update(
        schema.photo_key(*race.own, race.third), "SET changed_at = changed_at - :minute", minute=60_000_000
    )
    assert Table(race.place.dynamodb, TABLE).write(earlier)
    assert race.upload(wait=False).uploaded == 0


def test_a_photo_whose_deletion_is_not_over_is_refused_and_named(race: Race) -> None:
    race.upload()
    race.delete(finish=False)
    report = race.upload()
    assert (report.uploaded, report.failed) == (0, [("finish/3.jpg", BEING_DELETED)])
    assert not report.succeeded


def test_an_original_that_is_lost_is_sent_again(race: Race) -> None:
    race.upload()
    race.place.s3.delete_object(Bucket=BUCKET, Key=race.key)
    report = race.upload()
    assert (report.uploaded, report.indexed, report.succeeded) == (1, 5, True)
    assert race.key in race.place.object_keys()
    assert race.upload().uploaded == 0


def test_faces_that_were_lost_with_the_original_at_a_rebuild_are_told(race: Race) -> None:
    race.upload()
    assert race.store.put_faces(*race.own, race.record(), "another model", b"", GONE)
    assert race.upload().failed == []  # searches still go by the faces that were there before
    race.store.promote(*race.own, race.third, "another model")
    report = race.upload()
    assert (report.uploaded, report.indexed, report.failed) == (0, 4, [("finish/3.jpg", LOST_FACES)])


def test_an_original_that_was_moved_is_found_and_nothing_is_sent(race: Race) -> None:
    race.upload()
    moved, etag = f"{race.prefix}day 1/3.jpg", race.record().etag
    race.place.s3.copy_object(Bucket=BUCKET, Key=moved, CopySource={"Bucket": BUCKET, "Key": race.key})
    race.place.s3.delete_object(Bucket=BUCKET, Key=race.key)
    assert race.upload().uploaded == 0
    assert race.record().originals[0] == Original(moved, etag)


def test_files_of_another_tool_or_event_are_not_taken_for_ours(race: Race) -> None:
    for key in (f"{race.prefix}by hand.jpg", f"{race.prefix[:-1]}9/{race.third}/3.jpg"):
        race.place.s3.put_object(Bucket=BUCKET, Key=key, Body=JPEG)
    assert race.upload(wait=False).uploaded == 5


def test_copies_are_sent_once_and_both_listed(race: Race) -> None:
    (race.folder / "copy of 3.jpg").write_bytes(THIRD)
    report = race.upload()
    assert (report.uploaded, report.indexed, report.faces) == (5, 6, 15)
    assert len({image_id for _, image_id, _ in report.photos}) == 5


def test_each_photo_that_fails_has_its_reason_and_the_rest_is_fine(race: Race) -> None:
    (race.folder / "broken.heic").write_bytes(b"unreadable")
    (race.folder / "huge.jpg").write_bytes(JPEG + bytes(2000))
    (race.folder / "gone.jpg").symlink_to(race.folder / "nowhere")
    report = race.upload()
    reasons = dict(report.failed)
    assert reasons["broken.heic"] == "no readable picture"
    assert "at most" in reasons["huge.jpg"]
    assert "cannot be read" in reasons["gone.jpg"]
    assert (report.uploaded, report.indexed, len(reasons), report.succeeded) == (6, 5, 3, False)
    again = race.upload()
    assert (again.uploaded, dict(again.failed)) == (0, reasons)


def test_what_is_refused_once_credentials_have_expired_is_no_success(race: Race) -> None:
    uploader, taken = race.uploader(), iter([True])

    def expire(**_: object) -> AWSResponse | None:
        return None if next(taken, False) else AWSResponse("", 403, HTTPHeaders(), EXPIRED)

    events: Any = uploader.stack.container.s3.meta.events  # its stub knows no handler that responds
    events.register_first("before-send.s3.PutObject", expire)
    report = uploader.run(scan(race.folder), wait_until_indexed=False)
    assert (report.uploaded, report.refused, report.succeeded) == (1, 4, False)
    assert {reason.split(":")[0] for _, reason in report.failed} == {"not uploaded"}


def test_waiting_for_an_indexer_that_stops_ends_and_says_what_is_missing(race: Race) -> None:
    race.stops_after = 2
    report = race.upload()
    assert (report.uploaded, report.indexed) == (5, 2)
    assert [reason for _, reason in report.failed] == [NOT_INDEXED] * 3
    assert (report.stalled, report.succeeded) == (True, False)
    assert 120 <= race.now < 140


def test_a_name_that_is_no_text_becomes_a_key_and_json_still_says_it(race: Race, facesearch: Command) -> None:
    try:
        Path(os.fsdecode(os.fsencode(race.folder) + b"/a\xff\n.jpg")).write_bytes(JPEG + b"odd")
    except OSError:
        pytest.skip("this file system has no such names")
    race.upload()
    assert any(key.endswith("/race/a?_.jpg") for key in race.place.object_keys())
    ended = facesearch("photos", "upload", race.folder, "--event", race.place.event_id, "--json")
    assert ended.json["photos"][0]["file"] == "a\udcff\n.jpg"
