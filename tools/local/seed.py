"""An organisation, an API key and an event to begin with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesearch.admin import Admin
from tools.local.state import write_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Seed:
    """What `stack.json` says about it."""

    org_id: int
    event_id: int
    api_key: str


def plant(dynamodb: DynamoDBClient, table_name: str) -> Seed:
    """Create all three."""
    admin = Admin(dynamodb, table_name)
    org_id = admin.create_org("Local organisation")
    return Seed(
        org_id=org_id,
        event_id=admin.create_event(org_id, "Local event"),
        api_key=admin.create_key(org_id).api_key,
    )


def plant_once(dynamodb: DynamoDBClient, table_name: str, kept: Path) -> Seed:
    """The same for a store that remembers: the table has only the key's digest, so the key is kept in a file."""
    if kept.exists():
        seed = Seed(**json.loads(kept.read_text()))
        if Admin(dynamodb, table_name).event(seed.event_id) is not None:
            return seed
    seed = plant(dynamodb, table_name)
    write_json(kept, asdict(seed))
    return seed
