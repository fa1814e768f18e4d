"""The reference engine: diffrax with error control, a few people on common steps.

Levers act at the moment, not as a mean over a step, and their jumps are given to the solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.protocols.protocol import Act
from gutbrain.run import fixed  # noqa: F401  (switches JAX to double precision)


def integrate(
    axis: Axis,
    start: np.ndarray,
    parameters: dict[str, np.ndarray],
    acts: Sequence[Act],
    times: np.ndarray,
    *,
    dose: np.ndarray | None = None,
    rtol: float = 1e-8,
    jumps: Sequence[float] = (),
    max_steps: int = 1_000_000,
) -> np.ndarray:
    """Integrate all columns and return the states at `times`, array [times, rows, columns].

    Parameters
    ----------
    start : array [rows, columns], declared units
    acts : acts with their full dose; `relative` and spreads are not resolved here
    times : days, increasing, the first is the begin
    dose : dose of each act for each column, array [acts, columns]; the acts' own without it
    jumps : further times of day-long repeats (wake, sleep) at which a lever jumps, in days of a day

    Raises
    ------
    InputError
        If diffrax is not installed.
    """
    try:
        import diffrax
    except ImportError as error:
        raise InputError("engine 'adaptive' needs diffrax: pip install 'gutbrain[adaptive]'") from error
    import jax
    import jax.numpy as jnp

    coherent = {name: jnp.asarray(value) for name, value in axis.coherent(parameters).items()}
    begin, end = float(times[0]), float(times[-1])
    days = np.arange(np.floor(begin), np.ceil(end) + 1)
    sizes = jnp.asarray([[act.dose] for act in acts] if dose is None else dose)
    edges = {float(edge) for act in acts for edge in _edges(act, begin, end)}
    edges |= {float(day + part) for day in days for part in jumps}
    at = jnp.asarray(sorted(edge for edge in edges if begin < edge < end) or [end])

    def slope(time: Any, y: Any, _: Any) -> Any:
        levers: dict[str, Any] = {"clock.time": time, "clock.step_start": time, "clock.step": 0.0}
        for act, size in zip(acts, sizes, strict=True):
            value = size * _moment(act, time)
            levers[act.lever] = levers[act.lever] + value if act.lever in levers else value
        return axis.read(y, coherent, levers).vector()

    controller = diffrax.PIDController(rtol=rtol, atol=rtol * 1e-2)
    stepping = diffrax.ClipStepSizeController(controller, jump_ts=at)
    solution = jax.jit(
        lambda y: diffrax.diffeqsolve(
            diffrax.ODETerm(slope), diffrax.Dopri8(), begin, end, 1e-4, y,
            saveat=diffrax.SaveAt(ts=jnp.asarray(times)), stepsize_controller=stepping, max_steps=max_steps,
        ).ys
    )(jnp.asarray(start))  # fmt: skip
    return np.asarray(solution)


def _moment(act: Act, time: Any) -> Any:
    """Value of an act's shape at one traced moment, looked up on the exact function."""
    import jax.numpy as jnp

    on = (time >= act.start) & (time < act.end)
    if act.shape is None:
        return jnp.where(on, 1.0, 0.0)
    return jnp.where(on, act.shape(time - act.start), 0.0)  # shapes are written with operators that JAX reads too


def _edges(act: Act, begin: float, end: float) -> list[float]:
    """Return the times at which an act's shape jumps."""
    edges = [act.start, min(act.end, end)]
    inner = getattr(act.shape, "edges", None)
    if inner is not None:
        edges += [act.start + edge for edge in inner(end - act.start)]
    return [edge for edge in edges if begin < edge < end]
