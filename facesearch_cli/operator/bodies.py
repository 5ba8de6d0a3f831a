"""What the view's pages are told, as JSON: everything is read for the one response, within bounds that it names."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from facesearch.admin.overview import EventCounts, PhotoFilter, file_of, time_of
from facesearch.errors import InvalidRequest, NotFound
from facesearch.faces.packing import FACE_BYTES
from facesearch.models import Event, EventRow, Page
from facesearch.records import Photo, RenditionSize, rendition_key
from facesearch_cli.operator import logs, queues
from facesearch_cli.operator.boxes import KeptBoxes
from facesearch_cli.stack import Stack

EVENTS_AT_ONCE = 25
MOST_PAGES = 1_000
LARGEST_RENDITION = 10_000_000
"""Bytes; 2,048 px at quality 85 are 2 MB at the most."""
MOST_NAME = 200
MOST_NUMBER = 2**63 - 1
Query = Mapping[str, str]


@dataclass(frozen=True)
class Bodies:
    """Of one stack. `org_id`: the organisation that is shown first; None = the operator names one."""

    stack: Stack
    org_id: int | None
    boxes: KeptBoxes

    def about(self) -> dict[str, Any]:
        return {"stack": self.stack.name, "local": self.stack.state is not None, "org_id": self.org_id}

    def events(self, org_id: int, query: Query) -> dict[str, Any]:
        """A page of an organisation's events, newest first, without counts: those are asked for one by one."""
        page = Page(number_of(query, "page", 1, MOST_PAGES), EVENTS_AT_ONCE)
        org = self.stack.container.admin.org(org_id)
        rows = self.stack.container.event_directory.page(org_id, page)
        return {
            "org_id": org_id,
            "org_name": org.name,
            "total": org.events,
            "page": page.number,
            "page_size": page.size,
            "events": [_row(row) for row in rows],
        }

    def event(self, event_id: int) -> dict[str, Any]:
        """An event, and how much there is of it."""
        event = self.stack.event(event_id)
        counts = self.stack.container.overview.counts(event)
        return {
            "org_id": event.org_id,
            **_row(event),
            "selfie_search": event.selfie_search,
            "confidence": event.confidence,
            "retain_until": event.retain_until or None,
            "model": event.model,
            "faces_in": self._faces_in(event),
            "counts": _counts(counts, known=self._faces_in(event) is None),
        }

    def photos(self, event_id: int, query: Query) -> dict[str, Any]:
        """A page of an event's photos, latest first."""
        event, wanted = self.stack.event(event_id), query.get("filter", PhotoFilter.ALL)
        if wanted not in set(PhotoFilter):
            raise InvalidRequest(f"filter is one of: {', '.join(PhotoFilter)}.")
        name = query.get("name", "")
        if len(name) > MOST_NAME:
            raise InvalidRequest(f"name has {MOST_NAME} characters at the most.")
        before = number_of(query, "before", 0, MOST_NUMBER) or None
        found = self.stack.container.overview.photo_page(event, PhotoFilter(wanted), name, before)
        return {
            "photos": [self._photo(event, photo) for photo in found.photos],
            "scanned": found.scanned,
            # A text: microseconds since the epoch are more than a browser's numbers hold for long.
            "before": str(found.before) if found.before is not None else None,
        }

    def photo(self, event_id: int, image_id: uuid.UUID) -> dict[str, Any]:
        event = self.stack.event(event_id)
        return self._photo(event, self._record(event, image_id))

    def found(self, event_id: int, image_id: uuid.UUID) -> dict[str, Any]:
        """What is found in a photo now, and how many faces its record has. `faces`: boxes in fractions of the picture.

        Raises:
            InvalidRequest: faces of this event are found by somebody else.
        """
        event = self.stack.event(event_id)
        photo = self._record(event, image_id)
        if (keeper := self._faces_in(event)) is not None:
            raise InvalidRequest(f"{keeper} finds the faces of this event. Where they are is not known here.")
        boxes = self.boxes.of(photo, event.model, self.stack.container.face_boxes.find)
        return {
            "faces": {
                "model": event.model,
                "recorded": self._faces(event, photo),
                "stripped": photo.stripped,
                "boxes": [asdict(box) for box in boxes],
            }
        }

    def rendition(self, event_id: int, image_id: uuid.UUID, size: RenditionSize) -> bytes:
        """A photo's JPEG, out of the bucket itself."""
        file = self.stack.container.renditions.read(rendition_key(event_id, size, image_id), LARGEST_RENDITION)
        if file is None:
            raise NotFound("There is no such picture.")
        return file

    def searches(self, event_id: int, query: Query) -> dict[str, Any]:
        """The latest of an event's searches: when, how much they found, never for whom."""
        begin = query.get("request_id", "").lower()
        if len(begin) > 36 or not set(begin) <= set("0123456789abcdef-"):
            raise InvalidRequest("request_id is a UUID, or what it begins with.")
        found = self.stack.container.overview.search_page(self.stack.event(event_id), begin)
        rows = [
            {
                "request_id": str(finished.search.request_id),
                "created_at": finished.created_at,
                "expires_at": finished.expires_at,
                "total": finished.summary.total,
                "confidence": finished.summary.confidence,
                "consent": finished.consent.version if finished.consent is not None else None,
                "consented_at": finished.consent.at if finished.consent is not None else None,
                "watched_until": each.watched_until,
            }
            for each in found.searches
            for finished in [each.finished]
        ]
        return {"searches": rows, "scanned": found.scanned, "more": found.more}

    def queues(self) -> dict[str, Any]:
        return {"queues": [asdict(depth) for depth in queues.depths(self.stack)]}

    def logs(self) -> dict[str, Any]:
        return asdict(logs.last_errors(self.stack))

    def _record(self, event: Event, image_id: uuid.UUID) -> Photo:
        photo = self.stack.container.photos.get(event.event_id, event.shards, image_id)
        if photo is None:
            raise NotFound("There is no such photo in this event.")
        return photo

    def _faces_in(self, event: Event) -> str | None:
        """Who keeps an event's faces elsewhere; None = they are in the photos' records."""
        if self.stack.settings.engine == "upstream":
            return "The upstream API"
        return None if event.faces.is_ours else "Amazon Rekognition"

    def _faces(self, event: Event, photo: Photo) -> int | None:
        faces = photo.faces_by(event.model) if self._faces_in(event) is None else None
        return len(faces) // FACE_BYTES if faces is not None else None

    def _photo(self, event: Event, photo: Photo) -> dict[str, Any]:
        return {
            "image_id": str(photo.image_id),
            "file": file_of(event, photo),
            "status": photo.status,
            "reason": photo.reason or None,
            "faces": self._faces(event, photo),
            "width": photo.width,
            "height": photo.height,
            "taken_at": photo.taken_at.isoformat() if photo.taken_at is not None else None,
            "changed_at": time_of(photo).timestamp(),
        }


def number_of(query: Query, name: str, default: int, most: int) -> int:
    """A whole number out of the query, from `default` to `most`.

    Raises:
        InvalidRequest: it is none.
    """
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and default <= int(text) <= most):
        raise InvalidRequest(f"{name} is a whole number from {default} to {most}.")
    return int(text)


def _row(event: Event | EventRow) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_name": event.name,
        "event_date": event.date,
        "event_enabled": event.event_enabled,
    }


def _counts(counts: EventCounts, *, known: bool) -> dict[str, Any]:
    """`known`: whether faces are counted here."""
    return {
        "photos": counts.photos,
        "failed": counts.failed,
        "without_faces": counts.without_faces if known else None,
        "faces": counts.faces if known else None,
        "newest_at": counts.newest_at.timestamp() if counts.newest_at is not None else None,
        "more_photos": counts.more_photos,
        "searches": counts.searches,
        "more_searches": counts.more_searches,
    }
