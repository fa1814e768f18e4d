"""An axis as a linear system with noise around a person's rest: what a few measured signals of it would show.

Jacobians of states, signals and inputs are averaged over the moments of a day, at rest or as life is lived with its
events. The mean is taken, not the logarithm of the map of one day: modes that fade within minutes leave nothing of
themselves in such a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import expm, solve_continuous_lyapunov

from gutbrain.model import units
from gutbrain.model.axis import Axis, nearest
from gutbrain.model.compartment import Events, ModelError, Noise
from gutbrain.model.stability import lever_rows, listens_to_clock, run_days

MOMENTS = 24  # of a day
SUBSTEPS = 4  # of a moment, while life is drawn
LIVED_DAYS = 10
FIRST_DAYS = 2  # in which slow noise builds up, not looked at
DUST = 1e-6  # a rest below it is 0 but for rounding, in the unit of the state
NUDGE = 1e-7  # of the range: inputs that cannot fall below rest are pushed upwards, away from their kink

Array = np.ndarray


@dataclass(frozen=True)
class Linear:
    """d state = (drift state + input_effects input) dt + noise; signal = outputs state + direct input, all from rest.

    Attributes
    ----------
    states, units : names of the state rows and their declared units
    drift : array [states, states], of the column on the row, declared units per day
    noise : array [states, states], covariance of the random change per day
    signals, signal_units : what can be seen
    outputs : array [signals, states]
    inputs, input_units : levers
    input_effects : array [states, inputs], per day and unit of the lever
    direct : array [signals, inputs], what a lever does to a signal at once
    rest : array [states], mean over the day
    habits : array [inputs], where the levers rest
    """

    states: tuple[str, ...]
    units: tuple[str, ...]
    drift: Array
    noise: Array
    signals: tuple[str, ...]
    signal_units: tuple[str, ...]
    outputs: Array
    inputs: tuple[str, ...]
    input_units: tuple[str, ...]
    input_effects: Array
    direct: Array
    rest: Array
    habits: Array

    @property
    def growth(self) -> float:
        """The fastest growth of a push, per day; below 0 the system comes back."""
        return float(np.linalg.eigvals(self.drift).real.max())

    def covariance(self) -> Array:
        """Return the covariance of the states in the long run, array [states, states].

        Raises
        ------
        ModelError
            If a push grows: there is no long run.
        """
        if self.growth >= 0:
            raise ModelError(f"the linear system does not come back to rest: a push grows by {self.growth:.3g} per day")
        # States in units of their rest: amounts in mmol and shares stand side by side otherwise. Dust is no rest.
        size = np.where(np.abs(self.rest) > DUST, np.abs(self.rest), 1.0)
        scaled = solve_continuous_lyapunov(self.drift * size / size[:, None], -self.noise / np.outer(size, size))
        made = scaled * np.outer(size, size)
        return (made + made.T) / 2

    def stirred(self, states: Mapping[str, float], inputs: Mapping[str, float]) -> Linear:
        """Return the system with more noise.

        Parameters
        ----------
        states : SD of the random change, unit per square root of a day
        inputs : SD of the daily mean of a lever that changes at random from day to day, its unit
        """
        for given, known in ((states, self.states), (inputs, self.inputs)):
            if unknown := next((name for name in given if name not in known), None):
                raise ModelError(f"{unknown!r} is nothing that can be stirred{nearest(unknown, known)}")
        own = np.array([states.get(name, 0.0) for name in self.states])
        size = np.array([inputs.get(name, 0.0) for name in self.inputs])
        moved = self.input_effects * size
        return replace(self, noise=self.noise + np.diag(own**2) + moved @ moved.T)

    def rows_of(self, signals: tuple[str, ...]) -> Array:
        """Return the outputs of some signals, array [signals, states]."""
        if unknown := next((name for name in signals if name not in self.signals), None):
            raise ModelError(f"no signal {unknown!r} in the linear system{nearest(unknown, self.signals)}")
        return self.outputs[[self.signals.index(name) for name in signals]]


@dataclass(frozen=True)
class Reduced:
    """The coupling that signals of a linear system would show if nothing else were known.

    Attributes
    ----------
    signals : what was seen
    drift : array [signals, signals], of the column on the row, per day; NaN for a signal that never moves
    standardised : the same per SD of the signals
    sd : array [signals], in the long run; 0 for a signal that never moves
    lag : days between looks that the drift stands for; 0 for the limit of close looks
    innovations : array [signals, signals], correlation of what is new in the signals from one moment to the next
    said : what had to be done otherwise than asked, in sentences
    """

    signals: tuple[str, ...]
    drift: Array
    standardised: Array
    sd: Array
    lag: float
    innovations: Array
    said: tuple[str, ...] = ()


def linearise(
    axis: Axis,
    parameters: Mapping[str, Any] | None = None,
    state: Array | None = None,
    levers: Mapping[str, float] | None = None,
    **options: Any,
) -> Linear:
    """Return one person's axis as a linear system; see `linear_systems` for the options."""
    own = axis.defaults() if parameters is None else parameters
    rest = None if state is None else np.reshape(state, (len(axis.rows), -1))
    made = linear_systems(axis, own, rest, levers, **options)
    if len(made) != 1:
        raise ModelError(f"{len(made)} people are linearised by `linear_systems`, one by `linearise`")
    return made[0]


