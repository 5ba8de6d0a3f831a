"""The built functions answer as the local stack's do: every file of events/, on Python 3.13 and on Lambda's own paths.

Both kinds stand over tables, buckets and queues of their own with the same things in them, and get the same events.
"""

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
from facesearch.adapters.dynamodb.table import Table
from facesearch_local import stores
from facesearch_local.functions import Function
from facesearch_local.workers import environment
from tests.conftest import ROOT
from tests.deploy.functions import Background, Functions, built_launcher, local_launcher
from tools import built

EVENTS = sorted((ROOT / "events").glob("*.json"))
UPLOAD = "a4402318-0cf4-5e1e-b8e8-ac8e8f2fc244/finish line (1).jpg"
"""Of events/indexing.json, below the organisation's and the event's ids."""
EXAMPLES = {"org": "903", "event": "456", "key": "example-key"}
FIRST = ("indexing", "search", "results")
"""A photo must be indexed before it is found, and a search made before it is read; the other functions come after."""

RANDOM_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
MADE_UP = [
    (re.compile(r"(X-Amz-(?:Signature|Date|Credential|Security-Token)=)[^&\"]*"), r"\1…"),
    (re.compile(r"(\"(?:policy|x-amz-signature|x-amz-date|x-amz-credential|Policy|Key|key)\": \")[^\"]*"), r"\1…"),
]
"""What differs between any two answers: signatures and their dates."""
COUNTED_DOWN = re.compile(r"(?i)^(x-)?ratelimit|^retry-after$|^date$")
"""Headers that depend on the second in which they are asked for."""


@dataclass(frozen=True)
class Shipped:
    """What the events are about, the same in both stacks."""

    org_id: int
    event_id: int
    api_key: str

    def event(self, path: Path, functions: Functions) -> dict[str, Any]:
        """A sample event, about this world."""
        text = path.read_text().replace(EXAMPLES["key"], self.api_key)
        text = re.sub(rf"\b{EXAMPLES['org']}\b", str(self.org_id), text)
        text = re.sub(rf"\b{EXAMPLES['event']}\b", str(self.event_id), text)
        text = text.replace('\\"name\\":\\"photos\\"', f'\\"name\\":\\"{functions.names["PhotosBucket"]}\\"')
        event: dict[str, Any] = json.loads(text)
        return event


@pytest.fixture(scope="session")
def host(native: Path, tmp_path_factory: pytest.TempPathFactory) -> built.Host:
    python = built.python313()
    if python is None:
        pytest.skip("no Python 3.13 in PATH, of pyenv or of uv: the built functions cannot be run here")
    runtime = tmp_path_factory.mktemp("runtime")
    built.install_runtime(runtime)
    return built.host(python, runtime, native, ROOT)


@pytest.fixture(scope="session")
def local(
    ministack: stores.Store, models: Path, background: Background, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Functions]:
    """The local stack's functions, from the checkout, on this Python."""
    scratch = tmp_path_factory.mktemp("local")
    functions = Functions(ROOT / "template.yaml", "source", ministack.endpoint_url, scratch, background)
    functions.start(local_launcher(functions, models.resolve()))
    yield functions
    functions.stop()


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
def lambdas(
    ministack: stores.Store,
    native: Path,
    host: built.Host,
    opt: Callable[[Function], Path],
    background: Background,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Functions]:
    """The built functions, as on Lambda."""
    scratch = tmp_path_factory.mktemp("built")
    functions = Functions(native / "template.yaml", "lambda", ministack.endpoint_url, scratch, background)
    functions.start(built_launcher(functions, host, opt))
    yield functions
    functions.stop()


@pytest.fixture(scope="session")
def world(local: Functions, lambdas: Functions, samples: Path) -> Shipped:
    """An organisation, a key, an event, and a photo that waits to be indexed; in both stacks."""
    admin = DynamoAdmin(Table(local.clients.dynamodb, local.names["Table"]))
    org_id = admin.create_org("Marathon Photos")
    world = Shipped(org_id, admin.create_event(org_id, "Marathon"), admin.create_key(org_id).api_key)
    for item in local.clients.dynamodb.scan(TableName=local.names["Table"])["Items"]:
        lambdas.clients.dynamodb.put_item(TableName=lambdas.names["Table"], Item=item)
    photo = (samples / "obama.jpg").read_bytes()
    for functions in (local, lambdas):
        functions.clients.s3.put_object(
            Bucket=functions.names["PhotosBucket"], Key=f"{org_id}/{world.event_id}/{UPLOAD}", Body=photo
        )
    return world


def steps(samples: Path) -> list[tuple[str, Path, bytes | None]]:
    """What is asked, in order: function, sample event, and a selfie that takes the place of the sample's."""
    asked: list[tuple[str, Path, bytes | None]] = []
    for path in EVENTS:
        function = path.stem.partition("-")[0]
        asked.append((function, path, None))
        if path.stem == "search":  # whose selfie is a grey square, refused with a 400
            asked.append((function, path, (samples / "obama2.jpg").read_bytes()))
    order = {name: place for place, name in enumerate(FIRST)}
    return sorted(asked, key=lambda step: order.get(step[0], len(FIRST)))


