"""How an environment is set up: with pip's own mirrors, and again after an interruption."""

from pathlib import Path

import pytest

from tools import build_environment

LISTED = """\
:env:.default-timeout='180'
:env:.index-url='https://mirror.example/simple'
global.cert='/etc/ssl/corporate.pem'
global.extra-index-url='file:///one/simple\\nfile:///two/simple'
global.find-links='{here} {gone} https://wheels.example'
global.index-url='https://old.example/simple'
global.trusted-host='mirror.example'
install.no-index='true'
"""


def test_uv_asks_where_pip_asks(tmp_path: Path) -> None:
    pip = build_environment.pip_settings(LISTED.format(here=tmp_path, gone=tmp_path / "gone"))
    assert pip["no-index"] == "true"
    assert build_environment.uv_settings(pip) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "file:///one/simple file:///two/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://wheels.example",
        "UV_INSECURE_HOST": "mirror.example",
        "UV_HTTP_TIMEOUT": "180",
        "SSL_CERT_FILE": "/etc/ssl/corporate.pem",
    }
    as_it_comes = build_environment.uv_settings(build_environment.pip_settings(""))
    assert as_it_comes == {"UV_INDEX_STRATEGY": "unsafe-best-match"}


def test_given_an_interrupted_set_up_then_the_next_run_makes_it_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("one==1.0")
    environment = tmp_path / ".venv"
    made = []

    def make(*_: object) -> None:
        made.append(environment)
        (environment / "bin").mkdir(parents=True, exist_ok=True)
        (environment / "bin" / "python").touch()
        if len(made) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(build_environment, "ROOT", tmp_path)
    monkeypatch.setattr(build_environment, "make", make)
    with pytest.raises(KeyboardInterrupt):
        build_environment.ensure(environment, lock, editable=False)
    for _ in range(2):
        build_environment.ensure(environment, lock, editable=False)
    assert len(made) == 2
    lock.write_text("one==1.1")
    build_environment.ensure(environment, lock, editable=False)
    assert len(made) == 3
