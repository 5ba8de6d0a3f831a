"""The indexing use case: what is recorded, what is published, and what is never tried again."""

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any, cast
from urllib.parse import quote_plus

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.adapters.memory.watermarks import MemoryWatermarkFiles
from facesearch.adapters.s3.pictures import S3Pictures
from facesearch.errors import Throttled
from facesearch.faces.packing import FACE_BYTES, unpack
from facesearch.faces.qualities import unpack_qualities
from facesearch.faces.vector_items import place_of
from facesearch.models import Event, FaceSet, FaceSetKind
from facesearch.photos.indexing import PhotoIndexer, Upload, parse_notification
from facesearch.photos.looking import IndexingOutcome, IndexingReport, PhotoLooker
from facesearch.photos.pictures import MAX_FILE_BYTES
from facesearch.photos.watermark import Stamps
from facesearch.records import Original, Photo, image_id_of_bytes, rendition_key
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.support.pictures import encoded, exif, with_png_chunk
from tests.support.site import Inline
from tests.unit.faces.sets.places import face_sets
from tests.unit.photos.indexing.fakes import (
    PHOTOS,
    RENDITIONS,
    FakeBibReader,
    FakeEngine,
    MemoryRequests,
    MemoryS3,
    notification,
)

KEY = f"{ORG}/{EVENT_ID}/finish line (1).png"


def photo_of(
    faces: int, size: tuple[int, int] = (600, 400), kind: str = "PNG", *, bibs: int = 0, **options: Any
) -> bytes:
    return encoded(Image.new("RGB", size, (faces, bibs, 0)), kind, **options)


@dataclass
class Studio:
    """An indexer with everything that it stands on."""

    pool: ThreadPoolExecutor
    s3: MemoryS3 = field(default_factory=MemoryS3)
    engine: FakeEngine = field(default_factory=FakeEngine)
    bib_reader: FakeBibReader = field(default_factory=FakeBibReader)
    photos: MemoryPhotoStore = field(default_factory=MemoryPhotoStore)
    reader: MemoryReader = field(default_factory=MemoryReader)
    requests: MemoryRequests = field(default_factory=MemoryRequests)
    items: MemoryVectorItems = field(default_factory=MemoryVectorItems)

    @property
    def indexer(self) -> PhotoIndexer:
        return PhotoIndexer(
            looker=PhotoLooker(engines=lambda _: self.engine, bib_reader=lambda: self.bib_reader),
            photos=self.photos,
            pictures=S3Pictures(cast("Any", self.s3), PHOTOS, RENDITIONS),
            stamps=Stamps(MemoryWatermarkFiles()),
            reader=self.reader,
            sets=face_sets(self.photos, items=self.items, pool=Inline()),
            snapshots=self.requests,
            pool=self.pool,
        )

    def upload(self, data: bytes, key: str = KEY, at: datetime | None = None) -> IndexingReport:
        self.s3.objects[PHOTOS, key] = data
        (report,) = self.indexer.index_message(notification(key, at=at))
        return report

    def put(self, count: int) -> list[str]:
        """So many photos, of which number n has n faces; their keys."""
        keys = [f"{ORG}/{EVENT_ID}/{number}.png" for number in range(count)]
        self.s3.objects |= {(PHOTOS, key): photo_of(number) for number, key in enumerate(keys)}
        return keys

    @property
    def renditions(self) -> int:
        return sum(bucket == RENDITIONS for bucket, _ in self.s3.objects)

    def has(self, data: bytes) -> bool:
        return self.photos.get(EVENT_ID, EVENT.shards, image_id_of_bytes(EVENT_ID, data)) is not None

    def record_of(self, data: bytes) -> Photo:
        record = self.photos.get(EVENT_ID, EVENT.shards, image_id_of_bytes(EVENT_ID, data))
        assert record is not None
        return record

    def rendition(self, size: Any, data: bytes) -> bytes:
        return self.s3.objects[RENDITIONS, rendition_key(EVENT_ID, size, image_id_of_bytes(EVENT_ID, data))]


@pytest.fixture
def studio() -> Iterator[Studio]:
    with ThreadPoolExecutor(4) as pool:
        studio = Studio(pool)
        studio.reader.events[EVENT_ID] = EVENT
        yield studio


