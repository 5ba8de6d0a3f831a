"""Keys of the one table, by access pattern.

| what                | pk                              | sk              |
| ------------------- | ------------------------------- | --------------- |
| organisation        | ORG#{org}                       | ORG             |
| its API keys        | ORG#{org}                       | KEY#{key_id}    |
| its events by date  | ORG#{org}                       | EVENT#{date}#{created_at}#{event} |
| its quota           | QUOTA#{org}                     | QUOTA           |
| a token's quota     | QUOTA#TOKEN#{sha256 of the token} | QUOTA         |
| refused selfies     | QUOTA#REFUSED#{org}             | QUOTA           |
| its slots that are taken | SHARE#{org}                | FETCHES or CALLBACKS |
| its webhook secrets | SECRETS#{org}                   | SECRETS         |
| API key or publishable token by secret | KEY#{sha256 of the key}         | KEY             |
| event               | EVENT#{event}                   | EVENT           |
| PNGs of its watermark | WATERMARK#{event}             | {sha256 of the file} |
| current snapshots   | SNAPSHOT#{event}                | {model}         |
| photos, spread      | PHOTOS#{event}#{shard}          | {image_id}      |
| photos by bib, spread | BIBS#{event}#{shard}          | {bib}           |
| start list          | STARTERS#{event}                | {part}          |
| deletions under way | ERASING#{event}                 | {image_id}      |
| links to guests' pages | LINKS                        | {org}#{event}#{link_id} |
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
| what each told last | WATCHED#{event}                 | {request_id}    |
| how many there are, and who looks | WATCHES#{event}   | ROUND           |
| faces, spread       | FACES#{event}#{model}#{shard}   | {image_id}#{number}, in the faces table |
| result header       | RESULT#{org}#{event}#{request}  | HEADER          |
| result chunks       | RESULT#{org}#{event}#{request}  | CHUNK#{number}  |
"""

import uuid
import zlib

from facesearch.adapters.dynamodb.table import Item
from facesearch.models import Event, SearchKey, UpstreamEvent

BY_CHANGE = "by-change"
"""Local index over a shard's photos, ordered by `changed_at`."""
BY_FACE = "by-face"
"""Vector index over the faces table. Its HASH is the table's own partition key, without which there can be no item."""

BIB_SHARDS = 8
"""Partitions of an event's bibs, as of its photos."""
START_LIST_PARTS = 64
"""Items of a start list: few enough for one transaction. Of 5,000 starters each is below 1 KB; a request reads one."""

SECRET_SLOTS = ("secret_1", "secret_2")
"""Attributes with a webhook secret each."""


def key(pk: str, sk: str = "") -> Item:
    """Primary key of the table, or what the keys of a list begin with: as here, what a list's items differ by may be
    left out of all keys below."""
    return {"pk": pk, "sk": sk}


def api_key_key(digest: str) -> Item:
    """`digest`: SHA-256 of the API key in hex."""
    return key(f"KEY#{digest}", "KEY")


def org_key(org_id: int) -> Item:
    return key(f"ORG#{org_id}", "ORG")


def org_api_key_key(org_id: int, key_id: str = "") -> Item:
    return key(f"ORG#{org_id}", f"KEY#{key_id}")


def org_event_key(org_id: int, event: Event | None = None) -> Item:
    place = f"{event.date}#{event.created_at:020d}#{event.event_id}" if event is not None else ""
    return key(f"ORG#{org_id}", f"EVENT#{place}")


def quota_key(owner: str) -> Item:
    """An item of its own: it is written by searches, the others by operators. `owner`: see `search.quota`."""
    return key(f"QUOTA#{owner}", "QUOTA")


def share_key(org_id: int, kind: str) -> Item:
    return key(f"SHARE#{org_id}", kind)


def secrets_key(org_id: int) -> Item:
    """An item of its own: only webhooks read it."""
    return key(f"SECRETS#{org_id}", "SECRETS")


def event_key(event_id: int) -> Item:
    return key(f"EVENT#{event_id}", "EVENT")


def watermark_key(event_id: int, digest: str = "") -> Item:
    """`digest`: SHA-256 of the file in hex."""
    return key(f"WATERMARK#{event_id}", digest)


