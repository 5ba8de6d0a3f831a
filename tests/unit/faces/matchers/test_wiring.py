"""The engine that a stack's parameter names is the one that its functions are made of, and may call."""

from typing import Any

import pytest

from facesearch.adapters.rekognition import Collections, RekognitionMatcher
from facesearch.bootstrap import Container
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch_local.stack import ACCOUNT, STACK_NAME
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tools.policies import grants

ASKS = {
    "SearchFunction": {"SearchFacesByImage", "DetectFaces", "CompareFaces"},
    "SearchJobsFunction": {"SearchFacesByImage", "DetectFaces", "CompareFaces"},
    "IndexingFunction": {
        *("CreateCollection", "IndexFaces", "ListFaces", "DeleteFaces", "DescribeCollection", "DeleteCollection"),
    },
    "SnapshotsFunction": {"DescribeCollection", "DeleteCollection"},
}


def parts_of(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Container:
    for name, value in {"TABLE_NAME": "t", "SNAPSHOTS_BUCKET": "s", **settings}.items():
        monkeypatch.setenv(name, value)
    return Container()


def test_the_engine_is_the_embedded_one_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of(monkeypatch)
    assert isinstance(parts._matcher, EmbeddedMatcher)
    assert (parts._collections, parts._outside_indexing) == (None, None)


def test_rekognition_searches_indexes_and_ends_events_under_the_stack_s_own_prefix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = parts_of(monkeypatch, ENGINE="rekognition", COLLECTION_PREFIX="live.")
    assert isinstance(parts._matcher, RekognitionMatcher)
    outside = parts._outside_indexing
    assert outside is not None
    assert isinstance(outside.faces, Collections)
    assert outside.faces.name(7) == "live.7"
    assert parts.face_retention._outside is outside.faces


def test_without_a_prefix_nothing_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="COLLECTION_PREFIX is not set"):
        parts_of(monkeypatch, ENGINE="rekognition")._matcher  # noqa: B018 - it is built when it is asked for


@pytest.mark.parametrize("engine", ["embedded", "rekognition"])
def test_each_function_may_call_what_it_calls_on_this_stack_s_collections_alone(engine: str) -> None:
    deployment = Deployment(STACK_NAME, ACCOUNT, "us-east-1", {"Engine": engine})
    allowed: dict[str, set[str]] = {}
    for grant in grants(Template.load(ROOT / "template.yaml", deployment)):
        service, _, operation = grant.action.partition(":")
        if service == "rekognition":
            allowed.setdefault(grant.function, set()).add(operation)
            everything = operation in {"DetectFaces", "CompareFaces"}  # they take pictures and nothing else
            assert grant.resources == (("*",) if everything else (f"collection/{STACK_NAME}.*",))
    assert allowed == (ASKS if engine == "rekognition" else {})


def test_the_functions_are_told_the_engine_and_the_prefix() -> None:
    deployment = Deployment(STACK_NAME, ACCOUNT, "us-east-1", {"Engine": "rekognition"})
    template = Template.load(ROOT / "template.yaml", deployment)
    for function in template.of_type("AWS::Serverless::Function"):
        variables: dict[str, Any] = function.properties["Environment"]["Variables"]
        if function.id in ASKS:
            prefix = template.resolve(variables["COLLECTION_PREFIX"], lambda *_: None)
            assert (template.resolve(variables["ENGINE"], lambda *_: None), prefix) == (
                "rekognition", f"{STACK_NAME}.",
            )  # fmt: skip
        else:
            assert "ENGINE" not in variables
