"""The daily call, which comes later than any test waits: made here, to the real handler over the running store."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

from facesearch_cli.call import call
from facesearch_local import recorder
from facesearch_local.recorder.sitecustomize import FOLDER
from tests.conftest import ROOT
from tests.integration.conftest import Site, until
from tools import policies

CALL = """
import json, sys, types
import app
context = types.SimpleNamespace(
    aws_request_id="daily", function_name="snapshots", invoked_function_arn="arn:aws:lambda:", memory_limit_in_mb=1769
)
assert app.handler(json.load(open(sys.argv[1])), context) is None
"""


def daily_call(site: Site) -> None:
    """As EventBridge calls the snapshots function once a day."""
    stack, outputs = site.stack, site.outputs
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_LAMBDA_FUNCTION_NAME": "facesearch-local-SnapshotsFunction",
        "AWS_DEFAULT_REGION": stack.description["region"],
        "AWS_SECRET_ACCESS_KEY": "test",
        "FACES_TABLE_NAME": outputs.get("FacesTableName", ""),
        "PATH": os.defpath,
        "POWERTOOLS_METRICS_NAMESPACE": "FaceSearch",
        "POWERTOOLS_SERVICE_NAME": "facesearch-local",
        "PYTHONPATH": f"{ROOT / 'layers' / 'facesearch'}{os.pathsep}{Path(recorder.__file__).parent}",
        "SNAPSHOTS_BUCKET": outputs["SnapshotsBucket"],
        "TABLE_NAME": outputs["TableName"],
        FOLDER: str(policies.CALLS),
    }
    command = [sys.executable, "-c", CALL, str(ROOT / "events" / "snapshots-daily.json")]
    subprocess.run(command, cwd=ROOT / "functions" / "snapshots", env=environment, check=True)


def test_the_day_after_its_last_an_event_has_no_faces(site: Site, samples: Path) -> None:
    event = site.other_event()
    photo = event.put_photo((samples / "obama2.jpg").read_bytes())
    assert event.indexed(photo).faces
    call(event.stack.state, "reindex", event.event_id, "--faces", "vectors")
    site.admin.update_event(event.event_id, retain_until=dt.date(2020, 1, 1))
    daily_call(event)
    without = until(lambda: event.photo(photo))
    assert (without.faces, without.width > 0) == (b"", True), "the photo stays, the faces do not"
    assert site.admin.ended_events(dt.date(2021, 1, 1)) == [], "nothing is left for the next day"
