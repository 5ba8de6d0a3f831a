"""What a fake camera sees: files that Chromium plays in place of one, made of the sample photos.

A single JPEG under the name .mjpeg is a film to Chromium, so that no video tool is needed.
"""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

SIZE = (960, 720)
"""Of every film, as webcams have it: Chromium takes the size from the first picture."""
GREY = (128, 128, 128)


class Cameras:
    """Makes each film when it is first asked for."""

    def __init__(self, samples: Path, folder: Path) -> None:
        self._samples = samples
        self._folder = folder

    def film(self, name: str) -> Path:
        """The film of that name: a function of this class."""
        path = self._folder / f"{name}.mjpeg"
        if not path.exists():
            picture: Callable[[], Image.Image] = getattr(self, name)
            picture().save(path, "JPEG", quality=92)
        return path

    def me(self) -> Image.Image:
        """Somebody of whom the event has photos, in the middle, as selfies are."""
        return self._portraits("obama2.jpg")

    def other(self) -> Image.Image:
        """Somebody else of whom it has one."""
        return self._portraits("biden.jpg")

    def nobody(self) -> Image.Image:
        return Image.new("RGB", SIZE, GREY)

    def dark(self) -> Image.Image:
        return self.me().point(lambda value: round(value * 0.15))

    def two(self) -> Image.Image:
        """Two people side by side."""
        return self._portraits("obama2.jpg", "biden.jpg")

    def _portraits(self, *names: str) -> Image.Image:
        film = Image.new("RGB", SIZE, GREY)
        width = SIZE[0] // len(names)
        for place, name in enumerate(names):
            with Image.open(self._samples / name) as photo:
                photo.thumbnail((width, SIZE[1]))
                left = place * width + (width - photo.width) // 2
                film.paste(photo.convert("RGB"), (left, (SIZE[1] - photo.height) // 2))
        return film
