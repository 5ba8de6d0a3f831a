"""The operator's use cases: what changes together, what is counted, what is refused, and who overtakes whom."""

import datetime as dt
import re
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.dynamodb.admin import KEYS_PER_ORG, DynamoAdmin
from facesearch.adapters.dynamodb.admin import events as events_module
from facesearch.adapters.dynamodb.admin.events import SLUG_LENGTH, slug_of
from facesearch.adapters.dynamodb.quota import DynamoTokenBuckets
from facesearch.adapters.dynamodb.reading import DynamoEventDirectory, DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.admin.models import CreatedKey
from facesearch.api.presenters import event_details
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import BibRules, Page, QuotaLimits, QuotaState, Scope, UpstreamEvent, digest_of
from facesearch.reading import Wanted
from facesearch.search.quota import BucketEmptyError
from tests.support.aws import TABLE, create_table, moto

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="module")
def client() -> "Iterator[DynamoDBClient]":
    with moto():
        client = boto3.client("dynamodb")
        create_table(client)
        yield client


@pytest.fixture
def admin(client: "DynamoDBClient") -> DynamoAdmin:
    return DynamoAdmin(Table(client, TABLE))


@pytest.fixture
def org(admin: DynamoAdmin) -> int:
    return admin.create_org("Marathon Photos")


@pytest.fixture
def content(client: "DynamoDBClient") -> Callable[[], list[Any]]:
    return lambda: sorted(map(str, client.scan(TableName=TABLE)["Items"]))


# ------------------------------------------------------------------ keys


def test_a_key_is_listed_by_its_beginning_with_what_it_is_good_for(admin: DynamoAdmin, org: int) -> None:
    everything = admin.create_key(org)
    reading = admin.create_key(org, scopes=[Scope.READ], days=7)
    rows = {row.key_id: row for row in admin.keys(org)}
    first, second = rows[everything.key_id], rows[reading.key_id]
    assert [row.api_key for row in (first, second)] == [f"{each.api_key[:5]}***" for each in (everything, reading)]
    assert (first.active, first.scopes, first.expires_at) == (True, frozenset({Scope.SEARCH, Scope.READ}), None)
    created_at = dt.datetime.fromisoformat(first.created_at).timestamp()
    assert created_at == pytest.approx(time.time(), abs=60)
    assert second.scopes == {Scope.READ}
    assert second.expires_at == pytest.approx(created_at + 7 * 86_400, abs=60)


def test_a_switch_changes_the_list_and_what_a_caller_meets(
    admin: DynamoAdmin, org: int, client: "DynamoDBClient"
) -> None:
    switched, other = admin.create_key(org), admin.create_key(org)

    def seen(created: CreatedKey) -> tuple[bool, bool]:
        (row,) = (row for row in admin.keys(org) if row.key_id == created.key_id)
        key = DynamoReader(Table(client, TABLE)).read(Wanted(digest_of(created.api_key))).key
        assert key is not None
        return row.active, key.active

    for active in (False, False, True, True):
        admin.switch_key(org, switched.key_id, active=active)
        assert (seen(switched), seen(other)) == ((active, active), (True, True))


def test_a_deleted_key_is_gone_from_everywhere_and_no_longer_counted(
    admin: DynamoAdmin, org: int, content: Callable[[], list[Any]]
) -> None:
    before = content()
    created = admin.create_key(org)
    assert admin.org(org).keys == 1
    admin.delete_key(org, created.key_id)
    assert content() == before
    assert admin.org(org).keys == 0


def test_a_key_is_changed_by_its_own_organisation_alone_and_only_while_it_is_there(
    admin: DynamoAdmin, org: int
) -> None:
    created, gone = admin.create_key(org), admin.create_key(org)
    admin.delete_key(org, gone.key_id)
    for org_id, key_id in ((admin.create_org("Somebody else"), created.key_id), (org, gone.key_id)):
        with pytest.raises(NotFound):
            admin.delete_key(org_id, key_id)
        with pytest.raises(NotFound):
            admin.switch_key(org_id, key_id, active=False)
    assert [row.active for row in admin.keys(org)] == [True]