def test_a_photo_is_recorded_with_its_faces(studio: Studio) -> None:
    data = photo_of(3, exif=exif(Orientation=6, DateTimeOriginal="2026:05:17 09:30:01"))
    report = studio.upload(data)
    assert (report.outcome, report.faces) == (IndexingOutcome.INDEXED, 3)
    assert (report.org_id, report.event_id, report.image_id) == (ORG, EVENT_ID, image_id_of_bytes(EVENT_ID, data))
    photo = studio.record_of(data)
    assert (photo.status, photo.key, photo.model) == ("indexed", KEY, EVENT.model)
    assert photo.etag == studio.s3.etag
    assert (photo.width, photo.height) == (400, 600)
    assert photo.taken_at == datetime.fromisoformat("2026-05-17T09:30:01")
    assert np.allclose(unpack(photo.faces), np.eye(128)[:3], atol=1e-6)
    assert len(photo.faces) == 3 * FACE_BYTES
    qualities = unpack_qualities(photo.qualities)
    assert (qualities.pixels.tolist(), qualities.sharpness.tolist()) == ([40] * 3, [0.1, 0.2, 0.3])


def photo_in_doubt(faces: int, faces_if_turned: int) -> bytes:
    """Upright, while its XMP says that it lies on its side: then another corner is the first pixel."""
    scene = Image.new("RGB", (600, 400), (faces, 0, 0))
    scene.putpixel((0, 399), (faces_if_turned, 0, 0))
    return with_png_chunk(encoded(scene, "PNG"), b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>')


@pytest.mark.parametrize(
    ("faces", "faces_if_turned", "size"),
    [(3, 1, (600, 400)), (1, 3, (400, 600)), (2, 2, (600, 400)), (0, 0, (600, 400)), (0, 1, (400, 600))],
)
def test_given_an_orientation_in_doubt_when_indexed_then_the_view_with_faces_wins(
    studio: Studio, faces: int, faces_if_turned: int, size: tuple[int, int]
) -> None:
    data = photo_in_doubt(faces, faces_if_turned)
    assert studio.upload(data).faces == max(faces, faces_if_turned)
    photo = studio.record_of(data)
    assert (photo.width, photo.height) == size
    assert Image.open(io.BytesIO(studio.rendition("large", data))).size == size
    assert studio.engine.looks == 2


def test_an_event_with_a_vector_index_has_the_faces_there_too_however_often_it_is_told(studio: Studio) -> None:
    items = studio.items
    event = replace(EVENT, faces=FaceSet(kind=FaceSetKind.VECTORS), vector_table=items.name)
    place = place_of(event)
    studio.upload(photo_of(1))
    assert items.counts(place, studio.pool) == {}, "this event's faces are searched in memory"
    studio.reader.events[EVENT_ID] = event
    data = photo_of(3)
    for _ in range(2):
        studio.upload(data)
    wanted = {image_id_of_bytes(EVENT_ID, data): 3}
    assert items.counts(place, studio.pool) == wanted
    items.delete_all(place, studio.pool)  # as if the first delivery had been killed before it came to this
    assert studio.upload(data).outcome is IndexingOutcome.KNOWN
    assert items.counts(place, studio.pool) == wanted


def test_the_renditions_are_public_for_good_before_the_photo_is_recorded(studio: Studio) -> None:
    data = photo_of(1, (3000, 2000))
    studio.upload(data)
    assert Image.open(io.BytesIO(studio.rendition("large", data))).size == (2048, 1365)
    assert Image.open(io.BytesIO(studio.rendition("medium", data))).size == (1024, 682)
    assert Image.open(io.BytesIO(studio.rendition("small", data))).size == (400, 267)
    for (bucket, _), headers in studio.s3.headers.items():
        assert bucket == RENDITIONS
        assert headers == {"ContentType": "image/jpeg", "CacheControl": "public, max-age=31536000, immutable"}


def test_redelivery_changes_nothing(studio: Studio) -> None:
    data = photo_of(2)
    studio.upload(data)
    record, calls = studio.record_of(data), len(studio.s3.log)
    assert studio.upload(data).outcome is IndexingOutcome.KNOWN
    assert studio.record_of(data) == record
    assert (studio.engine.looks, len(studio.s3.log)) == (1, calls + 1), "one read, no write"


def test_the_same_file_under_another_name_or_in_other_parts_is_the_same_photo(studio: Studio) -> None:
    data, copy = photo_of(2), f"{ORG}/{EVENT_ID}/copy.png"
    studio.upload(data)
    studio.s3.etags[copy] = '"parts-2"'
    assert studio.upload(data, copy).outcome is IndexingOutcome.KNOWN
    photo = studio.record_of(data)
    assert (photo.key, photo.etag) == (KEY, studio.s3.etag), "a copy is not what the record leads to first"
    studio.s3.etags[KEY] = '"parts-3"'
    assert studio.upload(data).outcome is IndexingOutcome.KNOWN
    assert studio.record_of(data) == replace(photo, etag='"parts-3"', copies=(Original(copy, '"parts-2"'),))


def test_two_deliveries_at_once_are_one_photo(studio: Studio) -> None:
    data = photo_of(1)
    studio.s3.objects[PHOTOS, KEY] = data
    running = [studio.indexer.submit(notification(KEY)) for _ in range(4)]
    outcomes = sorted(report.outcome for future in running for report in future.result())
    assert outcomes == [IndexingOutcome.INDEXED] + [IndexingOutcome.KNOWN] * 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty."),
        (b"no picture", "The file is not a readable JPEG, PNG, WebP, HEIC or AVIF picture."),
        (photo_of(1, kind="JPEG")[:-300], "The picture is damaged or cut short."),
    ],
)
def test_what_cannot_be_read_is_recorded_with_its_reason_and_never_tried_again(
    studio: Studio, data: bytes, reason: str
) -> None:
    report = studio.upload(data)
    assert (report.outcome, report.reason) == (IndexingOutcome.FAILED, reason)
    photo = studio.record_of(data)
    assert (photo.status, photo.reason, photo.faces, photo.width) == ("failed", reason, b"", 0)
    assert studio.upload(data).outcome is IndexingOutcome.KNOWN
    assert not [line for line in studio.s3.log if line.startswith("Put")]


