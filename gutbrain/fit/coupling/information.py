"""What a design can tell of each parameter, before anything is fitted: the expected information.

For a Gaussian with mean mu and covariance S the information is mu' S^-1 mu' + trace(S^-1 S' S^-1 S') / 2, primes being
slopes by the parameters. Random effects on means stand in S. Those that act otherwise are taken as a second stage:
with I of one person given the effects, and effects of covariance W, the mean of the scores tells I (1 + W I)^-1 and
their spread tells of W. Long series are taken in runs of occasions, with all random effects in the second stage.
Ordinal indicators count as their dichotomies with the correlations of what is under them, counts as their logarithms
with a Poisson error. That is exact for Gaussian indicators and short series, and close enough elsewhere to see what
cannot be told and roughly how sure the rest will be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from gutbrain.fit.coupling import dense, plain
from gutbrain.fit.coupling.designs import Design, coarse, designs_of
from gutbrain.fit.coupling.model import MEANS, CouplingModel
from gutbrain.fit.coupling.panel import Panel

NUDGE = 1e-4  # of central differences, in units of the parameter
RUN = 80  # numbers whose joint distribution is written out
ROOM = 200  # places, seen or not, that a run may have
SPREADS = 16  # runs whose spread is looked at, over all designs


class Information(NamedTuple):
    """Expected information [free, free] on the scale of estimation, and a typical size [free] of each parameter."""

    matrix: np.ndarray
    unit: np.ndarray


class Parts(NamedTuple):
    """What of a model is looked at: own parameters that are free, moved or vary, and free spreads and correlations."""

    own: np.ndarray  # places among own
    random: np.ndarray  # places of varying parameters among those
    spreads: np.ndarray  # places among the free parameters
    slopes: np.ndarray  # [spreads, own, effects], of the factor of the random effects


def expected_information(model: CouplingModel, panel: Panel, free: np.ndarray) -> Information:
    """Return the information of a panel's design at some values of the parameters; values that were seen do not matter.

    Parameters
    ----------
    free : array [free], scale of estimation
    """
    own, predicted, factor = dense.vectors_of(model, free)
    parts = parts_of(model, free)
    designs = designs_of(model, panel)
    unit = units(model, panel, designs, own)
    runs = max(2, SPREADS // len(designs))
    matrix = np.zeros((len(free), len(free)))
    for design in designs:
        one = coarse(panel.of([design.place]))
        told = of_person(model, one, own + predicted @ one.predictors[0], factor, parts, unit, runs)
        matrix += of_people(model, parts, told, panel.predictors[design.people])
    return Information((matrix + matrix.T) / 2, free_units(model, panel, unit))


def parts_of(model: CouplingModel, free: np.ndarray) -> Parts:
    """Return what of a model is looked at."""
    size = len(model.own)
    own = sorted({at for at in model.free if at < size} | set(model.moved_by_predictors) | set(model.random))
    kinds = ("spread", "spread_correlation")
    spreads = [row for row, at in enumerate(model.free) if model.parameters[at].kind in kinds]
    slopes = np.zeros((len(spreads), size, len(model.random)))
    for row, at in enumerate(spreads):
        step = NUDGE * np.eye(len(free))[at]
        high, low = (dense.vectors_of(model, free + side)[2] for side in (step, -step))
        slopes[row] = (high - low) / (2 * NUDGE)
    return Parts(np.array(own, int), np.searchsorted(own, model.random), np.array(spreads, int), slopes)


def quickly(drift: np.ndarray, noise: np.ndarray, gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return F, integral of F and Q [cases, gaps, n, n]."""
    cases, size = drift.shape[:2]
    made = plain.steps(np.repeat(drift, len(gaps), 0), np.repeat(noise, len(gaps), 0), np.tile(gaps, cases))
    transition, integrated, covariance = (part.reshape(cases, len(gaps), size, size) for part in made)
    return transition, integrated, covariance


