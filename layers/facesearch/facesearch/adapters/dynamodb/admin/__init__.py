"""The operator's use cases: organisations, API keys, events, webhook secrets."""

from facesearch.adapters.dynamodb.admin.ending import EndingAdmin
from facesearch.adapters.dynamodb.admin.events import EVENTS_PER_ORG, EventAdmin
from facesearch.adapters.dynamodb.admin.keys import KEYS_PER_ORG, KeyAdmin
from facesearch.adapters.dynamodb.admin.webhooks import SECRETS_PER_ORG, WebhookAdmin

__all__ = ["EVENTS_PER_ORG", "KEYS_PER_ORG", "SECRETS_PER_ORG", "DynamoAdmin"]


class DynamoAdmin(KeyAdmin, EventAdmin, EndingAdmin, WebhookAdmin):
    """Creates and changes what the API only reads."""
