"""What it costs to render a photo again with a watermark, beside what it costs to index it.

    python -m tools.bench.previews [--megapixels 24] [--rounds 5]

The photo is a gradient with a sensor's grain, compressed as a camera does, with nobody in it. The network's part is not
measured: one GET of the original and three PUTs.
"""

import argparse
import io
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image, ImageChops
from PIL.Image import Transpose as Turn

from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.models import DEFAULT_MODEL, Watermark, WatermarkPlace
from facesearch.photos.looking import PhotoLooker
from facesearch.photos.watermark import stamp_of
from facesearch_cli.stack import MODELS


def photo(megapixels: float) -> bytes:
    """A JPEG of 3:2."""
    height = round((megapixels * 10**6 / 1.5) ** 0.5)
    size = (round(1.5 * height), height)
    sky = Image.linear_gradient("L").resize(size)
    grain = Image.fromarray(np.random.default_rng(1).integers(0, 12, (height, size[0]), np.uint8))
    channels = [ImageChops.add(sky.transpose(turn), grain) for turn in (Turn.ROTATE_180, Turn.FLIP_TOP_BOTTOM)]
    file = io.BytesIO()
    Image.merge("RGB", [*channels, grain]).save(file, "JPEG", quality=92)
    return file.getvalue()


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median of some rounds, after one that does not count."""
    times = []
    for _ in range(rounds + 1):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    data = photo(options.megapixels)
    engine = OpenCvEngine(MODELS, threads=1)
    looker = PhotoLooker(engines=engine.named)
    corner, tiled = (stamp_of(Watermark("© Lakeside", place=place)) for place in (
        WatermarkPlace.BOTTOM_RIGHT, WatermarkPlace.TILED,
    ))  # fmt: skip
    indexing = seconds(lambda: looker.look(data, [DEFAULT_MODEL], renditions=True), options.rounds)
    print(f"a photo of {options.megapixels:.0f} million pixels, {len(data) / 10**6:.1f} MB")
    print(f"indexing            {indexing:.2f} s")
    for name, stamp in (("no watermark", None), ("in a corner", corner), ("tiled", tiled)):
        taken = seconds(lambda stamp=stamp: looker.render(data, stamp, lambda: None), options.rounds)  # type: ignore[misc]
        print(f"again, {name:<12} {taken:.2f} s, {taken / indexing:.2f} of it")


if __name__ == "__main__":
    main()
