"""The built functions handle every file of events/, on Python 3.13 and on Lambda's own paths."""

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.table import Table
from facesearch.admin.models import Features
from facesearch.models import Watermark
from facesearch_local import stores
from facesearch_local.clients import aws_environment, make_clients
from facesearch_local.functions import Function, functions_of
from facesearch_local.resources import Resources
from facesearch_local.template import Deployment, Template
from facesearch_local.workers import Surroundings, environment
from tests.conftest import ROOT
from tests.deploy.cloud import ACCOUNT
from tools import built

EVENTS = sorted((ROOT / "events").glob("*.json"))
UPLOAD = "a4402318-0cf4-5e1e-b8e8-ac8e8f2fc244/finish line (1).jpg"
"""Of events/indexing.json, below the organisation's and the event's ids."""
SUGGESTIONS = {
    "ApiBaseUrl": "https://api.example",
    "RenditionsBaseUrl": "https://renditions.example",
    "FaceSets": "exact,vectors",
}
FIRST = ("indexing", "search", "results")
"""A photo must be indexed before it is found, and a search made before it is read; the other functions come after."""
STATUSES = {"results-preflight": 204, "search": 400, "webhook": 401, "webhook-tokens": 403, "webhook-watch": 404}
"""Of the events that are requests and not 200: `search` has a grey square for a selfie, `webhook` an old signature, the
key is not good for making tokens, and the search to be watched was deleted by the event before."""
HANDLED = """
import json, sys, types
from app import handler
event = json.load(sys.stdin)
context = types.SimpleNamespace(
    aws_request_id="r", function_name="f", memory_limit_in_mb=1769, invoked_function_arn=sys.argv[1],
    get_remaining_time_in_millis=lambda: 28_000)
print("\\n" + json.dumps(handler(event, context)))
"""
IMPORTED = """
import json, os, sys
import app, cv2, botocore, facesearch, numpy
found = {m.__name__: [m.__file__, os.path.exists(m.__cached__)] for m in (cv2, botocore, facesearch, numpy)}
print(json.dumps(found | {"app": app.__file__, "version": sys.version_info[:2]}))
"""


@cache
def merged(build: Path, layers: tuple[Path, ...]) -> Path:
    """What a function with these layers sees in /opt."""
    opt = build.with_name(f"{build.name}-opt") / "-".join(layer.name for layer in layers)
    built.merge(layers, opt)
    return opt


@dataclass(frozen=True)
class Shipped:
    """The built functions over resources of their own, and what the events are about."""

    host: built.Host
    build: Path
    functions: dict[str, Function]
    names: Mapping[str, str]
    surroundings: Surroundings
    org_id: int
    event_id: int
    api_key: str
    selfie: bytes

    def event(self, name: str, *, selfie: bool = False) -> Any:
        """A sample event about this world; with a picture of somebody in it, where the sample has a grey square."""
        text = (ROOT / "events" / f"{name}.json").read_text().replace("example-key", self.api_key)
        text = re.sub(r"\b903\b", str(self.org_id), text)
        text = re.sub(r"\b456\b", str(self.event_id), text)
        text = text.replace('\\"name\\":\\"photos\\"', f'\\"name\\":\\"{self.names["PhotosBucket"]}\\"')
        event = json.loads(text)
        if selfie:  # the body's last part
            body = base64.b64decode(event["body"])
            head, closing = body.rpartition(b"\r\n\r\n")[0], body[body.rindex(b"\r\n--") :]
            event["body"] = base64.b64encode(head + b"\r\n\r\n" + self.selfie + closing).decode()
        return event

    def run(self, name: str, script: str, event: Any = None) -> Any:
        """What the script prints last in a new environment of the function, as JSON."""
        function = self.functions[name]
        code = function.code.resolve()
        opt = merged(self.build, tuple(each for each in function.import_path if self.build in each.parents))
        variables = environment(function, self.surroundings, 0) | self.host.environment(code, opt)
        command = self.host.command(code, opt, "-c", script, function.arn)
        asked = json.dumps(event)
        done = subprocess.run(
            command, cwd=code, env=variables, input=asked, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{name}: {(done.stdout + done.stderr)[-4000:]}"
        return json.loads(done.stdout.splitlines()[-1])

    def invoke(self, name: str, *, selfie: bool = False) -> Any:
        """The response to a sample event."""
        return self.run(name.partition("-")[0], HANDLED, self.event(name, selfie=selfie))


@pytest.fixture(scope="session")
def shipped(ministack: stores.Store, native: Path, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """With an organisation, a key, an event whose bibs are read and previews marked, and a photo that waits."""
    python = built.python313()
    if python is None:
        pytest.skip("no Python 3.13 in PATH, of pyenv or of uv: the built functions cannot be run here")
    runtime = tmp_path_factory.mktemp("runtime")
    built.install_runtime(runtime)
    aws = aws_environment(ministack.endpoint_url, is_ours=True)
    deployment = Deployment("lambda", ACCOUNT, aws["AWS_REGION"], {}, SUGGESTIONS)
    template, clients = Template.load(native / "template.yaml", deployment), make_clients(aws)
    resources = Resources(template, clients)
    resources.create()
    names, functions = resources.names(), {each.name: each for each in functions_of(template, resources.lookup)}
    admin = DynamoAdmin(Table(clients.dynamodb, names["Table"]))
    org_id = admin.create_org("Marathon Photos")
    everything: Features = {"bib_search": True, "timeline_search": True}
    key, event_id = admin.create_key(org_id).api_key, admin.create_event(org_id, "Marathon", features=everything)
    admin.update_event(event_id, watermark=Watermark(text="© Marathon"))
    photo = (samples / "obama.jpg").read_bytes()
    clients.s3.put_object(Bucket=names["PhotosBucket"], Key=f"{org_id}/{event_id}/{UPLOAD}", Body=photo)
    surroundings = Surroundings(aws=aws, overrides={}, scratch=tmp_path_factory.mktemp("built"), runtime="plain")
    host, selfie = built.host(python, runtime, native, ROOT), (samples / "obama2.jpg").read_bytes()
    return Shipped(host, native, functions, names, surroundings, org_id, event_id, key, selfie)


def test_the_functions_have_lambdas_own_paths_and_their_bytecode(shipped: Shipped) -> None:
    if not shipped.host.is_faithful:
        pytest.skip(
            "this machine gives no mount namespace (or keeps Python below /opt or /var), so the built functions ran "
            "with their layers and code where they lie instead of in /opt and /var/task"
        )
    assert shipped.run("search", IMPORTED) == {
        "app": "/var/task/app.py",
        "version": [3, 13],
        **{name: [f"/opt/python/{name}/__init__.py", True] for name in ("cv2", "botocore", "facesearch", "numpy")},
    }


def test_the_functions_handle_every_sample_event(shipped: Shipped) -> None:
    names = [path.stem for path in EVENTS]
    assert {name.partition("-")[0] for name in names} == set(shipped.functions)
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
    found = [image | {"matched_by": "face"} for image in gallery["data"]["images"]]
    assert json.loads(again["body"])["data"]["images"] == found
