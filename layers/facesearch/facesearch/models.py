"""The nouns of the domain."""

import hashlib
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any, ClassVar

from facesearch.errors import EventOff, SearchOff, SearchOver

DEFAULT_MODEL, FIRST_MODEL = "sface-2021dec-upright", "sface-2021dec-mirrored"
"""Makes the faces of a new event: SFace 2021dec, the mean of a face's and its mirror image's features, aligned by a
second look at the face turned upright. The first default was the same without the second look."""


class Scope(StrEnum):
    """What an API key may be used for."""

    SEARCH = "search"
    """Starting face searches, and uploading the selfies for them."""
    READ = "read"
    """Everything that only reads."""
    MINT = "mint"
    """Making visitor tokens for the pages of a site."""


KEY_SCOPES = (Scope.SEARCH, Scope.READ)
"""What a new API key may do unless its scopes are named."""


@dataclass(frozen=True)
class TokenRights:
    """What a publishable token may do: less than a key, in one event, and in everybody's sight.

    Attributes:
        link_id: the link that carries it; empty = a visitor token, which a site's server has made.
        origins: origins of pages that may use it, `scheme://host[:port]` each.
        originals: whether it may have links to the originals of a found selfie.
        watch: whether it may have later photos looked through.
        quota: face matches that it may ask for, within the organisation's quota.
        created_at: microseconds since the epoch.
    """

    event_id: int
    quota: "QuotaLimits"
    created_at: int
    link_id: str = ""
    origins: tuple[str, ...] = ()
    originals: bool = True
    watch: bool = False


@dataclass(frozen=True)
class ApiKey:
    """What a presented key is good for.

    Attributes:
        expires_at: seconds since the epoch; None = never.
        token: what narrows a publishable token; None = it is an API key.
    """

    key_id: str
    org_id: int
    active: bool
    scopes: frozenset[Scope] = frozenset(KEY_SCOPES)
    expires_at: int | None = None
    token: TokenRights | None = None


@dataclass(frozen=True)
class WebhookSecret:
    """What an organisation's webhooks, and ours to it, are signed by: `whsec_` and base64 of random bytes."""

    secret_id: str
    secret: str = field(repr=False)
    created_at: str  # ISO 8601


FACE_SHARDS = 16
"""Partitions of an event's vector items. One SearchVectors call returns 100 faces of one of them: a person with 1,000
photos is found by the calls alone. More of them cost more calls a search."""


class FaceSetKind(StrEnum):
    """Where a face set is kept, and so what compares its faces."""

    EXACT = "exact"
    """In the photos' records; a search scans all of them in one environment's memory."""
    VECTORS = "vectors"
    """In DynamoDB's vector index, for events beyond that memory. The faces in the records stay the truth."""
    REKOGNITION = "rekognition"
    """In a collection of Amazon Rekognition, which finds the faces itself."""


@dataclass(frozen=True)
class FaceSet:
    """An event's faces by one model, kept in one place."""

    model: str = DEFAULT_MODEL
    kind: FaceSetKind = FaceSetKind.EXACT

    def __str__(self) -> str:
        return f"{self.kind}:{self.model}"

    @classmethod
    def of(cls, text: str) -> "FaceSet":
        """The face set that `str` has named so."""
        kind, _, model = text.partition(":")
        return cls(model, FaceSetKind(kind))

    @property
    def is_ours(self) -> bool:
        """Whether an engine of ours makes its faces, which lie in the photos' records then."""
        return self.kind is not FaceSetKind.REKOGNITION


REKOGNITION = FaceSet("rekognition", FaceSetKind.REKOGNITION)
"""Every event's collection: the photos' records name this model, and none of our faces."""


