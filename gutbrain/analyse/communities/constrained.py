"""Constrained ordination: the part of a community's variation that a model accounts for, on axes of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from gutbrain.analyse.communities.permanova import (
    BY,
    MIXED,
    MODEL,
    MOSTLY,
    NOTHING_LEFT,
    Labelled,
    basis,
    centred,
    checked,
    count_extreme,
    pseudo_f,
    residual_gram,
    squares,
    term_bases,
)  # fmt: skip
from gutbrain.analyse.communities.permutation import Exchange, as_extreme, between_share, p_value
from gutbrain.analyse.formula import INTERCEPT, ModelMatrix, model_matrix
from gutbrain.errors import InputError

NO_AXIS = 1e-9  # an eigenvalue this small beside the total inertia is none
EXPLAINED = {"p": pl.Float64, "permutations": pl.Int64, "exchange": pl.String, "note": pl.String}


@dataclass(frozen=True)
class Constrained:
    """A constrained ordination.

    Attributes
    ----------
    method : `rda`, `cca` or `dbrda`
    inertia, conditioned, constrained, unconstrained : variation in all, and its parts (variance of RDA, chi-square
        over the total of CCA, sum of squared distances of dbRDA)
    eigenvalues : of the constrained axes, largest first; those of dbRDA may be negative (imaginary axes)
    residual_eigenvalues : of the axes of what is left
    fitted : constrained scores of the rows, combinations of the model's columns, of length 1 [row, axis]
    samples : scores of the rows by their own composition, in the same scale [row, axis]
    features : scores of the features, of length 1 [feature, axis]; none for dbRDA
    biplot : correlation of the model's columns with the axes [column, axis]
    columns : of the model, the conditions left out
    residual : scores on the first axes of what is left, of length 1 [row, axis]
    r2, adjusted_r2 : constrained share; adjusted by degrees of freedom (`None` for CCA: `explained` gives it)
    model : with the conditions first
    notes : what the reader should know

    Notes
    -----
    Scores times the square root of the eigenvalue give distances between samples ("scaling 1"); those of CCA are
    weighted by row and column totals.
    """

    method: str
    inertia: float
    conditioned: float
    constrained: float
    unconstrained: float
    eigenvalues: np.ndarray
    residual_eigenvalues: np.ndarray
    fitted: np.ndarray
    samples: np.ndarray
    features: np.ndarray
    biplot: np.ndarray
    columns: tuple[str, ...]
    residual: np.ndarray
    r2: float
    adjusted_r2: float | None
    model: ModelMatrix
    conditions: tuple[str, ...]
    notes: tuple[str, ...]
    gram: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)


def rda(values: np.ndarray, table: pl.DataFrame, formula: str, conditions: str = "") -> Constrained:
    """Return the redundancy analysis of values [row, feature], such as centred log-ratios.

    Parameters
    ----------
    table : one row a row of the values
    formula : right-hand side
    conditions : right-hand side of what is partialled out first

    Raises
    ------
    InputError
        For missing values, values that do not vary, or a model that does not fit.

    Notes
    -----
    Source: van den Wollenberg 1977, doi 10.1007/BF02294050; Legendre & Legendre, Numerical Ecology, chapter 11.
    """
    values = _finite(values, table)
    model, kept = _model(table, formula, conditions)
    used = values[model.rows]
    used = (used - used.mean(axis=0)) / np.sqrt(len(used) - 1)
    return _constrain("rda", used @ used.T, np.ones(len(used)), model, kept, used)


def cca(values: np.ndarray, table: pl.DataFrame, formula: str, conditions: str = "") -> Constrained:
    """Return the canonical correspondence analysis of amounts [row, feature], 0 or more.

    Raises
    ------
    InputError
        For an amount below 0, a row that holds nothing, or a model that does not fit.

    Notes
    -----
    Source: ter Braak 1986, doi 10.2307/1938672.
    """
    values = _finite(values, table)
    model, kept = _model(table, formula, conditions)
    used = values[model.rows]
    if (used < 0).any() or not used.sum(axis=1).all():
        what = "an amount is below 0, or a row holds nothing"
        raise InputError(what, mend="Give counts or shares, and leave empty samples out")
    there = used.sum(axis=0) > 0
    share = used[:, there] / used.sum()
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    response = (share - np.outer(rows, columns)) / np.sqrt(np.outer(rows, columns))
    made = _constrain("cca", response @ response.T, rows, model, kept, response)
    features = np.zeros((values.shape[1], made.features.shape[1]))  # a feature without amounts stands at 0
    features[there] = made.features / np.sqrt(columns)[:, None]
    scale = np.sqrt(rows)[:, None]
    return replace(made, fitted=made.fitted / scale, samples=made.samples / scale, features=features,
                 residual=made.residual / scale, adjusted_r2=None)  # fmt: skip


def dbrda(values: np.ndarray, table: pl.DataFrame, formula: str, conditions: str = "") -> Constrained:
    """Return the distance-based redundancy analysis of distances [row, row].

    Raises
    ------
    InputError
        For distances that are none, or a model that does not fit.

    Notes
    -----
    Works on the centred matrix itself, so what distances such as Bray-Curtis hold on imaginary axes is neither
    dropped nor moved: parts of the inertia are those of PERMANOVA. Inertia is a sum of squares throughout (vegan's
    `dbrda` divides by n - 1 where a distance reaches 4). Sources: Legendre & Anderson 1999, doi
    10.1890/0012-9615(1999)069[0001:DBRATM]2.0.CO;2; McArdle & Anderson 2001.
    """
    checked(values, len(table))
    model, kept = _model(table, formula, conditions)
    gower = centred(values[np.ix_(model.rows, model.rows)])
    return _constrain("dbrda", gower, np.ones(len(gower)), model, kept, None)


def explained(
    found: Constrained,
    table: pl.DataFrame,
    *,
    by: str = "whole",
    people: str = "",
    order: str = "",
    blocks: str = "",
    series: bool = False,
    design: Exchange | None = None,
    permutations: int = 9999,
    generator: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Test the constraints by permutation of what the conditions, and the terms before, leave.

    Parameters
    ----------
    table : that of the ordination
    by : `whole`, `terms` one after the other, or `margin` each after all others
    people, order, blocks, series, design, permutations : as in `permanova`

    Returns
    -------
    table with term, df, inertia, r2, adjusted_r2 (whole only), f, p, permutations, exchange, note (why p
    is null, or what it leaves out); then `residual`

    Notes
    -----
    Of RDA and dbRDA the residuals of all that a term comes after change places (Freedman & Lane 1983): a strong first
    term would else hide a later one. Rows of a CCA, less their conditions, change places together with their weight, so
    the model is weighted anew each time, as if it were fitted to shuffled predictors (vegan 2.6-4 keeps the weights,
    and its p differs where totals do); its adjusted R2 sets the mean R2 of the permutations to 0.
    Sources: Legendre et al. 2011, doi 10.1111/j.2041-210X.2010.00078.x;
    Peres-Neto et al. 2006, doi 10.1890/0012-9658(2006)87[2614:VPOSDM]2.0.CO;2.
    """
    if by not in BY:
        raise InputError(f"{by!r} is no test", mend=f"Known are {', '.join(BY)}")
    model, used = found.model, table[found.model.rows.tolist()]
    generator = generator or np.random.default_rng(1)
    orders = _orders(model, found.conditions, by)
    labels = Labelled(people, order, blocks, series)
    tested = _tested_only(model, found.conditions)
    designs, told_of = {}, {}
    for name in orders:
        try:
            designs[name] = design or labels.design(tested, name, used)
        except InputError as error:
            told_of[name] = error.what
            if len(told_of) == len(orders):
                raise
    root = np.sqrt(found.weights)[:, None]
    whole = basis(root * model.values)[:, 1:]
    gram = residual_gram(found.gram, _conditions(model, found.conditions, root))
    bases = {
        name: basis(root * model.values[:, places])[:, start:stop] for name, (places, start, stop) in orders.items()
    }
    left = len(gram) - 1 - whole.shape[1]
    adjusted = found.adjusted_r2
    if found.method == "cca":
        known = {name: orders[name] for name in designs}
        counted, chance = _weighted(gram, found, known, designs, permutations, generator)
        if by == "whole" and not found.conditions:
            adjusted = 1 - (1 - found.r2) / (1 - chance / found.inertia)
    else:
        before = {name: basis(root * model.values[:, places[:start]]) for name, (places, start, _) in orders.items()}
        counted = count_extreme(gram, {n: bases[n] for n in designs}, whole, designs, permutations, generator, before)
    made = []
    for name, term in bases.items():
        own, how = squares(gram, term), designs.get(name)
        tried = how.asked(permutations) if how else None
        if people and how and how.between == "none" and between_share(term, used[people]) > MOSTLY:
            told_of[name] = MIXED
        made.append(
            {
                "term": name, "df": term.shape[1], "inertia": own, "r2": own / found.inertia,
                "adjusted_r2": adjusted if by == "whole" else None, "f": pseudo_f(gram, term, whole, left),
                "p": p_value(counted[name], tried) if tried else None, "permutations": tried,
                "exchange": how.said if how else None, "note": told_of.get(name),
            }
        )  # fmt: skip
    rest = {"term": "residual", "df": left, "inertia": found.unconstrained, "r2": found.unconstrained / found.inertia}
    return pl.DataFrame([*made, rest], infer_schema_length=None, schema_overrides=EXPLAINED)


