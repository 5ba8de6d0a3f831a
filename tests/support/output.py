"""What a function writes."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Output:
    """What the function writes: log lines, and metrics as CloudWatch reads them."""

    stream: io.StringIO
    capsys: pytest.CaptureFixture[str]

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    @property
    def metrics(self) -> dict[str, Any]:
        lines = [json.loads(line) for line in self.capsys.readouterr().out.splitlines() if "_aws" in line]
        return {name: value for line in lines for name, value in line.items()}
