"""What may be chosen for the page that guests see of an event."""

import re
import unicodedata
from dataclasses import replace
from urllib.parse import urlsplit

from facesearch.errors import InvalidRequest
from facesearch.models import GuestPage

MAX_ORGANISER, MAX_URL, MAX_CONSENT_TEXT = 200, 500, 1_000
"""Characters."""
MIN_CONTRAST = 3.0
"""Of the accent against white: what WCAG 2.2 asks of the parts of a control (success criterion 1.4.11)."""
_LOCALE = re.compile("[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_COLOUR = re.compile("#[0-9a-f]{6}")


def checked_page(page: GuestPage) -> GuestPage:
    """The page as it is stored: texts without blanks around them, the colour in lower case.

    Raises:
        InvalidRequest: a text is too long or more than plain text, the URL is not https, the colour is no `#rrggbb` or
            too pale to be seen on white, or the locale is no language tag.
    """
    page = replace(
        page,
        organiser=page.organiser.strip(),
        privacy_url=page.privacy_url.strip(),
        consent_text=page.consent_text.replace("\r\n", "\n").strip(),
        locale=page.locale.strip(),
        accent=page.accent.strip().lower(),
    )
    if len(page.organiser) > MAX_ORGANISER or not is_plain(page.organiser):
        raise InvalidRequest(f"The organiser's name must be one line of at most {MAX_ORGANISER} characters.")
    if len(page.consent_text) > MAX_CONSENT_TEXT or not is_plain(page.consent_text.replace("\n", "")):
        raise InvalidRequest(f"The consent text must be plain text of at most {MAX_CONSENT_TEXT:,} characters.")
    if page.privacy_url and not _is_address(page.privacy_url):
        raise InvalidRequest(f"The privacy URL must begin with https:// and have at most {MAX_URL} characters.")
    if page.locale and not _LOCALE.fullmatch(page.locale):
        raise InvalidRequest("The locale must be a language tag such as en, de or pt-BR.")
    if page.accent:
        _check_accent(page.accent)
    return page


def contrast_with_white(colour: str) -> float:
    """The contrast ratio of a colour `#rrggbb` and white, 1 to 21, by WCAG 2.2 (w3.org/TR/WCAG22, "contrast ratio" and
    "relative luminance")."""
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def _check_accent(colour: str) -> None:
    if not _COLOUR.fullmatch(colour):
        raise InvalidRequest("The accent must be a colour as #rrggbb.")
    if (contrast := contrast_with_white(colour)) < MIN_CONTRAST:
        said = f"{int(contrast * 100) / 100}:1 against white, {MIN_CONTRAST:.0f}:1 is the least"
        raise InvalidRequest(f"The accent {colour} is too pale ({said}). Choose a darker colour.")


def is_plain(text: str) -> bool:
    """No control or direction character, no surrogate, no separator of lines."""
    return all(unicodedata.category(letter) not in {"Cc", "Cs", "Zl", "Zp"} and letter not in _TURNS for letter in text)


_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Turn the direction of what follows, which can make a text read otherwise than it is."""


def _is_address(url: str) -> bool:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\'):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and port != 0
