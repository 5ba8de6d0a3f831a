"""What the page says, by the keys of its messages, so that a test can walk it in any language."""

import json
from functools import cache
from typing import Any

from tests.conftest import ROOT

MESSAGES = ROOT / "web" / "src" / "messages"


@cache
def _messages(language: str) -> dict[str, Any]:
    messages: dict[str, Any] = json.loads((MESSAGES / f"{language}.json").read_text())
    return messages


class Words:
    """One language's messages."""

    def __init__(self, language: str = "en") -> None:
        self._messages = _messages(language)

    def __call__(self, key: str, **values: object) -> str:
        message = self._messages[key]
        if isinstance(message, dict):
            message = message["one" if values.get("n") == 1 else "other"]
        for name, value in values.items():
            message = message.replace(f"{{{name}}}", str(value))
        return str(message)
