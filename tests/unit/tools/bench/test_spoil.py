"""What is done to photos: by how much, where the landmarks are then, and the same each time."""

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.bench import spoil
from tools.bench.embeddings import Job, look_at, look_at_spoilt
from tools.bench.spoil import NEUTRAL, SWEEPS, Spoiler, Subject, disc_kernel, line_kernel, place_of

POINTS = np.array([[80, 90], [120, 90], [100, 115], [85, 135], [115, 135]], np.float32)


@pytest.fixture
def subject() -> Subject:
    """White dots at the landmarks on a soft ground."""
    rng = np.random.default_rng(1)
    ground = cv2.resize(rng.integers(40, 160, (10, 12, 3), dtype=np.uint8), (240, 200), interpolation=cv2.INTER_CUBIC)
    pixels = np.asarray(ground, np.uint8).copy()
    for x, y in POINTS.astype(int).tolist():
        cv2.circle(pixels, (x, y), 3, (255, 255, 255), -1)
    return Subject(pixels, POINTS, 80)


def dots_are_at_the_points(found: Subject) -> bool:
    places = np.round(found.points).astype(int)
    return bool((found.pixels[places[:, 1], places[:, 0]].min(axis=1) > 200).all())


@pytest.mark.parametrize("name", SWEEPS)
def test_a_photo_is_spoilt_the_same_way_each_time_and_is_left_as_it_was(name: str, subject: Subject) -> None:
    before = subject.pixels.copy()
    for level in SWEEPS[name].levels:
        spoiler: Spoiler = pickle.loads(pickle.dumps(Spoiler(name, level)))  # noqa: S301 - as another process gets it
        first, again = spoiler(subject), spoiler(replace(subject, pixels=before.copy()))
        assert first.pixels.dtype == np.uint8
        assert first.pixels.shape[2] == 3
        assert np.array_equal(first.pixels, again.pixels)
        assert np.array_equal(first.points, again.points)
        assert str(spoiler) == f"{name}-{level}"
    assert np.array_equal(subject.pixels, before)


@pytest.mark.parametrize("degrees", [15, 30, 45])
def test_a_tilted_photo_is_whole_and_its_landmarks_go_along(degrees: int, subject: Subject) -> None:
    tilted = spoil.tilted(subject, degrees)
    assert dots_are_at_the_points(tilted)
    eyes = tilted.points[1] - tilted.points[0]
    assert abs(np.degrees(np.arctan2(eyes[1], eyes[0]))) == pytest.approx(degrees, abs=0.1)
    assert np.hypot(*eyes) == pytest.approx(40, abs=0.01)
    assert tilted.pixels[0, 0].tolist() == [NEUTRAL] * 3
    assert tilted.pixels.shape[0] > 200
    assert tilted.pixels.shape[1] > 240


def test_photos_are_tilted_one_way_or_the_other() -> None:
    rng = np.random.default_rng(2)
    photos = [Subject(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), POINTS / np.float32(5), 20) for _ in range(12)]
    ways = {bool(spoil.tilted(each, 30).points[1, 1] > spoil.tilted(each, 30).points[0, 1]) for each in photos}
    assert ways == {True, False}


def test_a_shrunk_face_has_the_pixels_that_were_asked_for_and_lies_on_grey(subject: Subject) -> None:
    small = spoil.shrunk(subject, 40)
    assert small.face == 40
    assert small.pixels.shape == (spoil.CANVAS, spoil.CANVAS, 3)
    assert np.hypot(*(small.points[1] - small.points[0])) == pytest.approx(20)
    assert small.pixels[0, 0].tolist() == [NEUTRAL] * 3
    places = np.round(small.points).astype(int)
    assert small.pixels[places[:, 1], places[:, 0]].min() > 190
    as_it_is = spoil.shrunk(subject, 100)
    assert as_it_is.face == 80
    assert dots_are_at_the_points(as_it_is)


def test_jpeg_loses_more_the_lower_its_quality(subject: Subject) -> None:
    lost = [np.abs(spoil.jpeg(subject, quality).pixels.astype(int) - subject.pixels).mean() for quality in (90, 50, 10)]
    assert 0 < lost[0] < lost[1] < lost[2]
    assert lost[0] < 3, "colours keep their order"


def test_a_small_face_is_compressed_after_it_was_shrunk(subject: Subject) -> None:
    small = spoil.small_jpeg(subject, 60)
    shrunk = spoil.shrunk(subject, 40)
    assert small.face == 40
    assert np.array_equal(small.points, shrunk.points)
    assert np.array_equal(small.pixels, spoil.jpeg(shrunk, 60).pixels)
    assert np.abs(small.pixels.astype(int) - shrunk.pixels).max() > 10


