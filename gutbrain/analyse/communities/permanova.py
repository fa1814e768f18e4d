"""Permutational analysis of variance of distances: how much of the variation the terms of a model account for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.communities.permutation import Exchange, as_extreme, between_share, few_said, p_value, suited
from gutbrain.analyse.formula import INTERCEPT, ModelMatrix, model_matrix
from gutbrain.errors import InputError

BY = ("terms", "margin", "whole")
PERMUTED = ("rows", "residuals")
RESIDUAL, TOTAL, MODEL = "residual", "total", "model"
NOTHING_LEFT = 1e-12  # a share of the variation below this is none
BETWEEN, WITHIN = "between people", "within people"
PARTLY, MOSTLY = 0.1, 0.5  # share between people of a term's variation, above which a test within them is remarked on
MIXED = "differs mostly between people, and was tested within them: the share holds both, p only what changes within"


def permanova(
    values: np.ndarray,
    table: pl.DataFrame,
    formula: str,
    *,
    by: str = "terms",
    permuted: str = "rows",
    people: str = "",
    order: str = "",
    blocks: str = "",
    series: bool = False,
    design: Exchange | None = None,
    permutations: int = 9999,
    generator: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Partition squared distances by the terms of a model, and test each by permutation.

    Parameters
    ----------
    values : distances [row, row], of any unit
    table : one row a row of the distances, with the columns that the formula names
    formula : right-hand side, such as `arm * visit + age`
    by : `terms` one after the other, `margin` each after all others (but those that contain it), `whole` the model
    permuted : `rows` of the distances as they are, or `residuals` of the model without the term (after the
        terms before it, with `terms`); both are the same for the first term
    people, order, blocks : columns with the person, the visit or day, and what nothing is exchanged across;
        with them the design is chosen for each term as `suited` says
    series : rows of a person are equal steps in time and are shifted, not shuffled
    design : one design for all terms instead
    permutations : how many are drawn; all are taken, once each, when there are no more

    Returns
    -------
    table with term, df, sum_of_squares (squared unit of distances), r2, adjusted_r2, f, p, permutations, exchange
    (the design in words, with the number of arrangements), stratum (between or within people, where somebody has
    several rows), stratum_r2 (of the variation there; null where a term lies in both),
    rows, note; then the rows `residual` and `total`

    Raises
    ------
    InputError
        For distances that are none, a formula that does not fit, or a design that lets nothing change its place.

    Notes
    -----
    With G the centred matrix of -d²/2 and Q an orthonormal basis of what a term adds to those before it, its sum
    of squares is trace(QᵀGQ); it may be below 0 where distances are not Euclidean. Exchanging the rows of Q instead
    of G makes many permutations one product of matrices. `adjusted_r2` is the omega squared of the term. Sources:
    Anderson 2001, doi 10.1111/j.1442-9993.2001.01070.pp.x; McArdle & Anderson 2001, doi
    10.1890/0012-9658(2001)082[0290:FMMTCD]2.0.CO;2; for residuals
    Freedman & Lane 1983, doi 10.1080/07350015.1983.10509354.
    """
    if by not in BY or permuted not in PERMUTED:
        what = f"{by!r} of {permuted!r} is no test"
        raise InputError(what, mend=f"By: {', '.join(BY)}; permuted: {', '.join(PERMUTED)}")
    checked(values, len(table))
    model = model_matrix(table, formula, tuple(name for name in (people, order, blocks) if name))
    used = table[model.rows.tolist()]
    gower = centred(values[np.ix_(model.rows, model.rows)])
    generator = generator or np.random.default_rng(1)
    bases, reduced = term_bases(model, by)
    labels = Labelled(people, order, blocks, series)
    designs, untested = {}, {}
    for name in bases:
        try:
            designs[name] = design or labels.design(model, name, used)
        except InputError as error:
            untested[name] = error.what
            if len(untested) == len(bases):
                raise
    whole = basis(model.values)[:, 1:]
    known = {name: bases[name] for name in designs}
    counted = count_extreme(
        gower, known, whole, designs, permutations, generator, reduced if permuted != "rows" else {}
    )
    table = _rows(gower, bases, whole, designs, counted, permutations, model.notes, untested)
    return _strata(table, gower, bases, used[people] if people else None)


@dataclass(frozen=True)
class Labelled:
    """Columns that say which rows may change places: person, visit or day, stratum; empty where there is none."""

    people: str = ""
    order: str = ""
    blocks: str = ""
    series: bool = False

    def design(self, model: ModelMatrix, term: str, used: pl.DataFrame) -> Exchange:
        """Return the design that a term of a model asks for, on the rows that the model uses."""
        names = [key for key in model.terms if key != INTERCEPT] if term == MODEL else [term]
        columns = model.values[:, [place for name in names for place in model.terms[name]]]
        people, order, blocks = (used[name] if name else None for name in (self.people, self.order, self.blocks))
        return suited(columns, people, order, blocks, self.series)


