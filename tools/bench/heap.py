"""What indexing's malloc settings in template.yaml change: `python -m tools.bench.heap`.

As the function does, four threads take photos of 12 to 50 MP, JPEGs and a PNG, one of which has the CPU: once with the
settings and once without, in processes of their own.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image

from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.bootstrap import UPLOADS_AT_ONCE
from facesearch.models import DEFAULT_MODEL
from facesearch.photos.looking import PhotoLooker
from facesearch_cli import interrupts
from tools.bench import idle
from tools.bench.embeddings import MODELS
from tools.bench.run import pictures

LARGE = (8660, 5773)
ROUNDS = 4
CHILD = "--child"


def settings() -> dict[str, str]:
    """Those of indexing's variables that are malloc's."""
    function = idle.template().resources["IndexingFunction"]
    variables = function.properties["Environment"]["Variables"]
    return {name: str(value) for name, value in variables.items() if name.startswith("MALLOC_")}


def photos() -> list[bytes]:
    """JPEGs of 12, 24 and 50 MP, and a PNG of 12."""
    files = [pictures.photo(megapixels, 4) for megapixels in (12, 24)]
    picture = Image.open(BytesIO(files[1]))
    for image, kind in ((picture.resize(LARGE), "JPEG"), (Image.open(BytesIO(files[0])), "PNG")):
        file = BytesIO()
        image.save(file, kind, quality=90, compress_level=1)
        files.append(file.getvalue())
    return files


def measure() -> dict[str, float]:
    """Of this process: milliseconds of CPU for a photo, and megabytes at the most and at the end."""
    engine, files = OpenCvEngine(MODELS, threads=1), photos()
    looker = PhotoLooker(engines=engine.named)
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        started = time.process_time()
        for _ in range(ROUNDS):
            list(pool.map(lambda file: looker.look(file, [DEFAULT_MODEL], renditions=True), files))
        spent = time.process_time() - started
    memory = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak, now = (int(memory[name].split()[0]) / 1024 for name in ("VmHWM", "VmRSS"))
    return {"cpu": 1000 * spent / (ROUNDS * len(files)), "peak": peak, "end": now}


def main() -> int:
    """Measure and print."""
    if CHILD in sys.argv:
        print(json.dumps(measure()))
        return 0
    print("| malloc | CPU a photo, ms | peak, MB | at the end, MB |\n| --- | --- | --- | --- |")
    for name, given in (("as it is", {}), ("as template.yaml sets it", settings())):
        command = [sys.executable, "-m", "tools.bench.heap", CHILD]
        done = subprocess.run(command, env=os.environ | given, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        print(f"| {name} | {found['cpu']:.0f} | {found['peak']:.0f} | {found['end']:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
