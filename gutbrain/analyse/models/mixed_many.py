"""One linear mixed model for many outcomes at once: the same rows, terms and people, other variances for each.

y = X b + Z u + e with one grouping factor (the person): u is normal and independent between people, e is normal with
one variance. Fitted by restricted or full maximum likelihood, exactly. With a random intercept alone everything hangs
on one ratio of variances and on sums within and between people: all outcomes are fitted together, and a step of the
search costs the same however many rows there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from gutbrain.errors import InputError

RATIOS = np.concatenate([[0.0], np.logspace(-6, 14, 121)])  # variance between over that within people: where to look
STEPS = 60  # of Newton's method, each kept between two points of the grid
SETTLED = 1e-12  # relative step at which the ratio has converged
WHOLLY = 1e-6  # what is left within people, beside all that is left, below this is rounding
ALIKE = 1e-12  # an outcome that varies by less than this share of its size is constant
CONSTANT = "the same in all rows: not tested"
EXPLAINED = "the model explains every row exactly: not tested"
UNVARYING = "does not vary within people beyond what the model explains: not tested"
SINGULAR = "variance between people estimated as 0: tested as if rows of one person were independent"
FLAT = "likelihood flat in the variances: df of independent rows"


@dataclass(frozen=True)
class ManyFits:
    """Fits of one model to many outcomes; not a number where an outcome was not tested, which its note says.

    Attributes
    ----------
    estimate, standard_error, df, statistic, p : array [contrast, outcome]
    covariance : of the random effects within a person, array [outcome, effect, effect]
    residual : variance within people, array [outcome]
    log_likelihood : restricted or full, array [outcome]
    singular : whether the random effects lost a dimension, array [outcome]
    notes : what to know about each outcome, None where nothing
    method : how it was fitted
    """

    estimate: np.ndarray
    standard_error: np.ndarray
    df: np.ndarray
    statistic: np.ndarray
    p: np.ndarray
    covariance: np.ndarray
    residual: np.ndarray
    log_likelihood: np.ndarray
    singular: np.ndarray
    notes: tuple[str | None, ...]
    method: str


@dataclass(frozen=True)
class Solved:
    """What an engine returns, for orthonormal terms and outcomes of unit size without their least-squares fit."""

    shift: np.ndarray  # of the coefficients from least squares, [outcome, term]
    spread: np.ndarray  # variance of each contrast, [outcome, contrast]
    df: np.ndarray  # [outcome, contrast]
    covariance: np.ndarray  # [outcome, effect, effect]
    residual: np.ndarray  # [outcome]
    deviance: np.ndarray  # -2 log likelihood, [outcome]
    singular: np.ndarray  # [outcome]
    notes: list[str | None]


def mixed_many(
    outcomes: np.ndarray,
    design: np.ndarray,
    groups: Sequence[object] | np.ndarray,
    contrasts: np.ndarray | None = None,
    *,
    slope: np.ndarray | None = None,
    restricted: bool = True,
) -> ManyFits:
    """Fit a linear mixed model to every column of outcomes.

    Parameters
    ----------
    outcomes : array [row, outcome], all finite
    design : fixed effects, array [row, term], of full rank
    groups : the person of each row, [row]
    contrasts : combinations of the terms to be tested, array [contrast, term]; by default each term for itself
    slope : values of a second random effect (such as time), correlated with the intercept, array [row]
    restricted : REML; else ML

    Raises
    ------
    InputError
        If lengths differ, values are not finite, or rows and people are too few for the terms.

    Notes
    -----
    Degrees of freedom are Satterthwaite's, from the analytic Hessian of the likelihood in the variances, as in
    Kuznetsova, Brockhoff & Christensen 2017, doi 10.18637/jss.v082.i13. Where the variance between people is estimated
    as 0 they are those of independent rows; `notes` says so. Source: Laird & Ware 1982, doi 10.2307/2529876.
    """
    y, x = np.asarray(outcomes, float), np.asarray(design, float)
    y = y[:, None] if y.ndim == 1 else y
    place = _places(y, x, groups)
    wanted = np.eye(x.shape[1]) if contrasts is None else np.atleast_2d(np.asarray(contrasts, float))
    if wanted.shape[1] != x.shape[1]:
        raise InputError(f"contrasts have {wanted.shape[1]} columns, the design has {x.shape[1]}")
    q, r = np.linalg.qr(x)
    turned = np.linalg.solve(r.T, wanted.T).T
    first = q.T @ y
    rest = y - q @ first
    rest -= q @ (q.T @ rest)
    free = len(y) - x.shape[1] if restricted else len(y)
    size = np.abs(y).max(axis=0, initial=0.0)
    scale = np.sqrt((rest**2).sum(axis=0) / free)
    constant, explained = np.ptp(y, axis=0) <= ALIKE * size, scale <= ALIKE * size
    usable = np.flatnonzero(~(constant | explained))
    left = _within(rest[:, usable] / scale[usable], q, place)
    unvarying, usable = usable[left <= WHOLLY], usable[left > WHOLLY]
    rest = rest[:, usable] / scale[usable]
    if slope is None:
        solved = _intercepts(rest, q, place, turned, free, restricted)
    else:
        from gutbrain.analyse.models.mixed_slopes import slopes

        solved = slopes(rest, q, place, np.asarray(slope, float), turned, free, restricted)
    count, effects = y.shape[1], 1 if slope is None else 2
    shape = (len(wanted), count)
    estimate, error, df = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    estimate[:, usable] = turned @ (first[:, usable] + solved.shift.T * scale[usable])
    error[:, usable] = np.sqrt(solved.spread.T) * scale[usable]
    df[:, usable] = solved.df.T
    statistic = estimate / error
    notes: list[str | None] = [CONSTANT if constant[at] else EXPLAINED for at in range(count)]
    for at in unvarying:
        notes[at] = UNVARYING
    for at, note in zip(usable, solved.notes, strict=True):
        notes[at] = note
    within, likelihood = np.full(count, np.nan), np.full(count, np.nan)
    covariance, singular = np.full((count, effects, effects), np.nan), np.zeros(count, bool)
    within[usable] = solved.residual * scale[usable] ** 2
    covariance[usable] = solved.covariance * scale[usable, None, None] ** 2
    singular[usable] = solved.singular
    more = 2 * np.log(np.abs(np.diag(r))).sum() if restricted else 0.0
    likelihood[usable] = -0.5 * (solved.deviance + 2 * free * np.log(scale[usable]) + more)
    name = "REML" if restricted else "ML"
    effect = "random intercept" if slope is None else "random intercept and slope"
    p = 2 * stats.t.sf(np.abs(statistic), df)
    method = f"linear mixed model, {effect} of each person, {name}, Satterthwaite df"
    return ManyFits(
        estimate, error, df, statistic, p, covariance, within, likelihood, singular, tuple(notes), method
    )  # fmt: skip


def _places(y: np.ndarray, x: np.ndarray, groups: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return the number of each row's person, after checking that the model can be fitted at all."""
    rows = len(y)
    if len(x) != rows or len(groups) != rows:
        raise InputError(f"{rows} rows of outcomes, {len(x)} of the design and {len(groups)} people do not fit")
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise InputError("outcomes and design must be finite", mend="Leave out rows with empty cells first")
    place = np.unique(np.asarray([str(name) for name in groups]), return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(place) if rows else np.zeros(0, int)
    terms = x.shape[1]
    if terms and (rows <= terms or np.linalg.matrix_rank(x) < terms):
        raise InputError(f"{terms} terms are too many for {rows} rows, or one is a combination of others")
    if not (sizes > 1).any():
        raise InputError("every person has one row", field="person", mend="Fit a linear model without people")
    centred = x - _sums(x, place, len(sizes))[place] / sizes[place, None]
    values = np.linalg.svd(centred / (np.linalg.norm(x, axis=0) + (np.linalg.norm(x, axis=0) == 0)), compute_uv=False)
    inside = int((values > 1e-9).sum())
    if rows - len(sizes) - inside <= 0:
        raise InputError(
            f"{rows} rows of {len(sizes)} people leave nothing to tell the variance within people",
            mend="Leave out terms that change within people, or fit a linear model",
        )
    if len(sizes) - (terms - inside) <= 0:
        raise InputError(
            f"{len(sizes)} people are too few for the {terms - inside} terms that differ between people",
            mend="Leave out terms, or fit a linear model",
        )
    return place


def _within(rest: np.ndarray, x: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the root mean square that terms and a level of each person leave of outcomes, array [outcome]."""
    sizes = np.bincount(place)[:, None]
    y, terms = (values - (_sums(values, place, len(sizes)) / sizes)[place] for values in (rest, x))
    left = y - terms @ np.linalg.lstsq(terms, y, rcond=1e-10)[0]
    return np.asarray(np.sqrt((left**2).mean(axis=0)))


def _sums(values: np.ndarray, place: np.ndarray, count: int) -> np.ndarray:
    """Return the sum of the rows of each person, array [person, column]."""
    made = np.zeros((count, values.shape[1]))
    np.add.at(made, place, values)
    return made


class _Sums:
    """Sums within and between people, and the likelihood with its derivatives in the ratio of variances."""

    def __init__(self, y: np.ndarray, x: np.ndarray, place: np.ndarray, free: int, restricted: bool) -> None:
        sizes = np.bincount(place)
        total_x, total_y = _sums(x, place, len(sizes)), _sums(y, place, len(sizes))
        inner_x, inner_y = x - (total_x / sizes[:, None])[place], y - (total_y / sizes[:, None])[place]
        self.within = inner_x.T @ inner_x, inner_y.T @ inner_x, (inner_y**2).sum(axis=0)
        # People with as many rows share a weight: one entry for each number of rows.
        self.size, of = np.unique(sizes, return_inverse=True)
        self.people = np.bincount(of)
        self.xx = np.stack([(t := total_x[of == k]).T @ t / self.size[k] for k in range(len(self.size))])
        self.yx = np.stack([total_y[of == k].T @ total_x[of == k] / self.size[k] for k in range(len(self.size))])
        self.yy = np.stack([(total_y[of == k] ** 2).sum(axis=0) / self.size[k] for k in range(len(self.size))])
        self.free, self.restricted = free, restricted

    def grid(self) -> np.ndarray:
        """Return the criterion at the ratios of the grid, array [ratio, outcome]."""
        weight = 1 / (1 + RATIOS[:, None] * self.size)
        m = self.within[0] + np.einsum("gk,kij->gij", weight, self.xx)
        b = self.within[1] + np.einsum("gk,kmi->gmi", weight, self.yx)
        c = self.within[2] + weight @ self.yy
        rss = c - np.einsum("gmi,gim->gm", b, np.linalg.solve(m, b.transpose(0, 2, 1)))
        fixed = -(self.people * np.log(weight)).sum(axis=1)
        if self.restricted:
            fixed = fixed + np.linalg.slogdet(m)[1]
        return fixed[:, None] + self.free * np.log(np.maximum(rss, np.finfo(float).tiny))

    def at(self, ratio: np.ndarray, part: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parts of the likelihood of some outcomes, each at its own ratio, with their derivatives."""
        w = 1 / (1 + ratio[:, None] * self.size)
        w1, w2 = -self.size * w**2, 2 * self.size**2 * w**3
        m, m1, m2 = self.within[0] + _weighed(w, self.xx), _weighed(w1, self.xx), _weighed(w2, self.xx)
        yx, yy = self.yx[:, part], self.yy[:, part]
        b, b1, b2 = (np.einsum("mk,kmi->mi", v, yx) for v in (w, w1, w2))
        c, c1, c2 = (np.einsum("mk,km->m", v, yy) for v in (w, w1, w2))
        b, c = b + self.within[1][part], c + self.within[2][part]
        inverse = np.linalg.inv(m)
        beta = np.einsum("mij,mj->mi", inverse, b)
        lag = b1 - np.einsum("mij,mj->mi", m1, beta)
        rss = np.maximum(c - (b * beta).sum(axis=1), np.finfo(float).tiny)
        rss1 = c1 - (beta * (b1 + lag)).sum(axis=1)
        rss2 = c2 - 2 * (beta * b2).sum(axis=1) + np.einsum("mi,mij,mj->m", beta, m2, beta)
        rss2 = rss2 - 2 * np.einsum("mi,mij,mj->m", lag, inverse, lag)
        det = -(self.people * np.log(w)).sum(axis=1)
        det1, det2 = (self.people * self.size * w).sum(axis=1), -(self.people * self.size**2 * w**2).sum(axis=1)
        if self.restricted:
            turn = inverse @ m1
            det = det + np.linalg.slogdet(m)[1]
            det1 = det1 + np.trace(turn, axis1=1, axis2=2)
            det2 = det2 + np.einsum("mij,mji->m", inverse, m2) - np.einsum("mij,mji->m", turn, turn)
        first = det1 + self.free * rss1 / rss
        second = det2 + self.free * (rss2 / rss - (rss1 / rss) ** 2)
        return {
            "inverse": inverse, "change": inverse @ m1 @ inverse, "beta": beta, "rss": rss, "rss1": rss1, "rss2": rss2,
            "det": det, "det2": det2, "first": first, "second": second,
        }  # fmt: skip


def _weighed(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.einsum("mk,kij->mij", weight, values)


def _ratios(sums: _Sums, count: int) -> np.ndarray:
    """Return the ratio of variances at which the likelihood of each outcome is greatest: the grid, then Newton."""
    best = sums.grid().argmin(axis=0) if count else np.zeros(0, int)
    low, high = RATIOS[np.maximum(best - 1, 0)], RATIOS[np.minimum(best + 1, len(RATIOS) - 1)]
    everyone = np.arange(count)
    ratio = RATIOS[best].copy()
    rising = sums.at(low, everyone)["first"] >= 0
    ratio[rising] = low[rising]
    falling = ~rising & (sums.at(high, everyone)["first"] <= 0)
    ratio[falling] = high[falling]
    active = np.flatnonzero(~rising & ~falling)
    ratio[active] = np.where(best[active] == 0, high[active] / 2, ratio[active])
    for _ in range(STEPS):
        if not len(active):
            break
        found = sums.at(ratio[active], active)
        up = found["first"] > 0
        high[active[up]], low[active[~up]] = ratio[active[up]], ratio[active[~up]]
        curved = np.where(found["second"] > 0, found["second"], 1.0)
        next_ = np.where(found["second"] > 0, ratio[active] - found["first"] / curved, -1.0)
        outside = (next_ <= low[active]) | (next_ >= high[active])
        next_ = np.where(outside, (low[active] + high[active]) / 2, next_)
        moved = np.abs(next_ - ratio[active]) > SETTLED * next_
        ratio[active] = next_
        active = active[moved]
    return ratio


def _intercepts(
    y: np.ndarray, x: np.ndarray, place: np.ndarray, contrasts: np.ndarray, free: int, restricted: bool
) -> Solved:
    """Fit a random intercept to all outcomes together."""
    sums = _Sums(y, x, place, free, restricted)
    count = y.shape[1]
    ratio = _ratios(sums, count)
    found = sums.at(ratio, np.arange(count))
    residual = found["rss"] / free
    spread = np.einsum("ci,mij,cj->mc", contrasts, found["inverse"], contrasts)
    change = -np.einsum("ci,mij,cj->mc", contrasts, found["change"], contrasts)
    # Hessian of -2 log likelihood in the ratio and the logarithm of the variance within people.
    hh = (found["det2"] + found["rss2"] / residual)[:, None]
    hs = (-found["rss1"] / residual)[:, None]
    area = hh * free - hs**2
    singular = ratio == 0
    flat = (area[:, 0] <= 1e-10 * np.abs(hh[:, 0] * free)) & ~singular
    plain = singular | flat
    form = (free * change**2 - 2 * hs * change * spread + hh * spread**2) / np.where(plain[:, None], 1.0, area)
    df = np.where(plain[:, None], float(free), spread**2 / np.where(plain[:, None], spread**2, form))
    deviance = free * np.log(2 * np.pi * residual) + free + found["det"]
    notes = [SINGULAR if singular[at] else FLAT if flat[at] else None for at in range(count)]
    variance = residual[:, None] * spread
    covariance = (ratio * residual)[:, None, None]
    return Solved(found["beta"], variance, df, covariance, residual, deviance, singular, notes)