def units(model: CouplingModel, panel: Panel, designs: list[Design], own: np.ndarray) -> np.ndarray:
    """Return a typical size [own] of each own parameter: what an SD of a process, an indicator or an input makes it."""
    said = dense.own_of(model, own[None])
    seen_sd, state_sd = [], []
    for design in designs[:3]:
        series = coarse(panel.of([design.place]))
        spread = dense.state_covariances(said, dense.steps_of(said, series, quickly))[0].mean(0)
        loading = said.loadings[0]
        state_sd.append(np.diag(spread))
        seen_sd.append(np.diag(loading @ spread @ loading.T) + said.error[0])
    state, seen = (np.where(np.mean(part, 0) > 0, np.sqrt(np.maximum(np.mean(part, 0), 1e-300)), 1.0)
                   for part in (state_sd, seen_sd))  # fmt: skip
    rate = np.maximum(np.abs(np.diagonal(said.drift[0])), 1e-6)
    doses = {"impulse": panel.impulses, "level": panel.levels}
    made = np.ones(len(own))
    for at, one in enumerate(model.own):
        row, column = (*one.place, 0)[:2]
        if one.transform != "identity":
            continue
        if one.kind == "drift":
            made[at] = rate[row] * state[row] / state[column]
        elif one.kind in ("mean", "threshold"):
            made[at] = seen[row]
        elif one.kind == "loading":
            made[at] = seen[row] / state[column]
        elif one.kind in doses:
            given = doses[one.kind][:, column]
            dose = np.sqrt(np.mean(given[given != 0] ** 2)) if given.any() else 1.0
            made[at] = state[row] / dose * (rate[row] if one.kind == "level" else 1.0)
        else:
            span = max(np.ptp(panel.time), 1e-6)
            made[at] = state[row] * {"intercept": rate[row], "trend": 1 / span}.get(one.kind, 1.0)
    return made


def free_units(model: CouplingModel, panel: Panel, unit: np.ndarray) -> np.ndarray:
    """Return a typical size [free] of each free parameter."""
    made = []
    for at in model.free:
        one = model.parameters[at]
        size = unit[at] if at < len(model.own) else 1.0
        if one.kind == "predictor":
            spread = float(np.std(panel.predictors[:, one.place[1]]))
            size = unit[model.moved_by_predictors[one.place[0]]] / (spread if spread > 0 else 1.0)
        made.append(size)
    return np.array(made)


def of_person(
    model: CouplingModel, one: Panel, own: np.ndarray, factor: np.ndarray, parts: Parts, unit: np.ndarray, spreads: int
) -> np.ndarray:
    """Return the information [own parts + spreads] of one person.

    Parameters
    ----------
    own : array [own], his own parameters without random effects
    factor : array [own, effects]
    unit : array [own]
    spreads : runs of occasions whose spread is looked at
    """
    rows = runs_of(model, one)
    inside = len(rows) == 1
    within = factor[:, model.curved :] if inside else factor[:, :0]
    course = Course(model, one, own, within, parts, unit)
    chosen = {0, *np.round(np.linspace(1, len(rows) - 1, min(spreads, len(rows)) - 1)).astype(int).tolist()}
    size = len(parts.own) + len(parts.spreads)
    told, spread, sampled, whole = np.zeros((size, size)), np.zeros((size, size)), 0, 0
    for at, run in enumerate(rows):
        numbers = int(one.seen[run].sum())
        if not numbers:
            continue
        by_mean, by_spread = course.information(run, at in chosen)
        told += by_mean
        if at == 0:
            told += by_spread
        else:
            spread, sampled, whole = spread + by_spread, sampled + numbers * (at in chosen), whole + numbers
    told += spread * (whole / max(sampled, 1))
    return second_stage(told, parts, factor[:, : model.curved] if inside else factor)


def second_stage(told: np.ndarray, parts: Parts, factor: np.ndarray) -> np.ndarray:
    """Return what is left of the information when random effects are not given, with what it tells of their spread."""
    if not factor.shape[1]:
        return told
    at = parts.random
    shape = factor[parts.own[at]]
    by_effect = told[:, at] @ shape
    left = told - by_effect @ np.linalg.solve(
        np.eye(shape.shape[1]) + shape.T @ told[np.ix_(at, at)] @ shape, by_effect.T
    )
    inner = left[np.ix_(at, at)]
    size = len(parts.own)
    slopes = parts.slopes[:, parts.own[at]][:, :, : shape.shape[1]]
    moved = np.einsum("sre,qe->srq", slopes, shape)
    turned = inner @ (moved + moved.swapaxes(1, 2))
    left[size:, size:] += 0.5 * np.einsum("aij,bji->ab", turned, turned)
    return left