def test_a_file_that_is_too_large_is_recorded_without_being_read(studio: Studio) -> None:
    studio.s3.sizes[KEY] = MAX_FILE_BYTES + 1
    report = studio.upload(b"x")
    assert (report.outcome, report.reason) == (IndexingOutcome.FAILED, "The file is larger than 50 MB.")
    assert studio.s3.bodies[0].closed
    assert report.image_id is not None
    photo = studio.photos.get(EVENT_ID, EVENT.shards, report.image_id)
    assert photo is not None
    assert (photo.status, photo.key) == ("failed", KEY)
    assert studio.upload(b"x").outcome is IndexingOutcome.KNOWN


NO_PHOTOS = [
    *(f"{ORG}/{EVENT_ID}{path}" for path in ("", "/", "/@eaDir/DSC_1.JPG/SYNOPHOTO_THUMB_XL.jpg", "/MVI_2.THM")),
    *(f"{place}/a.jpg" for place in (ORG, f"{ORG}/{EVENT_ID + 1}", f"{ORG + 1}/{EVENT_ID}", f"{ORG}/{10**20}")),
    *("a.jpg", f"x/{EVENT_ID}/a.jpg", f"-{ORG}/{EVENT_ID}/a.jpg"),
]


@pytest.mark.parametrize("key", NO_PHOTOS)
def test_what_is_no_photo_of_an_event_is_ignored(studio: Studio, key: str) -> None:
    report = studio.upload(photo_of(1), key)
    assert report.outcome is IndexingOutcome.IGNORED
    assert report.reason
    assert studio.s3.log == []


def test_an_object_that_is_gone_is_ignored(studio: Studio) -> None:
    (report,) = studio.indexer.index_message(notification(KEY))
    assert (report.outcome, report.reason) == (IndexingOutcome.IGNORED, "the object was deleted meanwhile")


@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_trouble_with_a_service_is_raised_and_leaves_no_record(studio: Studio, operation: str) -> None:
    data = photo_of(1)
    studio.s3.fails.add(operation)
    with pytest.raises(Throttled):
        studio.upload(data)
    assert not studio.has(data)
    studio.s3.fails.clear()
    assert studio.upload(data).outcome is IndexingOutcome.INDEXED


def test_the_records_of_one_message_are_all_indexed(studio: Studio) -> None:
    assert [report.faces for report in studio.indexer.index_message(notification(*studio.put(3)))] == [0, 1, 2]


@pytest.mark.parametrize(
    "message",
    ["", "no json", "[]", "null", "{}", '{"Records": 3}', '{"Records": [{}]}', '{"Records": [{"s3": {"bucket": []}}]}'],
)
def test_a_message_that_nobody_can_read_is_ignored(studio: Studio, message: str) -> None:
    (report,) = studio.indexer.index_message(message)
    assert (report.outcome, report.reason) == (IndexingOutcome.IGNORED, "the message is no S3 event notification")


@given(name=st.text(min_size=1), slashes=st.sampled_from(["/", ""]))
def test_any_key_survives_its_encoding_with_plain_or_encoded_slashes(name: str, slashes: str) -> None:
    key = f"903/456/{name}"
    record = {"s3": {"bucket": {"name": PHOTOS}, "object": {"key": quote_plus(key, safe=slashes)}}}
    assert parse_notification(json.dumps({"Records": [record]})) == [Upload(PHOTOS, key)]


