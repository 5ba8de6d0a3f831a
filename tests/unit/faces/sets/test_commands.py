"""Commands on the uploads queue: beside S3's notifications, redelivered alone, and without effect the second time."""

import json
import uuid
from typing import Any

import boto3
import pytest

from facesearch.adapters.sqs.indexing import SqsIndexingCommands
from facesearch.errors import Throttled
from facesearch.photos.commands import IndexingCommand, parse_command
from facesearch.photos.looking import IndexingOutcome
from tests.support.aws import moto
from tests.support.fakes import EVENT_ID
from tests.unit.faces.sets.bench import B, filled
from tests.unit.photos.indexing.fakes import notification


def test_a_command_is_read_back_and_nothing_else_is_one() -> None:
    command = IndexingCommand(EVENT_ID, B, (uuid.UUID(int=1), uuid.UUID(int=2)))
    assert parse_command(command.to_message()) == command
    assert [parse_command(body) for body in (notification("1/2/reindex.jpg"), "nonsense", "[]")] == [None] * 3
    for body in ('{"reindex": 1}', '{"reindex": {"event_id": 1, "model": "m", "image_ids": ["x"]}}', '{"reindex"'):
        with pytest.raises(ValueError, match="no command"):
            parse_command(body)
    (report,) = filled().indexer.index_message('{"reindex": {}}')
    assert report.outcome is IndexingOutcome.IGNORED, "not delivered again"


def test_a_command_is_carried_out_once_however_often_it_comes() -> None:
    site = filled()
    site.rebuild.run(EVENT_ID, B, wait=False)
    (message,) = site.queue
    for outcome in (IndexingOutcome.REINDEXED, IndexingOutcome.KNOWN):
        before = {row.image_id: row.changed_at for row in site.rows()}
        assert [report.outcome for report in site.indexer.index_message(message)] == [outcome] * 5
        # Also the second time: the first run may have been killed before it knew its writes visible.
        assert all(row.changed_at > before[row.image_id] for row in site.rows())


def test_what_was_done_before_the_trouble_stays_done() -> None:
    site = filled()
    site.rebuild.run(EVENT_ID, B, wait=False)
    get, calls = site.s3.get_object, 0

    def failing(**names: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Throttled("GetObject", "SlowDown")
        return get(**names)

    site.s3.get_object = failing
    with pytest.raises(Throttled):
        site.indexer.index_message(site.queue[0])
    reports = site.indexer.index_message(site.queue[0])
    assert sorted(report.outcome for report in reports) == ["known"] * 2 + ["reindexed"] * 3


def test_commands_are_sent_ten_at_a_time() -> None:
    with moto():
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="uploads")["QueueUrl"]
        commands = [IndexingCommand(EVENT_ID, B, (uuid.UUID(int=number),)) for number in range(13)]
        SqsIndexingCommands(sqs, url).send(commands)
        got = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            got += [json.loads(message["Body"])["reindex"]["image_ids"] for message in messages]
        assert sorted(got) == sorted([str(uuid.UUID(int=number))] for number in range(13))
