"""Times parts of a request from outside: functions by their names, wrapped before the function's code is imported."""

import functools
import importlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

ENGINE = "facesearch.adapters.opencv.face_engine"
STAGES = {
    "base64": ("facesearch.api.handler", "body_of"),
    "multipart": ("facesearch.api.selfie_form", "parse_selfie_form"),
    "decode": (ENGINE, "read_image"),
    "look": (ENGINE, "OpenCvEngine._detect"),
    "align": (ENGINE, "OpenCvEngine._aligned"),
    "forwards": (ENGINE, "OpenCvEngine._embedding"),
    "match": ("facesearch.faces.embedded", "match_faces"),
    "response": ("facesearch.api.pages", "face_search_result"),
    "probe": (ENGINE, "OpenCvEngine.probe"),
    "decode photo": ("facesearch.photos.looking", "read_image"),
    "faces": (ENGINE, "OpenCvEngine.faces"),
    "renditions": ("facesearch.photos.looking", "render"),
    "resize": (ENGINE, "_resized"),
    "copy": (ENGINE, "_bgr"),
}
"""By name: module and function. `align` holds `look`s of a face by itself; `probe` and `faces` hold what is above."""


@dataclass
class Spent:
    """Of one stage of one request: runs, and milliseconds of wall and of the calling thread's CPU."""

    runs: int = 0
    wall: float = 0
    cpu: float = 0


@dataclass
class Stages:
    """What was spent since the last `taken`, and when a stage ended last."""

    spent: dict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    ended: dict[str, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def wrap_all(self) -> None:
        """Every stage that this commit has under that name."""
        for name, (module, attribute) in STAGES.items():
            try:
                owner, last = owner_of(module, attribute)
                setattr(owner, last, self._timed(name, getattr(owner, last)))
            except (ImportError, AttributeError):
                self.missing.append(name)

    def taken(self) -> dict[str, Spent]:
        """By stage."""
        with self._lock:
            spent, self.spent = self.spent, defaultdict(Spent)
        return dict(spent)

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                now = time.perf_counter()
                with self._lock:
                    each = self.spent[name]
                    each.runs += 1
                    each.wall += 1000 * (now - wall)
                    each.cpu += 1000 * (time.thread_time() - cpu)
                    self.ended[name] = now

        return timed


def owner_of(module: str, attribute: str) -> tuple[Any, str]:
    """The module or class that has a stage's function, and its name there."""
    *path, last = attribute.split(".")
    return functools.reduce(getattr, path, importlib.import_module(module)), last
