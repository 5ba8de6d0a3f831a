"""What `make smoke` is told, and what it makes of it."""

import json
import os
from pathlib import Path

import pytest

from facesearch_cli.errors import CommandError
from tools.smoke import SmokeError, Target, target

SAID = {"SMOKE_URL": "https://api.example/live/", "SMOKE_KEY": "k", "SMOKE_ORG": "3", "SMOKE_EVENT": "4"}


def test_a_deployment_is_named_by_its_url_a_key_and_an_event() -> None:
    assert target(SAID) == Target("https://api.example/live", "k", 3, 4)


def test_the_tests_are_told_what_was_said(tmp_path: Path) -> None:
    selfie = tmp_path / "selfie.jpg"
    selfie.write_bytes(b"any")
    chosen = target(SAID | {"SMOKE_SELFIE": str(selfie), "SMOKE_TOKEN": "fsp_a"})
    assert chosen.token == "fsp_a"
    assert target(chosen.environment()) == chosen


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SMOKE_KEY": ""}, "KEY missing"),
        ({"SMOKE_ORG": "", "SMOKE_EVENT": " "}, "ORG, EVENT missing"),
        ({"SMOKE_ORG": "marathon"}, "numbers"),
        ({"SMOKE_SELFIE": "/nowhere/selfie.jpg"}, "no selfie"),
    ],
)
def test_what_is_missing_or_wrong_is_named(changed: dict[str, str], said: str) -> None:
    with pytest.raises(SmokeError, match=said):
        target(SAID | changed)


def test_a_running_local_stack_needs_no_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = {
        "url": "http://127.0.0.1:8700", "org_id": 1, "event_id": 2, "api_key": "seeded", "store": "ministack",
        "region": "us-east-1", "endpoint_url": "http://127.0.0.1:9", "pid": os.getpid(),
        "outputs": {"ApiUrl": "http://127.0.0.1:8700", "TableName": "t", "PhotosBucket": "p"},
    }  # fmt: skip
    (tmp_path / "stack.json").write_text(json.dumps(described))
    monkeypatch.setenv("FACESEARCH_STACK_FILE", str(tmp_path))
    assert target({}) == Target("http://127.0.0.1:8700", "seeded", 1, 2)
    assert target({"SMOKE_EVENT": "7"}).event_id == 7


def test_without_a_stack_or_a_url_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESEARCH_STACK_FILE", str(tmp_path / "stack.json"))
    with pytest.raises(CommandError, match="make serve"):
        target({})
