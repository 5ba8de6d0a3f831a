"""The end of `make deploy`: which stack it means, and that nothing to publish is no failure."""

import os
from pathlib import Path

import pytest

from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack, settings_of
from tools import publish_page
from tools.publish_page import deployed

SAMCONFIG = {
    "default": {"deploy": {"parameters": {"region": "eu-west-1", "stack_name": "everybody"}}},
    "prod": {"global": {"parameters": {"stack_name": "photos"}}, "deploy": {"parameters": {"resolve_s3": True}}},
    "mine": {"deploy": {"parameters": {"stack_name": "mine", "region": "ap-south-1"}}},
}
OUTPUTS = {"ApiUrl": "https://api.example", "TableName": "t", "PhotosBucket": "p", "RenditionsBucket": "r"}


@pytest.mark.parametrize(
    ("config", "stack", "region"),
    [("prod", "photos", "eu-west-1"), ("mine", "mine", "ap-south-1"), ("other", "everybody", "eu-west-1")],
)
def test_a_deployment_is_what_sam_takes_for_it(config: str, stack: str, region: str) -> None:
    assert deployed(SAMCONFIG, config) == {"stack_name": stack, "region": region}


def run(
    monkeypatch: pytest.MonkeyPatch, folder: Path, outputs: dict[str, str], *, built: bool = True
) -> tuple[int, list[str]]:
    """Its exit code, and the command that it has run."""
    ran: list[str] = []

    def noted(arguments: list[str]) -> int:
        ran.extend(arguments)
        return 0

    def opened(name: str) -> Stack:
        if name != "photos":
            raise CommandError("There is no such stack.")
        assert os.environ["AWS_REGION"] == "eu-west-1"
        return Stack(name, outputs["ApiUrl"], settings_of(outputs), {})

    if built:
        (folder / "page").mkdir()
        (folder / "page" / "template.html").touch()
    config = folder / "samconfig.toml"
    config.write_text('[prod.global.parameters]\nstack_name = "photos"\nregion = "eu-west-1"\n[none.build]\n')
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(publish_page, "DIST", folder)
    monkeypatch.setattr(publish_page, "open_stack", opened)
    monkeypatch.setattr(publish_page, "run", noted)
    monkeypatch.setattr("sys.argv", ["publish_page", str(config), "prod"])
    return publish_page.main(), ran


def test_a_build_is_published_to_the_stack_that_was_deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("facesearch.bootstrap.operators.OperatorContainer.page_hosts", object())
    code, ran = run(monkeypatch, tmp_path, OUTPUTS)
    assert (code, ran) == (0, ["--stack", "photos", "page", "publish", "--dist", str(tmp_path)])


def test_without_cloudfront_or_a_build_nothing_is_published_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, OUTPUTS) == (0, [])
    assert "no CloudFront" in capsys.readouterr().out
    (tmp_path / "page" / "template.html").unlink()
    assert run(monkeypatch, tmp_path, OUTPUTS, built=False) == (0, [])
    assert "make web, then facesearch --stack photos page publish" in capsys.readouterr().out
