"""Ctrl-C while a command's modules are imported, while it runs, and at its end: no traceback anywhere."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Python imports a module of this name by itself before anything else; here it presses Ctrl-C at a chosen import.
PRESSES = """
import os, signal, sys

class AtImport:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["PRESS_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, AtImport())
"""
PYTHON = (sys.executable, "-m")
# Where: one of ours or the first large one of others; what comes later is imported under the same handler.
IMPORTS = [
    ((str(Path(sys.executable).parent / "facesearch"), "org", "list"), "facesearch_cli.interrupts"),
    ((str(Path(sys.executable).parent / "facesearch"), "org", "list"), "typer"),
    ((*PYTHON, "facesearch_local", "--port", "0"), "facesearch_local.control"),
    ((*PYTHON, "facesearch_local", "--port", "0"), "boto3"),
    ((*PYTHON, "tools.demo"), "facesearch_client"),
    ((*PYTHON, "tools.assets", "--help"), "httpx"),
    ((*PYTHON, "tools.bench.accuracy", "--help"), "numpy"),
    ((*PYTHON, "tools.bench.index", "--help"), "numpy"),
    ((*PYTHON, "tools.bench.cost", "--help"), "tools.bench.requests"),
    ((*PYTHON, "tools.openapi"), "pydantic"),
    ((*PYTHON, "tools.smoke"), "boto3"),
]


@pytest.mark.parametrize(("command", "module"), IMPORTS)
def test_given_ctrl_c_at_an_import_then_the_command_ends_as_any_program(
    tmp_path: Path, command: tuple[str, ...], module: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(PRESSES)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PRESS_AT": module}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", 130, "Stopped.\n"),
        ("atexit.register(os.kill, os.getpid(), signal.SIGINT)", -signal.SIGINT, ""),
        ("return 3", 3, ""),
        ("pass", 0, ""),
    ],
)
def test_given_ctrl_c_while_it_runs_or_at_its_end_then_one_line_or_none(body: str, code: int, said: str) -> None:
    program = f"""
import atexit, os, signal, sys, time
from facesearch_cli import interrupts
def main():
    {body}
sys.exit(interrupts.run(main))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (code, said)


INTERRUPTED_AT_ONCE = """
import os, signal, sys, threading, time
from facesearch_cli.terminal import SILENT
from facesearch_cli.upload import Uploader

def work(number):
    time.sleep(0.001)

uploader = Uploader(stack=None, event=None, most_bytes=1)
timer = threading.Timer(float(sys.argv[1]), os.kill, (os.getpid(), signal.SIGINT))
try:
    timer.start()
    list(uploader._each("Reading", range(5000), work))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("delay", [0.001, 0.005, 0.02, 0.1, 0.3])
def test_ctrl_c_at_any_moment_ends_the_work_and_leaves_no_lock(delay: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_ONCE, str(delay)], cwd=ROOT, timeout=30, capture_output=True, check=False
    )
    assert done.returncode == 130, done.stderr


INTERRUPTED_TWICE = """
import os, signal, time
from facesearch_cli.terminal import held_interrupts

with held_interrupts("Wait."):
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
"""


def test_a_second_ctrl_c_ends_at_once_and_gives_the_terminal_its_cursor_back() -> None:
    ours, theirs = os.openpty()
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_TWICE], cwd=ROOT, timeout=30, stderr=theirs, check=False)
    os.close(theirs)
    assert done.returncode == 130
    said = os.read(ours, 1000)
    os.close(ours)
    assert said.startswith(b"Wait.")
    assert said.rstrip().endswith(b"\x1b[?25h")