def with_selfie(event: dict[str, Any], selfie: bytes) -> dict[str, Any]:
    """The same search with another picture; the sample's is the body's last part."""
    body = base64.b64decode(event["body"])
    head, _, _ = body.rpartition(b"\r\n\r\n")
    closing = body[body.rindex(b"\r\n--") :]
    return event | {"body": base64.b64encode(head + b"\r\n\r\n" + selfie + closing).decode()}


def comparable(answer: Any, functions: Functions, event: dict[str, Any]) -> Any:
    """An answer without what is made up anew for each: names of resources, signatures, ids that were not asked for."""
    if isinstance(answer, dict) and "multiValueHeaders" in answer:
        headers = {
            name: "…" if COUNTED_DOWN.search(name) else value for name, value in answer["multiValueHeaders"].items()
        }
        try:
            body = json.loads(answer["body"]) if answer.get("body") else answer.get("body")
        except ValueError:
            body = answer["body"]
        answer = answer | {"multiValueHeaders": headers, "body": body}
    text = json.dumps(answer, sort_keys=True, ensure_ascii=False)
    for logical_id, name in functions.names.items():
        text = text.replace(name, f"<{logical_id}>")
    for pattern, replacement in MADE_UP:
        text = pattern.sub(replacement, text)
    asked = set(RANDOM_UUID.findall(json.dumps(event)))
    text = RANDOM_UUID.sub(lambda match: match[0] if match[0] in asked else "<uuid>", text)
    return json.loads(text)


def test_every_function_has_a_sample_event(local: Functions) -> None:
    assert {path.stem.partition("-")[0] for path in EVENTS} == set(local.functions)


def test_the_built_functions_have_lambdas_own_paths_and_their_bytecode(
    host: built.Host, lambdas: Functions, opt: Callable[[Function], Path]
) -> None:
    if not host.is_faithful:
        pytest.skip(
            "this machine gives no mount namespace (or keeps Python below /opt or /var), so the built functions ran "
            "with their layers and code where they lie instead of in /opt and /var/task"
        )
    search = lambdas.functions["search"]
    code, layers = search.code.resolve(), opt(search)
    script = (
        "import json, os, sys; import app, cv2, boto3, facesearch, numpy; "
        "print(json.dumps({m.__name__: [m.__file__, os.path.exists(m.__cached__)] "
        "for m in (cv2, boto3, facesearch, numpy)} | {'app': app.__file__, 'version': sys.version_info[:2]}))"
    )
    variables = environment(search, lambdas.surroundings, 0) | host.environment(code, layers)
    done = subprocess.run(host.command(code, layers, "-c", script), env=variables, check=True, capture_output=True)
    assert json.loads(done.stdout) == {
        "app": "/var/task/app.py",
        "version": [3, 13],
        **{name: [f"/opt/python/{name}/__init__.py", True] for name in ("cv2", "boto3", "facesearch", "numpy")},
    }


def test_the_built_functions_answer_every_sample_event_as_the_local_stack_does(
    local: Functions, lambdas: Functions, world: Shipped, samples: Path
) -> None:
    statuses: dict[str, list[int]] = {}
    for function, path, selfie in steps(samples):
        answers = []
        for functions in (local, lambdas):
            event = world.event(path, functions)
            if selfie is not None:
                event = with_selfie(event, selfie)
            try:
                answer = functions.invoke(function, event)
            except Exception as error:  # noqa: BLE001 - whatever failed, the function's log says why
                pytest.fail(f"{path.name}: {error!r}\n{functions.log(function)[-4000:]}")
            answers.append(comparable(answer, functions, event))
        expected, found = answers
        assert found == expected, path.name
        if isinstance(found, dict) and "statusCode" in found:
            statuses.setdefault(path.stem, []).append(found["statusCode"])
    # And these are the answers of functions that did their work
    assert statuses["search"] == [400, 200]
    assert statuses["results-faces"] == [200]
    assert statuses["results-images"] == [200]


def test_the_built_search_finds_the_photo_that_the_built_indexing_has_indexed(
    lambdas: Functions, world: Shipped, samples: Path
) -> None:
    event = world.event(ROOT / "events" / "results-images.json", lambdas)
    gallery = json.loads(lambdas.invoke("results", event)["body"])
    assert gallery["data"]["pagination"]["total"] == 1
    search = with_selfie(world.event(ROOT / "events" / "search.json", lambdas), (samples / "obama2.jpg").read_bytes())
    lambdas.invoke("search", search)  # once more, should the sample events have deleted it
    again = lambdas.invoke("search", search)
    assert again["multiValueHeaders"]["Idempotent-Replayed"] == ["true"]
    images = json.loads(again["body"])["data"]["images"]
    assert images == gallery["data"]["images"]
