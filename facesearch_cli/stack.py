"""The stack that a command talks to: a local one by its `stack.json`, a deployed one by CloudFormation outputs."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from facesearch.bootstrap.operators import OperatorContainer
from facesearch.errors import NotFound
from facesearch.models import Event
from facesearch.settings import Settings
from facesearch_cli import qr
from facesearch_cli.errors import CommandError
from facesearch_cli.region import chosen_region
from facesearch_cli.terminal import ENDING, held_interrupts

LOCAL = "local"
STACK_FILE_VARIABLE = "FACESEARCH_STACK_FILE"
NOT_RUNNING = "No local stack is running here. Start one with: make serve"
STORES_OF_OURS = ("ministack", "moto")
NEEDED = frozenset({"ApiUrl", "TableName", "PhotosBucket"})
MODELS_VARIABLE = "MODELS_DIR"
MODELS = Path(__file__).resolve().parents[1] / ".cache" / "assets" / "models"
MEGABYTES_PER_CORE = 1769
"""What Lambda gives a function for each core, and so what `Settings.vcpus` counts by."""


class _StackFile(BaseModel):
    """What the command line needs of `.local/stack.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    org_id: int | None = None  # both are missing if the stack was started without a seed
    api_key: str | None = None
    endpoint_url: str | None = None
    region: str
    store: str
    pid: int | None = None
    outputs: dict[str, str]


@dataclass(frozen=True)
class Stack:
    """One stack, and the parts of a command on it.

    Attributes:
        settings: names of its parts, as CloudFormation tells them.
        client_arguments: keyword arguments of every boto3 client.
        state: folder of the local stack's files; None for a deployed one.
        first_key: organisation and key that the local stack was started with, if with any.
    """

    name: str
    api_url: str
    settings: Settings
    client_arguments: Mapping[str, Any]
    state: Path | None = None
    first_key: tuple[int, str] | None = None

    @cached_property
    def container(self) -> OperatorContainer:
        """The use cases on this stack."""
        container = OperatorContainer(self.settings, self.client)
        container.qr_of = qr.svg
        return container

    @contextmanager
    def working(self) -> Iterator[Callable[[], None]]:
        """A block whose use cases work in threads: Ctrl-C ends it when they are done. See `held_interrupts`."""
        with held_interrupts(ENDING) as check, self.container:
            yield check

    def client(self, service: Any, config: Config) -> Any:
        """A client with the stack's region, endpoint and credentials, and with a long way's patience."""
        own: Config = self.client_arguments["config"]
        return boto3.client(service, **{**self.client_arguments, "config": config.merge(own)})

    def require_embedded(self, command: str) -> None:
        """Refuse what works on faces in the table on a stack that has none there.

        Raises:
            CommandError: it is such a stack.
        """
        if self.settings.engine != "embedded":
            raise CommandError(
                f"{command} works with the embedded engine only; {self.name!r} uses {self.settings.engine}."
            )

    @property
    def transport(self) -> httpx.BaseTransport | None:
        """How to reach the API: a stack on this machine never through a proxy."""
        return httpx.HTTPTransport() if self.state else None

    def event(self, event_id: int) -> Event:
        """The event's configuration.

        Raises:
            NotFound: no such event.
        """
        event = self.container.event(event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        return event


def settings_of(outputs: Mapping[str, str]) -> Settings:
    """A stack's outputs as settings (`TableName` is `table_name`), with this machine's cores and model weights.

    Raises:
        pydantic.ValidationError: an output is missing, or has a value that it cannot have.
    """
    named = {setting_of(output): value for output, value in outputs.items() if value}
    machine = {
        "models_dir": os.environ.get(MODELS_VARIABLE) or MODELS,
        "aws_lambda_function_memory_size": (os.cpu_count() or 1) * MEGABYTES_PER_CORE,
    }
    return Settings.model_validate(named | machine)


def setting_of(output: str) -> str:
    """The name of the setting that an output of the stack gives."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", output).lower()


def open_stack(name: str, stack_file: Path | None = None) -> Stack:
    """The stack of that name; "local" is the one whose `stack.json` is given, or found from here upwards.

    Raises:
        CommandError: there is none, or it is not one of ours.
    """
    return _local_stack(stack_file) if name == LOCAL else _deployed_stack(name)


def _local_stack(given: Path | None) -> Stack:
    path = _find_stack_file(given)
    try:
        content = _StackFile.model_validate_json(path.read_bytes())
        settings = settings_of(content.outputs)
    except FileNotFoundError:
        raise CommandError(NOT_RUNNING) from None
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors())
        raise CommandError(f"{path} does not describe a local stack (see: {fields}). Restart it: make serve") from None
    if content.pid is not None and not _alive(content.pid):
        raise CommandError(NOT_RUNNING)
    return _described(content, settings, path.parent)


def described_stack(description: Mapping[str, Any], folder: Path) -> Stack:
    """The local stack that its `stack.json`, in that folder, describes or is about to."""
    content = _StackFile.model_validate(description)
    return _described(content, settings_of(content.outputs), folder)


def _described(content: _StackFile, settings: Settings, folder: Path) -> Stack:
    arguments: dict[str, Any] = {"region_name": content.region, "config": _config(local=bool(content.endpoint_url))}
    if content.endpoint_url:
        arguments["endpoint_url"] = content.endpoint_url
    if content.store in STORES_OF_OURS or "AWS_ACCESS_KEY_ID" not in os.environ:
        # They take any credentials; without some boto3 would look for real ones.
        arguments |= {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return Stack(
        name=LOCAL,
        api_url=content.url,
        settings=settings,
        client_arguments=arguments,
        state=folder,
        first_key=None if content.org_id is None or content.api_key is None else (content.org_id, content.api_key),
    )


def _find_stack_file(given: Path | None) -> Path:
    chosen = given or (Path(value) if (value := os.environ.get(STACK_FILE_VARIABLE)) else None)
    if chosen is not None:
        return chosen / "stack.json" if chosen.is_dir() else chosen
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (path := folder / ".local" / "stack.json").is_file():
            return path
    raise CommandError(NOT_RUNNING)


def _deployed_stack(name: str) -> Stack:
    arguments: dict[str, Any] = {"config": _config(local=False), "region_name": chosen_region()}
    try:
        described = boto3.client("cloudformation", **arguments).describe_stacks(StackName=name)
    except ClientError as error:
        # CloudFormation has no code of its own for a stack that is not there.
        if "does not exist" in error.response["Error"].get("Message", ""):
            raise CommandError(f"There is no CloudFormation stack {name!r} in this account and region.") from None
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Stacks"][0].get("Outputs", [])}
    if missing := NEEDED - outputs.keys():
        raise CommandError(f"{name!r} is not a Face Search stack: it has no output {', '.join(sorted(missing))}.")
    return Stack(name, outputs["ApiUrl"], settings_of(outputs), arguments)


def _config(*, local: bool) -> Config:
    here: dict[str, Any] = {
        "proxies": {},  # none, whatever HTTP_PROXY says
        "s3": {"addressing_style": "path"},  # a bucket is no host name here
    }
    return Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 6},
        **(here if local else {}),
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
