"""Exact linear mixed models with one grouping factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import optimize

from gutbrain.analyse.formula import model_matrix
from gutbrain.analyse.models.contrasts import EXACT, LinearFit, check_degrees, used_rows
from gutbrain.analyse.models.mixed_degrees import batches, degrees, fitted, information
from gutbrain.errors import InputError

SINGULAR = 1e-4  # as lme4: a relative standard deviation below this is on the boundary
GRADIENT = 1e-3  # of the deviance by a relative standard deviation; more of it is no convergence
WHOLLY = 1e-6  # a remainder this small beside the people's differences is rounding
STEP = 1e-30


@dataclass(frozen=True)
class Mixed(LinearFit):
    """A fitted mixed model.

    Attributes
    ----------
    components : table with group, term, with (another term, or null), variance (or covariance), standard_deviation,
        correlation
    random : table of the predicted random effects: group, term, value, standard_error (given the components)
    singular : a variance is 0 or a correlation is 1
    converged : the gradient vanishes where it must
    """

    components: pl.DataFrame = None  # type: ignore[assignment]
    random: pl.DataFrame = None  # type: ignore[assignment]
    singular: bool = False
    converged: bool = True
    criterion: str = "REML"

    @property
    def log_likelihood(self) -> float:
        """Logarithm of the (restricted) likelihood."""
        return -self.deviance / 2

    @property
    def aic(self) -> float:
        """Akaike's criterion, fixed effects counted (as lme4 does with either likelihood)."""
        return self.deviance + 2 * (len(self.estimates) + len(self.components))


def mixed(
    table: pl.DataFrame,
    outcome: str,
    formula: str,
    group: str = "person",
    random: str = "1",
    correlated: bool = True,
    method: str = "REML",
    degrees_method: str = "satterthwaite",
) -> Mixed:
    """Return a linear mixed model.

    Parameters
    ----------
    formula : fixed effects, right-hand side
    group : column with the people
    random : effects that differ between people, right-hand side: "1", "1 + day", "0 + day"
    correlated : random effects of a person may go together
    method : "REML" or "ML"
    degrees_method : "satterthwaite" or "kenward-roger" (REML only)

    Raises
    ------
    InputError
        As `model_matrix`; for a single group, or as many random effects as rows in every group.

    Notes
    -----
    y = X b + Z u + e. The deviance is profiled to relative covariance factors.
    Sources: Bates et al. 2015, doi 10.18637/jss.v067.i01; degrees of freedom: `mixed_degrees`.
    """
    restricted = method == "REML"
    if method not in ("REML", "ML"):
        raise InputError(f"{method!r} is no likelihood", field="method", mend="Known are REML and ML")
    check_degrees(degrees_method, restricted)
    design, rows, y = used_rows(table, outcome, formula, (group,))
    names, z = _random_matrix(rows, random, group)
    labels, groups = np.unique(rows[group].cast(pl.String).to_numpy().astype(str), return_inverse=True)
    places = batches(groups)
    _check_groups(places, z, group, random)
    _check_remainder(places, design.values, z, y, outcome)
    scale = np.sqrt((z**2).mean(axis=0))
    profile = _Profile(places, design.values, z / scale, y, restricted)
    shape = _shape(len(names), correlated)
    theta, converged = _minimum(profile, shape)
    relative = _factor(theta, shape, len(names)) / scale[:, None]
    free = len(y) - design.values.shape[1] if restricted else len(y)
    variance = float(np.real(profile.parts(theta, shape)[1])) / free
    singular = bool((theta[[i == j for i, j in shape]] < SINGULAR).any())
    theta = np.array([relative[i, j] for i, j in shape])

    natural = degrees_method == "kenward-roger"
    spread = relative @ relative.T * variance
    parameters = (
        np.array([*(spread[i, j] for i, j in shape), variance]) if natural else np.array([*theta, np.sqrt(variance)])
    )

    def covariances(at: np.ndarray) -> list[np.ndarray]:
        if natural:
            inner = np.zeros((len(names), len(names)), at.dtype)
            for value, (i, j) in zip(at, shape, strict=False):
                inner[i, j] = inner[j, i] = value
            rest = at[-1]
        else:
            rest = at[-1] ** 2
            made = _factor(at[:-1], shape, len(names))
            inner = rest * (made @ made.T)
        return [z[part] @ inner @ z[part].swapaxes(1, 2) + rest * np.eye(part.shape[1]) for part in places]

    fit = fitted(covariances(parameters), places, design.values, y, restricted)
    if fit is None:
        raise InputError("the model cannot be solved", field=outcome, mend="Scale the covariates, or leave terms out")
    known = information(fit, covariances, parameters, linear=natural, second=not natural)
    effects, errors = _effects(spread, variance, z, y - design.values @ fit.estimates, groups, len(labels))
    predicted = design.values @ fit.estimates + (z * effects[groups]).sum(axis=1)
    notes = list(design.notes)
    if singular:
        notes.append("a random effect has no variance of its own (singular fit): a simpler random part says the same")
    if not converged:
        notes.append("the likelihood has not converged: take the estimates with care")
    return Mixed(
        design, rows, outcome, fit.estimates, degrees(fit, known, degrees_method), fit.deviance, predicted,
        y - predicted, len(labels), f"linear mixed model, {method}, {degrees_method.title()} degrees of freedom",
        tuple(notes), _components(group, names, spread, variance, shape),
        pl.DataFrame({
            "group": np.repeat(labels, len(names)), "term": list(names) * len(labels),
            "value": effects.ravel(), "standard_error": errors.ravel(),
        }), singular, converged, method,
    )  # fmt: skip


