"""How well covariance parameters are known, and the degrees of freedom of fixed effects that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Covariance matrices of blocks of rows at some parameters: an array [block, row, row] for each batch of blocks.
Covariances = Callable[[np.ndarray], list[np.ndarray]]
STEP = 1e-30  # of complex differentiation: exact, as nothing is subtracted
CURVE = 1e-4  # relative step of second derivatives
SMALL = 1e-8  # eigenvalues of a Hessian below this share of the largest carry no information
METHODS = ("kenward-roger", "satterthwaite")


@dataclass(frozen=True)
class Fit:
    """Generalised least squares at given covariances; lists run over the batches.

    Attributes
    ----------
    estimates : array [column]
    inverse : covariance of the estimates, array [column, column]
    deviance : -2 log-likelihood, restricted or not
    white : inverse Cholesky factors of the blocks, arrays [block, row, row]
    columns : whitened model matrix, arrays [block, row, column]
    rests : whitened residuals, arrays [block, row]
    """

    estimates: np.ndarray
    inverse: np.ndarray
    deviance: float
    restricted: bool
    white: list[np.ndarray]
    columns: list[np.ndarray]
    rests: list[np.ndarray]


@dataclass(frozen=True)
class Information:
    """Derivatives of the likelihood and of the precision of fixed effects by covariance parameters.

    Attributes
    ----------
    gradient, expected, observed : of -2 log-likelihood (half its Hessian for the last two), [parameter(, parameter)]
    slopes : P of Kenward & Roger 1997, array [parameter, column, column]
    crossed : Q, array [parameter, parameter, column, column]
    """

    gradient: np.ndarray
    expected: np.ndarray
    observed: np.ndarray
    slopes: np.ndarray
    crossed: np.ndarray


def batches(groups: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each group, groups of the same size together: arrays [group, row]."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    sizes = sorted({len(part) for part in parts})
    return [np.array([part for part in parts if len(part) == size]) for size in sizes]


def fitted(
    covariances: list[np.ndarray], rows: list[np.ndarray], x: np.ndarray, y: np.ndarray, restricted: bool = True
) -> Fit | None:
    """Return the generalised least squares fit, or nothing where a covariance is not positive definite."""
    columns, outcomes, white = [], [], []
    logarithm = 0.0
    for covariance, places in zip(covariances, rows, strict=True):
        try:
            factor = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            return None
        diagonal = np.diagonal(factor, axis1=1, axis2=2)
        if not (np.isfinite(diagonal).all() and (diagonal > 0).all()):
            return None
        logarithm += 2 * float(np.log(diagonal).sum())
        inverse = np.linalg.inv(factor)
        white.append(inverse)
        columns.append(inverse @ x[places])
        outcomes.append((inverse @ y[places][..., None])[..., 0])
    flat = np.concatenate([part.reshape(-1, x.shape[1]) for part in columns])
    orthogonal, upper = np.linalg.qr(flat)
    scale = np.abs(np.diagonal(upper))
    if scale.min(initial=np.inf) <= 1e-14 * scale.max(initial=0):
        return None
    target = np.concatenate([part.ravel() for part in outcomes])
    estimates = np.linalg.solve(upper, orthogonal.T @ target)
    back = np.linalg.inv(upper)
    rests = [there - part @ estimates for there, part in zip(outcomes, columns, strict=True)]
    square = sum(float((part**2).sum()) for part in rests)
    free = len(y) - x.shape[1] if restricted else len(y)
    deviance = logarithm + square + free * np.log(2 * np.pi)
    if restricted:
        deviance += 2 * float(np.log(scale).sum())
    return Fit(estimates, back @ back.T, deviance, restricted, white, columns, rests)


def derivatives(covariances: Covariances, parameters: np.ndarray) -> list[np.ndarray]:
    """Return first derivatives, arrays [parameter, block, row, row], by complex differentiation."""
    steps = np.eye(len(parameters)) * 1j * STEP
    parts = [[part.imag / STEP for part in covariances(parameters + step)] for step in steps]
    return [np.array(batch) for batch in zip(*parts, strict=True)]


def information(
    fit: Fit, covariances: Covariances, parameters: np.ndarray, linear: bool, second: bool = True
) -> Information:
    """Return what the likelihood says about covariance parameters at a fit.

    Parameters
    ----------
    covariances : of complex parameters as well
    linear : covariances are linear in their parameters, so that second derivatives vanish
    second : whether second derivatives shall enter `observed`

    Notes
    -----
    With P the projection V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, of -2 log restricted likelihood the gradient is
    tr(P V_i) - y'P V_i P y and the Hessian tr(P V_ij) - tr(P V_i P V_j) - y'P V_ij P y + 2 y'P V_i P V_j P y.
    """
    count, width = len(parameters), len(fit.estimates)
    inverse = fit.inverse
    first = derivatives(covariances, parameters)
    trace, square = np.zeros(count), np.zeros(count)
    slopes, crossed = np.zeros((count, width, width)), np.zeros((count, count, width, width))
    twice, pulled, reached = np.zeros((count, count)), np.zeros((count, count)), np.zeros((count, width))
    for derived, white, columns, rests in zip(first, fit.white, fit.columns, fit.rests, strict=True):
        inner = white @ derived @ white.swapaxes(1, 2)
        trace += np.einsum("rbii->r", inner)
        flat = inner.reshape(count, -1)
        twice += flat @ flat.T
        turned = inner @ columns
        slopes -= np.einsum("bip,rbiq->rpq", columns, turned, optimize=True)
        wide = turned.transpose(1, 2, 0, 3).reshape(-1, count * width)
        crossed += (wide.T @ wide).reshape(count, width, count, width).transpose(0, 2, 1, 3)
        moved = np.einsum("rbij,bj->rbi", inner, rests)
        square += np.einsum("bi,rbi->r", rests, moved)
        pulled += np.einsum("rbi,sbi->rs", moved, moved)
        reached += np.einsum("bip,rbi->rp", columns, moved)
    pulled -= reached @ inverse @ reached.T
    bent = np.zeros((count, count))  # tr(P V_ij) - y'P V_ij P y
    if second and not linear:
        for i, size in enumerate(CURVE * np.maximum(np.abs(parameters), 0.1)):
            step = np.zeros(count)
            step[i] = size
            above, below = derivatives(covariances, parameters + step), derivatives(covariances, parameters - step)
            parts = zip(above, below, fit.white, fit.columns, fit.rests, strict=True)
            for high, low, white, columns, rests in parts:
                inner = white @ ((high - low) / (2 * size)) @ white.swapaxes(1, 2)
                bent[i] += np.einsum("rbii->r", inner) - np.einsum("bi,rbij,bj->r", rests, inner, rests, optimize=True)
                if fit.restricted:
                    bent[i] -= np.einsum("bip,rbij,bjq,qp->r", columns, inner, columns, inverse, optimize=True)
        bent = (bent + bent.T) / 2
    # tr(Phi P_i Phi P_j), tr(Phi Q_ij) and so on; the unrestricted likelihood does without them
    left = np.einsum("pq,rqs->rps", inverse, slopes)
    between = np.einsum("rpq,sqp->rs", left, left)
    within = np.einsum("pq,rsqp->rs", inverse, crossed, optimize=True)
    once = trace + np.einsum("rpp->r", left) if fit.restricted else trace
    if fit.restricted:
        twice = twice - 2 * within + between
    return Information(once - square, twice / 2, (bent - twice + 2 * pulled) / 2, slopes, crossed)


def inverted(hessian: np.ndarray) -> np.ndarray:
    """Return the inverse of a Hessian over the directions in which it rises."""
    size = np.sqrt(np.maximum(np.abs(np.diagonal(hessian)), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(hessian / np.outer(size, size))
    good = values > SMALL * values.max(initial=0)
    kept = vectors[:, good]
    return np.asarray((kept / values[good]) @ kept.T / np.outer(size, size))


@dataclass(frozen=True)
class Degrees:
    """Covariance of fixed effects and degrees of freedom of their contrasts.

    Parameters
    ----------
    covariance : of the estimates, corrected for small samples with Kenward-Roger, array [column, column]
    plain : not corrected, array [column, column]
    slopes : P of Kenward & Roger 1997
    weights : covariance of the covariance parameters, array [parameter, parameter]
    """

    covariance: np.ndarray
    plain: np.ndarray
    slopes: np.ndarray
    weights: np.ndarray
    method: str

    def of(self, row: np.ndarray) -> float:
        """Return the degrees of freedom of one contrast, array [column]."""
        reached = self.plain @ row
        change = np.einsum("p,rpq,q->r", reached, self.slopes, reached)
        spread = float(change @ self.weights @ change)
        variance = float(row @ reached)
        return 2 * variance**2 / spread if spread > 0 else float("inf")

    def joint(self, rows: np.ndarray, estimates: np.ndarray) -> tuple[float, int, float]:
        """Return F, numerator and denominator degrees of freedom of contrasts that are zero together.

        Notes
        -----
        Not a number where Kenward & Roger's moments belong to no F. Sources: Kenward & Roger 1997, doi
        10.2307/2533558; for Satterthwaite Fai & Cornelius 1996.
        """
        rows = np.atleast_2d(rows)
        count = len(rows)
        values = rows @ estimates
        if count == 1:
            return float(values[0] ** 2 / (rows[0] @ self.covariance @ rows[0])), 1, self.of(rows[0])
        if self.method == "satterthwaite":
            spread, vectors = np.linalg.eigh(rows @ self.covariance @ rows.T)
            each = (vectors.T @ values) ** 2 / spread
            free = np.array([self.of(vector @ rows) for vector in vectors.T])
            expected = float((free / (free - 2)).sum()) if free.min() > 2 and np.isfinite(free).all() else np.inf
            df = 2.0 if free.min() <= 2 else 2 * expected / (expected - count) if np.isfinite(expected) else np.inf
            return float(each.mean()), count, float(df)
        theta = rows.T @ np.linalg.solve(rows @ self.plain @ rows.T, rows)
        moved = np.array([theta @ self.plain @ slope @ self.plain for slope in self.slopes])
        traces = np.einsum("rpp->r", moved)
        first = float(traces @ self.weights @ traces)
        second = float(np.einsum("rs,rpq,sqp->", self.weights, moved, moved, optimize=True))
        square = float(values @ np.linalg.solve(rows @ self.covariance @ rows.T, values))
        return _kenward_roger(first, second, count, square)


def _kenward_roger(first: float, second: float, count: int, square: float) -> tuple[float, int, float]:
    """Return the scaled F of Kenward & Roger from their A1 and A2."""
    if not 0 < second < count:
        return float("nan"), count, float("nan")
    b = (first + 6 * second) / (2 * count)
    g = ((count + 1) * first - (count + 4) * second) / ((count + 2) * second)
    below = 3 * count + 2 * (1 - g)
    c1, c2, c3 = g / below, (count - g) / below, (count + 2 - g) / below
    expected = 1 / (1 - second / count)
    if not (1 - c3 * b > 0 and 1 - c2 * b != 0):
        return float("nan"), count, float("nan")
    variance = 2 / count * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    ratio = variance / (2 * expected**2)
    if not ratio * count > 1:
        return float("nan"), count, float("nan")
    df = 4 + (count + 2) / (count * ratio - 1)
    return df / (expected * (df - 2)) * square / count, count, df


def degrees(fit: Fit, known: Information, method: str) -> Degrees:
    """Return covariance and degrees of freedom of fixed effects.

    Parameters
    ----------
    known : with second derivatives for "satterthwaite"

    Notes
    -----
    Kenward-Roger weighs with the expected, Satterthwaite with the observed information. The correction of Kenward
    & Roger is taken without its second derivatives: so it does not depend on how a covariance is parametrised.
    Sources: Kenward & Roger 1997, doi 10.2307/2533558; Kuznetsova et al. 2017, doi 10.18637/jss.v082.i13.
    """
    plain = fit.inverse
    if method == "satterthwaite":
        return Degrees(plain, plain, known.slopes, inverted(known.observed), method)
    weights = inverted(known.expected)
    between = np.einsum("rpq,qs,tsu->rtpu", known.slopes, plain, known.slopes, optimize=True)
    inner = np.einsum("rs,rspq->pq", weights, known.crossed - between)
    covariance = plain + 2 * plain @ inner @ plain
    return Degrees((covariance + covariance.T) / 2, plain, known.slopes, weights, method)


def unknown_method(method: str, known: Sequence[str] = METHODS) -> str:
    """Return what to say of a way to degrees of freedom that is not known."""
    return f"{method!r} is no way to degrees of freedom; known are {', '.join(known)}"
