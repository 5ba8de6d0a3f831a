"""Secrets that an organisation's webhooks are signed by. All of them are one item, which a webhook's request reads."""

import base64
import secrets

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.orgs import OrgAdmin, now
from facesearch.adapters.dynamodb.reading import secrets_from_item
from facesearch.adapters.dynamodb.table import RefusedError, check, update
from facesearch.admin.models import CreatedSecret
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import WebhookSecret

SECRETS_PER_ORG = len(schema.SECRET_SLOTS)
"""Two, so that a new one can be brought to every sender and receiver before the old one goes."""
SECRET_BYTES = 32
"""Standard Webhooks wants 24 to 64."""


class WebhookAdmin(OrgAdmin):
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
        """The organisation's secrets, oldest first.

        Raises:
            NotFound: no such organisation.
        """
        self._org(org_id)
        return list(secrets_from_item(self.table.get(schema.secrets_key(org_id))))

    def delete_webhook_secret(self, org_id: int, secret_id: str) -> None:
        """Delete a secret: what is signed by it alone is refused, and nothing is signed by it any more.

        Raises:
            NotFound: the organisation has no such secret.
        """
        for slot in schema.SECRET_SLOTS:
            condition, key = f"{slot}.secret_id = :secret_id", schema.secrets_key(org_id)
            if self.table.write(update(key, f"REMOVE {slot}", condition, secret_id=secret_id)):
                return
        raise NotFound(f"Organisation {org_id} has no webhook secret {secret_id}.")
