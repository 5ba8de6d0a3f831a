"""What the benchmark of cold starts makes of what it measured."""

from collections import Counter

from tools.bench.cold import BARE, BARE_MODELS, broken, by_package

FINE = {BARE: 100.0, BARE_MODELS: 200.0, "results": 125.0, "search": 250.0}
IMPORTS = {"results": Counter({"pydantic": 5})}


def test_import_times_are_summed_by_package() -> None:
    said = [
        "import time: self [us] | cumulative | imported package",
        "import time:       100 |        300 | numpy",
        "import time:        50 |         50 |   numpy._core",
        "a line of somebody else's",
        "import time:         7 |          7 | json",
    ]
    assert by_package(said) == {"numpy": 150, "json": 7}


def test_a_start_that_takes_too_long_is_named_with_what_it_is_compared_with() -> None:
    (complaint,) = broken(FINE | {"results": 126.0}, IMPORTS)
    assert complaint.startswith("results takes 1.26 times")
    assert BARE in complaint


def test_an_import_that_results_must_not_have_is_named() -> None:
    (complaint,) = broken(FINE, {"results": Counter({"cv2": 1, "json": 1})})
    assert complaint == "results imports cv2"
