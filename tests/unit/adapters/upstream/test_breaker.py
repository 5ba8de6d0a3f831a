"""The circuit breaker, by a clock that the test moves."""

import pytest

from facesearch.adapters.upstream.breaker import Breaker, CircuitOpenError


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def breaker(now: list[float]) -> Breaker:
    return Breaker(3, 10, lambda: now[0])


def refused(breaker: Breaker) -> float:
    """For how long, as it says; 0 = it is not."""
    try:
        breaker.admit()
    except CircuitOpenError as error:
        return error.seconds
    return 0


def test_failures_in_a_row_open_it_and_others_do_not(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert refused(breaker) == 0
    for _ in range(3):
        breaker.failed()
    assert refused(breaker) == 10


@pytest.mark.parametrize("reports", [True, False])
def test_after_its_time_one_try_is_admitted_and_its_success_or_its_time_closes_it(
    breaker: Breaker, now: list[float], reports: bool
) -> None:
    for _ in range(3):
        breaker.failed()
    now[0] += 10
    assert refused(breaker) == 0
    assert refused(breaker) == 10, "half open: the others wait for the one"
    if reports:
        breaker.succeeded()
        assert [refused(breaker) for _ in range(5)] == [0] * 5
    else:
        now[0] += 10
        assert refused(breaker) == 0
