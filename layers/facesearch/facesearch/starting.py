"""How a function's environment starts. Those that guests wait for `begin` before all other imports, load early what
takes long (`ahead`), and end with `over`.

Only Lambda and the local stack start environments: elsewhere a function is an ordinary module.
"""

import gc
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from facesearch.stand_in import stand_in

TYPE = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "")
"""on-demand, provisioned-concurrency or snap-start; empty = nobody has started an environment."""


def begin() -> None:
    """Switch the collection of garbage off until `over`: imports make next to none, and looking for it takes a
    twentieth of their time."""
    if TYPE:
        gc.disable()


@contextmanager
def without(modules: Mapping[str, Mapping[str, object]]) -> Iterator[None]:
    """While the block imports, what nobody in a function uses is left out: modules by name, and what is in their place,
    as `stand_in` has it."""
    with ExitStack() as left_out:
        for name, contents in modules.items() if TYPE else ():
            left_out.enter_context(stand_in(name, **contents))
        yield


def ahead(load: Callable[[], object]) -> None:
    """Begin to load what takes long and is hardly Python's work, in a thread beside the imports that are still to come.

    `load` returns when the thread has begun.
    """
    if TYPE:
        load()


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
