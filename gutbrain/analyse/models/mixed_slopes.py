"""A random intercept and slope for every person: the part of `mixed_many` that fits one outcome after another."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from gutbrain.analyse.models.mixed_many import FLAT, SINGULAR, Solved
from gutbrain.errors import InputError

LOWER = ((0, 0), (1, 0), (1, 1))  # entries of the Cholesky factor of the random effects' relative covariance
STARTS = ((1.0, 0.0, 1.0), (1.0, 0.0, 0.1), (0.1, 0.0, 0.1), (0.3, 0.0, 3.0))
BORDER = 1e-5  # a factor's diagonal below this is a variance of 0 or a correlation of 1
POSITIVE = 1e-8  # eigenvalues of the Hessian below this share of the greatest carry nothing
POLISH = 12  # steps of Newton's method after the search
REDUCED = "random intercept and slope estimated with a correlation of 1 or -1, or one without variance"


class _Person:
    """The sums that the likelihood needs, for terms that are orthonormal, and the likelihood with its derivatives."""

    def __init__(self, x: np.ndarray, place: np.ndarray, slope: np.ndarray, free: int, restricted: bool) -> None:
        z = np.column_stack([np.ones(len(x)), slope])
        self.count, self.free, self.restricted = int(place.max()) + 1, free, restricted
        self.z, self.place, self.x = z, place, x
        self.zz, self.zx = self._sum(z[:, :, None] * z[:, None, :]), self._sum(z[:, :, None] * x[:, None, :])

    def _sum(self, rows: np.ndarray) -> np.ndarray:
        made = np.zeros((self.count, *rows.shape[1:]))
        np.add.at(made, self.place, rows)
        return made

    def outcome(self, y: np.ndarray) -> None:
        """Take the outcome that is fitted next, of which the least-squares fit is gone."""
        self.zy, self.yy = self._sum(self.z * y[:, None]), float(y @ y)

    def at(self, entries: np.ndarray, curved: bool = False) -> dict[str, np.ndarray]:
        """Return the likelihood at a Cholesky factor; its Hessian too if wanted."""
        factor = np.array([[entries[0], 0.0], [entries[1], entries[2]]])
        inner = np.eye(2) + factor.T @ self.zz @ factor
        core = factor @ np.linalg.inv(inner) @ factor.T  # [person, 2, 2]
        keep = np.eye(2) - self.zz @ core
        e = keep @ self.zx  # Z' H^-1 X of each person
        m = np.eye(self.x.shape[1]) - np.einsum("jap,jab,jbq->pq", self.zx, core, self.zx)
        b = -np.einsum("jap,jab,jb->p", self.zx, core, self.zy)
        inverse = np.linalg.inv(m)
        beta = inverse @ b
        rss = max(self.yy - np.einsum("ja,jab,jb->", self.zy, core, self.zy) - b @ beta, np.finfo(float).tiny)
        det = np.linalg.slogdet(inner)[1].sum() + (np.linalg.slogdet(m)[1] if self.restricted else 0.0)
        u = np.einsum("jab,jb->ja", keep, self.zy) - e @ beta  # Z' P y
        own = keep @ self.zz  # Z' H^-1 Z
        residual = rss / self.free
        pull = own - e @ inverse @ e.transpose(0, 2, 1) if self.restricted else own
        slope = pull.sum(axis=0) - np.einsum("ja,jb->ab", u, u) / residual
        gradient = np.array([2 * (slope @ factor)[at] for at in LOWER])
        found = {"value": det + self.free * np.log(rss), "gradient": gradient, "residual": residual, "beta": beta,
                 "inverse": inverse, "factor": factor, "det": det}  # fmt: skip
        if curved:
            found |= self._curvature(factor, inverse, e, own, u, slope, residual)
        return {name: np.asarray(value) for name, value in found.items()}

    def _curvature(
        self, factor: np.ndarray, inverse: np.ndarray, e: np.ndarray, own: np.ndarray, u: np.ndarray,
        slope: np.ndarray, residual: float,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Return the Hessian in the factor and the log residual variance, and the changes of the covariance of b."""
        units = np.zeros((3, 2, 2))
        for number, at in enumerate(LOWER):
            units[number][at] = 1.0
        ways = units @ factor.T
        ways = ways + ways.transpose(0, 2, 1)
        ebe = np.einsum("jap,rab,jbq->rpq", e, ways, e)
        hessian = np.zeros((4, 4))
        across = e @ inverse @ e.transpose(0, 2, 1)
        vector = np.einsum("rab,jb->rja", ways, u)
        pulled = np.einsum("jap,rja->rp", e, vector)
        for r in range(3):
            for s in range(r + 1):
                left, right = own @ ways[r], own @ ways[s]
                trace = np.einsum("jab,jba->", left, right)
                if self.restricted:
                    both = across @ ways[s]
                    trace -= np.einsum("jab,jba->", left, both) + np.einsum("jab,jba->", across @ ways[r], right)
                    trace += np.trace(inverse @ ebe[r] @ inverse @ ebe[s])
                form = np.einsum("ja,jab,jb->", vector[r], own, vector[s]) - pulled[r] @ inverse @ pulled[s]
                twice = units[r] @ units[s].T
                value = -trace + 2 * form / residual + (slope * (twice + twice.T)).sum()
                hessian[r, s] = hessian[s, r] = value
            hessian[r, 3] = hessian[3, r] = np.einsum("ja,rja->r", u, vector)[r] / residual
        hessian[3, 3] = self.free
        return {"hessian": hessian, "change": inverse @ ebe @ inverse}


