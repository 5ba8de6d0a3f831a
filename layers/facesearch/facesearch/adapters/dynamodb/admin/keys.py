"""API keys: made, listed, switched off and on, deleted. Each is two items that change together: one to be looked up by
the key's digest on every request, one for the organisation's list."""

import secrets
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.table import RefusedError, TableAdmin, now
from facesearch.admin.models import CreatedKey, KeyRow
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import Scope, digest_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

KEYS_PER_ORG = 10
SHOWN_CHARACTERS = 5
SECONDS_PER_DAY = 86_400
MAX_DAYS = 3650


class KeyAdmin(TableAdmin):
    """The operator's use cases about keys. Every change holds for the very next request."""

    def create_key(self, org_id: int, scopes: Collection[Scope] = tuple(Scope), days: int | None = None) -> CreatedKey:
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
            "key_id": schema.s(key_id),
            "org_id": schema.n(org_id),
            "active": schema.flag(value=True),
            "scopes": schema.strings(scopes),
            "created_at": schema.s(now()),
        }
        if days is not None:
            # Not the table's TTL attribute: an expired key stays in the list until it is deleted.
            shared["valid_until"] = schema.n(int(time.time()) + days * SECONDS_PER_DAY)
        listed = {"prefix": schema.s(api_key[:SHOWN_CHARACTERS]), "digest": schema.s(digest)}
        try:
            self._together(
                [
                    self._count(org_id, "keys", 1, KEYS_PER_ORG),
                    self._put(schema.api_key_key(digest) | shared),
                    self._put(schema.org_api_key_key(org_id, key_id) | shared | listed),
                ]
            )
        except RefusedError:
            if self._read(schema.org_key(org_id)) is None:
                raise NotFound(f"There is no organisation {org_id}.") from None
            raise InvalidRequest(
                f"Organisation {org_id} has {KEYS_PER_ORG} keys already, the most it may have. Delete one first."
            ) from None
        return CreatedKey(key_id, api_key)

    def keys(self, org_id: int) -> list[KeyRow]:
        """The organisation's keys, oldest first.

        Raises:
            NotFound: no such organisation.
        """
        if self._read(schema.org_key(org_id)) is None:
            raise NotFound(f"There is no organisation {org_id}.")
        rows = [_row(item) for item in self._list(schema.org_pk(org_id), schema.API_KEYS)]
        return sorted(rows, key=lambda row: (row.created_at, row.key_id))

    def switch_key(self, org_id: int, key_id: str, *, active: bool) -> None:
        """Deactivate a key, or activate it again.

        Raises:
            NotFound: the organisation has no such key.
        """
        listed = schema.org_api_key_key(org_id, key_id)
        by_secret = self._by_secret(org_id, key_id)
        self._change(org_id, key_id, [self._set(key, active=schema.flag(active)) for key in (by_secret, listed)])

    def delete_key(self, org_id: int, key_id: str) -> None:
        """Forget a key.

        Raises:
            NotFound: the organisation has no such key.
        """
        writes = [
            self._delete(schema.org_api_key_key(org_id, key_id), "attribute_exists(pk)"),
            self._delete(self._by_secret(org_id, key_id)),
            self._count(org_id, "keys", -1),
        ]
        self._change(org_id, key_id, writes)

    def _by_secret(self, org_id: int, key_id: str) -> "schema.Key":
        item = self._read(schema.org_api_key_key(org_id, key_id))
        if item is None:
            raise _no_such_key(org_id, key_id)
        return schema.api_key_key(schema.text(item, "digest"))

    def _change(self, org_id: int, key_id: str, writes: "list[TransactWriteItemTypeDef]") -> None:
        try:
            self._together(writes)
        except RefusedError:  # deleted by somebody else a moment ago
            raise _no_such_key(org_id, key_id) from None


def _no_such_key(org_id: int, key_id: str) -> NotFound:
    return NotFound(f"Organisation {org_id} has no key {key_id}.")


def _row(item: "schema.Item") -> KeyRow:
    return KeyRow(
        key_id=schema.text(item, "key_id"),
        api_key=f"{schema.text(item, 'prefix')}***",
        active=schema.boolean(item, "active"),
        scopes=frozenset(Scope(name) for name in schema.string_set(item, "scopes")),
        created_at=schema.text(item, "created_at"),
        expires_at=schema.number(item, "valid_until") or None,
    )
