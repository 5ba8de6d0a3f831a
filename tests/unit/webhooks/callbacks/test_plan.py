"""Delays between attempts."""

import pytest

from facesearch.settings import Settings
from facesearch.webhooks.callbacks.delivery import DeliveryPlan

STANDARD = Settings(table_name="t").delays


def test_the_default_is_what_standard_webhooks_advises_over_three_days() -> None:
    assert STANDARD == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    plan = DeliveryPlan(STANDARD, lambda low, high: 1.0)
    assert [plan.after(attempt) for attempt in range(1, 11)] == [*STANDARD, None]


def test_delays_vary_by_a_fifth() -> None:
    delays = [DeliveryPlan([1_000]).after(1) for _ in range(500)]
    assert all(delay is not None and 800 <= delay <= 1_200 for delay in delays)
    assert len(set(delays)) > 400


def test_the_last_attempt_is_the_last_whatever_the_receiver_asks_for() -> None:
    assert DeliveryPlan([1]).after(2, retry_after=60) is None


@pytest.mark.parametrize("text", ["", "5,", "5, 6", "-1", "1.5", "x", ",".join(["1"] * 21), "123456"])
def test_delays_that_are_no_list_of_seconds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="callback_delays"):
        Settings(table_name="t", callback_delays=text)
