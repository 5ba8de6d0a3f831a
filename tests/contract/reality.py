"""Real ids, keys and pictures in generated requests: what is made up alone would hardly get past the first check."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
import os
import random
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from PIL import Image

from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.bibs.rules import BIB_PATTERN
from facesearch.models import MAX_TIME, SearchKey, SearchSummary
from facesearch.validation import UUID_PATTERN, parse_request_id
from tests.conftest import ROOT
from tests.integration.conftest import Site
from tests.support.pictures import encoded, exif
from tests.support.pools import LEAVES

Case = schemathesis.Case[Any]
KEY = "X-API-Key"
TAKEN = dt.datetime(2026, 5, 17, 8, tzinfo=dt.UTC)
"""When the pictures were taken."""
SAMPLES = Path(os.environ.get("FACESEARCH_ASSETS") or ROOT / ".cache" / "assets") / "samples"
BIBS = ["7", "F1024"]
"""What the pictures show, as far as the table knows."""
PEOPLE = ["biden.jpg", "obama.jpg", "obama2.jpg"]
FINISHED = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"]


@dataclass
class Reality:
    """What is there on the stack.

    Attributes:
        other_events: two that the key may not search.
        pictures: with a face in each.
    """

    site: Site
    session: requests.Session
    other_events: Sequence[int]
    image_ids: Sequence[str]
    pictures: Sequence[bytes]

    def enter(self, case: Case) -> dict[str, str]:
        """Replace some of what is valid in the case by what is real; what is invalid stays. The headers to send.

        The same case always gets the same, or Hypothesis would call it flaky.
        """
        body = case.body if isinstance(case.body, dict) else {}
        # Not by repr, in which some of Schemathesis' own values have their address, another in every run.
        said = json.dumps([case.path_parameters, case.query, body], default=lambda value: type(value).__name__)
        dice = random.Random(zlib.crc32(said.encode()))
        case.query = _enter_period(case.query, dice)
        path_before = case.path_parameters
        case.path_parameters = self._enter_path(case.path_parameters, dice)
        if {"method", "identifier"} <= body.keys():
            case.body = self._enter_originals(body, dice)  # assigned, or Schemathesis would not look at it again
        if case.operation.definition.raw["operationId"] == "deleteSearch":
            self._plant(path_before, case.path_parameters, dice)
        if case.operation.definition.raw["operationId"] == "receiveWebhook" and body:
            case.body = self._enter_webhook(body, dice)
        upload_ids = body.get("upload_id")
        if isinstance(upload_ids, list) and dice.random() < 1 / 2:
            for upload_id in upload_ids:
                if isinstance(upload_id, str) and is_uuid(upload_id):
                    self._upload(str(parse_request_id(upload_id)), dice.choice(self.pictures))
        keys = [self.site.api_key] * 14 + ["wrong", ""]
        return {KEY: dice.choice(keys)}

    def _plant(self, before: dict[str, Any], path: dict[str, Any], dice: random.Random) -> None:
        """A finished search of the generated id, to be deleted; the others are still needed."""
        path["request_id"] = before.get("request_id")
        own = (path.get("org_id"), path.get("event_id")) == (self.site.org_id, self.site.event_id)
        if own and is_uuid(path["request_id"]) and dice.random() < 3 / 4:
            search = SearchKey(self.site.org_id, self.site.event_id, parse_request_id(path["request_id"]))
            self._results.enter(search)
            self._results.save(search, SearchSummary(0, 90), [])

    @functools.cached_property
    def _results(self) -> DynamoResultStore:
        return DynamoResultStore(
            Table(self.site.dynamodb, self.site.outputs["TableName"]), retention_days=1, pool=LEAVES
        )

    @functools.cached_property
    def _s3(self) -> Any:
        return self.site.s3  # a new client each time, which takes longer than the request

    def _enter_path(self, path: dict[str, Any], dice: random.Random) -> dict[str, Any]:
        path = dict(path)  # what was generated may be a part of cases to come
        if _is_number(path.get("org_id")) and dice.random() < 15 / 16:
            path["org_id"] = self.site.org_id
        if _is_number(path.get("event_id")) and dice.random() < 15 / 16:
            path["event_id"] = dice.choice([self.site.event_id] * 16 + list(self.other_events))
        if is_uuid(path.get("request_id")) and dice.random() < 3 / 4:
            path["request_id"] = dice.choice(FINISHED)
        if _is_bib(path.get("bib")) and dice.random() < 3 / 4:
            path["bib"] = dice.choice([*BIBS, "f1024"])
        return path

    def _enter_originals(self, body: dict[str, Any], dice: random.Random) -> dict[str, Any]:
        match body["method"], body["identifier"]:
            case "selfie", str(text) if is_uuid(text) and dice.random() < 3 / 4:
                return body | {"identifier": dice.choice(FINISHED)}
            case "bib", str() if dice.random() < 1 / 8:
                return body | {"method": "selfie"}  # of what is hardly ever a UUID, which is invalid in its own way
            case "bib", str(text) if _is_bib(text) and dice.random() < 3 / 4:
                return body | {"identifier": dice.choice(BIBS)}
            case "image_id", str(text) if text and dice.random() < 3 / 4:
                return body | {"method": "image_id", "identifier": dice.choice(self.image_ids)}
            case "image_ids", list(each) if all(isinstance(text, str) for text in each):
                return body | {"identifier": [dice.choice([text, *self.image_ids]) for text in each]}
        return body

    def _enter_webhook(self, body: dict[str, Any], dice: random.Random) -> dict[str, Any]:
        """Addresses that are refused where they are called, and never looked up; pictures that can be searched."""
        picture = base64.b64encode(dice.choice(self.pictures)).decode()
        real = {
            "selfie_url": "https://10.0.0.1/selfie.jpg",
            "callback_url": "https://partner.invalid/",
            "selfie_base64": picture,
        }
        changes: dict[str, Any] = {
            name: value for name, value in real.items() if isinstance(body.get(name), str) and body[name]
        }
        for name in ("selfie_url", "selfie_base64"):
            match body.get(name):
                case list(each) if all(isinstance(text, str) and text for text in each):
                    changes[name] = [real[name]] * len(each)
        if is_uuid(body.get("request_id")) and dice.random() < 3 / 4:
            changes["request_id"] = dice.choice(FINISHED)
        return body | changes

    def _upload(self, upload_id: str, picture: bytes) -> None:
        key = f"uploads/{self.site.org_id}/{self.site.event_id}/{upload_id}"
        self._s3.put_object(Bucket=self.site.outputs["SelfiesBucket"], Key=key, Body=picture)


def _enter_period(query: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """One that begins before it ends, which no schema can say; in every second one the pictures were taken."""
    if not ({"from", "to"} <= query.keys() and _is_time(query["from"], 0) and _is_time(query["to"], 1)):
        return query
    if dice.random() < 1 / 2:
        taken = int(TAKEN.timestamp())
        return query | {"from": taken - dice.randrange(100), "to": taken + 1 + dice.randrange(100)}
    since, until = sorted((int(query["from"]), int(query["to"])))
    since = min(since, MAX_TIME - 1)
    return query | {"from": since, "to": max(until, since + 1)}


def small_pictures() -> st.SearchStrategy[bytes]:
    """Sample photos with a face, small enough to be sent and searched often."""
    return st.sampled_from(PEOPLE).map(small_picture)


@functools.cache
def small_picture(name: str) -> bytes:
    image = Image.open(SAMPLES / name).convert("RGB")
    image.thumbnail((320, 320))
    return encoded(image, "JPEG", exif=exif(DateTimeOriginal=f"{TAKEN:%Y:%m:%d %H:%M:%S}"))


def _is_time(value: Any, least: int) -> bool:
    return _is_number(value) and least <= int(value) < MAX_TIME + least


def _is_number(value: Any) -> bool:
    """Some of what is generated is spelt as it will stand in the path."""
    if isinstance(value, str):
        return re.fullmatch("[0-9]{1,18}", value, re.ASCII) is not None
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18


def _is_bib(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(BIB_PATTERN, value) is not None


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(UUID_PATTERN, value) is not None
