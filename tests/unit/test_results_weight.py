"""Reading a page never loads what searching needs, and starting loads nothing that only a first call needs."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT


def loaded(then: str) -> set[str]:
    """The modules that are loaded after `import app` of results and some more, with those of the first two levels."""
    script = (
        "import sys; sys.path[:0] = ['layers/facesearch', 'functions/results']; import app; "
        f"from facesearch.bootstrap import parts; {then}; "
        "import json; print(json.dumps(sorted({'.'.join(name.split('.')[:2]) for name in sys.modules})))"
    )
    environment = {"PATH": os.environ["PATH"], "TABLE_NAME": "t", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_results_imports_neither_numpy_nor_opencv_nor_httpx() -> None:
    found = loaded("parts.gate")
    assert "botocore.session" in found
    assert not found & {"numpy", "cv2", "PIL", "httpx"}


def test_starting_results_loads_no_client_of_aws_and_never_boto3() -> None:
    # botocore's exceptions are small; its clients are as large as all the rest of the start
    assert not loaded("pass") & {"botocore.session", "botocore.client", "botocore.httpsession", "urllib3.util"}
    assert "boto3" not in loaded("parts.gate")
