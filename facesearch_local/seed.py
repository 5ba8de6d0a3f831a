"""An organisation, an API key, a webhook secret and an event to begin with, and photos in it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.records import SHARDS, image_id_of_bytes, original_key
from facesearch_local.state import write_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

INDEXING_SECONDS = 60


@dataclass(frozen=True)
class Seed:
    """What `stack.json` says about it."""

    org_id: int
    event_id: int
    api_key: str
    webhook_secret: str


def create(dynamodb: DynamoDBClient, table_name: str) -> Seed:
    """Create all four."""
    admin = DynamoAdmin(Table(dynamodb, table_name))
    org_id = admin.create_org("Local organisation")
    return Seed(
        org_id=org_id,
        event_id=admin.create_event(org_id, "Local event"),
        api_key=admin.create_key(org_id).api_key,
        webhook_secret=admin.create_webhook_secret(org_id).secret,
    )


def create_once(dynamodb: DynamoDBClient, table_name: str, kept: Path) -> Seed:
    """The same for a store that remembers: the table has only the key's digest, so the key is kept in a file."""
    if kept.exists():
        known, admin = json.loads(kept.read_text()), DynamoAdmin(Table(dynamodb, table_name))
        if admin.event(known["event_id"]) is not None:
            if "webhook_secret" not in known:  # kept by a stack that had none yet
                known["webhook_secret"] = admin.create_webhook_secret(known["org_id"]).secret
                write_json(kept, known)
            return Seed(**known)
    seed = create(dynamodb, table_name)
    write_json(kept, asdict(seed))
    return seed


def files_in(folder: Path) -> list[Path]:
    """The files of a folder by name, without those of folders below."""
    return sorted(path for path in folder.iterdir() if path.is_file())


def put_photos(dynamodb: DynamoDBClient, table_name: str, s3: S3Client, bucket: str, seed: Seed, folder: Path) -> int:
    """Upload the files of a folder into the event and wait until they are indexed; how many photos were in time."""
    ids = set()
    for path in files_in(folder):
        content = path.read_bytes()
        image_id = image_id_of_bytes(seed.event_id, content)
        ids.add(image_id)
        s3.put_object(Bucket=bucket, Key=original_key(seed.org_id, seed.event_id, image_id, path.name), Body=content)
    table = Table(dynamodb, table_name)
    photos, event = DynamoPhotoStore(table), DynamoAdmin(table).event(seed.event_id)
    shards = event.shards if event is not None else SHARDS
    end = time.monotonic() + INDEXING_SECONDS
    while (recorded := len(photos.get_many(seed.event_id, shards, ids))) < len(ids) and time.monotonic() < end:
        time.sleep(0.1)
    return recorded
