"""`make bench`'s tables: whatever was measured is shown, and what was not is a dash."""

from typing import Any

import pytest

from tools.bench import cold, cost
from tools.bench.run import report

PROMISED = 16
ABOUT = {"commit": "c", "start": "s", "python": "3.13", "cores": 2, "cpu": "a CPU", "load": 1.0}


def searched(cpu: float) -> dict[str, Any]:
    return {
        "cpu": cpu, "wall": cpu, "wall_with_waits": 2 * cpu, "round_trips": 9, "in_turn": 6, "in_turn_after_probe": 4,
        "calls": {"BatchGetItem EVENT, KEY": {"count": 1, "wall": 1.5}}, "read_units": 4.0, "write_units": 6,
        "sent": 1000, "received": 2000, "stages": {"look": {"runs": 1, "wall": 5.0, "cpu": 4.0}}, "missing": [],
    }  # fmt: skip


def a_search(megapixels: float, **sides: float) -> dict[str, Any]:
    rows = {name: searched(cpu) for name, cpu in sides.items()}
    return {"megapixels": megapixels, "faces": 100_000, "floor": {"look": 20.0}, "floor_cpu": 20.0, **rows}


def a_photo(**sides: float) -> dict[str, Any]:
    stages = {"forwards": {"runs": 4, "wall": 1.0, "cpu": 1.0}}
    rows = {name: {"cpu": cpu, "faces": 4, "looks": 14, "peak": 6e8, "stages": stages} for name, cpu in sides.items()}
    return {"megapixels": 12, "people": 4, **rows}


def a_page(**of_memory: float | None) -> dict[str, Any]:
    page = {"cpu": 1.5, "wall": 2.0, "round_trips": 1, "read_units": 2.0, "received": 900, "body": 10_000, "images": 32}
    return {"now": {"page": page, "replay": page, "cpu_from_memory": 0.13, "bare_cpu": 0.1, **of_memory}}


WHOLE: dict[str, Any] = {
    "about": ABOUT,
    "search": [a_search(2, now=34, start=50), a_search(12, now=60, start=100)],
    "faceless": {"now": {"good": 40.0, "faceless": 100.0, "looks": 4}},
    "pages": a_page(),
    "indexing": [a_photo(now=700, start=1400)],
    "peers": {
        "dlib": {"selfie-2": {"cpu": 408.0, "faces": 1}, "photo-12-4": {"cpu": 3500.0, "faces": 4}},
        "faiss": {"100000": 2.2},
        "own_scan": {"100000": 0.5},
    },
    "cold": {
        "starts": {cold.SEARCH_READY: 400.0, cold.BARE_MODELS: 380.0},
        "restore": {"init": 450.0, "left": 50.0},
    },
    "load": {
        "page": {"1": {"median": 4.5, "a_second": 220.0, "failed": 0}},
        "bare": {"1": {"median": 1.8, "a_second": 427.0, "failed": 2}},
    },
}  # fmt: skip


def measured(found: dict[str, Any]) -> list[str]:
    """The middle column of the first table."""
    lines = report.markdown(found).splitlines()
    rows = lines[lines.index("| what | measured | must |") + 2 :]
    return [row.split(" | ")[1] for row in rows if row.startswith("| ")][:PROMISED]


def test_the_first_table_has_every_ratio_that_is_promised() -> None:
    *ratios, post, both, cheaper = measured(WHOLE)
    model = cost.Model(cost.of_bench(WHOLE, cost.Assumptions()))
    assert post == f"${cost.total(model.searches(100_000)):.4f}"
    behind = cost.Model(cost.of_bench(WHOLE, cost.Assumptions(http_api=True)))
    alone = cost.total(behind.searches(100_000))
    assert cheaper == f"${alone:.4f} / ${alone + cost.total(behind.pages()):.4f}"
    assert float(both[1:]) == pytest.approx(float(post[1:]) + cost.total(model.pages()), abs=1e-4)
    assert ratios == [
        "0.68", "0.60", "0.68", "1.70", "2.50", "9 / 4", "2", "1.30", "0.50", "5.00", "12.00", "1.05", "0.10",
    ]  # fmt: skip


def test_what_was_not_measured_is_a_dash() -> None:
    assert set(measured({"about": ABOUT | {"start": None}})) == {"–", "– / –"}
    alone = {**WHOLE, "search": [a_search(2, now=34)], "indexing": [a_photo(now=700)], "cold": None}
    alone |= {"peers": {"dlib": None, "faiss": None, "own_scan": {}}, "pages": a_page(cpu_from_memory=None)}
    text = report.markdown(alone)
    assert "face_recognition is not installed" in text
    assert measured(alone)[:3] == ["–", "–", "–"]


def test_each_section_is_shown() -> None:
    text = report.markdown(WHOLE)
    for line in (
        "| BatchGetItem EVENT, KEY | 1 x 1.5 | 1 x 1.5 |",
        "| look | 1 x 4.0 (1 x 4.0) | 1 x 4.0 (1 x 4.0) |",
        "| page | 4.5 ms, 220/s | 2.50 |",
        "| bare | 1.8 ms, 427/s, 2 failed | 1.00 |",
        "| 100,000 | 0.50 | 2.20 | 4.40 |",
    ):
        assert line in text.splitlines()


def test_the_tables_of_a_document_are_replaced_and_nothing_else() -> None:
    document = "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n"
    assert report.filled(document, "new\n") == "before\n<!-- bench -->\nnew\n<!-- /bench -->\nafter\n"
    assert report.filled(report.filled(document, "x\n"), "new\n") == report.filled(document, "new\n")
