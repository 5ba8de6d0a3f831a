"""`facesearch event update --watermark`: what is said, what is refused, and what becomes of the previews."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from PIL import Image

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.watermarks import DynamoWatermarkFiles
from facesearch.adapters.s3.pictures import S3Pictures
from facesearch.models import Watermark, WatermarkPlace
from facesearch.photos.indexing import PhotoIndexer
from facesearch.photos.looking import PhotoLooker
from facesearch.photos.watermark import Stamps
from facesearch.photos.watermarking import Watermarking
from facesearch.records import image_id_of_bytes, rendition_key
from tests.support.aws import TABLE
from tests.support.pictures import encoded
from tests.support.site import Inline
from tests.unit.cli.conftest import BUCKET, Command, Place
from tests.unit.faces.sets.places import face_sets
from tests.unit.photos.indexing.fakes import FakeEngine, MemoryRequests, notification

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LOGO = encoded(Image.new("RGBA", (40, 20), (255, 0, 0, 200)), "PNG")


@dataclass
class Marking:
    """The stack with three photos, and its indexing function, which works while the command line waits."""

    place: Place
    sqs: "SQSClient"
    queue: str
    indexer: PhotoIndexer
    now: float = 0
    uncached: list[str] = field(default_factory=list)
    ids: list[uuid.UUID] = field(default_factory=list)

    def deliver(self) -> int:
        messages = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.indexer.index_message(message["Body"])
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.deliver()

    def upload(self, number: int) -> None:
        data, key = encoded(Image.new("RGB", (300, 200), (0, number, 90)), "PNG"), self.key(number)
        self.place.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        self.indexer.index_message(notification(key, bucket=BUCKET))
        self.ids.append(image_id_of_bytes(self.place.event_id, data))

    def key(self, number: int) -> str:
        return f"{self.place.org_id}/{self.place.event_id}/{number}.png"

    def looks(self) -> set[str]:
        """How the previews say that they look."""
        keys = [rendition_key(self.place.event_id, "large", image_id) for image_id in self.ids]
        files = [self.place.s3.head_object(Bucket="r-b", Key=key) for key in keys]
        return {file["Metadata"].get("rendering", "") for file in files}

    @property
    def watermark(self) -> Watermark | None:
        return self.place.stack.event(self.place.event_id).watermark

    def files(self) -> int:
        return DynamoWatermarkFiles(Table(self.place.dynamodb, TABLE)).count(self.place.event_id)


@pytest.fixture
def marking(place: Place, monkeypatch: pytest.MonkeyPatch) -> Marking:
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    place.have_all_stores()
    place.describe({"UploadsQueueUrl": queue})
    table, photos = Table(place.dynamodb, TABLE), DynamoPhotoStore(Table(place.dynamodb, TABLE))
    indexer = PhotoIndexer(
        looker=PhotoLooker(engines=lambda _: FakeEngine()),
        photos=photos,
        pictures=S3Pictures(place.s3, BUCKET, "r-b"),
        stamps=Stamps(DynamoWatermarkFiles(table)),
        reader=DynamoReader(table),
        sets=face_sets(photos, pool=Inline()),
        snapshots=MemoryRequests(),
        pool=Inline(),
    )
    made = Marking(place, sqs, queue, indexer)

    def uncache(paths: Sequence[str]) -> None:
        made.uncached.extend(paths)

    replaced: Any = partial(Watermarking, clock=lambda: made.now, sleep=made.sleep)
    monkeypatch.setattr(
        "facesearch.bootstrap.operators.Watermarking", lambda **parts: replaced(**{**parts, "uncache": uncache})
    )
    for number in range(3):
        made.upload(number)
    (place.folder / "logo.png").write_bytes(LOGO)
    return made


def place_has_none(marking: Marking) -> bool:
    return marking.watermark is None


def update(marking: Marking) -> tuple[str, str, int]:
    return "event", "update", marking.place.event_id


def test_a_text_is_set_changed_and_taken_out(marking: Marking, facesearch: Command) -> None:
    said = facesearch(*update(marking), "--watermark", " © Runners ")
    mark = Watermark("© Runners")
    assert said.code == 0
    assert 'Watermark: "© Runners", bottom-right, size 25 %, opacity 60 %\n' in said.out
    assert said.out.endswith("Previews: 3 of 3 photos have the watermark.\n")
    assert (marking.watermark, marking.looks()) == (mark, {mark.version})
    assert marking.uncached == [f"/imgs/{marking.place.event_id}/*"]

    look = ("--watermark-place", "tiled", "--watermark-size", 40, "--watermark-opacity", 30)
    changed = facesearch(*update(marking), *look, "--json").json
    mark = Watermark("© Runners", place=WatermarkPlace.TILED, size=40, opacity=30)
    assert changed["watermark"] == {
        "text": "© Runners", "picture": None, "place": "tiled", "size": 40, "opacity": 30, "version": mark.version,
    }  # fmt: skip
    assert changed["previews"] == {"photos": 3, "done": 3, "left": 0, "failed": []}
    assert (marking.watermark, marking.looks()) == (mark, {mark.version})

    assert facesearch(*update(marking), "--watermark", "Words").code == 0
    assert marking.watermark == Watermark("Words", place=WatermarkPlace.TILED, size=40, opacity=30)

    said = facesearch(*update(marking), "--watermark", "none")
    assert said.out.endswith("Previews: 3 of 3 photos are without a watermark.\n")
    assert "Watermark:" not in said.out
    assert place_has_none(marking)
    assert marking.looks() == {""}
    assert len(marking.uncached) == 4


def test_a_png_is_kept_as_long_as_the_event_names_it(marking: Marking, facesearch: Command) -> None:
    shown = facesearch(*update(marking), "--watermark", "logo.png", "--json").json["watermark"]
    assert marking.watermark == Watermark(picture=shown["picture"])
    assert (marking.files(), marking.looks()) == (1, {shown["version"]})
    assert "Watermark: a PNG" in facesearch(*update(marking), "--watermark-size", 30).out
    assert marking.files() == 1
    assert facesearch(*update(marking), "--watermark", "Words").code == 0
    assert marking.files() == 0


def test_other_changes_leave_previews_alone(marking: Marking, facesearch: Command) -> None:
    assert facesearch(*update(marking), "--watermark", "Words").code == 0
    shown = facesearch(*update(marking), "--confidence", 91, "--json").json
    assert shown["watermark"]["text"] == "Words"
    assert "previews" not in shown
    assert len(marking.uncached) == 1


def test_what_is_not_waited_for_is_seen_through_by_running_it_again(marking: Marking, facesearch: Command) -> None:
    said = facesearch(*update(marking), "--watermark", "Words", "--no-wait")
    assert said.out.endswith("Previews: 0 of 3 photos have the watermark.\n")
    assert said.err == "3 follow in the background. Run it again without --no-wait to see it through.\n"
    assert marking.uncached == []
    assert marking.deliver() == 1
    assert facesearch(*update(marking), "--watermark", "Words", "--json").json["previews"]["done"] == 3
    assert (marking.deliver(), len(marking.uncached)) == (0, 1)


def test_whose_previews_cannot_be_changed_is_told(marking: Marking, facesearch: Command) -> None:
    assert facesearch(*update(marking), "--watermark", "Words").code == 0
    for number in (0, 1):
        marking.place.s3.delete_object(Bucket=BUCKET, Key=marking.key(number))
    said = facesearch(*update(marking), "--watermark", "none")
    assert said.code == 1
    assert said.out.endswith("Previews: 1 of 3 photos are without a watermark.\n")
    first, *ids = said.err.splitlines()
    assert first == "The previews of 2 photos stay as they are: the original is gone or cannot be read."
    assert ids == sorted(map(str, marking.ids[:2]))
    again = facesearch(*update(marking), "--watermark", "none", "--json")
    assert (again.code, again.json["previews"]) == (1, {"photos": 3, "done": 1, "left": 0, "failed": ids})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--watermark", ""), "one line of 1 to 60"),
        (("--watermark", "x" * 61), "one line of 1 to 60"),
        (("--watermark", "Zürich"), "has no ü. Draw the watermark as a PNG"),
        (("--watermark", "missing.png"), "missing.png cannot be read"),
        (("--watermark", "logo.jpg"), "takes a text or a PNG, and logo.jpg is another file"),
        (("--watermark", "."), "is another file"),
        (("--watermark", "other.PNG"), "no PNG"),
        (("--watermark", "none", "--watermark-size", "30"), "takes none of the other"),
        (("--watermark-size", "30"), "has no watermark"),
        (("--watermark", "Words", "--watermark-size", "4"), "size"),
        (("--watermark", "logo.png", "--watermark-opacity", "5"), "opacity"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_changes_nothing(
    marking: Marking, facesearch: Command, words: tuple[str, ...], said: str
) -> None:
    (marking.place.folder / "other.PNG").write_bytes(b"GIF89a")
    assert facesearch(*update(marking), *words).failed(said)
    assert (marking.watermark, marking.files(), marking.looks(), marking.uncached) == (None, 0, {""}, [])


def test_a_stack_whose_previews_are_elsewhere_has_no_watermarks(marking: Marking, facesearch: Command) -> None:
    marking.place.describe({"Engine": "upstream"})
    assert facesearch(*update(marking), "--watermark", "Words").failed("embedded engine only")
    assert place_has_none(marking)
