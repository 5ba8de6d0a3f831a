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
from facesearch.adapters.dynamodb.table import Table
from facesearch.faces.packing import FACE_BYTES
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

    def object_keys(self) -> list[str]:
        """Object keys in the photos bucket."""
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

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


Command = Callable[..., Ended]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.delenv(STACK_FILE_VARIABLE, raising=False)
    monkeypatch.delenv("FACESEARCH_API_KEY", raising=False)
    with moto():
        dynamodb = boto3.client("dynamodb")
        create_table(dynamodb)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        admin = DynamoAdmin(Table(dynamodb, TABLE))
        org_id = admin.create_org("Runners")
        found = Place(
            tmp_path, dynamodb, s3, org_id, admin.create_event(org_id, "10 km"), admin.create_key(org_id).api_key
        )
        found.stack_file.parent.mkdir()
        found.stack_file.write_text(json.dumps(stack_file_of(found)))
        monkeypatch.chdir(tmp_path)
        yield found


def stack_file_of(place: Place, **changes: Any) -> dict[str, Any]:
    return {
        "url": "http://127.0.0.1:1",
        "org_id": place.org_id,
        "event_id": place.event_id,
        "api_key": place.first_key,
        "webhook_secret": "w",
        "store": "moto",
        "endpoint_url": None,
        "region": "us-east-1",
        "pid": os.getpid(),
        "outputs": {
            "ApiUrl": "http://127.0.0.1:1",
            "TableName": TABLE,
            "IdempotencyTableName": "i",
            "PhotosBucket": BUCKET,
            "RenditionsBucket": "r",
            "SelfiesBucket": "s",
            "RenditionsBaseUrl": "http://127.0.0.1:1",
        },
    } | changes


@pytest.fixture
def facesearch(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command line."""

    def command(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return command
