"""The operator's view: who may ask, what is told, and that nothing can be changed."""

import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.stub import Stubber

from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.admin.links import LinkSettings
from facesearch.errors import Busy
from facesearch.models import SearchKey, SearchSummary
from facesearch.photos.boxes import FaceBox
from facesearch.records import Photo
from facesearch_cli.operator import boxes, logs, queues, view
from facesearch_cli.operator.boxes import KeptBoxes
from facesearch_cli.operator.view import NOT_BUILT, ROUTES, OperatorView
from facesearch_cli.stack import Stack
from tests.conftest import ROOT
from tests.support.aws import TABLE
from tests.support.fakes import photos
from tests.support.pools import LEAVES
from tests.unit.cli.conftest import BUCKET, JPEG, Place

pytestmark = pytest.mark.anyio

IMAGE = "00000000-0000-0000-0000-000000000007"
HOSTILE = '"><script>alert(1)</script>\u202e.jpg'
READS = {"GetItem", "BatchGetItem", "Query", "GetObject", "HeadObject", "GetQueueAttributes", "GetQueueUrl"}


@pytest.fixture
def shown(place: Place, tmp_path: Path) -> OperatorView:
    place.have_all_stores()
    (tmp_path / "built" / "assets").mkdir(parents=True)
    (tmp_path / "built" / "index.html").write_text("<operator-view>")
    (tmp_path / "built" / "assets" / "index-aB_1.js").write_text("1")
    (place.folder / ".local" / "logs").mkdir()
    return OperatorView(
        lambda: place.stack, prefix="/admin", built=tmp_path / "built", kept_boxes=place.folder / "boxes"
    )


@asynccontextmanager
async def browser(
    shown: OperatorView, host: str = "127.0.0.1:8700", peer: str = "127.0.0.1"
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(shown, client=(peer, 1))
    base = "http://127.0.0.1:8700/admin/"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers={"Host": host}) as http:
        yield http


async def get(shown: OperatorView, path: str, **headers: str) -> httpx.Response:
    async with browser(shown) as http:
        return await http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def paths(event: int, org: int = 1) -> list[str]:
    """One of each route."""
    filled = [pattern.replace(view._IMAGE, IMAGE).replace("[.]", ".") for pattern in ROUTES]
    return [path.replace(view._ID, str(org if "orgs" in path else event)) for path in filled]


@pytest.mark.parametrize(
    ("host", "peer", "status"),
    [
        ("127.0.0.1:8700", "127.0.0.1", 200),
        ("localhost:8700", "127.0.0.1", 200),
        ("localhost:8700", "::1", 200),
        ("127.0.0.1", "127.0.0.1", 403),
        ("127.0.0.1:8701", "127.0.0.1", 403),
        ("LOCALHOST.evil.example:8700", "127.0.0.1", 403),
        ("evil.example:8700", "127.0.0.1", 403),
        ("evil.example", "127.0.0.1", 403),
        ("127.0.0.1:8700@evil.example", "127.0.0.1", 403),
        ("0.0.0.0:8700", "127.0.0.1", 403),
        ("", "127.0.0.1", 403),
        ("127.0.0.1:8700", "192.168.1.7", 403),
        ("127.0.0.1:8700", "nobody", 403),
    ],
)
async def test_only_this_machine_by_its_own_name_may_look(
    shown: OperatorView, host: str, peer: str, status: int
) -> None:
    async with browser(shown, host, peer) as http:
        for path in ("", "api/about", "assets/index-aB_1.js"):
            assert (await http.get(path)).status_code == status


@pytest.mark.parametrize(
    ("site", "status"),
    [("none", 200), ("same-origin", 200), ("same-site", 403), ("cross-site", 403), ("", 403), ("None", 403)],
)
async def test_no_other_page_may_look(shown: OperatorView, site: str, status: int) -> None:
    response = await get(shown, "api/about", Sec_Fetch_Site=site)
    assert response.status_code == status
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_nothing_but_reading_is_a_method(shown: OperatorView, place: Place, method: str) -> None:
    async with browser(shown) as http:
        for path in ["", *paths(place.event_id)]:
            response = await http.request(method, path)
            assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


async def test_every_route_reads_and_nothing_else(shown: OperatorView, place: Place, sqs: Any) -> None:
    called = set[str]()

    def note(model: Any, **_: Any) -> None:
        called.add(model.name)

    urls = {name: sqs.create_queue(QueueName=name.replace(" ", ""))["QueueUrl"] for name in queues.QUEUES}
    named = {"Uploads": "UploadsQueueUrl", "Snapshots": "SnapshotsQueueUrl", "Callbacks": "CallbacksQueueUrl"}
    place.describe({output: urls[name] for name, output in named.items()} | {"SearchJobsQueueUrl": urls["Search jobs"]})
    stack = place.stack
    made = stack.client

    def client(service: Any, config: Any) -> Any:
        found = made(service, config)
        found.meta.events.register("before-call", note)
        return found

    object.__setattr__(stack, "client", client)
    watched = OperatorView(lambda: stack, prefix="/admin")
    statuses = [(await get(watched, path)).status_code for path in paths(place.event_id, place.org_id)]
    assert set(statuses) == {200, 404}, "there is no such photo"
    assert called
    assert called <= READS


