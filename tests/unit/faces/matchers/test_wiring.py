"""What a stack's parameters name is what its functions are made of, and may call."""

from dataclasses import replace
from typing import Any

import pytest

from facesearch.adapters.rekognition.collections import RekognitionFaces
from facesearch.adapters.rekognition.matcher import RekognitionMatcher
from facesearch.bootstrap import Container
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.exact_set import ExactFaces
from facesearch.faces.matching import ChosenMatcher
from facesearch.faces.vector_set import VectorFaces
from facesearch.models import Event, FaceSet, FaceSetKind
from facesearch_local.stack import ACCOUNT, STACK_NAME
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tests.support.fakes import EVENT
from tests.unit.faces.sets.bench import EVERY
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


def event_of(faces: FaceSet) -> Event:
    return replace(EVENT, faces=faces, vector_table="f")


def test_an_event_is_searched_by_the_matcher_of_its_live_face_set(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of(monkeypatch, COLLECTION_PREFIX="live.")
    matcher = parts._matcher
    assert isinstance(matcher, ChosenMatcher)
    for kind in FaceSetKind:
        is_ours = kind is not FaceSetKind.REKOGNITION
        assert isinstance(matcher.of(kind), EmbeddedMatcher if is_ours else RekognitionMatcher)
        assert matcher.probe_is_paid(event_of(FaceSet("any", kind))) != is_ours


def test_a_deployment_keeps_faces_where_it_has_a_name_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = parts_of(monkeypatch).face_sets
    assert (sets.vectors, sets.rekognition) == (None, None)
    sets = parts_of(monkeypatch, COLLECTION_PREFIX="live.", FACES_TABLE_NAME="f").face_sets
    stores = {face_set.kind: sets.open(event_of(face_set), face_set) for face_set in EVERY}
    assert isinstance(stores[FaceSetKind.EXACT], ExactFaces)
    assert isinstance(stores[FaceSetKind.VECTORS], VectorFaces)
    collection = stores[FaceSetKind.REKOGNITION]
    assert isinstance(collection, RekognitionFaces)
    assert collection.name == f"live.{EVENT.event_id}"


@pytest.mark.parametrize("sets", ["exact", "exact,vectors", "exact,rekognition", "exact,vectors,rekognition"])
def test_each_function_may_call_what_it_calls_on_this_stack_s_collections_alone(sets: str) -> None:
    deployment = Deployment(STACK_NAME, ACCOUNT, "us-east-1", {"FaceSets": sets})
    allowed: dict[str, set[str]] = {}
    for grant in grants(Template.load(ROOT / "template.yaml", deployment)):
        service, _, operation = grant.action.partition(":")
        if service == "rekognition":
            allowed.setdefault(grant.function, set()).add(operation)
            everything = operation in {"DetectFaces", "CompareFaces"}  # they take pictures and nothing else
            assert grant.resources == (("*",) if everything else (f"collection/{STACK_NAME}.*",))
    assert allowed == (ASKS if "rekognition" in sets else {})


def test_the_functions_are_told_the_prefix() -> None:
    deployment = Deployment(STACK_NAME, ACCOUNT, "us-east-1", {"FaceSets": "exact,rekognition"})
    template = Template.load(ROOT / "template.yaml", deployment)
    for function in template.of_type("AWS::Serverless::Function"):
        variables: dict[str, Any] = function.properties["Environment"]["Variables"]
        if function.id in ASKS:
            prefix = template.resolve(variables["COLLECTION_PREFIX"], lambda *_: None)
            assert (template.resolve(variables["ENGINE"], lambda *_: None), prefix) == (
                "embedded", f"{STACK_NAME}.",
            )  # fmt: skip
        else:
            assert "ENGINE" not in variables
