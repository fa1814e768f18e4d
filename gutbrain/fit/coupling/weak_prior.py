"""Weak beliefs on every parameter, in the units of the data: they keep a fit sensible and say nothing of directions."""

from __future__ import annotations

import numpy as np

from gutbrain.fit.coupling.model import CouplingModel, Parameter
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.start import Looks, cuts_of, leading, looks_of, usual_gap

GAPS = 3.0  # usual gaps in which a process comes back by two thirds
LOG_RATE = 1.5  # SD of the logarithm of that rate
LOG_SIZE = 1.0  # SD of the logarithm of standard deviations
CORRELATION = 0.7  # SD on the scale of tanh: most correlations up to 0.88 are in reach
DIFFER = 0.3  # usual spread between people, in units of a parameter
FAR = 5.0  # SD of the data: how far a mean may lie from that of the data
LEVELS = ("mean", "intercept", "threshold", "initial_mean")  # whose centre is where the data lie, and no belief


class Scales:
    """Sizes that the data have, from which beliefs get their units.

    Parameters
    ----------
    model, panel : what is asked, and of whom

    Attributes
    ----------
    gap : usual time between occasions, days
    rate : rate of return around which auto-effects are believed, per day
    sd : array [processes], SD within people, in the units of the process
    looks : of each indicator
    """

    def __init__(self, model: CouplingModel, panel: Panel) -> None:
        self.model, self.panel = model, panel
        self.gap = usual_gap(panel)
        self.rate = 1 / (GAPS * self.gap)
        self.span = max(float(np.ptp(panel.time)), self.gap)
        self.looks = [looks_of(one, panel, row, self.gap) for row, one in enumerate(model.indicators)]
        self.lead = [leading(model, process.name) for process in model.processes]
        self.sd = np.array([self._sd(row) for row in range(len(model.processes))])

    def of(self, process: int) -> Looks:
        """Return the looks of the indicator that gives a process its scale."""
        return self.looks[self.lead[process]]

    def _sd(self, process: int) -> float:
        name = self.model.processes[process].name
        loading = self.model.indicators[self.lead[process]].loadings.get(name)
        if loading:
            return self.of(process).within / abs(loading)
        # Without a held loading something else sets the scale: a held noise, or nothing.
        noise = self.model.own[self.model.index[f"noise[{name}]"]].held
        return noise / np.sqrt(2 * self.rate) if noise else 1.0

    def middle(self, process: int) -> float:
        """Return the mean of a process where processes, not indicators, carry the means."""
        name = self.model.processes[process].name
        return self.of(process).mean / (self.model.indicators[self.lead[process]].loadings.get(name) or 1.0)

    def dose(self, kind: str, column: int) -> float:
        """Return the usual dose of an input: the median size of what was given."""
        given = np.abs((self.panel.impulses if kind == "impulse" else self.panel.levels)[:, column])
        return float(np.median(given[given > 0])) if (given > 0).any() else 1.0

    def predictor(self, column: int) -> float:
        """Return the SD of a predictor between people."""
        return float(np.std(self.panel.predictors[:, column])) or 1.0

    def unit(self, one: Parameter) -> float:
        """Return how large a usual difference in a parameter is, on the scale of estimation."""
        if one.transform != "identity":
            return 1.0
        row, column = (*one.place, 0)[:2]
        if one.kind == "drift":
            return float(self.rate * self.sd[row] / self.sd[column])
        if one.kind == "mean":
            return self.looks[row].within
        if one.kind == "loading":
            return float(self.looks[row].within / self.sd[column])
        if one.kind == "threshold":
            return 1.0
        if one.kind in ("impulse", "level"):
            return float(self.sd[row] * (self.rate if one.kind == "level" else 1.0) / self.dose(one.kind, column))
        if one.kind == "intercept":
            return float(self.rate * self.sd[row])
        return float(self.sd[row] / (self.span if one.kind == "trend" else 1.0))