def _random_matrix(rows: pl.DataFrame, random: str, group: str) -> tuple[tuple[str, ...], np.ndarray]:
    if random.strip() in ("1", ""):
        return ("Intercept",), np.ones((len(rows), 1))
    made = model_matrix(rows, random)
    if len(made.rows) < len(rows):
        what = f"the random part {random!r} has empty cells where the rest of the model has none"
        raise InputError(what, field=group, mend="Name these columns in the formula too")
    return made.columns, made.values


def _check_groups(places: list[np.ndarray], z: np.ndarray, group: str, random: str) -> None:
    count = sum(len(part) for part in places)
    if count < 2:
        raise InputError("there is one group only", field=group, mend="A mixed model needs several")
    # If every group has no more rows than random effects, nothing is left to tell effect from remainder.
    if places[-1].shape[1] <= z.shape[1]:
        raise InputError(
            f"no group has more rows than the {z.shape[1]} random effects of {random!r}", field=group,
            mend="Use a simpler random part, or ordinary least squares",
        )  # fmt: skip


def _check_remainder(places: list[np.ndarray], x: np.ndarray, z: np.ndarray, y: np.ndarray, outcome: str) -> None:
    """Refuse data that fixed and random effects explain wholly: their likelihood has no maximum."""
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    size = float(np.sqrt((rest**2).mean()))
    told = InputError("the model explains the outcome without a remainder", field=outcome, mend="Leave terms out")
    if size <= EXACT * np.ptp(y):
        raise told
    both = np.column_stack([x, rest / size])
    within = [both[part] - z[part] @ (np.linalg.pinv(z[part]) @ both[part]) for part in places]
    flat = np.concatenate([part.reshape(-1, both.shape[1]) for part in within])
    rests = flat[:, -1] - flat[:, :-1] @ np.linalg.lstsq(flat[:, :-1], flat[:, -1], rcond=1e-10)[0]
    if float(rests @ rests) <= len(y) * WHOLLY**2:
        raise told


def _shape(count: int, correlated: bool) -> list[tuple[int, int]]:
    """Return the places of the lower factor that are estimated, column by column."""
    return [(i, j) for j in range(count) for i in range(j, count) if correlated or i == j]


def _factor(theta: np.ndarray, shape: list[tuple[int, int]], count: int) -> np.ndarray:
    made = np.zeros((count, count), theta.dtype)
    for value, (i, j) in zip(theta, shape, strict=True):
        made[i, j] = value
    return made


class _Profile:
    """The profiled deviance from cross-products of each group: no step of the search touches the rows."""

    def __init__(self, places: list[np.ndarray], x: np.ndarray, z: np.ndarray, y: np.ndarray, restricted: bool) -> None:
        width = x.shape[1]
        # Orthonormal columns change the deviance by a constant and keep it well-conditioned.
        orthogonal, upper = np.linalg.qr(x)
        rest = y - orthogonal @ (orthogonal.T @ y)
        rest = rest - orthogonal @ (orthogonal.T @ rest)
        self.size = float(rest @ rest)
        self.both = np.column_stack([orthogonal, rest / np.sqrt(self.size)])
        self.constant = 2 * float(np.log(np.abs(np.diagonal(upper))).sum()) if restricted else 0.0
        self.free = len(y) - width if restricted else len(y)
        self.restricted = restricted
        self.inner = np.concatenate([z[part].swapaxes(1, 2) @ z[part] for part in places])
        self.outer = np.concatenate([z[part].swapaxes(1, 2) @ self.both[part] for part in places])
        self.whole = self.both.T @ self.both

    def parts(self, theta: np.ndarray, shape: list[tuple[int, int]]) -> tuple[complex, complex]:
        """Return the logarithms of determinants and the penalised sum of squares."""
        factor = _factor(theta, shape, self.inner.shape[1])
        system = factor.T @ self.inner @ factor + np.eye(len(factor))
        turned = factor.T @ self.outer
        reduced = self.whole - np.einsum("gqa,gqb->ab", turned, np.linalg.solve(system, turned))
        width = len(reduced) - 1
        square = reduced[-1, -1] - reduced[-1, :-1] @ np.linalg.solve(reduced[:-1, :-1], reduced[:-1, -1])
        logarithm = _logarithm(system).sum()
        if self.restricted and width:
            logarithm = logarithm + _logarithm(reduced[None, :-1, :-1])[0]
        return logarithm + self.constant, square * self.size

    def deviance(self, theta: np.ndarray, shape: list[tuple[int, int]]) -> complex:
        logarithm, square = self.parts(theta, shape)
        return logarithm + self.free * (1 + np.log(2 * np.pi * square / self.free))


