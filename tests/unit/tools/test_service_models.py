"""What the layers know of AWS is enough: clients resolve and send what they would with botocore's own files."""

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
from tests.conftest import ROOT
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
        wanted = operations(service, TEMPLATE.read_text())
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


@pytest.mark.parametrize("service", ALLOWED_WITH)
def test_it_knows_what_functions_may_call_and_nothing_else(data: Path, service: str) -> None:
    known = set(client_of(service, "eu-central-1", data).meta.service_model.operation_names)
    every = set(client_of(service, "eu-central-1", None).meta.service_model.operation_names)
    allowed = set(re.findall(rf"{service}:(\w+)", TEMPLATE.read_text()))
    assert known == every & (allowed | ALLOWED_WITH[service])
    assert len(known) < len(every) / 4


@pytest.mark.parametrize("service", ALLOWED_WITH)
def test_it_knows_whatever_adapters_name(data: Path, service: str) -> None:
    """A name that is put together is of a permission; this is for those that have none of their own."""
    known = client_of(service, "eu-central-1", data).meta.service_model.operation_names
    every = client_of(service, "eu-central-1", None).meta.service_model.operation_names
    source = "".join(path.read_text() for path in (ROOT / "layers/facesearch/facesearch/adapters").rglob("*.py"))
    named = {name for name in every if re.search(rf"client\.{xform_name(name)}\(|s3\.{xform_name(name)}\(", source)}
    assert named
    assert named <= set(known)


def test_links_and_forms_are_signed(data: Path) -> None:
    def signed(data: Path | None) -> tuple[str, str]:
        s3 = client_of("s3", "eu-central-1", data, aws.S3)
        link = s3.generate_presigned_url("get_object", {"Bucket": "photos", "Key": "k"})
        return link.partition("?")[0], s3.generate_presigned_post("photos", "k")["url"]

    assert signed(data) == signed(None)


def test_they_are_a_tenth_and_zipped_nowhere(data: Path) -> None:
    assert not list(data.rglob("*.gz"))
    assert (data / "endpoints.json").stat().st_size < 100_000
