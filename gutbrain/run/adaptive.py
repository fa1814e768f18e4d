"""The reference engine: diffrax with error control, a few people on common steps.

Levers act at the moment, not as a mean over a step, and their jumps are given to the solver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.protocols.protocol import Act
from gutbrain.run.drive import Drive, Run

jax.config.update("jax_enable_x64", True)

PER_HOUR = 4  # samples from which hourly means are taken
ALL_DAY = (7 / 24, 7.5 / 24, 23 / 24)  # waking, the end of its pulse, sleep of the reference person


def integrate(
    axis: Axis,
    start: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    acts: Sequence[Act],
    times: np.ndarray,
    *,
    dose: np.ndarray | None = None,
    leaves: np.ndarray | None = None,
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
    leaves : day on which a column drops out and its acts of effort end, array [columns]
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
    coherent = {name: jnp.asarray(value) for name, value in axis.coherent(parameters).items()}
    begin, end = float(times[0]), float(times[-1])
    days = np.arange(np.floor(begin), np.ceil(end) + 1)
    sizes = jnp.asarray([[act.dose] for act in acts] if dose is None else dose)
    edges = {float(edge) for act in acts for edge in _edges(act, begin, end)}
    edges |= {float(day + part) for day in days for part in jumps}
    gone = None if leaves is None else jnp.asarray(leaves)
    edges |= set() if leaves is None else {float(day) for day in leaves}
    at = jnp.asarray(sorted(edge for edge in edges if begin < edge < end) or [end])

    def slope(time: Any, y: Any, _: Any) -> Any:
        return axis.read(y, coherent, _levers(acts, sizes, gone, time)).vector()

    controller = diffrax.PIDController(rtol=rtol, atol=rtol * 1e-2)
    stepping = diffrax.ClipStepSizeController(controller, jump_ts=at)
    solution = jax.jit(
        lambda y: diffrax.diffeqsolve(
            diffrax.ODETerm(slope), diffrax.Dopri8(), begin, end, 1e-4, y,
            saveat=diffrax.SaveAt(ts=jnp.asarray(times)), stepsize_controller=stepping, max_steps=max_steps,
        ).ys
    )(jnp.asarray(start))  # fmt: skip
    return np.asarray(solution)


def follow(
    axis: Axis, start: np.ndarray, parameters: Mapping[str, np.ndarray], drive: Drive, *, days: int,
    labels: tuple[str, ...] | None = None, rtol: float = 1e-6, **_: Any,
) -> Run:  # fmt: skip
    """Run a trial with error control and summarise it as every engine does.

    Parameters
    ----------
    drive : its acts are followed from moment to moment, with its doses, for who is still there
    """
    acts = drive.acts
    columns = start.shape[1]
    chosen = tuple(axis.columns) if labels is None else labels
    leaves = np.where(drive.present.min(axis=0) > 0, np.inf, (drive.present > 0).sum(axis=0))
    times = np.arange(days * 24 * PER_HOUR + 1) / (24 * PER_HOUR)
    states = integrate(
        axis, start, parameters, acts, times, dose=drive.dose, leaves=leaves, rtol=rtol, jumps=ALL_DAY
    )  # fmt: skip
    coherent = {name: jnp.asarray(value) for name, value in axis.coherent(parameters).items()}
    sizes, gone = jnp.asarray(drive.dose), jnp.asarray(leaves)

    @jax.jit
    def read(y: Any, at: Any) -> Any:
        def one(moment: tuple[Any, Any]) -> Any:
            return axis.read(moment[0], coherent, _levers(acts, sizes, gone, moment[1])).outputs(chosen)

        signals = jax.lax.map(one, (y, at))
        return signals.reshape(24, PER_HOUR, len(chosen), columns).mean(axis=1)

    per_day = 24 * PER_HOUR
    hours = np.stack([
        np.asarray(read(states[day * per_day : (day + 1) * per_day], times[day * per_day : (day + 1) * per_day]))
        for day in range(days)
    ])  # fmt: skip
    low, high = (bound[:, None] for bound in axis.bounds)
    slack = 1e-3 * (high - low)
    outside = ~np.isfinite(states) | (states < low - slack) | (states > high + slack)
    ever = outside.any(axis=(0, 1))
    when = outside.any(axis=1).argmax(axis=0)
    mean, least, most = (np.asarray(summary, np.float32) for summary in (hours.mean(1), hours.min(1), hours.max(1)))
    return Run(
        chosen, mean, least, most, states[-1], np.where(ever, np.floor(times[when]), -1).astype(int),
        np.where(ever, outside[when, :, np.arange(columns)].argmax(axis=1), 0),
    )  # fmt: skip


def _levers(acts: Sequence[Act], sizes: Any, gone: Any, time: Any) -> dict[str, Any]:
    """Offsets of all levers at one traced moment, and the clock."""
    levers: dict[str, Any] = {"clock.time": time, "clock.step_start": time, "clock.step": 0.0}
    for act, size in zip(acts, sizes, strict=True):
        value = size * _moment(act, time)
        if act.effort and gone is not None:
            value = jnp.where(time < gone, value, 0.0)
        levers[act.lever] = levers[act.lever] + value if act.lever in levers else value
    return levers


def _moment(act: Act, time: Any) -> Any:
    """Value of an act's shape at one traced moment, looked up on the exact function."""
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
