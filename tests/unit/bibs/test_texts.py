"""What a line of text must be to be a bib."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.bibs.texts import bib_of


@pytest.mark.parametrize(
    ("text", "bib"),
    [
        ("1432", "1432"),
        ("0042", "0042"),
        ("a-17", "A17"),
        ("10 KM", None),
        ("B 1234", "B1234"),
        ("#805.", "805"),
        (" 12b ", "12B"),
        ("F7", "F7"),
        ("14 32", "1432"),
        ("PROM", None),
        ("", None),
        ("№", None),
        ("12:34", None),  # a clock
        ("1:02:33", None),
        ("24.11.2026", None),
        ("9,90", None),
        ("5/10", None),
        ("10km.example", None),
        ("21KM", None),
        ("LDA74", "LDA74"),
        ("74AC199", None),  # plates
        ("DA-744-KJ", None),
        ("B2B4", None),
        ("١٢٣", None),  # digits that nobody types
        ("12３", None),
        ("ſ12", None),  # its upper case is S
        ("123456789", None),  # a telephone
    ],
)
def test_a_number_is_a_bib_and_other_lines_with_digits_are_not(text: str, bib: str | None) -> None:
    assert bib_of(text) == bib


@given(st.text(st.characters(max_codepoint=0x24F) | st.sampled_from("0123456789AZaz -#٣")))
def test_a_bib_has_one_spelling(text: str) -> None:
    bib = bib_of(text)
    if bib is not None:
        assert re.fullmatch(r"(?=.*[0-9])[0-9A-Z]{1,16}", bib)
        assert bib_of(bib) == bib
        assert bib_of(f"#{bib.lower()} ") == bib
