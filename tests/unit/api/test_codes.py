"""Every outcome has a code, which the API promises, and every failure is sent with it."""

import ast
import re

import pytest

from facesearch import errors
from facesearch.adapters.dynamodb.table import Conflict
from facesearch.api.envelope import ERROR, failure
from facesearch.errors import FaceSearchError
from tests.conftest import ROOT
from tests.support.codes import CODES, outcomes

KINDS = {errors.Forbidden, errors.NotFound}
"""What several outcomes have in common; none of the API's is only that."""
EXPECTED = {
    "InvalidRequestId": "invalid",
    "UnusableImage": "unusable_image",
    "CostlyImage": "unusable_image",
    "UnreadableBody": "invalid",
    "SelfieUnavailable": "unusable_image",
    "UnknownUpload": "unknown_upload",
    "NoSuchImages": "no_images",
    "NoFaceFound": "no_face",
    "OtherPerson": "other_person",
    "MissingKey": "no_key",
    "NotSigned": "no_key",
    "UnknownKey": "key_unknown",
    "WrongOrganisation": "wrong_organisation",
    "WrongEvent": "wrong_event",
    "ScopeMissing": "scope",
    "UnknownToken": "token_unknown",
    "ExpiredToken": "token_expired",
    "WrongOrigin": "origin",
    "NotForTokens": "not_for_tokens",
    "EventOff": "event_off",
    "SearchOff": "search_off",
    "SearchOver": "search_over",
    "FaceSetMissing": "search_off",
    "NoSuchRoute": "no_route",
    "NoSuchEvent": "no_event",
    "NoSuchSearch": "no_search",
    "SearchDeleted": "no_search",
    "TooLarge": "too_large",
    "InvalidRequest": "invalid",
    "ConsentNeeded": "consent_needed",
    "Busy": "throttled",
    "Throttled": "throttled",
    "Conflict": "throttled",
    "SearchInProgress": "in_progress",
    "QuotaExceeded": "quota",
    "TokenQuotaExceeded": "token_quota",
    "EngineBusy": "engine_busy",
    "GalleryLoading": "in_progress",
    "FaceSearchError": "internal",
    "Forbidden": "internal",
    "NotFound": "internal",
}
MADE = [
    *(each("A sentence.") for each in outcomes() if each not in KINDS and "message" in each.__init__.__annotations__),
    errors.CostlyImage(),
    errors.ConsentNeeded(),
    errors.FaceSetMissing("vectors"),
    errors.Throttled("Query", "ThrottlingException"),
    Conflict("TransactWriteItems", "TransactionConflictException"),
]


def test_each_outcome_has_its_code() -> None:
    assert {each.__name__: each.code for each in outcomes()} == EXPECTED
    assert {type(each) for each in MADE} == set(outcomes()) - KINDS


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_a_failure_is_sent_with_its_code(error: FaceSearchError) -> None:
    assert failure(error).headers[ERROR] == EXPECTED[type(error).__name__]


def test_whatever_else_goes_wrong_is_internal() -> None:
    assert failure(errors.StoreUnavailable("GetItem", "InternalServerError")).headers[ERROR] == "internal"
    headers = failure(KeyError("x"), {"RateLimit-Reset": "1"}).headers
    assert (headers[ERROR], headers["RateLimit-Reset"]) == ("internal", "1")


def test_no_function_refuses_by_a_class_without_a_code() -> None:
    """What the command line alone is told may be a plain NotFound."""
    places = [
        ROOT / "functions",
        *(ROOT / "layers/facesearch/facesearch" / name for name in ("api", "search", "webhooks")),
    ]
    modules = [path for place in places for path in place.rglob("*.py")]
    modules += [ROOT / "layers/facesearch/facesearch/models.py"]
    made = {
        node.func.id
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert made & {"NoSuchRoute", "EventOff"} == {"NoSuchRoute", "EventOff"}
    assert not made & {each.__name__ for each in KINDS}


def test_the_codes_are_those_that_are_documented() -> None:
    text = (ROOT / "docs" / "integrating" / "api.md").read_text(encoding="utf-8")
    table = text[text.index("`Face-Search-Error`") :].partition("\n## ")[0]
    assert set(re.findall("^\\| `([a-z_]+)`", table, re.MULTILINE)) == CODES
