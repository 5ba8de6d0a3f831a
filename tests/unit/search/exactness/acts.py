"""What processes do to an event, also in the middle of another's act. What one promises it asserts if it was alone."""

from collections.abc import Callable
from contextlib import suppress

from facesearch.deletion.embedded_person import EmbeddedPerson
from facesearch.deletion.person import PersonDeletion, PersonParts
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.errors import InvalidRequest
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import match_faces
from facesearch.faces.engine import engine_name
from tests.support.fakes import EVENT_ID
from tests.support.site import Inline
from tests.unit.faces.sets.bench import Process
from tests.unit.search.exactness.bench import LOOKS, id_of

Act = Callable[[Process, bool], None]


def upload(number: int, process: Process, alone: bool) -> None:
    """A photographer uploads a photo of the album, maybe one that is known or was deleted, and it is indexed."""
    world = process.world
    tombstone = world.tombstone(number)
    world.uploaded.add(number)
    process.indexer.index_message(world.announce(number))
    if alone and (tombstone is None or tombstone.finished):
        assert world.photos.get(EVENT_ID, world.event.shards, id_of(number)) is not None


def deliver(which: int, process: Process, alone: bool) -> None:
    """The queue delivers the message of an upload again, however long ago that was."""
    world = process.world
    if world.messages:
        number, _, message = world.messages[which % len(world.messages)]
        world.uploaded.add(number)
        process.indexer.index_message(message)


def delete_photos(numbers: tuple[int, int], process: Process, alone: bool) -> None:
    """An operator deletes two photos."""
    world = process.world
    world.deleting = True
    image_ids = [id_of(number) for number in numbers]
    receipt = PhotoDeletion(stores=process.stores).delete_photos(world.event, image_ids, Files())
    if alone:
        assert receipt.complete
        assert not world.photos.get_many(EVENT_ID, world.event.shards, image_ids)
        assert all(tombstone is None or tombstone.finished for tombstone in map(world.tombstone, numbers))


def delete_person(view: int, photos: bool, process: Process, alone: bool) -> None:
    """An operator deletes a person's faces, or every photo with one."""
    world = process.world
    world.deleting = True
    parts = PersonParts(process.matcher, EmbeddedPerson(process.stores))
    deletion = PersonDeletion(stores=process.stores, parts=lambda _: parts)
    receipt = deletion.delete_person(world.event, [b"%d" % view], Files() if photos else None)
    if alone:
        assert receipt.complete
        selfie = LOOKS[engine_name(world.event.model)][view]
        index = world.plain.cache.current(world.event)
        assert match_faces(index, selfie, threshold(world.event.confidence), Inline()) == []


def compact(process: Process, alone: bool) -> None:
    """The snapshots function runs."""
    assert process.stores.builder.compact(process.world.event, at_least=0).written or not alone


def tear(place: int, process: Process, alone: bool) -> None:
    """A snapshot's file is damaged where it lies."""
    files = process.world.snapshots.files
    for key in sorted(files)[:1]:
        file = bytearray(files[key])
        file[place % len(file)] ^= 1
        files[key] = bytes(file[: -(place % 2) or None])


def reindex(model: str | None, wait: bool, process: Process, alone: bool) -> None:
    """An operator has the event's faces made by a model (None: its own, once more), or goes on with what was begun."""
    with suppress(InvalidRequest):  # on its way to another model, or changed meanwhile
        process.rebuild.run(EVENT_ID, model, wait=wait)


def cancel(process: Process, alone: bool) -> None:
    """An operator ends a re-indexing."""
    with suppress(InvalidRequest):  # it has switched already
        process.rebuild.cancel(EVENT_ID)


def carry_out(process: Process, alone: bool) -> None:
    """The indexing function gets a command of a re-indexing; one that it dies with is delivered again."""
    queue = process.world.queue
    if queue:
        message = queue[0]
        process.indexer.index_message(message)
        if message in queue:
            queue.remove(message)
