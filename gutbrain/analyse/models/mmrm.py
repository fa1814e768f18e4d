"""Mixed models for repeated measures: visits as categories, any covariance between them within a person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from gutbrain.analyse.models.contrasts import EXACT, LinearFit, check_degrees, ordinary, used_rows
from gutbrain.analyse.models.mixed_degrees import Fit, Information, batches, degrees, fitted, information, inverted
from gutbrain.analyse.models.mmrm_covariances import SIMPLER, STRUCTURES, Structure, moments
from gutbrain.errors import InputError

MOST_NAMES = 60
MOST_STEPS = 100
DONE = 1e-12  # Newton decrement, in units of the deviance
FLAT = 1e-7  # information about a direction below this share of the largest: that direction cannot be estimated
NEARLY = 1e-8  # a correlation matrix whose least eigenvalue is below this lies on the boundary


@dataclass(frozen=True)
class Mmrm(LinearFit):
    """A fitted mixed model for repeated measures.

    Attributes
    ----------
    covariance : table with visit, other, covariance, correlation; for "spatial power" with apart (days) instead
    structure : the covariance that was estimated
    parameters : of the structure, array
    """

    covariance: pl.DataFrame = None  # type: ignore[assignment]
    structure: str = ""
    parameters: np.ndarray = None  # type: ignore[assignment]
    criterion: str = "REML"

    @property
    def log_likelihood(self) -> float:
        """Logarithm of the (restricted) likelihood."""
        return -self.deviance / 2

    @property
    def aic(self) -> float:
        """Akaike's criterion; with REML only covariance parameters are counted."""
        return self.deviance + 2 * (len(self.parameters) + (0 if self.criterion == "REML" else len(self.estimates)))


def mmrm(
    table: pl.DataFrame,
    outcome: str,
    formula: str,
    person: str = "person",
    visit: str = "visit",
    covariance: str = "unstructured",
    degrees_method: str = "kenward-roger",
    method: str = "REML",
) -> Mmrm:
    """Return a mixed model for repeated measures.

    Parameters
    ----------
    formula : fixed effects, right-hand side, such as `arm * visit + age`
    visit : column with the visits (an Enum gives their order); with "spatial power" a column of days
    covariance : of the visits of one person, see `STRUCTURES`; where it cannot be estimated the next of `SIMPLER` is
        taken, and a note says so
    degrees_method : "kenward-roger" (REML only) or "satterthwaite"

    Raises
    ------
    InputError
        As `model_matrix`; for a visit that a person has twice, one visit only, or a covariance that is not known.

    Notes
    -----
    Visits that are missing are missing at random given those that are there. Found by Fisher scoring.
    Source: Jennrich & Schluchter 1986, doi 10.2307/2530695.
    """
    if covariance not in STRUCTURES:
        raise InputError(f"{covariance!r} is no covariance", field="covariance", mend=f"Known: {', '.join(STRUCTURES)}")
    if method not in ("REML", "ML"):
        raise InputError(f"{method!r} is no likelihood", field="method", mend="Known are REML and ML")
    check_degrees(degrees_method, method == "REML")
    design, rows, y = used_rows(table, outcome, formula, (person, visit))
    people = np.unique(rows[person].cast(pl.String).to_numpy().astype(str), return_inverse=True)[1]
    names, when = _when(rows, visit, covariance == "spatial power")
    if (twice := rows.select(person, visit).is_duplicated()).any():
        who = rows.filter(twice).row(0, named=True)
        what = f"{person} {who[person]} has {visit} {who[visit]} more than once"
        raise InputError(what, field=visit, mend="Keep one row for each, such as the mean")
    if len(names) < 2:
        raise InputError(f"there is one {visit} only ({names[0]})", field=visit, mend="Use ordinary least squares")
    rests = y - design.values @ np.linalg.lstsq(design.values, y, rcond=None)[0]
    if float(rests @ rests) <= len(y) * (EXACT * np.ptp(y)) ** 2:
        raise InputError("the model explains the outcome without a remainder", field=outcome, mend="Leave terms out")
    places = batches(people)
    number = np.searchsorted(np.unique(when), when) if covariance == "spatial power" else when.astype(int)
    # With very many days moments tell nothing; only "spatial power" comes with them, and it needs a scale to start.
    start = moments(number, people, rests, len(names)) if len(names) <= MOST_NAMES else np.eye(2) * rests.var()
    notes = list(design.notes)
    for structure in _tried(covariance):
        at = when if structure.name == "spatial power" else number
        found = _search(structure, structure.start(start), places, at, design.values, y, method == "REML")
        if found is not None:
            break
    else:
        raise InputError("no covariance between visits can be estimated", field=visit, mend="Fewer visits or terms")
    if structure.name != covariance:
        what = f"the covariance {covariance!r} cannot be estimated from {len(y)} rows of {people.max() + 1} people"
        notes.append(f"{what}: it is {structure.name!r}")
    parameters, fit = found

    def covariances(values: np.ndarray) -> list[np.ndarray]:
        return [structure.matrix(values, at[part]) for part in places]

    known = information(fit, covariances, parameters, structure.linear, second=degrees_method == "satterthwaite")
    predicted = design.values @ fit.estimates
    return Mmrm(
        design, rows, outcome, fit.estimates, degrees(fit, known, degrees_method), fit.deviance, predicted,
        y - predicted, int(people.max()) + 1,
        f"MMRM, {structure.name} covariance, {method}, {degrees_method.title()} degrees of freedom", tuple(notes),
        _table(structure, parameters, names), structure.name, parameters, method,
    )  # fmt: skip


