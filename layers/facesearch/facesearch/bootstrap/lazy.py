"""Imports that wait: a function loads the parts that it uses, and a cold start no others."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

from typing_extensions import override


class _LazyFinder(MetaPathFinder):
    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and fullname.startswith("facesearch."):
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def on_first_use() -> Iterator[None]:
    """The block imports modules, which are run when something of them is first used."""
    finder = _LazyFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
