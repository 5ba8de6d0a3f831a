"""Photos of an event: their identity, where their files lie, and the port to their records."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol, get_args

from facesearch.models import MICROSECONDS, Event

PHOTO_NAMESPACE = uuid.UUID("3f1f8f0a-6d0b-5b53-9a54-0c1d7b9e2c11")
"""Root of every image_id. Changing it would give every known photo a second identity."""

SHARDS = 8
"""Partition keys of a new event; the event knows its own number. An item collection under a local index cannot split:
one takes 1,000 writes and 3,000 read units a second."""

STAMPED_MICROSECONDS = 500_000
"""How old a photo's stamp may be when its writer knows that the write is visible. Most take 10 ms. One that took longer
than this, by whatever retries, is stamped again before it counts as written."""
OVERLAP_MICROSECONDS = 2_000_000
"""How far before a reader's last look each next one begins: what was not visible then, and is written now, was stamped
`STAMPED_MICROSECONDS` before that look at the earliest. The rest is for clocks: an operator's is up to 1 s slow
(`photos.corrected_clock`), Lambda's agree within milliseconds. Every search during an upload reads it all again."""

CHANGING_SECONDS = 60
"""So far ahead a writer of photos says in their event that it may write. It says so again when half of that is over:
two writes a minute and writer, however many photos come. For as long after the last, searches still ask for news."""

READ_AT_ONCE = 100
"""Records in one round trip: what BatchGetItem takes."""

TOMBSTONE_SECONDS = 15 * 86_400
"""How long it is known that a photo was deleted. A warm environment looks for deletions at least once a day
(`index.event.STALE_AFTER`), and SQS may deliver the message of an upload 14 days later."""

LAST_CHANGES = 5
"""How many changes of a shard are looked at for its newest photo: few, for a photo of a dozen faces has 2 KB."""

MAX_COPIES = 8
"""Further places of a photo's file that its record leads to: 8 KB of keys at most. What lies under more keys is found
by its ETag when it has to be: to be deleted, or to be looked at again."""

MOST_PHOTOS_OF_A_BIB = 1_000
"""A number on more photos is on a wall, or on a shirt that everybody wears. Of so many, the table's item has 32 KB, and
reading it takes 8 read units."""

UNTIED = "-untied"
"""At the end of `Photo.bib_model` where bibs were read without knowing any face."""
UNREADABLE = "unreadable"
"""In the place of `Photo.bib_model` where the file is gone or cannot be read."""

Status = Literal["indexed", "failed", "deleted"]
RenditionSize = Literal["large", "medium", "small"]


def is_unchanged(event: Event, looked_at: int) -> bool:
    """Whether a look at the event's photos that began then, in microseconds since the epoch, has seen all that was
    written before the event was read.

    A write is known to be visible when its stamp is `STAMPED_MICROSECONDS` old at most, and no stamp is later than what
    the event says (`changing_until`). So a look that began `OVERLAP_MICROSECONDS` after that, which leaves room for
    clocks, has met it.
    """
    return event.changing_until is not None and looked_at - OVERLAP_MICROSECONDS > event.changing_until


def image_id_of(event_id: int, content_sha256: bytes) -> uuid.UUID:
    """UUIDv5 of event and content: the same file twice in an event is one photo, in two events it is two."""
    return uuid.uuid5(PHOTO_NAMESPACE, f"{event_id}/{content_sha256.hex()}")


def image_id_of_bytes(event_id: int, content: bytes) -> uuid.UUID:
    """`image_id_of` for content that is in memory."""
    return image_id_of(event_id, hashlib.sha256(content).digest())


def original_prefix(org_id: int, event_id: int) -> str:
    """What the S3 keys of an event's originals begin with, whoever has put them there."""
    return f"{org_id}/{event_id}/"


def original_key(org_id: int, event_id: int, image_id: uuid.UUID, filename: str) -> str:
    """S3 key under which our own uploads put an original; the id in it keeps two files of one name apart."""
    return f"{original_prefix(org_id, event_id)}{image_id}/{filename}"


