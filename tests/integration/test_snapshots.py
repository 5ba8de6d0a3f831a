"""Snapshots on the running stack: asked for by indexing, written by their function, read by a cold search."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Site, site_on, until
from tests.integration.test_faces import images
from tools import policies


@pytest.fixture(scope="module")
def busy_site(no_account: None, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on a stack that writes a snapshot after every batch of photos."""
    settings = {"SNAPSHOT_DELAY_SECONDS": "0", "SNAPSHOT_TAIL_BYTES": "1"}
    with site_on(tmp_path_factory.mktemp("busy"), settings=settings, record_calls=policies.CALLS) as site:
        (queue,) = (url for url in site.sqs.list_queues()["QueueUrls"] if "SnapshotsQueue" in url)
        site.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
        yield site


def files(site: Site) -> list[str]:
    """Keys of the event's snapshots."""
    bucket, prefix = site.outputs["SnapshotsBucket"], f"snapshots/{site.event_id}/"
    found = site.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [file["Key"] for file in found.get("Contents", [])]


def test_a_cold_search_reads_a_snapshot_and_what_came_after_it(busy_site: Site, samples: Path, obama: bytes) -> None:
    first = busy_site.put_photo((samples / "obama2.jpg").read_bytes())
    until(lambda: files(busy_site))
    until(lambda: busy_site.metric("snapshots", "SnapshotWritten") == 1)
    # Within a minute of its request an event's snapshot is mostly not written again: this one stays in the tail.
    second = busy_site.put_photo((samples / "obama3.jpg").read_bytes())
    busy_site.indexed(second)
    busy_site.kill("search")
    answer = busy_site.post(obama, str(uuid.uuid4()))
    assert set(images(answer)) == {str(first), str(second)}
    assert len(files(busy_site)) == 1, "one that was replaced is gone"
