"""What `make accuracy` measures offline, on made-up faces: groups, selfies, sweeps, speed, tables, JSON and plots."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from facesearch.faces.engine import Embedding
from facesearch_cli.errors import CommandError
from tools.bench import groups, offline, plots, selfies, speed, sweeps
from tools.bench.accuracy import as_json
from tools.bench.dataset import Dataset, Label
from tools.bench.embeddings import NOTHING, Job, Seen
from tools.bench.identification import index_of
from tools.bench.offline import Offline, Wish
from tools.bench.plots import draw, shares
from tools.bench.selfies import held_out, one_probe
from tools.bench.speed import EngineSpeed, engine_speed
from tools.bench.spoil import SWEEPS
from tools.bench.sweeps import couples
from tools.bench.tables import show_offline

ENGINE = EngineSpeed(2, 50.0, 40.0, 20.0, 2.0)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def photo(face: Embedding) -> Seen:
    box, points = np.array([[10, 10, 60, 80]], np.float32), np.full((1, 5, 2), 40, np.float32)
    return Seen(box, np.ones(1, np.float32), face[None], face, landmarks=points, subject=0)


def unit(vector: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Embedding:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def made_up(people: int = 20, photos: int = 5, grouped: bool = True) -> tuple[Dataset, list[Seen]]:
    """Two groups; the strangers of "close" share a direction, those of "far" do not, folders bear the same names."""
    rng = np.random.default_rng(1)
    common = 8 * unit(rng.standard_normal(128))
    labels, seen = [], []
    for name, shared in (("close", 1), ("far", 0)):
        for person in range(people):
            centre = rng.standard_normal(128) + shared * common
            for _ in range(photos):
                label = Label(name, f"{name}/{person}", str(person))
                labels.append(label if grouped else Label(None, label.person, label.person))
                seen.append(photo(unit(centre + 0.5 * rng.standard_normal(128))))
    return Dataset(Path("set"), [Path(f"{n}.jpg") for n in range(len(seen))], labels), seen


def measured(monkeypatch: pytest.MonkeyPatch, dataset: Dataset, seen: list[Seen], wish: Wish) -> Offline:
    """With what was seen in place of the engine, and every face lost at a sweep's worst level."""
    worst = {(name, sweep.levels[-1]) for name, sweep in SWEEPS.items()}

    def spoilt(jobs: Sequence[Job], watcher: object) -> list[Seen]:
        lost = [job.spoiler is not None and (job.spoiler.sweep, job.spoiler.level) in worst for job in jobs]
        places = [dataset.paths.index(job.path) for job in jobs]
        return [NOTHING if gone else seen[place] for gone, place in zip(lost, places, strict=True)]

    monkeypatch.setattr(offline, "look_at", lambda paths, watcher: seen)
    monkeypatch.setattr(offline, "engine_speed", lambda paths: ENGINE)
    monkeypatch.setattr(sweeps, "look_at_spoilt", spoilt)
    return offline.measure(dataset, wish)


