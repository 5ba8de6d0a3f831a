"""A race made of portraits, and how much bibs help selfies in it."""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch_cli.errors import CommandError
from tools.bench import bib_gain, bibs, race
from tools.bench.bib_gain import Labels, Runner
from tools.bench.dataset import Dataset, read_dataset
from tools.bench.embeddings import Seen
from tools.bench.race import SELFIE_FROM, Plan, Shown, draw_up, make


def seen(path: Path, engine: OpenCvEngine) -> Seen:
    data = path.read_bytes()
    faces, selfie = engine.faces(race.pixels_of(path)), engine.probe(data).embedding
    return Seen(
        np.array([face.box for face in faces], np.float32),
        np.array([face.score for face in faces], np.float32),
        np.array([face.embedding for face in faces], np.float32),
        selfie,
        landmarks=np.array([face.landmarks for face in faces], np.float32),
        subject=int(np.argmax([face.embedding @ selfie for face in faces])),
    )


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Dataset:
    """Three people, one of them with three pictures."""
    root = tmp_path_factory.mktemp("people")
    for person, names in {"a": ("obama.jpg", "obama2.jpg", "obama3.jpg"), "b": ("biden.jpg",)}.items():
        (root / person).mkdir()
        for name in names:
            (root / person / name).write_bytes((samples / name).read_bytes())
    return read_dataset(root)


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.sets(st.integers(0, 180)),
    st.integers(0, 10),
    st.integers(0, 10),
    st.integers(0, 9),
)
def test_everybody_runs_once_a_picture_and_no_selfie_does(
    counts: list[int], bad: set[int], people: int, others: int, seed: int
) -> None:
    starts = np.cumsum([0, *counts]).tolist()
    pictures = [list(range(start, start + count)) for start, count in zip(starts, counts, strict=False)]
    clear = [number not in bad for number in range(starts[-1])]
    plan = Plan(people=people, others=others, seed=seed)
    drawn = draw_up(pictures, clear, plan)
    assert drawn == draw_up(pictures, clear, plan)
    assert len(drawn.selfies) <= people
    assert all(len(pictures[person]) >= SELFIE_FROM and clear[picture] for person, picture in drawn.selfies.items())
    assert len(set(drawn.bibs.values())) == len(drawn.bibs)
    on_photos = Counter(runner.picture for photo in drawn.photos for runner in photo)
    run = {picture for person in drawn.bibs for picture in pictures[person]} - set(drawn.selfies.values())
    assert on_photos == Counter(dict.fromkeys(run, 1))
    for photo in drawn.photos:
        assert 1 <= len(photo) <= race.MOST
        assert len({runner.person for runner in photo}) == len(photo)
        assert all(runner.bib == drawn.bibs[runner.person] for runner in photo)


def test_faces_and_numbers_are_hidden_as_often_as_planned() -> None:
    pictures = [[4 * person + n for n in range(4)] for person in range(500)]
    drawn = draw_up(pictures, [True] * 2000, Plan(people=500, others=0, hidden=0.3))
    runners = [runner for photo in drawn.photos for runner in photo]
    faces, numbers = (Counter(getattr(runner, part) for runner in runners) for part in ("face", "number"))
    shares = faces[Shown.AWAY], faces[Shown.WORN], numbers[Shown.CLEAR], numbers[Shown.HALF]
    assert [share / len(runners) for share in shares] == pytest.approx([0.15, 0.15, 0.68, 0.17], abs=0.04)


def test_a_bib_finds_runners_whose_faces_are_hidden(
    portraits: Dataset,
    tmp_path: Path,
    assets: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a race of two people in which each face is hidden and each number can be read
    engine = OpenCvEngine(assets / "models", threads=1)
    known = [seen(path, engine) for path in portraits.paths]
    drawn = make(portraits, known, Plan(hidden=1, readable=1, half=0, seed=1), tmp_path / "race")
    assert len(drawn.selfies) == 1
    # When it is measured
    monkeypatch.setattr(sys, "argv", ["bibs", str(tmp_path / "race"), "--json"])
    assert bibs.main() == 0
    # Then the typed number finds what no face does, and nobody else
    at_90 = next(row for row in json.loads(capsys.readouterr().out)["searches"] if row["confidence"] == 90)
    face, typed = at_90["found"]["face alone"], at_90["found"]["bib typed"]
    assert (at_90["refused"], typed["searches"]) == (0, 1)
    assert face["recall"] < typed["recall"]
    assert typed["precision"] == 1


def test_labels_of_people_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    assert bib_gain.read_labels(tmp_path) is None
    (tmp_path / "people.csv").write_text("\ufeffa.jpg;Anna; Ben\r\nb.jpg;\r\n\r\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"wearers\.csv"):
        bib_gain.read_labels(tmp_path)
    (tmp_path / "wearers.csv").write_text("Anna; a-7\nBen;\n")
    selfies = tmp_path / "selfies"
    selfies.mkdir()
    for name in ("Anna.jpg", "Ben.png"):
        (selfies / name).touch()
    assert bib_gain.read_labels(tmp_path) == Labels(
        [Runner("Anna", selfies / "Anna.jpg", "A7"), Runner("Ben", selfies / "Ben.png", "")],
        {"a.jpg": frozenset({"Anna", "Ben"}), "b.jpg": frozenset()},
    )
    (selfies / "Carl.jpg").touch()
    with pytest.raises(CommandError, match="Carl"):
        bib_gain.read_labels(tmp_path)
