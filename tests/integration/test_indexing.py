"""From an object in the photos bucket to a searchable photo, once, whatever is delivered how often."""

from pathlib import Path

import pytest

from tests.integration.conftest import Site, until


@pytest.fixture
def event(site: Site) -> Site:
    return site.other_event()


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
    event.deliver(key, key)
    until(lambda: said("photo known already") == 2)
    assert event.photo(image_id) == photo
    assert said("photo indexed") == 1


def test_messages_that_nobody_can_process_do_not_block_or_come_back(event: Site, samples: Path) -> None:
    event.deliver("nonsense", "1/2/3.jpg", f"{event.org_id}/999/gone.jpg", f"{event.org_id}/{event.event_id}/gone.jpg")
    url = next(url for url in event.sqs.list_queues()["QueueUrls"] if url.endswith("UploadsQueue"))
    event.sqs.send_message(QueueUrl=url, MessageBody="not json")
    event.indexed(event.put_photo((samples / "obama.jpg").read_bytes()))
    until(lambda: event.messages("") == 0, seconds=20)