def _highest(person: _Person) -> np.ndarray:
    """Return the entries of the factor at which the likelihood is greatest."""

    def criterion(entries: np.ndarray) -> tuple[float, np.ndarray]:
        found = person.at(entries)
        return float(found["value"]), found["gradient"]

    bounds = ((0.0, None), (None, None), (0.0, None))
    best, value = np.zeros(3), criterion(np.zeros(3))[0]
    for start in STARTS:
        search = optimize.minimize(
            criterion, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9}
        )
        if search.fun < value - 1e-9:
            best, value = search.x, search.fun
    for _ in range(POLISH):
        found = person.at(best, curved=True)
        open_ = np.array([best[0] > BORDER, True, best[2] > BORDER])
        whole = found["hessian"]
        profile = (whole[:3, :3] - np.outer(whole[:3, 3], whole[3, :3]) / whole[3, 3])[np.ix_(open_, open_)]
        if np.linalg.eigvalsh(profile)[0] <= POSITIVE * np.abs(profile).max():
            break
        step = np.zeros(3)
        step[open_] = np.linalg.solve(profile, found["gradient"][open_])
        tried = best - step
        if tried[0] < 0 or tried[2] < 0 or criterion(tried)[0] > value + 1e-9:
            break
        best, value = tried, min(value, criterion(tried)[0])
        if np.abs(step).max() < 1e-12:
            break
    return np.where([best[0] <= BORDER, False, best[2] <= BORDER], 0.0, best)


def slopes(
    y: np.ndarray, x: np.ndarray, place: np.ndarray, slope: np.ndarray, contrasts: np.ndarray, free: int,
    restricted: bool,
) -> Solved:  # fmt: skip
    """Fit a random intercept and slope to each outcome.

    Raises
    ------
    InputError
        If the slope's values do not fit, or do not change within enough people.
    """
    if len(slope) != len(y) or not np.isfinite(slope).all():
        raise InputError(f"the random slope needs one finite value for each of the {len(y)} rows")
    size = float(np.sqrt((slope**2).mean())) or 1.0
    person = _Person(x, place, slope / size, free, restricted)
    if int((np.linalg.matrix_rank(person.zz) > 1).sum()) < 2:
        raise InputError("the random slope's values change within fewer than two people", mend="Leave the slope out")
    if len(y) <= 2 * person.count:
        raise InputError(
            f"{len(y)} rows of {person.count} people are too few for a random slope", mend="Leave the slope out"
        )
    turn = np.diag([1.0, 1 / size])
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("beta", "spread", "df", "covariance", "residual", "dev")}
    singular, notes = [], []
    for column in y.T:
        person.outcome(column)
        best = _highest(person)
        found = person.at(best, curved=True)
        residual = float(found["residual"])
        spread = residual * np.einsum("ci,ij,cj->c", contrasts, found["inverse"], contrasts)
        change = residual * np.einsum("ci,rij,cj->rc", contrasts, found["change"], contrasts)
        values, vectors = np.linalg.eigh(found["hessian"])
        used = values > POSITIVE * values[-1]
        turned = vectors[:, used].T @ np.vstack([change, spread])
        rows["df"].append(spread**2 / (turned**2 / values[used, None]).sum(axis=0))
        rows["beta"].append(found["beta"])
        rows["spread"].append(spread)
        rows["residual"].append(np.asarray(residual))
        effects = turn @ found["factor"] @ found["factor"].T @ turn
        rows["covariance"].append(effects * residual)
        rows["dev"].append(free * np.log(2 * np.pi * residual) + free + found["det"])
        lost = bool(best[0] == 0 or best[2] == 0)
        singular.append(lost)
        none = lost and not best.any()
        notes.append(SINGULAR if none else REDUCED if lost else None if used.all() else FLAT)
    stacked = {name: np.stack(value) if value else np.zeros((0, 1)) for name, value in rows.items()}
    return Solved(
        stacked["beta"].reshape(-1, x.shape[1]), stacked["spread"].reshape(-1, len(contrasts)),
        stacked["df"].reshape(-1, len(contrasts)), stacked["covariance"].reshape(-1, 2, 2),
        stacked["residual"].reshape(-1), stacked["dev"].reshape(-1), np.array(singular, bool), notes,
    )  # fmt: skip