@dataclass(frozen=True)
class UpstreamEvent:
    """An event as the upstream numbers it: an API of this contract that searches in place of an engine of ours."""

    org_id: int
    event_id: int

    def __str__(self) -> str:
        return f"{self.org_id}/{self.event_id}"

    @classmethod
    def of(cls, text: str) -> "UpstreamEvent":
        """What `str` has made a text of; a ValueError if it is no ORG/EVENT."""
        numbers = re.fullmatch("([0-9]{1,18})/([0-9]{1,18})", text)
        if numbers is None:
            raise ValueError("not ORG/EVENT")
        return cls(int(numbers[1]), int(numbers[2]))


@dataclass(frozen=True)
class GuestPage:
    """What an operator chooses for the page that guests see of an event. Empty = nothing was chosen.

    Attributes:
        organiser: who asks the guest for a selfie.
        privacy_url: where the organiser's privacy notice is.
        asks_consent: whether a search by a publishable token needs the guest's consent.
        consent_text: in place of the page's own sentence.
        locale: of guests whose browsers speak none of the page's languages.
        accent: colour, `#rrggbb`.
        photos_complete: no more photos are expected.
    """

    organiser: str = ""
    privacy_url: str = ""
    asks_consent: bool = True
    consent_text: str = ""
    locale: str = ""
    accent: str = ""
    photos_complete: bool = False

    STANDARD_CONSENT: ClassVar[str] = "standard-1"
    """Names the page's own sentence; another one needs another name."""

    @property
    def consent_version(self) -> str:
        """Names the text that a guest agrees to; empty = none is asked for."""
        if not self.asks_consent:
            return ""
        return digest_of(self.consent_text)[:16] if self.consent_text else self.STANDARD_CONSENT


@dataclass(frozen=True)
class BibRules:
    """Which of the numbers that are read in an event's photos count as bibs, and whether they help selfies.

    Attributes:
        pattern: a regular expression that a whole bib in upper case fits; empty = see `bibs.rules`.
        listed: so many bibs the event's start list has, which count alone then; 0 = it has none.
        from_faces: whether the bib of a selfie's surest faces may bring in photos.
    """

    pattern: str = ""
    listed: int = 0
    from_faces: bool = False


