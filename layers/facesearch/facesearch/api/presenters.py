"""What responses say of events, originals and searches: their bodies from the models of the product."""

import datetime as dt
from collections.abc import Sequence
from itertools import groupby

from facesearch.api import pages, schemas
from facesearch.api.bodies import OriginalsRequest
from facesearch.models import Event, EventRow, Job, JobStatus, Page, SearchKey, TokenRights
from facesearch.photos.links import Link, NoLink, RenditionLinks
from facesearch.reading import Known, StoredPage
from facesearch.search.selfies import MAX_SELFIE_BYTES
from facesearch.settings import Settings
from facesearch.webhooks.jobs import LOST, WATCH_DAYS, watching_until


def timeline_days(hours: Sequence[tuple[dt.datetime, int]]) -> schemas.TimelineDays:
    """`hours`: when each begins, and how many photos were taken in it."""
    days = []
    for date, of_day in groupby(hours, key=lambda hour: hour[0].date()):
        counted = [schemas.TimelineHour(hour=start.hour, count=count) for start, count in of_day]
        days.append(schemas.TimelineDay(date=date, total=sum(hour.count for hour in counted), hours=counted))
    return schemas.TimelineDays(days=days)


def event_details(event: Event) -> schemas.EventDetails:
    """All that a site may know of an event."""
    return schemas.EventDetails(
        event_id=event.event_id,
        event_name=event.name,
        event_slug=event.slug,
        event_date=start_of(event.date),
        status="active" if event.event_enabled else "inactive",
        event_enabled=event.event_enabled,
        bib_search=event.bib_search and event.keeps_faces,
        selfie_search=event.selfie_search and event.keeps_faces,
        timeline_search=event.timeline_search,
    )


def event_page(
    links: RenditionLinks, event: Event, rights: TokenRights | None, settings: Settings, newest_at: dt.datetime | None
) -> schemas.EventPage:
    """What the guests' page says of an event, to the bearer of that token; None = to an API key."""
    page, watched = event.guest_page, settings.watch_key_arn and event.faces.is_ours
    until = dt.date.fromisoformat(event.retain_until) if event.retain_until else None
    version, text = page.consent_version, page.consent_text or None
    return schemas.EventPage(
        event_id=event.event_id,
        event_name=event.name,
        event_date=start_of(event.date),
        cover_image=links.url(event.event_id, "large", event.cover) if event.cover else None,
        organiser=page.organiser or None,
        privacy_url=page.privacy_url or None,
        consent=schemas.Consent(version=version, text=text) if version else None,
        retention=schemas.Retention(
            selfie_days=settings.selfie_retention_days, result_days=settings.result_retention_days, faces_until=until
        ),
        allows=schemas.Allows(
            search=event.event_enabled and event.selfie_search and event.keeps_faces,
            bibs=event.event_enabled and event.bib_search and event.keeps_faces,
            originals=rights.originals if rights is not None else True,
            watch=bool(watched) and rights is not None and rights.watch,
            watch_days=WATCH_DAYS,
        ),
        photos=schemas.Arrival(complete=page.photos_complete, newest_at=newest_at),
        locale=page.locale or None,
        accent=page.accent or None,
        max_selfie_bytes=MAX_SELFIE_BYTES,
    )


def events(links: RenditionLinks, rows: Sequence[EventRow], page: Page, total: int) -> schemas.Events:
    items = [
        schemas.EventItem(
            event_id=row.event_id,
            event_name=row.name,
            event_slug=row.slug,
            event_date=start_of(row.date),
            status="active" if row.event_enabled else "inactive",
            cover_image=links.url(row.event_id, "large", row.cover) if row.cover else None,
        )
        for row in rows
    ]
    return schemas.Events(events=items, pagination=pages.paginate(page, total))


def original_photos(
    request: OriginalsRequest, links: Sequence[Link | NoLink], page: Page, total: int
) -> schemas.OriginalPhotos:
    found = [schemas.PresignedUrl(url=link.url, filename=link.filename) for link in links if isinstance(link, Link)]
    lost = [link for link in links if isinstance(link, NoLink)]
    failed = [schemas.FailedUrl(image_id=link.image_id, error=link.error, path=link.path) for link in lost]
    missing = f"{len(failed)} of {len(links)} images have no link; see failed_urls." if failed else None
    return schemas.OriginalPhotos(
        presigned_urls=found,
        failed_urls=failed,
        total_images=total,
        successful_count=len(found),
        failed_count=len(failed),
        identifier=request.identifier if isinstance(request.identifier, str) else None,
        message=missing if total else "No photos were found.",
        pagination=pages.paginate(page, total),
    )


def start_of(date: str) -> str:
    """An event's date with a time of day: one that was given a day alone starts at midnight."""
    return date if "T" in date else f"{date}T00:00:00"


def search_status(search: SearchKey, status: JobStatus, job: Job | None) -> schemas.SearchStatus:
    """How far the search has come, and why if it is not done."""
    reason = job.reason if job is not None and status is not JobStatus.DONE else ""
    if job is not None and status is JobStatus.FAILED and job.status is not JobStatus.FAILED:
        reason = LOST
    return schemas.SearchStatus(request_id=search.request_id, status=status.value, reason=reason or None)


def watched_search(search: SearchKey, until: int) -> schemas.WatchedSearch:
    return schemas.WatchedSearch(request_id=search.request_id, watching_until=dt.datetime.fromtimestamp(until, dt.UTC))


def search_updates(search: SearchKey, known: Known, newest: StoredPage) -> schemas.SearchUpdates:
    """`newest`: the result that the search's watch told of last, or the search's own if there is none, or no more."""
    until, is_own = watching_until(known), newest is known.result
    return schemas.SearchUpdates(
        request_id=search.request_id,
        watching_until=dt.datetime.fromtimestamp(until, dt.UTC) if until else None,
        latest=None if is_own else known.watch.latest,
        total=newest.summary.total,
    )


def queued_search(search: SearchKey, status: JobStatus) -> schemas.QueuedSearch:
    """What its webhook is told."""
    results = f"/api/v1/ext/{search.org_id}/event/{search.event_id}/faces/{search.request_id}"
    return schemas.QueuedSearch(
        request_id=search.request_id, status=status.value, results_url=results, status_url=f"{results}/status"
    )
