"""Reading a page never loads what searching needs."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT


def test_results_imports_neither_numpy_nor_opencv_nor_httpx() -> None:
    script = (
        "import sys; sys.path[:0] = ['layers/facesearch', 'functions/results']; import app; "
        "from facesearch.bootstrap import parts; parts.gate; "
        "import json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    environment = {"PATH": os.environ["PATH"], "TABLE_NAME": "t", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "boto3" in loaded
    assert not loaded & {"numpy", "cv2", "PIL", "httpx"}
