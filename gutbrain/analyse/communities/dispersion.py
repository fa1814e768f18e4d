"""Dispersion of groups: how far samples lie from the middle of their group, with imaginary axes kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from scipy import stats

from gutbrain.analyse.communities.permanova import centred, checked
from gutbrain.analyse.communities.permutation import Exchange, as_extreme, exchange, p_value
from gutbrain.errors import InputError

CENTRES = ("median", "centroid")
NO_AXIS = 1e-9  # an eigenvalue this small beside the largest is 0
SAME = 1e-9  # a spread this small beside the values is rounding
NEAR = 1e-2  # of the extent of a group: this close to a point, the point itself is looked at
STEPS = 500  # of the search for a spatial median; far fewer are needed


@dataclass(frozen=True)
class Dispersion:
    """Distances of samples to the middle of their group.

    Attributes
    ----------
    distances : of each row to its centre, unit of the distances, array [row]
    groups : label of each row
    levels : labels in order
    centres : of each group in the principal coordinates, array [level, axis]
    coordinates : array [row, axis]; axes of negative eigenvalues are imaginary
    eigenvalues : array [axis], largest first
    notes : what the reader should know
    """

    distances: np.ndarray
    groups: tuple[str, ...]
    levels: tuple[str, ...]
    centres: np.ndarray
    coordinates: np.ndarray
    eigenvalues: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def member(self) -> np.ndarray:
        """Which row is of which group, array [row, level] of 0 and 1."""
        return np.array([[group == level for level in self.levels] for group in self.groups], float)

    @property
    def means(self) -> np.ndarray:
        """Mean distance of each group, array [level]."""
        member = self.member
        return member.T @ self.distances / member.sum(axis=0)


def dispersion(
    values: np.ndarray, groups: Sequence[str] | pl.Series, *, centre: str = "median", unbiased: bool = False
) -> Dispersion:
    """Return the distance of each sample to the spatial median or centroid of its group.

    Parameters
    ----------
    values : distances [row, row]
    groups : label of each row; an Enum gives the order of the groups
    centre : `median` (least sum of distances) or `centroid` (mean)
    unbiased : distances are multiplied by sqrt(n / (n - 1)), as small groups lie too close to their own middle

    Raises
    ------
    InputError
        For distances that are none, an empty label, or fewer than two groups.

    Notes
    -----
    Distances that are not Euclidean (Bray-Curtis) have axes with negative eigenvalues; along those a squared
    distance counts negative: d² = d²(real) - d²(imaginary). A d² below 0 becomes 0 and is counted in `notes`. The
    spatial median is taken on the real and on the imaginary axes each for itself. Both as `betadisper` of R's
    vegan. Sources: Anderson 2006, doi 10.1111/j.1541-0420.2005.00440.x; O'Neill & Mathews 2000, doi
    10.1111/1467-842X.00109 (bias, with Stier et al. 2013).
    """
    if centre not in CENTRES:
        raise InputError(f"{centre!r} is no centre", mend=f"Known are {', '.join(CENTRES)}")
    labels, levels = group_levels(groups)
    checked(values, len(labels))
    found, vectors = np.linalg.eigh(centred(values))
    order = np.argsort(-found)
    kept = order[np.abs(found[order]) > NO_AXIS * np.abs(found).max()]
    eigenvalues = found[kept]
    coordinates = vectors[:, kept] * np.sqrt(np.abs(eigenvalues))
    real = eigenvalues > 0
    centres, squared = np.zeros((len(levels), len(kept))), np.zeros(len(labels))
    sizes = np.zeros(len(labels))
    for place, level in enumerate(levels):
        rows = np.array([label == level for label in labels])
        points, sizes[rows] = coordinates[rows], rows.sum()
        if centre == "centroid":
            centres[place] = points.mean(axis=0)
        else:
            centres[place, real] = spatial_median(points[:, real])
            centres[place, ~real] = spatial_median(points[:, ~real])
        away = (points - centres[place]) ** 2
        squared[rows] = away[:, real].sum(axis=1) - away[:, ~real].sum(axis=1)
    notes = []
    if (below := int((squared < -NO_AXIS * values.max() ** 2).sum())) > 0:
        notes.append(f"{below} squared distances to the centre are below 0 and were set to 0")
    distances = np.sqrt(np.maximum(squared, 0))
    if unbiased:
        distances = distances * np.sqrt(sizes / np.maximum(sizes - 1, 1))
    if lone := [level for level in levels if labels.count(level) == 1]:
        notes.append(f"{', '.join(lone)}: one sample lies in its own middle; left out of the comparison")
    if small := [level for level in levels if 1 < labels.count(level) < 5]:
        notes.append(f"{', '.join(small)}: fewer than 5 samples; spread can hardly be estimated from so few")
    return Dispersion(distances, labels, levels, centres, coordinates, eigenvalues, tuple(notes))


def group_levels(groups: Sequence[str] | pl.Series) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return labels as text, and the groups that occur in their order.

    Raises
    ------
    InputError
        For an empty label or fewer than two groups.
    """
    kind = groups.dtype if isinstance(groups, pl.Series) else None
    order = kind.categories.to_list() if isinstance(kind, pl.Enum) else None
    found = list(groups)
    if any(label is None for label in found):
        raise InputError("a group is empty", mend="Leave out the samples without a group")
    labels = tuple(str(label) for label in found)
    there = set(labels)
    levels = tuple(level for level in order if level in there) if order else tuple(sorted(there))
    if len(levels) < 2:
        raise InputError(f"one group only ({', '.join(levels)})", mend="Groups are compared: give two or more")
    return labels, levels


