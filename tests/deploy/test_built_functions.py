"""The built functions handle every file of events/, on Python 3.13 and on Lambda's own paths."""

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch_local import stores
from facesearch_local.functions import Function
from facesearch_local.workers import environment
from tests.conftest import ROOT
from tests.deploy.functions import Background, Functions
from tools import built

EVENTS = sorted((ROOT / "events").glob("*.json"))
UPLOAD = "a4402318-0cf4-5e1e-b8e8-ac8e8f2fc244/finish line (1).jpg"
"""Of events/indexing.json, below the organisation's and the event's ids."""
FIRST = ("indexing", "search", "results")
"""A photo must be indexed before it is found, and a search made before it is read; the other functions come after."""
STATUSES = {"results-preflight": 204, "search": 400, "webhook": 401}
"""Of the events that are requests and not 200: `search` has a grey square for a selfie, `webhook` an old signature."""


@dataclass(frozen=True)
class Shipped:
    """The functions, and what the events are about."""

    functions: Functions
    org_id: int
    event_id: int
    api_key: str
    selfie: bytes

    def event(self, name: str, *, selfie: bool = False) -> Any:
        """A sample event about this world; with a picture of somebody in it, where the sample has a grey square."""
        text = (ROOT / "events" / f"{name}.json").read_text().replace("example-key", self.api_key)
        text = re.sub(r"\b903\b", str(self.org_id), text)
        text = re.sub(r"\b456\b", str(self.event_id), text)
        text = text.replace('\\"name\\":\\"photos\\"', f'\\"name\\":\\"{self.functions.names["PhotosBucket"]}\\"')
        event = json.loads(text)
        if selfie:  # the body's last part
            body = base64.b64decode(event["body"])
            head, closing = body.rpartition(b"\r\n\r\n")[0], body[body.rindex(b"\r\n--") :]
            event["body"] = base64.b64encode(head + b"\r\n\r\n" + self.selfie + closing).decode()
        return event

    def invoke(self, name: str, *, selfie: bool = False) -> Any:
        function = name.partition("-")[0]
        try:
            return self.functions.invoke(function, self.event(name, selfie=selfie))
        except Exception as error:  # noqa: BLE001 - whatever failed, the function's log says why
            pytest.fail(f"{name}: {error!r}\n{self.functions.log(function)[-4000:]}")


@pytest.fixture(scope="session")
def host(native: Path, tmp_path_factory: pytest.TempPathFactory) -> built.Host:
    python = built.python313()
    if python is None:
        pytest.skip("no Python 3.13 in PATH, of pyenv or of uv: the built functions cannot be run here")
    runtime = tmp_path_factory.mktemp("runtime")
    built.install_runtime(runtime)
    return built.host(python, runtime, native, ROOT)


@pytest.fixture(scope="session")
def opt(native: Path) -> Callable[[Function], Path]:
    """What a function sees in /opt."""

    @cache
    def merged(layers: tuple[Path, ...]) -> Path:
        folder = native.with_name(f"{native.name}-opt") / "-".join(layer.name for layer in layers)
        built.merge(layers, folder)
        return folder

    return lambda function: merged(tuple(layer for layer in function.import_path if layer.is_relative_to(native)))


@pytest.fixture(scope="session")
def shipped(
    ministack: stores.Store,
    native: Path,
    host: built.Host,
    opt: Callable[[Function], Path],
    background: Background,
    samples: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shipped]:
    """The built functions, an organisation, a key, an event, and a photo that waits to be indexed."""
    scratch = tmp_path_factory.mktemp("built")
    functions = Functions(native / "template.yaml", ministack.endpoint_url, scratch, background)
    functions.start(host, opt)
    admin = DynamoAdmin(functions.clients.dynamodb, functions.names["Table"])
    org_id = admin.create_org("Marathon Photos")
    key, event_id = admin.create_key(org_id).api_key, admin.create_event(org_id, "Marathon")
    functions.clients.s3.put_object(
        Bucket=functions.names["PhotosBucket"],
        Key=f"{org_id}/{event_id}/{UPLOAD}",
        Body=(samples / "obama.jpg").read_bytes(),
    )
    yield Shipped(functions, org_id, event_id, key, (samples / "obama2.jpg").read_bytes())
    functions.stop()


def test_the_functions_have_lambdas_own_paths_and_their_bytecode(
    host: built.Host, shipped: Shipped, opt: Callable[[Function], Path]
) -> None:
    if not host.is_faithful:
        pytest.skip(
            "this machine gives no mount namespace (or keeps Python below /opt or /var), so the built functions ran "
            "with their layers and code where they lie instead of in /opt and /var/task"
        )
    search = shipped.functions.functions["search"]
    code, layers = search.code.resolve(), opt(search)
    script = (
        "import json, os, sys; import app, cv2, boto3, facesearch, numpy; "
        "print(json.dumps({m.__name__: [m.__file__, os.path.exists(m.__cached__)] "
        "for m in (cv2, boto3, facesearch, numpy)} | {'app': app.__file__, 'version': sys.version_info[:2]}))"
    )
    variables = environment(search, shipped.functions.surroundings, 0) | host.environment(code, layers)
    done = subprocess.run(host.command(code, layers, "-c", script), env=variables, check=True, capture_output=True)
    assert json.loads(done.stdout) == {
        "app": "/var/task/app.py",
        "version": [3, 13],
        **{name: [f"/opt/python/{name}/__init__.py", True] for name in ("cv2", "boto3", "facesearch", "numpy")},
    }


def test_the_functions_handle_every_sample_event(shipped: Shipped) -> None:
    names = [path.stem for path in EVENTS]
    assert {name.partition("-")[0] for name in names} == set(shipped.functions.functions)
    order = {function: place for place, function in enumerate(FIRST)}
    for name in sorted(names, key=lambda name: order.get(name.partition("-")[0], len(FIRST))):
        response = shipped.invoke(name)
        if "statusCode" in (response or {}):
            assert response["statusCode"] == STATUSES.get(name, 200), name
        else:
            assert response in (None, {"batchItemFailures": []}), name
        if name == "search":
            assert shipped.invoke(name, selfie=True)["statusCode"] == 200


def test_the_search_finds_the_photo_that_indexing_has_indexed(shipped: Shipped) -> None:
    gallery = json.loads(shipped.invoke("results-images")["body"])
    assert gallery["data"]["pagination"]["total"] == 1
    shipped.invoke("search", selfie=True)  # once more, should the sample events have deleted it
    again = shipped.invoke("search", selfie=True)
    assert again["multiValueHeaders"]["Idempotent-Replayed"] == ["true"]
    assert json.loads(again["body"])["data"]["images"] == gallery["data"]["images"]
