"""The options of `facesearch event update` about the page that guests see."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from facesearch.admin.guest_page import MAX_CONSENT_TEXT
from facesearch.errors import InvalidRequest
from facesearch.models import Event, GuestPage
from facesearch_cli.commands.common import Switch, switch
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import printable

Organiser = Annotated[
    str | None, typer.Option(help='Guests\' page: who asks for a selfie. "" takes it away, as of the four below.')
]
PrivacyUrl = Annotated[str | None, typer.Option(help="Guests' page: https URL of the organiser's privacy notice.")]
ConsentText = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Guests' page: text that guests agree to, in place of the page's own sentence."),
]
Consent = Annotated[Switch | None, typer.Option(help="Guests' page: whether a search needs the guest's consent.")]
Locale = Annotated[str | None, typer.Option(help="Guests' page: language if it speaks none of the guest's, as de.")]
Accent = Annotated[str | None, typer.Option(help="Guests' page: colour, as #0b6e4f.")]
PhotosComplete = Annotated[Switch | None, typer.Option(help="Guests' page: on if no more photos are expected.")]
EndTokens = Annotated[
    bool, typer.Option("--end-tokens", help="End all publishable tokens of the event, those of its links, too.")
]


@dataclass(frozen=True)
class PageOptions:
    """The options as given; None where one was not."""

    organiser: str | None
    privacy_url: str | None
    consent: Switch | None
    consent_text: str | None
    locale: str | None
    accent: str | None
    photos_complete: Switch | None

    def __bool__(self) -> bool:
        return any(value is not None for value in vars(self).values())

    def changed(self, page: GuestPage) -> GuestPage:
        """The page with what was given."""
        given: dict[str, Any] = {name: value for name, value in vars(self).items() if value is not None}
        if "consent" in given:
            given["asks_consent"] = given.pop("consent") is Switch.ON
        if self.consent_text is not None:
            given["consent_text"] = _text_of(self.consent_text) if self.consent_text else ""
        if "photos_complete" in given:
            given["photos_complete"] = given["photos_complete"] is Switch.ON
        return replace(page, **given)


def page_json(event: Event) -> dict[str, object]:
    """The page as `--json` shows it: what was not chosen is null."""
    page = event.guest_page
    return {
        "organiser": page.organiser or None,
        "privacy_url": page.privacy_url or None,
        "consent_version": page.consent_version or None,
        "consent_text": page.consent_text or None,
        "locale": page.locale or None,
        "accent": page.accent or None,
        "photos_complete": page.photos_complete,
    }


def page_line(event: Event) -> str:
    """What was chosen for the page, in a line; empty if nothing was."""
    page = event.guest_page
    if page == GuestPage():
        return ""
    texts = {"organiser": page.organiser, "privacy": page.privacy_url, "locale": page.locale, "accent": page.accent}
    words = "own words" if page.consent_text else "the page's words"
    consent = f"consent {switch(page.asks_consent)}{f' in {words}' if page.asks_consent else ''}"
    chosen = [f"{name} {printable(text)}" for name, text in texts.items() if text]
    return ", ".join([*chosen, consent, f"photos complete {switch(page.photos_complete)}"])


def _text_of(name: str) -> str:
    try:
        text = Path(name).read_bytes()[: 8 * MAX_CONSENT_TEXT].decode("utf-8-sig").strip()
    except OSError as error:
        raise CommandError(f"--consent-text: {name} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        limit = f"{MAX_CONSENT_TEXT:,} characters"
        raise InvalidRequest(f"--consent-text: {name} is not UTF-8 text of at most {limit}.") from None
    if not text:
        raise InvalidRequest(f'--consent-text: {name} is empty. Give "" for the page\'s own sentence.')
    return text
