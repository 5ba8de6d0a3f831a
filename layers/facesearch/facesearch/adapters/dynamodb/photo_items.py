"""Items of photos, and what they say."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from facesearch.adapters.dynamodb.table import Item, record
from facesearch.records import Bib, Original, Photo, Tombstone

BUILT = "#built_model, #built_faces, #built_reason"
OF_A_PHOTO = (
    f"#key, #etag, #copies, #model, #faces, #qualities, {BUILT}, #width, #height, #taken_at, #reason, #stripped,"
    " #bibs, #bib_model, #rendered, #claimed_until, #unrendered"
)
"""What an item loses when it becomes a tombstone."""
SEEN = "#sk, #changed_at, #status, #model, #width, #height, #taken_at, #built_model"
"""What the change feed says of a photo beside its faces."""


def without(bibs: Iterable[Bib], text: str) -> tuple[Bib, ...]:
    return tuple(bib for bib in bibs if bib.text != text)


def bibs_of(bibs: Sequence[Bib], model: str) -> Item:
    """Attributes of a photo that say what was read in it; those of one that nobody has read are left out."""
    return (
        {"bibs": [(bib.text, -1 if bib.face is None else bib.face) for bib in bibs], "bib_model": model}
        if model
        else {}
    )


def _bibs(pairs: list[tuple[str, int]]) -> tuple[Bib, ...]:
    return tuple(Bib(text, face if face >= 0 else None) for text, face in pairs)


def is_tombstone(item: Item) -> bool:
    return bool(item["status"] == "deleted")


def tombstone_of(item: Item) -> Tombstone:
    return Tombstone(uuid.UUID(item["sk"]), item["changed_at"], "expires_at" in item)


def places_of(originals: Sequence[Original]) -> Item:
    """Attributes of a photo that say where its file lies; those that would be empty are left out."""
    first, *copies = originals
    pairs = [(copy.key, copy.etag) for copy in copies]
    return {"key": first.key, "etag": first.etag or None, "copies": pairs or None}


def photo_of(item: Item) -> Photo:
    named = {"image_id": item["sk"], "reason": item.get("built_reason") or item.get("reason", "")}
    return record(
        Photo, item | named, image_id=uuid.UUID, taken_at=datetime.fromisoformat, copies=originals_of, bibs=_bibs
    )


def originals_of(places: list[list[str]]) -> tuple[Original, ...]:
    return tuple(Original(*place) for place in places)
