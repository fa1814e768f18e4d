"""Blocks of people: every compiled function sees one of a few widths, so that it is compiled once.

Columns are filled up to the width with copies of the last one. 400 people fit the cache of a
core and hide the cost of a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

WIDTHS = (1, 16, 128, 400)
WIDE = 2048  # what an accelerator takes besides: it has no such cache, and a call costs it more


def width(columns: int) -> int:
    """Return the smallest width that holds the columns, or the largest there is."""
    widths = WIDTHS if jax.default_backend() == "cpu" else (*WIDTHS, WIDE)
    return next((size for size in widths if size >= columns), widths[-1])


def takes(columns: int, size: int | None = None) -> Iterator[tuple[np.ndarray, int]]:
    """Yield, block by block, which columns it takes and how many of them count."""
    wide = size or width(columns)
    for begin in range(0, columns, wide):
        yield np.minimum(np.arange(begin, begin + wide), columns - 1), min(wide, columns - begin)


def part(values: Mapping[str, Any], take: np.ndarray) -> dict[str, Any]:
    """Return the parameters of a block, each spread over its full width."""
    return {
        name: jnp.asarray(
            np.broadcast_to(value, (*np.shape(value)[:-1], len(take))) if np.shape(value)[-1] == 1 else value[..., take]
        )
        for name, value in values.items()
    }


def in_blocks(
    function: Callable[..., Any],
    y: np.ndarray,
    parameters: Mapping[str, Any],
    *more: np.ndarray,
    columns: np.ndarray | None = None,
) -> Any:
    """Call `function(y, parameters, *more)` block by block and join its arrays along the people axis.

    `more` are arrays with people last. With `columns` only these are computed, at the width of all.
    """
    chosen = np.arange(y.shape[1]) if columns is None else columns
    parts = []
    for places, keep in takes(len(chosen), width(y.shape[1])):
        take = chosen[places]
        found = function(
            jnp.asarray(y[:, take]), part(parameters, take), *(jnp.asarray(value[..., take]) for value in more)
        )
        parts.append(jax.tree.map(lambda value, count=keep: np.asarray(value)[..., :count], found))
    return jax.tree.map(lambda *pieces: np.concatenate(pieces, axis=-1), *parts)
