"""What the functions counted: CloudWatch embedded metric lines in the local stack's logs."""

import json
from pathlib import Path


def counted(logs: Path, name: str) -> int:
    """Sum of a counter over every function's log in the folder."""
    return sum(
        _of_line(line, name) for path in logs.glob("*.log") for line in path.read_text(errors="replace").splitlines()
    )


def _of_line(line: str, name: str) -> int:
    if '"_aws"' not in line or f'"{name}"' not in line:
        return 0
    try:
        values = json.loads(line[line.index("{") :])[name]
    except (ValueError, KeyError):  # a line that is being written
        return 0
    return int(sum(values) if isinstance(values, list) else values)
