"""The operator's use cases: organisations, API keys, events, webhook secrets."""

from facesearch.adapters.dynamodb.admin.events import EVENTS_PER_ORG, EventAdmin
from facesearch.adapters.dynamodb.admin.keys import KEYS_PER_ORG, SECRETS_PER_ORG, KeyAdmin

__all__ = ["EVENTS_PER_ORG", "KEYS_PER_ORG", "SECRETS_PER_ORG", "DynamoAdmin"]


class DynamoAdmin(KeyAdmin, EventAdmin):
    """Creates and changes what the API only reads. What is not there, organisation, key or secret, is `NotFound`."""
