"""From an object in the photos bucket to a searchable photo, once, whatever is delivered how often."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Site, until


@pytest.fixture
def event(site: Site) -> Site:
    return site.other_event()


def deliver(site: Site, *keys: str) -> None:
    """Send what S3 sends, once more."""
    records = [{"s3": {"bucket": {"name": site.outputs["PhotosBucket"]}, "object": {"key": key}}} for key in keys]
    url = next(url for url in site.sqs.list_queues()["QueueUrls"] if url.endswith("UploadsQueue"))
    for record in records:
        body = {"Records": [record | {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]}
        site.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))


def test_a_delivery_that_comes_again_changes_nothing(event: Site, samples: Path) -> None:
    content = (samples / "obama2.jpg").read_bytes()
    image_id = event.put_photo(content, "wild name + ü.jpg")
    photo = event.indexed(image_id)

    def said(message: str) -> int:
        return sum(
            line.get("image_id") == str(image_id) and line["message"] == message for line in event.log("indexing")
        )

    until(lambda: said("photo indexed") == 1)
    key = f"{event.org_id}/{event.event_id}/{image_id}/wild+name+%2B+%C3%BC.jpg"
    deliver(event, key, key)
    until(lambda: said("photo known already") == 2)
    assert event.photo(image_id) == photo
    assert said("photo indexed") == 1


def test_messages_that_nobody_can_process_do_not_block_or_come_back(event: Site, samples: Path) -> None:
    deliver(event, "nonsense", "1/2/3.jpg", f"{event.org_id}/999/gone.jpg", f"{event.org_id}/{event.event_id}/gone.jpg")
    url = next(url for url in event.sqs.list_queues()["QueueUrls"] if url.endswith("UploadsQueue"))
    event.sqs.send_message(QueueUrl=url, MessageBody="not json")
    event.indexed(event.put_photo((samples / "obama.jpg").read_bytes()))

    def drained() -> bool:
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return not any(
            int(event.sqs.get_queue_attributes(QueueUrl=each, AttributeNames=names)["Attributes"][name])
            for each in event.sqs.list_queues()["QueueUrls"]
            for name in names
        )

    until(drained, seconds=20)
