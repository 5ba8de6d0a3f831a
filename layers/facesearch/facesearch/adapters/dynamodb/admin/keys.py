"""API keys and webhook secrets. A key is two items that change together: one to be looked up by the key's digest on
every request, one for the organisation's list. All secrets are one item, which a webhook's request reads."""

import base64
import secrets
import time
from collections.abc import Collection

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.orgs import OrgAdmin, now
from facesearch.adapters.dynamodb.reading import secrets_from_item
from facesearch.adapters.dynamodb.table import Item, RefusedError, Write, check, delete, put, record, update
from facesearch.admin.models import CreatedKey, CreatedSecret, KeyRow
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import KEY_SCOPES, Scope, WebhookSecret, digest_of

KEYS_PER_ORG = 10
SHOWN_CHARACTERS = 5
SECONDS_PER_DAY = 86_400
MAX_DAYS = 3650
SECRETS_PER_ORG = len(schema.SECRET_SLOTS)
"""Two, so that a new one can be brought to every sender and receiver before the old one goes."""
SECRET_BYTES = 32
"""Standard Webhooks wants 24 to 64."""


class KeyAdmin(OrgAdmin):
    """The operator's use cases about keys and webhook secrets. Every change holds for the very next request."""

    def create_key(self, org_id: int, scopes: Collection[Scope] = KEY_SCOPES, days: int | None = None) -> CreatedKey:
        """A new API key with 256 random bits, good for `scopes`, and for so many days if given.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: it has `KEYS_PER_ORG` keys already, or there is no scope, or the days are not 1 to 3,650.
        """
        if not scopes:
            raise InvalidRequest("A key needs at least one scope.")
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise InvalidRequest(f"A key expires after 1 to {MAX_DAYS} days, or never.")
        api_key, key_id = secrets.token_urlsafe(32), secrets.token_hex(8)
        digest = digest_of(api_key)
        shared = {
            "key_id": key_id,
            "org_id": org_id,
            "active": True,
            "scopes": set(scopes),
            "created_at": now(),
            # Not the table's TTL attribute: an expired key stays in the list until it is deleted.
            "valid_until": int(time.time()) + days * SECONDS_PER_DAY if days is not None else None,
        }
        listed = {"prefix": api_key[:SHOWN_CHARACTERS], "digest": digest}
        try:
            self.table.transact(
                [
                    self._count(org_id, "keys", 1, KEYS_PER_ORG),
                    put(schema.api_key_key(digest) | shared),
                    put(schema.org_api_key_key(org_id, key_id) | shared | listed),
                ]
            )
        except RefusedError:
            self._org(org_id)
            raise InvalidRequest(
                f"Organisation {org_id} has {KEYS_PER_ORG} keys already, the most it may have. Delete one first."
            ) from None
        return CreatedKey(key_id, api_key)

    def keys(self, org_id: int) -> list[KeyRow]:
        """The organisation's keys, oldest first."""
        self._org(org_id)
        items = self.table.query(schema.org_api_key_key(org_id))
        return sorted(map(_row, items), key=lambda row: (row.created_at, row.key_id))

    def switch_key(self, org_id: int, key_id: str, *, active: bool) -> None:
        """Deactivate a key, or activate it again."""
        keys = self._by_secret(org_id, key_id), schema.org_api_key_key(org_id, key_id)
        change = [update(key, "SET #active = :active", "attribute_exists(pk)", active=active) for key in keys]
        self._change(org_id, key_id, change)

    def delete_key(self, org_id: int, key_id: str) -> None:
        writes = [
            delete(schema.org_api_key_key(org_id, key_id), "attribute_exists(pk)"),
            delete(self._by_secret(org_id, key_id)),
            self._count(org_id, "keys", -1),
        ]
        self._change(org_id, key_id, writes)

    def create_webhook_secret(self, org_id: int) -> CreatedSecret:
        """A new secret with 256 random bits.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: it has `SECRETS_PER_ORG` already.
        """
        made = CreatedSecret(
            secrets.token_hex(8), f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"
        )
        value = {"secret_id": made.secret_id, "secret": made.secret, "created_at": now()}
        while True:
            item = self.table.get(schema.secrets_key(org_id)) or {}
            slot = next((slot for slot in schema.SECRET_SLOTS if slot not in item), None)
            if slot is None:
                raise InvalidRequest(
                    f"Organisation {org_id} has {SECRETS_PER_ORG} webhook secrets already, the most it may have. "
                    "Delete the older one first."
                )
            free = f"attribute_not_exists({slot})"
            fill = update(schema.secrets_key(org_id), f"SET {slot} = :value", free, value=value)
            try:
                self.table.transact([check(schema.org_key(org_id), "attribute_exists(pk)"), fill])
            except RefusedError as refused:
                if refused.position == 0:
                    raise NotFound(f"There is no organisation {org_id}.") from None
                continue  # somebody else filled the slot a moment ago
            return made

    def webhook_secrets(self, org_id: int) -> list[WebhookSecret]:
        """The organisation's secrets, oldest first."""
        self._org(org_id)
        return list(secrets_from_item(self.table.get(schema.secrets_key(org_id))))

    def delete_webhook_secret(self, org_id: int, secret_id: str) -> None:
        """Delete a secret: what is signed by it alone is refused, and nothing is signed by it any more."""
        for slot in schema.SECRET_SLOTS:
            condition, key = f"{slot}.secret_id = :secret_id", schema.secrets_key(org_id)
            if self.table.write(update(key, f"REMOVE {slot}", condition, secret_id=secret_id)):
                return
        raise NotFound(f"Organisation {org_id} has no webhook secret {secret_id}.")

    def _by_secret(self, org_id: int, key_id: str) -> Item:
        item = self.table.get(schema.org_api_key_key(org_id, key_id))
        if item is None:
            raise _no_such_key(org_id, key_id)
        return schema.api_key_key(item["digest"])

    def _change(self, org_id: int, key_id: str, writes: list[Write]) -> None:
        try:
            self.table.transact(writes)
        except RefusedError:  # deleted by somebody else a moment ago
            raise _no_such_key(org_id, key_id) from None


def _no_such_key(org_id: int, key_id: str) -> NotFound:
    return NotFound(f"Organisation {org_id} has no key {key_id}.")


def _row(item: Item) -> KeyRow:
    named = {"api_key": f"{item['prefix']}***", "expires_at": item.get("valid_until")}
    return record(KeyRow, item | named, scopes=lambda names: frozenset(map(Scope, names)))
