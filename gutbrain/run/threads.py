"""How many threads an engine may use: all cores, unless somebody above already runs one task a core."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar

from gutbrain.errors import InputError

VARIABLE = "GUTBRAIN_THREADS"
_limit: ContextVar[int | None] = ContextVar("threads", default=None)


def allowed() -> int:
    """Return the number of threads an engine may use here: the limit set around it, else GUTBRAIN_THREADS, else cores.

    Raises
    ------
    InputError
        If GUTBRAIN_THREADS is no number of threads.
    """
    limit = _limit.get()
    if limit is not None:
        return limit
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return cores()
    if not given.isdecimal() or int(given) < 1:
        raise InputError(f"{VARIABLE}={given!r} is no number of threads", mend="Set it to 1 or more, or unset it")
    return int(given)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def at_most(count: int | None) -> Iterator[None]:
    """Let engines called inside use so many threads; None leaves it to the environment."""
    before = _limit.set(count)
    try:
        yield
    finally:
        _limit.reset(before)


def run_all(work: Callable[[int], None], count: int, workers: int, stop: threading.Event) -> None:
    """Run blocks on threads; an interrupt stops all of them before it travels on."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, number) for number in range(count)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            stop.set()
            raise
        if any(future.done() and future.exception() for future in futures):
            stop.set()
        for future in futures:
            future.result()
