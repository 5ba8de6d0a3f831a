"""How a function's environment starts. Those that guests wait for import this before all else, and end with `over`.

Only Lambda and the local stack start environments: elsewhere a function is an ordinary module.
"""

import gc
import os
import random
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

TYPE = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "")
"""on-demand, provisioned-concurrency or snap-start; empty = nobody has started an environment."""
UNUSED = "asyncio"
"""Powertools imports it for resolvers that are not ours: a tenth of the imports of a function that only reads."""
_stand_in = ModuleType(UNUSED)


def over(prime: Callable[[bool], None] | None = None) -> None:
    """All is imported: have built what calls need, thoroughly (`prime(True)`) where nobody waits for it yet."""
    if not TYPE:
        return
    _step_aside()
    if prime is not None:
        prime(TYPE != "on-demand")
    if TYPE == "snap-start":
        from snapshot_restore_py import register_after_restore  # Lambda's own

        register_after_restore(random.seed)  # else all environments of a snapshot draw the same jitter
    gc.enable()
    gc.freeze()  # what is here now stays: no collection of a later call walks through it


def _import(attribute: str) -> Any:
    """Of the module itself: should anything want it after all, it gets it."""
    _step_aside()
    return getattr(import_module(UNUSED), attribute)


def _step_aside() -> None:
    if sys.modules.get(UNUSED) is _stand_in:  # logging asks what it finds there for the current task
        del sys.modules[UNUSED]


if TYPE:
    gc.disable()  # imports make next to no garbage, and looking for it takes a twentieth of their time
    _stand_in.__dict__["__getattr__"] = _import
    sys.modules.setdefault(UNUSED, _stand_in)