def linear_systems(
    axis: Axis,
    parameters: Mapping[str, Any],
    state: Array | None = None,
    levers: Mapping[str, float] | None = None,
    *,
    signals: tuple[str, ...] | None = None,
    inputs: tuple[str, ...] | None = None,
    around: str = "rest",
    seed: int = 0,
) -> tuple[Linear, ...]:
    """Return everybody's axis as a linear system.

    Parameters
    ----------
    parameters : declared, by full name, arrays [..., people or 1]
    state : settled rest at midnight, array [rows, people], declared units (the start, its rhythm closed, without it)
    levers : held offsets by row name, declared units
    signals, inputs : columns and levers of the axis (all without it)
    around : "rest", or "life": over days with the noise and the events that the axis declares, so that what answers
        only above a threshold answers as strongly as it does on average. This is statistical linearisation.
    seed : of the drawn life

    Raises
    ------
    ModelError
        For an unknown signal, lever or way.
    """
    if around not in ("rest", "life"):
        raise ModelError(f"an axis is linearised around rest or life, not {around!r}")
    asked = tuple(axis.columns) if signals is None else tuple(signals)
    rows_of_levers, held = lever_rows(axis), dict(levers or {})
    known = tuple(name for name, *_ in rows_of_levers)
    for given, names in ((asked, tuple(axis.columns)), ((*held, *(inputs or ())), known)):
        if unknown := next((name for name in given if name not in names), None):
            raise ModelError(f"{unknown!r} is no signal or lever of {axis.name}{nearest(unknown, names)}")
    ends = {name: (rest, low, high) for name, rest, low, high in rows_of_levers}
    names = tuple(dict.fromkeys((*(known if inputs is None else inputs), *held)))
    values = axis.coherent(parameters)
    people = max([1 if state is None else state.shape[1], *(np.shape(value)[-1] for value in values.values())])
    start = axis.start(dict(parameters)) if state is None else np.asarray(state, float)
    start = np.broadcast_to(start, (len(axis.rows), people))
    moments = MOMENTS if listens_to_clock(axis) or around == "life" else 1
    path = np.repeat(start[None], moments, 0)
    if listens_to_clock(axis):
        every = 96 // MOMENTS
        days = 3 if state is None else 1
        path = run_days(axis, start, values, days, every=every, levers=held)[-MOMENTS - 1 : -1]
    # An input at the lowest value it can have acts upwards only.
    nudged = [NUDGE * (ends[name][2] or 1.0) if ends[name][1] == 0 else 0.0 for name in names]
    offsets = np.array([held.get(name, nudge) for name, nudge in zip(names, nudged, strict=True)])
    look = partial(_look, axis, asked, names, values, offsets)
    found = look(path)
    if around == "life":
        lived = _lived(axis, found, path, np.random.default_rng(seed))
        looks = [look(day) for day in lived]
        found = found | {key: np.mean([one[key] for one in looks], 0) for key in ("slope", "noise", "jumped", "moved")}
    slope, moved = found["slope"].mean(0), found["moved"].mean(0)
    noise, rows = (found["noise"] + found["jumped"]).mean(0), len(axis.rows)
    states = tuple(axis.columns[label].unit for label in axis.rows)
    seen = tuple(axis.columns[label].unit for label in asked)
    given_units = tuple(axis.levers[name.partition("[")[0]].unit for name in names)
    return tuple(
        Linear(axis.rows, states, slope[one, :rows], np.diag(noise[:, one]), asked, seen, slope[one, rows:],
               names, given_units, moved[one, :rows], moved[one, rows:], path[:, :, one].mean(0),
               np.array([ends[name][0] for name in names]))
        for one in range(people)
    )  # fmt: skip


