"""A guest has a finished search watched, and comes back: the two calls, over tables and queues in this process."""

import base64
import json
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any

import pytest

from facesearch import bootstrap
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.jobs import DynamoJobStore
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.watches import DynamoWatchStore
from facesearch.api.selfie_form import SelfieForm
from facesearch.api.watch_form import days_agreed_to
from facesearch.errors import ConsentNeeded, FaceSearchError, InvalidRequest, TooLarge
from facesearch.models import SearchKey, SearchSummary
from facesearch.tokens import VisitorTokens
from facesearch.webhooks.watches.watch import Watch
from tests.conftest import ROOT
from tests.support.aws import TABLE, create_table
from tests.support.fakes import Context, photos
from tests.support.pools import LEAVES
from tests.unit.api.test_handlers import load

DAY = 86_400


@dataclass
class Guests:
    """An event with one finished search, and who may ask about it."""

    search: SearchKey
    api_key: str
    table: Table
    commands: Any

    def call(self, name: str, request_id: object = None, api_key: str = "", **fields: str) -> Any:
        """The versioned event of a call, about the search; `fields` in place of those of its form."""
        event = json.loads((ROOT / "events" / f"{name}.json").read_text())
        path: dict[str, object] = {"org_id": self.search.org_id, "event_id": self.search.event_id}
        path["request_id"] = request_id or self.search.request_id
        event["pathParameters"] = {key: str(value) for key, value in path.items()}
        event["headers"]["X-API-Key"] = api_key or self.api_key
        if fields:
            parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                            for name, value in fields.items())  # fmt: skip
            event["body"] = base64.b64encode(f"{parts}--x--\r\n".encode()).decode()
            event["headers"]["Content-Type"] = "multipart/form-data; boundary=x"
        response = load(name.partition("-")[0])(event, Context())
        body = json.loads(response["body"])
        code = response["multiValueHeaders"].get("Face-Search-Error", [""])[0]
        return response["statusCode"], body["data"] or code, "Idempotent-Replayed" in response["multiValueHeaders"]

    def token(self, *, watch: bool) -> str:
        event = bootstrap.container.event(self.search.event_id)
        assert event is not None
        tokens = VisitorTokens(tokens=bootstrap.container.tokens)
        return tokens.create(event, 300, (), originals=False, watch=watch).token

    def sent(self) -> list[str]:
        """Bodies of the commands in the queue."""
        sqs, url = self.commands
        return [each["Body"] for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


@pytest.fixture
def guests(dynamodb: Any, s3: Any, sqs: Any, monkeypatch: pytest.MonkeyPatch) -> Guests:
    create_table(dynamodb, "IdempotencyTable", "claims")
    s3.create_bucket(Bucket="selfies")
    url = sqs.create_queue(QueueName="commands")["QueueUrl"]
    for name, value in {
        "TABLE_NAME": TABLE, "IDEMPOTENCY_TABLE_NAME": "claims", "SELFIES_BUCKET": "selfies", "WATCH_KEY_ARN": "key",
        "SEARCH_JOBS_QUEUE_URL": url, "CALLBACKS_QUEUE_URL": url, "RENDITIONS_BASE_URL": "https://photos.example.com",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bootstrap, "container", bootstrap.Container())
    table = Table(dynamodb, TABLE)
    admin = DynamoAdmin(table)
    org_id = admin.create_org("Marathon Photos")
    search = SearchKey(org_id, admin.create_event(org_id, "Marathon"), uuid.uuid4())
    DynamoResultStore(table, 30, pool=LEAVES).save(search, SearchSummary(2, 90), photos(2))
    return Guests(search, admin.create_key(org_id).api_key, table, (sqs, url))


def test_the_versioned_call_begins_a_watch_once(guests: Guests) -> None:
    assert guests.call("results-updates") == (
        200, {"request_id": str(guests.search.request_id), "watching_until": None, "latest": None, "total": 2}, False
    )  # fmt: skip
    status, data, replayed = guests.call("webhook-watch")
    assert (status, data["request_id"], replayed) == (202, str(guests.search.request_id), False)
    ends_at = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 14 * DAY))
    assert data["watching_until"][:10] == ends_at
    assert data["watching_until"][-1] == "Z"
    assert guests.call("webhook-watch") == (202, data, True)
    assert guests.call("results-updates")[1]["watching_until"] == data["watching_until"], "before it is begun"
    assert len(guests.sent()) == 1


