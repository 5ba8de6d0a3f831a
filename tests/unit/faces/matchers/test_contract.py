"""What every matcher promises, whoever finds and keeps the faces."""

import datetime as dt
from dataclasses import replace

import pytest

from facesearch.admin.models import EndedEvent
from facesearch.deletion.photos import Files
from facesearch.errors import FaceSearchError, NoFaceFound, OtherPerson, UnusableImage
from facesearch.models import FaceSetKind
from facesearch.photos.looking import IndexingOutcome
from tests.support.pictures import encoded, exif
from tests.unit.faces.matchers.bench import OTHER, MatcherBench
from tests.unit.faces.matchers.people import NOBODY, look, photo_of, picture_of, selfie_of

ANNA, BEN, CARL = 1, 2, 3


def test_an_event_without_photos_has_no_matches_and_still_refuses_a_selfie_of_nobody(world: MatcherBench) -> None:
    assert world.find(ANNA) == []
    with pytest.raises(NoFaceFound):
        world.search(NOBODY)


def test_photos_above_the_confidence_are_found_the_most_similar_first(world: MatcherBench) -> None:
    less = world.add(photo_of(look(ANNA, 95), look(BEN)))
    most = world.add(photo_of(look(ANNA, 99)))
    least = world.add(photo_of(look(CARL, 99), look(ANNA, 92)))
    world.add(photo_of(look(ANNA, 88)))
    world.add(photo_of(look(BEN)))
    assert world.find(ANNA) == [most, less, least]


def test_ties_are_in_the_order_of_image_id(world: MatcherBench) -> None:
    alike = [world.add(photo_of(look(ANNA, 95), *[look(BEN)] * number)) for number in range(6)]
    assert world.find(ANNA) == sorted(alike)


def test_the_event_s_confidence_is_the_threshold(world: MatcherBench) -> None:
    photos = {percent: world.add(photo_of(look(ANNA, percent))) for percent in (99, 95, 88, 80, 60)}
    for confidence, percents in {98: [99], 90: [99, 95], 85: [99, 95, 88], 50: [99, 95, 88, 80, 60]}.items():
        assert world.find(ANNA, confidence) == [photos[percent] for percent in percents]


def test_a_photo_is_one_match_by_its_best_face(world: MatcherBench) -> None:
    twice = world.add(photo_of(look(ANNA, 92), look(ANNA, 99)))
    once = world.add(photo_of(look(ANNA, 95)))
    assert world.find(ANNA) == [twice, once]


def test_a_selfie_is_read_as_its_camera_meant_it(world: MatcherBench) -> None:
    photo = world.add(photo_of(look(ANNA)))
    turned = picture_of([look(ANNA, 100)], columns=2).rotate(90, expand=True)
    assert world.search(encoded(turned, "JPEG", exif=exif(Orientation=6))) == [photo]
    with pytest.raises(NoFaceFound):
        world.search(encoded(turned, "JPEG"))


def test_a_selfie_of_several_is_of_the_largest(world: MatcherBench) -> None:
    anna, _ = world.add(photo_of(look(ANNA))), world.add(photo_of(look(BEN)))
    assert world.search(photo_of(look(ANNA, 100), look(BEN, 100), columns=2, last=20)) == [anna]


def test_several_selfies_of_one_person_find_what_each_finds(world: MatcherBench) -> None:
    less, most = world.add(photo_of(look(ANNA, 95), look(BEN))), world.add(photo_of(look(ANNA, 99)))
    world.add(photo_of(look(BEN)))
    for several in (2, 3):
        assert world.search(*[selfie_of(ANNA)] * several) == [most, less]
    assert most in world.search(selfie_of(ANNA, 99), selfie_of(ANNA))


@pytest.mark.parametrize(
    ("people", "odd"), [((ANNA, BEN), 2), ((ANNA, ANNA, BEN), 3), ((ANNA, BEN, ANNA), 2), ((ANNA, BEN, CARL), 0)]
)
def test_a_selfie_of_somebody_else_is_refused_and_named(world: MatcherBench, people: tuple[int, ...], odd: int) -> None:
    world.add(photo_of(look(ANNA)))
    with pytest.raises(OtherPerson) as refused:
        world.search(*map(selfie_of, people))
    assert refused.value.status == 400
    assert not odd or refused.value.message.startswith(f"Selfie {odd} does not show the same person as ")
    assert "SearchFacesByImage" not in world.service.calls, "nothing is paid for a search that is none"


def test_somebody_in_the_background_of_a_further_selfie_is_not_its_person(world: MatcherBench) -> None:
    behind = photo_of(look(BEN, 100), look(ANNA, 100), columns=2, last=20)
    with pytest.raises(OtherPerson):
        world.search(selfie_of(ANNA), behind)
    photo = world.add(photo_of(look(ANNA)))
    assert world.search(selfie_of(ANNA), photo_of(look(ANNA, 99), look(BEN, 100), columns=2, last=20)) == [photo]