def _logarithm(matrices: np.ndarray) -> np.ndarray:
    """Return the logarithms of determinants, complex where the matrices are."""
    sign, size = np.linalg.slogdet(matrices)
    return size + 1j * np.angle(sign) if np.iscomplexobj(matrices) else size


def _minimum(profile: _Profile, shape: list[tuple[int, int]]) -> tuple[np.ndarray, bool]:
    """Return the relative factor with the least deviance, and whether the gradient vanishes there."""
    diagonal = np.array([i == j for i, j in shape])
    steps = np.eye(len(shape)) * 1j * STEP

    def both(theta: np.ndarray) -> tuple[float, np.ndarray]:
        slopes = [profile.deviance(theta + step, shape).imag / STEP for step in steps]
        return float(np.real(profile.deviance(theta, shape))), np.array(slopes)

    bounds = [(0, None) if main else (None, None) for main in diagonal]
    best: optimize.OptimizeResult | None = None
    for start in (1.0, 0.1, 10.0):
        found = optimize.minimize(
            both, np.where(diagonal, start, 0.0), jac=True, method="L-BFGS-B", bounds=bounds,
            options={"ftol": 1e-15, "gtol": 1e-7, "maxiter": 1000},
        )  # fmt: skip
        if best is None or found.fun < best.fun - 1e-9:
            best = found
    assert best is not None
    theta = np.asarray(best.x, float)
    theta, slope = _polished(both, theta, diagonal)
    inside = ~diagonal | (theta > SINGULAR)
    reached = np.where(inside, np.abs(slope), np.maximum(-slope, 0))
    return theta, bool(reached.max() < GRADIENT * max(1.0, float(np.abs(theta).max())))


def _polished(
    both: Callable[[np.ndarray], tuple[float, np.ndarray]], theta: np.ndarray, diagonal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take Newton steps from the end of a search, as long as they lower the deviance."""
    value, slope = both(theta)
    for _ in range(5):
        move = np.flatnonzero(~diagonal | (theta > SINGULAR))
        if not len(move) or np.abs(slope[move]).max() < 1e-9:
            break
        hessian = np.zeros((len(move), len(move)))
        for row, place in enumerate(move):
            step = np.zeros(len(theta))
            step[place] = 1e-5 * max(1.0, abs(theta[place]))
            hessian[row] = (both(theta + step)[1] - both(theta - step)[1])[move] / (2 * step[place])
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        if values.min() <= 1e-10 * values.max():
            break
        new = theta.copy()
        new[move] -= vectors @ (vectors.T @ slope[move] / values)
        if (new[diagonal] < 0).any():
            break
        lower, steeper = both(new)
        if lower > value + 1e-9:
            break
        theta, value, slope = new, lower, steeper
    return theta, slope


def _effects(
    spread: np.ndarray, variance: float, z: np.ndarray, rests: np.ndarray, groups: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted random effects and their standard errors given components and fixed effects."""
    width = z.shape[1]
    inner, outer = np.zeros((count, width, width)), np.zeros((count, width))
    np.add.at(inner, groups, z[:, :, None] * z[:, None, :])
    np.add.at(outer, groups, z * rests[:, None])
    # G (Z'Z G + s2 I)^-1: no inverse of G, which may be singular
    gain = spread @ np.linalg.inv(inner @ spread + variance * np.eye(width))
    left = variance * gain
    return (gain @ outer[..., None])[..., 0], np.sqrt(np.maximum(np.einsum("gii->gi", left), 0))


def _components(
    group: str, names: tuple[str, ...], spread: np.ndarray, variance: float, shape: list[tuple[int, int]]
) -> pl.DataFrame:
    deviations = np.sqrt(np.diagonal(spread))
    rows: list[dict[str, str | float | None]] = []
    for j, i in sorted((j, i) for i, j in shape):
        product = deviations[i] * deviations[j]
        other = {} if i == j else {"with": names[i], "correlation": spread[i, j] / product if product > 0 else None}
        own = {"standard_deviation": float(deviations[i])} if i == j else {}
        rows.append({"group": group, "term": names[j], "variance": float(spread[i, j]), **own, **other})
    rows.append({"group": "residual", "term": "", "variance": variance, "standard_deviation": float(np.sqrt(variance))})
    kinds = {"group": pl.String, "term": pl.String, "with": pl.String, "variance": pl.Float64,
             "standard_deviation": pl.Float64, "correlation": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=kinds)
