"""What template.yaml passes to a function through its environment, and to the command line through its outputs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class MissingSetting(ValueError):
    """A part needs a setting that was not given."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name.upper()} is not set")
        self.name = name


class Settings(BaseModel):
    """Frozen settings of one function, or of a command on a stack.

    A function declares only the variables that it uses, so everything but the table has a default (see `required`).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    engine: Literal["embedded", "upstream"] = "embedded"
    upstream_url: str = ""
    upstream_key_secret: str = ""
    collection_prefix: str = ""

    table_name: str
    idempotency_table_name: str = ""
    photos_bucket: str = ""
    renditions_bucket: str = ""
    selfies_bucket: str = ""
    snapshots_bucket: str = ""
    snapshots_queue_url: str = ""
    callbacks_queue_url: str = ""
    callbacks_dead_letters_url: str = ""
    faces_table_name: str = ""
    search_jobs_queue_url: str = ""
    uploads_queue_url: str = ""
    distribution_id: str = ""
    renditions_base_url: str = ""
    api_base_url: str = ""
    api_url: str = ""
    page_url: str = ""
    models_dir: Path = Path("/opt/models")

    result_retention_days: Annotated[int, Field(ge=1, le=365)] = 30
    biometric_retention_days: Annotated[int, Field(ge=0)] = 0
    selfie_retention_days: Annotated[int, Field(ge=0, le=30)] = 1
    duplicate_wait_seconds: Annotated[float, Field(ge=0, le=15)] = 10
    search_quota_per_minute: Annotated[int, Field(ge=1, le=600_000)] = 600
    search_jobs_concurrency: Annotated[int, Field(ge=1, le=1000)] = 2
    callbacks_concurrency: Annotated[int, Field(ge=1, le=1000)] = 2
    watch_key_arn: str = ""
    cors_allowed_origins: str = ""

    # The same in every deployment; the local stack and its tests set them otherwise.
    outbound_allow_local: bool = False
    search_job_deliveries: Annotated[int, Field(ge=2, le=20)] = 10
    snapshot_delay_seconds: Annotated[int, Field(ge=0, le=900)] = 60
    snapshot_tail_bytes: Annotated[int, Field(ge=1, le=100_000_000)] = 1_000_000
    callback_delays: Annotated[str, Field(pattern=r"^[0-9]{1,5}(,[0-9]{1,5}){0,19}$")] = (
        "5,300,1800,7200,18000,36000,50400,72000,86400"
    )

    memory_megabytes: Annotated[int, Field(ge=128, alias="aws_lambda_function_memory_size")] = 1769

    @property
    def origins(self) -> list[str]:
        """Origins whose pages may call the API from a browser; `*` = any."""
        return [origin for part in self.cors_allowed_origins.split(",") if (origin := part.strip())]

    @property
    def delays(self) -> list[int]:
        """Seconds between the attempts to deliver a callback."""
        return [int(seconds) for seconds in self.callback_delays.split(",")]

    @property
    def search_quota_burst(self) -> int:
        """Face matches that an organisation may run at once after a rest."""
        return max(1, self.search_quota_per_minute // 3)

    @property
    def index_cache_megabytes(self) -> int:
        """How much face vectors may take of the memory; the engine, and a search, need the rest."""
        return self.memory_megabytes * 1024 // 3538

    @property
    def vcpus(self) -> int:
        """Whole vCPUs that this function's memory buys; Lambda gives one per 1,769 MB."""
        return max(1, round(self.memory_megabytes / 1769))

    def required(self, name: str) -> str:
        """A setting that a part cannot do without, which is built when it is first asked for, or MissingSetting."""
        if not (value := str(getattr(self, name))):
            raise MissingSetting(name)
        return value

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings, their names in any case; a ValidationError if one is missing or out of its range."""
        source = os.environ if environment is None else environment
        return cls.model_validate({name.lower(): value for name, value in source.items()})
