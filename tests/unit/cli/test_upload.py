"""Uploads: each picture accounted for once, only what is missing is sent, and waiting ends."""

import base64
import os
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.photos.lookagain import GONE
from facesearch.records import Original, image_id_of_bytes
from facesearch_cli.pictures import scan
from facesearch_cli.upload import BEING_DELETED, LOST_FACES, NOT_INDEXED, Report, Uploader
from tests.support.aws import TABLE
from tests.unit.cli.conftest import BUCKET, JPEG, Command, Place


class Expired:
    """The body of S3's refusal, as urllib3 would stream it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


EXPIRED = Expired()


class Clock:
    """Time that passes only by sleeping; what the indexer does meanwhile happens then."""

    def __init__(self, place: Place, photos_a_look: int | None = None) -> None:
        self.now = 0.0
        self._place = place
        self._photos = photos_a_look

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._place.index(self._photos)

    def uploader(self, most_bytes: int = 1000) -> Uploader:
        place = self._place
        event = place.stack.event(place.event_id)
        return Uploader(place.stack, event, most_bytes, clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def folder(place: Place) -> Path:
    root = place.folder / "race"
    (root / "finish").mkdir(parents=True)
    for number in range(5):
        (root / "finish" / f"{number}.jpg").write_bytes(JPEG + bytes([number]))
    return root


def upload(place: Place, root: Path, photos_a_look: int | None = None) -> Report:
    return Clock(place, photos_a_look).uploader().run(scan(root), wait_until_indexed=True)


def test_given_a_folder_when_uploaded_then_every_photo_with_its_faces(place: Place, folder: Path) -> None:
    report = upload(place, folder, photos_a_look=2)
    assert (report.uploaded, report.indexed, report.faces, report.failed) == (5, 5, 15, [])
    image_id = image_id_of_bytes(place.event_id, JPEG + b"\x03")
    assert report.photos[3] == ("finish/3.jpg", image_id, 3)
    assert f"{place.org_id}/{place.event_id}/{image_id}/finish/3.jpg" in place.object_keys()
    assert report.succeeded


def test_given_a_photo_then_s3_can_refuse_it_if_it_has_changed_since_it_was_read(place: Place, folder: Path) -> None:
    sent: list[dict[str, str]] = []
    uploader = Clock(place).uploader()
    uploader.stack.container.s3.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"])
    )
    uploader.run(scan(folder), wait_until_indexed=False)
    digests = {base64.b64encode(sha256(JPEG + bytes([n])).digest()).decode() for n in range(5)}
    assert {headers["x-amz-checksum-sha256"] for headers in sent} == digests
    assert {headers["Content-Type"] for headers in sent} == {"image/jpeg"}


def test_given_a_second_run_when_uploaded_then_only_what_is_new_is_sent(place: Place, folder: Path) -> None:
    first = upload(place, folder)
    (folder / "late.jpg").write_bytes(JPEG + b"late")
    second = upload(place, folder)
    assert (second.uploaded, second.indexed) == (1, 6)
    assert set(first.photos) < set(second.photos)


def test_an_indexer_that_lags_then_nothing_is_sent_again_and_all_is_waited_for(place: Place, folder: Path) -> None:
    Clock(place).uploader().run(scan(folder), wait_until_indexed=False)
    place.index(2)
    (folder / "late.jpg").write_bytes(JPEG + b"late")
    unwaited = Clock(place).uploader().run(scan(folder), wait_until_indexed=False)
    assert (unwaited.uploaded, unwaited.indexed, len(unwaited.photos)) == (1, 2, 6)
    report = upload(place, folder)
    assert (report.uploaded, report.indexed, report.failed) == (0, 6, [])


def test_a_lost_notification_when_run_again_much_later_then_the_photo_is_sent_again(place: Place, folder: Path) -> None:
    Clock(place).uploader().run(scan(folder), wait_until_indexed=False)
    place.index(2)
    later = replace(Clock(place).uploader(), under_way_seconds=-60.0)
    assert later.run(scan(folder), wait_until_indexed=False).uploaded == 3


def end(place: Place, image_id: UUID, *, finish: bool = True) -> None:
    """Delete a photo, as every kind of deletion does, and keep its original."""
    store = DynamoPhotoStore(place.dynamodb, TABLE)
    shards = place.stack.event(place.event_id).shards
    store.delete(place.event_id, shards, image_id)
    if finish:
        store.expire(place.event_id, shards, image_id)


@pytest.mark.parametrize("wait", [True, False])
def test_given_a_photo_deleted_a_moment_ago_then_it_is_sent_again(place: Place, folder: Path, *, wait: bool) -> None:
    upload(place, folder)
    image_id = image_id_of_bytes(place.event_id, JPEG + b"\x03")
    end(place, image_id)
    place.indexed = {key for key in place.indexed if str(image_id) not in key}
    report = Clock(place).uploader().run(scan(folder), wait_until_indexed=wait)
    assert (report.uploaded, len(report.photos), report.failed, report.succeeded) == (1, 5, [], True)
    if wait:
        assert report.indexed == 5


def test_a_photo_sent_again_after_its_deletion_when_run_again_then_it_is_under_way(place: Place, folder: Path) -> None:
    upload(place, folder)
    image_id = image_id_of_bytes(place.event_id, JPEG + b"\x03")
    end(place, image_id)
    place.dynamodb.update_item(  # as if the deletion had been over a minute before the file that is there came
        TableName=TABLE,
        Key=schema.photo_key(place.event_id, place.stack.event(place.event_id).shards, image_id),
        UpdateExpression="SET changed_at = changed_at - :minute",
        ExpressionAttributeValues={":minute": schema.n(60_000_000)},
    )
    assert Clock(place).uploader().run(scan(folder), wait_until_indexed=False).uploaded == 0


def test_given_a_deletion_that_is_not_over_then_the_photo_is_refused_and_named(place: Place, folder: Path) -> None:
    upload(place, folder)
    end(place, image_id_of_bytes(place.event_id, JPEG + b"\x03"), finish=False)
    report = upload(place, folder)
    assert (report.uploaded, report.failed) == (0, [("finish/3.jpg", BEING_DELETED)])
    assert not report.succeeded


def test_given_an_original_that_is_lost_when_uploaded_then_it_is_sent_again(place: Place, folder: Path) -> None:
    upload(place, folder)
    image_id = image_id_of_bytes(place.event_id, JPEG + b"\x03")
    key = f"{place.org_id}/{place.event_id}/{image_id}/finish/3.jpg"
    place.s3.delete_object(Bucket=BUCKET, Key=key)
    report = upload(place, folder)
    assert (report.uploaded, report.indexed, report.succeeded) == (1, 5, True)
    assert key in place.object_keys()
    assert upload(place, folder).uploaded == 0


def test_given_an_original_that_was_gone_then_its_lost_faces_are_told(place: Place, folder: Path) -> None:
    upload(place, folder)
    photos, shards = place.stack.container.photos, place.stack.event(place.event_id).shards
    seen = photos.get(place.event_id, shards, image_id_of_bytes(place.event_id, JPEG + b"\x03"))
    assert seen is not None
    assert photos.put_faces(place.event_id, shards, seen, "another model", b"", GONE)
    assert upload(place, folder).failed == []  # searches still go by the faces that were there before
    photos.promote(place.event_id, shards, seen.image_id, "another model")
    report = upload(place, folder)
    assert (report.uploaded, report.indexed, report.failed) == (0, 4, [("finish/3.jpg", LOST_FACES)])


def test_an_original_that_was_moved_then_the_record_leads_there_and_nothing_is_sent(place: Place, folder: Path) -> None:
    upload(place, folder)
    image_id = image_id_of_bytes(place.event_id, JPEG + b"\x03")
    prefix = f"{place.org_id}/{place.event_id}/"
    before = place.stack.container.photos.get(place.event_id, place.stack.event(place.event_id).shards, image_id)
    assert before is not None
    place.s3.copy_object(Bucket=BUCKET, Key=f"{prefix}day 1/3.jpg", CopySource={"Bucket": BUCKET, "Key": before.key})
    place.s3.delete_object(Bucket=BUCKET, Key=before.key)
    assert upload(place, folder).uploaded == 0
    after = place.stack.container.photos.get(place.event_id, place.stack.event(place.event_id).shards, image_id)
    assert after is not None
    assert after.originals[0] == Original(f"{prefix}day 1/3.jpg", before.etag)


def test_given_files_of_another_tool_and_event_then_they_are_not_taken_for_ours(place: Place, folder: Path) -> None:
    image_id = image_id_of_bytes(place.event_id, JPEG + b"\x03")
    for key in (
        f"{place.org_id}/{place.event_id}/by hand.jpg",
        f"{place.org_id}/{place.event_id}9/{image_id}/finish/3.jpg",
    ):
        place.s3.put_object(Bucket=BUCKET, Key=key, Body=JPEG)
    assert Clock(place).uploader().run(scan(folder), wait_until_indexed=False).uploaded == 5


def test_given_copies_when_uploaded_then_sent_once_and_both_listed(place: Place, folder: Path) -> None:
    (folder / "copy of 0.jpg").write_bytes((folder / "finish" / "0.jpg").read_bytes())
    report = upload(place, folder)
    assert (report.uploaded, report.indexed, report.faces) == (5, 6, 15)
    assert len({image_id for _, image_id, _ in report.photos}) == 5


def test_given_photos_that_fail_then_each_has_its_reason_and_the_rest_is_fine(place: Place, folder: Path) -> None:
    (folder / "broken.heic").write_bytes(b"unreadable")
    (folder / "huge.jpg").write_bytes(JPEG + bytes(2000))
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    report = upload(place, folder)
    reasons = dict(report.failed)
    assert reasons["broken.heic"] == "no readable picture"
    assert "at most" in reasons["huge.jpg"]
    assert "cannot be read" in reasons["gone.jpg"]
    assert (report.uploaded, report.indexed, len(reasons)) == (6, 5, 3)
    assert not report.succeeded
    again = upload(place, folder)
    assert (again.uploaded, dict(again.failed)) == (0, reasons)


def test_given_a_bucket_that_refuses_when_uploaded_then_reasons_and_no_exception(place: Place, folder: Path) -> None:
    for key in place.object_keys():
        place.s3.delete_object(Bucket=BUCKET, Key=key)
    place.s3.delete_bucket(Bucket=BUCKET)
    report = Clock(place).uploader().run(scan(folder), wait_until_indexed=False)
    assert {reason.split(":")[0] for _, reason in report.failed} == {"not uploaded"}
    assert (report.uploaded, len(report.failed), report.succeeded) == (0, 5, False)


def test_credentials_that_expire_when_uploading_then_what_was_refused_is_no_success(place: Place, folder: Path) -> None:
    uploader, taken = Clock(place).uploader(), iter([True])

    def expire(**_: object) -> AWSResponse | None:
        return None if next(taken, False) else AWSResponse("", 403, HTTPHeaders(), EXPIRED)

    events: Any = uploader.stack.container.s3.meta.events  # its stub knows no handler that responds
    events.register_first("before-send.s3.PutObject", expire)
    report = uploader.run(scan(folder), wait_until_indexed=False)
    assert (report.uploaded, report.refused, report.succeeded) == (1, 4, False)


def test_given_an_indexer_that_stops_then_it_ends_and_says_what_is_missing(place: Place, folder: Path) -> None:
    class Stopping(Clock):
        def sleep(self, seconds: float) -> None:
            self.now += seconds
            if not place.indexed:
                place.index(2)

    clock = Stopping(place)
    report = clock.uploader().run(scan(folder), wait_until_indexed=True)
    assert (report.uploaded, report.indexed) == (5, 2)
    assert [reason for _, reason in report.failed] == [NOT_INDEXED] * 3
    assert (report.stalled, report.succeeded) == (True, False)
    assert 120 <= clock.now < 140


def test_given_a_name_that_is_no_text_when_uploaded_then_the_key_is_and_json_still_says_it(
    place: Place, folder: Path, facesearch: Command
) -> None:
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/a\xff\n.jpg")).write_bytes(JPEG + b"odd")
    except OSError:
        pytest.skip("this file system has no such names")
    upload(place, folder)
    assert any(key.endswith("/race/a?_.jpg") for key in place.object_keys())
    ended = facesearch("photos", "upload", folder, "--event", place.event_id, "--json")
    assert ended.json["photos"][0]["file"] == "a\udcff\n.jpg"
