"""What processes do to an event. Each act is data, so that one can happen in the middle of another."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from facesearch.deletion.person import EmbeddedStripper, PersonDeletion, PersonParts
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.errors import InvalidRequest
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import match_faces
from facesearch.faces.engine import engine_name
from tests.support.fakes import EVENT_ID
from tests.support.site import Inline
from tests.unit.faces.sets.bench import Process
from tests.unit.search.exactness.bench import LOOKS, id_of


class Act(Protocol):
    """Something that a process does; what it promises it asserts itself, if it was alone."""

    def run(self, process: Process, *, alone: bool) -> None:
        """Do it."""


@dataclass(frozen=True)
class Upload:
    """A photographer uploads a photo of the album, maybe one that is known or was deleted, and it is indexed."""

    number: int

    def run(self, process: Process, *, alone: bool) -> None:
        world = process.world
        tombstone = world.tombstone(self.number)
        world.uploaded.add(self.number)
        process.indexer.index_message(world.announce(self.number))
        if alone and (tombstone is None or tombstone.finished):
            assert world.photos.get(EVENT_ID, world.event.shards, id_of(self.number)) is not None


@dataclass(frozen=True)
class Deliver:
    """The queue delivers the message of an upload again, however long ago that was."""

    which: int

    def run(self, process: Process, *, alone: bool) -> None:
        world = process.world
        if world.messages:
            number, _, message = world.messages[self.which % len(world.messages)]
            world.uploaded.add(number)
            process.indexer.index_message(message)


@dataclass(frozen=True)
class DeletePhotos:
    """An operator deletes two photos."""

    numbers: tuple[int, int]

    def run(self, process: Process, *, alone: bool) -> None:
        world = process.world
        world.deleting = True
        image_ids = [id_of(number) for number in self.numbers]
        receipt = PhotoDeletion(stores=process.stores).delete_photos(world.event, image_ids, Files())
        if alone:
            assert receipt.complete
            assert not world.photos.get_many(EVENT_ID, world.event.shards, image_ids)
            assert all(tombstone is None or tombstone.finished for tombstone in map(world.tombstone, self.numbers))


@dataclass(frozen=True)
class DeletePerson:
    """An operator deletes a person's faces, or every photo with one."""

    view: int
    photos: bool

    def run(self, process: Process, *, alone: bool) -> None:
        world = process.world
        world.deleting = True
        parts = PersonParts(process.matcher, EmbeddedStripper(process.stores))
        receipt = PersonDeletion(stores=process.stores, parts=lambda _: parts).delete_person(
            world.event, [b"%d" % self.view], Files() if self.photos else None
        )
        if alone:
            assert receipt.complete
            selfie = LOOKS[engine_name(world.event.model)][self.view]
            index = world.plain.cache.current(world.event)
            assert match_faces(index, selfie, threshold(world.event.confidence), Inline()) == []


@dataclass(frozen=True)
class Compact:
    """The snapshots function runs."""

    def run(self, process: Process, *, alone: bool) -> None:
        written = process.stores.builder.compact(process.world.event, at_least=0).written
        assert written or not alone


@dataclass(frozen=True)
class Tear:
    """A snapshot's file is damaged where it lies."""

    place: int

    def run(self, process: Process, *, alone: bool) -> None:
        files = process.world.snapshots.files
        for key in sorted(files)[:1]:
            file = bytearray(files[key])
            file[self.place % len(file)] ^= 1
            files[key] = bytes(file[: -(self.place % 2) or None])


@dataclass(frozen=True)
class Reindex:
    """An operator has the event's faces made by a model (None: its own, once more), or goes on with what was begun."""

    model: str | None
    wait: bool

    def run(self, process: Process, *, alone: bool) -> None:
        with suppress(InvalidRequest):  # on its way to another model, or changed meanwhile
            process.rebuild.run(EVENT_ID, self.model, wait=self.wait)


@dataclass(frozen=True)
class Cancel:
    """An operator ends a re-indexing."""

    def run(self, process: Process, *, alone: bool) -> None:
        with suppress(InvalidRequest):  # it has switched already
            process.rebuild.cancel(EVENT_ID)


@dataclass(frozen=True)
class CarryOut:
    """The indexing function gets an order of a re-indexing; one that it dies with is delivered again."""

    def run(self, process: Process, *, alone: bool) -> None:
        queue = process.world.queue
        if queue:
            message = queue[0]
            process.indexer.index_message(message)
            if message in queue:
                queue.remove(message)