def runs_of(model: CouplingModel, one: Panel) -> list[slice]:
    """Return runs of occasions that are short enough to be written out."""
    weight = np.array([max(kind.categories - 1, 1) if kind.kind == "ordinal" else 1 for kind in model.indicators])
    numbers = one.seen @ weight
    made, begin = [], 0
    while begin < len(one.time):
        longest = max(1, ROOM // len(model.indicators))
        fits = np.cumsum(numbers[begin : begin + longest]) <= RUN
        end = begin + max(1, int(fits.sum()))
        made.append(slice(begin, end))
        begin = end
    return made


class Course:
    """Means, spreads and their slopes along one person's series.

    Parameters
    ----------
    own : array [own]
    within : array [own, effects], shifts by random effects that stand in the covariance
    """

    def __init__(
        self, model: CouplingModel, one: Panel, own: np.ndarray, within: np.ndarray, parts: Parts, unit: np.ndarray
    ) -> None:
        self.model, self.one, self.own, self.parts = model, one, own, parts
        kinds = [model.own[at].kind for at in parts.own]
        self.linear = [row for row, kind in enumerate(kinds) if kind in MEANS]
        self.cut = [row for row, kind in enumerate(kinds) if kind == "threshold"]
        self.bent = [row for row, kind in enumerate(kinds) if kind not in (*MEANS, "threshold")]
        self.step = NUDGE * unit[parts.own[self.bent]]
        nudges = self.step[:, None] * np.eye(len(own))[parts.own[self.bent]]
        vectors = own + np.concatenate([np.zeros((1, len(own))), nudges, -nudges])
        self.said = dense.own_of(model, vectors)
        self.steps = dense.steps_of(self.said, one, quickly)
        self.spreads = dense.state_covariances(self.said, self.steps)
        shifts = np.concatenate([np.zeros((1, len(own))), within.T])
        self.mean = self._means(vectors, shifts)
        ones = unit[parts.own[self.linear], None] * np.eye(len(own))[parts.own[self.linear]]
        straight = self._means(vectors[:1], np.concatenate([np.zeros((1, len(own))), ones]))[0]
        self.straight = (straight[1:] - straight[0]) / unit[parts.own[self.linear], None, None]
        self.within = within

    def _means(self, vectors: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Return expectations [vectors, shifts, occasions, m] of vectors moved by shifts that act on means."""
        every = (vectors[:, None] + shifts).reshape(-1, vectors.shape[1])
        said = dense.own_of(self.model, every)
        steps = dense.Steps(*(np.repeat(part[: len(vectors)], len(shifts), 0) for part in self.steps))
        made = dense.expectations(said, self.one, dense.state_means(said, self.one, steps))
        return made.reshape(len(vectors), len(shifts), *made.shape[1:])

    def information(self, run: slice, with_spread: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return what means and what spreads of a run of occasions tell [own parts + spreads]."""
        seen = self.one.seen[run].ravel()
        cases = slice(None) if with_spread else slice(1)
        said = dense.Own(*(None if part is None else part[cases] for part in self.said))  # type: ignore[arg-type]
        steps = dense.Steps(*(part[cases] for part in self.steps))
        covariance = dense.covariances(said, self.one, steps, self.spreads[cases], run)[:, seen][:, :, seen]
        mean = self.mean[:, :, run].reshape(*self.mean.shape[:2], -1)[:, :, seen]
        shifts = mean[cases, 1:] - mean[cases, :1]
        covariance = covariance + shifts.swapaxes(1, 2) @ shifts
        own, size, bent = len(self.parts.own), len(self.parts.own) + len(self.parts.spreads), len(self.bent)
        by_mean = np.zeros((size, int(seen.sum())))
        by_mean[self.bent] = (mean[1 : bent + 1, 0] - mean[bent + 1 :, 0]) / (2 * self.step[:, None])
        by_mean[self.linear] = self.straight[:, run].reshape(len(self.linear), len(seen))[:, seen]
        by_spread = np.zeros((size, *covariance.shape[1:]))
        if with_spread:
            by_spread[self.bent] = (covariance[1 : bent + 1] - covariance[bent + 1 :]) / (2 * self.step[:, None, None])
            if self.within.shape[1]:
                places = self.parts.own[self.linear]
                # Slopes of the shifts: those of the factor, carried by what each mean does.
                slopes = self.parts.slopes[:, places][:, :, self.model.curved :]
                moved = np.einsum("lre,rn->len", slopes, by_mean[self.linear])
                crossed = np.einsum("len,ek->lnk", moved, shifts[0])
                by_spread[own:] = crossed + crossed.swapaxes(1, 2)
        return self._gaussian(seen, mean[0, 0], covariance[0], by_mean, by_spread)

    def _gaussian(
        self, seen: np.ndarray, mean: np.ndarray, covariance: np.ndarray, by_mean: np.ndarray, by_spread: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the two parts of the information, other kinds of indicators taken as Gaussian ones."""
        which = np.tile(np.arange(len(self.model.indicators)), len(seen) // len(self.model.indicators))[seen]
        kinds = np.array([one.kind for one in self.model.indicators])[which]
        counts = kinds == "count"
        covariance = covariance.copy()
        if counts.any():
            log_rate = (mean + np.diag(covariance) / 2)[counts]
            covariance[counts, counts] += np.exp(np.clip(-log_rate, -20, 20))
        if (kinds == "ordinal").any():
            covariance, by_mean, by_spread = self._dichotomies(which, mean, covariance, by_mean, by_spread)
        factor = np.linalg.cholesky(covariance + 1e-12 * np.diag(np.diag(covariance)))
        inverse = np.linalg.inv(factor)
        means = inverse @ by_mean.T
        told = np.zeros((len(by_mean), len(by_mean)))
        moving = np.flatnonzero(by_spread.any((1, 2)))
        if len(moving):
            # One long product a side: many short ones take several times as long.
            left = inverse @ by_spread[moving].transpose(1, 0, 2).reshape(len(factor), -1)
            both = left.reshape(-1, len(factor)) @ inverse.T
            flat = both.reshape(len(factor), len(moving), -1).swapaxes(0, 1).reshape(len(moving), -1)
            told[np.ix_(moving, moving)] = 0.5 * flat @ flat.T
        return means.T @ means, told

    def _dichotomies(
        self, which: np.ndarray, mean: np.ndarray, covariance: np.ndarray, by_mean: np.ndarray, by_spread: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return covariance and slopes with each ordinal number as its dichotomies (above the first cut, ...)."""
        variance = np.diag(covariance)
        number: list[int] = []
        weight: list[float] = []
        place: list[float] = []
        owners: list[int] = []
        for at, row in enumerate(which):
            if self.model.indicators[row].kind != "ordinal":
                number, weight, place, owners = [*number, at], [*weight, 1.0], [*place, np.nan], [*owners, -1]
                continue
            steps = [self.own[self.model.index[f"threshold[{self.model.indicators[row].name}, {step + 1}]"]]
                     for step in range(self.model.indicators[row].categories - 1)]  # fmt: skip
            cuts = np.cumsum([steps[0], *np.exp(steps[1:])])
            for step, cut in enumerate((cuts - mean[at]) / np.sqrt(variance[at])):
                number, place, owners = [*number, at], [*place, cut], [*owners, step]
                weight.append(norm.pdf(cut) / np.sqrt(variance[at]))
        numbers, weights, places, owner = np.array(number), np.array(weight), np.array(place), np.array(owners)
        ordinal = owner >= 0
        same = (numbers[:, None] == numbers) & ordinal[:, None]
        grown = weights[:, None] * weights * covariance[np.ix_(numbers, numbers)]
        above = norm.sf(np.where(ordinal, places, 0.0))
        joint = np.minimum(above[:, None], above) - above[:, None] * above
        # Correlations in the first order only: their higher terms are left to the part of each number alone.
        grown = np.where(same, joint, grown)
        share = np.where(np.isin(np.arange(len(mean)), numbers[ordinal]), 1 / variance, 0.0)
        relative = np.einsum("pii->pi", by_spread) * share
        left = by_spread - (relative[:, :, None] + relative[:, None, :]) / 2 * covariance
        slopes = np.where(same, 0.0, weights[:, None] * weights * left[:, numbers[:, None], numbers])
        means = by_mean[:, numbers] * weights
        lift = weights * np.where(ordinal, places, 0.0) * np.sqrt(variance[numbers]) / 2
        means = means + relative[:, numbers] * lift
        for row in self.cut:
            indicator, step = self.model.own[self.parts.own[row]].place
            moved = np.exp(self.own[self.parts.own[row]]) if step else 1.0
            means[row] = np.where((which[numbers] == indicator) & (owner >= step), -moved * weights, 0.0)
        return grown, means, slopes


def of_people(model: CouplingModel, parts: Parts, told: np.ndarray, predictors: np.ndarray) -> np.ndarray:
    """Return the information [free, free] of people of one design, from that of one of them on his own parameters."""
    place = {int(at): row for row, at in enumerate(parts.own)}
    maps = np.zeros((1 + predictors.shape[1], len(model.free), len(told)))
    maps[0, parts.spreads, len(parts.own) + np.arange(len(parts.spreads))] = 1.0
    for row, at in enumerate(model.free):
        one = model.parameters[at]
        if at < len(model.own):
            maps[0, row, place[at]] = 1.0
        elif one.kind == "predictor":
            maps[1 + one.place[1], row, place[model.moved_by_predictors[one.place[0]]]] = 1.0
    given = np.concatenate([np.ones((len(predictors), 1)), predictors], 1)
    return np.einsum("kl,kai,ij,lbj->ab", given.T @ given, maps, told, maps, optimize=True)
