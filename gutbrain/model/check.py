"""All that can be wrong with a model, found at once: units, bounds, dead ends, rates, steps, stability.

Nothing here stops at the first finding. A model that does not even wire is checked part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import CLOCK, Axis
from gutbrain.model.compartment import Balance, Compartment, Equation, Input, ModelError, Output, Param, Rate, State
from gutbrain.model.ledger import audit
from gutbrain.model.quantities import Quantities
from gutbrain.model.reading import depends
from gutbrain.model.stability import (
    REACH,
    growth,
    jacobians,
    lever_rows,
    loop_gain,
    safe_step,
    speeds,
)

__all__ = ["Finding", "Quantities", "check", "check_parts", "growth", "jacobians", "loop_gain", "safe_step", "speeds"]

DRAWS, INFLUENCE_DRAWS = 12, 96
LIMIT_OF_METHOD = 2.5  # |rate| * step beyond which classical Runge-Kutta itself is unstable
FAST = 0.05  # share of its range per day at which a state may not cross a bound near rest
DRIFT = 0.01  # share of a state that may change per day at rest


@dataclass(frozen=True)
class Finding:
    """One thing to know about a model: how bad, where, what it is, and how to mend it."""

    severity: Literal["error", "warning", "note"]
    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.what}" + (f"; {self.mend}" if self.mend else "")


def check_parts(*compartments: Compartment, step: str = "15 minute") -> list[Finding]:
    """Check compartments that may not fit together; what stops them from wiring is a finding too."""
    try:
        axis = Axis(*compartments)
    except ModelError as error:
        findings = [_from_problem(problem) for problem in error.problems]
    else:
        return check(axis, step)
    for part in compartments:
        try:
            inputs = part.members(Input).values()
            alone = Axis(
                part, cut=frozenset((field.signal, part.name) for field in inputs if field.signal not in CLOCK)
            )
        except ModelError as error:
            findings += [_from_problem(problem) for problem in error.problems]
        else:
            findings += [*check_units(alone), *check_bounds(alone)]
    return list(dict.fromkeys(findings))


def check(axis: Axis, step: str = "15 minute") -> list[Finding]:
    """Return everything that is wrong or worth knowing about an axis, errors first.

    Parameters
    ----------
    step : the step that a run will use, a number with a unit of time
    """
    number, _, unit = step.partition(" ")
    minutes = float(number) * units.factor(unit or "minute") * 1440
    sections: list[Callable[[], Iterator[Finding]]] = [
        lambda: check_units(axis),
        lambda: check_bounds(axis),
        lambda: check_wiring(axis),
        lambda: check_influence(axis),
        lambda: check_inward(axis),
        lambda: check_rest(axis),
        lambda: check_ledgers(axis),
        lambda: check_speed(axis, minutes),
        lambda: check_stability(axis),
    ]
    findings: list[Finding] = []
    for section in sections:
        try:
            findings += section()
        except Exception as error:
            what = f"one check could not run ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            findings.append(Finding("error", axis.name, what, "mend the errors above first"))
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(dict.fromkeys(findings), key=lambda finding: order[finding.severity])


def _from_problem(problem: str) -> Finding:
    where, _, rest = problem.partition(": ")
    what, _, mend = rest.rpartition("; ")
    return Finding("error", where, what or mend, mend if what else "")


# -- what declarations tell ---------------------------------------------------------------------


def check_units(axis: Axis) -> Iterator[Finding]:
    """Units and shapes of every equation, start and rest."""
    for compartment, member, what, mend in Quantities(axis).run():
        yield Finding("error", f"{compartment}.{member}", what, mend)


def check_bounds(axis: Axis) -> Iterator[Finding]:
    """Bounds in order, starts and rests inside them, spreads that stay away from 0."""
    start = axis.start(axis.defaults())[:, 0]
    low, high = axis.bounds
    for row, label in enumerate(axis.rows):
        where = _where(axis, label)
        if not low[row] < high[row]:
            yield Finding("error", where, f"low {low[row]:g} is not below high {high[row]:g}", "correct the bounds")
        elif not low[row] <= start[row] <= high[row]:
            what = f"starts at {start[row]:g}, outside {low[row]:g} to {high[row]:g}"
            yield Finding("error", where, what, "correct the start or the bounds")
    for part in axis.compartments:
        for name, field in part.members(Input).items():
            if isinstance(field.rest, str):
                continue
            rest = np.asarray(field.rest, float)
            below = field.low is not None and np.any(rest < field.low)
            if below or (field.high is not None and np.any(rest > field.high)):
                what = f"rests at {field.rest}, outside {field.low} to {field.high}"
                yield Finding("error", f"{part.name}.{name}", what, "correct the rest or the bounds")
        for name, param in part.members(Param).items():
            yield from _check_cuts(f"{part.name}.{name}", param)


def _check_cuts(where: str, param: Param) -> Iterator[Finding]:
    for kind, spread in (("belief", param.belief), ("between", param.between)):
        if spread is None or param.closed:
            continue
        centre = np.asarray(param.value, float)
        below = spread.low is not None and np.any(centre < spread.low)
        if below or (spread.high is not None and np.any(centre > spread.high)):
            what = f"value {param.value} lies outside its {kind}, {spread.low} to {spread.high}"
            yield Finding("warning", where, what, "widen the spread or move the value")


def check_wiring(axis: Axis) -> Iterator[Finding]:
    """Inputs that no equation reads, and states that feed nothing."""
    read = {wire.signal for wire in axis.wires.values() if not wire.cut}
    for part in axis.compartments:
        asked = {name: depends(axis.asked, part.name, name) for name, m in part._members.items() if _is_end(m)}
        used = set().union(*asked.values()) if asked else set()
        rests = {field.rest for field in part.members(Input).values()}
        for name, field in part.members(Input).items():
            if name not in used and field.signal not in CLOCK:
                what = f"no equation reads {field.signal!r}"
                yield Finding("warning", f"{part.name}.{name}", what, "use the input or remove it")
        for name, state in part.members(State).items():
            own = {rate.name for rate in part._members.values() if isinstance(rate, Rate) and rate.of == name}
            feeds = any(name in names for end, names in asked.items() if end not in own)
            if state.signal not in read and not feeds and name not in rests:
                what = f"{state.signal!r} feeds nothing but itself: a read-out, or a forgotten edge"
                yield Finding("note", f"{part.name}.{name}", what, "nothing to do if it is a read-out")
        terms = {name for name, m in part._members.items() if type(m) is Equation}
        for name in sorted(terms - used - rests):
            yield Finding("warning", f"{part.name}.{name}", "no equation uses this term", "use it or remove it")


def _is_end(member: Any) -> bool:
    return isinstance(member, Rate | Output)


def _where(axis: Axis, label: str) -> str:
    column = axis.columns[label]
    giver = axis.givers[column.signal]
    return f"{giver.compartment}.{giver.member}" + label[len(column.signal) :]


# -- what numbers tell --------------------------------------------------------------------------


def random_states(axis: Axis, count: int, seed: int = 0, spread: float = 0.5) -> np.ndarray:
    """Return states around rest (log SD `spread`) and within bounds, array [rows, count], declared units."""
    rng = np.random.default_rng(seed)
    start = axis.start(axis.defaults())[:, :1]
    low, high = (bound[:, None] for bound in axis.bounds)
    reach = np.minimum(high - low, 4 * np.maximum(np.abs(start), 0.05 * (high - low)))
    around = np.where(
        start > 0,
        start * np.exp(spread * rng.standard_normal((len(start), count))),
        start + 0.5 * spread * reach * rng.standard_normal((len(start), count)),
    )
    inner = 1e-3 * (high - low)
    return np.clip(around, low + inner, high - inner)


def random_levers(axis: Axis, count: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Return offsets of every lever and a time of day, arrays [count], declared units."""
    rng = np.random.default_rng(seed)
    begin = rng.uniform(0, 1, count)
    offsets = {"clock.time": begin, "clock.step_start": begin, "clock.step": np.full(count, 0.4)}
    offsets["run.noise"] = np.ones(count)
    for name, rest, least, most in lever_rows(axis):
        low, high = _range(rest, least, most)
        # Half of the draws crowd near rest, where what counts small doses acts.
        share = rng.uniform(size=count) ** np.where(np.arange(count) % 4 < 2, 1, 3)
        offsets[name] = np.clip(rng.choice((low, high), count) * share, low, high)
    return offsets


