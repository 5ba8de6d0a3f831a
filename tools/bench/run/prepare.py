"""An organisation with events of so many made-up faces, twenty of whom are the selfie's owner, in the smallest event
thirty-two: a page of them.

Run as a script by a commit's own packages: what is wanted comes as JSON on stdin, what was made goes as JSON to stdout.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.table import Table, update
from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.faces.engine import Embedding
from facesearch.faces.index.snapshot import Snapshot
from facesearch.faces.index.vectors import inverse_norms
from facesearch.faces.packing import pack, values_of
from facesearch.models import DEFAULT_MODEL, Scope
from facesearch_local.clients import aws_environment, make_clients
from tools.bench import made_up

MATCHES, PAGE = 20, 32
LIKENESS = 0.72
"""Cosine of the owner's photos to the selfie."""


def faces_with(person: Embedding, size: int, matches: int) -> Embedding:
    """Shape (size, 128): made-up faces, so many of them the person's."""
    noise = np.random.default_rng(2).standard_normal((matches, 128), np.float32)
    noise -= np.outer(noise @ person, person)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    theirs = np.float32(LIKENESS) * person + np.float32((1 - LIKENESS**2) ** 0.5) * noise
    return np.concatenate([made_up.faces(size - matches, size), theirs.astype(np.float32)])


def snapshot_of(event_id: int, vectors: Embedding, matches: int) -> Snapshot:
    """One face a photo for the owner's, `FACES_A_PHOTO` for the others'."""
    rng = np.random.default_rng(size := len(vectors))
    others = size - matches
    counts = [made_up.FACES_A_PHOTO] * (others // made_up.FACES_A_PHOTO)
    counts += [rest] if (rest := others % made_up.FACES_A_PHOTO) else []
    counts += [1] * matches
    ids = rng.integers(0, 256, (len(counts), 16), np.uint8)
    now, values = time.time_ns() // 1000 - 3600_000_000, values_of(pack(vectors))
    return Snapshot(
        event_id=event_id,
        model=DEFAULT_MODEL,
        watermark=now,
        ids=ids[np.lexsort(ids.T[::-1])],
        changed_at=np.full(len(counts), now, np.int64),
        sizes=np.full((len(counts), 2), (6000, 4000), np.uint32),
        counts=np.array(counts, np.uint16),
        inverse_norms=inverse_norms(values),
        values=values,
    )


def main() -> None:
    """Make what is wanted."""
    wanted: Any = json.load(sys.stdin)
    clients = make_clients(aws_environment(wanted["endpoint_url"], is_ours=True))
    table = Table(clients.dynamodb, wanted["table"])
    admin, snapshots = DynamoAdmin(table), S3SnapshotStore(clients.s3, wanted["snapshots"], table)
    engine = OpenCvEngine(Path(wanted["models"]), threads=1)
    person = engine.probe(Path(wanted["selfie"]).read_bytes()).embedding
    org_id = admin.create_org("Benchmark")
    events = {}
    for size in wanted["sizes"]:
        events[str(size)] = event_id = admin.create_event(org_id, f"{size} faces")
        matches = PAGE if size == min(wanted["sizes"]) else MATCHES
        snapshots.save(snapshot_of(event_id, faces_with(person, size, matches), matches), None)
        # Its photos were written long ago.
        table.write(update(schema.event_key(event_id), "SET changing_until = :past", past=1))
    key = admin.create_key(org_id, list(Scope)).api_key
    print(json.dumps({"org_id": org_id, "api_key": key, "events": events}))


if __name__ == "__main__":
    main()
