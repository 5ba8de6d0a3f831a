"""Drawn race photos: the sample photos' heads on a street, with drawn bibs below them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from facesearch.faces.engine import RgbImage

WIDTH, HEIGHT = 2048, 1365
FACE = 130
"""Pixels of a drawn runner's head."""
PORTRAITS = {"biden.jpg": (270, 50, 870, 700), "astronaut.png": (110, 0, 350, 280), "obama.jpg": (250, 0, 730, 560)}


def heads_of(samples: Path) -> list[RgbImage]:
    """The heads of three people."""
    heads = []
    for name, box in PORTRAITS.items():
        head = Image.open(samples / name).convert("RGB").crop(box)
        heads.append(np.asarray(head.resize((2 * FACE, 2 * FACE * head.height // head.width))))
    return heads


def street() -> RgbImage:
    """A picture of nothing in particular."""
    noise = np.random.default_rng(3).integers(60, 160, (HEIGHT // 64, WIDTH // 64, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def bib(text: str, width: int = 200, degrees: float = 0, ink: int = 10, paper: int = 245) -> Image.Image:
    """A bib: a number between a sponsor and a town, on paper."""
    paper_image = np.full((width * 7 // 10, width, 3), paper, np.uint8)
    scale = width / 200

    def write(words: str, size: float, y: float, thickness: int) -> None:
        (across, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_DUPLEX, size, thickness)
        place = (int(width - across) // 2, int(y))
        cv2.putText(paper_image, words, place, cv2.FONT_HERSHEY_DUPLEX, size, (ink,) * 3, thickness, cv2.LINE_AA)

    write("CITY RUN", scale * 0.8, width * 0.17, round(2 * scale))
    write(text, scale * (2.0 if len(text) < 5 else 1.5), width * 0.48, round(5 * scale))
    write("Sampletown", scale * 0.5, width * 0.63, 1)
    return Image.fromarray(paper_image).convert("RGBA").rotate(degrees, expand=True, resample=Image.Resampling.BICUBIC)


def pasted(image: RgbImage, part: Image.Image, x: float, y: float) -> RgbImage:
    """The picture with a part, its middle there."""
    whole = Image.fromarray(image)
    whole.paste(part, (round(x - part.width / 2), round(y - part.height / 2)), part.convert("RGBA"))
    return np.asarray(whole)


def runners(heads: Sequence[RgbImage], *bibs: Image.Image) -> RgbImage:
    """People beside each other, each with a bib."""
    image = street()
    for number, each in enumerate(bibs):
        x = 350 + 600 * number
        image = pasted(image, Image.fromarray(heads[number]), x, 300)
        image = pasted(image, each, x, 300 + 2.7 * FACE)
    return image