def _range(rest: float, low: float | None, high: float | None) -> tuple[float, float]:
    """Return the range of a lever's offset; without bounds a third of its rest to both sides, or 0 to a third."""
    size = abs(rest) / 3
    ends = -size if low is None else low, (size or 1 / 3) if high is None else high
    return min(ends), max(ends)


def check_influence(axis: Axis) -> Iterator[Finding]:
    """Parameters and levers that move nothing, at random states of drawn people with closed gains opened."""
    names, rows = list(axis.parameters), lever_rows(axis)
    cases = 1 + len(names) + len(rows)
    draws, (low, high) = random_states(axis, INFLUENCE_DRAWS), axis.bounds
    rng = np.random.default_rng(4)
    # Half of the draws put half of the states anywhere between their bounds, where guards and caps act.
    range_ = (np.minimum(high, 1e6) - low)[:, None]
    anywhere = low[:, None] + range_ * rng.uniform(size=draws.shape) ** 2
    far = (rng.uniform(size=draws.shape) < 0.5) & (np.arange(INFLUENCE_DRAWS) % 2 == 1)
    draws = np.where(far, anywhere, draws)
    y = np.repeat(draws, cases, axis=1)
    levers = {key: np.repeat(value, cases) for key, value in random_levers(axis, INFLUENCE_DRAWS).items()}
    for number, (name, rest, least, most) in enumerate(rows):
        moved = 1 + len(names) + number + cases * np.arange(INFLUENCE_DRAWS)
        first, last = _range(rest, least, most)
        levers[name] = levers[name].copy()
        levers[name][moved] = np.where(levers[name][moved] < (first + last) / 2, last, first)
    parameters = {}
    for number, (name, centre) in enumerate(axis.defaults().items()):
        param = axis.parameters[name]
        opened = param.belief.typical(0.0) if param.closed and param.belief is not None else 0.0
        opened = np.reshape(opened, (-1,) + (1,) * (centre.ndim - 1))
        base = np.where(centre == 0, opened, centre) if param.closed else centre
        if param.between is not None and not param.closed:
            base = param.between.around(base, rng.standard_normal((*base.shape[:-1], INFLUENCE_DRAWS)))
        base = np.broadcast_to(base, (*base.shape[:-1], INFLUENCE_DRAWS))
        columns = np.repeat(base, cases, axis=-1)
        # Rows move by different shares, so that a weight which is normalised is seen to act.
        share = 0.05 * (1 + 0.5 * np.sin(np.arange(base[..., 0].size))).reshape(*base.shape[:-1], 1)
        columns[..., 1 + number + cases * np.arange(INFLUENCE_DRAWS)] += np.where(base == 0, 1.0, base) * share
        parameters[name] = columns
    reading = axis.read(jnp.asarray(y), axis.coherent(parameters), levers)
    moved = np.zeros(cases, bool)
    with np.errstate(all="ignore"):
        for value in _all_values(reading):
            value = np.broadcast_to(np.asarray(value), (*np.shape(value)[:-1], y.shape[1]))
            value = value.reshape(-1, INFLUENCE_DRAWS, cases)
            change = np.abs(value - value[..., :1]) > 1e-9 * np.abs(value[..., :1])
            moved |= change.any((0, 1))
    exempt = {f"{part.name}.{target}" for part in axis.compartments for target in _named(part)}
    for number, name in enumerate(names):
        if not moved[1 + number] and name not in exempt:
            what = f"moves nothing at {INFLUENCE_DRAWS} random states: no rate, output or noise answers"
            yield Finding("warning", name, what, "use it or remove it, unless it guards against rare values")
    for number, (name, *_) in enumerate(rows):
        if not moved[1 + len(names) + number]:
            listeners = ", ".join(axis.levers[name.partition("[")[0]].listeners)
            yield Finding(
                "warning", f"{listeners}: {name}", "dead lever: moving it moves nothing", "use it or remove it"
            )


