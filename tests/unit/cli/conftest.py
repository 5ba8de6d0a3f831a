"""A stack in this process's memory: moto's table and bucket, a `stack.json`, and the command line run against it."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore, microseconds
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.faces.packing import FACE_BYTES
from facesearch.models import ApiKey, digest_of
from facesearch.reading import Wanted
from facesearch.records import Photo, image_id_of_bytes
from facesearch_cli.app import run
from facesearch_cli.stack import STACK_FILE_VARIABLE, Stack, open_stack
from tests.support.aws import TABLE, create_table, moto

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

BUCKET = "facesearch-photos"
JPEG = b"\xff\xd8\xff\xe0"


@dataclass
class Place:
    """The stack, its files, and an event in it."""

    folder: Path
    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    org_id: int
    event_id: int
    first_key: str
    indexed: set[str] = field(default_factory=set)

    @property
    def stack_file(self) -> Path:
        return self.folder / ".local" / "stack.json"

    @property
    def stack(self) -> Stack:
        return open_stack("local", self.stack_file)

    def describe(self, outputs: dict[str, str] | None = None, **changes: Any) -> None:
        """Change what `stack.json` says."""
        described = json.loads(self.stack_file.read_text())
        described["outputs"] |= outputs or {}
        self.stack_file.write_text(json.dumps(described | changes))

    def have_all_stores(self) -> None:
        """Make what deletions work on beside photos."""
        create_table(self.dynamodb, "IdempotencyTable", "claims")
        buckets = {"RenditionsBucket": "r-b", "SelfiesBucket": "s-b", "SnapshotsBucket": "n-b"}
        for name in buckets.values():
            self.s3.create_bucket(Bucket=name)
        queues = dict.fromkeys(("UploadsQueueUrl", "CallbacksQueueUrl", "CallbacksDeadLettersUrl"), "https://q")
        self.describe(buckets | queues | {"IdempotencyTableName": "claims"})

    def object_keys(self, bucket: str = BUCKET) -> list[str]:
        """Keys of the objects in a bucket."""
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def api_key(self, text: str) -> ApiKey | None:
        return DynamoReader(Table(self.dynamodb, TABLE)).read(Wanted(digest_of(text))).key

    def index(self, limit: int | None = None, *, failing: bytes = b"unreadable") -> int:
        """Do what the indexing function does to uploaded objects: three faces each, or a failure by content."""
        store, event = DynamoPhotoStore(Table(self.dynamodb, TABLE)), self.event_id
        new = [key for key in self.object_keys() if key not in self.indexed][:limit]
        for key in new:
            file = self.s3.get_object(Bucket=BUCKET, Key=key)
            content = file["Body"].read()
            image_id = image_id_of_bytes(event, content)
            if failing in content:
                photo = Photo(image_id, "failed", key, reason="no readable picture", etag=file["ETag"])
            else:
                photo = Photo(image_id, "indexed", key, 4, 3, "model", bytes(3 * FACE_BYTES), etag=file["ETag"])
            store.add(event, self.stack.event(event).shards, photo, microseconds())
            self.indexed.add(key)
        return len(new)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    def failed(self, said: str) -> bool:
        """Whether the exit code is 1, stdout is empty, and the one line on stderr says so."""
        return (self.code, self.out, self.err.count("\n")) == (1, "", 1) and said in self.err


Command = Callable[..., Ended]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.delenv(STACK_FILE_VARIABLE, raising=False)
    monkeypatch.delenv("FACESEARCH_API_KEY", raising=False)
    with moto():
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        create_table(dynamodb)
        s3.create_bucket(Bucket=BUCKET)
        admin = DynamoAdmin(Table(dynamodb, TABLE))
        org_id = admin.create_org("Runners")
        key, event_id = admin.create_key(org_id).api_key, admin.create_event(org_id, "10 km")
        found = Place(tmp_path, dynamodb, s3, org_id, event_id, key)
        nowhere = "http://127.0.0.1:1"
        found.stack_file.parent.mkdir()
        found.stack_file.write_text('{"outputs": {}}')
        found.describe(
            {"ApiUrl": nowhere, "RenditionsBaseUrl": nowhere, "TableName": TABLE, "PhotosBucket": BUCKET}
            | {"IdempotencyTableName": "i", "RenditionsBucket": "r", "SelfiesBucket": "s"},
            url=nowhere,
            org_id=org_id,
            event_id=event_id,
            api_key=key,
            store="moto",
            region="us-east-1",
            pid=os.getpid(),
        )
        monkeypatch.chdir(tmp_path)
        yield found


@pytest.fixture
def facesearch(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command line."""

    def command(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return command
