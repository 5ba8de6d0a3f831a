"""Reading an ONNX file's metadata."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facesearch.adapters.opencv.bib_reader import RECOGNISER
from facesearch.adapters.opencv.onnx import metadata, of_any_size


def varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def message(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def entry(key: str, value: str) -> bytes:
    return message(14, message(1, key.encode()) + message(2, value.encode()))


OTHERS = st.lists(
    st.one_of(
        st.builds(message, st.integers(2, 13), st.binary(max_size=300)),
        st.builds(message, st.integers(1, 13), st.integers(0, 2**63)),
        st.builds(entry, st.text(max_size=5), st.text(max_size=300)),
    ),
    max_size=8,
).map(b"".join)


@given(OTHERS, OTHERS, st.text(max_size=20_000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_is_found_among_all_else(tmp_path: Path, before: bytes, after: bytes, value: str) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(before + entry("alphabet", value) + after)
    assert metadata(file, "alphabet") == value


@pytest.mark.parametrize("content", [b"", entry("other", "x"), message(7, b"graph")[:-2], b"\x0d1234"])
def test_a_file_without_it_says_so(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"ONNX|metadata"):
        metadata(file, "alphabet")


def test_the_recognisers_alphabet_has_each_letter_once(models: Path) -> None:
    letters = metadata(models / RECOGNISER, "character").split("\n")
    assert len(letters) == len(set(letters)) == 18_708
    assert set("0123456789ABCXYZabcxyz-#") <= set(letters)


def value(name: bytes, *sizes: int, known: bool = True) -> bytes:
    """What is said of a float32 array."""
    shape = message(2, b"".join(message(1, message(1, size) if size else b"") for size in sizes))
    return message(1, name) + message(2, message(1, message(1, 1) + (shape if known else b"")))


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_sizes_are_taken_out_of_a_network_and_nothing_else(tmp_path: Path, node: bytes) -> None:
    file, before = tmp_path / "model.onnx", message(1, 7)
    others = message(8, b"opset") + entry("a", "b")
    graph = message(1, node) + message(11, value(b"in", 1, 3, 640, 640)) + message(12, value(b"out", 1, 640))
    file.write_bytes(before + message(7, graph + message(13, value(b"between", 1, 16, 320, 320))) + others)
    expected = message(1, node) + message(11, value(b"in", 1, 3, 0, 0)) + message(12, value(b"out", known=False))
    assert of_any_size(file) == before + message(7, expected) + others