def _constrain(
    method: str,
    gram: np.ndarray,
    weights: np.ndarray,
    model: ModelMatrix,
    kept: tuple[str, ...],
    response: np.ndarray | None,
) -> Constrained:
    """Return the ordination of inner products of rows that are centred (with their weights)."""
    total = float(np.trace(gram))
    if not total > 0 or not np.abs(gram).max() > 1e-24:
        raise InputError("the samples do not differ: there is no variation to explain", mend="Look at the table")
    root = np.sqrt(weights)[:, None]
    ahead = _conditions(model, kept, root)
    places = [place for name in model.terms if name != INTERCEPT and name not in kept for place in model.terms[name]]
    own = basis(np.hstack([ahead, root * model.values[:, places]]))[:, ahead.shape[1] :]
    left_over = residual_gram(gram, ahead)
    values, turned = np.linalg.eigh(own.T @ left_over @ own)
    order = np.argsort(-values)
    values, fitted = values[order], _signed(own @ turned[:, order])
    shown = values > NO_AXIS * total
    axes = fitted[:, shown]
    samples = left_over @ axes / values[shown]
    features = response.T @ axes / np.sqrt(values[shown]) if response is not None else np.zeros((0, int(shown.sum())))
    rest = residual_gram(left_over, own)
    others, vectors = np.linalg.eigh(rest)
    away = np.argsort(-others)
    away = away[np.abs(others[away]) > NO_AXIS * total]
    constrained, unconstrained = float(values.sum()), float(np.trace(rest))
    if unconstrained <= NOTHING_LEFT * total:
        raise InputError("the model leaves no variation: every row is predicted", mend="Leave terms out")
    conditioned = total - float(np.trace(left_over))
    columns = root * model.values[:, places]
    columns = columns - root @ (root.T @ columns) / (root**2).sum()
    correlation = (columns / np.sqrt((columns**2).sum(axis=0))).T @ axes
    before, rows = ahead.shape[1] - 1, len(gram)
    adjusted = _adjusted((conditioned + constrained) / total, rows, before + own.shape[1])
    adjusted -= _adjusted(conditioned / total, rows, before)
    notes = list(model.notes)
    if (negative := float(-others[others < -NO_AXIS * total].sum() - values[values < 0].sum())) > 0:
        notes.append(f"distances are not Euclidean: imaginary axes hold {negative / total:.1%} of the inertia")
    return Constrained(
        method, total, conditioned, constrained, unconstrained, values[np.abs(values) > NO_AXIS * total], others[away],
        axes, samples, features, correlation, tuple(model.columns[place] for place in places),
        _signed(vectors[:, away[:2]]), constrained / total, adjusted, model, kept, tuple(notes), gram, weights,
    )  # fmt: skip


