"""Keys of the one table, by access pattern.

| what                | pk                              | sk              |
| ------------------- | ------------------------------- | --------------- |
| organisation        | ORG#{org}                       | ORG             |
| its API keys        | ORG#{org}                       | KEY#{key_id}    |
| its events by date  | ORG#{org}                       | EVENT#{date}#{created_at}#{event} |
| its quota           | QUOTA#{org}                     | QUOTA           |
| its slots that are taken | SHARE#{org}                | FETCHES or CALLBACKS |
| its webhook secrets | SECRETS#{org}                   | SECRETS         |
| API key by secret   | KEY#{sha256 of the key}         | KEY             |
| event               | EVENT#{event}                   | EVENT           |
| current snapshots   | SNAPSHOT#{event}                | {model}         |
| photos, spread      | PHOTOS#{event}#{shard}          | {image_id}      |
| deletions under way | ERASING#{event}                 | {image_id}      |
| events by last day  | RETENTION                       | {date}#{event}  |
| whose upstream's event | UPSTREAM#{org}/{event} there | EVENT           |
| finished searches   | SEARCHES#{event}                | {request_id}    |
| callbacks           | CALLBACKS#{org}                 | {event}#{callback_id} |
| addresses that are off | OFF#{org}                    | {sha256 of the URL} |
| webhooks' searches  | JOBS#{event}                    | {request_id}    |
| webhook's search    | JOB#{org}#{event}#{request}     | JOB             |
| webhook by its id   | WEBHOOK#{org}#{sha256 of event and webhook-id} | WEBHOOK |
| watches             | WATCH#{event}                   | {request_id}    |
| what they told of   | WATCHED#{event}                 | {request_id}#{child's request_id} |
| how many there are, and who looks | WATCHES#{event}   | ROUND           |
| faces, spread       | FACES#{event}#{model}#{shard}   | {image_id}#{number}, in the faces table |
| result header       | RESULT#{org}#{event}#{request}  | HEADER          |
| result chunks       | RESULT#{org}#{event}#{request}  | CHUNK#{number}  |
"""

import uuid

from facesearch.adapters.dynamodb.table import Item
from facesearch.models import Event, SearchKey, UpstreamEvent

BY_CHANGE = "by-change"
"""Local index over a shard's photos, ordered by `changed_at`."""
BY_FACE = "by-face"
"""Vector index over the faces table. Its HASH is the table's own partition key, without which there can be no item."""

API_KEYS, EVENTS = "KEY#", "EVENT#"
"""What the sort keys of an organisation's lists begin with."""

SECRET_SLOTS = ("secret_1", "secret_2")
"""Attributes with a webhook secret each."""

CHUNKS = "CHUNK#"
RETENTION = "RETENTION"


def key(pk: str, sk: str) -> Item:
    """Primary key of the table."""
    return {"pk": pk, "sk": sk}


def api_key_key(digest: str) -> Item:
    """The item that a presented API key is looked up by; `digest` is its SHA-256 in hex."""
    return key(f"KEY#{digest}", "KEY")


def org_pk(org_id: int) -> str:
    """Partition of an organisation, its keys and its list of events."""
    return f"ORG#{org_id}"


def org_key(org_id: int) -> Item:
    """The organisation: its name, and how many keys and events it has."""
    return key(org_pk(org_id), "ORG")


def org_api_key_key(org_id: int, key_id: str) -> Item:
    """One of the organisation's API keys, as its list shows it."""
    return key(org_pk(org_id), f"{API_KEYS}{key_id}")


def org_event_key(event: Event) -> Item:
    """One of the organisation's events, as its list shows it; the list is ordered by this."""
    return key(org_pk(event.org_id), f"{EVENTS}{event.date}#{event.created_at:020d}#{event.event_id}")


def quota_key(org_id: int) -> Item:
    """The organisation's face-search quota. An item of its own: it is written by searches, the others by operators."""
    return key(f"QUOTA#{org_id}", "QUOTA")


def share_key(org_id: int, kind: str) -> Item:
    """Which of the organisation's slots are taken, by work that waits for strangers' hosts."""
    return key(f"SHARE#{org_id}", kind)


def secrets_key(org_id: int) -> Item:
    """The organisation's webhook secrets, one in each of `SECRET_SLOTS`. An item of its own: only webhooks read it."""
    return key(f"SECRETS#{org_id}", "SECRETS")


def event_key(event_id: int) -> Item:
    """The event's configuration."""
    return key(f"EVENT#{event_id}", "EVENT")


