"""Secrets of webhooks: made, listed, deleted; and what is signed by them."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
import standardwebhooks
import svix

from facesearch.adapters.dynamodb.admin import SECRETS_PER_ORG, DynamoAdmin
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import WebhookSecret
from facesearch.reading import Wanted
from facesearch.webhooks.signing import ForgedError, sign, verify
from tests.support.aws import TABLE
from tests.support.fakes import OneAtATime
from tests.support.signatures import signed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BODY = json.dumps({"selfie_url": "https://photos.example.com/née.jpg"}, ensure_ascii=False).encode()


def secret(number: int) -> WebhookSecret:
    return WebhookSecret(str(number), f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}", "2026-05-01")


OLD, NEW = secret(1), secret(2)


# ------------------------------------------------------------------ secrets


@pytest.fixture
def admin(dynamodb: "DynamoDBClient") -> DynamoAdmin:
    return DynamoAdmin(Table(cast("DynamoDBClient", OneAtATime(dynamodb)), TABLE))


@pytest.fixture
def org(admin: DynamoAdmin) -> int:
    return admin.create_org("Marathon Photos")


def test_secrets_made_at_once_are_never_more_than_two_and_deleted_ones_make_room(admin: DynamoAdmin, org: int) -> None:
    def make(_: int) -> bool:
        try:
            admin.create_webhook_secret(org)
        except InvalidRequest:
            return False
        return True

    with ThreadPoolExecutor(6) as operators:
        assert sum(operators.map(make, range(6))) == SECRETS_PER_ORG
    made = admin.webhook_secrets(org)
    assert len(made) == SECRETS_PER_ORG
    admin.delete_webhook_secret(org, made[0].secret_id)
    new = admin.create_webhook_secret(org)
    assert len(base64.b64decode(new.secret.removeprefix("whsec_"), validate=True)) == 32
    assert new.secret not in repr(admin.webhook_secrets(org)), "a list shows no secret"


def test_a_secret_is_its_own_organisations_alone(admin: DynamoAdmin, org: int, dynamodb: "DynamoDBClient") -> None:
    made, stranger = admin.create_webhook_secret(org), admin.create_org("Somebody else")
    assert admin.webhook_secrets(stranger) == []
    assert DynamoReader(Table(dynamodb, TABLE)).read(Wanted(secrets_of=stranger)).secrets == ()
    for whose, which in ((stranger, made.secret_id), (org, "unknown"), (1, made.secret_id)):
        with pytest.raises(NotFound):
            admin.delete_webhook_secret(whose, which)
    assert len(admin.webhook_secrets(org)) == 1
    calls: list[Callable[[int], object]] = [admin.webhook_secrets, admin.create_webhook_secret]
    for call in calls:
        with pytest.raises(NotFound):
            call(1)


# ------------------------------------------------------------------ signatures


def test_what_others_sign_is_verified_by_either_secret() -> None:
    now = datetime.now(UTC)
    for key in (OLD, NEW):
        assert verify(signed(key.secret, BODY), BODY, [OLD, NEW]) == "msg_1"
        for library in (standardwebhooks.Webhook, svix.Webhook):
            signature = library(key.secret).sign("msg_2", now, BODY.decode())
            headers = {
                "webhook-id": "msg_2",
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": f"v1a,somethingelse v1,{'A' * 43}= {signature}",
            }
            assert verify(headers, BODY, [OLD, NEW]) == "msg_2"


def test_what_is_signed_here_is_verified_by_others_with_either_secret() -> None:
    headers = sign("msg_3", datetime.now(UTC), BODY, [OLD, NEW])
    for key in (OLD, NEW):
        standardwebhooks.Webhook(key.secret).verify(BODY, headers)
        svix.Webhook(key.secret).verify(BODY, headers)
        assert signed(key.secret, BODY, "msg_3")["webhook-signature"] in headers["webhook-signature"].split(" ")


@pytest.mark.parametrize(
    ("minutes", "is_good"), [(-4.9, True), (4.9, True), (-5.1, False), (5.1, False), (-600, False), (10**6, False)]
)
def test_a_signature_of_another_time_than_within_five_minutes_is_refused(minutes: float, is_good: bool) -> None:
    headers = signed(NEW.secret, BODY, at=datetime.now(UTC) + timedelta(minutes=minutes))
    with nullcontext() if is_good else pytest.raises(ForgedError):
        verify(headers, BODY, [NEW])


A_MINUTE_LATER = "a minute later"
FORGED = [
    {},
    *[{"webhook-id": each} for each in ("msg_2", "")],
    *[{"webhook-timestamp": each} for each in ("", "now", "nan", "1e400", "-1", A_MINUTE_LATER)],
    *[{"webhook-signature": each} for each in ("", "v1,", "v1", "v1,a,b", "v1,é", " , ,, ", "v1," + "A" * 43 + "=")],
]


@pytest.mark.parametrize("changes", FORGED, ids=str)
def test_what_is_not_signed_as_it_is_is_refused(changes: dict[str, str]) -> None:
    headers = signed(NEW.secret, BODY) | changes
    if headers["webhook-timestamp"] == A_MINUTE_LATER:
        headers["webhook-timestamp"] = str(int(datetime.now(UTC).timestamp()) + 60)
    bodies = [BODY] if changes else [BODY + b" ", BODY[:-1], b"", b"\xff"]
    for body in bodies:
        with pytest.raises(ForgedError):
            verify(headers, body, [OLD, NEW])


def test_without_secrets_nothing_is_signed_well_enough() -> None:
    forged: list[dict[str, str]] = [signed(OLD.secret, BODY), signed("whsec_AAAA", BODY), {}]
    for headers in forged:
        with pytest.raises(ForgedError):
            verify(headers, BODY, [])
