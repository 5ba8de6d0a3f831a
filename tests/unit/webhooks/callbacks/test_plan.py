"""Delays between attempts."""

import pytest

from facesearch.settings import Settings


def test_the_default_is_what_standard_webhooks_advises_over_three_days() -> None:
    assert Settings(table_name="t").delays == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]


@pytest.mark.parametrize("text", ["", "5,", "5, 6", "-1", "1.5", "x", ",".join(["1"] * 21), "123456"])
def test_delays_that_are_no_list_of_seconds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="callback_delays"):
        Settings(table_name="t", callback_delays=text)
