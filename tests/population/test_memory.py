"""Memory that nobody holds goes back to the system between chunks."""

from __future__ import annotations

import gc
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from gutbrain.population import memory

MB = 2**20


def _held() -> float:
    """Return the resident memory of this process, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


@pytest.mark.skipif(memory._trim() is None, reason="only glibc keeps freed memory and has malloc_trim")
def test_holes_between_living_arrays_go_back() -> None:
    """Small arrays are freed but for every hundredth: their pages are held until they are given back."""
    many = [np.ones(8 * 1024 // 8) for _ in range(200 * MB // (8 * 1024))]
    few = many[::100]
    del many
    kept = _held()
    memory.give_back()
    assert kept - _held() > 50
    assert len(few) > 0


def test_arrays_in_a_cycle_are_let_go() -> None:
    """The collector alone would wait for more objects."""

    class Held:
        pass

    one = Held()
    one.itself, one.array = one, np.ones(1000)
    gone = weakref.ref(one)
    gc.disable()
    try:
        del one
        assert gone() is not None
        memory.give_back()
        assert gone() is None
    finally:
        gc.enable()


def test_elsewhere_nothing_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without malloc_trim is left alone."""
    monkeypatch.setattr(sys, "platform", "darwin")
    memory._trim.cache_clear()
    try:
        assert memory._trim() is None
        memory.give_back()
    finally:
        memory._trim.cache_clear()
