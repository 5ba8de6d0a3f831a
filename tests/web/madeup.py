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
    """`total` matches; `gone`: photos, counted from 0, whose originals were deleted."""

    total: int
    host: str = ""
    gone: set[int] = field(default_factory=set)

    def image_id(self, number: int) -> str:
        return str(uuid.UUID(int=0x5000_8000_0000_0000_0000 + number, version=5))

    def serve(self, guest: Guest) -> None:
        """Let the guest's browser have them in place of what the API would say."""
        self.host = guest.site.stack.url
        guest.context.route(re.compile(r"/event/[0-9]+/faces(/[0-9a-f-]{36})?(\?|$)"), self._faces)
        guest.context.route(re.compile(r"/imgs/"), self._picture)

    def _faces(self, route: Route) -> None:
        if route.request.method not in {"GET", "POST"}:
            route.fallback()
            return
        url = urlsplit(route.request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(self.page(query)))

    def page(self, query: dict[str, str], request_id: str = "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31") -> dict[str, Any]:
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
        return {
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