def test_the_views_code_names_nothing_that_changes_a_stack() -> None:
    changing = re.compile(
        r"\.(?:put|delete|update|create|send|copy|upload|purge|write|transact|batch|receive|change)_\w+\("
        r"|\.(?:add|remove|save|hide|cancel|expire|promote|touch|publish|unpublish|set_\w+)\("
        r"|(?:photo|event|person|search)_deletion|rebuild|\bscan\("
    )
    for path in sorted((ROOT / "facesearch_cli" / "operator").glob("*.py")):
        assert not changing.findall(path.read_text()), path.name


async def test_every_response_is_locked_up(shown: OperatorView) -> None:
    for path in ("", "api/about", "api/nothing", "assets/index-aB_1.js", "assets/none-1.js"):
        headers = (await get(shown, path)).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        *("assets/%2e%2e/index.html", "..%2f..%2fetc/passwd", "index.html.bak", "assets/x.map", "api/", "assets/"),
        *("api/events/1/photos/../x", "api/events/-1", "api/events/1e9", f"api/events/{'9' * 19}"),
    ],
)
async def test_what_is_not_there_is_404(shown: OperatorView, path: str) -> None:
    assert (await get(shown, path)).status_code == 404


async def test_the_page_without_its_slash_leads_to_it_and_without_a_build_says_how(shown: OperatorView) -> None:
    assert (await get(shown, "http://127.0.0.1:8700/admin")).headers["Location"] == "/admin/"
    assert (await get(shown, "")).text == "<operator-view>"
    response = await get(OperatorView(shown.open_stack, built=Path("nowhere")), "http://127.0.0.1:8700/")
    assert (response.status_code, response.text) == (503, NOT_BUILT)


async def test_events_and_photos_are_told_with_their_reasons(shown: OperatorView, place: Place) -> None:
    for name, content in (("IMG_1.jpg", JPEG), (HOSTILE, b"unreadable")):
        place.s3.put_object(Bucket=BUCKET, Key=f"{place.org_id}/{place.event_id}/{name}", Body=content)
    place.index()
    assert (await get(shown, "api/about")).json() == {"stack": "local", "local": True, "org_id": place.org_id}
    listed = (await get(shown, f"api/orgs/{place.org_id}/events")).json()
    assert (listed["org_name"], listed["total"]) == ("Runners", 1)
    assert [event["event_name"] for event in listed["events"]] == ["10 km"]
    counts = (await get(shown, f"api/events/{place.event_id}")).json()["counts"]
    assert (counts["photos"], counts["failed"], counts["more_photos"]) == (2, 1, False)
    failed = (await get(shown, f"api/events/{place.event_id}/photos?filter=failed")).json()["photos"]
    assert [(photo["file"], photo["reason"]) for photo in failed] == [(HOSTILE, "no readable picture")]
    found = (await get(shown, f"api/events/{place.event_id}/photos?name=img_1")).json()["photos"]
    assert [photo["file"] for photo in found] == ["IMG_1.jpg"]
    one = (await get(shown, f"api/events/{place.event_id}/photos/{found[0]['image_id']}")).json()
    assert one == found[0]


async def test_an_event_s_links_are_counted_and_those_that_are_off(shown: OperatorView, place: Place) -> None:
    links, other = place.stack.container.links, place.stack.container.admin.create_event(place.org_id, "5 km")
    links.create(other, LinkSettings())
    for each in [links.create(place.event_id, LinkSettings()) for _ in range(3)][1:]:
        links.switch_off(each.link.link_id)
    assert (await get(shown, f"api/events/{place.event_id}")).json()["links"] == {"all": 3, "off": 2}


async def test_searches_are_told_without_what_they_are_about(shown: OperatorView, place: Place) -> None:
    search = SearchKey(place.org_id, place.event_id, uuid.UUID(int=7))
    store, before = DynamoResultStore(Table(place.dynamodb, TABLE), 30, pool=LEAVES), int(time.time())
    store.enter(search)
    store.save(search, SearchSummary(3, 87), photos(3), consent="standard-1")
    body = (await get(shown, f"api/events/{place.event_id}/searches?request_id=0000")).json()
    (row,) = body["searches"]
    assert (row["request_id"], row["total"], row["confidence"], row["watched_until"]) == (IMAGE, 3, 87, None)
    assert row.keys() <= {
        *("request_id", "created_at", "expires_at", "total", "confidence", "consent", "consented_at", "watched_until")
    }
    assert row["consent"] == "standard-1"
    assert before <= row["consented_at"] <= time.time()
    assert (await get(shown, f"api/events/{place.event_id}/searches?request_id=f")).json()["searches"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("photos?filter=evil", 422),
        ("photos?before=x", 422),
        ("photos?before=-1", 422),
        (f"photos?before={2**63}", 422),
        (f"photos?name={'n' * 201}", 422),
        (f"photos?name={'n' * 3000}", 422),
        ("searches?request_id=%00", 422),
        ("searches?request_id=" + "0" * 37, 422),
        (f"photos/{IMAGE}", 404),
        (f"photos/{IMAGE}/found", 404),
        (f"photos/{IMAGE}/large.jpg", 404),
    ],
)
async def test_what_cannot_be_is_refused_in_words(shown: OperatorView, place: Place, query: str, status: int) -> None:
    response = await get(shown, f"api/events/{place.event_id}/{query}")
    assert response.status_code == status
    assert response.json()["message"]