def test_strangers_of_a_group_match_more_often_than_the_mixture_says(pool: ThreadPoolExecutor) -> None:
    dataset, seen = made_up()
    close, far = groups.measure(dataset, seen, index_of(seen), 10, (50,), pool)
    assert (close.name, close.people, close.photos) == ("close", 20, 100)
    assert (close.same, close.strangers) == (20 * 10, 100 * 99 // 2 - 200)
    assert (close.calibration[0].measured or 0) > 0.3
    assert far.calibration[0].measured is None, "fewer than ten pairs"
    (row,) = close.searches
    assert row.inside.searches == row.mixture.searches == 10
    assert [each.person for each in row.inside.counts] == [each.person for each in row.mixture.counts]
    assert 0 < row.inside.strangers < 100, "by bare cosines there are hundreds"
    assert (row.inside.recall or 0) > 0.9
    assert (row.mixture.recall or 0) > 0.9


def test_a_group_of_one_person_has_no_strangers(pool: ThreadPoolExecutor) -> None:
    dataset, seen = made_up(people=1)
    (close, _) = groups.measure(dataset, seen, index_of(seen), None, (90,), pool)
    assert (close.strangers, close.searches[0].inside.searches) == (0, 5)
    assert all(row.measured is None for row in close.calibration)


def test_selfies_are_held_out_of_those_who_have_enough_photos() -> None:
    people = ["a"] * 4 + ["b"] * 3 + ["c"] * 5 + [None]
    usable = [True] * 4 + [True] * 3 + [False, True, True, False, True] + [True]
    drawn = held_out(people, usable)
    assert [sorted(each) for each in drawn if people[each[0]] == "c"] == [[8, 9, 11]]
    assert {people[place] for each in drawn for place in each} == {"a", "c"}
    assert all(len(set(each)) == 3 for each in drawn)
    assert drawn == held_out(people, usable)
    assert [len(each) for each in held_out(["b"] * 3, [True] * 3)] == [2]
    assert held_out(["b"] * 2, [True] * 2) == []


def test_selfies_are_searched_with_as_the_product_does_or_refused() -> None:
    axes = np.eye(128, dtype=np.float32)
    alone, between = one_probe([axes[0]]), one_probe([axes[0], unit(axes[0].astype(np.float64) + axes[1])])
    assert alone is not None
    assert between is not None
    assert alone.tolist() == axes[0].tolist()
    assert between[:2].tolist() == pytest.approx([np.cos(np.pi / 8), np.sin(np.pi / 8)])
    assert one_probe([axes[0], axes[1]]) is None


def test_several_selfies_search_the_same_photos_for_the_same_people(pool: ThreadPoolExecutor) -> None:
    dataset, seen = made_up()
    taken = selfies.measure(dataset, seen, (90, 99), pool)
    assert [(row.selfies, row.confidence) for row in taken] == [(k, c) for k in (1, 2, 3) for c in (90, 99)]
    assert len({tuple(each.person for each in row.found.counts) for row in taken}) == 1
    assert {row.refused for row in taken} == {0}
    assert all(each.right + each.missed == 2 for row in taken for each in row.found.counts)
    recalls = [row.found.recall or 0 for row in taken if row.confidence == 99]
    assert recalls == sorted(recalls)


def test_people_whose_selfies_are_refused_are_counted_and_find_nothing(pool: ThreadPoolExecutor) -> None:
    dataset, seen = made_up(people=2)  # four in both groups
    drawn = held_out(dataset.people, [True] * len(seen))
    odd = drawn[0][1]  # the second selfie of one of the four shows somebody else
    seen[odd] = photo(unit(np.eye(128)[0]))
    taken = selfies.measure(dataset, seen, (90,), pool)
    assert [(row.selfies, row.refused) for row in taken] == [(1, 0), (2, 0.25), (3, 0.25)]
    assert [row.found.searches for row in taken] == [4, 4, 4]
    assert [row.found.missed for row in taken] == [0, 2, 2]
    assert [as_json(row)["refused"] for row in taken] == [0, 0.25, 0.25]


def test_two_photos_each_are_drawn_for_the_sweeps() -> None:
    people = [str(n // 3) for n in range(30)] + ["alone"]
    usable = [n % 3 > 0 for n in range(30)] + [True]
    drawn = couples(people, usable, 5)
    assert len(drawn) == len({people[each.selfie] for each in drawn}) == 5
    for each in drawn:
        assert each.selfie != each.photo
        assert people[each.selfie] == people[each.photo]
        assert usable[each.selfie]
        assert usable[each.photo]
    assert drawn == couples(people, usable, 5)


def test_everything_is_measured_shown_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset, seen = made_up()
    found = measured(monkeypatch, dataset, seen, Wish(10, (80, 90), swept=6))
    assert (found.photos, found.people, found.strangers) == (200, 40, 200 * 199 // 2 - 400 - 20 * 25)
    assert found.sweeps is not None
    for sweep in found.sweeps.sweeps:
        assert [level.found for level in sweep.levels] == [6] * (len(sweep.levels) - 1) + [0]
        assert sweep.levels[0].searches[0].found.recall == 1
        assert sweep.levels[-1].searches[0].found.recall == 0
    assert found.sweeps.face_pixels == [80, 80, 80]
    show_offline(found)
    shown = capsys.readouterr().out
    for part in (
        "ratio of a face 2.00",
        "strangers a search",
        "selfies  confidence  refused  searches",
        "close (20 people)",
        "tilt, degrees",
    ):
        assert part in shown
    assert json.loads(json.dumps(found, default=as_json))["sweeps"]["sweeps"][0]["levels"][0]["level"] is None
    paths = draw(found, tmp_path / "plots")
    assert [path.stem for path in paths] == ["det", "cosines", "searches", "groups", "sweeps"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_a_folder_of_people_has_neither_groups_nor_sweeps_that_nobody_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset, seen = made_up(people=3, photos=2, grouped=False)
    found = measured(monkeypatch, dataset, seen, Wish(None, (90,)))
    assert (found.groups, found.sweeps, found.selfies) == ([], None, [])
    show_offline(found)
    assert "nobody has three photos" in capsys.readouterr().out
    assert [path.stem for path in draw(found, tmp_path)] == ["det", "cosines", "searches"]


def test_people_with_one_photo_each_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, seen = made_up(photos=1)
    with pytest.raises(CommandError, match="more than one photo"):
        measured(monkeypatch, dataset, seen, Wish(10, (90,)))


def test_what_is_no_measurement_is_no_json() -> None:
    with pytest.raises(TypeError, match="object is no measurement"):
        as_json(object())


def test_the_share_from_each_bin_on_falls_from_one() -> None:
    assert shares([1, 0, 3]).tolist() == [1, 0.75, 0.75]
    assert shares([0, 0]).tolist() == [0, 0]


def test_matplotlib_is_loaded_for_plots_alone() -> None:
    folder = Path(plots.__file__).parent
    assert [path.name for path in folder.rglob("*.py") if "import matplotlib" in path.read_text()] == ["plots.py"]


def test_the_engine_is_timed_beside_the_bare_recogniser(samples: Path, models: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    found = engine_speed([bad, samples / "obama2.jpg"], models)
    assert found is not None
    assert found.photos == 1
    assert found.ratio == found.a_face / found.yardstick > 0.5
    assert engine_speed([bad], models) is None
    assert engine_speed([], models) is None


def test_searches_are_timed(pool: ThreadPoolExecutor) -> None:
    _, seen = made_up(people=2)
    photos = index_of(seen)
    assert (speed.search_speed(photos, [seen[0].selfie, None], 0.5, pool) or 0) > 0
    assert speed.search_speed(photos, [None], 0.5, pool) is None