def _look(axis: Axis, signals: tuple[str, ...], names: tuple[str, ...], values: Mapping[str, Any], offsets: Array,
          path: Array) -> dict[str, Array]:  # fmt: skip
    """Return slopes and noise at every moment of a day of everybody; `path` is [moments, rows, people]."""
    moments, rows, people = path.shape
    spread = {key: jnp.tile(jnp.broadcast_to(value, (*np.shape(value)[:-1], people)), moments)
              for key, value in values.items()}  # fmt: skip
    y = jnp.asarray(path.transpose(1, 0, 2).reshape(rows, -1))
    clock = jnp.repeat(jnp.arange(moments) / moments, people)
    held = jnp.broadcast_to(jnp.asarray(offsets)[:, None], (len(names), y.shape[1]))
    found = _slopes(axis, signals, names, y, spread, held, clock, 1.0 / moments)
    return {key: _split(np.asarray(value), moments, people) for key, value in found.items()}


def _split(value: Array, moments: int, people: int) -> Array:
    """Bring [rows, cases] to [moments, rows, people] and [by, to, cases] to [moments, people, to, by]."""
    apart = value.reshape(*value.shape[:-1], moments, people)
    return apart.transpose(2, 3, 1, 0) if value.ndim == 3 else apart.transpose(1, 0, 2)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _slopes(axis: Axis, signals: tuple[str, ...], names: tuple[str, ...], y: Any, parameters: Any, offsets: Any,
            clock: Any, step: Any) -> dict[str, Any]:  # fmt: skip
    """Return what states and inputs do to rates and signals, and how noise and jumps shake the states.

    Unlike `stability.jacobians` the equations are read once a case and not once a case and state: balances that are
    solved from far cost most, and their derivatives do not need them solved again.
    """
    times = {"clock.time": clock, "clock.step_start": clock, "clock.step": step}

    rows = len(y)

    def seen(at: Any) -> Any:
        moved = {name: at[rows + row] for row, name in enumerate(names)}
        reading = axis.read(at[:rows], parameters, times | moved)
        made = jnp.concatenate([reading.vector(), reading.outputs(signals)]) if signals else reading.vector()
        return made, _shaking(axis, reading, at[:rows])

    _, linear, found = jax.linearize(seen, jnp.concatenate([y, offsets]), has_aux=True)
    size = rows + len(names)
    columns = jax.vmap(linear)(jnp.broadcast_to(jnp.eye(size)[:, :, None], (size, size, y.shape[1])))
    return {**found, "slope": columns[:rows], "moved": columns[rows:]}


def _shaking(axis: Axis, reading: Any, y: Any) -> dict[str, Any]:
    """Return the declared noise and events of a reading, each an array [rows, cases], declared units."""
    kinds = ("noise", "jumped", "rate", "median", "log_sd")
    found = {kind: jnp.zeros_like(y) for kind in kinds}
    for part in axis.compartments:
        for equation in (*part.members(Noise).values(), *part.members(Events).values()):
            rows, factor = axis.slices[part.name, equation.of], units.factor(axis.state(part.name, equation.of).unit)
            given = getattr(reading.views[part.name], equation.name)
            if isinstance(equation, Noise):
                found["noise"] = found["noise"].at[rows].add((given / factor) ** 2)
                continue
            rate, median, log_sd = given
            # Jumps add the mean of their squares to the variance, whatever their shape.
            size = rate * (median / factor) ** 2 * jnp.exp(2 * jnp.square(log_sd))
            parts = (0.0, size, rate, median / factor, log_sd)
            found |= {kind: found[kind].at[rows].add(value) for kind, value in zip(kinds, parts, strict=True)}
    return found


