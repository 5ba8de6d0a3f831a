"""What requests ask of AWS, held against `tools.bench.counts`: exact numbers, which no machine's speed changes."""

import json
import uuid
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import boto3
import numpy as np
import pytest
from numpy.typing import NDArray

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table, update
from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.faces.engine import Embedding
from facesearch.models import SearchKey, SearchSummary
from tests.conftest import ROOT
from tests.support.fakes import Context, photos
from tests.support.levels import Levels
from tests.support.pools import LEAVES
from tests.unit.api.test_handlers import CONSENT, Deployment, deployment, form, load
from tools.bench import counts
from tools.bench.counts import PAGE, PAGE_ACROSS, PHOTO, REPLAY, SEARCH, Flow, chunk_units
from tools.bench.requests import Counter, total

__all__ = ["deployment"]


@contextmanager
def noted(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Levels, Counter]]:
    """Everything that is sent to AWS, level by level. The selfie is embedded only when everything that is to run beside
    that has begun; what runs after it is then known to."""
    levels = Levels(flow.levels)
    counter = Counter(before=levels.before, after=levels.after)
    embed = OpenCvEngine._embedding

    def embedded(engine: OpenCvEngine, aligned: NDArray[np.uint8]) -> Embedding:
        levels.wait_for(len(flow.before) - 1 + bool(flow.beside))
        return embed(engine, aligned)

    monkeypatch.setattr(OpenCvEngine, "_embedding", embedded)
    yield levels, counter
    counter.stop()


def in_levels(seen: Sequence[Sequence[str]]) -> list[list[str]]:
    return [sorted(level) for level in seen]


def rest(deployment: Deployment) -> None:
    """Somebody has written the event's photos, long ago."""
    key = schema.event_key(deployment.event_id)
    Table(deployment.dynamodb, "table").write(update(key, "SET changing_until = :past", past=1))


def selfie_of(samples: Path) -> bytes:
    return (samples / "obama2.jpg").read_bytes()


def test_a_new_search_makes_these_calls_in_so_many_turns(
    deployment: Deployment, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = form(selfie_of(samples))
    rest(deployment)
    deployment.post(body)  # opens the event's index
    with noted(SEARCH, monkeypatch) as (levels, counter):
        assert deployment.post(body)["statusCode"] == 200
    assert in_levels(levels.seen) == in_levels(SEARCH.levels)
    assert_units(counter, SEARCH)
    (kept,) = [call for call in counter.calls if call.service == "s3"]
    assert kept.sent == len(selfie_of(samples)), "the selfie itself, once"


def assert_units(counter: Counter, flow: Flow) -> None:
    counted = counter.counted
    assert (counted.read_units, counted.write_units) == (flow.read_units, flow.write_units)


def test_a_page_and_a_replay_are_one_call(
    deployment: Deployment, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = deployment.post(form(selfie_of(samples)))["json"]["data"]["request_id"]
    for flow, ask in ((PAGE, deployment.get), (REPLAY, lambda each: deployment.post(form(b"", each)))):
        with noted(flow, monkeypatch) as (levels, counter):
            assert ask(request_id)["statusCode"] == 200
        assert in_levels(levels.seen) == in_levels(flow.levels)
        assert_units(counter, flow)


def test_a_page_across_chunks_reads_one_more(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    search = SearchKey(deployment.org_id, deployment.event_id, uuid.uuid4())
    store = DynamoResultStore(Table(deployment.dynamodb, "table"), 30, LEAVES)
    assert store.save(search, SearchSummary(200, 90), photos(200))
    query = {"page": "4", "page_size": "32"}
    with noted(PAGE, monkeypatch) as (_, counter):
        response = deployment.get(str(search.request_id), query=query)
    assert len(response["json"]["data"]["images"]) == 32
    assert_units(counter, replace(PAGE, read_units=PAGE.read_units + PAGE_ACROSS))
    assert len(response["body"]) <= counts.PAGE_BODY_BYTES
    assert total(counter.calls).dynamodb_bytes <= counts.PAGE_READ_BYTES


@pytest.mark.parametrize("matches", [0, 1, 28, 29, 38, 39, 81, 82, 100, 101, 1000])
def test_further_matches_cost_these_writes(deployment: Deployment, matches: int) -> None:
    search = SearchKey(123456789, 987654321, uuid.uuid4())  # ids are as long as most
    store = DynamoResultStore(Table(deployment.dynamodb, "table"), 30, LEAVES)
    few = units_of_saving(store, replace(search, request_id=uuid.uuid4()), 1)
    assert units_of_saving(store, search, matches) - few == chunk_units(matches)


def units_of_saving(store: DynamoResultStore, search: SearchKey, matches: int) -> int:
    counter = Counter(store.table.client)
    assert store.save(search, SearchSummary(matches, 90), photos(matches))
    counter.stop()
    return counter.counted.write_units


def test_a_guest_s_search_costs_so_much_more(
    deployment: Deployment, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_token = replace(deployment, api_key=deployment.token())
    body = CONSENT + form(selfie_of(samples))
    rest(deployment)
    by_token.post(body)
    counter = Counter()
    assert by_token.post(body)["statusCode"] == 200
    counter.stop()
    more = (counts.GUEST_READS, counts.GUEST_WRITES)
    expected = (SEARCH.read_units + more[0], SEARCH.write_units + more[1])
    assert (counter.counted.read_units, counter.counted.write_units) == expected


def test_what_a_search_and_a_page_write_to_the_log(
    deployment: Deployment, samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    body = form(selfie_of(samples))
    deployment.post(body)
    said(capfd)
    request_id = deployment.post(body)["json"]["data"]["request_id"]
    assert len(said(capfd)) <= counts.SEARCH_LOG_BYTES
    deployment.get(request_id)
    assert len(said(capfd)) <= counts.PAGE_LOG_BYTES


def said(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().out


def test_a_photo_asks_for_these_once(deployment: Deployment, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = boto3.client("s3")
    for bucket in ("photos", "renditions"):
        s3.create_bucket(Bucket=bucket)
    monkeypatch.setenv("RENDITIONS_BUCKET", "renditions")
    queue = boto3.client("sqs").create_queue(QueueName="snapshots")["QueueUrl"]
    monkeypatch.setenv("SNAPSHOTS_QUEUE_URL", queue)
    index, folder = load("indexing"), f"{deployment.org_id}/{deployment.event_id}"
    for name in ("obama2.jpg", "obama.jpg"):
        s3.put_object(Bucket="photos", Key=f"{folder}/{name}", Body=(samples / name).read_bytes())

    def indexed(name: str) -> None:
        event = json.loads((ROOT / "events" / "indexing.json").read_text())
        record = json.loads(event["Records"][0]["body"])
        record["Records"][0]["s3"]["object"]["key"] = f"{folder}/{name}"
        event["Records"][0]["body"] = json.dumps(record)
        assert index(event, Context()) == {"batchItemFailures": []}

    indexed("obama2.jpg")  # says that photos come, which is said twice a minute at most
    counter = Counter()
    indexed("obama.jpg")
    counter.stop()
    asked = Tally(call.operation for call in counter.calls)
    assert dict(asked) == dict(PHOTO.calls)
    counted = counter.counted
    assert (counted.read_units, counted.write_units) == (PHOTO.read_units, PHOTO.write_units)
