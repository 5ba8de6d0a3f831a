"""Links to renditions: by the host that shows them or, on a stack without CloudFront, signed links into the bucket.

They are made whenever a page is read; what is stored of a search holds ids alone. So a page that is read again has
fresh links.
"""

import uuid
from typing import Protocol
from urllib.parse import quote

from facesearch.records import RenditionSize, rendition_key

SIGNED_SECONDS = 3600
"""As long as links to originals; less if the function's own credentials end before."""


class RenditionLinks(Protocol):
    """Where renditions are shown from."""

    def url(self, event_id: int, size: RenditionSize, image_id: uuid.UUID) -> str:
        """The rendition's URL; nothing is looked up for it."""


class HostLinks:
    """`RenditionLinks` of a host that shows the bucket: CloudFront, a CDN, the local stack. They live for good."""

    def __init__(self, base_url: str) -> None:
        """Take scheme and host, without a slash at the end."""
        self._base_url = base_url

    def url(self, event_id: int, size: RenditionSize, image_id: uuid.UUID) -> str:
        """See `RenditionLinks.url`."""
        return f"{self._base_url}/{quote(rendition_key(event_id, size, image_id))}"
