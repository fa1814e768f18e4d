"""Shares of variance: what of a process comes from where, what of an indicator is error."""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.fit.coupling.effects import DRAWS, Band, band, of_usual
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.plain import Matrices, at_rest, full_of, places_of, spread_factor, usual
from gutbrain.fit.coupling.simulate import states_of

FEW = 100  # draws where every draw needs the course of all people
TINY = 1e-9  # a share that is rounding
SCHEMA = {"process": pl.String, "indicator": pl.String, "source": pl.String} | dict.fromkeys(
    ("share", "low", "high"), pl.Float64
)


def explained(fitted: Fitted, level: float = 0.95) -> pl.DataFrame:
    """Return shares of variance with limits: process, indicator, source, share, low, high.

    Notes
    -----
    Rows without an indicator share out the variance of a process within a person. The share of another process is
    what would vanish if its direct effect were cut and all else stayed (a negative share: that effect steadies the
    process); "itself" is what would be left without any effect from others; of two processes they add up to the
    whole. "inputs" is the variance over time of the response to impulses and levels as given, "time of day and
    trend" that of the courses; the others are shares of the whole with these.

    Rows with an indicator share out its variance on the scale on which it is linear (the logarithm of a count without
    Poisson noise, the hidden scale of an ordinal one): "within people" (its processes, without inputs), "between
    people" (random effects on means, and predictors), and "error" (of measurement, or overdispersion).
    """
    model, names = fitted.model, [one.name for one in fitted.model.processes]
    moved = bool(model.impulses or model.levels or model.trend or model.day_night)
    sources = ["itself", *names] + (["inputs", "time of day and trend"] if moved else [])
    shares = of_usual(fitted, lambda made: _cut(made, _course_variance(fitted, made) if moved else None))
    cuts = band(fitted, shares, level, FEW if moved else DRAWS)
    rows: list[tuple[str | float, ...]] = []
    for row, name in enumerate(names):
        rows += [(name, "", source, *_numbers(cuts, (row, column))) for column, source in enumerate(sources)
                 if source != name and (column <= len(names) or cuts.estimate[row, column] > TINY)]  # fmt: skip
    shown = band(fitted, lambda free: _shown(fitted, free), level)
    for row, one in enumerate(model.indicators):
        process = names[int(np.abs(usual(model, fitted.free, fitted.panel.predictors).loadings[0, row]).argmax())]
        rows += [(process, one.name, source, *_numbers(shown, (row, column)))
                 for column, source in enumerate(("within people", "between people", "error"))]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").filter(pl.col("share").is_finite())


def _numbers(found: Band, place: tuple[int, int]) -> tuple[float, float, float]:
    return float(found.estimate[place]), float(found.low[place]), float(found.high[place])


def _cut(made: Matrices, courses: np.ndarray | None) -> np.ndarray:
    """Return shares [cases, n, 1 + n (+ 2)]: itself, from each process, from inputs and courses."""
    cases, size = made.drift.shape[:2]
    whole = np.diagonal(at_rest(made.drift, made.noise), axis1=1, axis2=2)
    shares = np.zeros((cases, size, 1 + size))
    for to in range(size):
        alone = made.drift.copy()
        alone[:, to, [by for by in range(size) if by != to]] = 0.0
        shares[:, to, 0] = at_rest(alone, made.noise)[:, to, to] / whole[:, to]
        for by in range(size):
            if by != to:
                without = made.drift.copy()
                without[:, to, by] = 0.0
                shares[:, to, 1 + by] = 1 - at_rest(without, made.noise)[:, to, to] / whole[:, to]
    if courses is None:
        return shares
    total = whole[..., None] + courses.sum(-1, keepdims=True)
    return np.concatenate([shares * whole[..., None] / total, courses / total], -1)


def _course_variance(fitted: Fitted, made: Matrices) -> np.ndarray:
    """Return variances over time within people [cases, n, 2] of the response to inputs, and of trend and day."""
    panel, model = fitted.panel, fitted.model
    everybody, cases, size = len(panel.people), *made.drift.shape[:2]
    found = np.zeros((cases, size, 2))
    day = 2 * np.pi * panel.time[:, None]
    for case in range(cases):
        if model.impulses or model.levels:
            one = _repeated(made, case, everybody)
            # Only inputs move this course: it begins at 0 and has no intercept.
            one = one._replace(intercept=np.zeros((everybody, size)), initial=np.zeros((everybody, size, size)),
                               initial_mean=np.zeros((everybody, size)))  # fmt: skip
            if np.linalg.eigvals(one.drift[0]).real.max() < 0:
                state = states_of(model, one, np.zeros((1, len(model.own))), panel, None)
                found[case, :, 0] = _within(state, panel)
        turn = made.cosine[case] * np.cos(day) + made.sine[case] * np.sin(day)
        found[case, :, 1] = _within(made.trend[case] * panel.time[:, None] + turn, panel)
    return found


def _repeated(made: Matrices, case: int, times: int) -> Matrices:
    """Return the dynamics and responses to inputs of a case, once for every person."""
    drift, noise, impulse, level = (np.broadcast_to(part[case], (times, *part.shape[1:]))
                                    for part in (made.drift, made.noise, made.impulse, made.level))  # fmt: skip
    return made._replace(drift=drift, noise=noise, impulse=impulse, level=level)


def _within(values: np.ndarray, panel: Panel) -> np.ndarray:
    """Return variances [columns] around the mean of each person."""
    counts = np.bincount(panel.person)
    means = np.stack([np.bincount(panel.person, column) / counts for column in values.T], 1)
    return ((values - means[panel.person]) ** 2).mean(0)


def _shown(fitted: Fitted, free: np.ndarray) -> np.ndarray:
    """Return shares [cases, m, 3] of the variance of indicators: within people, between people, error."""
    model, panel = fitted.model, fitted.panel
    made = usual(model, free, panel.predictors)
    inside = np.einsum("cmi,cij,cmj->cm", made.loadings, at_rest(made.drift, made.noise), made.loadings)
    error = made.error + _mean(np.where(panel.seen, panel.known_variance, np.nan))
    between = np.zeros_like(inside)
    full = full_of(model, free)
    # A person's level moves by one column of the factor an effect, and by his predictors.
    columns = list(zip(model.random, spread_factor(model, full).swapaxes(0, 1), strict=True))
    levels = np.zeros((len(full), len(model.indicators), len(model.random)))
    shifts = np.zeros((len(full), len(model.indicators), len(panel.people)))
    lying = np.linalg.solve(made.drift, np.broadcast_to(np.eye(len(model.processes)), made.drift.shape))
    weights = {}
    for place in {place for place, _ in columns} | set(model.moved_by_predictors):
        one = model.own[place]
        if one.kind == "mean":
            weights[place] = np.broadcast_to(np.eye(len(model.indicators))[one.place[0]], inside.shape)
        elif one.kind == "intercept":
            weights[place] = -np.einsum("cmi,ci->cm", made.loadings, lying[:, :, one.place[0]])
    for place, factor in columns:
        if place in weights:
            levels += weights[place][:, :, None] * factor[:, None]
    for at in places_of(model, "predictor"):
        row, column = model.parameters[at].place
        if (place := model.moved_by_predictors[row]) in weights:
            shifts += weights[place][:, :, None] * full[:, at, None, None] * panel.predictors[:, column]
    between += (levels**2).sum(-1) + shifts.var(-1)
    parts = np.stack([inside, between, error], -1)
    return parts / parts.sum(-1, keepdims=True)


def _mean(values: np.ndarray) -> np.ndarray:
    return np.nansum(values, 0) / np.maximum(np.isfinite(values).sum(0), 1)
