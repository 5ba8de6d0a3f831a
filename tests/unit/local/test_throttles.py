"""The stage's throttling: a bucket for each route, of the size that the template says."""

from __future__ import annotations

from typing import Any

import pytest

from facesearch_local.functions import Route
from facesearch_local.throttles import Throttles

SEARCH = Route("POST", "/api/{org_id}/faces", "search")
READ = Route("GET", "/api/{org_id}/faces", "results")
OTHER = Route("GET", "/api/{org_id}/events", "results")


def setting(path: str, method: str, rate: float, burst: int) -> dict[str, Any]:
    return {"ResourcePath": path, "HttpMethod": method, "ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}


EVERYTHING = setting("/*", "*", 10, 3)
SEARCHES = setting("/~1api~1{org_id}~1faces", "POST", 1, 2)


class Clock:
    """Seconds, which only a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def admitted(throttles: Throttles, route: Route, requests: int = 20) -> int:
    return sum(throttles.admit(route) for _ in range(requests))


def test_a_rested_route_admits_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    throttles = Throttles([EVERYTHING], clock)
    assert admitted(throttles, READ) == 3
    clock.now += 0.099
    assert admitted(throttles, READ) == 0
    clock.now += 0.002
    assert admitted(throttles, READ) == 1
    clock.now += 3600
    assert admitted(throttles, READ) == 3


@pytest.mark.parametrize("settings", [[EVERYTHING, SEARCHES], [SEARCHES, EVERYTHING]])
def test_a_routes_own_setting_comes_before_that_for_all(settings: list[dict[str, Any]]) -> None:
    clock = Clock()
    throttles = Throttles(settings, clock)
    assert [admitted(throttles, route) for route in (SEARCH, READ)] == [2, 3]
    clock.now += 1.5
    assert admitted(throttles, SEARCH) == 1
