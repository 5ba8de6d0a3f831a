"""Make one of the project's virtual environments from a lock file, or find it already whole.

Run by the Makefile with whatever Python the machine has, before anything is installed: standard library only.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C just ends it, while the rest is imported too
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import ast
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
PROJECTS = (ROOT / "clients" / "python", ROOT)
"""What --editable installs."""
UV, UV_LOCK = ROOT / ".venv-uv", ROOT / "requirements" / "uv.txt"
"""pip fetches uv into an environment of its own, and uv makes all others."""

# Settings of the caller's that would send packages elsewhere than into the environment, or refuse the editable install.
UNWANTED = {
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_HASHES", "PIP_CONSTRAINT", "PIP_NO_DEPS"),
    *("UV_CONSTRAINT", "UV_OVERRIDE", "UV_REQUIRE_HASHES", "UV_NO_VERIFY_HASHES", "UV_PROJECT", "UV_WORKING_DIR"),
}
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") and name not in UNWANTED}


class SetupError(Exception):
    """Why the environment could not be made, and what to do."""


def fingerprint(environment: Path, lock: Path, editable: bool) -> str:
    """What the environment was made from; it also changes when the checkout moves or Python is upgraded."""
    parts = [str(environment), sys.version, lock.read_text()]
    for project in PROJECTS if editable else ():
        said = tomllib.loads((project / "pyproject.toml").read_text())
        parts.append(repr([said["build-system"], said["project"], said["tool"]["setuptools"]]))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_whole(environment: Path, expected: str) -> bool:
    """The stamp is written last, so an interrupted set-up has none."""
    stamp = environment / ".complete"
    return stamp.is_file() and stamp.read_text() == expected and (environment / "bin" / "python").exists()


def pip_settings(listed: str) -> dict[str, str]:
    """The settings in the output of `pip config list`; the environment's go before [install]'s, and these before
    [global]'s."""
    settings = {}
    for section in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            if line.startswith(section):
                name, _, value = line.removeprefix(section).partition("=")
                settings[name] = str(ast.literal_eval(value))
    return settings


def uv_settings(pip: dict[str, str]) -> dict[str, str]:
    """The same settings in uv's variables: it does not read pip's, and must find the same mirrors."""
    links = [link for link in pip.get("find-links", "").split() if "://" in link or Path(link).is_dir()]
    settings = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": pip.get("extra-index-url", ""),
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # as pip looks at all of them; the hashes make it safe
        "UV_FIND_LINKS": ",".join(links),
        "UV_INSECURE_HOST": pip.get("trusted-host", ""),
        "UV_HTTP_TIMEOUT": pip.get("timeout") or pip.get("default-timeout", ""),
        "SSL_CERT_FILE": pip.get("cert", ""),
        "SSL_CLIENT_CERT": pip.get("client-cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
    }
    return {name: " ".join(value.split()) for name, value in settings.items() if value}


def run(log: Path, *command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run a step; what it prints goes to the log, because installers warn of much that nobody can act on."""
    with log.open("ab") as output:
        subprocess.run(
            [str(part) for part in command],
            check=True, env=env or CLEAN, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def install_by_pip(log: Path, environment: Path, lock: Path) -> None:
    run(log, sys.executable, "-I", "-m", "venv", environment)
    run(log, environment / "bin" / "python", "-I", "-m", "pip", "install", "--no-input", "--no-user",
        "--disable-pip-version-check", "--progress-bar", "off", "--require-hashes", "-r", lock)  # fmt: skip


def install_by_uv(log: Path, environment: Path, lock: Path, editable: bool) -> None:
    ensure(UV, UV_LOCK, editable=False)
    asked = [str(UV / "bin" / "python"), "-I", "-m", "pip", "config", "list"]
    pip = pip_settings(subprocess.run(asked, check=True, env=CLEAN, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout)
    env = uv_settings(pip) | CLEAN  # who has set uv up gets what was set
    only_links = ["--no-index"] if pip.get("no-index", "").lower() in {"1", "true", "yes", "on"} else []
    uv = (str(UV / "bin" / "uv"), "--no-progress", "pip")
    python = ("--python", str(environment / "bin" / "python"), *only_links)
    run(log, sys.executable, "-I", "-m", "venv", "--without-pip", environment)
    run(log, *uv, "sync", *python, "--require-hashes", lock, env=env)
    if editable:
        projects = [part for project in PROJECTS for part in ("--editable", str(project))]
        run(log, *uv, "install", *python, "--no-deps", "--no-build-isolation", *projects, env=env)


def make(environment: Path, lock: Path, editable: bool) -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise SetupError(
            f"{sys.executable} has no venv module. On Debian and Ubuntu: apt-get install python3-venv. "
            "Or name another Python: make PYTHON=/path/to/python3 …"
        )
    packages = sum(line[:1].isalnum() for line in lock.read_text().splitlines())
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Setting up {environment.name} with Python {version}: {packages} packages …", flush=True)
    started = time.monotonic()
    log = ROOT / ".cache" / f"{environment.name}.log"
    log.write_bytes(b"")
    shutil.rmtree(environment, ignore_errors=True)
    try:
        if environment == UV:
            install_by_pip(log, environment, lock)
        else:
            install_by_uv(log, environment, lock, editable)
    except subprocess.CalledProcessError as error:
        said = log.read_text(errors="replace").splitlines()
        reason = next((at for at, line in enumerate(said) if line.lower().startswith("error")), -15)
        print("\n".join(said[reason:][:15]), file=sys.stderr)
        raise SetupError(
            f"{environment.name} could not be made; the reason is above, all of it in {log.relative_to(ROOT)}. "
            "Is a package index in reach? `pip config list` shows which one is asked. Run the same command to retry."
        ) from error
    print(f"Set up {environment.name} in {time.monotonic() - started:.0f} s.", flush=True)


def ensure(environment: Path, lock: Path, editable: bool) -> None:
    """Make the environment unless it is whole.

    Raises:
        SetupError: it cannot be made.
    """
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / f"{environment.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two makes at once: the second waits and finds it whole
        expected = fingerprint(environment, lock, editable)
        if not is_whole(environment, expected):
            make(environment, lock, editable)
            (environment / ".complete").write_text(expected)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--editable", action="store_true", help="install the project and its client, too")
    options = parser.parse_args()
    try:
        ensure(ROOT / options.environment, ROOT / options.lock, options.editable)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())  # what Ctrl-C leaves half made has no stamp, and is made anew next time