def spatial_median(points: np.ndarray) -> np.ndarray:
    """Return the point with the least sum of distances to points [row, axis]; of two points their middle.

    Notes
    -----
    Steps of Weiszfeld, with the correction where a step meets a point. Source: Vardi & Zhang 2000, doi
    10.1073/pnas.97.4.1423.
    """
    if len(points) < 3 or points.shape[1] == 0:
        return np.asarray(points.mean(axis=0))
    scale = float(np.abs(points - points.mean(axis=0)).max())
    if scale == 0:
        return points[0]
    at = points.mean(axis=0)
    for start in range(STEPS):
        away = points - at
        length = np.sqrt((away**2).sum(axis=1))
        nearest = int(length.argmin())
        if length[nearest] < NEAR * scale and _least_at(points, nearest):
            return points[nearest]
        apart = length > 1e-12 * scale
        pull = (away[apart] / length[apart, None]).sum(axis=0)
        here, strength = int((~apart).sum()), float(np.sqrt((pull**2).sum()))
        if strength <= max(here, 1e-13 * len(points)):
            break
        step = max(0.0, 1 - here / strength) * pull / (1 / length[apart]).sum()
        at = _newton(points, at, pull, length) if here == 0 and start > 5 else at + step
    return at


def _least_at(points: np.ndarray, place: int) -> bool:
    """Whether the sum of distances is least at one of the points: the others pull no more than its own weight."""
    away = points - points[place]
    length = np.sqrt((away**2).sum(axis=1))
    apart = length > 0
    pull = (away[apart] / length[apart, None]).sum(axis=0)
    return bool(np.sqrt((pull**2).sum()) <= (~apart).sum())


