"""The scan's inner loop in C (`scan.c`), where it was compiled: reads vectors as fast as memory gives them.

Nothing depends on it: without it `vectors.scan` computes the same with simsimd, in twice the time.
"""

import ctypes
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def library_name(system: str = sys.platform, machine: str = platform.machine()) -> str:
    """The file beside this one; each kind of machine has its own, so that none is taken for another's."""
    return f"scan-{system}-{machine.lower()}.so"


@cache
def _function() -> Any:
    """The function; None where it was not compiled, or cannot be loaded."""
    path = Path(__file__).with_name(library_name())
    if not path.is_file():
        return None
    try:
        function = ctypes.CDLL(str(path)).facesearch_scan
    except (OSError, AttributeError):
        return None
    pointer = ctypes.c_void_p
    function.argtypes = [pointer, pointer, pointer, ctypes.c_double, ctypes.c_size_t, pointer]
    function.restype = ctypes.c_size_t
    return function


def is_there() -> bool:
    """Whether `candidates` can be called."""
    return _function() is not None


def candidates(
    values: NDArray[np.int8], inverse_norms: NDArray[np.float32], probe: NDArray[np.int8], least: float
) -> NDArray[np.int64]:
    """Rows whose dot product with the probe (128 values), times their inverse norm, is `least` or more; other threads
    go on meanwhile."""
    arrays = [np.ascontiguousarray(array) for array in (values, inverse_norms, probe)]
    if arrays[0].shape != (len(arrays[1]), 128) or arrays[2].size != 128:
        raise ValueError("the scan in C is for vectors of 128 dimensions")
    found = np.empty(len(values), np.int64)
    places = [array.ctypes.data for array in arrays]
    return found[: _function()(*places, least, len(values), found.ctypes.data)]
