"""Deletions from an event whose faces are in the vector index, through the command line and the real handlers."""

import datetime as dt
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems
from facesearch.faces.vector_items import FacePlace
from facesearch.models import DEFAULT_MODEL, FACE_SHARDS
from facesearch.records import image_id_of_bytes
from tests.integration.conftest import Site, until
from tests.integration.test_erasure import OBAMAS, delete, deliver_again, found, ids
from tests.integration.vectors.conftest import THREADS

WHICHEVER = 6
"""Searches, so that every warm environment answers one."""


@pytest.fixture
def event(site: Site, samples: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An event in the vector index, with three photos of one person and one of another, that was searched."""
    monkeypatch.setenv("MODELS_DIR", str(samples.parent / "models"))
    event = site.other_event()
    for name in (*OBAMAS, "biden.jpg"):
        event.put_photo((samples / name).read_bytes(), name)
    for name in (*OBAMAS, "biden.jpg"):
        event.indexed(image_id_of_bytes(event.event_id, (samples / name).read_bytes()))
    assert delete(event, "reindex", event.event_id, "--faces", "vectors")["kept_in"] == "vectors"
    return event


def items(event: Site) -> dict[uuid.UUID, int]:
    """How many faces of each photo the vector index holds."""
    store = DynamoVectorItems(Table(event.dynamodb, event.outputs["FacesTableName"]))
    with ThreadPoolExecutor(THREADS) as pool:
        return store.counts(FacePlace(event.event_id, DEFAULT_MODEL, FACE_SHARDS), pool)


def test_a_deleted_photo_is_never_found_again_unless_it_is_uploaded_afresh(
    event: Site, samples: Path, obama: bytes
) -> None:
    everything, (gone,) = ids(event, samples, *OBAMAS), ids(event, samples, "obama2.jpg")
    assert found(event, obama) == everything
    assert len(items(event)) == 4
    before = dt.datetime.now(dt.UTC)
    receipt = delete(event, "photos", "delete", gone, "--event", event.event_id)
    assert set(receipt["left"].values()) == {0}
    assert (receipt["deleted"]["photos"], receipt["deleted"]["faces"]) == (1, 1)
    for _ in range(WHICHEVER):
        assert found(event, obama) == everything - {gone}
    assert uuid.UUID(gone) not in items(event)
    deliver_again(event, gone, "obama2.jpg", before)
    marker = event.put_photo((samples / "astronaut.png").read_bytes())
    event.indexed(marker)
    until(lambda: marker in items(event))
    time.sleep(1)
    assert found(event, obama) == everything - {gone}
    assert uuid.UUID(gone) not in items(event)
    time.sleep(1.1)  # a store may tell the time of an upload by the second
    event.put_photo((samples / "obama2.jpg").read_bytes(), "obama2.jpg")
    until(lambda: found(event, obama) == everything)


def test_a_deleted_person_is_never_found_again_and_the_others_are(event: Site, samples: Path, obama: bytes) -> None:
    biden = (samples / "biden.jpg").read_bytes()
    assert found(event, obama) == ids(event, samples, *OBAMAS)
    receipt = delete(event, "person", "delete", "--selfie", samples / "obama3.jpg", "--event", event.event_id)
    assert set(receipt["left"].values()) == {0}
    assert (receipt["deleted"]["faces"], receipt["deleted"]["photos"]) == (3, 0)
    for _ in range(WHICHEVER):
        assert found(event, obama) == set()
    assert found(event, biden) == ids(event, samples, "biden.jpg")
    assert {str(image_id) for image_id in items(event)} == ids(event, samples, "biden.jpg")
    # Nor does the other index find them, which is made of the photos' records.
    assert delete(event, "reindex", event.event_id, "--faces", "exact")["kept_in"] == "exact"
    assert found(event, obama) == set()
    assert found(event, biden) == ids(event, samples, "biden.jpg")