def _newton(points: np.ndarray, at: np.ndarray, pull: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Return a step of Newton from `at` where it lessens the sum of distances, else one of Weiszfeld."""
    unit = (points - at) / length[:, None]
    weight = 1 / length
    # Only the span of the points matters: the Hessian is inverted there through its small form (Woodbury).
    inner = np.diag(length) - unit @ unit.T / weight.sum()
    base = pull / weight.sum()
    try:
        step = base + unit.T @ np.linalg.solve(inner, unit @ base) / weight.sum()
    except np.linalg.LinAlgError:
        return at + base
    sums = [np.sqrt(((points - to) ** 2).sum(axis=1)).sum() for to in (at + step, at + base)]
    return at + step if sums[0] <= sums[1] else at + base


def compare_dispersion(
    found: Dispersion,
    *,
    design: Exchange | None = None,
    permutations: int = 9999,
    generator: np.random.Generator | None = None,
    confidence: float = 0.95,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Test whether groups differ in dispersion, all together and two by two.

    Returns
    -------
    one row with df, df_residual, sum_of_squares, f, p (permutation of residuals), p_f (from the F distribution),
    permutations, exchange; and one row for each pair: group, other, difference (of mean distances), standard_error,
    low, high, t, df, p, p_t

    Notes
    -----
    Distances are an ordinary outcome of a one-way analysis of variance. A group of one sample has distance 0 whatever
    its spread, and takes no part in it (vegan keeps it, which makes F large by construction). Residuals from the group
    means are exchanged, as `permutest` of vegan does. In a pair the distances themselves are, among the rows of its two
    groups: residuals of so few rows would make p too small. `p` of a pair is null where its rows cannot change
    places or do not differ, and so are t and its interval in the latter case.
    """
    several = found.member.sum(axis=0) > 1
    if several.sum() < 2:
        what = "fewer than two groups have several samples: there is no spread to compare"
        raise InputError(what, mend="Bring larger groups")
    used = np.flatnonzero(found.member[:, several].any(axis=1))
    member, distances, means = found.member[np.ix_(used, several)], found.distances[used], found.means[several]
    sizes = member.sum(axis=0)
    k, n = len(sizes), len(distances)
    residuals = distances - member @ means
    if (residuals**2).sum() <= 1e-20 * (distances**2).sum() or not distances.any():
        raise InputError("all samples of a group lie equally far from its centre", mend="Bring more samples")
    generator = generator or np.random.default_rng(1)
    whole = design or exchange(len(found.distances))
    design = whole.only(used)
    if design.count < 2:
        raise InputError(f"{design.about}: no two rows can change places", mend="Bring larger groups")
    observed = float(_f(distances[None], member)[0])
    hits = 0
    for batch in design.batches(generator, permutations, k + 2):
        hits += as_extreme(_f(residuals[batch], member), observed)
    tried = design.asked(permutations)
    between = float((sizes * (means - distances.mean()) ** 2).sum())
    overall = pl.DataFrame(
        {
            "df": k - 1, "df_residual": n - k, "sum_of_squares": between,
            "f": observed, "p": p_value(hits, tried), "p_f": float(stats.f.sf(observed, k - 1, n - k)),
            "permutations": tried, "exchange": design.said,
        }
    )  # fmt: skip
    pairs = list(combinations(np.flatnonzero(several).tolist(), 2))
    rows = [_pair(found, pair, whole, permutations, generator, confidence) for pair in pairs]
    return overall, pl.DataFrame(rows, schema=PAIR)


def _pair(
    found: Dispersion,
    pair: tuple[int, int],
    design: Exchange,
    permutations: int,
    generator: np.random.Generator,
    confidence: float,
) -> dict[str, object]:
    """Return the comparison of two groups."""
    member = found.member
    rows = np.flatnonzero(member[:, pair].any(axis=1))
    second = member[rows, pair[1]] > 0
    distances, df = found.distances[rows], len(rows) - 2
    difference = float(found.means[pair[1]] - found.means[pair[0]])
    made: dict[str, object] = {
        "group": found.levels[pair[1]], "other": found.levels[pair[0]], "difference": difference,
        "standard_error": None, "low": None, "high": None, "t": None, "df": df, "p": None, "p_t": None,
    }  # fmt: skip
    t, error = (float(part[0]) for part in _t(distances[None], second))
    if error <= SAME * float(distances.max()):
        return made
    design = design.only(rows)
    hits = sum(
        as_extreme(np.abs(_t(distances[batch], second)[0]), abs(t))
        for batch in design.batches(generator, permutations, 4)
    )
    tried, half = design.asked(permutations), float(stats.t.ppf((1 + confidence) / 2, df)) * error
    return made | {
        "standard_error": error, "low": difference - half, "high": difference + half, "t": t,
        "p": p_value(hits, tried) if tried else None, "p_t": float(2 * stats.t.sf(abs(t), df)),
    }  # fmt: skip


def _f(values: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Return the F of a one-way analysis of variance of each row of values [arrangement, row]."""
    sizes = member.sum(axis=0)
    values = values - values.mean(axis=1, keepdims=True)
    between = ((values @ member) ** 2 / sizes).sum(axis=1)
    within = np.maximum((values**2).sum(axis=1) - between, 1e-300)
    return between / (len(sizes) - 1) / (within / (len(member) - len(sizes)))


def _t(values: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return t and standard error of the difference of two groups, from their pooled variance, arrays [arrangement]."""
    one, two = values[:, ~second], values[:, second]
    means = [own.mean(axis=1) for own in (one, two)]
    left = sum(((own - mean[:, None]) ** 2).sum(axis=1) for own, mean in zip((one, two), means, strict=True))
    variance = np.maximum(left, 1e-300) / (values.shape[1] - 2)
    error = np.sqrt(variance * (1 / one.shape[1] + 1 / two.shape[1]))
    return (means[1] - means[0]) / error, error


PAIR: dict[str, pl.DataType] = {
    "group": pl.String(), "other": pl.String(), "difference": pl.Float64(), "standard_error": pl.Float64(),
    "low": pl.Float64(), "high": pl.Float64(), "t": pl.Float64(), "df": pl.Int64(), "p": pl.Float64(),
    "p_t": pl.Float64(),
}  # fmt: skip
