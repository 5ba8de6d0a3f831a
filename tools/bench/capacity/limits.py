"""AWS's limits, each with its source and the day on which it was looked up."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

LIMITS = Path(__file__).parents[1] / "limits.toml"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What AWS gives by default.

    Attributes:
        moves: "request" = a quota request raises it; "never" = nothing does.
        code: service and code at Service Quotas, where it is there.
        title, url: where AWS says so.
    """

    value: float
    unit: str
    moves: Literal["request", "never"]
    title: str
    url: str
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """All that the model counts with; `as_of` is the day on which they were looked up. The names are AWS's own words
    for them, shortened; units stand in limits.toml."""

    as_of: date
    lambda_concurrency: Limit
    lambda_invocations_per_concurrency: Limit
    lambda_scaling_burst: Limit
    lambda_scaling_rate: Limit
    gateway_rate: Limit
    gateway_burst: Limit
    gateway_timeout: Limit
    partition_reads: Limit
    partition_writes: Limit
    table_reads: Limit
    table_writes: Limit
    table_initial_reads: Limit
    table_initial_writes: Limit
    item_collection_bytes: Limit
    s3_puts: Limit
    s3_gets: Limit
    cloudfront_requests: Limit
    waf_requests: Limit


def read_limits(path: Path = LIMITS) -> Limits:
    """The file. A limit that is missing there, or that nobody knows here, is a TypeError."""
    table = tomllib.loads(path.read_text())
    as_of = table.pop("as_of")
    return Limits(as_of=as_of, **{name: Limit(**limit) for name, limit in table.items()})
