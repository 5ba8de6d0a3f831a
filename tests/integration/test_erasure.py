"""Deletions through the command line against real handlers that are warm: what is deleted is in no later answer."""

import datetime as dt
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems
from facesearch.faces.vector_items import FacePlace
from facesearch.models import DEFAULT_MODEL, FACE_SHARDS, FaceSetKind
from facesearch.records import image_id_of_bytes, original_key, rendition_keys
from facesearch_cli.call import call
from tests.integration.conftest import Site, until
from tests.integration.test_faces import images

OBAMAS = ("obama.jpg", "obama2.jpg", "obama3.jpg")


@pytest.fixture(params=["exact", "vectors"])
def event(request: pytest.FixtureRequest, site: Site, samples: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An event with three photos of one person and one of another, in environments that have searched it."""
    monkeypatch.setenv("MODELS_DIR", str(samples.parent / "models"))
    event = site.unlimited_org("Erasure")
    for image_id in [event.put_photo((samples / name).read_bytes(), name) for name in (*OBAMAS, "biden.jpg")]:
        event.indexed(image_id)
    if request.param == "vectors":
        assert delete(event, "reindex", event.event_id, "--faces", "vectors")["kept_in"] == "vectors"
    return event


def has_vectors(event: Site) -> bool:
    now = event.admin.event(event.event_id)
    return now is not None and now.faces.kind is FaceSetKind.VECTORS


def items(event: Site) -> set[str]:
    """Whose faces the vector index holds."""
    store = DynamoVectorItems(Table(event.dynamodb, event.outputs["FacesTableName"]))
    with ThreadPoolExecutor(8) as pool:
        return set(map(str, store.counts(FacePlace(event.event_id, DEFAULT_MODEL, FACE_SHARDS), pool)))


def delete(event: Site, *arguments: object) -> Any:
    """The receipt."""
    return call(event.stack.state, *arguments)


def ids(event: Site, samples: Path, *names: str) -> set[str]:
    return {str(image_id_of_bytes(event.event_id, (samples / name).read_bytes())) for name in names}


def found(event: Site, selfie: bytes) -> set[str]:
    return set(images(event.post(selfie)))


def gallery(event: Site) -> set[str]:
    return set(images(event.images()))


def test_a_deleted_photo_is_in_no_later_answer_and_comes_back_only_by_a_new_upload(
    event: Site, samples: Path, obama: bytes
) -> None:
    request_id = str(uuid.uuid4())
    everything, (gone,) = ids(event, samples, *OBAMAS), ids(event, samples, "obama2.jpg")
    assert event.post(obama, request_id).status_code == 200
    assert found(event, obama) == everything
    assert gallery(event) == everything | ids(event, samples, "biden.jpg")
    link = {"method": "image_id", "identifier": gone}
    assert event.originals(link).json()["data"]["successful_count"] == 1
    before = dt.datetime.now(dt.UTC)

    receipt = delete(event, "photos", "delete", gone, "--event", event.event_id)
    assert set(receipt["left"].values()) == {0}
    assert {kind: count for kind, count in receipt["deleted"].items() if count} == {
        "photos": 1, "faces": 1, "results": 2, "selfies": 2, "renditions": 3,
    }  # fmt: skip
    for _ in range(6):  # whichever environment it is
        assert found(event, obama) == everything - {gone}
    assert gone not in gallery(event)
    assert event.originals(link).status_code == 400
    for key in rendition_keys(event.event_id, uuid.UUID(gone)):
        assert event.http.get(f"{event.stack.url}/{key}").status_code == 404
    assert event.get(request_id).status_code == 404
    assert set(images(event.post(obama, request_id))) == everything - {gone}

    key = original_key(event.org_id, event.event_id, uuid.UUID(gone), "obama2.jpg")
    event.deliver(key, eventTime=before.isoformat())
    event.put_photo((samples / "astronaut.png").read_bytes())
    until(lambda: len(gallery(event)) == 4)
    time.sleep(1)
    assert not has_vectors(event) or gone not in items(event)
    assert found(event, obama) == everything - {gone}
    assert event.http.get(f"{event.stack.url}/{rendition_keys(event.event_id, uuid.UUID(gone))[0]}").status_code == 404

    time.sleep(1.1)  # a store may tell the time of an upload by the second
    event.put_photo((samples / "obama2.jpg").read_bytes(), "obama2.jpg")
    until(lambda: found(event, obama) == everything)
    assert gone in gallery(event)


def test_a_person_is_not_found_again_and_the_others_are(event: Site, samples: Path, obama: bytes) -> None:
    assert found(event, obama) == ids(event, samples, *OBAMAS)
    biden = (samples / "biden.jpg").read_bytes()
    person = ("person", "delete", "--selfie", samples / "obama3.jpg", "--event", event.event_id)
    receipt = delete(event, *person)
    assert set(receipt["left"].values()) == {0}
    assert (receipt["deleted"]["faces"], receipt["deleted"]["photos"], receipt["deleted"]["renditions"]) == (3, 0, 0)
    for _ in range(6):
        assert found(event, obama) == set()
    assert found(event, biden) == ids(event, samples, "biden.jpg")
    assert len(gallery(event)) == 4
    if has_vectors(event):  # nor does the other set find them, which is made of the photos' records
        assert items(event) == ids(event, samples, "biden.jpg")
        assert delete(event, "reindex", event.event_id, "--faces", "exact")["kept_in"] == "exact"
        assert (found(event, obama), found(event, biden)) == (set(), ids(event, samples, "biden.jpg"))
    with_photos = ("--confidence", 50, "--photos", "--originals")
    assert delete(event, *person, *with_photos)["deleted"]["photos"] == 0, "their faces are known to nobody any more"

    receipt = delete(
        event, "person", "delete", "--selfie", samples / "biden.jpg", "--event", event.event_id, *with_photos
    )
    assert set(receipt["left"].values()) == {0}
    assert (receipt["deleted"]["photos"], receipt["deleted"]["renditions"], receipt["deleted"]["originals"]) == (
        1,
        3,
        1,
    )
    assert found(event, biden) == set()
    assert len(gallery(event)) == 3


@pytest.mark.parametrize("event", ["exact"], indirect=True)
def test_while_searches_run_none_that_starts_after_a_deletion_names_the_photo(
    event: Site, samples: Path, obama: bytes
) -> None:
    """Neither does any stored result, also of the searches that the deletion overtook."""
    (gone,) = ids(event, samples, "obama.jpg")
    is_over, stop = threading.Event(), threading.Event()
    requests: list[str] = []
    late: list[str] = []
    wrong: list[str] = []

    def search() -> None:
        while not stop.is_set():
            after, request_id = is_over.is_set(), str(uuid.uuid4())
            named = images(event.post(obama, request_id))
            requests.append(request_id)
            if after:
                late.append(request_id)
                if gone in named:
                    wrong.append(request_id)

    with ThreadPoolExecutor(4) as guests:
        searching = [guests.submit(search) for _ in range(4)]
        try:
            until(lambda: len(requests) > 6)
            delete(event, "photos", "delete", gone, "--event", event.event_id)
            is_over.set()
            until(lambda: len(late) > 8 or any(each.done() for each in searching))
        finally:
            stop.set()
        for each in searching:
            each.result()
    assert wrong == []
    for request_id in requests:
        stored = event.get(request_id)
        assert stored.status_code != 200 or gone not in images(stored)


def test_a_deleted_event_leaves_nothing(event: Site, samples: Path, obama: bytes) -> None:
    assert found(event, obama)
    (gone,) = ids(event, samples, "obama.jpg")
    delete(event, "photos", "delete", gone, "--event", event.event_id)
    found(event, obama)
    receipt = delete(event, "event", "delete", event.event_id, "--originals")
    assert set(receipt["left"].values()) == {0}
    assert receipt["deleted"]["photos"] == 3
    assert event.post(obama).status_code == 404
    mine = str(event.event_id)
    pages = event.dynamodb.get_paginator("scan").paginate(TableName=event.outputs["TableName"], ConsistentRead=True)
    assert [
        item["pk"] for page in pages for item in page["Items"] if mine in json.dumps([item["pk"], item["sk"]])
    ] == []
    for bucket in ("PhotosBucket", "RenditionsBucket", "SelfiesBucket", "SnapshotsBucket"):
        files = event.s3.list_objects_v2(Bucket=event.outputs[bucket]).get("Contents", [])
        assert [file["Key"] for file in files if f"/{mine}/" in file["Key"]] == [], bucket
    # What comes for it now is nobody's.
    event.put_photo((samples / "obama2.jpg").read_bytes())
    time.sleep(1.5)
    assert event.photo(image_id_of_bytes(event.event_id, (samples / "obama2.jpg").read_bytes())) is None
