"""The operator's use cases: organisations, API keys, events."""

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from facesearch.access import digest_of
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import Event
from facesearch.photos import SHARDS
from facesearch.store import schema
from facesearch.store.reading import event_from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_PER_ORG = 10
NAME_LENGTH = 200
DEFAULT_CONFIDENCE = 90


@dataclass(frozen=True)
class CreatedKey:
    """A new API key; `api_key` is shown this once, only its SHA-256 is stored."""

    key_id: str
    api_key: str


class Admin:
    """Creates and changes what the API only reads."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def create_org(self, name: str) -> int:
        """A new organisation under a number that says nothing about how many there are."""
        _check_name(name)
        while True:
            org_id = _random_id()
            item = schema.key(schema.org_pk(org_id), "ORG") | {
                "org_id": schema.n(org_id),
                "name": schema.s(name.strip()),
                "created_at": schema.s(_now()),
            }
            if self._put_new(item):
                return org_id

    def create_key(self, org_id: int) -> CreatedKey:
        """A new API key with 256 random bits.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: it has `KEYS_PER_ORG` keys already.
        """
        self._require_org(org_id)
        if self._count_keys(org_id) >= KEYS_PER_ORG:
            raise InvalidRequest(f"Organisation {org_id} has {KEYS_PER_ORG} keys already, which is the most.")
        api_key, key_id = secrets.token_urlsafe(32), secrets.token_hex(8)
        shared = {
            "key_id": schema.s(key_id),
            "org_id": schema.n(org_id),
            "active": schema.flag(value=True),
            "created_at": schema.s(_now()),
        }
        by_secret = schema.api_key_key(digest_of(api_key)) | shared
        by_org = schema.key(schema.org_pk(org_id), f"KEY#{key_id}") | shared
        by_org |= {"prefix": schema.s(api_key[:5]), "digest": schema.s(digest_of(api_key))}
        self._dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": self._table, "Item": item}} for item in (by_secret, by_org)]
        )
        return CreatedKey(key_id, api_key)

    def create_event(
        self, org_id: int, name: str, confidence: int = DEFAULT_CONFIDENCE, event_date: date | None = None
    ) -> int:
        """A new event, open for selfie search.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: the name is empty or too long, or the confidence is no whole percent from 1 to 100.
        """
        _check_name(name)
        _check_confidence(confidence)
        self._require_org(org_id)
        day = (event_date or datetime.now(UTC).date()).isoformat()
        while True:
            event_id = _random_id()
            item = schema.event_key(event_id) | {
                "event_id": schema.n(event_id),
                "org_id": schema.n(org_id),
                "name": schema.s(name.strip()),
                "event_date": schema.s(day),
                "event_enabled": schema.flag(value=True),
                "selfie_search": schema.flag(value=True),
                "confidence": schema.n(confidence),
                "shards": schema.n(SHARDS),
                "created_at": schema.s(_now()),
            }
            if self._put_new(item):
                break
        listed = schema.key(schema.org_pk(org_id), f"EVENT#{day}#{event_id}") | {"event_id": schema.n(event_id)}
        self._dynamodb.put_item(TableName=self._table, Item=listed)
        return event_id

    def update_event(
        self,
        event_id: int,
        *,
        selfie_search: bool | None = None,
        event_enabled: bool | None = None,
        confidence: int | None = None,
    ) -> Event:
        """Change what is given, leave the rest; the next request sees it.

        Raises:
            NotFound: no such event.
            InvalidRequest: nothing to change, or the confidence is no whole percent from 1 to 100.
        """
        changes = {}
        if confidence is not None:
            _check_confidence(confidence)
            changes["confidence"] = schema.n(confidence)
        if selfie_search is not None:
            changes["selfie_search"] = schema.flag(selfie_search)
        if event_enabled is not None:
            changes["event_enabled"] = schema.flag(event_enabled)
        if not changes:
            raise InvalidRequest("Nothing to change was given.")
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=schema.event_key(event_id),
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in changes),
                ExpressionAttributeValues={f":{name}": value for name, value in changes.items()},
                ConditionExpression="attribute_exists(pk)",
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise NotFound(f"There is no event {event_id}.") from None
        return event_from_item(answer["Attributes"])

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=schema.event_key(event_id), ConsistentRead=True)
        return event_from_item(answer["Item"]) if "Item" in answer else None

    def _require_org(self, org_id: int) -> None:
        org = schema.key(schema.org_pk(org_id), "ORG")
        if "Item" not in self._dynamodb.get_item(TableName=self._table, Key=org, ConsistentRead=True):
            raise NotFound(f"There is no organisation {org_id}.")

    def _count_keys(self, org_id: int) -> int:
        answer = self._dynamodb.query(
            TableName=self._table,
            ConsistentRead=True,
            Select="COUNT",
            KeyConditionExpression="pk = :pk AND begins_with(sk, :key)",
            ExpressionAttributeValues={":pk": schema.s(schema.org_pk(org_id)), ":key": schema.s("KEY#")},
        )
        return answer["Count"]

    def _put_new(self, item: "schema.Key") -> bool:
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _random_id() -> int:
    return 100_000_000 + secrets.randbelow(900_000_000)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check_name(name: str) -> None:
    printable = name.strip() and not any(c in string.whitespace.replace(" ", "") or ord(c) < 32 for c in name.strip())
    if not printable or len(name) > NAME_LENGTH:
        raise InvalidRequest(f"A name has 1 to {NAME_LENGTH} characters on one line.")


def _check_confidence(confidence: int) -> None:
    if not 1 <= confidence <= 100:
        raise InvalidRequest("A confidence is a whole percent from 1 to 100.")