@pytest.mark.parametrize(
    ("bad", "error"), [(NOBODY, NoFaceFound), (b"text", UnusableImage)], ids=["nobody", "no picture"]
)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_selfie_that_cannot_be_used_is_named(
    world: MatcherBench, bad: bytes, error: type[FaceSearchError], place: int
) -> None:
    selfies = [selfie_of(ANNA), selfie_of(ANNA)]
    selfies.insert(place - 1, bad)
    with pytest.raises(error) as refused:
        world.search(*selfies)
    assert refused.value.message.startswith(f"Selfie {place}: ")


def test_it_is_told_how_many_faces_a_selfie_shows_where_that_is_known(world: MatcherBench) -> None:
    two = photo_of(look(ANNA, 100), look(BEN, 100), columns=2, last=20)
    for faces, selfies in ((1, [selfie_of(ANNA)]), (2, [two]), (2, [selfie_of(ANNA), two])):
        summary = world.matcher.summary(world.event, world.matcher.probe(world.event, selfies), [])
        assert summary.selfie_faces == (None if world.kind is FaceSetKind.REKOGNITION else faces)


def test_several_selfies_delete_a_person(world: MatcherBench) -> None:
    photo = world.add(photo_of(look(ANNA), look(BEN), look(ANNA, 95)))
    receipt = world.person_eraser.delete_person(world.event, [selfie_of(ANNA)] * 3)
    assert (receipt.complete, receipt.deleted.faces) == (True, 2)
    assert (world.find(ANNA, 50), world.find(BEN)) == ([], [photo])


def test_faces_of_other_events_are_never_found(world: MatcherBench) -> None:
    data = photo_of(look(ANNA))
    theirs = world.add(data, OTHER)
    assert world.find(ANNA) == []
    assert world.search(selfie_of(ANNA), event=OTHER) == [theirs]
    ours = world.add(data)
    assert (world.find(ANNA), world.search(selfie_of(ANNA), event=OTHER)) == ([ours], [theirs])


def test_a_second_delivery_of_a_photo_adds_nothing(world: MatcherBench) -> None:
    data = photo_of(look(ANNA), look(BEN))
    first, kept = world.upload(data), len(world.kept)
    again = world.upload(data)
    assert (first.outcome, again.outcome, again.image_id) == (
        IndexingOutcome.INDEXED,
        IndexingOutcome.KNOWN,
        first.image_id,
    )
    assert len(world.kept) == kept
    assert world.find(ANNA) == [first.image_id]


def test_deleted_photos_are_found_no_more_and_the_receipt_says_zero(world: MatcherBench) -> None:
    gone, stays = world.add(photo_of(look(ANNA), look(BEN))), world.add(photo_of(look(ANNA, 95)))
    receipt = world.photos_eraser.delete_photos(world.event, [gone], Files())
    assert receipt.complete
    assert (receipt.deleted.photos, receipt.deleted.faces) == (1, 2)
    assert world.find(ANNA) == [stays]
    assert world.find(BEN) == []


def test_a_deleted_person_is_found_no_more_and_the_others_on_the_photos_are(world: MatcherBench) -> None:
    photo = world.add(photo_of(look(ANNA), look(BEN), look(ANNA, 95)))
    world.add(photo_of(look(ANNA)))
    receipt = world.person_eraser.delete_person(world.event, [selfie_of(ANNA)])
    assert receipt.complete
    assert (receipt.deleted.photos, receipt.deleted.faces) == (0, 3)
    assert world.find(ANNA, 50) == []
    assert world.find(BEN) == [photo]


def test_a_person_deleted_with_their_photos_takes_them_along(world: MatcherBench) -> None:
    world.add(photo_of(look(ANNA), look(BEN)))
    stays = world.add(photo_of(look(BEN, 95)))
    receipt = world.person_eraser.delete_person(world.event, [selfie_of(ANNA)], Files())
    assert receipt.complete
    assert (receipt.deleted.photos, receipt.deleted.faces) == (1, 2)
    assert (world.find(ANNA), world.find(BEN)) == ([], [stays])


def test_a_deleted_event_leaves_no_face(world: MatcherBench) -> None:
    data = photo_of(look(ANNA), look(BEN))
    world.add(data)
    receipt = world.event_eraser.delete_event(world.event.event_id)
    assert receipt.complete
    assert receipt.deleted.photos == 1
    assert world.upload(data).outcome is IndexingOutcome.IGNORED
    assert world.service.collections == {}


def test_faces_go_after_the_event_s_last_day_and_the_photos_stay(world: MatcherBench) -> None:
    world.add(photo_of(look(ANNA), look(BEN)))
    yesterday = (dt.datetime.now(dt.UTC).date() - dt.timedelta(1)).isoformat()
    world.parts.reader.events[world.event.event_id] = replace(world.event, retain_until=yesterday)
    world.stores.events.ended.append(EndedEvent(world.event.event_id, yesterday))  # type: ignore[attr-defined]
    (ended,) = world.retention.run(dt.datetime.now(dt.UTC).date())
    assert (ended.deleted.faces, ended.left.faces) == (2, 0)
    assert world.find(ANNA) == []
    assert world.upload(photo_of(look(BEN))).outcome is IndexingOutcome.INDEXED, "as a photo without faces"
    assert world.find(BEN) == []
    assert world.kept == []