def _named(part: Compartment) -> set[str]:
    """Names that serve as start of a state or as own rest of an input."""
    starts = {state.start for state in part.members(State).values()}
    return {name for name in starts | {i.rest for i in part.members(Input).values() if isinstance(i.rest, str)}
            if isinstance(name, str)}  # fmt: skip


def _all_values(reading: Any) -> Iterator[Any]:
    for view in reading.views.values():
        for name, member in type(view)._members.items():
            if isinstance(member, Rate | Output) and not isinstance(member, Balance):
                value = getattr(view, name)
                yield from value if isinstance(value, tuple) else (value,)


def check_inward(axis: Axis) -> Iterator[Finding]:
    """Rates that are not finite within the bounds, or that point outward at a bound.

    Near rest with levers at rest, and faster than 5 % of the range per day, that is an error. Elsewhere
    a way below 0, which no amount can take, is a warning; any other bound says how far the model is
    believed, and whoever passes it in a run is named as lost: a note.
    """
    near, far = _at_bounds(axis, 0.1, False), _at_bounds(axis, 0.5, True)
    low, high = axis.bounds
    for row, label in enumerate(axis.rows):
        where = _where(axis, label)
        share = 1 - min(np.isfinite(near[row]).mean(), np.isfinite(far[row]).mean())
        if share:
            what = f"the rate is not finite at {share:.0%} of random states within the bounds"
            yield Finding("error", where, what, "keep denominators, logarithms and powers away from 0")
        for side, (word, end) in enumerate((("low", low[row]), ("high", high[row]))):
            first = (2 * row + side) * DRAWS
            for rates, when in ((near, "near rest"), (far, "at far states or levers")):
                outward = -np.nanmin(rates[row, first : first + DRAWS] * (1 - 2 * side), initial=0.0)
                if np.isfinite(end) and outward > 1e-9 * (high[row] - low[row]):
                    what = f"crosses its {word} bound {end:g} {when}, at {outward:.3g} per day"
                    mend = "let the rate point inward there, or move the bound"
                    if rates is near and outward > FAST * (high[row] - low[row]):
                        yield Finding("error", where, what, mend)
                    elif end == 0 and word == "low":
                        yield Finding("warning", where, what, mend)
                    else:
                        yield Finding("note", where, what, "who does so in a run is named as lost")
                    break