async def test_an_older_stack_has_queues_without_numbers(shown: OperatorView, place: Place, sqs: Any) -> None:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    url = sqs.create_queue(QueueName="uploads", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.send_message(QueueUrl=dead, MessageBody="m")
    place.describe({"UploadsQueueUrl": url, "CallbacksQueueUrl": ""})
    by_name = {each["name"]: each for each in (await get(shown, "api/queues")).json()["queues"]}
    assert (by_name["Uploads"]["waiting"], by_name["Uploads"]["dead"]) == (3, 1)
    assert by_name["Snapshots"]["waiting"] is None


def line(**values: Any) -> str:
    return json.dumps({"level": "ERROR", "message": "unexpected failure"} | values)


def test_the_local_logs_tell_errors_by_what_is_ours_alone(shown: OperatorView, place: Place) -> None:
    folder = place.folder / ".local" / "logs"
    stamp = "2026-11-29 04:00:00,500+0000"
    (folder / "search.log").write_text(
        "\n".join(
            [
                line(
                    timestamp=stamp, function_name="s-SearchFunction", event_id=7, error="KeyError", exception="secret"
                ),
                line(timestamp="2026-11-20 04:00:00,500+0000", message="too old"),
                line(timestamp=stamp, level="INFO"),
                "Traceback: secret",
                "[1]",
            ]
        )
    )
    gateway = {"timestamp": "2026-11-29T04:01:00Z", "method": "GET", "route": "/faces", "request_id": "r"}
    (folder / "gateway.log").write_text(
        json.dumps(gateway | {"status": 500}) + "\n" + json.dumps(gateway | {"status": 404})
    )
    (folder / "store.log").write_text("ERROR secret")
    found = logs.last_errors(place.stack, 1_795_924_900.0)
    assert [(each.function, each.message) for each in found.lines] == [
        ("gateway", "GET /faces"),
        ("search", "unexpected failure"),
    ]
    assert found.lines[1].ids == {"event_id": 7}
    assert "secret" not in str(found)
    assert found.complete


def test_cloudwatch_is_asked_backwards_and_within_bounds(place: Place) -> None:
    service: Any = "logs"  # whose stubs are not here
    client = boto3.client(service)
    stack = Stack("prod", "https://x", place.stack.settings, place.stack.client_arguments)
    object.__setattr__(stack, "client", lambda service, config: client)
    events = [
        {"timestamp": 1_000_000, "message": line(error="KeyError"), "logStreamName": "2026/11/29/prod[3]ab"},
        {"timestamp": 2_000_000, "message": "x Task timed out after 3.00 seconds for secret"},
        {"timestamp": 3_000_000, "message": "ERROR secret"},
    ]
    with Stubber(client) as stubber:
        for _ in range(logs.PAGES):
            stubber.add_response("filter_log_events", {"events": [], "nextToken": "more"})
        stubber.add_response("filter_log_events", {"events": events})
        for _ in logs.WINDOWS[2:]:
            stubber.add_response("filter_log_events", {"events": []})
        found = logs.last_errors(stack, 100_000.0)
        stubber.assert_no_pending_responses()
    assert [each.message for each in found.lines] == ["Task timed out after 3.00 seconds", "unexpected failure"]
    assert not found.complete, "the first window had more than was looked through"


def test_boxes_are_kept_by_photo_and_model_and_not_without_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "MOST_FILES", 2)
    kept, asked = KeptBoxes(tmp_path / "boxes"), list[str]()
    box = FaceBox(0.1, 0.2, 0.3, 0.4, 0.9)

    def find(photo: Photo, model: str) -> list[FaceBox]:
        asked.append(model)
        return [box]

    photo = Photo(uuid.UUID(int=1), "indexed")
    for model in ("a", "a", "b+2", "c", "c"):
        assert kept.of(photo, model, find) == [box]
    assert asked == ["a", "b+2", "c"]
    assert len(list((tmp_path / "boxes").iterdir())) == 2
    with pytest.raises(ValueError, match="no model"):
        kept.of(photo, "../evil", find)


def test_of_many_photos_at_once_some_are_told_to_wait(tmp_path: Path) -> None:
    kept = KeptBoxes(tmp_path)

    def deeper(depth: int) -> Callable[[Photo, str], list[FaceBox]]:
        def find(photo: Photo, model: str) -> list[FaceBox]:
            return kept.of(Photo(uuid.UUID(int=depth), "indexed"), model, deeper(depth + 1))

        return find

    with pytest.raises(Busy):
        kept.of(Photo(uuid.UUID(int=0), "indexed"), "m", deeper(1))
