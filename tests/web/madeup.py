"""Results that no search has found, for tests that need many photos: the API's pages, answered in the browser."""

import io
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from playwright.sync_api import Route

from tests.web.guests import Guest

REQUEST = "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31"
"""The search that has found them."""
BIB = "123"
"""The bib that they show, where it is asked for."""
SIZES: tuple[tuple[int | None, int | None], ...] = (
    (6000, 4000),
    (4000, 6000),
    (4000, 4000),
    (6000, 2000),
    (None, None),
)
"""Of the photos in turn; the last one's is unknown, as it is of photos that another API has found."""


@dataclass
class MadeUp:
    """`total` matches, the last `by_bib` of which a bib has found; `gone` photos, from 0, have no original."""

    total: int
    by_bib: int = 0
    host: str = ""
    gone: set[int] = field(default_factory=set)

    def image_id(self, number: int) -> str:
        return str(uuid.UUID(int=0x5000_8000_0000_0000_0000 + number, version=5))

    def serve(self, guest: Guest) -> None:
        """Let the guest's browser have them in place of what the API would say."""
        self.host = guest.site.stack.url
        guest.context.route(re.compile(r"/event/[0-9]+/(faces(/[0-9a-f-]{36})?|bibs/123)(\?|$)"), self._faces)
        guest.context.route(re.compile(r"/imgs/"), self._picture)

    def serve_originals(self, guest: Guest) -> None:
        """Links to originals, too; each is the photo's picture."""
        guest.context.route(re.compile(r"/event/[0-9]+/original-photos(\?|$)"), self._links)
        guest.context.route(re.compile(r"/originals/"), self._picture)

    def _links(self, route: Route) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        number, size = int(asked.get("page", 1)), int(asked.get("page_size", 30))
        shown = range(self.total)[(number - 1) * size : number * size]
        gone = [each for each in shown if each in self.gone]
        pages = -(-self.total // size)
        data = {
            "presigned_urls": [
                {"url": f"{self.host}/originals/{self.image_id(each)}.jpg", "filename": f"race-{each + 1:04}.jpg"}
                for each in shown
                if each not in self.gone
            ],
            "failed_urls": [
                {"image_id": self.image_id(each), "error": "The original is no longer there.", "path": "1/1/race.jpg"}
                for each in gone
            ],
            "total_images": self.total,
            "successful_count": len(shown) - len(gone),
            "failed_count": len(gone),
            "identifier": REQUEST,
            "message": None,
            "pagination": {
                "total": self.total,
                "currentPage": number,
                "totalPages": pages,
                "hasNextPage": number < pages,
                "hasPreviousPage": number > 1,
                "page_size": size,
            },
        }
        body = json.dumps({"responseType": "success", "message": "Original photos", "data": data})
        route.fulfill(status=200, content_type="application/json", body=body)

    def _faces(self, route: Route) -> None:
        if route.request.method not in {"GET", "POST"}:
            route.fallback()
            return
        url = urlsplit(route.request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(self.page(query)))

    def page(self, query: dict[str, str], request_id: str = REQUEST) -> dict[str, Any]:
        """One page of the result, as the API has it."""
        number, size = int(query.get("page", 1)), int(query.get("page_size", 32))
        shown = range(self.total)[(number - 1) * size : number * size]
        pages = -(-self.total // size)
        return {
            "responseType": "success",
            "message": "Computed face search",
            "data": {
                "request_id": request_id,
                "confidence_percentage": 90,
                "images": [self._item(each) for each in shown],
                "pagination": {
                    "total": self.total,
                    "currentPage": number,
                    "totalPages": pages,
                    "hasNextPage": number < pages,
                    "hasPreviousPage": number > 1,
                    "page_size": size,
                },
            },
        }

    def _item(self, number: int) -> dict[str, Any]:
        width, height = SIZES[number % len(SIZES)]
        name = f"{self.image_id(number)}.jpg"
        how = {"matched_by": "bib" if number >= self.total - self.by_bib else "face"} if self.by_bib else {}
        return how | {
            "img_url": f"{self.host}/imgs/1/large/{name}",
            "thumbnail_url": f"{self.host}/imgs/1/small/{name}",
            "image_id": self.image_id(number),
            "width": width,
            "height": height,
            "original_url": None,
        }

    def _picture(self, route: Route) -> None:
        found = UUID_OF.search(route.request.url)
        number = uuid.UUID(found[0]).int & 0xFFFF if found else 0
        route.fulfill(
            status=200, content_type="image/jpeg", body=picture(number), headers={"Access-Control-Allow-Origin": "*"}
        )


UUID_OF = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def picture(number: int) -> bytes:
    """A photo of one colour, in the shape that its item says."""
    width, height = SIZES[number % len(SIZES)]
    shape = (3, 2) if width is None or height is None else (width // 1000, height // 1000)
    file = io.BytesIO()
    colour = (40 + number * 37 % 180, 40 + number * 71 % 180, 40 + number * 13 % 180)
    Image.new("RGB", (shape[0] * 60, shape[1] * 60), colour).save(file, "JPEG")
    return file.getvalue()