def test_the_updates_are_the_newest_search_that_is_still_there(guests: Guests) -> None:
    search, results, watches = (
        guests.search,
        DynamoResultStore(guests.table, 30, pool=LEAVES),
        DynamoWatchStore(guests.table),
    )
    until, child = int(time.time()) + DAY, replace(guests.search, request_id=uuid.uuid4())
    watches.keep(watch := Watch(search, "sface", b"sealed", "", None, 1, until, search.request_id))
    watches.enter(watch, child)
    results.save(child, SearchSummary(5, 90), photos(5))
    watches.note(watch, child)
    _, data, _ = guests.call("results-updates")
    assert (data["latest"], data["total"]) == (str(child.request_id), 5)
    assert data["watching_until"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
    watches.delete(search)
    _, data, _ = guests.call("results-updates")
    assert (data["watching_until"], data["latest"], data["total"]) == (None, str(child.request_id), 5)
    results.hide(child)  # a photo that it names was deleted
    _, data, _ = guests.call("results-updates")
    assert (data["latest"], data["total"]) == (None, 2)
    assert guests.call("webhook-delete")[0] == 200
    for name in ("results-updates", "webhook-watch"):
        assert guests.call(name)[:2] == (404, "no_search")


def test_only_a_finished_search_of_the_event_is_watched(guests: Guests) -> None:
    for name in ("results-updates", "webhook-watch"):
        assert guests.call(name, uuid.uuid4())[:2] == (404, "no_search")
        assert guests.call(name, "abc")[:2] == (400, "invalid")
        assert guests.call(name, api_key="wrong")[:2] == (403, "key_unknown")
    assert guests.sent() == []


@pytest.mark.parametrize("consent", [{}, {"watch_consent": "false"}, {"watch_consent": "1"}])
def test_without_consent_nothing_is_kept_whoever_asks(guests: Guests, consent: dict[str, str]) -> None:
    for api_key in ("", guests.token(watch=True)):
        refused = guests.call("webhook-watch", api_key=api_key, file="selfie", **consent)
        assert refused[:2] == (422, "consent_needed")
    assert guests.sent() == []
    assert not DynamoJobStore(guests.table, 30).holds(guests.search)


def test_a_token_watches_only_if_it_was_made_for_that(guests: Guests) -> None:
    without, by_token = guests.token(watch=False), guests.token(watch=True)
    assert guests.call("webhook-watch", api_key=without)[:2] == (403, "not_for_tokens")
    assert guests.call("results-updates", api_key=without)[0] == 200
    assert guests.call("webhook-watch", api_key=by_token)[0] == 202
    assert guests.call("webhook-watch", api_key=by_token)[2], "the same watch, and nothing more to pay"


FIELDS = {"watch_consent": "true"}


@pytest.mark.parametrize(
    ("form", "days"),
    [
        (SelfieForm((b"selfie",), fields=FIELDS), 30),
        (SelfieForm((), ("upload",), fields=FIELDS | {"days": "1", "other": "x"}), 1),
        *[(SelfieForm((b"selfie",), fields=FIELDS | {"days": days}), InvalidRequest)
          for days in ("0", "31", "", "1.0", "1_0", "month")],
        (SelfieForm((b"selfie",), fields={"watch_consent": "True"}), ConsentNeeded),
        (SelfieForm(fields=FIELDS, problem=TooLarge("too large")), TooLarge),
    ],
    ids=str,
)  # fmt: skip
def test_the_form_says_for_how_many_days_the_person_agrees(form: SelfieForm, days: int | type[FaceSearchError]) -> None:
    if isinstance(days, int):
        assert days_agreed_to(form) == days
        return
    with pytest.raises(days) as refused:
        days_agreed_to(form)
    assert type(refused.value) is days
