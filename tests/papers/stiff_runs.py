"""Implicit integration of one person, for published models that explicit steps cannot follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from gutbrain.model.axis import Axis

jax.config.update("jax_enable_x64", True)


@cache
def _compiled(axis: Axis, levers: tuple[str, ...]) -> tuple[Callable, Callable]:
    """Compile rates and Jacobian of an axis, once for a set of moved levers."""

    def rates(y, parameters, offsets):
        moved = {name: offsets[index] for index, name in enumerate(levers)}
        return axis.read(y[:, None], parameters, moved).vector()[:, 0]

    return jax.jit(rates), jax.jit(jax.jacfwd(rates))


def course(
    axis: Axis,
    times: np.ndarray,
    *,
    start: np.ndarray | None = None,
    parameters: Mapping[str, np.ndarray] | None = None,
    levers: Mapping[str, float] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-8,
) -> np.ndarray:
    """Integrate from the first time on and return states, array [times, rows], declared units.

    Parameters
    ----------
    times : days, increasing
    start : array [rows] (the declared start without it)
    parameters : values that differ, by full name, declared units
    levers : offsets from rest, held
    """
    declared = axis.defaults() | dict(parameters or {})
    values, moved = axis.coherent(declared), dict(levers or {})
    rates, jacobian = _compiled(axis, tuple(moved))
    offsets = jnp.asarray(list(moved.values()), float)
    found = solve_ivp(
        lambda _, y: np.asarray(rates(y, values, offsets)),
        (times[0], times[-1]),
        axis.start(declared)[:, 0] if start is None else start,
        method="LSODA", t_eval=times, jac=lambda _, y: np.asarray(jacobian(y, values, offsets)), rtol=rtol, atol=atol,
    )  # fmt: skip
    assert found.success, found.message
    return found.y.T
