"""What the document shows as examples; built from the models, so that they cannot be wrong."""

import datetime as dt
import uuid

from facesearch.api.bodies import Method, OriginalsRequest, TokenRequest, UploadRequest
from facesearch.api.envelope import Failure
from facesearch.api.pages import FaceSearchResult, ImageItem, Images, paginate
from facesearch.api.schemas import (
    Allows,
    Arrival,
    Consent,
    DeletedSearch,
    EventDetails,
    EventItem,
    EventPage,
    Events,
    FailedUrl,
    OriginalPhotos,
    Pong,
    PresignedUrl,
    PublishableToken,
    QueuedSearch,
    Retention,
    SearchStatus,
    SearchUpdates,
    SelfieUpload,
    TimelineDay,
    TimelineDays,
    TimelineHour,
    WatchedSearch,
)
from facesearch.models import Page
from facesearch.search.selfies import MAX_SELFIE_BYTES, MAX_UPLOAD_BYTES, UPLOAD_SECONDS
from facesearch.webhooks.jobs import WATCH_DAYS
from facesearch.webhooks.requests import WebhookRequest

ORG_ID, EVENT_ID = 903, 456
REQUEST_ID = uuid.UUID("6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31")
UPLOAD_ID = uuid.UUID("b35c1a0e-7d43-4f6c-9a27-f1c2f2a64d10")
UPDATE_ID = uuid.UUID("0b6c8f3e-5d7a-5e41-9c2f-1a4b7d9e6f20")
IMAGE_ID = uuid.UUID("1d9f7c64-3b0e-5a52-8f41-7c2be0a5d963")
GONE_ID = uuid.UUID("93b1f0de-52a8-5c07-9e3c-4f6d8a21b7f5")
_PHOTOS = f"https://photos.example.com/imgs/{EVENT_ID}"
_IMAGE = ImageItem(
    img_url=f"{_PHOTOS}/large/{IMAGE_ID}.jpg",
    height=4000,
    width=6000,
    image_id=IMAGE_ID,
    thumbnail_url=f"{_PHOTOS}/small/{IMAGE_ID}.jpg",
    original_url=None,
)
_ONE = paginate(Page(1, 32), 1)

REFUSAL = Failure(message="query.page: must be greater than or equal to 1")
FACES = FaceSearchResult(request_id=REQUEST_ID, confidence_percentage=90, images=[_IMAGE], pagination=_ONE)
UPLOAD = SelfieUpload(
    upload_id=UPLOAD_ID,
    url="https://selfies.example.com/",
    fields={
        "Content-Type": "image/jpeg",
        "key": f"uploads/{ORG_ID}/{EVENT_ID}/{UPLOAD_ID}",
        "policy": "eyJleHBpcmF0aW9uIjogIuKApiJ9",
        "x-amz-signature": "…",
    },
    max_bytes=MAX_UPLOAD_BYTES,
    expires_in=UPLOAD_SECONDS,
)
UPLOAD_REQUEST = UploadRequest()
_SEARCH = f"/api/v1/ext/{ORG_ID}/event/{EVENT_ID}/faces/{REQUEST_ID}"
WEBHOOK_REQUEST = WebhookRequest(
    selfie_url="https://forms.example.com/uploads/selfie.jpg",
    callback_url="https://forms.example.com/hooks/face-search",
    metadata={"form": 17},
)
QUEUED = QueuedSearch(request_id=REQUEST_ID, status="queued", results_url=_SEARCH, status_url=f"{_SEARCH}/status")
DELETED = DeletedSearch(request_id=REQUEST_ID)
WATCHED = WatchedSearch(request_id=REQUEST_ID, watching_until=dt.datetime(2026, 5, 31, 9, 30, tzinfo=dt.UTC))
UPDATES = SearchUpdates(request_id=REQUEST_ID, watching_until=WATCHED.watching_until, latest=UPDATE_ID, total=7)
STATUS = SearchStatus(request_id=REQUEST_ID, status="failed", reason="No face was found in the selfie.")
IMAGES = Images(images=[_IMAGE], pagination=_ONE)
TIMELINE_DAYS = TimelineDays(
    days=[
        TimelineDay(
            date=dt.date(2026, 5, 17),
            total=125,
            hours=[TimelineHour(hour=7, count=98), TimelineHour(hour=9, count=27)],
        )
    ]
)
ORIGINALS_REQUEST = OriginalsRequest(method=Method.SELFIE, identifier=str(REQUEST_ID))
ORIGINALS = OriginalPhotos(
    presigned_urls=[PresignedUrl(url="https://originals.example.com/…?X-Amz-Signature=…", filename="finish-0815.jpg")],
    failed_urls=[
        FailedUrl(
            image_id=str(GONE_ID),
            error="The original is no longer there.",
            path=f"{ORG_ID}/{EVENT_ID}/{GONE_ID}/finish-0816.jpg",
        )
    ],
    total_images=2,
    successful_count=1,
    failed_count=1,
    identifier=str(REQUEST_ID),
    message="1 of 2 images have no link; see failed_urls.",
    pagination=paginate(Page(1, 30), 2),
)
EVENTS = Events(
    events=[
        EventItem(
            event_id=EVENT_ID,
            event_name="Lakeside Half Marathon",
            event_slug="lakeside-half-marathon",
            event_date="2026-05-17T09:30:00",
            status="active",
            cover_image=_IMAGE["img_url"],
        )
    ],
    pagination=paginate(Page(1, 10), 1),
)
DETAILS = EventDetails(
    event_id=EVENT_ID,
    event_name="Lakeside Half Marathon",
    event_slug="lakeside-half-marathon",
    event_date="2026-05-17T09:30:00",
    status="active",
    event_enabled=True,
    bib_search=True,
    selfie_search=True,
    timeline_search=True,
)
PAGE = EventPage(
    event_id=EVENT_ID,
    event_name="Lakeside Half Marathon",
    event_date="2026-05-17T09:30:00",
    cover_image=_IMAGE["img_url"],
    organiser="Lakeside Runners",
    privacy_url="https://lakeside.example/privacy",
    consent=Consent(version="standard-1", text=None),
    retention=Retention(selfie_days=1, result_days=30, faces_until=dt.date(2026, 7, 31)),
    allows=Allows(search=True, bibs=True, originals=True, watch=False, watch_days=WATCH_DAYS),
    photos=Arrival(complete=False, newest_at=dt.datetime(2026, 5, 17, 14, 2, 9, tzinfo=dt.UTC)),
    locale="en",
    accent="#0b6e4f",
    max_selfie_bytes=MAX_SELFIE_BYTES,
)
TOKEN_REQUEST = TokenRequest(expires_in=3600, origins=("https://run.example",))
TOKEN = PublishableToken(token="fsp_…", expires_at=dt.datetime(2026, 5, 17, 10, 30, tzinfo=dt.UTC))  # noqa: S106 - none
PONG = Pong(org_id=ORG_ID, event_id=EVENT_ID)
