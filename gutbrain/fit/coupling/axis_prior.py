"""What the mechanistic axis believes of a coupling: signs and sizes of drift, wide enough for data to overturn them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gutbrain.fit.coupling.axis_signals import Shows, shown_by
from gutbrain.fit.coupling.axis_worlds import WORLDS, standard_worlds, worlds_of
from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.weak_prior import LOG_RATE, Scales, weak
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import ModelError
from gutbrain.model.linear import Linear, reduced

# The axis lets mood and events change by themselves and nothing else; people's guts do as well.
OWN_SWING = 0.10  # SD of a state by causes outside the axis, as a share of its rest (assumed)
DIET_SWING = 0.35  # SD of what is eaten from day to day, as a share of the habit (assumed)
UNSURE = 2.0  # factor either way by which both may be wrong; drawn once a world
UNDISTURBED = ("hpa.acth_reference", "hpa.cortisol_reference")  # what would be without disturbance: nothing swings it
DIETS = ("diet.fibre", "diet.resistant_starch", "diet.protein")

WIDER = 2.0  # spread over worlds is taken times this: an indicator is not its signal
LEAST_CROSS = 0.5  # least SD of a cross effect, in SD that one lasting SD of the other process makes
LEAST_OF_WEAK = 0.25  # least SD of a cross effect, as a share of the weak one
LEAST_RATE = 1.0  # least SD of the logarithm of a rate of return
MOST_CROSS = 1.0  # largest centre of a cross effect, in the same unit
AT_ONCE = 0.5  # correlation of what is new in two signals from which on the axis cannot say which leads
AS_ONE = 0.999  # correlation from which on two signals are one
SLOWEST, FASTEST = 0.005, 3.0  # rates of return that a series can show, per usual gap


@dataclass(frozen=True)
class Expected:
    """Standardised drift of some signals in every world.

    Attributes
    ----------
    drift : array [worlds, signals, signals], per day
    together : array [signals, signals], median correlation of what is new in two signals
    """

    drift: np.ndarray
    together: np.ndarray


def from_axis(
    model: CouplingModel,
    panel: Panel,
    scales: np.ndarray | None = None,
    *,
    axis: Axis | None = None,
    signals: Mapping[str, str] | None = None,
    worlds: int = WORLDS,
) -> Prior:
    """Return beliefs on the drift from the axis, and weak ones on everything else.

    Parameters
    ----------
    scales : array [processes], SD of the processes within people, in their units (those of the data without it)
    axis : another one than the standard axis; its worlds are drawn now, which takes long
    signals : process -> signal of the axis, where names do not tell
    worlds : how many are drawn of another axis

    Notes
    -----
    Centres are medians over worlds of belief. A belief on a cross effect is wider than its centre is far from 0, so
    that the other sign keeps one chance in six at least.
    """
    base, sizes = weak(model, panel), Scales(model, panel)
    sd = sizes.sd if scales is None else np.asarray(scales, float)
    shows = {row: _shows(model, row, signals or {}) for row in range(len(model.processes))}
    names = [one.name for one in model.processes]
    about, mean, width = list(base.about), base.mean.copy(), base.sd.copy()
    places = {name: place for place, name in enumerate(model.free_names)}
    known = {row: one for row, one in shows.items() if one}
    asked = tuple(dict.fromkeys(one.signal for one in known.values()))
    expected = _expected(_systems(axis, asked, worlds), asked, sizes.gap) if asked else None
    centre = {row: np.log(sizes.rate) for row in range(len(names))}
    for row, one in known.items():
        assert expected is not None
        found, far, said = _rate(expected.drift[:, asked.index(one.signal), asked.index(one.signal)], sizes.gap)
        centre[row] = found
        if (place := places.get(f"drift[{names[row]}, {names[row]}]")) is not None:
            mean[place], width[place], about[place] = found, far, f"axis, {one.signal} ({one.why}): {said}"
    for to in range(len(names)):
        for by in range(len(names)):
            place = places.get(f"drift[{names[to]}, {names[by]}]")
            if to == by or place is None:
                continue
            unit = np.exp(centre[to]) * sd[to] / sd[by]
            middle, far, said = _cross(expected, asked, shows[to], shows[by], names[to], names[by])
            about[place] = said
            if said.startswith("axis"):
                # The rate of return is uncertain too: where it is faster, an equal effect is a larger drift.
                mean[place] = middle * unit
                width[place] = max(far * unit * np.exp(LEAST_RATE**2 / 2), LEAST_OF_WEAK * base.sd[place])
    for row, shown in shows.items():
        place = places.get(f"drift[{names[row]}, {names[row]}]")
        if shown is None and place is not None:
            about[place] = (
                f"weak: the axis knows no signal for {names[row]!r}; {base.about[place].removeprefix('weak: ')}"
            )
    # Noise makes the SD within people at the rate that is believed in.
    for row, name in enumerate(names):
        if row in known and (place := places.get(f"noise[{name}]")) is not None:
            mean[place] = np.log(sd[row]) + 0.5 * (np.log(2) + centre[row])
            about[place] = "weak: makes the SD within people that the data have, at the rate of return of the axis"
    return Prior(mean, width, tuple(about))


def _shows(model: CouplingModel, row: int, signals: Mapping[str, str]) -> Shows | None:
    """Return what a process shows: by what was said, its name, or the name of the first indicator that loads on it."""
    name = model.processes[row].name
    if name in signals:
        return Shows(signals[name], (name,), "as asked")
    loaded = [one.name for one in model.indicators if one.loadings.get(name, 0.0) != 0]
    return shown_by((name, *loaded))


def _systems(axis: Axis | None, asked: tuple[str, ...], worlds: int) -> tuple[Linear, ...]:
    """Return the worlds that hold all signals."""
    if axis is not None:
        return worlds_of(axis, worlds, asked)
    return standard_worlds()


def _expected(systems: tuple[Linear, ...], asked: tuple[str, ...], gap: float) -> Expected:
    """Return the drift of the signals over worlds, each with swings of its own size; NaN for what moves as another."""
    made, new, generator, size = [], [], np.random.default_rng(1), len(asked)
    for one in systems:
        swing = np.exp(np.log(UNSURE) * generator.standard_normal(2))
        drift, innovations = np.full((2, size, size), np.nan)
        try:
            stirred = _stirred(one, OWN_SWING * swing[0], DIET_SWING * swing[1])
            kept = _apart(stirred, asked)
            found = reduced(stirred, tuple(asked[place] for place in kept), gap)
        except (ModelError, np.linalg.LinAlgError):
            continue
        drift[np.ix_(kept, kept)], innovations[np.ix_(kept, kept)] = found.standardised, found.innovations
        if np.isfinite(np.diag(found.standardised)).any():
            made.append(drift)
            new.append(innovations)
    if not made:
        return Expected(np.full((0, size, size), np.nan), np.full((size, size), np.nan))
    return Expected(np.array(made), np.median(new, 0))


def _apart(one: Linear, asked: tuple[str, ...]) -> list[int]:
    """Return the places of signals that do not move as one with a signal before them."""
    rows = one.rows_of(asked)
    now = rows @ one.covariance() @ rows.T
    sd = np.sqrt(np.maximum(np.diag(now), np.finfo(float).tiny))
    same = np.abs(now / np.outer(sd, sd)) > AS_ONE
    return [place for place in range(len(asked)) if not same[place, :place].any()]


def _stirred(one: Linear, own: float, diet: float) -> Linear:
    """Return a world in which states without noise of their own swing, and diet changes from day to day."""
    noise, rates = np.diag(one.noise), np.abs(np.diag(one.drift))
    states = {name: own * abs(one.rest[row]) * np.sqrt(2 * rates[row])
              for row, name in enumerate(one.states) if noise[row] == 0 and name not in UNDISTURBED}  # fmt: skip
    return one.stirred(
        states, {name: diet * habit for name, habit in zip(one.inputs, one.habits, strict=True) if name in DIETS}
    )


def _rate(drift: np.ndarray, gap: float) -> tuple[float, float, str]:
    """Return centre and SD of the logarithm of a rate of return, and a sentence."""
    back = -drift[drift < 0]
    if len(back) < 2:
        return float(np.log(1 / gap)), LOG_RATE, "no world of the axis tells its rate of return; weak"
    logs = np.log(back)
    centre = float(np.clip(np.median(logs), np.log(SLOWEST / gap), np.log(FASTEST / gap)))
    width = float(np.hypot(WIDER * _spread(logs), LEAST_RATE))
    held = "" if centre == float(np.median(logs)) else f", held at {np.exp(centre):.2g} where such a series can show it"
    return centre, width, f"returns by {np.exp(np.median(logs)):.2g} a day over {len(back)} worlds{held}"


def _cross(
    expected: Expected | None, asked: tuple[str, ...], to: Shows | None, by: Shows | None, to_name: str, by_name: str
) -> tuple[float, float, str]:
    """Return centre and SD of a cross effect, in SD of one process that a lasting SD of the other makes."""
    for one, name in ((to, to_name), (by, by_name)):
        if one is None:
            return 0.0, 1.0, f"weak: the axis knows no signal for {name!r}"
    assert expected is not None and to is not None and by is not None
    row, column = asked.index(to.signal), asked.index(by.signal)
    if row == column:
        return 0.0, 1.0, f"weak: the axis has one signal for both, {to.signal}"
    values = expected.drift[:, row, column]
    told = values[np.isfinite(values)]
    if len(told) < 2:
        return 0.0, 1.0, f"weak: the axis cannot tell {by.signal} and {to.signal} from other signals of this model"
    if abs(expected.together[row, column]) > AT_ONCE:
        return 0.0, 1.0, f"weak: {by.signal} and {to.signal} move at once in the axis, so that neither leads"
    ratio = to.sign * by.sign * told / np.abs(expected.drift[np.isfinite(values), row, row])
    centre = float(np.clip(np.median(ratio), -MOST_CROSS, MOST_CROSS))
    width = max(float(np.hypot(WIDER * min(_spread(ratio), 1.0), LEAST_CROSS)), abs(centre))
    size = f"{np.median(ratio):+.2f} SD by a lasting SD (median of {len(ratio)} worlds)"
    share = f"positive in {np.mean(ratio > 0):.0%} of them"
    return centre, width, f"axis, {by.signal} on {to.signal}: {size}, {share}; widened to {width:.2f}"


def _spread(values: np.ndarray) -> float:
    """Return half the width of the middle two thirds: the SD of a normal belief, deaf to a world gone astray."""
    low, high = np.quantile(values, [0.16, 0.84])
    return float(high - low) / 2


__all__ = ["from_axis"]
