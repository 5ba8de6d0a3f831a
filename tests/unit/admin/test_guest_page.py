"""What may be chosen for the guests' page."""

from typing import Any

import pytest

from facesearch.admin.guest_page import checked_page, contrast_with_white
from facesearch.errors import InvalidRequest
from facesearch.models import GuestPage


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"organiser": " Läufer & Söhne "}, {"organiser": "Läufer & Söhne"}),
        ({"organiser": "x" * 200}, {}),
        ({"privacy_url": "https://run.example:8443/privacy?lang=de#guests"}, {}),
        ({"privacy_url": "https://a.example/" + "x" * 482}, {}),
        ({"consent_text": "One.\r\n\r\nTwo.\n"}, {"consent_text": "One.\n\nTwo."}),
        ({"consent_text": "ह" * 1000}, {}),
        ({"locale": "pt-BR"}, {}),
        ({"accent": "#0B6E4F"}, {"accent": "#0b6e4f"}),
        ({"accent": "#949494"}, {}),
    ],
)
def test_what_fits_is_kept(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert checked_page(GuestPage(**given)) == GuestPage(**(given | kept))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"organiser": "x" * 201}, "200 characters"),
        ({"organiser": "two\nlines"}, "one line"),
        ({"organiser": "gpj.\u202eexe"}, "one line"),
        ({"privacy_url": "http://a.example/"}, "https://"),
        ({"privacy_url": "javascript:alert(1)"}, "https://"),
        ({"privacy_url": "https://"}, "https://"),
        ({"privacy_url": "https://a.example:x/"}, "https://"),
        ({"privacy_url": "https://user:word@a.example/"}, "https://"),
        ({"privacy_url": 'https://a.example/"><script>'}, "https://"),
        ({"privacy_url": "https://a.example/a b"}, "https://"),
        ({"privacy_url": "https://a.example/" + "x" * 483}, "500 characters"),
        ({"consent_text": "x" * 1001}, "1,000 characters"),
        ({"consent_text": "bell\x07"}, "plain text"),
        ({"locale": "Deutsch bitte"}, "language tag"),
        ({"accent": "red"}, "#rrggbb"),
        ({"accent": "#fff"}, "#rrggbb"),
        ({"accent": "#959595"}, "2.99:1"),
        ({"accent": "#ffe600"}, "too pale"),
    ],
)
def test_what_does_not_is_refused_and_says_why(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        checked_page(GuestPage(**given))


@pytest.mark.parametrize(("colour", "ratio"), [("#ffffff", 1), ("#000000", 21), ("#777777", 4.48), ("#ff0000", 4.0)])
def test_contrast_is_as_wcag_counts_it(colour: str, ratio: float) -> None:
    assert contrast_with_white(colour) == pytest.approx(ratio, abs=0.005)
