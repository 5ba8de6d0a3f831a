"""docs/openapi.json: what the code generates, the template deploys and the functions route, within the same limits."""

import re
from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest

from facesearch import errors
from facesearch.api.requests import MAX_PAGE, parse_request
from facesearch.models import MAX_TIME, Page
from facesearch.search.quota import NOBODYS
from facesearch_local.functions import functions_of
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tests.unit.api.test_handlers import module_of
from tools.openapi import FILE, document, text
from tools.openapi.operations import OPERATIONS, Operation

DOCUMENT = document()
Routes = set[tuple[str, str]]


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def documented() -> Routes:
    return {(method, path) for method, path, _ in operations()}


def deployed() -> Routes:
    """What the template's events route to functions, OPTIONS aside: that is the browsers' business."""
    template = Template.load(ROOT / "template.yaml", Deployment("stack", "000000000000", "us-east-1"))
    functions = functions_of(template, lambda logical_id, _: logical_id)
    routes = {(route.method, route.path) for function in functions for route in function.routes}
    return {(method, path) for method, path in routes if method != "OPTIONS"}


def registered() -> Routes:
    """What the functions' apps route to their own code."""
    modules = [module_of(file.parent.name) for file in (ROOT / "functions").glob("*/app.py")]
    apps = [module.app for module in modules if hasattr(module, "app")]  # those of queues have no routes
    routes = {(each.method, each.path) for app in apps for each in app._static_routes + app._dynamic_routes}
    return {(method, re.sub("<(.+?)>", r"{\1}", path)) for method, path in routes if method != "OPTIONS"}


def test_the_committed_document_is_what_the_code_generates() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run `make openapi`"


def test_the_document_is_valid() -> None:
    openapi_spec_validator.validate(DOCUMENT)


def test_document_template_and_functions_have_the_same_operations() -> None:
    assert documented() == deployed()
    assert documented() == registered()
    assert len(documented()) == len(OPERATIONS)


def test_every_answer_is_described_and_in_the_envelope() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            assert response["description"]
            name = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert list(schemas[name]["properties"]) == ["responseType", "message", "data"]
            assert set(schemas[name]["required"]) == {"responseType", "message", "data"}
            expected = "success" if status[0] == "2" else "error"
            assert schemas[name]["properties"]["responseType"]["const"] == expected


def test_every_outcome_of_the_code_is_documented_and_so_are_the_gateway_s() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {str(each.status) for each in classes if issubclass(each, errors.FaceSearchError)}
    statuses = [set(operation["responses"]) for _, _, operation in operations()]
    assert set.union(*statuses) == {"200", "201", "202", *codes, "502", "504"}
    assert set.intersection(*statuses) == {"401", "403", "404", "422", "429", "500", "502", "504"}


@pytest.mark.parametrize("operation", [operation for _, _, operation in operations()], ids=lambda o: o["operationId"])
def test_the_headers_are_documented_where_they_are_sent(operation: Any) -> None:
    is_search = operation["operationId"] == "searchFaces"
    replays = is_search or operation["operationId"] in {"receiveWebhook", "watchSearch"}
    for status, response in operation["responses"].items():
        headers = set(response.get("headers", {}))
        assert ("Retry-After" in headers) == (status == "429")
        assert ("Face-Search-Error" in headers) == (status[0] != "2")
        assert (headers >= NOBODYS.keys()) == is_search
        assert ("Idempotent-Replayed" in headers) == (replays and status[0] == "2")
        assert ("Selfie-Faces" in headers) == (is_search and status[0] == "2")


LIMITS = dict.fromkeys(("searchFaces", "getFaces", "listImages", "listPhotosOfBib", "getTimelineImages"), (32, 100))
LIMITS |= {"getOriginalPhotos": (30, 60), "listEvents": (10, 100)}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_pages_have_the_promised_limits_and_what_reads_the_query_keeps_to_them(operation: Operation) -> None:
    described = DOCUMENT["paths"][operation.route][operation.method.lower()]["parameters"]
    schemas = {each["name"]: each["schema"] for each in described if each["in"] == "query"}
    if operation.id not in LIMITS:
        assert (schemas, operation.query) == ({}, None)
        return
    default, most = LIMITS[operation.id]
    period = {"from": "0", "to": str(MAX_TIME)} if operation.id == "getTimelineImages" else {}
    for name, least, most_of_it in (("from", 0, MAX_TIME - 1), ("to", 1, MAX_TIME)) if period else ():
        schema = schemas.pop(name)
        assert (schema["type"], schema["minimum"], schema["maximum"]) == ("integer", least, most_of_it)
    assert schemas == {
        "page": {"type": "integer", "default": 1, "minimum": 1, "maximum": MAX_PAGE},
        "page_size": {"type": "integer", "default": default, "minimum": 1, "maximum": most},
    }
    for name, schema in schemas.items():
        for value, fits in ((0, False), (1, True), (schema["maximum"], True), (schema["maximum"] + 1, False)):
            asked = parse_request({"org_id": "1"}, period | {name: str(value)}, operation.query)
            assert (asked.problem is None) is fits
    assert parse_request({"org_id": "1"}, period, operation.query).page == Page(1, default)
