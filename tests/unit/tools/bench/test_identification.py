"""Offline searches on made-up faces: what counts as right, as a stranger and as missed."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from facesearch.faces import engine
from facesearch.faces.engine import Embedding
from tools.bench.embeddings import NOTHING, Seen, fingerprint, look_at
from tools.bench.identification import Counts, Found, index_of, others_of, search_all


def photo(*axes: int) -> Seen:
    """Faces along axes of the space, the first one the selfie's."""
    faces: Embedding = np.eye(128, dtype=np.float32)[list(axes)]
    return Seen(np.zeros((len(axes), 4), np.float32), np.ones(len(axes), np.float32), faces, faces[0])


def test_photos_are_counted_and_the_selfies_own_is_not(pool: ThreadPoolExecutor) -> None:
    seen = [photo(0), photo(0, 1), photo(1), photo(2), NOTHING]
    people = ["a", "a", "b", "a", "b"]
    found = search_all(index_of(seen), [each.selfie for each in seen], others_of(people), 0.5, pool, None)
    # 0 finds 1, misses 3; 1 finds 0, misses 3; 3 misses both; 2 finds a's photo 1 with b in it, misses 4; 4: no face.
    ofs_a, ofs_b = [(0, 0, 2), (1, 0, 1), (1, 0, 1)], [(0, 0, 1), (0, 1, 1)]
    assert sorted(found.counts) == [*(Counts("a", *each) for each in ofs_a), *(Counts("b", *each) for each in ofs_b)]
    assert (found.searches, found.right, found.strangers, found.missed, found.with_strangers) == (5, 2, 1, 6, 1)
    assert (found.precision, found.recall) == (2 / 3, 1 / 4)


def test_figures_have_intervals_over_people_and_none_seen_is_not_none_at_all() -> None:
    found = Found(tuple(Counts(str(n), 1, n % 2, 0) for n in range(100)))
    figures = found.figures()
    assert (figures["strangers_a_search"], figures["recall"], figures["recall_interval"]) == (0.5, 1, [1, 1])
    low, high = figures["strangers_a_search_interval"]
    assert 0.3 < low < 0.45
    assert 0.55 < high < 0.7
    assert figures["precision_interval"][0] < figures["precision"] < figures["precision_interval"][1]
    spotless = Found(tuple(Counts(str(n), 1, 0, 0) for n in range(100))).figures()
    assert spotless["strangers_a_search_interval"] == [0, 0.03]
    assert "[0.000 0.060]" in Found(found.counts[::2]).line()


def test_a_namesake_in_another_group_counts_neither_way(pool: ThreadPoolExecutor) -> None:
    seen = [photo(0), photo(0), photo(0), photo(0)]
    people, folders = ["child/1", "child/1", "adult/1", "adult/2"], ["1", "1", "1", "2"]
    wanted = others_of(people, folders=folders)
    assert set(wanted) == {0, 1}
    found = search_all(index_of(seen), [each.selfie for each in seen], wanted, 0.5, pool)
    assert found.counts == (Counts("child/1", 1, 1, 0),) * 2


def test_the_caches_name_changes_with_any_of_the_engines_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    copied = shutil.copytree(Path(engine.__file__).parent, tmp_path / "engine")
    monkeypatch.setattr(engine, "__file__", str(copied / "__init__.py"))
    assert fingerprint() == before
    (copied / "later.py").write_text("")
    assert fingerprint() != before


def test_photos_are_looked_at_once_and_then_read_from_the_cache(samples: Path, models: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    paths = [samples / "obama2.jpg", bad]
    first = look_at(paths, cache=tmp_path / "cache", models=models)
    again = look_at(paths, cache=tmp_path / "cache", models=tmp_path / "no models are needed")
    for seen in (first, again):
        assert seen[0].selfie is not None
        assert float(seen[0].faces[0] @ seen[0].selfie) > 0.9
        assert seen[0].subject == 0
        assert seen[0].landmarks is not None
        assert seen[0].landmarks.shape == (len(seen[0].faces), 5, 2)
        assert not seen[1].readable
        assert len(seen[1].faces) == 0
