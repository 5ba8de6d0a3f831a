"""What the guests' page is told of an event."""

import datetime as dt
import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from facesearch.api.presenters import event_page
from facesearch.models import REKOGNITION, Event, GuestPage, QuotaLimits, TokenRights
from facesearch.photos.links import HostLinks
from facesearch.settings import Settings

EVENT = Event(456, 903, "White House 10 km", True, True, 90, 8, "white-house-10-km", "2026-05-17")
SETTINGS = Settings(table_name="t", selfie_retention_days=0, result_retention_days=14, watch_key_arn="arn")
NEWEST = dt.datetime(2026, 5, 17, 14, 2, 9, tzinfo=dt.UTC)
TOKEN = TokenRights(456, QuotaLimits(120, 60), created_at=1)


def page(event: Event = EVENT, rights: TokenRights | None = None, newest: dt.datetime | None = None) -> dict[str, Any]:
    links = HostLinks("https://photos.example.com")
    shown: dict[str, Any] = json.loads(
        event_page(links, event, rights, SETTINGS, newest).model_dump_json(by_alias=True)
    )
    return shown


def test_an_event_of_which_nothing_was_chosen() -> None:
    assert page() == {
        "event_id": 456,
        "event_name": "White House 10 km",
        "event_date": "2026-05-17T00:00:00",
        "cover_image": None,
        "organiser": None,
        "privacy_url": None,
        "consent": {"version": "standard-1", "text": None},
        "retention": {"selfie_days": 0, "result_days": 14, "faces_until": None},
        "allows": {"search": True, "bibs": False, "originals": True, "watch": False, "watch_days": 30},
        "photos": {"complete": False, "newest_at": None},
        "locale": None,
        "accent": None,
        "max_selfie_bytes": 4_718_592,
        "challenge": None,
    }


def test_what_was_chosen_is_shown_as_it_is() -> None:
    chosen = GuestPage("Runners", "https://r.example/privacy", True, "A parent agrees.", "de", "#0b6e4f", True)
    event = replace(EVENT, cover=uuid.UUID(int=5), retain_until="2099-07-31", guest_page=chosen)
    shown = page(event, TOKEN, NEWEST)
    assert (shown["organiser"], shown["privacy_url"]) == ("Runners", "https://r.example/privacy")
    assert shown["consent"] == {"version": chosen.consent_version, "text": "A parent agrees."}
    assert shown["consent"]["version"] != "standard-1"
    assert (shown["locale"], shown["accent"]) == ("de", "#0b6e4f")
    assert shown["photos"] == {"complete": True, "newest_at": "2026-05-17T14:02:09Z"}
    assert shown["retention"]["faces_until"] == "2099-07-31"
    assert shown["cover_image"] == f"https://photos.example.com/imgs/456/large/{uuid.UUID(int=5)}.jpg"


def test_an_organiser_may_ask_for_no_consent() -> None:
    assert page(replace(EVENT, guest_page=GuestPage(asks_consent=False, consent_text="x")))["consent"] is None


@pytest.mark.parametrize("change", [{"selfie_search": False}, {"event_enabled": False}, {"retain_until": "2020-01-01"}])
def test_a_search_is_allowed_if_it_would_be_admitted_now(change: dict[str, Any]) -> None:
    assert page()["allows"]["search"] is True
    assert page(replace(EVENT, **change))["allows"]["search"] is False


def test_a_token_shows_its_own_rights_and_an_api_key_those_of_an_ordinary_link() -> None:
    def shown(rights: TokenRights | None, event: Event = EVENT) -> tuple[bool, bool]:
        allows = page(event, rights)["allows"]
        return allows["originals"], allows["watch"]

    assert shown(None) == shown(TOKEN) == (True, False)
    assert shown(replace(TOKEN, originals=False, watch=True)) == (False, True)
    assert shown(replace(TOKEN, watch=True), replace(EVENT, faces=REKOGNITION)) == (True, False)
