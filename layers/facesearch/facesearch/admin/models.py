"""What the operator sees and gives."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TypedDict

from facesearch.models import BibRules, GuestPage, QuotaLimits, Scope, UpstreamEvent, Watermark

DEFAULT_CONFIDENCE = 90


@dataclass(frozen=True)
class EndedEvent:
    """An event whose faces may be kept no longer. `retain_until`: ISO 8601, the last day on which they were."""

    event_id: int
    retain_until: str


class Features(TypedDict, total=False):
    """What can be switched on for an event, and what belongs to it."""

    bib_search: bool
    bibs: BibRules
    timeline_search: bool
    time_zone: str


class EventChanges(Features, total=False):
    """What can be changed of an event."""

    name: str
    date: dt.date
    event_enabled: bool
    selfie_search: bool
    confidence: int
    cover: uuid.UUID | None
    retain_until: dt.date | None
    upstream: UpstreamEvent | None
    guest_page: GuestPage
    tokens_since: int
    watermark: Watermark | None


@dataclass(frozen=True)
class CreatedKey:
    """A new API key; `api_key` is shown this once, only its SHA-256 is stored."""

    key_id: str
    api_key: str


@dataclass(frozen=True)
class KeyRow:
    """A key as it is listed. `api_key`: its first five characters and `***`; `expires_at` in seconds, None = never."""

    key_id: str
    api_key: str
    active: bool
    scopes: frozenset[Scope]
    created_at: str  # ISO 8601
    expires_at: int | None


@dataclass(frozen=True)
class Organisation:
    """One organisation. `quota`: its own limits, None = the deployment's."""

    org_id: int
    name: str
    keys: int
    events: int
    quota: QuotaLimits | None


@dataclass(frozen=True)
class CreatedSecret:
    """A new secret, shown this once; both ends need it as it is, so the table has it as it is, encrypted at rest."""

    secret_id: str
    secret: str