def weak(model: CouplingModel, panel: Panel, start: np.ndarray | None = None) -> Prior:
    """Return weakly informative beliefs on all free parameters.

    Parameters
    ----------
    start : array [free], start values; means and thresholds are centred there instead of at the data's
    """
    scales = Scales(model, panel)
    middle, sd, about = [], [], []
    for place, at in enumerate(model.free):
        one = model.parameters[at]
        centre, width, said = _belief(scales, one)
        if start is not None and one.kind in LEVELS:
            centre = float(start[place])
        middle.append(centre)
        sd.append(width)
        about.append(f"weak: {said}")
    return Prior(np.array(middle), np.array(sd), tuple(about))


def _belief(scales: Scales, one: Parameter) -> tuple[float, float, str]:
    """Return centre and SD on the scale of estimation, and a sentence."""
    row, column = (*one.place, 0)[:2]
    if one.kind == "drift":
        if row == column:
            said = f"returns within about {GAPS:g} usual gaps, give or take a factor of {np.exp(LOG_RATE):.1f}"
            return float(np.log(scales.rate)), LOG_RATE, said
        # The rate is hardly known, so its mean counts: at its centre a fast process could not be moved.
        width = scales.unit(one) * float(np.exp(LOG_RATE**2 / 2))
        return 0.0, width, "no direction; a lasting SD of one process may hold the other 1 SD away"
    if one.kind == "noise":
        size = scales.sd[row] * np.sqrt(2 * scales.rate)
        return float(np.log(size)), LOG_SIZE, "makes the SD within people that the data have"
    if one.kind in ("error", "initial_sd"):
        size = scales.looks[row].within / 2 if one.kind == "error" else scales.sd[row]
        return float(np.log(size)), LOG_SIZE, "of the order of the SD within people"
    if one.kind.endswith("correlation"):
        return 0.0, CORRELATION, "no correlation is expected, most are in reach"
    if one.kind == "mean":
        return scales.looks[row].mean, FAR * _total(scales.looks[row]), "near the mean of the data"
    if one.kind == "intercept":
        # The mean is the intercept over a rate that is itself hardly known.
        middle, width = scales.rate * scales.middle(row), scales.unit(one)
        return middle, FAR * (width + abs(middle)), "gives a mean near that of the data"
    if one.kind == "loading":
        return scales.unit(one), scales.unit(one), "moves with its process, as strongly as its SD suggests"
    if one.kind == "threshold":
        cuts = cuts_of(scales.panel, row, scales.model.indicators[row].categories)
        if column == 0:
            return float(cuts[0]), 2.0, "near the share of its category"
        return float(np.log(cuts[column] - cuts[column - 1])), LOG_SIZE, "near the share of its category"
    if one.kind in ("impulse", "level"):
        return 0.0, 2 * scales.unit(one), "a usual dose moves the process by up to some SD"
    if one.kind in ("trend", "cosine", "sine"):
        return 0.0, (2 if one.kind == "trend" else 1) * scales.unit(one), "up to some SD of the process"
    if one.kind == "initial_mean":
        middle = scales.middle(row) if scales.model.intercepts == "process" else 0.0
        return middle, FAR * float(scales.sd[row]), "near the mean of the data"
    own = scales.model.own[(scales.model.moved_by_predictors if one.kind == "predictor" else scales.model.random)[row]]
    differ = _between(scales, own)
    if one.kind == "predictor":
        return (
            0.0,
            2 * max(differ, DIFFER * scales.unit(own)) / scales.predictor(column),
            "up to some spreads between people",
        )
    return (
        float(np.log(differ)),
        LOG_SIZE,
        "of the order of the differences between people, or 0.3 of the parameter's unit",
    )


def _total(looks: Looks) -> float:
    return float(np.hypot(looks.within, looks.between))


def _between(scales: Scales, own: Parameter) -> float:
    """Return the usual spread of a parameter between people: of means it can be seen."""
    seen = 0.0
    if own.kind == "mean":
        seen = scales.looks[own.place[0]].between
    elif own.kind in ("intercept", "initial_mean"):
        seen = scales.of(own.place[0]).between * (scales.rate if own.kind == "intercept" else 1.0)
    return max(seen, DIFFER * scales.unit(own))


__all__ = ["Scales", "weak"]
