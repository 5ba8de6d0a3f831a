"""How a function's environment starts. Those that guests wait for import this before all else, begin with what
takes long (`ahead`), and end with `over`.

Only Lambda and the local stack start environments: elsewhere a function is an ordinary module.
"""

import gc
import os
import random
from collections.abc import Callable

from facesearch.stand_in import stand_in

TYPE = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "")
"""on-demand, provisioned-concurrency or snap-start; empty = nobody has started an environment."""

if TYPE:
    gc.disable()  # imports make next to no garbage, and looking for it takes a twentieth of their time


def ahead(begin: Callable[[], object]) -> None:
    """Begin what takes long and is not Python's work, beside the imports that are still to come."""
    if TYPE:
        with (
            stand_in("numpy._core._add_newdocs"),
            stand_in("numpy._core._add_newdocs_scalars"),
        ):  # what numpy's help says
            begin()


def over(prime: Callable[[bool], None] | None = None) -> None:
    """All is imported: have built what calls need, thoroughly (`prime(True)`) where nobody waits for it yet."""
    if not TYPE:
        return
    if prime is not None:
        prime(TYPE != "on-demand")
    if TYPE == "snap-start":
        from snapshot_restore_py import register_after_restore  # Lambda's own

        register_after_restore(random.seed)  # else all environments of a snapshot draw the same jitter
    gc.enable()
    gc.freeze()  # what is here now stays: no collection of a later call walks through it
