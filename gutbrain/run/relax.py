"""Steady states of many people at once: implicit steps that grow as the slope falls, on plain NumPy arrays.

Boldly first: long steps, and a Jacobian that serves while the slope falls fast, corrected by what each step
shows (Broyden's update). Who does not come to rest so begins again with care: short steps, a Jacobian at each.
Jacobians are differences: copies of a person, each with one value nudged, are read side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Slope = Callable[[Array, Array], Array]

AT_REST = 1e-11  # per day
NUDGE = 1e-7  # of variables of order 1
LARGEST_MOVE = 1.0
STEPS = 1e-3, 1e9  # days


class Pace(NamedTuple):
    """How to go: first step (days), largest growth of a step, fall of the slope that keeps a Jacobian, and turns."""

    first: float
    growth: float
    keep: float
    turns: int


BOLD = Pace(1.0, 30.0, 0.3, 25)
CAREFUL = Pace(0.05, 4.0, 0.0, 60)


def relax(slope: Slope, u: Array, inert: Any = True, paces: tuple[Pace, ...] = (BOLD, CAREFUL)) -> tuple[Array, Array]:
    """Follow du/dt = slope(u) to its steady state.

    Parameters
    ----------
    slope : from arrays [variables, n] and the number of the column that each belongs to [n] to array [variables, n],
        per day
    u : start, array [variables, columns], scaled to order 1
    inert : False for variables that are in balance at every moment, array [variables]
    paces : how to go; the next one takes those whom the last did not bring below 1e-11 per day, from their start

    Returns
    -------
    where everybody ends, array [variables, columns], and the largest slope there, array [columns]
    """
    found, left = u.copy(), np.full(u.shape[1], np.inf)
    with np.errstate(all="ignore"):
        for pace in paces:
            restless = np.flatnonzero(~(left < AT_REST))
            if restless.size:
                found[:, restless], left[restless] = _follow(slope, u[:, restless], restless, inert, pace)
    return found, left


def _follow(slope: Slope, u: Array, columns: Array, inert: Any, pace: Pace) -> tuple[Array, Array]:
    """Go at one pace; return where everybody is, and the largest slope there."""
    inertia = np.diag(np.broadcast_to(inert, len(u)).astype(float))
    u, left = u.copy(), np.empty(u.shape[1])
    going, rate = np.arange(u.shape[1]), slope(u, columns)
    size = np.abs(rate).max(axis=0)
    step, stale = np.full(going.size, pace.first), np.ones(going.size, bool)
    inverse = np.empty((going.size, *inertia.shape))
    for _ in range(pace.turns):
        left[going] = size
        on = (size >= AT_REST) & np.isfinite(size)
        going, rate, size, step, stale, inverse = going[on], rate[:, on], size[on], step[on], stale[on], inverse[on]
        if not going.size:
            break
        system = _jacobian(slope, u[:, going[stale]], rate[:, stale], columns[going[stale]])
        inverse[stale] = _inverse(system - inertia / step[stale, None, None])
        move = -(inverse @ rate.T[:, :, None])[:, :, 0]
        move = np.where(np.isfinite(move), np.clip(move, -LARGEST_MOVE, LARGEST_MOVE), 0.0)
        u[:, going] += move.T
        last, before = rate, size
        rate = slope(u[:, going], columns[going])
        size = np.abs(rate).max(axis=0)
        step = np.clip(step * np.clip(before / size, 0.3, pace.growth), *STEPS)
        stale = ~(size < pace.keep * before)
        if pace.keep:
            inverse = _corrected(inverse, move, (rate - last).T)
    left[going] = size
    return u, left


def _jacobian(slope: Slope, u: Array, rate: Array, columns: Array) -> Array:
    """Return the Jacobians of some columns by differences, array [columns, rows, variables]."""
    count, people = u.shape
    nudged = u[:, None] + NUDGE * np.eye(count)[:, :, None]
    moved = slope(nudged.reshape(count, -1), np.tile(columns, count)).reshape(len(rate), count, people)
    return np.transpose((moved - rate[:, None]) / NUDGE, (2, 0, 1))


def _inverse(system: Array) -> Array:
    try:
        return np.linalg.inv(system)
    except np.linalg.LinAlgError:  # one singular person stops the call for all; a nudge makes him regular
        return np.linalg.inv(system - 1e-9 * np.eye(system.shape[-1]))


def _corrected(inverse: Array, move: Array, change: Array) -> Array:
    """Return the inverse Jacobians that turn the change of the slope into the move that caused it."""
    seen = (inverse @ change[:, :, None])[:, :, 0]
    back = move[:, None] @ inverse
    return inverse + (move - seen)[:, :, None] * back / (move * seen).sum(axis=1)[:, None, None]
