"""What a publishable token may do, and what it can never do: every route of the template, through the functions."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from facesearch import bootstrap
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.table import Table
from facesearch.admin.models import Features
from facesearch.models import MICROSECONDS, ApiKey, QuotaLimits, Scope, TokenRights, digest_of
from facesearch.tokens import new_token
from facesearch_local.template import read_document
from tests.conftest import ROOT
from tests.support.aws import create_table, moto
from tests.support.fakes import Context
from tests.support.output import Output
from tests.unit.api.test_handlers import CONSENT, FORM, form, load

Response = dict[str, Any]
PAGE = "https://run.example"
REQUEST = "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31"
ORG = "/api/v1/ext/{org_id}"
EVENT = f"{ORG}/event/{{event_id}}"


@dataclass(frozen=True)
class Call:
    """A call of a route, and what a token is told that is in order; empty = it may make the call."""

    method: str
    path: str
    refused: str = ""
    body: bytes = b""
    content_type: str = "text/plain"

    def __str__(self) -> str:
        return f"{self.method} {self.path.rpartition('{event_id}')[2]} {self.body[:24].decode()}".strip()


CALLS = [
    Call("POST", f"{EVENT}/faces", body=CONSENT + form(b"no picture", REQUEST), content_type=FORM),
    Call("POST", f"{EVENT}/faces/uploads"),
    Call("GET", f"{EVENT}/faces/{{request_id}}"),
    Call("GET", f"{EVENT}/faces/{{request_id}}/status"),
    Call("GET", f"{EVENT}/faces/{{request_id}}/updates"),
    Call("POST", f"{EVENT}/faces/{{request_id}}/watch"),
    Call("DELETE", f"{EVENT}/faces/{{request_id}}"),
    Call("POST", f"{EVENT}/original-photos", body=b'{"method": "selfie", "identifier": "%b"}' % REQUEST.encode()),
    Call("POST", f"{EVENT}/original-photos", body=b'{"method": "bib", "identifier": "17"}'),
    Call("POST", f"{EVENT}/original-photos", body=b"no JSON"),
    Call("GET", f"{EVENT}/bibs/{{bib}}"),
    Call("GET", f"{EVENT}/ping"),
    Call("GET", f"{EVENT}/details"),
    Call("GET", f"{EVENT}/page"),
    *(
        Call("POST", f"{EVENT}/original-photos", "not_for_tokens", json.dumps(body).encode())
        for body in (
            {"method": "image_id", "identifier": REQUEST},
            {"method": "image_ids", "identifier": [REQUEST]},
        )
    ),
    Call("GET", f"{EVENT}/images", "not_for_tokens"),
    Call("GET", f"{EVENT}/timeline/days", "not_for_tokens"),
    Call("GET", f"{EVENT}/timeline/images", "not_for_tokens"),
    Call("GET", f"{ORG}/events", "not_for_tokens"),
    Call("POST", f"{EVENT}/faces/webhook", "not_for_tokens", b'{"selfie_url": "https://a.example/x.jpg"}'),
    Call("POST", f"{EVENT}/tokens", "scope", b"{}"),
]
PING, ORIGINALS, GET_FACES, UPLOADS = CALLS[11], CALLS[7], CALLS[2], CALLS[1]
FUNCTION_OF = {
    (event["Properties"]["Method"], event["Properties"]["Path"]): Path(resource["Properties"]["CodeUri"]).name
    for resource in read_document(ROOT / "template.yaml")["Resources"].values()
    if resource["Type"] == "AWS::Serverless::Function"
    for event in resource["Properties"]["Events"].values()
    if event["Type"] == "Api" and event["Properties"]["Method"] != "OPTIONS"
}


def test_every_route_of_the_template_is_among_the_calls() -> None:
    assert {(call.method, call.path) for call in CALLS} == set(FUNCTION_OF)


@dataclass
class Site:
    """Two organisations' events over a table in this process, and what makes calls to the functions."""

    org: int
    event: int
    other_event: int
    foreign_org: int
    foreign_event: int
    admin: DynamoAdmin
    dynamodb: Any
    handlers: dict[str, Callable[[Any, Any], Response]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """What the functions have asked of the services in their last call."""

    def token(self, kind: str = "link", **changes: Any) -> str:
        """A token of this kind for the event, in order but for the changes to its rights or its key."""
        rights: dict[str, Any] = {"link_id": "a1b2c3d4e5" if kind == "link" else "", "origins": (PAGE,), "watch": True}
        key: dict[str, Any] = {"active": True, "expires_at": int(time.time()) + 600, "org_id": self.org}
        for name, value in changes.items():
            (key if name in key else rights)[name] = value
        token, created_at = new_token(), time.time_ns() // 1000
        made = TokenRights(self.event, QuotaLimits(6, 3), rights.pop("created_at", created_at), **rights)
        scopes = frozenset({Scope.SEARCH, Scope.READ})
        bootstrap.container.tokens.put(digest_of(token), ApiKey("k", scopes=scopes, token=made, **key))
        return token

    def call(
        self,
        call: Call,
        secret: str,
        *,
        in_query: bool = True,
        header: str | None = None,
        origin: str | None = PAGE,
        **place: Any,
    ) -> Response:
        """`secret`: an API key or a token, in the query or in the header; `header` beside the query."""
        ids = {"org_id": self.org, "event_id": self.event, "request_id": REQUEST, "bib": "17"} | place
        named = {name: str(ids[name]) for name in re.findall(r"{(\w+)}", call.path)}
        header = header if in_query else secret
        sent = {"Content-Type": call.content_type, "Origin": origin, "X-API-Key": header}
        event = {
            "resource": call.path,
            "path": call.path.format(**named),
            "httpMethod": call.method,
            "headers": {name: value for name, value in sent.items() if value is not None},
            "queryStringParameters": {"token": secret, "page": "1"} if in_query else None,
            "pathParameters": named,
            "requestContext": {"stage": "live", "requestId": "r"},
            "body": base64.b64encode(call.body).decode(),
            "isBase64Encoded": True,
        }
        name = FUNCTION_OF[call.method, call.path]
        if name not in self.handlers:
            self.handlers[name] = load(name)
        self.asked.clear()
        return self.handlers[name](deepcopy(event), Context())


def code_of(response: Response) -> str:
    """The error's code, empty if the caller was let in, whatever became of it then."""
    if response["statusCode"] not in (401, 403):
        return ""
    (code,) = response["multiValueHeaders"]["Face-Search-Error"]
    assert response["statusCode"] == (401 if code == "no_key" else 403)
    assert json.loads(response["body"])["data"] is None
    return str(code)


@pytest.fixture(scope="module")
def site(no_process: None, our_errors: None) -> Iterator[Site]:
    settings = {
        "TABLE_NAME": "table", "IDEMPOTENCY_TABLE_NAME": "claims", "SELFIES_BUCKET": "selfies",
        "PHOTOS_BUCKET": "photos", "SNAPSHOTS_BUCKET": "snapshots", "RENDITIONS_BASE_URL": "https://photos.example",
        "MODELS_DIR": "none", "CORS_ALLOWED_ORIGINS": "*",
    }  # fmt: skip
    with moto(), pytest.MonkeyPatch.context() as patch:
        dynamodb = boto3.client("dynamodb")
        create_table(dynamodb, "Table", "table")
        create_table(dynamodb, "IdempotencyTable", "claims")
        boto3.client("s3").create_bucket(Bucket="selfies")
        patch.setenv("SEARCH_JOBS_QUEUE_URL", boto3.client("sqs").create_queue(QueueName="jobs")["QueueUrl"])
        patch.setenv("CALLBACKS_QUEUE_URL", boto3.client("sqs").create_queue(QueueName="callbacks")["QueueUrl"])
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.setattr(bootstrap, "container", bootstrap.Container())
        admin = DynamoAdmin(Table(dynamodb, "table"))
        org, foreign = admin.create_org("Run"), admin.create_org("Other")
        features: Features = {"bib_search": True, "timeline_search": True}
        events = admin.create_event(org, "A", features=features), admin.create_event(org, "B")
        site = Site(org, *events, foreign, admin.create_event(foreign, "C"), admin, dynamodb)
        container = bootstrap.container
        for client in (container._dynamodb, container.s3, container._sqs):
            client.meta.events.register("before-call", lambda model, **_: site.asked.append(model.name))
        yield site


@pytest.mark.parametrize(("kind", "in_query"), [("link", True), ("visitor", False)])
@pytest.mark.parametrize("call", CALLS, ids=str)
class TestEveryRoute:
    """Each with a link's token in the query and with a visitor's in the header."""

    def told(self, site: Site, call: Call, in_query: bool, token: str, **how: Any) -> str:
        """Also: what is refused costs one read, a page two, and changes nothing."""
        code = code_of(site.call(call, token, in_query=in_query, **how))
        is_page = call.method == "GET" and call.path.endswith(("/faces/{request_id}", "/bibs/{bib}"))
        assert not code or site.asked == ["BatchGetItem"] * (1 + is_page)
        return code

    def test_a_token_may_make_the_calls_of_guests_and_no_other(
        self, site: Site, call: Call, in_query: bool, kind: str
    ) -> None:
        assert self.told(site, call, in_query, site.token(kind)) == call.refused
        assert self.told(site, call, in_query, site.token(kind), origin=None) == call.refused, "of no page"

    def test_a_token_that_is_unknown_off_or_expired_opens_nothing(
        self, site: Site, call: Call, in_query: bool, kind: str
    ) -> None:
        assert self.told(site, call, in_query, new_token()) == "token_unknown"
        assert self.told(site, call, in_query, site.token(kind, active=False)) == "token_unknown"
        assert self.told(site, call, in_query, site.token(kind, expires_at=int(time.time()))) == "token_expired"

    def test_another_organisation(self, site: Site, call: Call, in_query: bool, kind: str) -> None:
        for place in ({"org_id": site.foreign_org}, {"org_id": 1}):
            assert self.told(site, call, in_query, site.token(kind), **place) == "wrong_organisation"
        both = {"org_id": site.foreign_org, "event_id": site.foreign_event}
        assert self.told(site, call, in_query, site.token(kind), **both) == "wrong_organisation"

    def test_another_event_of_which_it_learns_nothing(self, site: Site, call: Call, in_query: bool, kind: str) -> None:
        expected = "not_for_tokens" if "{event_id}" not in call.path else "wrong_event"
        for other in (site.other_event, site.foreign_event, 1):
            told = self.told(site, call, in_query, site.token(kind), event_id=other)
            assert told == (call.refused if call.refused == "scope" else expected)

    def test_a_page_of_another_site(self, site: Site, call: Call, in_query: bool, kind: str) -> None:
        for origin in ("https://evil.example", f"{PAGE}.evil.example", "http://run.example", f"{PAGE}:444", "null"):
            told = self.told(site, call, in_query, site.token(kind), origin=origin)
            assert told == (call.refused if call.refused == "scope" else "origin")

    def test_a_token_that_was_ended_with_all_of_its_event(
        self, site: Site, call: Call, in_query: bool, kind: str
    ) -> None:
        old = site.token(kind, created_at=0)
        site.admin.update_event(site.event, tokens_since=1)
        assert self.told(site, call, in_query, old) == (call.refused or "token_expired")
        assert self.told(site, call, in_query, site.token(kind, created_at=1)) == call.refused


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_an_api_key_in_the_query_is_refused_and_is_in_no_log(site: Site, call: Call, output: Output) -> None:
    secret = site.admin.create_key(site.org, list(Scope)).api_key
    try:
        assert code_of(site.call(call, secret)) == "no_key"
        told = code_of(site.call(call, secret, in_query=False))
        assert told == "", "which is good for everything"
        assert code_of(site.call(call, "", in_query=True)) == "no_key"
    finally:
        (key,) = site.admin.keys(site.org)
        site.admin.delete_key(site.org, key.key_id)
    assert output.logs
    assert secret not in json.dumps(output.logs) + output.capsys.readouterr().out


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_token_is_in_no_log_and_in_no_response(site: Site, call: Call, output: Output) -> None:
    token = site.token()
    said = [site.call(call, token)]
    said += [site.call(call, token, event_id=place) for place in (site.other_event, "abc")]
    text = json.dumps([said, output.logs]) + output.capsys.readouterr().out
    assert output.logs or not call.refused
    assert token not in text
    assert digest_of(token) not in text


def test_a_header_counts_before_the_query(site: Site) -> None:
    assert code_of(site.call(PING, site.token(), header="guess")) == "key_unknown"
    assert code_of(site.call(PING, "guess", header=site.token())) == "", "and the query is not looked at"
    assert code_of(site.call(PING, site.token(), header="  ")) == "", "but a blank one is none"


def test_a_token_without_originals_gives_no_links_to_them(site: Site) -> None:
    for call in CALLS:
        if call.path.endswith("original-photos"):
            assert code_of(site.call(call, site.token(originals=False))) == "not_for_tokens"


def test_a_token_without_watch_has_nothing_watched(site: Site) -> None:
    (call,) = (call for call in CALLS if call.path.endswith("/watch"))
    assert code_of(site.call(call, site.token(watch=False))) == "not_for_tokens"


def test_a_path_that_does_not_fit_is_told_as_to_any_key(site: Site) -> None:
    assert site.call(GET_FACES, site.token(), event_id="abc")["statusCode"] == 422


# ------------------------------------------------------------------ a visitor's token, made by its site


@pytest.fixture
def api_key(site: Site) -> Iterator[str]:
    made = site.admin.create_key(site.org, [Scope.MINT])
    yield made.api_key
    site.admin.delete_key(site.org, made.key_id)


TOKENS = Call("POST", f"{EVENT}/tokens")


def make(site: Site, api_key: str, **asked: Any) -> Response:
    body = json.dumps(asked).encode() if asked else b""
    return site.call(replace(TOKENS, body=body), api_key, in_query=False, origin=None)


def test_a_site_makes_a_token_that_searches_from_its_page_until_it_expires(
    site: Site, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = make(site, api_key, expires_in=300, origins=[PAGE, "http://localhost:3000"], originals=False)
    assert response["statusCode"] == 201
    body = json.loads(response["body"])
    token, expires_at = body["data"]["token"], body["data"]["expires_at"]
    assert body["message"] == "Token created"
    assert re.fullmatch("fsp_[A-Za-z0-9_-]{32}", token)
    seconds = time.mktime(time.strptime(expires_at, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - time.time()
    assert 290 < seconds <= 300
    assert code_of(site.call(PING, token, origin="http://localhost:3000")) == ""
    assert code_of(site.call(PING, token, origin="http://localhost:3001")) == "origin"
    assert code_of(site.call(ORIGINALS, token)) == "not_for_tokens"
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 301)
    assert code_of(site.call(PING, token)) == "token_expired"


def test_without_a_body_it_is_good_for_an_hour_and_for_what_is_no_page(site: Site, api_key: str) -> None:
    token = json.loads(make(site, api_key)["body"])["data"]["token"]
    item = Table(site.dynamodb, "table").get({"pk": f"KEY#{digest_of(token)}", "sk": "KEY"}) or {}
    assert 3590 < item["valid_until"] - time.time() <= 3600
    assert item["expires_at"] == item["valid_until"] + 86_400, "which DynamoDB's TTL goes by"
    assert item["scopes"] == {"search", "read"}
    rights = item["token"]
    assert (rights["originals"], rights["watch"], rights["per_minute"], rights["burst"]) == (True, False, 6, 3)
    assert abs(rights["created_at"] / MICROSECONDS - time.time()) < 60
    assert code_of(site.call(PING, token)) == "origin"
    assert code_of(site.call(PING, token, origin=None)) == ""


def test_a_pages_origin_may_be_given_with_its_schemes_own_port(site: Site, api_key: str) -> None:
    ports = ("https://a.example:443", "http://b.example:80", "https://c.example:80", "https://d.example:65535")
    token = json.loads(make(site, api_key, origins=ports)["body"])["data"]["token"]
    item = Table(site.dynamodb, "table").get({"pk": f"KEY#{digest_of(token)}", "sk": "KEY"}) or {}
    assert item["token"]["origins"] == ["https://a.example", "http://b.example", *ports[2:]]


@pytest.mark.parametrize(
    ("origins", "said"),
    [
        ("https://run.example", "body.origins: must be a list"),
        (["https://.."], "body.origins.0: is not an origin, such as https://run.example"),
    ],
)
def test_what_is_no_origin_is_told_in_words(site: Site, api_key: str, origins: Any, said: str) -> None:
    assert json.loads(make(site, api_key, origins=origins)["body"])["message"] == said


def test_a_links_token_stays_until_its_operator_ends_it(site: Site) -> None:
    item = Table(site.dynamodb, "table").get({"pk": f"KEY#{digest_of(site.token())}", "sk": "KEY"}) or {}
    assert "expires_at" not in item


@pytest.mark.parametrize(
    "asked",
    [
        {"expires_in": 299}, {"expires_in": 86_401}, {"expires_in": "3600"}, {"expires_in": 3600.5},
        *({"origins": [origin]} for origin in (
            "https://run.example/", "https://run.example/page", "run.example", "https://Run.example", "*", "null", "",
            "https://..", "https://-", "https://run..example", "https://run.example:0", "https://run.example:65536",
            f"https://{'run.' * 64}example",
            "https://run.example:", "ftp://run.example", "https://run.example\n", "https://a:b@run.example", 1,
        )),
        {"origins": [f"https://{number}.example" for number in range(11)]}, {"origins": "https://run.example"},
        {"originals": "no"}, {"watch": 1}, {"watch": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_a_token_cannot_be_is_refused_and_nothing_is_kept(site: Site, api_key: str, asked: Any) -> None:
    response = make(site, api_key, **asked)
    assert response["statusCode"] == 422
    assert json.loads(response["body"])["message"].startswith(f"body.{next(iter(asked))}")
    assert site.asked == ["BatchGetItem"]


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"3600"])
def test_a_body_that_is_no_object_is_refused(site: Site, api_key: str, body: bytes) -> None:
    assert site.call(replace(TOKENS, body=body), api_key, in_query=False)["statusCode"] == 422


@pytest.mark.parametrize(("place", "status"), [("other_event", 201), ("foreign_event", 403), (None, 404)])
def test_a_token_is_made_for_an_event_of_the_organisation_alone(
    site: Site, api_key: str, place: str | None, status: int
) -> None:
    event = getattr(site, place) if place else 1
    assert site.call(TOKENS, api_key, in_query=False, event_id=event)["statusCode"] == status


def test_a_key_without_the_scope_makes_none(site: Site) -> None:
    made = site.admin.create_key(site.org)
    assert code_of(make(site, made.api_key)) == "scope"
    site.admin.delete_key(site.org, made.key_id)


# ------------------------------------------------------------------ its quota


def test_a_search_tells_the_tokens_own_quota_and_reads_it_along(site: Site) -> None:
    response = site.call(CALLS[0], site.token())
    told = {name: response["multiValueHeaders"][f"RateLimit-{name}"][0] for name in ("Limit", "Remaining", "Reset")}
    assert told == {"Limit": "3", "Remaining": "3", "Reset": "0"}
    assert site.asked[0] == "BatchGetItem"
    assert site.asked.count("BatchGetItem") == 1


def with_used_up(site: Site, used_up: str, call: Call) -> Response:
    """The call with a token, whose quota or its organisation's is used up for an hour."""
    token, full = site.token(), time.time_ns() // 1000 + 3_600 * MICROSECONDS
    owner = f"TOKEN#{digest_of(token)}" if used_up == "token" else str(site.org)
    item = {"pk": {"S": f"QUOTA#{owner}"}, "sk": {"S": "QUOTA"}, "full_at": {"N": str(full)}}
    site.dynamodb.put_item(TableName="table", Item=item)
    response = site.call(call, token)
    site.dynamodb.delete_item(TableName="table", Key={name: item[name] for name in ("pk", "sk")})
    return response


@pytest.mark.parametrize(("used_up", "told"), [("token", (429, ["token_quota"])), ("organisation", (200, None))])
def test_a_token_that_may_not_search_may_not_upload(site: Site, used_up: str, told: tuple[int, Any]) -> None:
    response = with_used_up(site, used_up, UPLOADS)
    assert (response["statusCode"], response["multiValueHeaders"].get("Face-Search-Error")) == told
    assert site.asked.count("BatchGetItem") == 1


@pytest.mark.parametrize("used_up", ["token", "organisation"])
def test_a_quota_that_is_used_up_says_whose_it_is(site: Site, used_up: str, output: Output) -> None:
    response = with_used_up(site, used_up, CALLS[0])
    headers = response["multiValueHeaders"]
    assert response["statusCode"] == 429
    assert int(headers["Retry-After"][0]) > 3_000
    assert headers["Face-Search-Error"] == ["token_quota" if used_up == "token" else "quota"]
    assert headers["RateLimit-Limit"] == ["3"], "never the organisation's"
    assert headers["RateLimit-Remaining"] == ["0" if used_up == "token" else "3"]
    assert output.metrics.get("TokenQuotaUsedUp") == ([1] if used_up == "token" else None)
