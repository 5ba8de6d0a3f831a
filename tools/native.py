"""Compile the scan's inner loop, if there is a compiler: `python -I tools/native.py [FOLDER] [--lambda MACHINE]`.

For this machine the compiler is `cc`, or $CC. For Lambda, which is Linux on aarch64 (Graviton2), it is `cc` on such a
machine, else `aarch64-linux-gnu-gcc`, or what $LAMBDA_CC says, like
"zig cc -target aarch64-linux-gnu.2.28 -mcpu=neoverse_n1".
Without one nothing is made and nothing is wrong: the scan then takes simsimd's way, which is slower. Needs no package.
"""

import signal

if __name__ == "__main__":  # Ctrl-C just ends it, while the rest is imported too
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

INDEX = Path(__file__).resolve().parents[1] / "layers/facesearch/facesearch/faces/index"
SOURCE = INDEX / "scan.c"
OPTIONS = ("-O3", "-fPIC", "-shared", "-Wall", "-Werror")
GRAVITON2 = "-mcpu=neoverse-n1"
"""Dot products of 8-bit vectors are instructions of its own."""
SECONDS = 120


def compiler(system: str, machine: str) -> list[str] | None:
    """The command that compiles for such a machine; None if there is none."""
    is_here = (sys.platform, platform.machine().lower()) == (system, machine)
    asked = os.environ.get("CC" if is_here else "LAMBDA_CC")
    command = shlex.split(asked) if asked else ["cc" if is_here else f"{machine}-{system}-gnu-gcc"]
    if not asked and (system, machine) == ("linux", "aarch64"):
        command.append(GRAVITON2)
    return command if shutil.which(command[0]) else None


def build(folder: Path, system: str, machine: str) -> str:
    """Compile into a folder unless that is done. Why it could not be made; empty if it was."""
    made = folder / f"scan-{system}-{machine}.so"
    if made.is_file() and made.stat().st_mtime > SOURCE.stat().st_mtime:
        return ""
    command = compiler(system, machine)
    if command is None:
        return "there is no C compiler for it"
    part = made.with_suffix(f".{os.getpid()}")
    try:
        words = [*command, *OPTIONS, str(SOURCE), "-o", str(part)]
        done = subprocess.run(words, check=False, timeout=SECONDS, capture_output=True, text=True)
        if done.returncode:
            return f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}"
        part.replace(made)  # whole or not at all: another process may load it at this moment
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    finally:
        part.unlink(missing_ok=True)
    return ""


def main() -> int:
    """Make it, or say why it is left out; that is no failure."""
    parser = argparse.ArgumentParser(prog="tools/native.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=INDEX)
    parser.add_argument("--lambda", metavar="MACHINE", dest="machine", help="for Lambda on aarch64 or x86_64")
    parser.add_argument("--quiet", action="store_true", help="say nothing")
    options = parser.parse_args()
    place = ("linux", options.machine) if options.machine else (sys.platform, platform.machine().lower())
    problem = build(options.folder, *place)
    if problem and not options.quiet:
        print(f"Faces will be scanned by simsimd, in twice the time: {problem}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