def checked(values: np.ndarray, rows: int) -> None:
    """Refuse what is no matrix of distances.

    Raises
    ------
    InputError
        If it is not square and symmetric with an empty diagonal, or holds what is no distance.
    """
    if values.shape != (rows, rows):
        raise InputError(f"distances of shape {values.shape} for {rows} rows", mend="Give one row and column a row")
    if not np.isfinite(values).all() or (values < 0).any():
        raise InputError("a distance is missing, infinite or below 0", mend="Leave out samples that hold nothing")
    scale = float(values.max(initial=0.0))
    if not np.allclose(values, values.T, rtol=0, atol=1e-9 * scale) or np.abs(np.diag(values)).max(initial=0) > 0:
        raise InputError("the distances are not symmetric with 0 from each row to itself")
    if scale == 0:
        raise InputError("all distances are 0: all samples are the same", mend="Look at the table of abundances")


def centred(values: np.ndarray) -> np.ndarray:
    """Return -d²/2 with row and column means taken off, array [row, row] (Gower 1966)."""
    half = -0.5 * values**2
    rows = half.mean(axis=0)
    return half - rows[:, None] - rows + rows.mean()


def basis(values: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of columns, in their order."""
    return np.linalg.qr(values)[0]


def term_bases(model: ModelMatrix, by: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return for each tested term what it adds, and what it is added to, as orthonormal bases [row, column]."""
    terms = [name for name in model.terms if name != INTERCEPT and model.terms[name]]
    if not terms or INTERCEPT not in model.terms:
        raise InputError(f"the formula {model.formula!r} has no term to test, or no intercept", mend="Give a term")
    if by == "whole":
        both = basis(model.values)
        return {MODEL: both[:, 1:]}, {MODEL: both[:, :1]}
    added, before = {}, {}
    for name in terms:
        if by == "terms":
            prior = [p for other in list(model.terms)[: list(model.terms).index(name)] for p in model.terms[other]]
        elif _contained(name, terms):
            continue
        else:
            prior = [p for other in model.terms if other != name for p in model.terms[other]]
        both = basis(model.values[:, [*prior, *model.terms[name]]])
        added[name], before[name] = both[:, len(prior) :], both[:, : len(prior)]
    return added, before


def count_extreme(
    gram: np.ndarray,
    bases: Mapping[str, np.ndarray],
    whole: np.ndarray,
    designs: Mapping[str, Exchange],
    permutations: int,
    generator: np.random.Generator,
    reduced: Mapping[str, np.ndarray],
) -> dict[str, int]:
    """Return for each term in how many arrangements its pseudo-F reaches that of the data.

    Parameters
    ----------
    gram : inner products of the rows [row, row]
    bases : what each term adds [row, column]
    whole : basis of all terms together, without the intercept
    reduced : model whose residuals are exchanged for a term; rows as they are where it is left out
    """
    found: dict[str, int] = {}
    for group in _alike(bases, designs, reduced):
        inner = residual_gram(gram, reduced[group[0]]) if group[0] in reduced else gram
        # All columns of the model are exchanged once for all terms that share design and residuals.
        parts = [bases[name] for name in group]
        complete = sum(part.shape[1] for part in parts) == whole.shape[1] and _orthogonal(parts)
        tried = np.hstack(parts if complete else [*parts, whole])
        edges = np.cumsum([0, *(part.shape[1] for part in parts)])
        left = len(gram) - 1 - whole.shape[1]
        observed = {name: pseudo_f(gram, bases[name], whole, left) for name in group}
        hits = dict.fromkeys(group, 0)
        total = float(np.trace(inner))
        for batch in designs[group[0]].batches(generator, permutations, tried.shape[1]):
            squares = exchanged(inner, tried, batch)
            explained = squares.sum(axis=1) if complete else squares[:, edges[-1] :].sum(axis=1)
            rest = np.maximum(total - explained, NOTHING_LEFT * abs(total)) / left
            for name, start, stop in zip(group, edges[:-1], edges[1:], strict=True):
                statistic = squares[:, start:stop].sum(axis=1) / (stop - start) / rest
                hits[name] += as_extreme(statistic, observed[name])
        found |= hits
    return found


def exchanged(gram: np.ndarray, columns: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Return qᵀGq of each column with its rows exchanged, array [arrangement, column]."""
    number, width = len(batch), columns.shape[1]
    moved = columns[batch.T].reshape(len(gram), number * width)
    return np.einsum("ij,ij->j", moved, gram @ moved).reshape(number, width)


def pseudo_f(gram: np.ndarray, term: np.ndarray, whole: np.ndarray, left: int) -> float:
    """Return the pseudo-F of a term; `left` degrees of freedom remain.

    Raises
    ------
    InputError
        If the model leaves no variation.
    """
    rest = float(np.trace(gram)) - squares(gram, whole)
    if rest <= NOTHING_LEFT * abs(float(np.trace(gram))):
        raise InputError("the model leaves no variation: every row is predicted", mend="Leave terms out")
    return squares(gram, term) / term.shape[1] / (rest / left)


def squares(gram: np.ndarray, term: np.ndarray) -> float:
    """Return trace(QᵀGQ)."""
    return float(np.einsum("ij,ij->", term, gram @ term))


def residual_gram(gram: np.ndarray, reduced: np.ndarray) -> np.ndarray:
    """Return inner products of the residuals after a basis [row, column] was taken off."""
    off = gram - reduced @ (reduced.T @ gram)
    return off - (off @ reduced) @ reduced.T


def _orthogonal(parts: Sequence[np.ndarray]) -> bool:
    joined = np.hstack(parts)
    return bool(np.abs(joined.T @ joined - np.eye(joined.shape[1])).max() < 1e-9)


def _alike(
    bases: Mapping[str, np.ndarray], designs: Mapping[str, Exchange], reduced: Mapping[str, np.ndarray]
) -> list[list[str]]:
    """Return terms in groups that one set of arrangements serves."""
    groups: list[list[str]] = []
    for name in bases:
        for group in groups:
            if _same(designs[group[0]], designs[name]) and not reduced:
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def _same(one: Exchange, other: Exchange) -> bool:
    return one is other or (
        (one.about, one.within, one.between, one.mirror) == (other.about, other.within, other.between, other.mirror)
        and len(one.classes) == len(other.classes)
        and all(np.array_equal(a, b) for a, b in zip(one.classes, other.classes, strict=True))
    )


def _contained(name: str, terms: Sequence[str]) -> bool:
    """Whether another term is an interaction with all parts of this one."""
    own = set(name.split(":"))
    return any(own < set(other.split(":")) for other in terms)


def _rows(
    gower: np.ndarray,
    bases: Mapping[str, np.ndarray],
    whole: np.ndarray,
    designs: Mapping[str, Exchange],
    counted: Mapping[str, int],
    permutations: int,
    notes: tuple[str, ...],
    untested: Mapping[str, str],
) -> pl.DataFrame:
    rows, total = len(gower), float(np.trace(gower))
    rest, left = total - squares(gower, whole), rows - 1 - whole.shape[1]
    made = []
    for name, term in bases.items():
        df, own, how = term.shape[1], squares(gower, term), designs.get(name)
        tried = how.asked(permutations) if how else None
        said = [*notes, *([untested[name]] if name in untested else []), *few_said(tried)]
        if own < 0:
            said.append("a share below 0: distances are not Euclidean")
        made.append(
            {
                "term": name, "df": df, "sum_of_squares": own, "r2": own / total,
                "adjusted_r2": (own - df * rest / left) / (total + rest / left),
                "f": own / df / (rest / left), "p": p_value(counted[name], tried) if tried else None,
                "permutations": tried, "exchange": how.said if how else None, "rows": rows,
                "note": "; ".join(said) or None,
            }
        )  # fmt: skip
    made.append({"term": RESIDUAL, "df": left, "sum_of_squares": rest, "r2": rest / total, "rows": rows})
    made.append({"term": TOTAL, "df": rows - 1, "sum_of_squares": total, "r2": 1.0, "rows": rows})
    return pl.DataFrame(made, schema=COLUMNS)


def _strata(
    table: pl.DataFrame, gower: np.ndarray, bases: Mapping[str, np.ndarray], people: pl.Series | None
) -> pl.DataFrame:
    """Add the share of each term in the variation between or within people, exact where all have the same visits."""
    if people is None or people.n_unique() in (1, len(people)):
        return table
    member = people.to_dummies().to_numpy().astype(float)
    member /= np.sqrt(member.sum(axis=0))
    between = squares(gower, member)
    sums = {BETWEEN: between, WITHIN: float(np.trace(gower)) - between}
    found = {
        name: BETWEEN if np.abs(member @ (member.T @ term) - term).max() < 1e-9 else WITHIN
        for name, term in bases.items()
    }
    other = {name: between_share(bases[name], people) if found[name] == WITHIN else 0.0 for name in bases}
    shares = [
        row["sum_of_squares"] / sums[found[row["term"]]] if other.get(row["term"], 1.0) <= PARTLY else None
        for row in table.iter_rows(named=True)
    ]
    stratum = [found.get(name) for name in table["term"]]
    hidden = [other.get(name, 0.0) > MOSTLY for name in table["term"]]
    notes = [
        "; ".join(part for part in (note, MIXED if here else None) if part) or None
        for note, here in zip(table["note"], hidden, strict=True)
    ]
    return table.with_columns(
        pl.Series("stratum", stratum, pl.String), pl.Series("stratum_r2", shares, pl.Float64),
        pl.Series("note", notes, pl.String),
    )  # fmt: skip


COLUMNS: dict[str, pl.DataType] = {
    "term": pl.String(), "df": pl.Int64(), "sum_of_squares": pl.Float64(), "r2": pl.Float64(),
    "adjusted_r2": pl.Float64(), "f": pl.Float64(), "p": pl.Float64(), "permutations": pl.Int64(),
    "exchange": pl.String(), "stratum": pl.String(), "stratum_r2": pl.Float64(), "rows": pl.Int64(),
    "note": pl.String(),
}  # fmt: skip
