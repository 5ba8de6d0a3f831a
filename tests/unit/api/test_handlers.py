"""The real handlers with the versioned events of their triggers, over a table in this process and the real engine."""

import base64
import datetime as dt
import importlib.util
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from PIL import Image

from facesearch import bootstrap
from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.reading import token_item
from facesearch.adapters.dynamodb.table import Table, put, update
from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.faces.packing import pack
from facesearch.models import GuestPage, QuotaLimits, Scope, SearchKey, TokenRights, digest_of
from facesearch.records import SHARDS, Photo
from facesearch_local.template import read_document
from tests.conftest import ROOT
from tests.support.aws import create_table, moto
from tests.support.fakes import Context
from tests.support.output import Output
from tests.support.pictures import encoded
from tools.bench.capacity.figures import LINK, NEWS, PAGE, SEARCH, Touch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Answer = dict[str, Any]
TOKEN = "fsp_0123456789abcdefghijklmnopqrstuv"
FORM = "multipart/form-data; boundary=x"
CONSENT = b'--x\r\nContent-Disposition: form-data; name="consent"\r\n\r\nstandard-1\r\n'
"""A field before a form's others: what a guest agrees to."""
FACELESS = encoded(Image.new("RGB", (200, 200), "grey"), "JPEG")


@dataclass
class Deployment:
    """An event with one photo of one person, and its caller."""

    org_id: int
    event_id: int
    api_key: str
    admin: DynamoAdmin
    dynamodb: "DynamoDBClient"

    def token(self) -> str:
        """A visitor's, which no page may use."""
        event = bootstrap.container.event(self.event_id)
        assert event is not None
        return bootstrap.container.visitor_tokens.create(event, 300, (), originals=True, watch=False).token

    def post(self, body: bytes, **changes: Any) -> Answer:
        event = self.filled("search", **changes)
        event["body"] = base64.b64encode(body).decode()
        event["headers"]["Content-Type"] = changes.get("content_type", FORM)
        return answer(load("search"), event)

    def get(self, request_id: str, **changes: Any) -> Answer:
        event = self.filled("results-faces", **changes)
        event["pathParameters"]["request_id"] = request_id
        event["path"] = event["path"].rpartition("/")[0] + "/" + request_id
        return answer(load("results"), event)

    def filled(self, name: str, *, api_key: str | None = None, query: Any = None, **_: Any) -> Any:
        event = json.loads((ROOT / "events" / f"{name}.json").read_text())
        event["path"] = event["path"].replace("903", str(self.org_id)).replace("456", str(self.event_id))
        event["pathParameters"] |= {"org_id": str(self.org_id), "event_id": str(self.event_id)}
        event["queryStringParameters"] = query
        event["headers"]["X-API-Key"] = self.api_key if api_key is None else api_key
        return event