def _at_bounds(axis: Axis, spread: float, moved: bool) -> np.ndarray:
    """Return rates, array [rows, rows * 2 * DRAWS]: one state after the other at its low and high bound."""
    low, high = axis.bounds
    y = random_states(axis, DRAWS * 2 * len(low), seed=2, spread=spread)
    for row in range(len(low)):
        for side, end in enumerate((low[row], high[row])):
            if np.isfinite(end):
                y[row, (2 * row + side) * DRAWS : (2 * row + side + 1) * DRAWS] = end
    levers = random_levers(axis, y.shape[1], seed=3)
    if not moved:
        levers = {name: value for name, value in levers.items() if name in CLOCK[:3]}
    levers["clock.step"] = np.zeros(y.shape[1])
    return np.asarray(axis.read(jnp.asarray(y), axis.coherent(axis.defaults()), levers).vector())


def check_rest(axis: Axis) -> Iterator[Finding]:
    """States that drift at rest; each compartment alone, unless it follows the clock."""
    alone = axis.without(*(str(wire) for wire in axis.edges))
    start = alone.start(alone.defaults())
    rates = np.asarray(alone.read(jnp.asarray(start), alone.coherent(alone.defaults()), {}).vector())[:, 0]
    low, high = alone.bounds
    scale = np.maximum(np.abs(start[:, 0]), 1e-2 * np.where(np.isfinite(high - low), high - low, 1.0))
    clocked = {wire.listener for wire in axis.wires.values() if wire.signal in CLOCK[:3]}
    for row, label in enumerate(alone.rows):
        drift = rates[row] / scale[row]
        if axis.givers[axis.columns[label].signal].compartment not in clocked and not abs(drift) <= DRIFT:
            what = f"starts at {start[row, 0]:g} but drifts by {drift:+.2%} a day at rest"
            yield Finding("warning", _where(alone, label), what, "start it where its rate is 0")


def check_ledgers(axis: Axis) -> Iterator[Finding]:
    """What a compartment conserves, at random states and levers."""
    y, levers = random_states(axis, 4 * DRAWS, seed=5), random_levers(axis, 4 * DRAWS, seed=6)
    for found in audit(axis, y, axis.coherent(axis.defaults()), levers):
        yield Finding(*found)


def check_speed(axis: Axis, minutes: float) -> Iterator[Finding]:
    """Fastest rate and largest safe step of every compartment."""
    for speed in speeds(axis):
        safe = f"{speed.step} minutes" if speed.step else "below 5 minutes"
        what = f"fastest rate {speed.fastest:.3g} per day ({speed.when}); largest safe step {safe}"
        reach = speed.fastest * minutes / 1440
        if not np.isfinite(reach) or reach > LIMIT_OF_METHOD or (reach > REACH and speed.when.startswith("rest")):
            mend = f"use a step of {safe}, or write the fast quantity at quasi-steady state"
            yield Finding("error", speed.compartment, f"{what}; asked is {minutes:g}", mend)
        elif reach > REACH:
            mend = f"use a step of {safe} in such runs, or lower the lever's high end"
            yield Finding("warning", speed.compartment, f"{what}; asked is {minutes:g}", mend)
        else:
            yield Finding("note", speed.compartment, what)


def check_stability(axis: Axis) -> Iterator[Finding]:
    """Loop gain by the axis's own formulas, and return to rest after small pushes upwards."""
    gain = float(loop_gain(axis).max())
    for limit in axis.limits:
        value = float(np.max(limit.measure(axis.defaults())))
        severity: Literal["error", "note"] = "note" if value < limit.below else "error"
        yield Finding(severity, axis.name, f"{limit.name} {value:.2f}, limit {limit.below:g}", limit.source)
    fastest = growth(axis)
    what = f"the slowest push changes by {fastest:+.3g} per day at rest" + (f", loop gain {gain:.2f}" if gain else "")
    if not fastest < 1e-6:
        yield Finding("error", axis.name, what, "weaken a positive loop: rest is lost")
    else:
        yield Finding("note", axis.name, what)
