"""A race for the demo: a runner drawn into a public-domain sample photo, once facing the camera, once turned away."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SAMPLE = "astronaut.png"
BIB = "1024"
_FACE = (181, 66, 267, 179)
"""Where the face is in the sample: left, top, right, bottom."""
_BIB = (166, 380, 282, 452)
"""Where runners wear their bibs: two to three face heights below the face."""


def draw(samples: Path, folder: Path) -> list[Path]:
    """The two photos, as files in a folder that is made if it is not there: the one that shows the face first."""
    folder.mkdir(parents=True, exist_ok=True)
    facing = folder / "finish-facing.jpg"
    away = folder / "finish-turned-away.jpg"
    with Image.open(samples / SAMPLE) as sample:
        photo = sample.convert("RGB")
    _wear(photo)
    photo.save(facing, quality=92)
    _turn_away(photo)
    photo.save(away, quality=92)
    return [facing, away]


def _wear(photo: Image.Image) -> None:
    canvas, (left, top, right, bottom) = ImageDraw.Draw(photo), _BIB
    canvas.rounded_rectangle(_BIB, 6, fill="white", outline="#1b5e8c", width=3)
    canvas.rectangle((left, top, right, top + 14), fill="#1b5e8c")
    font = ImageFont.load_default(48)
    canvas.text(((left + right) / 2, (top + 14 + bottom) / 2), BIB, "black", font, anchor="mm", stroke_width=1)


def _turn_away(photo: Image.Image) -> None:
    """Hair where the face was."""
    left, top, right, bottom = _FACE
    ImageDraw.Draw(photo).ellipse((left - 22, top - 30, right + 22, bottom + 14), fill="#3b2a20")
