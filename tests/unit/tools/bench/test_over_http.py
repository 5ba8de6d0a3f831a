"""The accuracy tool's arithmetic and its choice of selfies, and what the demo reads from the logs."""

from pathlib import Path

import pytest

from facesearch_cli.errors import CommandError
from tools.bench.dataset import Label, labels_of, read_dataset
from tools.bench.gallery import Gallery, choose_probes
from tools.bench.identification import Counts, Found
from tools.bench.metrics import counted
from tools.bench.over_http import Row, Search, pool


def gallery_of(photos: dict[str, set[str]]) -> Gallery:
    return Gallery(1, 2, photos, {image_id: Path(image_id) for image_id in photos}, faces=0, failed=0, seconds=1)


def test_given_people_with_one_photo_when_chosen_then_only_others_are_probes_with_their_other_photos() -> None:
    gallery = gallery_of({"a1": {"a"}, "a2": {"a"}, "b1": {"b"}, "both": {"b", "c"}, "nobodys": set()})
    probes = {probe.others | {probe.image_id}: probe for probe in choose_probes(gallery, 150)}
    assert set(probes) == {frozenset({"a1", "a2"}), frozenset({"b1", "both"})}
    assert all(probe.image_id not in probe.others for probe in probes.values())
    assert {probe.person for probe in probes.values()} == {"a", "b"}
    assert all(probe.neither == {probe.image_id} for probe in probes.values())


def test_given_searches_when_pooled_then_photos_count_not_searches() -> None:
    searches = [
        Search(Counts("a", right=6, strangers=0, missed=0), milliseconds=10, same_again=True),
        Search(Counts("b", right=2, strangers=2, missed=1), milliseconds=30),
        Search(Counts("c", right=0, strangers=0, missed=1), milliseconds=20, refused=True),
    ]
    row = pool(90, searches)
    assert (row.found.precision, row.found.recall, row.found.with_strangers) == (0.8, 0.8, 1)
    assert row.found.estimates["strangers_a_search"].value == pytest.approx(2 / 3)
    assert row == Row(
        confidence=90,
        found=Found(tuple(search.counts for search in searches)),
        refused=1,
        median_milliseconds=20,
        p95_milliseconds=30,
        replays=1,
        replays_same=1,
    )


def test_given_metric_lines_when_counted_then_summed_over_logs_and_the_rest_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "search.log").write_text(
        '{"_aws": {"CloudWatchMetrics": []}, "SearchExecuted": [1.0]}\n'
        'INFO {"_aws": {}, "SearchExecuted": [1.0, 1.0], "SearchReplayed": [1.0]}\n'
        '{"message": "SearchExecuted"}\n'
        '{"_aws": {"CloudWatchMetrics": [{"Name": "SearchExecuted"}]}, "Sea'
    )
    (tmp_path / "other.log").write_text('{"_aws": {}, "SearchExecuted": 2}\n')
    assert (counted(tmp_path, "SearchExecuted"), counted(tmp_path, "SearchReplayed")) == (5, 1)
    assert counted(tmp_path / "none", "SearchExecuted") == 0


NOBODY = Label(None, None, None)


def labels(*files: str) -> list[Label]:
    return labels_of([file.split("/") for file in files])


def test_a_folder_of_folders_is_of_groups_and_one_folder_in_two_of_them_is_two_people() -> None:
    found = labels("child/1/a.jpg", "adult/1/b.jpg", "adult/2/more/c.jpg", "adult/stray.jpg", "stray.jpg")
    assert found == [
        Label("child", "child/1", "1"),
        Label("adult", "adult/1", "1"),
        Label("adult", "adult/2", "2"),
        NOBODY,
        NOBODY,
    ]


def test_a_dataset_is_read_from_a_folder(tmp_path: Path) -> None:
    for name in ("b/2/1.jpg", "a/1/1.jpg", "a/1/2.jpg", "note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    dataset = read_dataset(tmp_path)
    assert dataset.groups == ["a", "b"]
    assert dataset.people == ["a/1", "a/1", "b/2"]
    assert dataset.folders == ["1", "1", "2"]
    assert [path.relative_to(tmp_path).as_posix() for path in dataset.paths] == ["a/1/1.jpg", "a/1/2.jpg", "b/2/1.jpg"]


def test_photos_without_folders_are_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    with pytest.raises(CommandError, match="one folder of photos per person"):
        read_dataset(tmp_path)
