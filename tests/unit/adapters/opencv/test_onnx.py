"""Reading an ONNX file's metadata."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facesearch.adapters.opencv.bib_reader import RECOGNISER
from facesearch.adapters.opencv.onnx import metadata


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
