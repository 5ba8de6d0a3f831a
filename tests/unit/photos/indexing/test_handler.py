"""The indexing function with the messages of its trigger: which are delivered again, and what is said of them."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from facesearch import bootstrap
from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.adapters.memory.watermarks import MemoryWatermarkFiles
from facesearch.adapters.s3.pictures import S3Pictures
from facesearch.models import Watermark
from facesearch.photos.commands import CommandKind, IndexingCommand
from facesearch.photos.indexing import PhotoIndexer
from facesearch.photos.looking import PhotoLooker
from facesearch.photos.watermark import Stamps
from facesearch.records import Photo, image_id_of_bytes
from tests.conftest import ROOT
from tests.support.fakes import EVENT, EVENT_ID, ORG, Context
from tests.support.output import Output
from tests.unit.api.test_handlers import load
from tests.unit.faces.sets.places import face_sets
from tests.unit.photos.indexing.fakes import PHOTOS, RENDITIONS, FakeEngine, MemoryRequests, MemoryS3, notification
from tests.unit.photos.indexing.test_indexing import photo_of

Handler = Callable[[Any, Any], dict[str, Any]]
KEY_OF_EVENT_FILE = "903/456/a4402318-0cf4-5e1e-b8e8-ac8e8f2fc244/finish line (1).jpg"


def batch(*bodies: str) -> dict[str, Any]:
    """An SQS event of these messages, with ids m0, m1, …, otherwise like the versioned one."""
    (record,) = json.loads((ROOT / "events" / "indexing.json").read_text())["Records"]
    return {"Records": [record | {"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


@dataclass
class Function:
    """The handler over parts in memory."""

    s3: MemoryS3
    photos: MemoryPhotoStore
    requests: MemoryRequests = field(default_factory=MemoryRequests)

    def __call__(self, event: dict[str, Any]) -> list[str]:
        """Invoke the function; ids of the messages that it wants again."""
        answer: Any = load("indexing")(event, cast("Any", Context("indexing")))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def request_watches(self, request: Callable[..., None]) -> None:
        parts = bootstrap.container
        parts.photo_indexer = replace(parts.photo_indexer, request_watches=request)

    def has(self, data: bytes) -> bool:
        return self.photos.get(EVENT_ID, EVENT.shards, image_id_of_bytes(EVENT_ID, data)) is not None


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the template tells powertools, which reads it when its objects are made: here, or by an earlier test."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "FaceSearch")
    from facesearch.observability import metrics

    monkeypatch.setattr(metrics, "namespace", "FaceSearch")


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    function = Function(MemoryS3(), MemoryPhotoStore())
    reader = MemoryReader()
    reader.events[EVENT_ID] = EVENT
    parts = bootstrap.Container()
    with ThreadPoolExecutor(4) as pool:
        parts.photo_indexer = PhotoIndexer(
            looker=PhotoLooker(engines=lambda _: FakeEngine()),
            photos=function.photos,
            pictures=S3Pictures(cast("Any", function.s3), PHOTOS, RENDITIONS),
            stamps=Stamps(MemoryWatermarkFiles()),
            reader=reader,
            sets=face_sets(function.photos, pool=pool),
            snapshots=function.requests,
            pool=pool,
        )
        monkeypatch.setattr(bootstrap, "container", parts)
        yield function


def test_the_versioned_event_is_indexed(function: Function, output: Output) -> None:
    data = photo_of(2)
    function.s3.objects[PHOTOS, KEY_OF_EVENT_FILE] = data
    assert function(json.loads((ROOT / "events" / "indexing.json").read_text())) == []
    assert function.has(data)
    (line,), measured = output.logs, output.metrics
    assert line["message"] == "photo indexed"
    image_id = str(image_id_of_bytes(EVENT_ID, data))
    assert line.items() >= {"org_id": ORG, "event_id": EVENT_ID, "image_id": image_id, "faces": 2}.items()
    assert line["ms"] >= 0
    assert measured["FacesIndexed"] == [2]
    assert measured["EmbedMilliseconds"][0] > 0


def test_a_new_notification_s_test_event_is_acknowledged(function: Function) -> None:
    assert function(json.loads((ROOT / "events" / "indexing-test-event.json").read_text())) == []


def test_only_the_message_in_trouble_is_delivered_again(function: Function, output: Output) -> None:
    """Given a readable photo, a broken one, one of no event, nonsense, and one whose record fails to be written."""
    keys = [f"{ORG}/{EVENT_ID}/private-name-{number}.jpg" for number in range(3)]
    files = [photo_of(1), b"broken", photo_of(3)]
    function.s3.objects |= {(PHOTOS, key): data for key, data in zip(keys, files, strict=True)}
    add = function.photos.add

    def failing(event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        if photo.key == keys[2]:
            raise ConnectionError(photo.key)
        return add(event_id, shards, photo, uploaded_at)

    function.photos.add = failing  # type: ignore[method-assign]
    bodies = [*map(notification, (*keys[:2], "1/2/private-name.jpg")), "?", notification(keys[2])]
    assert function(batch(*bodies)) == ["m4"]
    assert function.has(files[0])
    assert function.has(files[1])
    assert not function.has(files[2])

    logs, measured = output.logs, output.metrics
    assert [line["message"] for line in logs] == [
        "photo indexed", "photo failed", "upload ignored", "upload ignored", "unexpected failure",
    ]  # fmt: skip
    assert logs[1]["reason"] == "The file is not a readable JPEG, PNG, WebP, HEIC or AVIF picture."
    assert measured["PhotosFailed"] == [1]
    assert "private-name" not in json.dumps(logs)

    function.photos.add = add  # type: ignore[method-assign]
    assert function(batch(bodies[4])) == []
    assert function.has(files[2])


def test_photos_that_are_rendered_again_are_told_of_without_their_watermark(function: Function, output: Output) -> None:
    """No watches are looked through for them: they are no new ones."""
    asked: list[tuple[int, int]] = []
    keys, files = [f"{ORG}/{EVENT_ID}/{number}.png" for number in range(2)], [photo_of(1), photo_of(2)]
    function.s3.objects |= {(PHOTOS, key): data for key, data in zip(keys, files, strict=True)}
    function(batch(*map(notification, keys)))
    reader: Any = bootstrap.container.photo_indexer.reader
    image_ids = tuple(image_id_of_bytes(EVENT_ID, data) for data in files)
    before = len(output.logs)
    function.request_watches(lambda *place: asked.append(place))
    for watermark in (Watermark("Private name"), None):
        reader.events[EVENT_ID] = replace(EVENT, watermark=watermark)
        assert function(batch(IndexingCommand(EVENT_ID, "", image_ids, CommandKind.RENDITIONS).to_message())) == []
        function.s3.objects.pop((PHOTOS, keys[1]), None)
    logs = output.logs[before:]
    assert [line["message"] for line in logs] == ["photo rendered again"] * 3 + ["photo not rendered again"]
    assert logs[3]["reason"] == "The original is gone."
    assert "Private" not in json.dumps(logs)
    assert asked == []


def test_when_every_message_is_in_trouble_each_is_named(function: Function) -> None:
    function.s3.fails.add("GetObject")
    assert function(batch(*(notification(f"{ORG}/{EVENT_ID}/{n}.jpg") for n in range(3)))) == ["m0", "m1", "m2"]


def test_watches_are_looked_through_once_for_a_batch_and_again_for_one_that_came_twice(function: Function) -> None:
    asked: list[tuple[int, int]] = []
    function.request_watches(lambda *place: asked.append(place))
    keys = [f"{ORG}/{EVENT_ID}/{number}.png" for number in range(3)]
    function.s3.objects |= {(PHOTOS, key): photo_of(number) for number, key in enumerate(keys)}
    both = batch(*map(notification, keys[1:]))
    assert function(both) == []
    assert asked == [(ORG, EVENT_ID)]
    assert function(batch(notification(keys[0]))) == []
    assert asked == [(ORG, EVENT_ID)], "nobody is in it"
    assert function(both) == []
    assert asked == [(ORG, EVENT_ID)] * 2, "whoever had them first may have died before it asked"


def test_a_batch_whose_watches_cannot_be_asked_for_comes_again(function: Function) -> None:
    def fail(org_id: int, event_id: int) -> None:
        raise OSError("the queue is gone")

    function.request_watches(fail)
    function.s3.objects[PHOTOS, f"{ORG}/{EVENT_ID}/1.png"] = photo_of(1)
    with pytest.raises(OSError, match="the queue is gone"):
        function(batch(notification(f"{ORG}/{EVENT_ID}/1.png")))
