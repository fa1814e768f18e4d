"""Compilation of array programs, with the options of XLA that suit short sums over a few rows of many people."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax

# On processors XLA hands sums to a library made for large ones; its own plain loops take half the time here.
OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "", "xla_cpu_use_fusion_emitters": False}


@cache
def options() -> dict[str, Any]:
    """Return the options, or none where this version of XLA does not know them: they change speed, not results."""
    try:
        jax.jit(lambda x: x, compiler_options=OPTIONS)(0.0)
    except (RuntimeError, TypeError):
        return {}
    return OPTIONS


def compiled(function: Callable[..., Any], static_argnums: tuple[int, ...] = ()) -> Any:
    """Return the function compiled with the options; not for use inside another compiled function."""
    return jax.jit(function, static_argnums=static_argnums, compiler_options=options())
