"""What a stack that has just started says."""

from pathlib import Path

import pytest

from facesearch_local.__main__ import _greet
from facesearch_local.stack import Options
from facesearch_local.state import State

NUMBERS = dict.fromkeys(("org_id", "event_id", "pid"), 1)
DESCRIPTION = NUMBERS | dict.fromkeys(("url", "store", "endpoint_url", "api_key"), "x")


def test_its_upload_command_finds_the_stack_whose_folder_was_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, options in ((Options().state, ""), (tmp_path, f"--state {tmp_path} ")):
        _greet(DESCRIPTION, State(folder), None)
        assert f"facesearch {options}photos upload DIR --event 1" in capsys.readouterr().out
