"""Bibs at indexing: who pays for reading them, and what becomes of photos that were indexed before anybody read any."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from facesearch.faces.packing import pack
from facesearch.models import REKOGNITION, Event, FaceSet
from facesearch.photos.bibs import UnreadBibs
from facesearch.photos.commands import CommandKind, IndexingCommand, IndexingCommands, parse_command
from facesearch.photos.looking import IndexingOutcome, IndexingReport
from facesearch.records import Bib, Photo, image_id_of_bytes, is_untied
from tests.support.fakes import EVENT, EVENT_ID
from tests.unit.photos.indexing.fakes import PHOTOS
from tests.unit.photos.indexing.test_indexing import KEY, Studio, photo_of

RACE = replace(EVENT, bib_search=True)
DATA = photo_of(2, bibs=3)
ID = image_id_of_bytes(EVENT_ID, DATA)
READ = (Bib("100", 0), Bib("101", 1), Bib("102"))


@pytest.fixture
def studio() -> Iterator[Studio]:
    with ThreadPoolExecutor(4) as pool:
        studio = Studio(pool)
        studio.reader.events[EVENT_ID] = RACE
        yield studio


@dataclass
class MemoryCommands(IndexingCommands):
    sent: list[IndexingCommand] = field(default_factory=list)

    def send(self, commands: list[IndexingCommand]) -> None:
        self.sent += commands


def read_in(studio: Studio, *image_ids: uuid.UUID) -> list[IndexingReport]:
    command = IndexingCommand(EVENT_ID, "", image_ids, CommandKind.BIBS)
    return studio.indexer.index_message(command.to_message())


def showing(studio: Studio, bib: str) -> list[uuid.UUID]:
    return studio.photos.bib_photos(EVENT_ID, bib)


def test_a_photo_is_recorded_with_its_bibs_and_found_by_them(studio: Studio) -> None:
    report = studio.upload(DATA)
    photo = studio.record_of(DATA)
    assert (photo.bibs, photo.bib_model) == (READ, "fake")
    assert [showing(studio, bib) for bib in ("100", "101", "102", "103")] == [[ID], [ID], [ID], []]
    assert report.bib_milliseconds > 0
    assert report.faces == 2
    assert studio.engine.looks == 1, "bibs are read in the same look"


@pytest.mark.parametrize("event", [EVENT, replace(RACE, retain_until="2020-01-01")])
def test_an_event_without_bibs_pays_for_none(studio: Studio, event: Event) -> None:
    studio.reader.events[EVENT_ID] = event
    studio.upload(DATA)
    photo = studio.record_of(DATA)
    assert (studio.bib_reader.reads, photo.bibs, photo.bib_model) == (0, (), "")
    (report,) = read_in(studio, ID)
    assert (report.outcome, studio.bib_reader.reads) == (IndexingOutcome.KNOWN, 0), "nor by a command"


def test_photos_that_were_indexed_before_are_read_by_command_and_once(studio: Studio) -> None:
    studio.reader.events[EVENT_ID] = EVENT
    for number in range(25):
        data = photo_of(1, bibs=1, size=(600, 400 + number))
        studio.upload(data, KEY.replace("1", str(number)))
    commands = MemoryCommands()
    unread = UnreadBibs(photos=studio.photos, commands=commands)
    assert (unread.command(EVENT), commands.sent) == (0, []), "not while bib search is off"
    studio.reader.events[EVENT_ID] = RACE
    assert unread.command(RACE) == 25
    assert sorted(len(command.image_ids) for command in commands.sent) == [1, *[2] * 12]
    for command in commands.sent:
        assert parse_command(command.to_message()) == command
        reports = studio.indexer.index_message(command.to_message())
        assert {report.outcome for report in reports} == {IndexingOutcome.READ}
    assert len(showing(studio, "100")) == 25
    assert unread.command(RACE) == 0
    reads = studio.bib_reader.reads
    assert {report.outcome for command in commands.sent for report in read_in(studio, *command.image_ids)} == {
        IndexingOutcome.KNOWN
    }
    assert studio.bib_reader.reads == reads == 25


def test_bib_search_that_is_switched_on_while_a_photo_is_indexed_misses_nothing(studio: Studio) -> None:
    studio.reader.events[EVENT_ID] = EVENT
    add = studio.photos.add

    def switch_on(event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        studio.reader.events[EVENT_ID] = RACE
        return add(event_id, shards, photo, uploaded_at)

    studio.photos.add = switch_on  # type: ignore[method-assign]
    studio.upload(DATA)
    assert studio.record_of(DATA).bibs == READ


def test_a_photo_that_is_uploaded_again_has_its_bibs_read_if_nobody_has(studio: Studio) -> None:
    studio.reader.events[EVENT_ID] = EVENT
    studio.upload(DATA)
    studio.reader.events[EVENT_ID] = RACE
    assert studio.upload(DATA).outcome is IndexingOutcome.KNOWN
    assert studio.record_of(DATA).bibs == READ
    studio.upload(DATA)
    assert studio.bib_reader.reads == 1


@pytest.mark.parametrize("gone", [True, False])
def test_a_photo_whose_original_cannot_be_read_is_told_and_left(studio: Studio, *, gone: bool) -> None:
    studio.reader.events[EVENT_ID] = EVENT
    studio.upload(DATA)
    studio.reader.events[EVENT_ID] = RACE
    if gone:
        del studio.s3.objects[PHOTOS, KEY]
    else:
        studio.s3.objects[PHOTOS, KEY] = b"another file"
    (report,) = read_in(studio, ID)
    assert (report.outcome, report.reason) == (IndexingOutcome.LOST, "The original is gone.")
    assert UnreadBibs(photos=studio.photos, commands=MemoryCommands()).command(RACE) == 0, "nobody waits for it"
    assert read_in(studio, ID, uuid.UUID(int=1))[0].outcome is IndexingOutcome.KNOWN
    assert studio.upload(DATA).outcome is IndexingOutcome.KNOWN
    assert studio.record_of(DATA).bibs == READ, "it is there again"


def test_of_a_photo_that_somebody_was_deleted_from_only_bibs_of_the_others_are_read(studio: Studio) -> None:
    studio.reader.events[EVENT_ID] = EVENT
    studio.upload(DATA)
    photo = studio.record_of(DATA)
    left = pack(np.eye(128, dtype=np.float32)[1:2])
    assert studio.photos.replace_faces(EVENT_ID, EVENT.shards, photo, left)
    studio.reader.events[EVENT_ID] = RACE
    read_in(studio, ID)
    assert studio.record_of(DATA).bibs == (Bib("101", 0),), "neither who was deleted nor whose it may be"


def test_a_photo_that_is_changed_while_it_is_read_is_read_once_more(studio: Studio) -> None:
    studio.reader.events[EVENT_ID] = EVENT
    studio.upload(DATA)
    studio.reader.events[EVENT_ID] = RACE
    changes = iter([True])

    def change() -> None:
        if next(changes, False):
            photo = studio.record_of(DATA)
            assert studio.photos.put_faces(EVENT_ID, EVENT.shards, photo, "other", b"")

    studio.engine.during_look = change
    (report,) = read_in(studio, ID)
    assert (report.outcome, studio.bib_reader.reads) == (IndexingOutcome.READ, 2)
    assert studio.record_of(DATA).bibs == READ


def test_where_rekognition_keeps_the_faces_bibs_have_no_wearer(studio: Studio) -> None:
    studio.reader.events[EVENT_ID] = EVENT
    studio.upload(DATA)
    before = studio.record_of(DATA)
    studio.photos.put_faces(EVENT_ID, EVENT.shards, before, REKOGNITION.model, b"")
    studio.photos.promote(EVENT_ID, EVENT.shards, ID, REKOGNITION.model)
    studio.reader.events[EVENT_ID] = replace(RACE, faces=REKOGNITION)
    looks = studio.engine.looks
    read_in(studio, ID)
    photo = studio.record_of(DATA)
    assert photo.bibs == (Bib("100"), Bib("101"), Bib("102"))
    assert is_untied(photo)
    read_in(studio, ID)
    assert (studio.engine.looks, studio.bib_reader.reads) == (looks, 1)
    # The faces are kept by ours again: then they tell whose the bibs are.
    studio.photos.put_faces(EVENT_ID, EVENT.shards, studio.record_of(DATA), EVENT.model, before.faces)
    studio.photos.promote(EVENT_ID, EVENT.shards, ID, EVENT.model)
    studio.reader.events[EVENT_ID] = RACE
    read_in(studio, ID)
    assert studio.record_of(DATA).bibs == READ
    assert not is_untied(studio.record_of(DATA))


def test_a_rebuild_by_another_model_keeps_the_bibs_with_their_wearers(studio: Studio) -> None:
    studio.upload(DATA)
    other = FaceSet(f"{EVENT.model}+2")
    studio.reader.events[EVENT_ID] = replace(RACE, building=other)
    command = IndexingCommand(EVENT_ID, other.model, (ID,))
    assert [report.outcome for report in studio.indexer.index_message(command.to_message())] == [
        IndexingOutcome.REINDEXED
    ]
    assert studio.photos.promote(EVENT_ID, EVENT.shards, ID, other.model)
    photo = studio.record_of(DATA)
    assert (photo.model, photo.bibs) == (other.model, READ)
    assert showing(studio, "100") == [ID]
    assert studio.bib_reader.reads == 1
