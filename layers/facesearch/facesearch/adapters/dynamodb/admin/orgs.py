"""Organisations and their face-search quotas."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.quota import quota_from_item
from facesearch.adapters.dynamodb.table import Item, Table, Write, put, update
from facesearch.admin.models import Organisation
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import QuotaLimits

MAX_PER_MINUTE, MAX_BURST = 600_000, 100_000
NAME_LENGTH = 200


@dataclass(frozen=True)
class OrgAdmin:
    """The operator's use cases about organisations, and what those about what they have share."""

    table: Table

    def create_org(self, name: str) -> int:
        """A new organisation under a number that says nothing about how many there are.

        Raises:
            InvalidRequest: the name is empty, too long, or not for one line.
        """
        name = checked_name(name)
        while True:
            org_id = random_id()
            item = {"org_id": org_id, "name": name, "keys": 0, "events": 0, "created_at": now()}
            if self.table.write(put(schema.org_key(org_id) | item, "attribute_not_exists(pk)")):
                return org_id

    def org(self, org_id: int) -> Organisation:
        item, quota = self._org(org_id), quota_from_item(self.table.get(schema.quota_key(str(org_id))))
        return Organisation(org_id, item["name"], item["keys"], item["events"], quota.override)

    def set_quota(self, org_id: int, limits: QuotaLimits | None) -> None:
        """Give the organisation limits of its own, or (None) the deployment's again; the next search sees it.

        The bucket is full then: what was taken from it under slower limits would refuse searches for as long as those
        need to fill it, up to 70 days under the slowest.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: limits outside 1 to `MAX_PER_MINUTE` and 1 to `MAX_BURST`.
        """
        self._org(org_id)
        key = schema.quota_key(str(org_id))
        if limits is None:
            self.table.write(update(key, "REMOVE per_minute, burst, full_at"))
            return
        if not (1 <= limits.per_minute <= MAX_PER_MINUTE and 1 <= limits.burst <= MAX_BURST):
            raise InvalidRequest(f"A quota is 1 to {MAX_PER_MINUTE} searches a minute, and 1 to {MAX_BURST} at once.")
        change = "SET per_minute = :per_minute, burst = :burst REMOVE full_at"
        self.table.write(update(key, change, per_minute=limits.per_minute, burst=limits.burst))

    def _org(self, org_id: int) -> Item:
        item = self.table.get(schema.org_key(org_id))
        if item is None:
            raise NotFound(f"There is no organisation {org_id}.")
        return item

    @staticmethod
    def _count(org_id: int, counter: str, step: int, most: int | None = None) -> Write:
        """Count something of an organisation that exists, and not beyond `most`."""
        key, count = schema.org_key(org_id), f"ADD #{counter} :step"
        if most is None:
            return update(key, count, "attribute_exists(pk)", step=step)
        room = f"(attribute_not_exists(#{counter}) OR #{counter} < :most)"
        return update(key, count, f"attribute_exists(pk) AND {room}", step=step, most=most)


def random_id() -> int:
    """Nine digits that say nothing about how many there are."""
    return 100_000_000 + secrets.randbelow(900_000_000)


def now() -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def checked_name(name: str) -> str:
    """The name without the white space around it.

    Raises:
        InvalidRequest: empty, too long, or with characters that are not for one line of text.
    """
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InvalidRequest(f"A name must be one line of 1 to {NAME_LENGTH} characters.")
    return name
