"""docs/openapi.json: what the code generates, the template deploys and the functions route, within the same limits."""

import importlib.util
import re
from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest

from facesearch import errors
from facesearch.api.requests import MAX_PAGE, PageQuery, parse_request
from facesearch.search.quota import NOBODYS
from facesearch.validation import parse_request_id
from facesearch_local.functions import functions_of
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
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
    routes: Routes = set()
    for file in (ROOT / "functions").glob("*/app.py"):
        spec = importlib.util.spec_from_file_location(f"functions_{file.parent.name}_app", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        app = getattr(module, "app", None)  # indexing has no routes
        if app is not None:
            routes |= {(route.method, route.path) for route in app._static_routes + app._dynamic_routes}
    return {(method, re.sub("<(.+?)>", r"{\1}", path)) for method, path in routes if method != "OPTIONS"}


def test_the_committed_document_is_what_the_code_generates() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run `make openapi`"


def test_the_document_is_valid() -> None:
    openapi_spec_validator.validate(DOCUMENT)


def test_document_template_and_functions_have_the_same_operations() -> None:
    assert documented() == deployed()
    assert documented() == registered()
    assert len(documented()) == len(OPERATIONS)


def test_every_operation_can_be_told_from_the_others() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z][a-zA-Z]+", each) for each in ids)


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
    assert set.union(*statuses) == {"200", "202", *codes, "502", "504"}
    assert set.intersection(*statuses) == {"401", "403", "404", "422", "429", "500", "502", "504"}


@pytest.mark.parametrize("operation", [operation for _, _, operation in operations()], ids=lambda o: o["operationId"])
def test_the_headers_are_documented_where_they_are_sent(operation: Any) -> None:
    is_search = operation["operationId"] == "searchFaces"
    replays = is_search or operation["operationId"] == "receiveWebhook"
    for status, response in operation["responses"].items():
        headers = set(response.get("headers", {}))
        assert ("Retry-After" in headers) == (status == "429")
        assert (headers >= NOBODYS.keys()) == is_search
        assert ("Idempotent-Replayed" in headers) == (replays and status[0] == "2")


LIMITS = {
    "searchFaces": (32, 100),
    "getFaces": (32, 100),
    "listImages": (32, 100),
    "getOriginalPhotos": (30, 60),
    "listEvents": (10, 100),
}


def test_pages_have_the_promised_limits() -> None:
    assert {operation.id for operation in OPERATIONS if operation.query is not None} == LIMITS.keys()
    for _, _, operation in operations():
        parameters = {each["name"]: each["schema"] for each in operation["parameters"] if each["in"] == "query"}
        if operation["operationId"] in LIMITS:
            default, maximum = LIMITS[operation["operationId"]]
            assert parameters["page_size"] == {
                "type": "integer",
                "default": default,
                "minimum": 1,
                "maximum": maximum,
            }
            assert parameters["page"] == {"type": "integer", "default": 1, "minimum": 1, "maximum": MAX_PAGE}
        else:
            assert not parameters


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.query is not None], ids=lambda o: o.id)
def test_what_reads_the_query_keeps_to_the_documented_limits(operation: Operation) -> None:
    described = DOCUMENT["paths"][operation.route][operation.method.lower()]["parameters"]
    for parameter in described:
        if parameter["in"] == "query":
            schema = parameter["schema"]
            for inside in (schema["minimum"], schema["maximum"]):
                assert problem_of(operation.query, parameter["name"], inside) is None
            for outside in (schema["minimum"] - 1, schema["maximum"] + 1):
                assert problem_of(operation.query, parameter["name"], outside) is not None
    asked = parse_request({"org_id": "1"}, {}, operation.query).page
    assert (asked.number, asked.size) == (1, LIMITS[operation.id][0])


def problem_of(query: type[PageQuery] | None, name: str, value: int) -> errors.FaceSearchError | None:
    return parse_request({"org_id": "1"}, {name: str(value)}, query).problem


@pytest.mark.parametrize(
    "form",
    [
        "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31",
        "6F0C2F52-19B7-4C1F-8A55-0D4C5B7A9E31",
        "6f0c2f5219b74c1f8a550d4c5b7a9e31",
        "urn:uuid:6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31",
        "URN:UUID:6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31",
    ],
)
def test_the_documented_pattern_admits_every_form_of_a_uuid_that_is_read(form: str) -> None:
    path = next(operation for _, _, operation in operations() if operation["operationId"] == "getFaces")
    (pattern,) = (each["schema"]["pattern"] for each in path["parameters"] if each["name"] == "request_id")
    assert re.search(pattern, form)
    assert str(parse_request_id(form)) == "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31"
