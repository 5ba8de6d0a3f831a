"""What is shipped, for real: built by `sam build`, deployed into MiniStack's CloudFormation, run on Lambda's paths.

Minutes, not seconds: none of it is in `make test`, all of it in `make test-all`.
"""

import asyncio
import os
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from facesearch_local import stores
from tests.conftest import ROOT
from tests.deploy.cloud import Cloud, Deployed

SAM = ROOT / ".venv-sam" / "bin" / "sam"
STACK = "face-search-trial"
BUILD_SECONDS, DEPLOY_SECONDS = 900, 600
HERE = {"DeletionProtection": "false", "Rollout": "None"}
"""MiniStack 1.5.33 has no AWS::CodeDeploy::Application and DeploymentGroup, which every other Rollout brings along."""
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
CAPABILITIES = SAMCONFIG["prod"]["deploy"]["parameters"]["capabilities"].split()
ROLLOUT = re.compile(r"(?<=\n)(  Rollout:\n(?:    .*\n)*?    Default: ).*(?=\n)")
"""And its SAM transform looks at parameters' defaults only, so that in its copy of the template None is the default."""


@pytest.fixture(scope="session")
def ministack(no_account: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.Store]:
    """MiniStack with nothing in it."""
    folder = tmp_path_factory.mktemp("ministack")
    with asyncio.Runner() as runner:
        store = runner.run(stores.start("ministack", stores.Place(None, folder, folder / "log")))
        yield store
        runner.run(store.stop())


def sam(*arguments: object, seconds: float, **environment: str) -> str:
    """Run the SAM CLI in the project's folder; what it printed."""
    if not SAM.exists():
        pytest.fail(f"no SAM CLI at {SAM}: run `make sam` first")
    base = {name: value for name, value in os.environ.items() if name not in ("ARCH", "PYTHONPATH")}
    done = subprocess.run(
        [str(SAM), *map(str, arguments)], cwd=ROOT, env=base | {"SAM_CLI_TELEMETRY": "0"} | environment,
        timeout=seconds, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def built(architecture: str, assets: Path) -> Path:
    """The folder of a fresh build for this architecture."""
    folder = ROOT / ".aws-sam" / f"test-{architecture}"
    sam(
        "build", "--build-dir", folder, seconds=BUILD_SECONDS,
        ARCH=architecture, FACESEARCH_ASSETS=str(assets.resolve()),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def arm64(no_account: None, assets: Path) -> Path:
    """What `make deploy` would deploy."""
    return built("arm64", assets)


@pytest.fixture(scope="session")
def native(no_account: None, assets: Path) -> Path:
    """The same for this machine, so that it can be run here. On x86_64 it is too large for Lambda itself."""
    if sys.platform != "linux":
        pytest.skip("the layers hold Linux binaries")
    return built("arm64" if platform.machine() == "aarch64" else "x86_64", assets)


@pytest.fixture(scope="session")
def cloud(ministack: stores.Store, arm64: Path, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """MiniStack in place of an AWS account, and `sam deploy` into it."""
    empty = tmp_path_factory.mktemp("sam") / "samconfig.toml"
    empty.write_text("version = 0.1\n")
    template = arm64 / "without-codedeploy.yaml"
    text, changed = ROLLOUT.subn(r"\g<1>None", (arm64 / "template.yaml").read_text())
    assert changed == 1
    template.write_text(text)
    cloud = Cloud(ministack.endpoint_url, STACK)
    cloud.client("s3").create_bucket(Bucket=cloud.artifacts)

    def deploy(parameters: dict[str, str]) -> None:
        given = [f"{name}={value}" for name, value in parameters.items()]
        sam(
            "deploy", "--template-file", template, "--stack-name", STACK, "--config-file", empty,
            "--s3-bucket", cloud.artifacts, "--capabilities", *CAPABILITIES, "--no-confirm-changeset",
            "--no-progressbar", *(["--parameter-overrides", *given] if given else []), seconds=DEPLOY_SECONDS,
            AWS_ENDPOINT_URL=ministack.endpoint_url,
        )  # fmt: skip

    cloud.deploy = deploy
    return cloud


@pytest.fixture(scope="session")
def created(cloud: Cloud) -> Deployed:
    """The stack with the template's defaults, but one that can be deleted again, and without CodeDeploy."""
    return cloud.deployed(HERE)


@pytest.fixture(scope="session")
def updated(cloud: Cloud, created: Deployed) -> Deployed:
    """The same after an update with changed parameters."""
    return cloud.deployed(
        HERE
        | {
            "Alarms": "operator@example.com",
            "ApiBaseUrl": "https://faces.example.com",
            "ApiCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/x",
            "LogRetentionDays": "7",
            "SearchMemory": "5307",
            "FaceSets": "exact,vectors",
            "HttpApi": "true",
            "WebhooksConcurrency": "4",
        }
    )
