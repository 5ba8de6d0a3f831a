"""What the layers know of AWS is enough: clients resolve and send what they would with botocore's own files."""

import datetime as dt
import re
import shutil
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.loaders import Loader

from facesearch.adapters import aws
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tools.policies import grants
from tools.service_models import ALLOWED_WITH, TEMPLATE, cut_down, operations

MAKEFILE = (ROOT / "layers" / "dependencies" / "Makefile").read_text()
SERVICES = MAKEFILE.partition("SERVICES := ")[2].partition("\n")[0].split()
REGIONS = ("eu-central-1", "us-gov-west-1", "cn-north-1")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own, data = Path(botocore.__file__).parent / "data", tmp_path_factory.mktemp("botocore") / "data"
    data.mkdir()
    for path in own.iterdir():
        if path.is_file():
            shutil.copy(path, data)
        elif path.name in SERVICES:
            shutil.copytree(path, data / path.name)
    cut_down(data)
    return data


def client_of(service: str, region: str, data: Path | None, config: Config | None = None) -> Any:
    session = botocore.session.Session()
    if data is not None:
        loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
        session.register_component("data_loader", loader)
    return session.create_client(service, region, aws_access_key_id="a", aws_secret_access_key="s", config=config)


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_is_the_same(data: Path, service: str) -> None:
    """But for what functions may not call."""

    def described(data: Path | None, region: str) -> object:
        client = client_of(service, region, data)
        model = client.meta.service_model
        wanted = operations(service)
        calls = [model.operation_model(name) for name in model.operation_names if wanted is None or name in wanted]
        return (
            client.meta.endpoint_url,
            client.meta.partition,
            model.metadata,
            [(each.name, each.http, each.auth_type, each.static_context_parameters) for each in calls],
            [
                sorted(shape.members)
                for each in calls
                for shape in (each.input_shape, each.output_shape, *each.error_shapes)
                if shape is not None
            ],
            [parameter.name for parameter in model.client_context_parameters],
        )

    for region in REGIONS:
        assert described(data, region) == described(None, region)


def known(service: str, data: Path | None) -> set[str]:
    return set(client_of(service, "eu-central-1", data).meta.service_model.operation_names)


@pytest.mark.parametrize("service", ALLOWED_WITH)
def test_it_knows_what_functions_may_call_and_little_else(data: Path, service: str) -> None:
    template = Template.load(TEMPLATE, Deployment("stack", "000000000000", "us-east-1", {"FaceSets": "exact,vectors"}))
    allowed = {grant.action for grant in grants(template) if grant.action.startswith(f"{service}:")}
    assert allowed
    assert not any("*" in action for action in allowed)
    named = {action.removeprefix(f"{service}:") for action in allowed} & known(service, None)
    assert known(service, data) == named | ALLOWED_WITH[service]


@pytest.mark.parametrize(("service", "words"), [("dynamodb", {"Scan"}), ("s3", set[str]())])
def test_it_knows_whatever_the_product_names(data: Path, service: str, words: set[str]) -> None:
    """By its method's name, wherever it is; `words` are ordinary ones besides."""
    source = "".join(path.read_text() for path in (ROOT / "layers/facesearch/facesearch").rglob("*.py"))
    named = {name for name in known(service, None) if re.search(rf"\b{xform_name(name)}\b", source)}
    assert len(named) > 5
    assert named - known(service, data) == words


def test_links_and_forms_are_signed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: now.replace(tzinfo=None))
    monkeypatch.setattr("botocore.signers.get_current_datetime", lambda remove_tzinfo=True: now.replace(tzinfo=None))

    def signed(data: Path | None) -> tuple[str, Any]:
        s3 = client_of("s3", "eu-central-1", data, aws.S3)
        link = s3.generate_presigned_url("get_object", {"Bucket": "photos", "Key": "k"})
        return link, s3.generate_presigned_post("photos", "k")

    assert signed(data) == signed(None)
    assert "X-Amz-Signature=" in signed(data)[0]


def test_they_are_a_tenth_and_zipped_nowhere(data: Path) -> None:
    assert not list(data.rglob("*.gz"))
    assert (data / "endpoints.json").stat().st_size < 100_000
