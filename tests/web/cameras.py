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
        return self._portrait("obama2.jpg")

    def other(self) -> Image.Image:
        """Somebody else of whom it has one."""
        return self._portrait("biden.jpg")

    def two(self) -> Image.Image:
        """Both side by side, near enough for the page's oval and its margin; the first is larger."""
        film = Image.new("RGB", SIZE, GREY)
        film.paste(self.me().crop((0, 0, 600, 720)), (-130, 0))
        film.paste(self.other().crop((400, 0, 700, 570)), (490, 150))
        return film

    def nobody(self) -> Image.Image:
        return Image.new("RGB", SIZE, GREY)

    def dark(self) -> Image.Image:
        return self.me().point(lambda value: round(value * 0.15))

    def _portrait(self, name: str) -> Image.Image:
        film = Image.new("RGB", SIZE, GREY)
        with Image.open(self._samples / name) as photo:
            photo.thumbnail(SIZE)
            film.paste(photo.convert("RGB"), ((SIZE[0] - photo.width) // 2, (SIZE[1] - photo.height) // 2))
        return film
