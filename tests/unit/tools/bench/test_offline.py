"""What `make accuracy` measures offline, on made-up faces: groups, selfies, sweeps, speed, tables, JSON and plots."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from facesearch.faces.engine import Embedding
from tools.bench import offline, selfies, sweeps
from tools.bench.accuracy import as_json
from tools.bench.dataset import Dataset, Label
from tools.bench.embeddings import NOTHING, Job, Seen
from tools.bench.offline import Offline, Wish
from tools.bench.plots import draw
from tools.bench.selfies import held_out, one_probe
from tools.bench.speed import EngineSpeed
from tools.bench.spoil import SWEEPS
from tools.bench.tables import show_offline

ENGINE = EngineSpeed(2, 50.0, 40.0, 20.0, 2.0)


def photo(face: Embedding) -> Seen:
    box, points = np.array([[10, 10, 60, 80]], np.float32), np.full((1, 5, 2), 40, np.float32)
    return Seen(box, np.ones(1, np.float32), face[None], face, landmarks=points, subject=0)


def unit(vector: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Embedding:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def made_up(people: int = 20, photos: int = 5) -> tuple[Dataset, list[Seen]]:
    """Two groups; the strangers of "close" share a direction, those of "far" do not, folders bear the same names."""
    rng = np.random.default_rng(1)
    common = 8 * unit(rng.standard_normal(128))
    labels, seen = [], []
    for name, shared in (("close", 1), ("far", 0)):
        for person in range(people):
            centre = rng.standard_normal(128) + shared * common
            for _ in range(photos):
                labels.append(Label(name, f"{name}/{person}", str(person)))
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


def test_selfies_are_searched_with_as_the_product_does_or_refused() -> None:
    axes = np.eye(128, dtype=np.float32)
    alone, between = one_probe([axes[0]]), one_probe([axes[0], unit(axes[0].astype(np.float64) + axes[1])])
    assert alone is not None
    assert between is not None
    assert alone.tolist() == axes[0].tolist()
    assert between[:2].tolist() == pytest.approx([np.cos(np.pi / 8), np.sin(np.pi / 8)])
    assert one_probe([axes[0], axes[1]]) is None


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
        "refused  searches",
        "close (20 people)",
        "tilt, degrees",
    ):
        assert part in shown
    assert json.loads(json.dumps(found, default=as_json))["sweeps"]["sweeps"][0]["levels"][0]["level"] is None
    paths = draw(found, tmp_path / "plots")
    assert [path.stem for path in paths] == ["det", "cosines", "searches", "groups", "sweeps"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
