"""Chromium, once for each camera: it takes its camera when it starts."""

import os
import shutil

import pytest
from playwright.sync_api import Browser, Playwright

from tests.web.cameras import Cameras

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MOST_AT_ONCE = 3
DENIED, ABSENT = "denied", "absent"
"""Cameras that the guest keeps off the page, and that are not there."""


def chromium() -> str:
    """The browser's program: CHROMIUM, or what the machine has."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if path := shutil.which(name):
            return path
    pytest.fail("there is no Chromium: install one (Debian: apt-get install chromium), or name it: CHROMIUM=path")


class Browsers:
    """Starts browsers as they are needed, and keeps a few of them."""

    def __init__(self, playwright: Playwright, cameras: Cameras) -> None:
        self._playwright = playwright
        self._cameras = cameras
        self._running: dict[str, Browser] = {}
        self._program = chromium()

    def with_camera(self, camera: str) -> Browser:
        """One whose camera shows this film, or is `denied` or `absent`."""
        browser = self._running.pop(camera, None)
        if browser is None:
            if len(self._running) == MOST_AT_ONCE:
                self._running.pop(next(iter(self._running))).close()
            browser = self._playwright.chromium.launch(executable_path=self._program, args=self._arguments(camera))
        self._running[camera] = browser  # the last one used is the last one closed
        return browser

    def _arguments(self, camera: str) -> list[str]:
        if camera == ABSENT:
            return ["--use-fake-device-for-media-stream=device-count=0", "--use-fake-ui-for-media-stream"]
        if camera == DENIED:
            return ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny"]
        film = self._cameras.film(camera)
        return [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ]

    def close(self) -> None:
        for browser in self._running.values():
            browser.close()