class WatermarkPlace(StrEnum):
    """Where a watermark stands in a preview."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"
    TILED = "tiled"
    """All over it."""


@dataclass(frozen=True)
class Watermark:
    """What is drawn into the renditions of an event's photos.

    Attributes:
        text: what it says; empty if it is a picture.
        picture: SHA-256 in hex of a PNG; empty if it is a text.
        size: its width, in percent of the rendition's.
        opacity: in percent.
    """

    text: str = ""
    picture: str = ""
    place: WatermarkPlace = WatermarkPlace.BOTTOM_RIGHT
    size: int = 25
    opacity: int = 60

    DRAWING: ClassVar[int] = 1
    """Counts the ways in which it has been drawn: another one needs another number, and all renditions anew."""

    @property
    def version(self) -> str:
        """Names all that the drawing depends on."""
        return digest_of(repr((self.DRAWING, self.text, self.picture, self.place.value, self.size, self.opacity)))[:12]


UTC_NAME = "UTC"
MAX_TIME = 253_402_300_800
"""10000-01-01 in Unix seconds: the first that has no date. Milliseconds of our days are more."""


@dataclass(frozen=True)
class Event:
    """One event's configuration.

    Attributes:
        confidence: the threshold of its searches in percent, 1 to 100 (see `confidence`).
        shards: number of partition keys that its photo items are spread over.
        date: ISO 8601, the day alone.
        created_at: microseconds since the epoch; orders events of one day.
        cover: image_id of the photo that stands for the event, if one was chosen.
        retain_until: ISO 8601, the last day on which faces are kept and searched; empty = for good.
        erasures: how often photos or faces of it were deleted, or it went over to another face set; a search that
            began before stores no result.
        closing: being deleted: nothing comes into it any more.
        faces: the live face set, which is searched.
        building: the face set that is being built beside it, to be searched when it lacks nothing.
        leaving: the face set that is being deleted: the one that was live, or, if it is `building`, one that was
            cancelled.
        vector_table: the table that its face sets of kind `vectors` are in; a table that took its place is empty.
        vector_models: models whose vector items it may have had before; sets of them may hold strays.
        face_shards: number of partitions of its vector items.
        upstream: what it is called there, on a deployment whose engine is an upstream; None = the same.
        bib_search: bibs are read in its photos, and found by.
        bibs: which of them.
        timeline_search: photos are found by when they were taken.
        time_zone: IANA name of the zone that its cameras' clocks tell the time of.
        guest_page: what guests see.
        tokens_since: microseconds since the epoch; publishable tokens that are older are refused.
        watermark: what is drawn into its renditions; None = nothing.
        changing_until: microseconds since the epoch; until then a photo's record may still be written without a word
            (see `records.is_unchanged`). None = nobody has said so yet.
    """

    event_id: int
    org_id: int
    name: str
    selfie_search: bool
    event_enabled: bool
    confidence: int
    shards: int
    slug: str
    date: str
    created_at: int = 0
    cover: uuid.UUID | None = None
    retain_until: str = ""
    erasures: int = 0
    closing: bool = False
    faces: FaceSet = FaceSet()
    building: FaceSet | None = None
    leaving: FaceSet | None = None
    vector_table: str = ""
    vector_models: frozenset[str] = frozenset()
    face_shards: int = FACE_SHARDS
    upstream: UpstreamEvent | None = None
    bib_search: bool = False
    bibs: BibRules = BibRules()
    timeline_search: bool = False
    time_zone: str = UTC_NAME
    guest_page: GuestPage = GuestPage()
    tokens_since: int = 0
    watermark: Watermark | None = None
    changing_until: int | None = None

    @property
    def rendering(self) -> str:
        """Names how its renditions are to look: the watermark's version, empty = without one."""
        return self.watermark.version if self.watermark is not None else ""

    @property
    def model(self) -> str:
        return self.faces.model

    @property
    def face_sets(self) -> tuple[FaceSet, ...]:
        """The face sets that a photo belongs in, the live one first."""
        if self.building is None or self.building == self.leaving:
            return (self.faces,)
        return (self.faces, self.building)

    @property
    def keeps_faces(self) -> bool:
        """Whether today, by UTC, its faces may be kept and searched."""
        return not self.retain_until or datetime.now(UTC).date().isoformat() <= self.retain_until

    @property
    def reads_bibs(self) -> bool:
        """Whether bibs are to be read in its photos."""
        return self.bib_search and self.keeps_faces and not self.closing


@dataclass(frozen=True)
class EventRow:
    """What a list of events says about one."""

    event_id: int
    name: str
    slug: str
    date: str
    event_enabled: bool
    cover: uuid.UUID | None = None


@dataclass(frozen=True)
class PhotoMatch:
    """One photo of a result or of the gallery.

    Attributes:
        width, height: in pixels as displayed, 0 where unknown.
        by_bib: its bib has found it, and no face.
    """

    image_id: uuid.UUID
    width: int
    height: int
    by_bib: bool = False


@dataclass(frozen=True)
class RenditionUrls:
    """Where another API serves the renditions of its photos: URLs with `IMAGE_ID` where a photo's own id stands."""

    large: str
    small: str

    IMAGE_ID: ClassVar[str] = "{image_id}"

    def of(self, image_id: uuid.UUID) -> tuple[str, str]:
        """The URLs of one photo's two renditions, the large one first."""
        text = str(image_id)
        return self.large.replace(self.IMAGE_ID, text), self.small.replace(self.IMAGE_ID, text)


@dataclass(frozen=True)
class SearchSummary:
    """What is known of a finished search without its photos.

    Attributes:
        renditions: None = they are this deployment's.
        selfie_faces: how many faces the selfie shows, of several selfies the one with the most; None = not known.
    """

    total: int
    confidence: int
    renditions: RenditionUrls | None = None
    selfie_faces: int | None = None


