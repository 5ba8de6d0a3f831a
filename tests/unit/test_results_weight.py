"""Who only reads pages, or hands selfies on, never loads what finding faces needs."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT


def loaded_by(function: str, part: str, **environment: str) -> set[str]:
    """Packages that are there when a function has been imported, and a part of it built."""
    script = (
        f"import sys; sys.path[:0] = ['layers/facesearch', 'functions/{function}']; import app; "
        f"from facesearch.bootstrap import parts; parts.{part}; "
        "import json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    environment |= {"PATH": os.environ["PATH"], "TABLE_NAME": "t", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_results_imports_neither_numpy_nor_opencv_nor_httpx() -> None:
    loaded = loaded_by("results", "gate")
    assert "boto3" in loaded
    assert not loaded & {"numpy", "cv2", "PIL", "httpx"}


def test_search_by_an_upstream_imports_neither_numpy_nor_opencv() -> None:
    loaded = loaded_by(
        "search",
        "face_search",
        ENGINE="upstream",
        UPSTREAM_URL="https://api.example",
        UPSTREAM_KEY_SECRET="key",
        IDEMPOTENCY_TABLE_NAME="i",
        SELFIES_BUCKET="s",
    )
    assert "httpx" in loaded
    assert not loaded & {"numpy", "cv2", "PIL"}