@pytest.mark.parametrize("length", [0.5, 4.0, 9.3])
def test_a_line_is_as_long_as_it_should_be(length: float) -> None:
    flat = line_kernel(length, 0)
    assert flat.sum() == pytest.approx(1)
    middle = len(flat) // 2
    assert flat[middle].sum() == pytest.approx(1)
    places = np.arange(len(flat)) - middle
    # A box's variance, and what sharing out to whole pixels adds to it.
    assert 0 <= (flat[middle] @ places**2) - length**2 / 12 < 0.3
    assert np.allclose(line_kernel(length, np.pi / 2), flat.T, atol=1e-6)


@pytest.mark.parametrize("diameter", [0.5, 4.0, 12.0])
def test_a_disc_is_round(diameter: float) -> None:
    disc = disc_kernel(diameter)
    assert disc.sum() == pytest.approx(1)
    assert np.allclose(disc, disc.T, atol=1e-6)
    assert np.allclose(disc, disc[::-1], atol=1e-6)
    assert disc[0, 0] == 0


def test_blur_grows_with_the_face(subject: Subject) -> None:
    for blur in (spoil.moving, spoil.defocused):
        little, much = (blur(replace(subject, face=face), 0.1).pixels.astype(float) for face in (40, 160))
        assert np.abs(np.diff(much, axis=1)).mean() < np.abs(np.diff(little, axis=1)).mean()
        assert little.mean() == pytest.approx(subject.pixels.mean(), abs=3)


def test_light_is_multiplied_and_clipped(subject: Subject) -> None:
    dark, bright = spoil.lit(subject, 0.2).pixels, spoil.lit(subject, 4).pixels
    assert dark.mean() == pytest.approx(subject.pixels.mean() * 0.2 ** (1 / 2.2), rel=0.05)
    assert (bright > 248).mean() > 0.1


def test_what_is_worn_covers_its_part_of_the_face_and_turns_with_it(subject: Subject) -> None:
    def covered(worn: str, of: Subject) -> list[bool]:
        changed = (spoil.covered(of, worn).pixels != of.pixels).any(axis=2)
        return [bool(changed[round(y), round(x)]) for x, y in of.points.tolist()]

    for of in (subject, spoil.tilted(subject, 45)):
        assert covered("mask", of) == [False, False, True, True, True]
        assert covered("sunglasses", of) == [True, True, False, False, False]
        assert covered("cap", of) == [False] * 5
        assert covered("sunglasses+cap", of) == [True, True, False, False, False]
    assert (spoil.covered(subject, "cap").pixels != subject.pixels)[:70].any()


def test_two_things_are_worn_together(subject: Subject) -> None:
    both, cap, sunglasses = (spoil.covered(subject, worn).pixels for worn in ("sunglasses+cap", "cap", "sunglasses"))
    assert np.array_equal(both, spoil.covered(spoil.covered(subject, "sunglasses"), "cap").pixels)
    assert np.array_equal(both[:70], cap[:70])
    assert np.array_equal(both[80:], sunglasses[80:])


def test_a_face_is_found_if_a_box_lies_around_it(subject: Subject) -> None:
    assert place_of(subject, [(0, 0, 30, 30), (60, 65, 80, 90)]) == 1
    assert place_of(subject, [(100, 113, 80, 90)]) is None, "another face overlaps it"
    assert place_of(subject, []) is None


def test_the_engine_finds_a_spoilt_face_where_the_landmarks_went(samples: Path, models: Path, tmp_path: Path) -> None:
    path = samples / "obama2.jpg"
    (clean,) = look_at([path], cache=tmp_path, models=models)
    assert clean.landmarks is not None
    assert clean.subject is not None
    face = float(clean.boxes[clean.subject, 2:4].max())
    jobs = [
        Job(path, Spoiler(name, level), clean.landmarks[clean.subject], face)
        for name, level in (("tilt", 15), ("size", 48), ("jpeg", 30), ("small jpeg", 60), ("occlusion", "cap"))
    ]
    seen = look_at_spoilt(jobs, cache=tmp_path, models=models)
    assert all(each.subject is not None for each in seen)
    cosines = [float(each.faces[each.subject or 0] @ clean.faces[clean.subject]) for each in seen]
    assert all(0.5 < cosine < 0.9999 for cosine in cosines)
    assert 40 <= seen[1].boxes[seen[1].subject or 0, 2:4].max() <= 56
    again = look_at_spoilt(jobs, cache=tmp_path, models=tmp_path / "no models are needed")
    assert [each.subject for each in again] == [each.subject for each in seen]
