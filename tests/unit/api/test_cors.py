"""Headers for browsers, by what the operator allows and where a request comes from."""

import pytest

from facesearch.api.cors import SECURITY, headers_for
from facesearch.settings import Settings

HERE, THERE = "https://a.example.com", "https://b.example.com"


def cors_of(origin: str, allowed: str) -> dict[str, str]:
    headers = headers_for(origin, Settings(table_name="t", cors_allowed_origins=allowed).origins)
    assert SECURITY.items() <= headers.items(), "whoever asks"
    return {name: value for name, value in headers.items() if name.startswith("Access-Control-")}


@pytest.mark.parametrize("origin", [HERE, "null", "http://localhost:3000"])
def test_by_default_every_page_may_call(origin: str) -> None:
    cors = cors_of(origin, "*")
    assert cors["Access-Control-Allow-Origin"] == "*"
    assert cors["Access-Control-Allow-Methods"] == "DELETE,GET,OPTIONS,POST"
    assert {"x-api-key", "content-type"} <= set(cors["Access-Control-Allow-Headers"].lower().split(","))
    assert "Retry-After" in cors["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in cors


@pytest.mark.parametrize("origin", [HERE, THERE])
@pytest.mark.parametrize("allowed", [f"{HERE},{THERE}", f" {THERE} , {HERE} ,"])
def test_each_of_several_origins_is_answered_by_its_own_name(origin: str, allowed: str) -> None:
    assert cors_of(origin, allowed)["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("origin", [THERE, "null", HERE + ".evil.example", HERE.upper(), "http://a.example.com"])
def test_a_page_of_another_origin_is_told_nothing(origin: str) -> None:
    assert cors_of(origin, HERE) == {}


@pytest.mark.parametrize("allowed", ["*", HERE])
def test_who_comes_from_no_page_is_told_nothing(allowed: str) -> None:
    assert cors_of("", allowed) == {}


def test_where_no_page_may_call_none_is_told_so() -> None:
    assert cors_of(HERE, "") == {}


@pytest.mark.parametrize("allowed", ["*", HERE])
@pytest.mark.parametrize("origin", [HERE, THERE, ""])
def test_a_cache_keeps_the_answers_to_different_pages_apart(origin: str, allowed: str) -> None:
    assert headers_for(origin, [allowed])["Vary"] == "Origin"