def _model(table: pl.DataFrame, formula: str, conditions: str) -> tuple[ModelMatrix, tuple[str, ...]]:
    """Return the model with the conditions first, and the names of these."""
    if not conditions:
        return model_matrix(table, formula), ()
    model = model_matrix(table, f"{conditions} + {formula}")
    ahead = model_matrix(table[model.rows.tolist()], conditions)
    kept = tuple(name for name in model.terms if name in ahead.terms and name != INTERCEPT)
    if all(name in kept or name == INTERCEPT or not places for name, places in model.terms.items()):
        raise InputError(f"the conditions {conditions!r} leave nothing of {formula!r}", mend="Condition on less")
    return model, kept


def _conditions(model: ModelMatrix, kept: tuple[str, ...], root: np.ndarray) -> np.ndarray:
    """Return a basis of intercept and conditions, weighted [row, column]."""
    return basis(root * model.values[:, [place for name in (INTERCEPT, *kept) for place in model.terms[name]]])


def _tested_only(model: ModelMatrix, kept: tuple[str, ...]) -> ModelMatrix:
    """Return the model with the terms that are tested."""
    terms = {name: places for name, places in model.terms.items() if name not in kept and places}
    return ModelMatrix(model.values, model.columns, terms, model.rows, model.formula)


def _orders(model: ModelMatrix, kept: tuple[str, ...], by: str) -> dict[str, tuple[list[int], int, int]]:
    """Return for each test the columns in an order that puts what it comes after first, and where its own stand."""
    ahead = [place for name in (INTERCEPT, *kept) for place in model.terms[name]]
    tested = _tested_only(model, kept)
    names = [name for name in tested.terms if name != INTERCEPT]
    if by == "whole":
        return {MODEL: ([*ahead, *(p for n in names for p in model.terms[n])], len(ahead), model.values.shape[1])}
    found = {}
    for name in term_bases(tested, by)[0]:
        others = [p for n in names if n != name for p in model.terms[n]]
        before = others if by == "margin" else [p for n in names[: names.index(name)] for p in model.terms[n]]
        after = [place for place in others if place not in before]
        start = len(ahead) + len(before)
        found[name] = ([*ahead, *before, *model.terms[name], *after], start, start + len(model.terms[name]))
    return found


