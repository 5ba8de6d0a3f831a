"""The operator's use cases: organisations, API keys, events, webhook secrets."""

from facesearch.admin.ending import EndedEvent, EndingAdmin
from facesearch.admin.events import DEFAULT_CONFIDENCE, EVENTS_PER_ORG, EventAdmin, EventChanges
from facesearch.admin.keys import KEYS_PER_ORG, CreatedKey, KeyAdmin, KeyRow
from facesearch.admin.models import ModelAdmin
from facesearch.admin.orgs import OrgAdmin, Organisation
from facesearch.admin.webhooks import SECRETS_PER_ORG, CreatedSecret, WebhookAdmin

__all__ = [
    "DEFAULT_CONFIDENCE",
    "EVENTS_PER_ORG",
    "KEYS_PER_ORG",
    "SECRETS_PER_ORG",
    "Admin",
    "CreatedKey",
    "CreatedSecret",
    "EndedEvent",
    "EndingAdmin",
    "EventAdmin",
    "EventChanges",
    "KeyAdmin",
    "KeyRow",
    "ModelAdmin",
    "OrgAdmin",
    "Organisation",
    "WebhookAdmin",
]


class Admin(OrgAdmin, KeyAdmin, EventAdmin, EndingAdmin, ModelAdmin, WebhookAdmin):
    """Creates and changes what the API only reads."""
