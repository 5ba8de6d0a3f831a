"""The operator's use cases: organisations, API keys, events."""

from facesearch.admin.ending import EndedEvent, EndingAdmin
from facesearch.admin.events import DEFAULT_CONFIDENCE, EVENTS_PER_ORG, EventAdmin, EventChanges
from facesearch.admin.keys import KEYS_PER_ORG, CreatedKey, KeyAdmin, KeyRow
from facesearch.admin.models import ModelAdmin
from facesearch.admin.orgs import OrgAdmin, Organisation

__all__ = [
    "DEFAULT_CONFIDENCE",
    "EVENTS_PER_ORG",
    "KEYS_PER_ORG",
    "Admin",
    "CreatedKey",
    "EndedEvent",
    "EndingAdmin",
    "EventAdmin",
    "EventChanges",
    "KeyAdmin",
    "KeyRow",
    "ModelAdmin",
    "OrgAdmin",
    "Organisation",
]


class Admin(OrgAdmin, KeyAdmin, EventAdmin, EndingAdmin, ModelAdmin):
    """Creates and changes what the API only reads."""