def module_of(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"functions_{name}_app", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(name: str) -> Callable[[Any, Any], Answer]:
    handler: Callable[[Any, Any], Answer] = module_of(name).handler
    return handler


def answer(handler: Callable[[Any, Any], Answer], event: Any) -> Answer:
    response = handler(deepcopy(event), Context())
    assert response["multiValueHeaders"]["Content-Type"] == ["application/json"]
    body = json.loads(response["body"])
    assert set(body) == {"responseType", "message", "data"}
    assert body["responseType"] == ("success" if response["statusCode"] in (200, 201, 202) else "error")
    return response | {"json": body}


def form(selfie: bytes, request_id: str | None = None, consent: str | None = None) -> bytes:
    fields = {"request_id": request_id, "consent": consent}
    head = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    field = "".join(head.format(name, value) for name, value in fields.items() if value)
    file = '--x\r\nContent-Disposition: form-data; name="file"; filename="selfie.jpg"\r\n\r\n'
    return (field + file).encode() + selfie + b"\r\n--x--\r\n"


@pytest.fixture
def deployment(models: Path, samples: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with moto():
        dynamodb = boto3.client("dynamodb")
        create_table(dynamodb, "Table", "table")
        create_table(dynamodb, "IdempotencyTable", "claims")
        boto3.client("s3").create_bucket(Bucket="selfies")
        orders = boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
        admin = DynamoAdmin(Table(dynamodb, "table"))
        org = admin.create_org("Marathon Photos")
        event = admin.create_event(org, "Marathon 2026", features={"timeline_search": True})
        engine = OpenCvEngine(models, threads=1)
        faces = pack(engine.probe((samples / "obama.jpg").read_bytes()).embedding[None])
        DynamoPhotoStore(Table(dynamodb, "table")).add(
            event, SHARDS, Photo(uuid.UUID(int=5), "indexed", "k", 30, 40, engine.model, faces)
        )
        for name, value in {
            "TABLE_NAME": "table",
            "IDEMPOTENCY_TABLE_NAME": "claims",
            "SELFIES_BUCKET": "selfies",
            "PHOTOS_BUCKET": "photos",
            "SNAPSHOTS_BUCKET": "snapshots",
            "SEARCH_JOBS_QUEUE_URL": orders,
            "CALLBACKS_QUEUE_URL": orders,
            "WATCH_KEY_ARN": "of a key that is not used",
            "RENDITIONS_BASE_URL": "https://photos.example.com",
            "MODELS_DIR": str(models),
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(bootstrap, "container", bootstrap.Container())
        yield Deployment(org, event, admin.create_key(org, list(Scope)).api_key, admin, dynamodb)


def test_a_selfie_is_searched_replayed_and_read_again(deployment: Deployment, samples: Path) -> None:
    selfie = (samples / "obama2.jpg").read_bytes()
    first = deployment.post(form(selfie))
    assert first["statusCode"] == 200
    data = first["json"]["data"]
    image_id = str(uuid.UUID(int=5))
    base = f"https://photos.example.com/imgs/{deployment.event_id}"
    assert first["json"]["message"] == "Computed face search"
    assert data["confidence_percentage"] == 90
    assert data["images"] == [
        {
            "img_url": f"{base}/large/{image_id}.jpg",
            "height": 40,
            "width": 30,
            "image_id": image_id,
            "thumbnail_url": f"{base}/small/{image_id}.jpg",
            "original_url": None,
        }
    ]
    assert data["pagination"] == {
        "total": 1, "currentPage": 1, "totalPages": 1, "hasNextPage": False, "hasPreviousPage": False, "page_size": 32,
    }  # fmt: skip
    assert "Idempotent-Replayed" not in first["multiValueHeaders"]
    assert first["multiValueHeaders"]["Selfie-Faces"] == ["1"]

    again = deployment.post(form(b"", data["request_id"].upper()))
    assert again["json"] == first["json"]
    assert again["multiValueHeaders"]["Idempotent-Replayed"] == ["true"]
    assert again["multiValueHeaders"]["Selfie-Faces"] == ["1"], "it was kept with the result"
    assert deployment.get(data["request_id"])["json"] == first["json"]


def test_a_result_from_before_faces_in_selfies_were_counted_is_replayed(deployment: Deployment, samples: Path) -> None:
    request_id = str(uuid.uuid4())
    deployment.post(form((samples / "obama2.jpg").read_bytes(), request_id))
    search = SearchKey(deployment.org_id, deployment.event_id, uuid.UUID(request_id))
    Table(deployment.dynamodb, "table").write(update(schema.header_key(search), "REMOVE selfie_faces"))
    again = deployment.post(form(b"", request_id))
    assert again["statusCode"] == 200
    assert "Selfie-Faces" not in again["multiValueHeaders"]


def test_the_page_of_an_event_says_when_its_newest_photo_came(deployment: Deployment) -> None:
    page = answer(load("results"), deployment.filled("results-page"))
    assert (page["statusCode"], page["json"]["message"]) == (200, "Event page")
    came = dt.datetime.fromisoformat(page["json"]["data"]["photos"]["newest_at"])
    assert abs(came - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    deployment.admin.update_event(deployment.event_id, event_enabled=False)
    disabled = answer(load("results"), deployment.filled("results-page"))
    assert disabled["json"]["data"]["allows"]["search"] is False


def with_token(deployment: Deployment, burst: int = 10) -> str:
    """The text of a publishable token for the event, which has one more search after a minute."""
    token = TokenRights(deployment.event_id, QuotaLimits(1, burst), created_at=time.time_ns() // 1000)
    rights = {"token": token_item(token), "active": True, "scopes": ["search", "read"]}
    names = {"org_id": deployment.org_id, "key_id": "link"}
    Table(deployment.dynamodb, "table").write(put(schema.api_key_key(digest_of(TOKEN)) | rights | names))
    return TOKEN


def test_a_token_s_search_needs_consent_to_the_text_of_today(deployment: Deployment, samples: Path) -> None:
    token, selfie = with_token(deployment), (samples / "obama2.jpg").read_bytes()
    for consent in (None, "standard-0"):
        refused = deployment.post(form(selfie, consent=consent), api_key=token)
        assert (refused["statusCode"], refused["multiValueHeaders"]["Face-Search-Error"]) == (422, ["consent_needed"])
    found = deployment.post(form(selfie, consent="standard-1"), api_key=token)
    assert found["statusCode"] == 200
    search = SearchKey(deployment.org_id, deployment.event_id, uuid.UUID(found["json"]["data"]["request_id"]))
    (kept,) = bootstrap.container._results.finished([search])
    assert kept.consent is not None
    assert kept.consent.version == "standard-1"
    deployment.admin.update_event(deployment.event_id, guest_page=GuestPage(consent_text="Our own words."))
    again = deployment.post(form(selfie, str(search.request_id)), api_key=token)
    assert (again["statusCode"], again["json"]) == (200, found["json"]), "a replay needs none"
    assert deployment.post(form(selfie, consent="standard-1"), api_key=token)["statusCode"] == 422
    deployment.admin.update_event(deployment.event_id, guest_page=GuestPage(asks_consent=False))
    assert deployment.post(form(selfie), api_key=token)["statusCode"] == 200


def test_a_key_s_search_needs_no_consent_and_keeps_what_is_sent(deployment: Deployment, samples: Path) -> None:
    selfie = (samples / "obama2.jpg").read_bytes()
    for consent in (None, "site's own 3"):
        found = deployment.post(form(selfie, consent=consent))
        request_id = uuid.UUID(found["json"]["data"]["request_id"])
        search = SearchKey(deployment.org_id, deployment.event_id, request_id)
        (kept,) = bootstrap.container._results.finished([search])
        assert (kept.consent.version if kept.consent else None) == consent
    assert deployment.post(form(selfie, consent="x" * 41))["statusCode"] == 422


def told(response: Answer) -> tuple[int, str, int]:
    """Status, code, and searches left."""
    headers = response["multiValueHeaders"]
    code = headers.get("Face-Search-Error", [""])[0]
    return response["statusCode"], code, int(headers["RateLimit-Remaining"][0])


@pytest.mark.parametrize(
    ("selfie", "code"), [(FACELESS, "no_face"), (b"no picture", "unusable_image")], ids=["no face", "no picture"]
)
def test_refused_selfies_use_up_a_token_and_nobody_elses_quota(
    deployment: Deployment, samples: Path, selfie: bytes, code: str
) -> None:
    token, face = with_token(deployment, burst=3), (samples / "obama2.jpg").read_bytes()
    posts = [told(deployment.post(CONSENT + form(selfie), api_key=token)) for _ in range(4)]
    assert posts == [(400, code, 2), (400, code, 1), (400, code, 0), (429, "token_quota", 0)]
    for _ in range(4):
        assert told(deployment.post(form(selfie)))[:2] == (400, code), "a few of a key's refused selfies are free"
    keys = sorted(row["pk"]["S"] for row in deployment.dynamodb.scan(TableName="table")["Items"])
    taken = [f"QUOTA#REFUSED#{deployment.org_id}", f"QUOTA#TOKEN#{digest_of(token)}"]
    assert [key for key in keys if key.startswith("QUOTA#")] == taken
    assert deployment.post(CONSENT + form(face), api_key=deployment.token())["statusCode"] == 200
    assert deployment.post(form(face))["statusCode"] == 200


def test_a_token_pays_for_a_search_once_however_often_it_is_sent(deployment: Deployment, samples: Path) -> None:
    token, request_id = with_token(deployment, burst=3), str(uuid.uuid4())
    for selfie, expected in (
        (FACELESS, (400, "no_face", 2)),
        ((samples / "obama2.jpg").read_bytes(), (200, "", 1)),
        (FACELESS, (200, "", 1)),
    ):
        assert told(deployment.post(CONSENT + form(selfie, request_id), api_key=token)) == expected


@pytest.mark.parametrize("by_token", [False, True])
@pytest.mark.parametrize("changing_until", [0, 2**52], ids=["nothing new", "photos arrive"])
def test_a_search_and_a_page_touch_the_keys_that_the_capacity_model_says(
    deployment: Deployment, samples: Path, by_token: bool, changing_until: int
) -> None:
    selfie, request_id = (samples / "obama2.jpg").read_bytes(), str(uuid.uuid4())
    if by_token:
        deployment = replace(deployment, api_key=deployment.token())
    stamp = update(schema.event_key(deployment.event_id), "SET changing_until = :until", until=changing_until)
    Table(deployment.dynamodb, "table").write(stamp)
    deployment.post(CONSENT + form(selfie))  # which also opens the event's index
    touched: defaultdict[tuple[str, str], float] = defaultdict(float)

    def count(params: dict[str, Any], model: Any, **_: Any) -> None:
        """By how many items are asked for: all are below 4 KB, and 1 KB when they are written."""
        match model.name:
            case "BatchGetItem":
                (asked,) = params["RequestItems"].values()
                keys, kind, units = asked["Keys"], "reads", 1 if asked["ConsistentRead"] else 0.5
            case "PutItem" | "UpdateItem":
                keys, kind, units = [params.get("Key") or params["Item"]], "writes", 1
            case "Query":
                values = [next(iter(value.values())) for value in params["ExpressionAttributeValues"].values()]
                keys, kind, units = [{"pk": next(value for value in values if "#" in value)}], "reads", 1
                assert params["ConsistentRead"]
            case name:
                raise AssertionError(name)
        for key in keys:
            touched[kind, family(key)] += units

    def family(key: dict[str, Any]) -> str:
        if "id" in key:
            return "claims"
        pk = next(iter(key["pk"].values())) if isinstance(key["pk"], dict) else key["pk"]
        return "QUOTA#TOKEN" if pk.startswith("QUOTA#TOKEN") else pk.partition("#")[0]

    def expected(touches: Iterable[Touch]) -> dict[tuple[str, str], float]:
        return {
            (kind, touch.family): units * (SHARDS if touch.owner == "shard" else 1)
            for touch in touches
            for kind, units in (("reads", touch.reads), ("writes", touch.writes))
            if units
        }

    bootstrap.container._dynamodb.meta.events.register("provide-client-params.dynamodb", count)
    assert deployment.post(CONSENT + form(selfie, request_id))["statusCode"] == 200
    assert touched == expected((*SEARCH, *[LINK] * by_token, *[NEWS] * bool(changing_until)))
    touched.clear()
    assert deployment.get(request_id)["statusCode"] == 200
    assert touched == expected(PAGE)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(b""), 400),
        (form(b"no picture at all"), 400),
        (form(b"x", "abc"), 400),
        (form(b"x", "").replace(b"file", b"fill"), 422),
        (b"", 422),
        (b"\xff" * 100, 422),
    ],
)
def test_a_body_that_cannot_be_searched_stores_nothing(deployment: Deployment, body: bytes, status: int) -> None:
    def rows() -> list[Any]:
        items = [each for table in ("table", "claims") for each in deployment.dynamodb.scan(TableName=table)["Items"]]
        return [item for item in items if item.get("sk") != {"S": "QUOTA"}]  # refused selfies are counted, no more

    before = rows()
    assert deployment.post(body)["statusCode"] == status
    assert rows() == before
    assert boto3.client("s3").list_objects_v2(Bucket="selfies")["KeyCount"] == 0


def test_a_search_that_comes_to_nothing_is_counted_by_whose_fault_it_is(
    deployment: Deployment, samples: Path, output: Output
) -> None:
    deployment.post(form(b"no picture at all"))
    counted = output.metrics
    assert (counted.get("SelfieRefused"), counted.get("SearchFailed")) == ([1], None)
    boto3.client("s3").delete_bucket(Bucket="selfies")
    assert deployment.post(form((samples / "obama2.jpg").read_bytes()))["statusCode"] == 500
    counted = output.metrics
    assert (counted.get("SelfieRefused"), counted.get("SearchFailed")) == (None, [1])


def test_a_result_lives_a_day_longer_than_the_claim_that_points_at_it(deployment: Deployment, samples: Path) -> None:
    deployment.post(form((samples / "obama2.jpg").read_bytes()))
    (claim,) = deployment.dynamodb.scan(TableName="claims")["Items"]
    rows = deployment.dynamodb.scan(TableName="table")["Items"]
    parts = [row for row in rows if "expires_at" in row and row.keys() & {"photos", "total"}]
    lives = {int(row["expires_at"]["N"]) - int(claim["expiration"]["N"]) for row in parts}
    assert len(parts) == 1, "the header, which holds the photos"
    assert all(22 * 3600 < seconds < 26 * 3600 for seconds in lives), lives


def test_a_failure_of_ours_is_500_and_says_nothing_of_the_request(
    deployment: Deployment, caplog: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "results")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "8")
    deployment.dynamodb.delete_table(TableName="table")
    response = deployment.get(str(uuid.uuid4()))
    assert response["statusCode"] == 500
    assert response["json"]["data"] is None
    (record,) = [record for record in caplog.records if record.message == "unexpected failure"]
    assert vars(record)["aws_code"] == "ResourceNotFoundException"
    assert deployment.api_key not in str(vars(record))
    # And it is counted for its version, by the dimensions of the alarms that end a release
    (counted,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CallsFailed" in line]
    (directive,) = counted["_aws"]["CloudWatchMetrics"]
    alarm = read_document(ROOT / "template.yaml")["Resources"]["ResultsReleaseFailures"]["Properties"]
    assert directive["Namespace"] == alarm["Namespace"]
    assert {name for (*names,) in directive["Dimensions"] for name in names} == {
        dimension["Name"] for dimension in alarm["Dimensions"]
    }
    assert (counted["function"], counted["version"], counted["CallsFailed"]) == ("results", "8", [1.0])


def test_what_the_caller_did_wrong_ends_no_release(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert deployment.get(str(uuid.uuid4()))["statusCode"] == 404
    assert deployment.get("abc")["statusCode"] == 400
    assert "CallsFailed" not in capsys.readouterr().out


CALLS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json"))}
OF_A_SEARCH = (
    "results-faces", "results-status", "results-updates", "results-original-photos", "webhook-delete", "webhook-watch",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name, event in CALLS.items() if "httpMethod" in event])
def test_the_versioned_event_of_a_call_is_answered_in_the_envelope(deployment: Deployment, name: str) -> None:
    handler = load(name.partition("-")[0])
    if CALLS[name]["httpMethod"] == "OPTIONS":
        assert handler(CALLS[name], Context())["statusCode"] == 204
        return
    deployment.admin.update_event(deployment.event_id, bib_search=True)
    refused = answer(handler, CALLS[name])
    assert refused["statusCode"] == (401 if name == "webhook" else 403), "nobody's key, or signed long ago"
    deployment.admin.update_event(deployment.event_id, bib_search=True)
    event = deployment.filled(name, query=CALLS[name]["queryStringParameters"])
    if "event_id" not in CALLS[name]["pathParameters"]:
        del event["pathParameters"]["event_id"]
    response = answer(handler, event)
    # The selfie has nobody in it, and so its search never was.
    expected = {"search": 400, "webhook": 202, "webhook-tokens": 201}.get(name, 404 if name in OF_A_SEARCH else 200)
    assert response["statusCode"] == expected, response["json"]


# ------------------------------------------------------------------ by an HTTP API


def by_http_api(event: Any) -> Any:
    """The same call as an HTTP API hands it on, in its format 1.0: names of headers in lower case, no resource id."""
    headers = {name.lower(): value for name, value in event["headers"].items()}
    context = event["requestContext"] | {"resourceId": None, "stage": "$default", "path": event["path"]}
    return event | {
        "version": "1.0",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": context,
    }


def test_an_http_api_s_calls_are_a_rest_api_s(deployment: Deployment, samples: Path) -> None:
    search = deployment.filled("search")
    search["headers"]["Content-Type"] = FORM
    search["body"] = base64.b64encode(form((samples / "obama2.jpg").read_bytes())).decode()
    found = answer(load("search"), by_http_api(search))
    assert (found["statusCode"], len(found["json"]["data"]["images"])) == (200, 1)
    page = deployment.filled("results-faces")
    page["pathParameters"]["request_id"] = found["json"]["data"]["request_id"]
    page["path"] = page["path"].rpartition("/")[0] + "/" + found["json"]["data"]["request_id"]
    read = answer(load("results"), by_http_api(page))
    assert (read["statusCode"], read["json"]) == (200, found["json"])


def test_what_an_http_api_has_no_route_for_is_answered_in_the_envelope(deployment: Deployment) -> None:
    unknown = by_http_api(deployment.filled("results-page")) | {"httpMethod": "PUT", "pathParameters": None}
    unknown["requestContext"]["resourcePath"] = unknown["resource"] = "$default"
    refused = answer(load("results"), unknown)
    assert (refused["statusCode"], refused["multiValueHeaders"]["Face-Search-Error"]) == (404, ["no_route"])
    asked = load("results")(unknown | {"httpMethod": "OPTIONS"}, Context())
    assert (asked["statusCode"], asked["multiValueHeaders"]["Cache-Control"]) == (204, ["no-store"])
