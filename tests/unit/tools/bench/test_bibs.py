"""`make accuracy-bibs` on drawn photos."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from facesearch.bibs.reader import ReadBib
from facesearch_cli.errors import CommandError
from tests.support.runners import bib, heads_of, runners
from tools.bench import bibs
from tools.bench.bibs import Labelled, Looked, counts, read_labels


def looked(listed: set[str], *read: str) -> Looked:
    return Looked(Labelled(Path("x"), frozenset(listed)), [], [ReadBib(text, 0.9, None) for text in read], 1.0, 0.5)


def test_what_is_not_listed_is_wrong_unless_it_is_on_no_start_list() -> None:
    looks = [looked({"1", "2"}, "1", "3", "77"), looked({"3"}, "3")]
    free, bound = counts(looks), counts(looks, frozenset({"1", "2", "3"}))
    assert (free.precision, free.recall) == (2 / 4, 2 / 3)
    assert (bound.precision, bound.recall) == (2 / 3, 2 / 3)
    nothing = counts([looked(set())])
    assert (nothing.precision, nothing.recall) == (None, None)


def test_labels_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").touch()
    (tmp_path / "bibs.csv").write_text("\ufeffa.jpg;12; a-7\r\n\r\nb.jpg;;\r\n", encoding="utf-8")
    assert read_labels(tmp_path) == [
        Labelled(tmp_path / "a.jpg", frozenset({"12", "A7"})),
        Labelled(tmp_path / "b.jpg", frozenset()),
    ]


@pytest.mark.parametrize(("rows", "said"), [("b.jpg;1", "b.jpg"), ("a.jpg;PROM", "PROM"), (None, "bibs.csv")])
def test_labels_that_are_wrong_say_what_is(tmp_path: Path, rows: str | None, said: str) -> None:
    (tmp_path / "a.jpg").touch()
    if rows is not None:
        (tmp_path / "bibs.csv").write_text(rows)
    with pytest.raises(CommandError, match=said):
        read_labels(tmp_path)


def test_a_folder_is_measured_from_end_to_end(
    tmp_path: Path, samples: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a photo of two runners of whom one is listed, beside a number that is wrong, and a file that is none
    heads = heads_of(samples)
    Image.fromarray(runners(heads, bib("1432"), bib("58"))).save(tmp_path / "a.jpg", quality=90)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "bibs.csv").write_text("a.jpg;1432;999\nb.jpg;5\n")
    monkeypatch.setattr(sys, "argv", ["bibs", str(tmp_path), "--photos"])
    assert bibs.main() == 0
    out = capsys.readouterr()
    assert "1 photos, 2 faces, 2 bibs on the start list" in out.out
    assert "without       2      1      1      0.500      0.500" in out.out
    assert "with       2      1      0      1.000      0.500" in out.out
    assert "a.jpg: 2 faces" in out.out
    assert "missed 999, not listed 58" in out.out
    assert "b.jpg cannot be read" in out.err
    # And as JSON the same
    monkeypatch.setattr(sys, "argv", ["bibs", str(tmp_path), "--json"])
    assert bibs.main() == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["start_list"]["with"] == {"right": 1, "listed": 2, "read": 1, "precision": 1.0, "recall": 0.5}
    # And a folder without photos is no measurement
    (tmp_path / "bibs.csv").write_text("b.jpg;5\n")
    assert bibs.main() == 1