def upstream_key(upstream: UpstreamEvent) -> Item:
    return key(f"UPSTREAM#{upstream}", "EVENT")


def snapshot_key(event_id: int, model: str = "") -> Item:
    return key(f"SNAPSHOT#{event_id}", model)


def photos_key(event_id: int, shard: int) -> Item:
    return key(f"PHOTOS#{event_id}#{shard}")


def photo_key(event_id: int, shards: int, image_id: uuid.UUID) -> Item:
    """The shard follows from the id."""
    return photos_key(event_id, image_id.int % shards) | {"sk": str(image_id)}


def bibs_key(event_id: int, shard: int) -> Item:
    return key(f"BIBS#{event_id}#{shard}")


def bib_key(event_id: int, bib: str) -> Item:
    """The shard follows from the bib."""
    return bibs_key(event_id, zlib.crc32(bib.encode()) % BIB_SHARDS) | {"sk": bib}


def start_list_key(event_id: int, number: int | None = None) -> Item:
    """`number`: of the part, from 0."""
    return key(f"STARTERS#{event_id}", "" if number is None else f"{number:02d}")


def part_of(bib: str) -> int:
    """The part of a start list that a bib is in."""
    return zlib.crc32(bib.encode()) % START_LIST_PARTS


def erasing_key(event_id: int, image_id: uuid.UUID | str = "") -> Item:
    """A photo that is being deleted, or loses faces: there until all that belongs to it is gone."""
    return key(f"ERASING#{event_id}", str(image_id))


def retention_key(place: str = "") -> Item:
    """One partition: a deployment has some thousand events with a last day at most."""
    return key("RETENTION", place)


def link_key(place: str = "") -> Item:
    """One partition: only operators read it, and a deployment has some thousand links at most."""
    return key("LINKS", place)


def event_of(photo_key: Item) -> int:
    """The event that a photo's key is of."""
    return int(photo_key["pk"].split("#")[1])


def search_key(event_id: int, request_id: uuid.UUID | str = "") -> Item:
    return key(f"SEARCHES#{event_id}", str(request_id))


def callback_key(org_id: int, place: str = "") -> Item:
    return key(f"CALLBACKS#{org_id}", place)


def off_key(org_id: int, digest: str) -> Item:
    """`digest`: SHA-256 of the URL in hex."""
    return key(f"OFF#{org_id}", digest)


def listed_job_key(event_id: int, request_id: uuid.UUID | str = "") -> Item:
    return key(f"JOBS#{event_id}", str(request_id))


def job_key(search: SearchKey) -> Item:
    """A partition of its own: one event's webhooks may come by the hundred a second."""
    return key(f"JOB#{search.org_id}#{search.event_id}#{search.request_id}", "JOB")


def webhook_key(org_id: int, digest: str) -> Item:
    """`digest`: of event and `webhook-id`."""
    return key(f"WEBHOOK#{org_id}#{digest}", "WEBHOOK")


def watch_key(event_id: int, request_id: uuid.UUID | str = "") -> Item:
    return key(f"WATCH#{event_id}", str(request_id))


def child_key(event_id: int, place: str = "") -> Item:
    """A search that the watch of another has told of."""
    return key(f"WATCHED#{event_id}", place)


def latest_child_key(search: SearchKey) -> Item:
    return child_key(search.event_id, str(search.request_id))


def round_key(event_id: int) -> Item:
    return key(f"WATCHES#{event_id}", "ROUND")


def faces_key(event_id: int, model: str, shard: int) -> Item:
    """Its partition is also the HASH of the vector index."""
    return key(f"FACES#{event_id}#{model}#{shard}")


def face_sk(image_id: uuid.UUID, number: int) -> str:
    """Faces of a photo lie in the order of their numbers."""
    return f"{image_id}#{number:05d}"


def result_key(search: SearchKey, part: str = "") -> Item:
    return key(f"RESULT#{search.org_id}#{search.event_id}#{search.request_id}", part)


def header_key(search: SearchKey) -> Item:
    return result_key(search, "HEADER")


def chunk_key(search: SearchKey, number: int) -> Item:
    """Counted from 0."""
    return result_key(search, f"CHUNK#{number:06d}")