def test_one_photo_is_fetched_while_another_is_looked_at(studio: Studio) -> None:
    keys, indexer = studio.put(2), studio.indexer

    def wait_for_both() -> None:
        deadline = monotonic() + 10
        while sum(line.startswith("GetObject") for line in studio.s3.log) < 2:
            assert monotonic() < deadline, "waited in vain"
            sleep(0.001)

    studio.engine.during_look = wait_for_both
    reports = [future.result() for future in [indexer.submit(notification(key)) for key in keys]]
    assert [report.outcome for (report,) in reports] == [IndexingOutcome.INDEXED] * 2


def test_only_one_photo_at_a_time_is_in_memory_decoded(studio: Studio) -> None:
    at_once: list[int] = []
    looking = threading.Semaphore(1)

    def look() -> None:
        at_once.append(looking.acquire(blocking=False))
        sleep(0.01)
        looking.release()

    studio.engine.during_look = look
    keys, indexer = studio.put(8), studio.indexer
    for future in [indexer.submit(notification(key)) for key in keys]:
        future.result()
    assert at_once == [True] * 8


def delete(studio: Studio, data: bytes) -> None:
    image_id = image_id_of_bytes(EVENT_ID, data)
    studio.photos.delete(EVENT_ID, EVENT.shards, image_id)
    for key in [key for key in studio.s3.objects if key[0] == RENDITIONS]:
        del studio.s3.objects[key]
    studio.photos.expire(EVENT_ID, EVENT.shards, image_id)


def test_a_deleted_photo_comes_back_by_a_later_upload_only(studio: Studio) -> None:
    data, before = photo_of(2), datetime.now(UTC)
    studio.upload(data)
    delete(studio, data)
    looks = studio.engine.looks
    assert studio.upload(data).outcome is IndexingOutcome.DELETED
    assert studio.upload(data, at=before).outcome is IndexingOutcome.DELETED
    assert (studio.engine.looks, studio.renditions) == (looks, 0)
    assert studio.upload(data, at=datetime.now(UTC) + timedelta(seconds=1)).outcome is IndexingOutcome.INDEXED
    assert studio.renditions == 2
    assert studio.has(data)


def test_a_photo_that_its_own_message_may_have_recorded_is_shown_to_readers_again(studio: Studio) -> None:
    """A run may have been killed before it knew its write visible, and readers may have looked by."""

    data, before = photo_of(2), datetime.now(UTC)
    studio.upload(data, at=before)
    stamps = [studio.record_of(data).changed_at]
    for at in (before, None, datetime.now(UTC) + timedelta(seconds=1)):
        assert studio.upload(data, at=at).outcome is IndexingOutcome.KNOWN
        stamps.append(studio.record_of(data).changed_at)
    assert stamps[0] < stamps[1] < stamps[2] == stamps[3], "the same file uploaded later is no news"


def test_a_run_that_a_deletion_overtakes_leaves_no_renditions(studio: Studio) -> None:
    data = photo_of(2)
    studio.upload(data)
    record = studio.record_of(data)
    studio.photos.remove(EVENT_ID, EVENT.shards, record.image_id)

    def overtake() -> None:
        studio.photos.add(EVENT_ID, EVENT.shards, record)
        delete(studio, data)

    studio.engine.during_look = overtake
    assert studio.upload(data, at=datetime.now(UTC) - timedelta(seconds=1)).outcome is IndexingOutcome.DELETED
    assert studio.renditions == 0
    assert not studio.has(data)


@pytest.mark.parametrize("data", [photo_of(2), b"broken"])
@pytest.mark.parametrize("now", [None, replace(EVENT, closing=True)])
def test_a_photo_of_an_event_that_is_deleted_meanwhile_is_taken_back(
    studio: Studio, data: bytes, now: Event | None
) -> None:
    add = studio.photos.add

    def close(event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        added = add(event_id, shards, photo, uploaded_at)
        studio.reader.events = {} if now is None else {EVENT_ID: now}
        return added

    studio.photos.add = close  # type: ignore[method-assign]
    assert studio.upload(data).outcome is IndexingOutcome.IGNORED
    assert not studio.has(data)
    assert studio.renditions == 0
    assert studio.upload(data).outcome is IndexingOutcome.IGNORED


def test_after_an_event_s_last_day_photos_are_indexed_without_faces(studio: Studio) -> None:
    studio.reader.events[EVENT_ID] = replace(EVENT, retain_until="2020-01-01")
    data = photo_of(2)
    assert studio.upload(data).outcome is IndexingOutcome.INDEXED
    record = studio.record_of(data)
    assert (record.faces, studio.engine.looks, studio.renditions) == (b"", 0, 2)
