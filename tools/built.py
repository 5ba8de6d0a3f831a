"""The built functions as Lambda has them: Python 3.13, its runtime in /var/runtime, code in /var/task, layers in /opt.

For the test of what is shipped and for the benchmark of cold starts. Linux only, and a layer runs only on the machine
that it was built for. Where a mount namespace cannot be had, the same folders stay where they are (`Host.is_faithful`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.txt"
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""AWS's runtime interface client and what it needs; Lambda's own Python 3.13 has it in /var/runtime."""
PROBE_SECONDS = 20

# /var is hidden: Lambda's folders are not there, and making them would change the machine.
MOUNT = """
mount --bind "$1" /opt && mount -t tmpfs tmpfs /var && mkdir /var/task /var/runtime &&
mount --bind "$2" /var/task && mount --bind "$3" /var/runtime && cd /var/task && shift 3 && exec "$@"
"""
NAMESPACES = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
"""As root, and as anybody where the kernel lets everybody have user namespaces."""


def python313() -> Path | None:
    """A Python 3.13 of this machine: in PATH, or one of pyenv's or uv's."""
    installed = (
        *Path.home().glob(".pyenv/versions/3.13.*/bin/python3.13"),
        *Path.home().glob(".local/share/uv/python/cpython-3.13.*/bin/python3.13"),
    )
    for candidate in (shutil.which("python3.13"), *sorted(installed)):
        if candidate is not None and _is_313(Path(candidate)):
            return Path(candidate)
    return None


def _is_313(python: Path) -> bool:
    """pyenv has a python3.13 in PATH that only says which one to choose."""
    check = "import sys; sys.exit(sys.version_info[:2] != (3, 13))"
    return subprocess.run([python, "-I", "-c", check], check=False, capture_output=True).returncode == 0


def install_runtime(folder: Path) -> None:
    """Put AWS's runtime for Python 3.13 there, at the locked version; about two seconds."""
    entries = LOCK.read_text().replace("\\\n", "").splitlines()
    wanted = [line.split("#")[0] for line in entries if line.split("==")[0] in RUNTIME]
    with TemporaryDirectory() as scratch:
        requirements = Path(scratch) / "requirements.txt"
        requirements.write_text("\n".join(wanted))
        machine = os.uname().machine
        platforms = [f"--platform=manylinux{tag}_{machine}" for tag in ("2014", "_2_17", "_2_28", "_2_34")]
        command = [
            sys.executable, "-I", "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check",
            "--no-user", "--python-version=3.13", "--implementation=cp", "--only-binary=:all:", *platforms,
            "--require-hashes", "--no-deps", "--target", str(folder), "--requirement", str(requirements),
        ]  # fmt: skip
        subprocess.run(command, check=True)


@dataclass(frozen=True)
class Host:
    """Where built functions run.

    Attributes:
        python: a Python 3.13.
        runtime: the folder with AWS's runtime.
        namespace: the command that gives a process mounts of its own; empty = there is none.
    """

    python: Path
    runtime: Path
    namespace: tuple[str, ...]

    @property
    def is_faithful(self) -> bool:
        """Whether the functions see Lambda's own paths."""
        return bool(self.namespace)

    def command(self, code: Path, layers: Path, *arguments: str, through: Sequence[str] = ()) -> list[str]:
        """Python with these arguments, beside that code and below those layers; its working directory is the code's.

        `through`: a command that starts it in there.
        """
        python = [*through, str(self.python), *arguments]
        if not self.is_faithful:
            return python
        return [*self.namespace, "sh", "-c", MOUNT, "sh", str(layers), str(code), str(self.runtime), *python]

    def environment(self, code: Path, layers: Path) -> dict[str, str]:
        """What tells a function where it is."""
        opt, task, runtime = layers, code, self.runtime
        if self.is_faithful:
            opt, task, runtime = Path("/opt"), Path("/var/task"), Path("/var/runtime")
        return {
            "LAMBDA_RUNTIME_DIR": str(runtime),
            "LAMBDA_TASK_ROOT": str(task),
            "MODELS_DIR": str(opt / "models"),
            "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's disks cannot be written to
            "PYTHONPATH": os.pathsep.join(map(str, (opt / "python", runtime))),
        }


def host(python: Path, runtime: Path, *used: Path) -> Host:
    """A host with Lambda's own paths if this machine can give them; `used` are further folders that it must see."""
    hidden = (Path("/opt"), Path("/var"))
    seen = [path.resolve() for path in (python, runtime, *used)]
    if not any(path.is_relative_to(folder) for path in seen for folder in hidden):
        for namespace in NAMESPACES:
            candidate = Host(python, runtime, namespace)
            if _works(candidate):
                return candidate
    return Host(python, runtime, ())


def _works(candidate: Host) -> bool:
    check = "import os, sys; sys.exit(os.getcwd() != '/var/task' or not os.path.isdir('/opt/python'))"
    with TemporaryDirectory() as scratch:
        code, layers = Path(scratch) / "code", Path(scratch) / "layers"
        code.mkdir()
        (layers / "python").mkdir(parents=True)
        try:
            done = subprocess.run(
                candidate.command(code, layers, "-I", "-c", check),
                check=False, capture_output=True, timeout=PROBE_SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


def merge(layers: Iterable[Path], folder: Path) -> None:
    """Lay layers over each other, as Lambda does in /opt; later ones win. Links, not copies: layers are large."""

    def link(source: str, target: str) -> None:
        Path(target).unlink(missing_ok=True)
        os.link(source, target)

    shutil.rmtree(folder, ignore_errors=True)
    for layer in layers:
        shutil.copytree(layer, folder, copy_function=link, dirs_exist_ok=True)
