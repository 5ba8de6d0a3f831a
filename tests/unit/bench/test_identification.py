"""Offline searches on made-up faces: what counts as right, as a stranger and as missed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from facesearch.embedded import SECOND_PASS
from facesearch.engine import Embedding
from tools.bench import dlib_pipeline, made_up
from tools.bench.embeddings import NOTHING, Seen, look_at, pictures_by_person
from tools.bench.identification import Found, index_of, others_of, search_all
from tools.bench.second_pass import Outcome, best, halves, measure, summed


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def photo(*axes: int) -> Seen:
    """Faces along axes of the space, the first one the selfie's."""
    faces: Embedding = np.eye(128, dtype=np.float32)[list(axes)]
    return Seen(np.zeros((len(axes), 4), np.float32), np.ones(len(axes), np.float32), faces, faces[0])


def test_photos_are_counted_and_the_selfies_own_is_not(pool: ThreadPoolExecutor) -> None:
    seen = [photo(0), photo(0, 1), photo(1), photo(2), NOTHING]
    people = ["a", "a", "b", "a", "b"]
    found = search_all(index_of(seen), seen, others_of(people), 0.5, pool, None)
    # 0 finds 1, misses 3; 1 finds 0, misses 3; 3 misses both; 2 finds a's photo 1 with b in it, misses 4; 4: no face.
    assert found == Found(searches=5, right=2, strangers=1, missed=6, with_strangers=1)
    assert (found.precision, found.recall) == (2 / 3, 1 / 4)


def test_a_selfie_from_elsewhere_has_no_photo_of_its_own(pool: ThreadPoolExecutor) -> None:
    index = index_of([photo(0), photo(1)])
    assert search_all(index, [photo(0)], {0: [1]}, 0.5, pool, inside=False) == Found(1, 0, 1, 1, 1)


def test_nothing_found_and_nothing_to_find_are_no_numbers() -> None:
    assert (Found().precision, Found().recall) == (None, None)
    assert "-" in Found().line()


def test_selfies_are_everybodys_or_one_of_some_people_the_same_ones_each_time() -> None:
    people = [f"{number % 50}" for number in range(150)] + ["alone", None]
    everybody = others_of(people)
    assert len(everybody) == 150
    assert all(number not in others and len(others) == 2 for number, others in everybody.items())
    some = others_of(people, 20)
    assert len(some) == 20
    assert len({people[number] for number in some}) == 20
    assert some == others_of(people, 20)


def test_photos_beside_the_folders_are_nobodys() -> None:
    root = Path("set")
    assert pictures_by_person([root / "a" / "1.jpg", root / "2.jpg"], root) == {root / "a" / "1.jpg": "a"}


def test_people_are_halved_whole() -> None:
    people = [f"{number // 3}" for number in range(30)] + [f"alone {number}" for number in range(8)] + [None]
    first, second = halves(people, seed=1)
    assert sorted(first + second) == list(range(38))
    assert not {people[number] for number in first} & {people[number] for number in second}
    assert len([number for number in first if number < 30]) == 15


def test_the_settings_that_find_most_are_chosen_of_those_that_are_precise_enough() -> None:
    alone = Outcome(Found(10, 90, 1, 10, 1), Found(10, 95, 5, 5, 5))
    careful, lax, drifting = (replace(SECOND_PASS, margin=margin) for margin in (0.04, 0.02, 0.0))
    outcomes = {
        careful: Outcome(Found(10, 93, 1, 7, 1), Found(10, 96, 5, 4, 5)),
        lax: Outcome(Found(10, 95, 1, 5, 1), Found(10, 97, 5, 3, 5)),
        drifting: Outcome(Found(10, 97, 1, 3, 1), Found(10, 98, 9, 2, 9)),
    }
    assert best(alone, outcomes) == lax
    assert summed([alone.event, alone.larger]) == Found(20, 185, 6, 15, 6)


def test_a_made_up_event_is_measured_on_the_half_that_was_not_chosen_on(pool: ThreadPoolExecutor) -> None:
    faces = made_up.faces(80, 1)
    seen = [Seen(np.zeros((1, 4), np.float32), np.ones(1, np.float32), face[None], face) for face in faces]
    splits = measure(seen, [str(number // made_up.PHOTOS_A_PERSON) for number in range(80)], 1, pool)
    assert len(splits) == 2
    for split in splits:
        assert split.one_pass.event.searches == 40
        assert (split.two_pass.event.recall or 0) >= (split.one_pass.event.recall or 0)


def test_the_dlib_pipeline_is_counted_like_ours() -> None:
    where = {"a": [0.0], "b": [0.3], "c": [0.55, 9.0], "d": [9.1], "broken": []}

    def load(path: str) -> str:
        if path == "broken":
            raise OSError(path)
        return path

    package = SimpleNamespace(
        load_image_file=load,
        face_locations=lambda name: [(0, 9 - place, 9 - place, 0) for place in range(len(where[name]))],
        face_encodings=lambda name, boxes: [np.eye(1, 128)[0] * place for place in where[name]],
    )
    encoded = dlib_pipeline.encode(package, [Path(name) for name in where])
    assert [len(each) for each in encoded] == [1, 1, 2, 1, 0]
    rows = {row.distance: row.found for row in dlib_pipeline.search_all(encoded, {0: [1, 3], 4: [0]})}
    assert rows[0.6] == Found(searches=2, right=1, strangers=1, missed=2, with_strangers=1)
    assert rows[0.4] == Found(searches=2, right=1, strangers=0, missed=2, with_strangers=0)


def test_photos_are_looked_at_once_and_then_read_from_the_cache(samples: Path, models: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    paths = [samples / "obama2.jpg", bad]
    first = look_at(paths, cache=tmp_path / "cache", models=models)
    again = look_at(paths, cache=tmp_path / "cache", models=tmp_path / "no models are needed")
    for seen in (first, again):
        assert seen[0].selfie is not None
        assert float(seen[0].faces[0] @ seen[0].selfie) > 0.9
        assert not seen[1].readable
        assert len(seen[1].faces) == 0
