"""Headers for browsers, by what the operator allows and where a request comes from."""

import pytest

from facesearch.api.cors import CORS, SECURITY, headers_for
from facesearch.settings import Settings

HERE, THERE = "https://a.example.com", "https://b.example.com"


@pytest.mark.parametrize(
    ("origin", "allowed", "told"),
    [
        *((origin, "*", "*") for origin in (HERE, "null", "http://localhost:3000")),
        *((origin, f" {THERE} , {HERE} ,", origin) for origin in (HERE, THERE)),
        *(
            (origin, HERE, None)
            for origin in (THERE, "null", HERE + ".evil.example", HERE.upper(), HERE.replace("s", ""))
        ),
        *(("", allowed, None) for allowed in ("*", HERE)),
        (HERE, "", None),
    ],
)
def test_a_page_is_told_that_it_may_call_if_the_operator_allows_its_origin(
    origin: str, allowed: str, told: str | None
) -> None:
    headers = headers_for(origin, Settings(table_name="t", cors_allowed_origins=allowed).origins)
    vary = {"Vary": "Origin"} if allowed else {}  # a cache keeps the responses to different pages apart
    cors = CORS | {"Access-Control-Allow-Origin": told} if told else {}
    assert headers == SECURITY | vary | cors
    assert "Access-Control-Allow-Credentials" not in headers
