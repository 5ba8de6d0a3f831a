"""What the layers know of AWS is enough: clients resolve and send what they would with botocore's own files."""

import shutil
from pathlib import Path

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader

from tests.conftest import ROOT
from tools.service_models import cut_down

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


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_is_the_same(data: Path, service: str) -> None:
    def described(loader: Loader | None, region: str) -> object:
        session = botocore.session.Session()
        if loader is not None:
            session.register_component("data_loader", loader)
        client = session.create_client(service, region, aws_access_key_id="a", aws_secret_access_key="s")
        model = client.meta.service_model
        operations = [model.operation_model(name) for name in model.operation_names]
        return (
            client.meta.endpoint_url,
            client.meta.partition,
            model.metadata,
            [(each.name, each.http, each.auth_type, each.static_context_parameters) for each in operations],
            [
                sorted(shape.members)
                for each in operations
                for shape in (each.input_shape, each.output_shape)
                if shape is not None
            ],
            [parameter.name for parameter in model.client_context_parameters],
        )

    cut = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    for region in REGIONS:
        assert described(cut, region) == described(None, region)


def test_they_are_a_tenth_and_zipped_nowhere(data: Path) -> None:
    assert not list(data.rglob("*.gz"))
    assert (data / "endpoints.json").stat().st_size < 100_000
