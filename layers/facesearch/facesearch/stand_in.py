"""Importing a package without a part of it that nothing here uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def stand_in(name: str, **contents: object) -> Iterator[None]:
    """While the block imports, an empty module of that name, but for its `contents`, is in the place of the real one.

    Afterwards the real one can be imported as ever; what the block has imported keeps the contents. Where the real one
    is there already, nothing happens.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module = ModuleType(name)
    vars(module).update(contents)
    try:
        yield
    finally:
        del sys.modules[name]