def _when(rows: pl.DataFrame, visit: str, days: bool) -> tuple[list[str], np.ndarray]:
    """Return names of visits in order, and the place (or, in spatial power, the day) of each row."""
    column = rows[visit]
    if days:
        if not column.dtype.is_numeric():
            raise InputError("spatial power needs days", field=visit, mend="Give a column of numbers")
        values = column.to_numpy().astype(float)
        # Correlation is told over the median gap, so that it is neither 0 nor 1 whatever the unit.
        gaps = np.diff(np.unique(values))
        unit = float(np.median(gaps)) if len(gaps) else 1.0
        return [f"{value:g}" for value in np.unique(values)], values / unit
    there = set(column.cast(pl.String).to_list())
    if isinstance(column.dtype, pl.Enum):
        names = [name for name in column.dtype.categories.to_list() if name in there]
    elif column.dtype.is_numeric():
        names = column.unique().sort().cast(pl.String).to_list()
    else:
        names = sorted(there)
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[name] for name in column.cast(pl.String).to_list()])


def _tried(covariance: str) -> list[Structure]:
    later = SIMPLER[SIMPLER.index(covariance) + 1 :] if covariance in SIMPLER else ("compound symmetry",)
    return [STRUCTURES[name] for name in (covariance, *later)]


def _search(
    structure: Structure, start: np.ndarray, places: list[np.ndarray], at: np.ndarray, x: np.ndarray, y: np.ndarray,
    restricted: bool,
) -> tuple[np.ndarray, Fit] | None:  # fmt: skip
    """Return the parameters with the least deviance, or nothing where the likelihood has no inner maximum."""

    def covariances(values: np.ndarray) -> list[np.ndarray]:
        return [structure.matrix(values, at[part]) for part in places]

    def tried(values: np.ndarray) -> Fit | None:
        return fitted(covariances(values), places, x, y, restricted) if structure.valid(values) else None

    parameters, fit = start, tried(start)
    if fit is None or len(start) >= len(y) - x.shape[1]:
        return None
    for _ in range(MOST_STEPS):
        known = information(fit, covariances, parameters, structure.linear, second=structure.linear)
        if _flat(known):
            return None
        # Fisher scoring far away, Newton near the end where the second derivatives are at hand.
        step = -inverted(known.expected) @ known.gradient / 2
        decrement = -float(known.gradient @ step)
        if structure.linear and decrement < 0.1:
            newton = -inverted(known.observed) @ known.gradient / 2
            if np.linalg.eigvalsh(known.observed).min() > 0:
                step, decrement = newton, -float(known.gradient @ newton)
        if decrement < DONE * max(1.0, abs(fit.deviance)):
            return (parameters, fit) if _inside(fit) else None
        better = None
        for _ in range(30):
            better = tried(parameters + step)
            if better is not None and better.deviance <= fit.deviance + 1e-9:
                break
            better, step = None, step / 2
        if better is None:
            return None
        parameters, fit = parameters + step, better
    return None


def _flat(known: Information) -> bool:
    size = np.diagonal(known.expected)
    if not (np.isfinite(known.expected).all() and (size > 0).all()):
        return True
    size = np.sqrt(size)
    return bool(np.linalg.eigvalsh(known.expected / np.outer(size, size)).min() < FLAT)


def _inside(fit: Fit) -> bool:
    """Whether the covariances of all blocks are away from the boundary."""
    for white in fit.white:
        inverse = white.swapaxes(1, 2) @ white
        size = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
        values = np.linalg.eigvalsh(inverse / (size[:, :, None] * size[:, None, :]))
        if (values[:, 0] < NEARLY * values[:, -1]).any():
            return False
    return True


def _table(structure: Structure, parameters: np.ndarray, names: list[str]) -> pl.DataFrame:
    if structure.name == "spatial power":
        kinds = {"variance": parameters[:1], "correlation_over_median_gap": parameters[1:]}
        return pl.DataFrame(kinds)
    whole = structure.matrix(parameters, np.arange(len(names)))
    deviations = np.sqrt(np.diagonal(whole))
    rows, columns = np.tril_indices(len(names))
    return pl.DataFrame(
        {
            "visit": [names[place] for place in rows], "other": [names[place] for place in columns],
            "covariance": whole[rows, columns],
            "correlation": whole[rows, columns] / (deviations[rows] * deviations[columns]),
        }
    )  # fmt: skip


def repeated(
    table: pl.DataFrame, outcome: str, formula: str, person: str = "person", visit: str = "visit",
    covariance: str = "unstructured", degrees_method: str = "kenward-roger",
) -> LinearFit:  # fmt: skip
    """Return the model for repeated measures, or ordinary least squares where there is one visit only."""
    rows = table.drop_nulls([outcome, person, visit])
    if rows[visit].n_unique() > 1:
        return mmrm(table, outcome, formula, person, visit, covariance, degrees_method)
    plain = ordinary(rows, outcome, formula)
    return replace(plain, people=rows[person].n_unique())