@dataclass(frozen=True)
class SearchKey:
    """The scope of one search: the same UUID under another organisation or event is another search."""

    org_id: int
    event_id: int
    request_id: uuid.UUID


class JobStatus(StrEnum):
    """How far a webhook's search has come."""

    QUEUED = "queued"
    RUNNING = "running"
    """It was begun at least once; whatever went wrong since is tried again."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """A search that a webhook has asked for, or a finished one that a guest wants watched.

    Attributes:
        urls: where the selfies are; none if they came along.
        selfies: S3 keys of selfies that came along; none if there are URLs.
        callback_url: who is told of the end; empty = nobody.
        metadata: as it was sent, to be sent back.
        watch_days: for how many days from `created_at` later photos are looked through as well; None = not at all.
        watch_only: the search is finished. If it is deleted before the job runs, the job searches nothing.
        webhook: digest of event and `webhook-id`; empty if the webhook had no id.
        created_at: seconds since the epoch.
        reason: why it failed, or what it is waiting for, in words that are safe to show.
        enqueued: whether its message is known to have been sent.
    """

    search: SearchKey
    urls: tuple[str, ...] = field(default=(), repr=False)
    selfies: tuple[str, ...] = field(default=(), repr=False)
    callback_url: str = field(default="", repr=False)
    metadata: dict[str, Any] | None = field(default=None, repr=False)
    watch_days: int | None = None
    watch_only: bool = False
    webhook: str = ""
    created_at: int = 0
    status: JobStatus = JobStatus.QUEUED
    reason: str = ""
    enqueued: bool = False


def digest_of(api_key: str) -> str:
    """SHA-256 of an API key in hex: what is stored, and what a presented key is looked up by."""
    return hashlib.sha256(api_key.encode()).hexdigest()


class Feature(Enum):
    """What of an event a call is about, and so which of its switches must be on."""

    METADATA = "metadata"
    """Allowed whatever is switched off, or nobody could see that it is."""
    PHOTOS = "photos"
    SELFIE_SEARCH = "selfie search"
    BIB_SEARCH = "bib search"
    TIMELINE_SEARCH = "timeline search"


def require(event: Event, feature: Feature) -> None:
    """Refuse a feature that the event's switches do not allow, by EventOff, SearchOff or SearchOver."""
    if not event.event_enabled and feature is not Feature.METADATA:
        raise EventOff("This event is disabled.")
    if feature is Feature.SELFIE_SEARCH and not event.selfie_search:
        raise SearchOff("Selfie search is disabled for this event.")
    if feature is Feature.SELFIE_SEARCH and not event.keeps_faces:
        raise SearchOver("Selfie search for this event has ended.")
    if feature is Feature.BIB_SEARCH and not event.bib_search:
        raise SearchOff("Bib search is disabled for this event.")
    if feature is Feature.BIB_SEARCH and not event.keeps_faces:
        raise SearchOver("Bib search for this event has ended.")
    if feature is Feature.TIMELINE_SEARCH and not event.timeline_search:
        raise SearchOff("Timeline search is disabled for this event.")


def is_live(key: ApiKey) -> bool:
    """Whether the key opens anything now."""
    return key.active and (key.expires_at is None or time.time() < key.expires_at)


@dataclass(frozen=True)
class Page:
    """The page that a caller asks for: `number` from 1, `size` photos, which are `start` to `stop` of all from 0."""

    number: int
    size: int

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size

    @property
    def stop(self) -> int:
        return self.start + self.size


MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class QuotaLimits:
    """`per_minute`: searches a minute in the long run; `burst`: searches at once after a rest."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> int:
        """Microseconds until one more search is allowed."""
        return 60 * MICROSECONDS // self.per_minute


@dataclass(frozen=True)
class QuotaState:
    """What the table knows of an organisation's quota. `override`: its own limits, None = the deployment's."""

    full_at: int = 0
    """Microseconds since the epoch at which the bucket is full; in the past = it is."""
    override: QuotaLimits | None = None
