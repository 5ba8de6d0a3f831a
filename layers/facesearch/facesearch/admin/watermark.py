"""What may be chosen as an event's watermark."""

from facesearch.admin.guest_page import is_plain
from facesearch.errors import InvalidRequest
from facesearch.models import Watermark

MAX_TEXT = 60
"""Characters: more would be too small to be read."""
LEAST_SIZE, MOST_SIZE = 5, 100
LEAST_OPACITY, MOST_OPACITY = 10, 100
"""Percent. What is fainter is no watermark."""


def check_watermark(watermark: Watermark) -> None:
    """Refuse what cannot be chosen. Whether its letters or its picture can be drawn: see `photos.watermark`.

    Raises:
        InvalidRequest: the text is empty, too long or more than one plain line, or a number is beyond its limits.
    """
    text = watermark.text
    if not watermark.picture and (not text.strip() or len(text) > MAX_TEXT or not is_plain(text)):
        raise InvalidRequest(f"The watermark's text must be one line of 1 to {MAX_TEXT} characters.")
    if not LEAST_SIZE <= watermark.size <= MOST_SIZE:
        raise InvalidRequest(f"The watermark's size must be a whole percent from {LEAST_SIZE} to {MOST_SIZE}.")
    if not LEAST_OPACITY <= watermark.opacity <= MOST_OPACITY:
        raise InvalidRequest(f"The watermark's opacity must be a whole percent from {LEAST_OPACITY} to {MOST_OPACITY}.")
