"""`make smoke`: the tests of tests/e2e against a deployment that is there already, a production one included.

They need an API key and an event, and a selfie if a search is to be made: one face match, one of the organisation's
quota, kept like any guest's. Nothing else is written, and nobody's data is shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import LOCAL, open_stack

ROOT = Path(__file__).resolve().parent.parent
TESTS = "tests/e2e"
USAGE = "make smoke URL=https://… (or STACK=…) KEY=… ORG=… EVENT=… [SELFIE=… TOKEN=…]; or of `make serve`: make smoke"


class SmokeError(Exception):
    """It is not said what to test."""


@dataclass(frozen=True)
class Target:
    """A deployment, and an event in it; `selfie` None = no search is made; `token`: of a link to the event, if any."""

    url: str
    api_key: str
    org_id: int
    event_id: int
    selfie: Path | None = None
    token: str = ""

    def environment(self) -> dict[str, str]:
        """How the tests are told; not by arguments, which everybody on this machine could read."""
        told = {"SMOKE_URL": self.url, "SMOKE_KEY": self.api_key,
                "SMOKE_ORG": str(self.org_id), "SMOKE_EVENT": str(self.event_id)}  # fmt: skip
        told |= {"SMOKE_TOKEN": self.token} if self.token else {}
        return told | ({"SMOKE_SELFIE": str(self.selfie.resolve())} if self.selfie else {})


def target(environment: Mapping[str, str]) -> Target:
    """What SMOKE_URL or SMOKE_STACK, SMOKE_KEY, SMOKE_ORG, SMOKE_EVENT, SMOKE_SELFIE and SMOKE_TOKEN say; what a local
    stack began with stands in for what is not said.

    Raises:
        SmokeError: something is missing, or no number, or no file.
        CommandError: there is no such stack.
    """
    given = {name: value for name in ("URL", "STACK", "KEY", "ORG", "EVENT", "SELFIE", "TOKEN")
             if (value := environment.get(f"SMOKE_{name}", "").strip())}  # fmt: skip
    if "URL" not in given:
        given = _of_stack(given.get("STACK", LOCAL)) | given
    if missing := [name for name in ("URL", "KEY", "ORG", "EVENT") if name not in given]:
        raise SmokeError(f"{', '.join(missing)} missing: {USAGE}")
    try:
        org_id, event_id = int(given["ORG"]), int(given["EVENT"])
    except ValueError:
        raise SmokeError("ORG and EVENT are numbers.") from None
    selfie = Path(given["SELFIE"]) if "SELFIE" in given else None
    if selfie is not None and not selfie.is_file():
        raise SmokeError(f"There is no selfie {selfie}.")
    return Target(given["URL"].rstrip("/"), given["KEY"], org_id, event_id, selfie, given.get("TOKEN", ""))


def _of_stack(name: str) -> dict[str, str]:
    stack = open_stack(name)
    if stack.state is None:
        return {"URL": stack.api_url}
    seeded = json.loads((stack.state / "stack.json").read_text())
    known = {"URL": stack.api_url, "KEY": seeded["api_key"], "ORG": seeded["org_id"], "EVENT": seeded["event_id"],
             "TOKEN": seeded.get("link_token")}  # fmt: skip
    return {key: str(value) for key, value in known.items() if value is not None}


def main() -> int:
    """Say what is tested, and test it; pytest's exit code, or 2 = it is not said what."""
    try:
        chosen = target(os.environ)
    except (SmokeError, CommandError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    search = f"one search with {chosen.selfie}" if chosen.selfie else "no search (name a file: SELFIE=…)"
    print(f"Testing {chosen.url}, organisation {chosen.org_id}, event {chosen.event_id}; {search}.", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", TESTS]
    return subprocess.run(command, check=False, cwd=ROOT, env=os.environ | chosen.environment()).returncode


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
