"""The document around the operations: schemas out of pydantic's models, parameters, bodies, responses, headers."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import WithDefaultSchema

from facesearch.api.envelope import ERROR, Failure
from facesearch.api.selfie_form import MAX_CONSENT, MAX_PARTS
from facesearch.api.watch_form import AGREED, CONSENT
from facesearch.faces.several import MAX_SELFIES
from facesearch.validation import UUID_PATTERN
from facesearch.webhooks.jobs import WATCH_DAYS
from tools.openapi import examples
from tools.openapi.operations import OPERATIONS, JsonBody, Operation, SelfieFormBody, Tag

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "openapi.json"
JSON = "application/json"
KEY, SIGNATURE, TOKEN = "ApiKey", "WebhookSignature", "PublishableToken"
Json = dict[str, Any]

_INTRODUCTION = """\
A selfie in, the guest's event photos out, exactly once per `request_id`.

Every call carries `X-API-Key` or, where its security says so, a publishable token in the query. Every response, \
whatever happened, is an object of `responseType`, `message` and `data`; `data` is null where something went wrong, \
and `message` is for people and logs. Programs read the header `Face-Search-Error`, a code such as `no_face` or \
`quota`. Unknown query parameters and body fields are ignored.

Every response is sent with `Cache-Control: no-store` and the usual security headers, and with CORS headers to pages \
that may call from a browser."""


class _Schemas(GenerateJsonSchema):
    """Without titles, which are the names once more, and without defaults in responses, where every field always is."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"]) if self.mode == "serialization" else super().default_schema(schema)


