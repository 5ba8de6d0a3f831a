"""Who only reads pages, or hands selfies on, never loads what finding faces needs; and starting loads nothing that
only a first call needs."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT


def loaded_by(function: str, then: str, **environment: str) -> set[str]:
    """Modules, to their second level, that are there when a function has been imported and some more was done."""
    script = (
        f"import sys; sys.path[:0] = ['layers/facesearch', 'functions/{function}']; import app; "
        f"from facesearch.bootstrap import container; {then}; "
        "import json; print(json.dumps(sorted({'.'.join(name.split('.')[:2]) for name in sys.modules})))"
    )
    environment |= {"PATH": os.environ["PATH"], "TABLE_NAME": "t", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_results_imports_neither_numpy_nor_opencv_nor_httpx() -> None:
    loaded = loaded_by("results", "container.gate")
    assert "botocore.session" in loaded
    assert not loaded & {"numpy", "cv2", "PIL", "httpx"}


def test_starting_results_loads_no_client_of_aws_and_reading_never_boto3() -> None:
    # botocore's exceptions are small; its clients are as large as all the rest of the start
    started = loaded_by("results", "pass")
    assert not started & {"botocore.session", "botocore.client", "botocore.httpsession", "urllib3.util"}
    assert "boto3" not in loaded_by("results", "container.gate")


def test_search_by_an_upstream_imports_neither_numpy_nor_opencv() -> None:
    loaded = loaded_by(
        "search",
        "container.face_search",
        ENGINE="upstream",
        UPSTREAM_URL="https://api.example",
        UPSTREAM_KEY_SECRET="key",
        IDEMPOTENCY_TABLE_NAME="i",
        SELFIES_BUCKET="s",
    )
    assert "httpx" in loaded
    assert not loaded & {"numpy", "cv2", "PIL"}
