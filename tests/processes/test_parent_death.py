from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facesearch_local import parent_death
from tests.processes.conftest import is_alive

# A process that starts `sleep` on a parent_death, says its id, and waits; on the system that it is told it is on.
PARENT = """
import os, subprocess, sys
parent_death, system = sys.argv[1:]
become = "import runpy, sys; sys.platform = sys.argv.pop(1); runpy.run_path(sys.argv.pop(1), run_name='__main__')"
command = [sys.executable, "-I", "-S", "-c", become, system, parent_death, str(os.getpid()), "15", "/bin/sleep", "60"]
print(subprocess.Popen(command).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("system", [pytest.param(sys.platform, id="this system"), "elsewhere"])
@pytest.mark.parametrize("ending", ["killed", "of itself"])
def test_given_a_command_on_a_leash_when_its_parent_ends_then_it_ends_too(system: str, ending: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(Path(parent_death.__file__)), system],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.5)
        assert is_alive(pid)
        if ending == "killed":
            parent.kill()
        else:
            parent.stdin.close()
    end = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_given_a_parent_that_is_gone_already_when_started_then_the_command_never_runs() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-I", "-S", str(Path(parent_death.__file__)), str(gone.pid), str(signal.SIGKILL.value)]
    started = subprocess.run([*command, "/bin/echo", "ran"], capture_output=True, check=False)
    assert (started.returncode, started.stdout) == (1, b"")
    assert os.getpid() != gone.pid
