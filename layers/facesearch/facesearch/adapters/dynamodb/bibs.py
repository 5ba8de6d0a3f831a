"""Which photos show a bib: an item for each bib of an event, which changes in one transaction with the records of the
photos. And an event's start list."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import Item, Table, Write, delete, put, update
from facesearch.errors import Throttled
from facesearch.models import PhotoMatch
from facesearch.photos.gallery import entry_of, match_of
from facesearch.reading import BibPhotos
from facesearch.records import MOST_PHOTOS_OF_A_BIB, Bib, Photo

_ROOM = "attribute_not_exists(photos) OR contains(photos, :one) OR size(photos) < :most"


@dataclass(frozen=True)
class BibChange:
    """What makes a photo be found by a bib, or not any more; refused where others have it: `MOST_PHOTOS_OF_A_BIB`."""

    bib: str
    write: Write


def bib_changes(event_id: int, photo: Photo, before: Iterable[Bib], after: Iterable[Bib]) -> list[BibChange]:
    """What makes a photo that had the bibs `before` be found by those `after`."""
    was, now = {bib.text for bib in before}, {bib.text for bib in after}
    entry = entry_of(photo)
    values = {"these": frozenset({entry}), "one": entry, "most": MOST_PHOTOS_OF_A_BIB}
    gone = [
        BibChange(bib, update(schema.bib_key(event_id, bib), "DELETE photos :these", these=values["these"]))
        for bib in was - now
    ]
    new = [
        BibChange(bib, update(schema.bib_key(event_id, bib), "ADD photos :these", _ROOM, **values)) for bib in now - was
    ]
    return [*gone, *new]


def photos_of(item: Item | None) -> tuple[PhotoMatch, ...]:
    """The photos of a bib's item, by capture time, then image_id."""
    return tuple(map(match_of, sorted(item.get("photos", ())))) if item is not None else ()


def bib_photos(bib: Item | None, starters: Item | None, text: str) -> BibPhotos:
    return BibPhotos(photos_of(bib), starters is not None and text in starters["bibs"])


def tidy(table: Table, event_id: int, texts: Iterable[str]) -> None:
    """Delete the items of bibs that are on no photo any more, after what has made them so."""
    for text in texts:
        with suppress(Throttled):  # somebody is at it; what stays finds nothing, and goes with the event
            table.write(delete(schema.bib_key(event_id, text), "attribute_not_exists(photos)"))


def items_of(table: Table, event_id: int) -> Iterator[Item]:
    """Every item of the event's bibs, and of its start list."""
    for shard in range(schema.BIB_SHARDS):
        yield from table.query(schema.bibs_key(event_id, shard))
    yield from table.query(schema.start_list_key(event_id))


def start_list(event_id: int, bibs: Iterable[str]) -> list[Write]:
    """What makes these an event's start list, in one transaction; none = it has none."""
    parts = defaultdict[int, set[str]](set)
    for bib in bibs:
        parts[schema.part_of(bib)].add(bib)
    keys = [schema.start_list_key(event_id, part) for part in range(schema.START_LIST_PARTS)]
    return [put(key | {"bibs": parts[part]}) if part in parts else delete(key) for part, key in enumerate(keys)]
