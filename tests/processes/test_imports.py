"""What a start loads: nothing that only a first call needs, and who only reads pages or hands selfies on never loads
what finding faces needs. And that loading says nothing.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.bench.counts import NEVER_AT_START

FACES = {"numpy", "cv2", "PIL"}
HTTP = {"httpx", "httpcore"}
UPSTREAM = {"ENGINE": "upstream", "UPSTREAM_URL": "https://api.example", "UPSTREAM_KEY_SECRET": "key"}
BOTO3 = {"boto3", "s3transfer", "multiprocessing"}
STARTED = {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
SETTINGS = {
    "TABLE_NAME": "t",
    "IDEMPOTENCY_TABLE_NAME": "i",
    "PHOTOS_BUCKET": "p",
    "RENDITIONS_BUCKET": "r",
    "SELFIES_BUCKET": "s",
    "SNAPSHOTS_BUCKET": "n",
    "SNAPSHOTS_QUEUE_URL": "https://snapshots.example/",
    "SEARCH_JOBS_QUEUE_URL": "https://q.example/",
    "CALLBACKS_QUEUE_URL": "https://turns.example/",
    "AWS_DEFAULT_REGION": "us-east-1",
}
IN_FUNCTION = "import app; from facesearch.bootstrap import container; "
WEBHOOK = (
    "container.authenticator, container.webhook_intake, container.search_deletion; "
    "container.webhook_intake.outbound.check('https://a.example/')"
)
OUTBOUND = (
    "from facesearch.adapters.outbound import HttpOutbound, Resolver; "
    "HttpOutbound(resolver=Resolver()).check('https://photos.example/')"
)


def run(
    script: str, *arguments: str, function: str = "results", **environment: str
) -> subprocess.CompletedProcess[str]:
    paths = ["layers/facesearch", "clients/python", f"functions/{function}"]
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths}; {script}", *arguments],
        cwd=ROOT, env=SETTINGS | {"PATH": os.environ["PATH"]} | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("function", "then", "settings", "needed", "heavy"),
    [
        ("results", IN_FUNCTION + "container.authenticator", {}, {"botocore.session"}, FACES | HTTP | {"boto3"}),
        # botocore's exceptions are small; its clients are as large as all the rest of the start
        ("results", IN_FUNCTION + "pass", {}, {"facesearch.bootstrap"},
         {"botocore.session", "botocore.client", "botocore.httpsession", "urllib3.util"}),
        ("results", IN_FUNCTION + "pass", STARTED, {"facesearch.starting"}, FACES | HTTP | BOTO3 | {"asyncio"}),
        ("webhook", IN_FUNCTION + "pass", STARTED, {"facesearch.starting"}, FACES | HTTP | BOTO3 | {"asyncio"}),
        ("search", IN_FUNCTION + "pass", STARTED | UPSTREAM, {"botocore.client"}, FACES | BOTO3),
        ("search", IN_FUNCTION + "container.face_search", {}, {"botocore.client"}, HTTP | BOTO3),
        ("indexing", IN_FUNCTION + "container.photo_indexer", {}, {"botocore.client", "numpy"}, HTTP | BOTO3),
        ("search", IN_FUNCTION + "container.face_search", UPSTREAM, {"httpx"}, FACES),
        ("webhook", IN_FUNCTION + WEBHOOK, {}, {"standardwebhooks"}, FACES | HTTP),
        # The function that receives webhooks refuses URLs at the door and starts cold in the guest's time.
        ("webhook", OUTBOUND, {}, {"facesearch.adapters"}, FACES | HTTP | {"boto3"}),
        ("results", "import facesearch_client", {}, {"httpx"}, FACES | {"boto3", "botocore", "facesearch", "PIL"}),
    ],
)  # fmt: skip
def test_a_start_loads_what_it_needs_alone(
    function: str, then: str, settings: dict[str, str], needed: set[str], heavy: set[str]
) -> None:
    modules = "import json; print(json.dumps(sorted({'.'.join(name.split('.')[:2]) for name in sys.modules})))"
    loaded = set(json.loads(run(f"{then}; {modules}", function=function, **settings).stdout))
    assert needed <= loaded
    assert not loaded & heavy


@pytest.mark.parametrize(("function", "never"), NEVER_AT_START.items())
def test_a_start_never_loads(function: str, never: frozenset[str]) -> None:
    """Beside what `test_a_start_loads_what_it_needs_alone` says of what is built later: the import of each function."""
    modules = "import json; print(json.dumps(sorted({'.'.join(name.split('.')[:2]) for name in sys.modules})))"
    loaded = set(json.loads(run(f"import app; {modules}", function=function).stdout))
    assert not loaded & never


def test_networks_are_loaded_beside_the_other_imports_of_a_start() -> None:
    """And so a model that is not there ends the start, and the thread that looked for it ends with it."""
    seen = (
        "from facesearch.bootstrap import Container; real = Container.networks.func; "
        "Container.networks.func = lambda self: (print('facesearch.api.selfie_form' in sys.modules, "
        "flush=True), real(self))[1]; import app"
    )
    with pytest.raises(subprocess.CalledProcessError) as raised:
        run(seen, function="search", MODELS_DIR="/nowhere", **STARTED)
    assert raised.value.stdout.split() == ["False"]
    assert "in the models folder /nowhere" in raised.value.stderr


def test_no_network_is_loaded_where_nothing_starts() -> None:
    code = "import app, threading; print(threading.active_count(), 'cv2' in sys.modules)"
    assert run(code, function="search", MODELS_DIR="/nowhere").stdout.split() == ["1", "False"]


def test_nothing_is_written_to_the_log_on_loading_the_engine(models: Path) -> None:
    code = (
        "import pathlib; from facesearch.adapters.opencv.face_engine import OpenCvEngine; "
        "OpenCvEngine(pathlib.Path(sys.argv[1]), threads=1)"
    )
    done = run(code, str(models))
    assert (done.stdout, done.stderr) == ("", "")


def test_once_a_function_is_started_garbage_is_collected_and_what_was_left_out_is_there() -> None:
    used = "from aws_lambda_powertools.event_handler.appsync import AppSyncResolver; "
    used += "from aws_lambda_powertools.utilities.data_classes import SQSEvent; "
    code = f"import app, gc, sys; before = 'asyncio' in sys.modules; {used}"
    said = "print(gc.isenabled(), gc.get_freeze_count() > 0, before, AppSyncResolver.__name__, SQSEvent.__name__)"
    assert run(f"{code}{said}", **STARTED).stdout.split() == ["True", "True", "False", "AppSyncResolver", "SQSEvent"]
    assert run(f"{code}{said}").stdout.split() == ["True", "False", "True", "AppSyncResolver", "SQSEvent"]


def test_a_function_that_is_started_knows_the_events_of_its_gateway_alone() -> None:
    code = "import app, sys; from aws_lambda_powertools.event_handler import api_gateway as known; "
    said = "print(known.APIGatewayProxyEvent.__name__, known.ALBEvent, 'kinesis' in ' '.join(sys.modules))"
    assert run(f"{code}{said}", **STARTED).stdout.split() == ["APIGatewayProxyEvent", "None", "False"]


def test_a_start_s_clients_have_no_texts_for_people_and_page_and_wait_as_ever() -> None:
    code = "from facesearch.adapters import aws; client = aws.client('dynamodb', aws.DYNAMODB); "
    used = "client.get_paginator('query'), client.get_waiter('table_exists'); "
    said = "print(client.get_item.__doc__ is None)"
    assert run(f"{code}{used}{said}", **STARTED).stdout.split() == ["True"]
    assert run(f"{code}{used}{said}").stdout.split() == ["False"]


@pytest.mark.parametrize("function", sorted(path.name for path in (ROOT / "functions").iterdir()))
def test_garbage_is_collected_in_every_function_that_has_started(function: str, models: Path) -> None:
    code = "import app, gc; print(gc.isenabled())"
    assert run(code, function=function, MODELS_DIR=str(models), **STARTED).stdout.split() == ["True"]