def _lived(axis: Axis, found: Mapping[str, Array], path: Array, generator: np.random.Generator) -> Array:
    """Draw days of life around rest by the linear system itself, with jumps as they are declared.

    Returns
    -------
    array [days, moments, rows, people], declared units, within the bounds of the axis
    """
    moments, rows, people = path.shape
    step = 1 / (moments * SUBSTEPS)
    forward = expm(found["slope"].mean(0)[:, :rows] * step)
    low, high = (bound[:, None] for bound in axis.bounds)
    away, kept = np.zeros((rows, people)), []
    for number in range((FIRST_DAYS + LIVED_DAYS) * moments * SUBSTEPS):
        now, part = divmod(number, SUBSTEPS)
        at = now % moments
        if part == 0 and now >= FIRST_DAYS * moments:
            kept.append(np.clip(path[at] + away, low, high))
        count = generator.poisson(found["rate"][at] * step)
        sizes = found["median"][at] * np.exp(found["log_sd"][at] * generator.standard_normal(away.shape))
        jump = count * sizes - found["rate"][at] * step * found["median"][at] * np.exp(found["log_sd"][at] ** 2 / 2)
        shaken = np.sqrt(found["noise"][at] * step) * generator.standard_normal(away.shape)
        away = np.einsum("ptb,bp->tp", forward, away + jump) + shaken
        away = np.clip(path[at] + away, low, high) - path[at]
    return np.array(kept).reshape(LIVED_DAYS, moments, rows, people)


def reduced(linear: Linear, signals: tuple[str, ...], lag: float = 0.0) -> Reduced:
    """Return the drift that a coupling model of these signals alone would find.

    Parameters
    ----------
    lag : days between looks; 0 for the limit of close looks

    Notes
    -----
    Covariances of the signals with themselves, a lag apart, give the best linear forecast of the signals by
    themselves; its logarithm over the lag is the drift. What the other states do between the signals is in it.
    Where the forecast has no real logarithm (a signal forgets faster than the lag), the lag is halved.

    Raises
    ------
    ModelError
        If the system does not come back to rest, or two signals cannot be told apart.
    """
    chosen = tuple(signals)
    outputs = linear.rows_of(chosen)
    moves = _reached(linear, outputs)
    said = [f"{name} never moves: no noise of the linear system reaches it"
            for name, moved in zip(chosen, moves, strict=True) if not moved]  # fmt: skip
    size, kept = len(chosen), np.flatnonzero(moves)
    drift, standardised, innovations = np.full((3, size, size), np.nan)
    sd = np.zeros(size)
    if len(kept):
        held, spread = outputs[kept], linear.covariance()
        now = held @ spread @ held.T
        sd[kept] = np.sqrt(np.diag(now))
        together = now / np.outer(sd[kept], sd[kept])
        if np.linalg.cond(together) > 1e10:
            names = ", ".join(chosen[place] for place in kept)
            raise ModelError(f"{names}: some of these signals move as one and cannot be told apart")
        within, used = _logarithm(linear.drift, held / sd[kept][:, None], spread, together, lag)
        if used != lag:
            said.append(f"the signals forget faster than {lag:.3g} days; looks {used:.3g} days apart are meant")
        lag = used
        standardised[np.ix_(kept, kept)] = within
        drift[np.ix_(kept, kept)] = within * sd[kept][:, None] / sd[kept]
        new = -(within @ together + together @ within.T)
        alone = np.sqrt(np.maximum(np.diag(new), 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            innovations[np.ix_(kept, kept)] = new / np.outer(alone, alone)
    return Reduced(chosen, drift, standardised, sd, lag, innovations, tuple(said))


def _logarithm(drift: Array, outputs: Array, spread: Array, together: Array, lag: float) -> tuple[Array, float]:
    """Return the drift behind the best forecast of standardised signals, and the lag at which it could be had."""
    for _ in range(20 if lag > 0 else 0):
        forecast = outputs @ expm(drift * lag) @ spread @ outputs.T @ np.linalg.inv(together)
        values, vectors = np.linalg.eig(forecast)
        # A logarithm is that of the motion itself only while no mode has turned by more than half a circle.
        if np.abs(values).min() > 1e-3 and np.abs(np.angle(values)).max() < np.pi / 2:
            made = vectors @ np.diag(np.log(values.astype(complex))) @ np.linalg.inv(vectors) / lag
            if np.isfinite(made).all() and np.abs(made.imag).max() <= 1e-8 * np.abs(made).max():
                return made.real, lag
        lag /= 2
    return outputs @ drift @ spread @ outputs.T @ np.linalg.inv(together), 0.0


def _reached(linear: Linear, outputs: Array) -> Array:
    """Say which signals noise reaches along the wires, array [signals] of bool; no rounding is asked."""
    reached = np.any(linear.noise != 0, axis=1)
    while True:
        more = reached | np.any((linear.drift != 0) & reached, axis=1)
        if (more == reached).all():
            return np.any((outputs != 0) & reached, axis=1)
        reached = more


__all__ = ["Linear", "Reduced", "linear_systems", "linearise", "reduced"]
