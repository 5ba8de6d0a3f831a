"""What an environment has ready before its first call: under SnapStart that is what the snapshot has."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import ROOT
from tests.integration.conftest import Site

RESTORED = """
import json, random, sys, types
made = []
def counted(cls, method):
    real = getattr(cls, method)
    def call(*arguments, **named):
        made.append(arguments[1] if method == "create_client" else cls.__name__)
        return real(*arguments, **named)
    setattr(cls, method, call)
import botocore.session
counted(botocore.session.Session, "create_client")
import app
import cv2, onnxruntime
counted(cv2.FaceRecognizerSF, "create")
counted(onnxruntime.InferenceSession, "__init__")
primed = list(made)
frozen = random.getstate()
import snapshot_restore_py
for function, arguments, named in snapshot_restore_py.get_after_restore():
    function(*arguments, **named)
before = set(sys.modules)
context = types.SimpleNamespace(
    aws_request_id="r", function_name="f", memory_limit_in_mb=1769, invoked_function_arn="arn:aws:lambda:",
    get_remaining_time_in_millis=lambda: 20_000)
responses = [app.handler(json.load(open(path)), context) for path in sys.argv[1:]]
print("\\n" + json.dumps({
    "statuses": [response["statusCode"] for response in responses],
    "found": [json.loads(response["body"])["data"]["pagination"]["total"] for response in responses],
    "primed": primed, "made later": made[len(primed):], "imported later": sorted(set(sys.modules) - before),
    "frozen": random.getstate() == frozen, "boto3": [name for name in ("boto3", "s3transfer") if name in sys.modules],
}))
"""


def event_of(site: Site, selfie: bytes) -> dict[str, Any]:
    """A POST of this selfie, as API Gateway hands it on."""
    request = httpx.Request("POST", site.faces_url(), files={"file": ("selfie.jpg", selfie, "image/jpeg")})
    event: dict[str, Any] = json.loads((ROOT / "events" / "search.json").read_text())
    headers = dict(request.headers) | {"X-API-Key": site.api_key}
    path = f"/api/v1/ext/{site.org_id}/event/{site.event_id}/faces"
    return event | {
        "path": path,
        "pathParameters": {"org_id": str(site.org_id), "event_id": str(site.event_id)},
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "body": base64.b64encode(request.read()).decode(),
        "isBase64Encoded": True,
    }


def test_a_restored_environment_builds_nothing_for_its_first_search(
    site: Site, models: Path, samples: Path, tmp_path: Path
) -> None:
    event = site.other_event()
    event.indexed(event.put_photo((samples / "obama2.jpg").read_bytes()))
    calls = []
    for name in ("obama", "biden"):
        calls.append(tmp_path / f"{name}.json")
        calls[-1].write_text(json.dumps(event_of(event, (samples / f"{name}.jpg").read_bytes())))
    outputs = site.outputs
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_DEFAULT_REGION": site.stack.description["region"],
        "AWS_ENDPOINT_URL": site.stack.endpoint_url,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_SECRET_ACCESS_KEY": "test",
        "IDEMPOTENCY_TABLE_NAME": outputs["IdempotencyTableName"],
        "MODELS_DIR": str(models),
        "OPENCV_LOG_LEVEL": "ERROR",
        "PATH": os.defpath,
        "POWERTOOLS_METRICS_NAMESPACE": "FaceSearch",
        "POWERTOOLS_SERVICE_NAME": "facesearch-local",
        "PYTHONPATH": f"{ROOT / 'layers' / 'facesearch'}{os.pathsep}{ROOT / 'clients' / 'python'}",
        "RENDITIONS_BASE_URL": "https://renditions.example",
        "SELFIES_BUCKET": outputs["SelfiesBucket"],
        "SNAPSHOTS_BUCKET": outputs["SnapshotsBucket"],
        "TABLE_NAME": outputs["TableName"],
    }
    command = [sys.executable, "-c", RESTORED, *map(str, calls)]
    folder = ROOT / "functions" / "search"
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "statuses": [200, 200],
        "found": [1, 0],
        "primed": ["dynamodb", "s3"],
        "made later": [],
        "imported later": [],
        "frozen": False,
        "boto3": [],
    }
