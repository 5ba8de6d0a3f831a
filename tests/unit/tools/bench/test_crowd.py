"""Crowd pictures: who is where, and that the engine finds them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.bench import crowd
from tools.bench.crowd import Plan, compose, deal
from tools.bench.embeddings import NOTHING, Seen


def test_everybody_is_dealt_as_often_as_planned_and_pictures_are_equally_full() -> None:
    groups = deal(40, Plan(pictures=8, times=3))
    assert set(Counter(person for group in groups for person in group).values()) == {3}
    assert {len(group) for group in groups} == {15}
    assert all(len(set(group)) == len(group) for group in groups)
    assert groups == deal(40, Plan(pictures=8, times=3))


def test_portraits_are_shrunk_to_the_face_and_never_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "SIZE", (600, 400))
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", (200, 200), (255, 0, 40 * number)).save(paths[-1])
    box = np.array([[50, 50, 80, 100]], np.float32)
    seen = [Seen(box, np.ones(1, np.float32), np.zeros((1, 128), np.float32), None)] * 5 + [NOTHING]
    (made,) = compose(paths, seen, Plan(pictures=1, times=1), tmp_path / "crowds")
    assert made.people == frozenset(range(5)), "a portrait without a face is left out"
    red = np.asarray(Image.open(made.path))[:, :, 0] > 230
    assert abs(int(red.sum()) - 5 * 80 * 80) < 1500, "a face of 100 px becomes one of 40, its portrait 80 px wide"
    with pytest.raises(ValueError, match="do not fit"):
        compose(paths, seen, Plan(pictures=1, times=1, face=140), tmp_path / "crowds")
