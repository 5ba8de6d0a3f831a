"""What is done to photos: by how much, where the landmarks are then, and the same each time."""

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.bench import spoil
from tools.bench.embeddings import Job, look_at, look_at_spoilt
from tools.bench.spoil import NEUTRAL, SWEEPS, Spoiler, Subject

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


def test_the_landmarks_go_along_with_a_tilted_or_shrunk_face(subject: Subject) -> None:
    for found, between in ((spoil.tilted(subject, 30), 40), (spoil.shrunk(subject, 40), 20)):
        eyes = found.points[1] - found.points[0]
        assert np.hypot(*eyes) == pytest.approx(between, abs=0.01)
        places = np.round(found.points).astype(int)
        assert found.pixels[places[:, 1], places[:, 0]].min() > 190, "a white dot"
        assert found.pixels[0, 0].tolist() == [NEUTRAL] * 3
    assert spoil.shrunk(subject, 40).face == 40
    assert spoil.shrunk(subject, 100).face == 80, "never enlarged"


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
