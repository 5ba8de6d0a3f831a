"""A link's code is read by phones as the address that was meant; OpenCV's reader stands for them."""

from pathlib import Path

import cv2
import pytest

from facesearch_cli import qr


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8700/e/x-0123456789",
        f"https://photos.run.example/e/{'a-long-name-' * 10}0123456789",
    ],
)
def test_the_code_reads_as_the_address(tmp_path: Path, url: str) -> None:
    qr.save(url, tmp_path / "qr.png")
    picture = cv2.imread(str(tmp_path / "qr.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == url


def test_a_strict_policy_shows_it() -> None:
    drawn = qr.svg("https://photos.run.example/e/x-0123456789")
    assert drawn.startswith("<svg")
    assert "style" not in drawn
    assert "viewBox" in drawn
