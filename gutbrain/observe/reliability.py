"""How well the items of a scale hang together: Cronbach's alpha and McDonald's omega of one factor."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import fdtri

from gutbrain.observe import psqi
from gutbrain.observe.answers import Sheets, read_sheets
from gutbrain.observe.forms import Questionnaire, Scale, find
from gutbrain.observe.questionnaires import decided, item_values

METHOD = "alpha with the interval of Feldt (95 %); omega total of one factor, principal axis on correlations"
BOTH_SIGNS = "items load with both signs on one factor: is a reversal missing, or done twice?"
LEAST_PEOPLE = 3


def reliability(
    answers: pl.DataFrame, form: str | Questionnaire, *, choice: str | None = None, coding: str | None = None
) -> pl.DataFrame:
    """Return the reliability of every scale, for each visit.

    Of a person with several sheets at a visit the first complete one counts, because the coefficients are
    between people. Items enter as they are added up: mirrored and multiplied.

    Parameters
    ----------
    answers, form, coding : as in `questionnaires.score`
    choice : as there, but it may be left out where only bands or a total depend on it

    Returns
    -------
    table with `visit`, `form`, `scale`, `items`, `people`, `left_out` (sheets), `alpha`, `alpha_low`, `alpha_high`,
    `omega`, `residual` (root mean square of the correlations that one factor leaves), `remark`, `withheld`, `method`

    Raises
    ------
    InputError : what `questionnaires.score` refuses
    """
    asked = find(form) if isinstance(form, str) else form
    if choice is not None or asked.name == "ibs-sss":
        asked = decided(answers, asked, choice)
    sheets = read_sheets(answers, asked, coding)
    rows = []
    for name, scale in asked.scales.items():
        values = _matrix(sheets, asked, scale)
        if values is None:
            continue
        for visit in sheets.keys["visit"].unique().sort():
            here = (sheets.keys["visit"].eq_missing(visit)).to_numpy()
            complete = np.flatnonzero(here & ~np.isnan(values).any(axis=1))
            people = pl.Series(complete, dtype=pl.Int64)
            first = sheets.keys[people].with_columns(people.alias("row")).unique("person", keep="first")["row"]
            found = _coefficients(values[np.sort(first.to_numpy())])
            rows.append({"visit": visit, "form": asked.name, "scale": name, "items": values.shape[1],
                         "people": first.len(), "left_out": int(here.sum()) - first.len(), **found,
                         "method": METHOD})  # fmt: skip
    numbers = dict.fromkeys(("alpha", "alpha_low", "alpha_high", "omega", "residual"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=numbers | {"remark": pl.String, "withheld": pl.String})


def _matrix(sheets: Sheets, form: Questionnaire, scale: Scale) -> np.ndarray | None:
    """Return what is added up (array [sheets, items]); None where nothing is."""
    if form.name == "psqi":
        if scale.name != "total":
            return None
        found = psqi.scores(sheets, form)
        return np.stack([found[name][0] for name in psqi.COMPONENTS], axis=1)
    if len(scale.items) < 2 or scale.rule == "table":
        return None
    return item_values(sheets, form, scale)


def _coefficients(values: np.ndarray) -> dict[str, float | str | None]:
    """Return the coefficients of one group of people (array [people, items])."""
    blank = dict.fromkeys(("alpha", "alpha_low", "alpha_high", "omega", "residual", "remark", "withheld"))
    if len(values) < LEAST_PEOPLE:
        return blank | {"withheld": f"{len(values)} complete people, {LEAST_PEOPLE} are needed"}
    if values.sum(axis=1).var() == 0:
        return blank | {"withheld": "all people have the same score"}
    coefficient = alpha(values)
    low, high = feldt(coefficient, *values.shape)
    found = blank | {"alpha": coefficient, "alpha_low": low, "alpha_high": high}
    if values.shape[1] < 3:
        return found | {"withheld": "omega needs three items"}
    if (values.var(axis=0) == 0).any():
        return found | {"withheld": "omega needs items that vary"}
    share, loadings, residual = omega(values)
    both = loadings.min() < 0 < loadings.max()
    return found | {"omega": share, "residual": residual, "remark": BOTH_SIGNS if both else None}


def alpha(values: np.ndarray) -> float:
    """Return Cronbach's alpha of complete answers (array [people, items])."""
    items = values.shape[1]
    return float(items / (items - 1) * (1 - values.var(axis=0, ddof=1).sum() / values.sum(axis=1).var(ddof=1)))


def feldt(coefficient: float, people: int, items: int, share: float = 0.95) -> tuple[float, float]:
    """Return the interval of Cronbach's alpha after Feldt: (1 - alpha) / (1 - estimate) follows F.

    Parameters
    ----------
    coefficient : the estimate
    people, items : size of the data
    share : of the interval
    """
    free = people - 1, (people - 1) * (items - 1)
    low, high = (1 - (1 - coefficient) * fdtri(*free, tail) for tail in ((1 + share) / 2, (1 - share) / 2))
    return float(low), float(high)


def omega(values: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return McDonald's omega total of one factor.

    Parameters
    ----------
    values : complete answers (array [people, items]), at least three items, each of which varies

    Returns
    -------
    tuple : omega of the sum of the items; loadings on the standardised items (array [items]); root mean square
        of the correlations that the factor leaves
    """
    correlations, spreads = np.corrcoef(values, rowvar=False), values.std(axis=0, ddof=1)
    loadings = one_factor(correlations)
    common = (loadings * spreads).sum() ** 2
    unique = (spreads**2 * (1 - loadings**2)).sum()
    left = (correlations - np.outer(loadings, loadings))[np.triu_indices(len(loadings), 1)]
    return float(common / (common + unique)), loadings, float(np.sqrt((left**2).mean()))


def one_factor(correlations: np.ndarray, turns: int = 2000, tolerance: float = 1e-9) -> np.ndarray:
    """Return the loadings of one factor by principal-axis steps, which end at the smallest residuals.

    Parameters
    ----------
    correlations : array [items, items]
    turns : most steps
    tolerance : largest change of a communality at which it ends

    Returns
    -------
    array [items], their sum at least 0; a communality is held at 1 at most
    """
    reduced = correlations.copy()
    shared = np.abs(correlations - np.eye(len(correlations))).max(axis=0)
    for _ in range(turns):
        np.fill_diagonal(reduced, shared)
        sizes, directions = np.linalg.eigh(reduced)
        loadings = np.clip(directions[:, -1] * np.sqrt(max(sizes[-1], 0)), -1, 1)
        step = np.abs(loadings**2 - shared).max()
        shared = loadings**2
        if step < tolerance:
            break
    return loadings * (1 if loadings.sum() >= 0 else -1)
