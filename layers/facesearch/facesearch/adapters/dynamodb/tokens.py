"""Publishable tokens in the table: the item that an API key is looked up by, with one attribute more."""

from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.reading import token_item
from facesearch.adapters.dynamodb.table import Item, Table, put
from facesearch.models import ApiKey
from facesearch.tokens import TokenStore

KEPT_SECONDS = 86_400
"""So long after its end a visitor token is still told that it has expired, and not that nobody knows it."""


@dataclass(frozen=True)
class DynamoTokenStore(TokenStore):
    table: Table

    @override
    def put(self, digest: str, key: ApiKey) -> None:
        """One write unit."""
        self.table.write(put(item_of_token(digest, key)))


def item_of_token(digest: str, key: ApiKey) -> Item:
    """The whole item of a token. A link's stays until the link's operator deletes it."""
    if key.token is None:
        raise ValueError("an API key is no token")
    ends = None if key.token.link_id or key.expires_at is None else key.expires_at + KEPT_SECONDS
    return schema.api_key_key(digest) | {
        "key_id": key.key_id,
        "org_id": key.org_id,
        "active": key.active,
        "scopes": set(key.scopes),
        "valid_until": key.expires_at,
        "expires_at": ends,
        "token": token_item(key.token),
    }
