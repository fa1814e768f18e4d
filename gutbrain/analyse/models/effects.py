"""Effects of a design on many amounts at once: least squares, or a random intercept where people come again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.formula import ModelMatrix, model_matrix, quoted
from gutbrain.analyse.models.mixed_many import ManyFits, mixed_many
from gutbrain.analyse.step import Given
from gutbrain.errors import InputError

REPLACEMENT = 0.65  # of the smallest amount of a sample stands for what was not seen (Martín-Fernández 2003)
ONCE = "least squares, t"
AGAIN = "mixed model, random intercept of person, Satterthwaite df"
COLUMNS = {
    "what": pl.String, "term": pl.String, "estimate": pl.Float64, "standard_error": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "statistic": pl.Float64, "df": pl.Float64, "p": pl.Float64, "people": pl.Int64,
    "rows": pl.Int64, "method": pl.String, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """Least squares of several outcomes on one matrix.

    Attributes
    ----------
    estimate, standard_error : array [column, outcome]; the error is 0 where the matrix fits exactly
    residuals : array [row, outcome]
    df : rows less columns
    """

    estimate: np.ndarray
    standard_error: np.ndarray
    residuals: np.ndarray
    df: int


def least_squares(matrix: np.ndarray, outcomes: np.ndarray) -> Fit:
    """Fit outcomes, array [row, outcome], on a matrix of full rank with fewer columns than rows."""
    q, r = np.linalg.qr(matrix)
    inverse = np.linalg.inv(r)
    estimate = inverse @ (q.T @ outcomes)
    residuals = outcomes - matrix @ estimate
    # What is left of an exact fit is rounding.
    size = np.abs(outcomes).max(axis=0, initial=0)
    residuals = np.where(np.abs(residuals) <= 1e-12 * size, 0.0, residuals)
    df = len(matrix) - matrix.shape[1]
    variance = (residuals**2).sum(axis=0) / df
    return Fit(estimate, np.sqrt((inverse**2).sum(axis=1)[:, None] * variance), residuals, df)


def log_ratios(values: np.ndarray, smallest: np.ndarray | None = None) -> np.ndarray:
    """Return centred log-ratios of amounts to base 2: a difference of 1 is a doubling against the sample's mean.

    Parameters
    ----------
    values : amounts, array [sample, part]; every sample holds something
    smallest : smallest amount that each sample could have shown, array [sample]; by default the smallest seen

    Notes
    -----
    What was not seen is set to 0.65 of the smallest amount. Source: Aitchison 1986; Martín-Fernández, Barceló-Vidal
    & Pawlowsky-Glahn 2003, doi 10.1023/A:1023866030544.
    """
    if smallest is None:
        smallest = np.where(values > 0, values, np.inf).min(axis=1)
    logs = np.log2(np.where(values > 0, values, REPLACEMENT * smallest[:, None]))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


@dataclass(frozen=True)
class Asked:
    """The model that a design asks for.

    Attributes
    ----------
    formula : right-hand side
    terms : those that are tested, as `gutbrain.analyse.formula.ModelMatrix` names them
    said : the question in words
    """

    formula: str
    terms: tuple[str, ...]
    said: str


def asked(given: Given, table: pl.DataFrame) -> Asked | None:
    """Return the question of the design, or None where a table has neither arms nor visits to compare.

    With arms and visits it is their interaction: does the change differ between arms? Else the arm, else the visit.
    """
    arm = given.design.arm
    arms = arm in table.columns and table[arm].drop_nulls().n_unique() > 1
    visits = bool(given.design.visits) and table["visit"].drop_nulls().n_unique() > 1
    if arms and visits:
        return Asked(given.formula(f"{quoted(arm)} * visit"), (f"{arm}:visit",), "change between visits by arm")
    if arms:
        return Asked(given.formula(quoted(arm)), (arm,), "difference between arms")
    if visits:
        return Asked(given.formula("visit"), ("visit",), "change between visits")
    return None


def effects(
    table: pl.DataFrame, outcomes: Sequence[str], formula: str, terms: Sequence[str], confidence: float = 0.95
) -> pl.DataFrame:
    """Test the columns of some terms on several outcomes.

    Parameters
    ----------
    table : one row a sample, with person, the variables of the formula and the outcomes
    terms : terms of the formula whose columns are tested

    Returns
    -------
    one row an outcome and column: what, term, estimate, standard_error, low, high, statistic, df, p, people, rows,
    method, note. Least squares where everybody has one row, else a mixed model with a random intercept of person.

    Raises
    ------
    InputError
        For a formula that the table does not carry, or a term that is not in it.
    """
    design = model_matrix(table, formula, also=("person",))
    columns = _columns(design, terms)
    used = table[design.rows.tolist()]
    note = "; ".join(design.notes) or None
    again = used["person"].is_duplicated().any()
    rows = (_again if again else _once)(used, outcomes, design, columns, confidence)
    counts = {"people": used["person"].n_unique(), "rows": len(used), "method": AGAIN if again else ONCE}
    frame = pl.DataFrame([{**counts, **row, "note": _joined(row["note"], note)} for row in rows], schema=COLUMNS)
    return frame


def _columns(design: ModelMatrix, terms: Sequence[str]) -> list[str]:
    """Names of the columns of some terms; a term of which nothing is left is refused."""
    places: list[int] = []
    for name in terms:
        known = {":".join(sorted(term.split(":"))): held for term, held in design.terms.items()}
        held = known.get(":".join(sorted(name.split(":"))), ())
        if not held:
            raise InputError(f"nothing is left of {name!r} to be tested", field=name, mend=", ".join(design.notes))
        places += held
    return [design.columns[place] for place in places]


def _once(
    table: pl.DataFrame, outcomes: Sequence[str], design: ModelMatrix, columns: Sequence[str], confidence: float
) -> list[dict[str, object]]:
    fit = least_squares(design.values, table.select(outcomes).to_numpy().astype(float))
    return [
        coefficient(fit, design.columns.index(column), number, confidence) | {"what": name, "term": column}
        for number, name in enumerate(outcomes) for column in columns
    ]  # fmt: skip


def coefficient(fit: Fit, column: int, outcome: int, confidence: float) -> dict[str, object]:
    """Return estimate, error, interval, t, df and p of one coefficient; no test where the fit is exact."""
    from scipy.stats import t

    estimate, error = float(fit.estimate[column, outcome]), float(fit.standard_error[column, outcome])
    row: dict[str, object] = {"estimate": estimate, "standard_error": error, "df": float(fit.df), "note": None}
    if error <= 0:
        return row | {"standard_error": None, "note": "the model fits exactly: nothing left to test with"}
    half = float(t.ppf((1 + confidence) / 2, fit.df)) * error
    statistic = estimate / error
    p = float(2 * t.sf(abs(statistic), fit.df))
    return row | {"low": estimate - half, "high": estimate + half, "statistic": statistic, "p": p}


def _again(
    table: pl.DataFrame, outcomes: Sequence[str], design: ModelMatrix, columns: Sequence[str], confidence: float
) -> list[dict[str, object]]:
    wanted = np.eye(len(design.columns))[[design.columns.index(column) for column in columns]]
    values = table.select(outcomes).to_numpy().astype(float)
    fits = mixed_many(values, design.values, table["person"].to_list(), wanted)
    return [
        row_of(fits, place, number, confidence) | {"what": name, "term": column}
        for number, name in enumerate(outcomes) for place, column in enumerate(columns)
    ]  # fmt: skip


def row_of(fits: ManyFits, contrast: int, outcome: int, confidence: float) -> dict[str, object]:
    """Return estimate, error, interval, t, df and p of one contrast of a mixed model; null where it was not tested."""
    from scipy.stats import t

    names = ("estimate", "standard_error", "df", "statistic", "p")
    held = {name: float(getattr(fits, name)[contrast, outcome]) for name in names}
    row: dict[str, object] = {name: value if np.isfinite(value) else None for name, value in held.items()}
    if np.isfinite(held["df"]) and np.isfinite(held["standard_error"]):
        half = float(t.ppf((1 + confidence) / 2, held["df"])) * held["standard_error"]
        row |= {"low": held["estimate"] - half, "high": held["estimate"] + half}
    return row | {"note": fits.notes[outcome]}


def _joined(*notes: object) -> str | None:
    told = [str(note) for note in notes if note]
    return "; ".join(told) or None