def _weighted(
    gram: np.ndarray,
    found: Constrained,
    orders: dict[str, tuple[list[int], int, int]],
    designs: dict[str, Exchange],
    permutations: int,
    generator: np.random.Generator,
) -> tuple[dict[str, int], float]:
    """Return hits of each test, and the mean inertia of the last, where weights move with the rows."""
    total, left = float(np.trace(gram)), len(gram) - found.model.values.shape[1]
    hits, chance = {}, 0.0
    for name, (places, start, stop) in orders.items():
        columns = found.model.values[:, places]

        def parts(batch: np.ndarray, columns: np.ndarray = columns) -> np.ndarray:
            moved = np.linalg.qr(np.sqrt(found.weights)[:, None] * columns[batch])[0]
            return np.einsum("bij,bij->bj", moved, gram @ moved)

        def statistic(own: np.ndarray, start: int = start, stop: int = stop) -> np.ndarray:
            rest = np.maximum(total - own[:, 1:].sum(axis=1), NOTHING_LEFT * total)
            return own[:, start:stop].sum(axis=1) / (stop - start) / (rest / left)

        observed, sums, number = float(statistic(parts(np.arange(len(gram))[None]))[0]), 0.0, 0
        hits[name] = 0
        for batch in _smaller(designs[name].batches(generator, permutations, 4 * len(places))):
            own = parts(batch)
            hits[name] += as_extreme(statistic(own), observed)
            sums, number = sums + float(own[:, start:stop].sum()), number + len(batch)
        chance = sums / number
    return hits, chance


def _smaller(batches: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    return (part for batch in batches for part in np.array_split(batch, max(1, len(batch) // 2000)))


def _signed(vectors: np.ndarray) -> np.ndarray:
    """Turn each column so that its largest entry is positive: two runs give one picture."""
    if not vectors.size:
        return vectors
    largest = vectors[np.abs(vectors).argmax(axis=0), range(vectors.shape[1])]
    return np.asarray(vectors * np.where(largest < 0, -1.0, 1.0))


def _adjusted(r2: float, rows: int, columns: int) -> float:
    return 1 - (1 - r2) * (rows - 1) / (rows - columns - 1)


def _finite(values: np.ndarray, table: pl.DataFrame) -> np.ndarray:
    values = np.asarray(values, float)
    if len(values) != len(table) or not np.isfinite(values).all():
        raise InputError(f"{len(values)} rows of values for {len(table)} rows, or a value is missing")
    return values
