"""Secrets that an organisation's webhooks are signed by. All of them are one item, which a webhook's request reads."""

import base64
import secrets
from typing import TYPE_CHECKING

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.table import RefusedError, TableAdmin, now
from facesearch.adapters.dynamodb.reading import secrets_from_item
from facesearch.admin.models import CreatedSecret
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import WebhookSecret

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

SECRETS_PER_ORG = len(schema.SECRET_SLOTS)
"""Two, so that a new one can be brought to every sender and receiver before the old one goes."""
SECRET_BYTES = 32
"""Standard Webhooks wants 24 to 64."""


class WebhookAdmin(TableAdmin):
    """The operator's use cases about webhooks. Every change holds for the very next request."""

    def create_webhook_secret(self, org_id: int) -> CreatedSecret:
        """A new secret with 256 random bits.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: it has `SECRETS_PER_ORG` already.
        """
        made = CreatedSecret(
            secrets.token_hex(8), f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"
        )
        value: schema.Value = {
            "M": {
                "secret_id": schema.s(made.secret_id),
                "secret": schema.s(made.secret),
                "created_at": schema.s(now()),
            }
        }
        while True:
            item = self._read(schema.secrets_key(org_id)) or {}
            free = next((slot for slot in schema.SECRET_SLOTS if slot not in item), None)
            if free is None:
                raise InvalidRequest(
                    f"Organisation {org_id} has {SECRETS_PER_ORG} webhook secrets already, the most it may have. "
                    "Delete the older one first."
                )
            try:
                self._together([self._exists(org_id), self._fill(org_id, free, value)])
            except RefusedError as refused:
                if refused.position == 0:
                    raise NotFound(f"There is no organisation {org_id}.") from None
                continue  # somebody else filled the slot a moment ago
            return made

    def webhook_secrets(self, org_id: int) -> list[WebhookSecret]:
        """The organisation's secrets, oldest first.

        Raises:
            NotFound: no such organisation.
        """
        if self._read(schema.org_key(org_id)) is None:
            raise NotFound(f"There is no organisation {org_id}.")
        return list(secrets_from_item(self._read(schema.secrets_key(org_id))))

    def delete_webhook_secret(self, org_id: int, secret_id: str) -> None:
        """Forget a secret: what is signed by it alone is refused, and nothing is signed by it any more.

        Raises:
            NotFound: the organisation has no such secret.
        """
        for slot in schema.SECRET_SLOTS:
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=schema.secrets_key(org_id),
                    UpdateExpression=f"REMOVE {slot}",
                    ConditionExpression=f"{slot}.secret_id = :secret_id",
                    ExpressionAttributeValues={":secret_id": schema.s(secret_id)},
                )
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                continue
            return
        raise NotFound(f"Organisation {org_id} has no webhook secret {secret_id}.")

    def _exists(self, org_id: int) -> "TransactWriteItemTypeDef":
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": schema.org_key(org_id),
                "ConditionExpression": "attribute_exists(pk)",
            }
        }

    def _fill(self, org_id: int, slot: str, value: "schema.Value") -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": schema.secrets_key(org_id),
                "UpdateExpression": f"SET {slot} = :value",
                "ConditionExpression": f"attribute_not_exists({slot})",
                "ExpressionAttributeValues": {":value": value},
            }
        }
