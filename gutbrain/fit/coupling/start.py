"""Where a fit starts: rough values from the data, and the size of a sensible step in each parameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from gutbrain.fit.coupling.model import CouplingModel, Indicator, Parameter
from gutbrain.fit.coupling.panel import Panel

RELIABLE = 0.7  # share of the variance within people that is no error, where nothing is known
SLOWEST, FASTEST = 0.1, 2.0  # rates of return at the start, in units of the usual gap


@dataclass(frozen=True)
class Start:
    """Start values and step sizes [free parameters], scale of estimation."""

    free: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Looks:
    """What an indicator looks like: mean, SD within and between people, rate of return per day, on its own scale."""

    mean: float
    within: float
    between: float
    rate: float


def start_values(model: CouplingModel, panel: Panel) -> Start:
    """Return start values; every free parameter gets one."""
    gap = usual_gap(panel)
    looks = [looks_of(model.indicators[row], panel, row, gap) for row in range(len(model.indicators))]
    lead = [leading(model, process.name) for process in model.processes]
    shown = [looks[row] for row in lead]
    span = max(float(np.ptp(panel.time)), gap)
    values, scales = [], []
    for one in model.parameters:
        value, scale = _one(model, one, looks, shown, lead, span)
        values.append(one.raw(value) if one.transform != "identity" else value)
        scales.append(scale if one.transform == "identity" else 0.5)
    for at, one in enumerate(model.parameters):
        if one.kind == "threshold":
            cuts = cuts_of(panel, one.place[0], model.indicators[one.place[0]].categories)
            step = one.place[1]
            values[at] = cuts[0] if step == 0 else np.log(cuts[step] - cuts[step - 1])
    return Start(np.array(values)[list(model.free)], np.array(scales)[list(model.free)])


def usual_gap(panel: Panel) -> float:
    """Return the median time between occasions of one person, days."""
    gaps = panel.gap[~panel.first]
    return float(np.median(gaps)) if len(gaps) else 1.0


def leading(model: CouplingModel, process: str) -> int:
    """Return the indicator that gives a process its scale: the first with a held loading other than 0."""
    for row, one in enumerate(model.indicators):
        if one.loadings.get(process) not in (None, 0.0):
            return row
    return next((row for row, one in enumerate(model.indicators) if process in one.loadings), 0)


def looks_of(indicator: Indicator, panel: Panel, row: int, gap: float) -> Looks:
    """Return rough facts on an indicator: counts on the scale of their logarithm, ordinals on that of the probit."""
    seen = panel.seen[:, row]
    values, person, time = panel.values[seen, row], panel.person[seen], panel.time[seen]
    if indicator.kind == "count":
        values = np.log(values + 0.5) - panel.offset[seen, row]
    if indicator.kind == "ordinal":
        shares = np.cumsum(np.bincount(values.astype(int), minlength=indicator.categories)) / len(values)
        middle = norm.ppf(np.clip((np.r_[0.0, shares[:-1]] + shares) / 2, 0.01, 0.99))
        values = np.sqrt(2.0) * middle[values.astype(int)]
    counts = np.maximum(np.bincount(person, minlength=len(panel.people)), 1)
    means = np.bincount(person, values, minlength=len(panel.people)) / counts
    left = values - means[person]
    freedom = max(len(values) - len(np.unique(person)), 1)
    variance = float(np.sum(left**2) / freedom)
    total = float(np.var(values)) or 1.0
    variance = variance if variance > 1e-8 * total else total
    several = len(np.unique(person)) > 2
    between = float(np.var(means[np.unique(person)])) if several else 0.0
    same = (np.diff(person) == 0) & (np.diff(time) <= 3 * gap) if len(values) > 1 else np.zeros(0, bool)
    follow = float(np.mean((left[1:] * left[:-1])[same]) / variance) if same.any() else 0.4
    apart = float(np.mean(np.diff(time)[same])) if same.any() else gap
    rate = -np.log(np.clip(follow / RELIABLE, 0.05, 0.95)) / apart
    return Looks(float(np.mean(values)), float(np.sqrt(variance)), float(np.sqrt(max(between, 0.05 * variance))),
                 float(np.clip(rate, SLOWEST / gap, FASTEST / gap)))  # fmt: skip


def cuts_of(panel: Panel, row: int, categories: int) -> np.ndarray:
    """Return rising thresholds from the shares of the categories."""
    values = panel.values[panel.seen[:, row], row].astype(int)
    shares = np.cumsum(np.bincount(values, minlength=categories) + 0.5)[:-1] / (len(values) + 0.5 * categories)
    return np.sqrt(2.0) * norm.ppf(shares) + 1e-3 * np.arange(categories - 1)


def _one(
    model: CouplingModel, one: Parameter, looks: list[Looks], shown: list[Looks], lead: list[int], span: float
) -> tuple[float, float]:
    """Return start value and size of a step of one parameter."""
    row, column = (*one.place, 0)[:2]
    sure = [np.sqrt(RELIABLE) if model.indicators[at].error else 1.0 for at in lead]
    if one.kind == "drift":
        size = shown[row].rate * shown[row].within / shown[column].within
        return (-shown[row].rate, 0.5) if row == column else (0.0, 0.3 * size)
    if one.kind == "noise":
        return np.sqrt(2 * shown[row].rate) * shown[row].within * sure[row], 0.5
    if one.kind == "error":
        return np.sqrt(1 - RELIABLE) * looks[row].within, 0.5
    if one.kind == "mean":
        return (looks[row].mean if one.held is None else 0.0), looks[row].within
    if one.kind == "intercept":
        return (shown[row].rate * shown[row].mean if one.held is None else 0.0), shown[row].rate * shown[row].within
    if one.kind == "loading":
        return (looks[row].within / shown[column].within if one.held is None else 0.0), 0.3
    if one.kind == "initial_mean":
        return (shown[row].mean if model.intercepts == "process" else 0.0), shown[row].within
    if one.kind == "initial_sd":
        return np.hypot(shown[row].within * sure[row], shown[row].between * (not model.varying)), 0.5
    if one.kind in ("impulse", "level", "cosine", "sine"):
        return 0.0, 0.3 * shown[row].within * (shown[row].rate if one.kind == "level" else 1.0)
    if one.kind == "trend":
        return 0.0, shown[row].within / span
    if one.kind in ("predictor", "spread"):
        place = (model.moved_by_predictors if one.kind == "predictor" else model.random)[row]
        inner = model.own[place]
        if inner.kind in ("mean", "initial_mean", "intercept"):
            facts = looks[inner.place[0]] if inner.kind == "mean" else shown[inner.place[0]]
            spread = facts.between * (facts.rate if inner.kind == "intercept" else 1.0)
        else:
            spread = 0.3 if inner.transform != "identity" else _one(model, inner, looks, shown, lead, span)[1]
        return (0.0 if one.kind == "predictor" else spread), spread
    return 0.0, 0.3