class _Bodies(_Schemas):
    """Without defaults in requests either: openapi-typescript takes a field that has one for required."""

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Json:
    """The document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Face Search",
            "version": project["version"],
            "description": _INTRODUCTION,
            "license": {"name": project["license"], "identifier": project["license"]},
        },
        "servers": [
            {"url": "/", "description": "Where this document was fetched from, as with `make serve`"},
            {
                "url": "https://{host}/{stage}",
                "description": "A deployed stack; its output `ApiUrl` says where",
                "variables": {"host": {"default": "api.example.com"}, "stage": {"default": "live"}},
            },
        ],
        "security": [{KEY: []}],
        "tags": [{"name": str(tag), "description": tag.description} for tag in Tag],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                KEY: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "A key of one organisation, shown whole once, when it was made.",
                },
                TOKEN: {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "A publishable token, which begins with `fsp_`: of a guests' page, or what "
                    "`createToken` returned. The header `X-API-Key` takes it, too. It is good for one event and for "
                    "pages of its origins.",
                },
                SIGNATURE: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "`v1,` and base64 of HMAC-SHA256 over `webhook-id`, `webhook-timestamp` and the "
                    "body as it was sent, with full stops between them, by a secret of the organisation; several "
                    "with spaces between. See Standard Webhooks.",
                },
            },
            "schemas": _schemas(),
        },
    }


def _paths() -> Json:
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.route, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.id,
        "tags": [str(operation.tag)],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nThe key must have the scope `{operation.scope}`.",
        "parameters": [*_parameters(operation.path, "path")],
    }
    if operation.tokens:
        described["security"] = [{KEY: []}, {TOKEN: []}]
    if operation.signed:
        described["security"] = [{KEY: []}, {SIGNATURE: []}]
        described["parameters"] += _signed_headers()
    if operation.query is not None:
        described["parameters"] += _parameters(operation.query, "query")
    match operation.body:
        case JsonBody(model, required, example):
            content = {"schema": _reference(model.__name__), "example": example.model_dump(mode="json")}
            described["requestBody"] = {"required": required, "content": {JSON: content}}
        case SelfieFormBody(name):
            form = {"schema": _reference(name), "encoding": _PICTURES}
            described["requestBody"] = {"required": True, "content": {"multipart/form-data": form}}
    described["responses"] = {str(operation.response.status): _success(operation)} | {
        str(status): _refusal(operation, status, sentence) for status, sentence in sorted(operation.refusals.items())
    }
    return described


def _parameters(model: type[BaseModel], place: str) -> Iterable[Json]:
    schema = model.model_json_schema(schema_generator=_Schemas)
    for name, described in schema["properties"].items():
        parameter = {"name": name, "in": place, "required": name in schema.get("required", ())}
        parameter["description"] = described.pop("description")
        yield parameter | {"schema": described}


def _signed_headers() -> Iterable[Json]:
    """What is signed beside the body; with a key in place of the signature neither is needed."""
    about = {
        "webhook-id": "Names the message: the same one sent again is not searched again. Needed with a signature.",
        "webhook-timestamp": "When it was sent: seconds since 1970. Needed with a signature.",
    }
    for name, description in about.items():
        yield {
            "name": name,
            "in": "header",
            "required": False,
            "description": description,
            "schema": {"type": "string"},
        }


# ---------------------------------------------------------------- forms
_PICTURES = {"file": {"contentType": "image/jpeg, image/png, image/webp, image/heic, image/heif, image/avif"}}


def _forms() -> Json:
    """By name; both have one to three selfies in them."""
    request_id = _uuid("The search; made up by the service if left out.")
    search = "unless the search of `request_id` is finished: then neither is looked at"
    agreed = "The person agrees that the service keeps an embedding of the face while it watches."
    days = {"type": "integer", "minimum": 1, "maximum": WATCH_DAYS}
    days["description"] = f"How many days to watch, counted from now; {WATCH_DAYS} by default."
    watch = {"days": days, CONSENT: {"type": "string", "enum": [AGREED], "description": agreed}}
    return {
        "SelfieForm": _selfie_form(f", {search}", {"request_id": request_id, "consent": _CONSENT, "bib": _BIB}),
        "WatchForm": _selfie_form("", watch) | {"required": [CONSENT]},
    }


def _selfie_form(unless: str, more: Json) -> Json:
    """Several readings of one form: files, or in their place ids of such as were uploaded before, or both."""
    file = _one_to_three({"type": "string", "format": "binary"}) | {
        "description": "The selfie: JPEG, PNG, WebP, HEIC or AVIF, at most 4.4 MiB. 5 MB and more need an upload. "
        "Or up to three parts of this name, each with a selfie of the same person; then 4.4 MiB are for all of them "
        "together.",
    }
    upload_id = _one_to_three({"type": "string", "pattern": UUID_PATTERN}) | {
        "description": "In place of a `file`, or beside others: what `createSelfieUpload` returned.",
    }
    return {
        "type": "object",
        "description": f"One to three selfies, each a `file` or an `upload_id`{unless}. "
        "Files come before uploads where they are counted.",
        "properties": {"file": file, "upload_id": upload_id} | more,
        "maxProperties": MAX_PARTS,
    }


_CONSENT: Json = {
    "type": "string",
    "maxLength": MAX_CONSENT,
    "description": "The version of the text that the guest agreed to, from `getEventPage`. A publishable token needs "
    "it for a new search if the event asks for consent. It is kept with the result.",
}


_BIB: Json = {
    "type": "string",
    "pattern": r"^\s*#?[0-9A-Za-z]{0,16}\s*$",  # as people type it, or leave it empty
    "description": "The bib that the person wears. Where the event has `bib_search`, it brings in photos without a "
    "usable face, and faces that wear another bib are left out. Elsewhere nobody looks at it.",
}


def _one_to_three(items: Json) -> Json:
    """To a form a list is so many parts, or pairs, of one name; a list of one is what a form of one has always been."""
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_SELFIES}


def _uuid(description: str) -> Json:
    return {
        "type": "string",
        "pattern": UUID_PATTERN,
        "description": description,
    }


# ---------------------------------------------------------------- responses
def _success(operation: Operation) -> Json:
    response = operation.response
    example = response.body(message=response.message, data=response.data).model_dump(mode="json", by_alias=True)
    content = {"schema": _reference(response.name), "example": example}
    return {
        "description": response.sentence,
        **_headers(
            _quota(operation, operation.response.status)
            | (_REPLAYED if operation.replays else {})
            | (_SELFIE_FACES if operation.metered else {})
        ),
        "content": {JSON: content},
    }


def _refusal(operation: Operation, status: int, sentence: str) -> Json:
    retry = _RETRY_AFTER if status == 429 else {}
    return {
        "description": sentence,
        **_headers(_ERROR | retry | _quota(operation, status)),
        "content": {JSON: {"schema": _reference(_REFUSAL)}},
    }


_REPLAYED: Json = {
    "Idempotent-Replayed": {
        "description": "There if the search was done, or queued, before, for an earlier POST.",
        "schema": {"const": "true"},
    }
}
_SELFIE_FACES: Json = {
    "Selfie-Faces": {
        "description": "How many faces the selfie shows; of several selfies, the one with the most. The search is for "
        "the largest, most central face. Absent where the number is not known.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_ERROR: Json = {
    ERROR: {
        "description": "What went wrong, for programs. There may be more codes later.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[a-z_]+$"},
    }
}
_RETRY_AFTER: Json = {
    "Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer", "minimum": 1}}
}
_QUOTA = {
    "RateLimit-Limit": "Searches that the organisation, or the token, may run at once after a rest.",
    "RateLimit-Remaining": "Searches that are left of them now.",
    "RateLimit-Reset": "Seconds until none is missing.",
}
_ALSO_THE_GATEWAYS = {404, 413, 429, 500, 502, 504}
"""Statuses that the gateway gives too, before the quota was looked at."""


def _quota(operation: Operation, status: int) -> Json:
    if not operation.metered:
        return {}
    required = {} if status in _ALSO_THE_GATEWAYS else {"required": True}
    schema = {"type": "integer", "minimum": 0}
    return {name: {"description": sentence} | required | {"schema": schema} for name, sentence in _QUOTA.items()}


def _headers(headers: Mapping[str, Json]) -> Json:
    return {"headers": headers} if headers else {}


# ---------------------------------------------------------------- schemas
_REFUSAL = "ErrorResponse"


def _schemas() -> Json:
    """All models by name: requests as they are read, responses as they are sent."""
    refusal = create_model(_REFUSAL, __base__=Failure, __doc__=Failure.__doc__)
    models: dict[type[BaseModel], JsonSchemaMode] = {refusal: "serialization"}
    for operation in OPERATIONS:
        models[operation.response.body] = "serialization"
        if isinstance(operation.body, JsonBody):
            models[operation.body.model] = "validation"
    _, schemas = models_json_schema(
        list(models.items()), ref_template="#/components/schemas/{model}", schema_generator=_Bodies
    )
    named: Json = dict(sorted((schemas["$defs"] | _forms()).items()))
    named[_REFUSAL]["examples"] = [examples.REFUSAL.model_dump(mode="json", by_alias=True)]
    return named


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