def test_the_place_of_a_deleted_key_can_be_taken_and_a_refusal_leaves_nothing(
    admin: DynamoAdmin, org: int, content: Callable[[], list[Any]]
) -> None:
    ids = [admin.create_key(org).key_id for _ in range(KEYS_PER_ORG)]
    for key_id in ids[3:5]:
        full = content()
        with pytest.raises(InvalidRequest):
            admin.create_key(org)
        assert content() == full
        admin.delete_key(org, key_id)
        admin.create_key(org)
        assert admin.org(org).keys == len(admin.keys(org)) == KEYS_PER_ORG


def test_of_two_operators_who_delete_one_key_at_once_one_is_told_that_it_is_gone(
    admin: DynamoAdmin, org: int, client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    created = admin.create_key(org)
    slower = DynamoAdmin(Table(client, TABLE))
    look = slower._by_secret

    def overtaken(org_id: int, key_id: str) -> Any:
        item = look(org_id, key_id)
        admin.delete_key(org, created.key_id)
        return item

    monkeypatch.setattr(slower, "_by_secret", overtaken)
    with pytest.raises(NotFound):
        slower.delete_key(org, created.key_id)
    assert admin.org(org).keys == 0


@pytest.mark.parametrize("wrong", [{"scopes": []}, {"days": 0}, {"days": -1}, {"days": 3651}], ids=str)
def test_a_key_that_makes_no_sense_is_refused(admin: DynamoAdmin, org: int, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        admin.create_key(org, **wrong)
    assert admin.keys(org) == []


def test_nothing_can_be_done_about_an_organisation_that_is_not_there(admin: DynamoAdmin) -> None:
    acts: list[Callable[[int], Any]] = [admin.keys, admin.events, admin.org, admin.create_key]
    acts += [partial(admin.set_quota, limits=None), partial(admin.create_event, name="Marathon")]
    for act in acts:
        with pytest.raises(NotFound):
            act(1)


# ------------------------------------------------------------------ quotas


def test_a_quota_is_the_organisations_own_until_it_is_taken_back(admin: DynamoAdmin, org: int) -> None:
    assert admin.org(org).quota is None
    for limits in (None, QuotaLimits(60, 10), QuotaLimits(30, 5), None):
        admin.set_quota(org, limits)
        assert admin.org(org).quota == limits


@pytest.mark.parametrize("limits", [QuotaLimits(600, 200), None])
def test_searches_under_a_slow_quota_do_not_count_against_the_next(
    admin: DynamoAdmin, org: int, client: "DynamoDBClient", limits: QuotaLimits | None
) -> None:
    bucket, reader = DynamoTokenBuckets(Table(client, TABLE)), DynamoReader(Table(client, TABLE))
    slow, fast = QuotaLimits(1, 3), QuotaLimits(600, 200)

    def seen() -> QuotaState:
        return reader.read(Wanted(quota_of=org)).quota

    admin.set_quota(org, slow)
    for _ in range(slow.burst):
        bucket.take(str(org), slow, seen())
    with pytest.raises(BucketEmptyError):
        bucket.take(str(org), slow, seen())
    admin.set_quota(org, limits)
    bucket.take(str(org), fast, seen())


@pytest.mark.parametrize(
    "limits",
    [QuotaLimits(0, 1), QuotaLimits(1, 0), QuotaLimits(600_001, 1), QuotaLimits(1, 100_001), QuotaLimits(-1, -1)],
)
def test_a_quota_beyond_its_limits_is_refused(admin: DynamoAdmin, org: int, limits: QuotaLimits) -> None:
    with pytest.raises(InvalidRequest):
        admin.set_quota(org, limits)
    assert admin.org(org).quota is None


# ------------------------------------------------------------------ events


def listed(client: "DynamoDBClient", org: int) -> list[int]:
    """The events as the API lists them."""
    return [row.event_id for row in DynamoEventDirectory(Table(client, TABLE)).page(org, Page(1, 100))]


def test_a_change_is_in_the_event_and_in_its_row(admin: DynamoAdmin, org: int, client: "DynamoDBClient") -> None:
    event = admin.create_event(org, "Marathon", event_date=dt.date(2026, 5, 1))
    other = admin.create_event(org, "Half", event_date=dt.date(2026, 6, 1))
    assert listed(client, org) == [other, event]
    cover = uuid.UUID(int=9)
    changed = admin.update_event(event, name="Ultra", date=dt.date(2026, 7, 1), event_enabled=False, cover=cover)
    assert admin.event(event) == changed
    assert (changed.name, changed.slug, changed.date, changed.cover) == ("Ultra", "ultra", "2026-07-01", cover)
    first, second = admin.events(org)
    assert (first.event_id, first.name, first.slug) == (event, "Ultra", "ultra")
    assert (first.date, first.event_enabled, first.cover) == ("2026-07-01", False, cover)
    assert second.event_id == other
    assert listed(client, org) == [event, other]
    assert admin.org(org).events == 2, "moved in the list, not counted again"


def test_an_event_starts_at_a_time_and_is_listed_by_it(admin: DynamoAdmin, org: int, client: "DynamoDBClient") -> None:
    day = dt.date(2026, 1, 19)
    early, late = (
        admin.create_event(org, "Run", event_date=dt.datetime(2026, 1, 19, hour), retention_days=2)  # noqa: DTZ001
        for hour in (6, 9)
    )
    whole = admin.create_event(org, "Day", event_date=day)
    assert listed(client, org) == [late, early, whole], "a day alone starts at midnight"
    event = admin.event(early)
    assert event is not None
    assert (event.date, event.retain_until) == ("2026-01-19T06:00:00", "2026-01-21")
    assert event_details(event).event_date == "2026-01-19T06:00:00"
    assert event_details(admin.update_event(early, date=day)).event_date == "2026-01-19T00:00:00"
    assert listed(client, org) == [late, whole, early]


def test_an_id_that_is_taken_is_passed_over(admin: DynamoAdmin, org: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = admin.create_event(org, "Marathon")
    before = admin.event(taken)
    ids = iter([taken, taken, 123_456_789])
    monkeypatch.setattr(events_module, "random_id", lambda: next(ids))
    stranger = admin.create_org("Somebody else")
    assert admin.create_event(stranger, "Theirs") == 123_456_789
    assert admin.event(taken) == before
    assert (admin.org(org).events, admin.org(stranger).events) == (1, 1)


def test_an_organisation_has_so_many_events_at_most(
    admin: DynamoAdmin, org: int, monkeypatch: pytest.MonkeyPatch, content: Callable[[], list[Any]]
) -> None:
    monkeypatch.setattr(events_module, "EVENTS_PER_ORG", 2)
    for _ in range(2):
        admin.create_event(org, "Marathon")
    full = content()
    with pytest.raises(InvalidRequest):
        admin.create_event(org, "Marathon")
    assert content() == full


def test_an_event_of_the_upstream_belongs_to_one_event_until_that_lets_it_go(
    admin: DynamoAdmin, org: int, content: Callable[[], list[Any]]
) -> None:
    """Given two events with one number there, then one request_id would be one search for both: it is refused."""
    first, second = (admin.create_event(org, name) for name in ("Marathon", "Half"))
    there, elsewhere = UpstreamEvent(12, 34), UpstreamEvent(12, 35)
    assert admin.update_event(first, upstream=there).upstream == there
    assert admin.update_event(first, upstream=there, name="Ultra") == admin.event(first)
    with pytest.raises(InvalidRequest):
        admin.update_event(second, upstream=there)
    admin.update_event(first, upstream=elsewhere)
    admin.update_event(second, upstream=there)
    assert admin.update_event(second, upstream=None).upstream is None
    admin.update_event(first, upstream=there)
    for event_id in (first, second):
        admin.remove_event(admin.close_event(event_id))
    assert not any("UPSTREAM#" in item for item in content())


@pytest.mark.parametrize("text", ["", "12", "12/", "/34", "a/b", "1/2/3", "-1/2", "²/2", "12/34 ", f"1/{'9' * 19}"])
def test_what_is_no_number_of_an_upstream_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ORG/EVENT"):
        UpstreamEvent.of(text)
    assert UpstreamEvent.of("12/34") == UpstreamEvent(12, 34)


CHANGES = {
    "name": "Ultra",
    "date": dt.date(2027, 1, 1),
    "event_enabled": False,
    "selfie_search": False,
    "confidence": 50,
    "bib_search": True,
    "bibs": BibRules(pattern="[0-9]{3,4}", from_faces=True),
    "timeline_search": True,
    "time_zone": "Asia/Kolkata",
}
SETTINGS: list[Any] = [{name: value} for name, value in CHANGES.items()]
COVER: Any = {"cover": uuid.UUID(int=9)}  # may be absent, and so has a condition of its own
WITH_COVER = [pair for each in SETTINGS for pair in ((each, COVER), (COVER, each))]
PAIRS = [*pairwise(SETTINGS), *WITH_COVER, (COVER, {"cover": uuid.UUID(int=10)})]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda change: next(iter(change)))
def test_of_two_changes_at_once_neither_is_lost(
    admin: DynamoAdmin, org: int, client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch, first: Any, second: Any
) -> None:
    event = admin.create_event(org, "Marathon", event_date=dt.date(2026, 5, 1))
    slower = DynamoAdmin(Table(client, TABLE))
    look, overtakes = slower.event, iter([True])

    def overtaken(event_id: int) -> Any:
        before = look(event_id)
        if next(overtakes, False):
            admin.update_event(event_id, **first)
        return before

    monkeypatch.setattr(slower, "event", overtaken)
    slower.update_event(event, **second)
    after = admin.event(event)
    assert after is not None
    for name, value in (first | second).items():
        assert getattr(after, name) == (value.isoformat() if name == "date" else value)
    (row,) = admin.events(org)
    assert (row.name, row.date, row.event_enabled, row.cover) == (
        after.name, after.date, after.event_enabled, after.cover,
    )  # fmt: skip


@pytest.mark.parametrize(
    "features",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": ""},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "Europe"},
        {"time_zone": "europe/berlin"},  # which a file system that folds case would find
        {"time_zone": "right/Europe/Berlin"},  # of some machines, with leap seconds
        {"time_zone": "Europe/\0Berlin"},
        {"bibs": BibRules(pattern="[0-9")},
        {"bibs": BibRules(pattern="9" * 101)},
        {"bibs": BibRules(pattern="a{99999999999999999999}")},
    ],
)
def test_features_that_make_no_sense_are_refused(admin: DynamoAdmin, org: int, features: Any) -> None:
    event = admin.create_event(org, "Marathon")
    with pytest.raises(InvalidRequest):
        admin.create_event(org, "Marathon", features=features)
    before = admin.event(event)
    with pytest.raises(InvalidRequest):
        admin.update_event(event, **features)
    assert admin.event(event) == before
    assert len(admin.events(org)) == 1


def test_nothing_to_change_is_refused_and_so_is_what_makes_no_sense(admin: DynamoAdmin, org: int) -> None:
    event = admin.create_event(org, "Marathon")
    before = admin.event(event)
    wrong: list[Any] = [{}, {"confidence": 0}, {"confidence": 101}, {"name": " "}, {"name": "a\nb"}]
    for changes in wrong:
        with pytest.raises(InvalidRequest):
            admin.update_event(event, **changes)
    assert admin.event(event) == before
    for name, confidence in (("", 90), ("a\nb", 90), ("x" * 201, 90), ("x", 0), ("x", 101), ("x", -5)):
        with pytest.raises(InvalidRequest):
            admin.create_event(admin.create_org(name), name, confidence)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("  Läufe & Feste!  ", "laufe-feste"),
        ("Über-Ziel___10 km", "uber-ziel-10-km"),
        ("ﬁnish №5", "finish-no5"),
        ("写真", "event"),
        ("a" * 79 + " b", "a" * 79),
    ],
)
def test_a_slug_is_what_of_the_name_may_stand_in_a_url(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text())
def test_every_name_has_a_slug(name: str) -> None:
    slug = slug_of(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= SLUG_LENGTH
    assert slug_of(slug) == slug
