"""The circuit breaker, by a clock that the test moves."""

from dataclasses import dataclass

import pytest

from facesearch.adapters.upstream.breaker import Breaker, CircuitOpenError


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Breaker:
    breaker = Breaker(3, 10, clock)
    for _ in range(3):
        breaker.admit()
        breaker.failed()
    return breaker


def refused(breaker: Breaker) -> float:
    """For how long, as it says; 0 = it is not."""
    try:
        breaker.admit()
    except CircuitOpenError as error:
        return error.seconds
    return 0


def test_failures_in_a_row_open_it_and_others_do_not(clock: Clock) -> None:
    breaker = Breaker(3, 10, clock)
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert refused(breaker) == 0
    for _ in range(3):
        breaker.failed()
    assert refused(breaker) == 10


def test_after_its_time_one_try_is_admitted_and_its_success_closes_it(opened: Breaker, clock: Clock) -> None:
    clock.now += 10
    assert refused(opened) == 0
    assert refused(opened) == 10, "half open: the others wait for the one"
    opened.succeeded()
    assert [refused(opened) for _ in range(5)] == [0] * 5


def test_a_try_that_never_reports_is_followed_by_another(opened: Breaker, clock: Clock) -> None:
    clock.now += 10
    opened.admit()
    clock.now += 10
    assert refused(opened) == 0