def upstream_key(upstream: UpstreamEvent) -> Item:
    """The item that says which event searches that one of the upstream's."""
    return key(f"UPSTREAM#{upstream}", "EVENT")


def snapshots_pk(event_id: int) -> str:
    """Partition of the event's current snapshots, one a model."""
    return f"SNAPSHOT#{event_id}"


def snapshot_key(event_id: int, model: str) -> Item:
    """The item that says which file holds the event's faces by that model."""
    return key(snapshots_pk(event_id), model)


def photos_pk(event_id: int, shard: int) -> str:
    """One of the partitions that an event's photos are spread over."""
    return f"PHOTOS#{event_id}#{shard}"


def photo_key(event_id: int, shards: int, image_id: uuid.UUID) -> Item:
    """A photo's item; its shard follows from its id."""
    return key(photos_pk(event_id, image_id.int % shards), str(image_id))


def erasing_pk(event_id: int) -> str:
    """Partition of the deletions in an event that are under way."""
    return f"ERASING#{event_id}"


def erasing_key(event_id: int, image_id: uuid.UUID) -> Item:
    """A photo that is being deleted, or loses faces: there until all that belongs to it is gone."""
    return key(erasing_pk(event_id), str(image_id))


def retention_key(date: str, event_id: int) -> Item:
    """An event whose faces are kept until that day. One partition: a deployment has some thousand of them at most."""
    return key(RETENTION, f"{date}#{event_id}")


def searches_pk(event_id: int) -> str:
    """Partition of the list of an event's stored searches."""
    return f"SEARCHES#{event_id}"


def search_key(search: SearchKey) -> Item:
    """A stored search in its event's list."""
    return key(searches_pk(search.event_id), str(search.request_id))


def callbacks_pk(org_id: int) -> str:
    """Partition of an organisation's callbacks."""
    return f"CALLBACKS#{org_id}"


def callback_sk(event_id: int, callback_id: uuid.UUID | None = None) -> str:
    """Sort key of a callback, or what those of an event's callbacks begin with."""
    return f"{event_id}#{callback_id or ''}"


def off_key(org_id: int, digest: str) -> Item:
    """An address that is switched off; `digest` is the SHA-256 of its URL in hex."""
    return key(f"OFF#{org_id}", digest)


def jobs_pk(event_id: int) -> str:
    """Partition of the list of an event's webhook searches."""
    return f"JOBS#{event_id}"


def listed_job_key(search: SearchKey) -> Item:
    """A webhook's search in its event's list."""
    return key(jobs_pk(search.event_id), str(search.request_id))


def job_key(search: SearchKey) -> Item:
    """A webhook's search. A partition of its own: one event's webhooks may come by the hundred a second."""
    return key(f"JOB#{search.org_id}#{search.event_id}#{search.request_id}", "JOB")


def webhook_key(org_id: int, digest: str) -> Item:
    """The item that says which search a webhook has started; `digest` is of event and `webhook-id`."""
    return key(f"WEBHOOK#{org_id}#{digest}", "WEBHOOK")


def watches_pk(event_id: int) -> str:
    """Partition of an event's watches."""
    return f"WATCH#{event_id}"


def watch_key(search: SearchKey) -> Item:
    """The watch that goes on with a search."""
    return key(watches_pk(search.event_id), str(search.request_id))


def children_pk(event_id: int) -> str:
    """Partition of the searches that an event's watches have told of."""
    return f"WATCHED#{event_id}"


def child_key(parent: SearchKey, child: uuid.UUID) -> Item:
    """A search that the watch of another has told of."""
    return key(children_pk(parent.event_id), f"{parent.request_id}#{child}")


def round_key(event_id: int) -> Item:
    """How many watches the event has, and until when a round over them is claimed."""
    return key(f"WATCHES#{event_id}", "ROUND")


def faces_pk(event_id: int, model: str, shard: int) -> str:
    """One of the partitions that an event's face items are spread over; also the HASH of the vector index."""
    return f"FACES#{event_id}#{model}#{shard}"


def face_sk(image_id: uuid.UUID, number: int) -> str:
    """Sort key of one face of a photo; faces of a photo lie in the order of their numbers."""
    return f"{image_id}#{number:05d}"


def result_pk(search: SearchKey) -> str:
    """Partition of one search's pages."""
    return f"RESULT#{search.org_id}#{search.event_id}#{search.request_id}"


def header_key(search: SearchKey) -> Item:
    """The item that says a result is whole."""
    return key(result_pk(search), "HEADER")


def chunk_key(search: SearchKey, number: int) -> Item:
    """One chunk of a result, counted from 0."""
    return key(result_pk(search), f"{CHUNKS}{number:06d}")