def rendition_key(event_id: int, size: RenditionSize, image_id: uuid.UUID | str) -> str:
    """S3 key of a rendition, and the path of its public URL, in which nothing needs quoting."""
    return f"imgs/{event_id}/{size}/{image_id}.jpg"


def rendition_keys(event_id: int, image_id: uuid.UUID) -> list[str]:
    """S3 keys of all renditions that a photo may have, the largest first."""
    return [rendition_key(event_id, size, image_id) for size in get_args(RenditionSize)]


@dataclass(frozen=True)
class Original:
    """Where a photo's file lies: its S3 key, and S3's ETag, by which another file that takes the key is told."""

    key: str
    etag: str = ""

    def is_there(self, etag: str | None) -> bool:
        """Whether what has this ETag under the key is the photo's file; None = nothing is there."""
        return etag is not None and self.etag in ("", etag)

    @property
    def filename(self) -> str:
        """The file's name as its photographer gave it."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True)
class Bib:
    """A bib on a photo.

    Attributes:
        text: 1 to 16 upper-case letters and digits.
        face: its wearer's among the photo's faces, from 0; None where nobody knows whose it is.
    """

    text: str
    face: int | None = None


@dataclass(frozen=True)
class Photo:
    """The record of one photo; in the change feed, the part of it that face index and gallery follow.

    Attributes:
        status: in the change feed also "deleted", for the tombstone of a photo that must not be returned again.
        key: S3 key of the original in the photos bucket.
        etag: S3's ETag of the original, by which another file that takes its key is told.
        width, height: pixels as displayed; 0 for a failed photo.
        model: name of the engine that made `faces`; of a service that keeps them elsewhere, and there are none here.
        faces: embeddings packed by `packing.pack`, 132 bytes a face; empty = scanned, nobody found.
        taken_at: capture time by the camera's own clock, which knows no zone.
        reason: why a failed photo failed, in words for the photographer; of an indexed one: why another look found no
            faces.
        qualities: of `faces`, packed by `qualities.pack_qualities`; empty once `faces` were replaced.
        built_model, built_faces: while another face set is built, its model and what that made of the photo.
        stripped: faces of people who were to be forgotten were taken out of `faces`.
        copies: where the same file was seen as well; it is taken from there once `key` is gone.
        bibs: what was read in it, the surest first, but for bibs that went with the faces of who was forgotten.
        bib_model: by what they were read (see `UNTIED`, `UNREADABLE`); empty = nobody has looked for any.
        rendered: how its renditions look (see `Event.rendering`).
        claimed_until: until when somebody may be replacing them, in microseconds since the epoch; 0 = nobody does.
            Which of them are replaced is not known then.
        unrendered: how they should look and cannot, an `@`, and the claim under which that was tried last.
        changed_at: microseconds since the epoch by the writer's clock, as it was read.
    """

    image_id: uuid.UUID
    status: Status
    key: str = ""
    width: int = 0
    height: int = 0
    model: str = ""
    faces: bytes = field(default=b"", repr=False)
    taken_at: datetime | None = None
    reason: str = ""
    built_model: str = ""
    built_faces: bytes = field(default=b"", repr=False)
    stripped: bool = False
    etag: str = ""
    qualities: bytes = field(default=b"", repr=False)
    copies: tuple[Original, ...] = ()
    bibs: tuple[Bib, ...] = field(default=(), repr=False)
    bib_model: str = ""
    rendered: str = ""
    claimed_until: int = 0
    unrendered: str = ""
    changed_at: int = field(default=0, compare=False)

    def faces_by(self, model: str) -> bytes | None:
        """Its packed faces by that model; None if that model has not looked at it, or it is gone.

        The one place where it is decided which faces are a model's: those of two models are never compared.
        """
        if self.status != "indexed":
            return None
        if self.model == model:
            return self.faces
        return self.built_faces if self.built_model == model else None

    def looks(self, rendering: str) -> bool:
        """Whether all its renditions look so."""
        return self.rendered == rendering and not self.claimed_until

    def cannot_look(self, rendering: str) -> bool:
        """Whether it was tried in vain to make its renditions look so."""
        return bool(self.unrendered) and self.unrendered.partition("@")[0] == rendering

    @property
    def originals(self) -> tuple[Original, ...]:
        """Where its file may lie; the first place that still has it counts."""
        return (Original(self.key, self.etag), *self.copies)


def is_untied(photo: Photo) -> bool:
    """Whether its bibs were read while a service kept its faces, so that nobody knows whose they are."""
    return photo.bib_model.endswith(UNTIED)


class Held(NamedTuple):
    """How many photos a part of an event holds, how many bytes of faces these have (see `face_bytes`), and how many
    bibs: one that is on several photos counts on each."""

    photos: int
    face_bytes: int
    bibs: int = 0


def face_bytes(record: Photo) -> int:
    """How many bytes of packed faces count for a record: while another model rebuilds them, most are there twice."""
    return max(len(record.faces), len(record.built_faces))


@dataclass(frozen=True)
class Tombstone:
    """What is left of a deleted photo.

    Attributes:
        deleted_at: microseconds since the epoch: when the deletion was over, or began while it is not.
        finished: nothing that belongs to the photo is left.
    """

    image_id: uuid.UUID
    deleted_at: int
    finished: bool

    def refuses(self, uploaded_at: int) -> bool:
        """Whether a file that was uploaded then is the deleted one: anything before the deletion was over is."""
        return not self.finished or uploaded_at <= self.deleted_at


class PhotoStore(Protocol):
    """Records of photos. A deleted photo has none, but for the change feed and `tombstone`."""

    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        """The record, read strongly consistent; None if this photo was never seen or is deleted."""

    def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        """The records of those photos that were seen, read strongly consistent."""

    def add(self, event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        """Record a photo unless it is known already, or was deleted after its file was uploaded; says whether it did.

        `uploaded_at` in microseconds since the epoch; 0 = nobody knows, so that any deletion was later.
        """

    def remove(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        """Undo an `add` for which there is no event any more; no trace is left."""

    def set_bibs(self, event_id: int, shards: int, seen: Photo, bibs: Sequence[Bib], model: str) -> bool:
        """Say what was read in a photo, and by what, if it is still as it was `seen`; whether it did.

        Who asks for a bib finds the photo, or does not find it any more, from the same moment on. A bib that is on very
        many photos already is left out, here and by `add`: it is no runner's.
        """

    def set_originals(self, event_id: int, shards: int, seen: Photo, originals: Sequence[Original]) -> bool:
        """Say where the photo's file lies, if its record still leads where it led when it was `seen`; whether it did.

        Readers need not look again.
        """

    def touch(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        """Stamp the record as changed just now, if there is one. For what an earlier run may have written that was
        killed before it knew the write visible in time: a reader may have looked by and never look there again.

        A finished tombstone stays as it is: its stamp says from when on a file is a new photo.
        """

    def tombstone(self, event_id: int, shards: int, image_id: uuid.UUID) -> Tombstone | None:
        """What is left of the photo if it was deleted, read strongly consistent."""

    def tombstones(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Tombstone]:
        """What is left of those photos that were deleted, read strongly consistent."""

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
        """Photos of one shard whose `changed_at` is at least `since`, oldest first, read strongly consistent: without
        where their files lie, `reason`, `qualities` and `stripped`.

        Without `faces`, theirs stay empty, and less is sent.
        """

    def newest(self, event_id: int, shard: int, before: int | None, most: int) -> Iterator[Photo]:
        """`changes` that are older than `before`, latest first, `most` at the most."""

    def records(self, event_id: int, shard: int) -> Iterator[Photo]:
        """The shard's photos by ascending image_id, read strongly consistent and whole; deleted ones are none."""

    def put_faces(self, event_id: int, shards: int, seen: Photo, model: str, faces: bytes, reason: str = "") -> bool:
        """Put a model's faces beside the live ones, if the photo is still as it was `seen`; says whether it did.

        `reason`: why there are none.
        """

    def delete_faces(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        """Remove what `put_faces` put there for that model; says whether there was any."""

    def claim_renditions(
        self, event_id: int, shards: int, image_id: uuid.UUID, seconds: int, *, even_so: bool = False
    ) -> int | None:
        """Say that the photo's renditions are being replaced, for so many seconds at the most, unless somebody else is
        at it; `even_so`: then, too, and what they say in the end does not count.

        A claim that `end_claim` takes; None if somebody else has one, or there is no such photo.

        Readers need not look again, here and below: neither index nor gallery knows renditions.
        """

    def end_claim(
        self, event_id: int, shards: int, image_id: uuid.UUID, claim: int, rendering: str, *, failed: bool = False
    ) -> bool:
        """Say how the renditions look now, or, if it `failed`, how they cannot; whether the claim still counts."""

    def promote(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        """Make what `put_faces` put there for that model the live faces; says whether there was any.

        Readers need not look again: what a model has made of the photo stays as it is.
        """


def read_photos(
    photos: PhotoStore, event_id: int, shards: int, image_ids: Sequence[uuid.UUID], pool: Executor
) -> dict[uuid.UUID, Photo]:
    """`get_many` of any number of photos: its round trips of `READ_AT_ONCE` photos each, side by side in `pool`."""

    def read(start: int) -> dict[uuid.UUID, Photo]:
        return photos.get_many(event_id, shards, image_ids[start : start + READ_AT_ONCE])

    found = pool.map(read, range(0, len(image_ids), READ_AT_ONCE))
    return {image_id: photo for some in found for image_id, photo in some.items()}


def newest_photo(photos: PhotoStore, event_id: int, shards: int, pool: Executor) -> datetime | None:
    """When the event's newest photo was indexed; None if nobody knows. One small query a shard, side by side."""
    changes = pool.map(lambda shard: list(photos.newest(event_id, shard, None, LAST_CHANGES)), range(shards))
    newest = max((photo.changed_at for last in changes for photo in last if photo.status == "indexed"), default=None)
    return datetime.fromtimestamp(newest // MICROSECONDS, UTC) if newest is not None else None


class PhotoEraser(PhotoStore, Protocol):
    """Records of photos, and how they end."""

    def delete(self, event_id: int, shards: int, image_id: uuid.UUID) -> Held | None:
        """Make the record a tombstone, which no search and no gallery that looks from now on returns. What it held, or
        None if there was no record.

        An unfinished tombstone is an interrupted run's, which readers may have looked by: it is touched.
        """

    def expire(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        """The deletion is over: the photo leaves the list of what is under way (see `deletion.stores`), and its
        tombstone, if it has one, begins to expire, at once: a file that comes from now on is a new photo, which must
        not be on that list any more."""

    def replace_faces(
        self,
        event_id: int,
        shards: int,
        seen: Photo,
        faces: bytes,
        model: str | None = None,
        bibs: Sequence[Bib] = (),
    ) -> bool:
        """Give the photo other faces, made by `model` (that of its live ones unless given), and other bibs, if it is
        still as it was `seen`; says whether it did. The change feed does not see bibs: of a photo that has some, what
        came from there is refused.

        Another model's faces that a rebuild has put beside them go, too: they are of everybody on it.
        """

    def delete_all(self, event_id: int, shard: int) -> Held:
        """Delete every record of the shard, tombstones too; how much it held, of which tombstones are no photos."""

    def count(self, event_id: int, shard: int) -> Held:
        """How much the shard holds; here tombstones count as photos, for they are to go as well."""

    def bib_photos(self, event_id: int, bib: str) -> list[uuid.UUID]:
        """The photos that a bib finds."""

    def delete_bibs(self, event_id: int) -> int:
        """Delete what finds photos by their bibs, and the start list; how many photos of bibs there were."""

    def count_bibs(self, event_id: int) -> int:
        """How much `delete_bibs` would delete, at least 1 as long as there is anything."""
