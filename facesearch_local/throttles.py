"""API Gateway's throttling: a token bucket for each method of each resource, sized by the Api's MethodSettings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from facesearch_local.functions import Route

ANY_PATH, ANY_METHOD = "/*", "*"


@dataclass
class Bucket:
    """Fills by `rate` a second, up to `burst`. Times are seconds by whatever clock the caller has."""

    rate: float
    burst: float
    tokens: float = field(init=False)
    looked_at: float

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        """Whether there is a token, which then is gone."""
        self.tokens = min(self.burst, self.tokens + (now - self.looked_at) * self.rate)
        self.looked_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Throttles:
    """Which requests the stage admits."""

    def __init__(self, settings: Iterable[Mapping[str, Any]], clock: Callable[[], float] = time.monotonic) -> None:
        """`settings`: the Api's MethodSettings, resolved; one without a rate limits nothing."""
        self._limits = {
            (_path(setting["ResourcePath"]), str(setting["HttpMethod"]).upper()): (
                float(setting["ThrottlingRateLimit"]),
                float(setting["ThrottlingBurstLimit"]),
            )
            for setting in settings
            if "ThrottlingRateLimit" in setting
        }
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def admit(self, route: Route) -> bool:
        """Whether one more request of this route may pass now."""
        limit = self._limits.get((route.path, route.method)) or self._limits.get((ANY_PATH, ANY_METHOD))
        if limit is None:
            return True
        now = self._clock()
        bucket = self._buckets.setdefault((route.path, route.method), Bucket(*limit, looked_at=now))
        return bucket.take(now)


def _path(resource_path: str) -> str:
    """`/~1api~1{x}` is how a setting names the resource `/api/{x}`."""
    return resource_path if resource_path == ANY_PATH else resource_path.removeprefix("/").replace("~1", "/")
