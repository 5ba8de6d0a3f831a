"""API Gateway's own responses, with the bodies and headers that the template's GatewayResponses give."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from facesearch_local.intrinsics import TemplateError

# Type -> its status and message unless the template says otherwise; statuses as documented for REST APIs.
# CRASHED is no type of AWS's: a Lambda that failed becomes a 502 with the body of DEFAULT_5XX.
DEFAULTS = {
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
    "THROTTLED": (429, "Too Many Requests"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    "CRASHED": (502, "Internal server error"),
}
JSON = "application/json"
_VARIABLE = re.compile(r"\$context\.[A-Za-z.]+")
_STATIC = re.compile(r"'(.*)'")


@dataclass(frozen=True)
class GatewayResponse:
    """Status, headers and body of one response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GatewayResponses:
    """The template's GatewayResponses, a type's own falling back to DEFAULT_4XX or DEFAULT_5XX."""

    def __init__(self, configured: Mapping[str, Any]) -> None:
        """`configured`: the Api's GatewayResponses property, resolved.

        Raises:
            TemplateError: a header that is not a quoted constant, the only kind supported here.
        """
        self._responses = {kind: _response(configured, kind) for kind in DEFAULTS}

    def __getitem__(self, kind: str) -> GatewayResponse:
        """The response of one of `DEFAULTS`' types."""
        return self._responses[kind]


def _response(configured: Mapping[str, Any], kind: str) -> GatewayResponse:
    status, message = DEFAULTS[kind]
    fallback: Mapping[str, Any] = configured.get(f"DEFAULT_{status // 100}XX", {})
    given = configured.get(kind, fallback)
    body_template = given.get("ResponseTemplates", fallback.get("ResponseTemplates", {})).get(JSON)
    if body_template is None:
        body_template = '{"message": $context.error.messageString}'
    headers = {name: _static(kind, value) for name, value in _headers(given).items()}
    return GatewayResponse(
        int(given.get("StatusCode", status)),
        headers | {"Content-Type": JSON},
        _render(body_template, message).encode(),
    )


def _render(body: str, message: str) -> str:
    known = {"$context.error.messageString": json.dumps(message), "$context.error.message": message}
    return _VARIABLE.sub(lambda variable: known.get(variable[0], ""), body)


def _headers(response: Mapping[str, Any]) -> Mapping[str, str]:
    headers: Mapping[str, str] = response.get("ResponseParameters", {}).get("Headers", {})
    return headers


def _static(kind: str, value: str) -> str:
    quoted = _STATIC.fullmatch(value)
    if quoted is None:
        raise TemplateError(f"{kind}: only quoted constants are supported as headers, not {value}")
    return quoted[1]
