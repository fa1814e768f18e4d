"""Memory between chunks: freed pages go back to the system, so that a long run does not grow."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Collect what nobody holds, and return freed memory to the system where the C library keeps it (glibc).

    The collector counts objects and not their size, so large arrays in cycles would wait for long. Chunks that live
    beside each other leave holes in what glibc holds. Without both a run grew by 25 MB a chunk.
    """
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and keeps little
