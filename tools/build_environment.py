"""Make one of the project's virtual environments from a lock file, or find it already whole.

Run by the Makefile with whatever Python the machine has, before anything is installed: standard library only.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C just ends it, while the rest is imported too
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOTSTRAP = ROOT / "requirements" / "bootstrap.txt"

# Settings of the caller's that would send packages elsewhere than into the environment, or refuse the editable install.
UNWANTED = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_HASHES", "PIP_CONSTRAINT", "PIP_NO_DEPS")


class SetupError(Exception):
    """Why the environment could not be made, and what to do."""


def fingerprint(environment: Path, lock: Path, editable: bool) -> str:
    """What the environment was made from; it also changes when the checkout moves or Python is upgraded."""
    parts = [str(environment), sys.version, BOOTSTRAP.read_text(), lock.read_text()]
    if editable:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        parts.append(repr([project["build-system"], project["project"], project["tool"]["setuptools"]]))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_whole(environment: Path, expected: str) -> bool:
    """The stamp is written last, so an interrupted set-up has none."""
    stamp = environment / ".complete"
    return stamp.is_file() and stamp.read_text() == expected and (environment / "bin" / "python").exists()


def run(log: Path, *command: str | Path) -> None:
    """Run a step; what it prints goes to the log, because pip warns of much that nobody can act on."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k not in UNWANTED}
    with log.open("ab") as output:
        subprocess.run(
            [str(part) for part in command],
            check=True, env=clean, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def make(environment: Path, lock: Path, editable: bool) -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise SetupError(
            f"{sys.executable} has no venv module. On Debian and Ubuntu: apt-get install python3-venv. "
            "Or name another Python: make PYTHON=/path/to/python3 …"
        )
    packages = sum(line[:1].isalnum() for line in lock.read_text().splitlines())
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Setting up {environment.name} with Python {version}: {packages} packages, a minute or so …", flush=True)
    started = time.monotonic()
    log = ROOT / ".cache" / f"{environment.name}.log"
    log.write_bytes(b"")
    pip_install = (environment / "bin" / "python", "-I", "-m", "pip", "install", "--no-input", "--no-user",
                   "--disable-pip-version-check", "--progress-bar", "off")  # fmt: skip
    shutil.rmtree(environment, ignore_errors=True)
    try:
        run(log, sys.executable, "-I", "-m", "venv", environment)
        run(log, *pip_install, "--require-hashes", "-r", BOOTSTRAP)
        run(log, *pip_install, "--require-hashes", "--resume-retries", "5", "-r", lock)
        if editable:
            run(log, *pip_install, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    except subprocess.CalledProcessError as error:
        said = log.read_text(errors="replace").splitlines()
        print("\n".join([line for line in said if line.startswith("ERROR")] or said[-15:]), file=sys.stderr)
        raise SetupError(
            f"{environment.name} could not be made; the reason is above, all of it in {log.relative_to(ROOT)}. "
            "Is a package index in reach? `pip config list` shows which one pip asks. Run the same command to retry."
        ) from error
    print(f"Set up {environment.name} in {time.monotonic() - started:.0f} s.", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--editable", action="store_true", help="install the project itself too")
    options = parser.parse_args()
    environment = ROOT / options.environment
    lock = ROOT / options.lock
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / f"{environment.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two makes at once: the second waits and finds it whole
        expected = fingerprint(environment, lock, options.editable)
        if is_whole(environment, expected):
            return 0
        try:
            make(environment, lock, options.editable)
        except SetupError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        (environment / ".complete").write_text(expected)
    return 0


if __name__ == "__main__":
    sys.exit(main())  # what Ctrl-C leaves half made has no stamp, and is made anew next time
