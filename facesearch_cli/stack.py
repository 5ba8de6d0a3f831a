"""The stack that a command talks to: a local one by its `stack.json`, a deployed one by CloudFormation outputs."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from facesearch.adapters.aws import with_our_errors
from facesearch.adapters.dynamodb.admin import Admin
from facesearch.adapters.dynamodb.callbacks import DynamoCallbackStore
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems
from facesearch.adapters.face_sets import face_sets
from facesearch.adapters.rekognition import INDEXING
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.adapters.sqs.callback_attempts import SqsAttemptQueue
from facesearch.errors import NotFound
from facesearch.faces.sets import FaceSets
from facesearch.models import Event
from facesearch.webhooks.callbacks.replay import CallbackDesk
from facesearch_cli.clock import corrected_clock
from facesearch_cli.errors import CommandError
from facesearch_cli.region import chosen_region

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

LOCAL = "local"
STACK_FILE_VARIABLE = "FACESEARCH_STACK_FILE"
NOT_RUNNING = "No local stack is running here. Start one with: make serve"
STORES_OF_OURS = ("ministack", "moto")
UPLOADS_AT_ONCE = 8
REQUESTS_AT_ONCE = 8


class _Outputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    ApiUrl: str
    TableName: str
    PhotosBucket: str
    # What only some commands need: a stack that was deployed before there was this output still does the rest.
    IdempotencyTableName: str = ""
    RenditionsBucket: str = ""
    SelfiesBucket: str = ""
    SnapshotsBucket: str = ""
    UploadsQueueUrl: str = ""
    CallbacksQueueUrl: str = ""
    CallbacksDeadLettersUrl: str = ""
    DistributionId: str = ""
    BiometricRetentionDays: int = 0
    FacesTableName: str = ""
    Engine: str = "embedded"
    CollectionPrefix: str = ""


class _StackFile(BaseModel):
    """What the command line needs of `.local/stack.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    org_id: int | None = None  # none of both: started without a seed
    api_key: str | None = None
    endpoint_url: str | None = None
    region: str
    store: str
    pid: int | None = None
    outputs: _Outputs


@dataclass(frozen=True)
class Stack:
    """Names and clients of one stack.

    Attributes:
        outputs: names of its parts, as CloudFormation tells them.
        client_arguments: keyword arguments of every boto3 client.
        state: folder of the local stack's files; None for a deployed one.
        first_key: organisation and key that the local stack was started with, if with any.
    """

    name: str
    outputs: _Outputs
    client_arguments: Mapping[str, Any]
    state: Path | None = None
    first_key: tuple[int, str] | None = None

    @property
    def api_url(self) -> str:
        """Base URL of the API."""
        return self.outputs.ApiUrl

    @property
    def table_name(self) -> str:
        """The table."""
        return self.outputs.TableName

    @property
    def photos_bucket(self) -> str:
        """Where originals lie."""
        return self.outputs.PhotosBucket

    def name_of(self, output: str) -> str:
        """An output that not every stack has.

        Raises:
            CommandError: this one was deployed before there was such an output.
        """
        name = str(getattr(self.outputs, output))
        if not name:
            raise CommandError(f"The stack {self.name!r} has no output {output}: deploy it again first.")
        return name

    @cached_property
    def clock(self) -> Callable[[], int]:
        """Microseconds since the epoch by DynamoDB's clock: this machine's may be wrong."""
        return corrected_clock(self.dynamodb, self.table_name)

    def _client(self, service: Any) -> Any:
        client = boto3.client(service, **self.client_arguments)
        with_our_errors(client.meta.events)
        return client

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """Client of the stack's tables."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def s3(self) -> "S3Client":
        """Client of the stack's buckets."""
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def sqs(self) -> "SQSClient":
        """Client of the stack's queues."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def kms(self) -> "KMSClient":
        """Client of the key that probes are encrypted by."""
        client: KMSClient = self._client("kms")
        return client

    @property
    def admin(self) -> Admin:
        """The operator's use cases."""
        return Admin(self.dynamodb, self.table_name)

    @property
    def photos(self) -> DynamoPhotoStore:
        """Records of photos, to be read."""
        return DynamoPhotoStore(self.dynamodb, self.table_name)

    def face_sets(self, pool: Executor) -> FaceSets:
        """Where the stack's events may keep their faces; `pool` is for single requests."""
        table, prefix = self.outputs.FacesTableName, self.outputs.CollectionPrefix
        return face_sets(
            photos=DynamoPhotoStore(self.dynamodb, self.table_name, self.clock),
            pool=pool,
            snapshots=S3SnapshotStore(self.s3, self.name_of("SnapshotsBucket"), self.dynamodb, self.table_name),
            items=DynamoVectorItems(self.dynamodb, table) if table else None,
            rekognition=(lambda: self.rekognition(INDEXING)) if prefix else None,
            prefix=prefix,
        )

    def rekognition(self, config: Config) -> Any:
        """A client of Rekognition."""
        return boto3.client("rekognition", **{**self.client_arguments, "config": config})

    def require_embedded(self, command: str) -> None:
        """Refuse what works on faces in the table on a stack that has none there.

        Raises:
            CommandError: it is such a stack.
        """
        if self.outputs.Engine != "embedded":
            raise CommandError(f"{command} is for the embedded engine; {self.name!r} has {self.outputs.Engine}.")

    @property
    def callbacks(self) -> CallbackDesk:
        """What operators do about callbacks."""
        store = DynamoCallbackStore(self.dynamodb, self.table_name)
        queues = SqsAttemptQueue(self.sqs, self.name_of("CallbacksQueueUrl"), self.name_of("CallbacksDeadLettersUrl"))
        return CallbackDesk(store, store, store, queues, queues)

    @property
    def transport(self) -> httpx.BaseTransport | None:
        """How to reach the API: a stack on this machine never through a proxy."""
        return httpx.HTTPTransport() if self.state else None

    def event(self, event_id: int) -> Event:
        """The event's configuration.

        Raises:
            NotFound: no such event.
        """
        event = self.admin.event(event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        return event


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
    except FileNotFoundError:
        raise CommandError(NOT_RUNNING) from None
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors())
        raise CommandError(f"{path} does not describe a local stack (see: {fields}). Restart it: make serve") from None
    if content.pid is not None and not _alive(content.pid):
        raise CommandError(NOT_RUNNING)
    arguments: dict[str, Any] = {"region_name": content.region, "config": _config(local=bool(content.endpoint_url))}
    if content.endpoint_url:
        arguments["endpoint_url"] = content.endpoint_url
    if content.store in STORES_OF_OURS or "AWS_ACCESS_KEY_ID" not in os.environ:
        # They take any credentials; without some boto3 would look for real ones.
        arguments |= {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return Stack(
        name=LOCAL,
        outputs=content.outputs.model_copy(update={"ApiUrl": content.url}),
        client_arguments=arguments,
        state=path.parent,
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
    found = {output["OutputKey"]: output["OutputValue"] for output in described["Stacks"][0].get("Outputs", [])}
    try:
        outputs = _Outputs.model_validate(found)
    except ValidationError:
        raise CommandError(f"{name!r} is no deployed Face Search stack: outputs are missing.") from None
    return Stack(name, outputs, arguments)


def _config(*, local: bool) -> Config:
    return Config(
        max_pool_connections=UPLOADS_AT_ONCE + 2,
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=10,
        proxies={} if local else None,  # {} = none, whatever HTTP_PROXY says
        s3={"addressing_style": "path"} if local else None,  # a bucket is no host name here
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
