"""Model matrices from formulas such as `arm * visit + age`, with what is wrong with them said in words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError

TREATMENT = re.compile(r"\[T\.")
QUOTED = re.compile(r"`([^`]+)`|([^\W\d][\w.]*)(\(|\s*=(?!=))?")  # a name before "=" is an option of a call
INTERCEPT = "Intercept"
# What a formula may call; anything else would be run as Python, and a plan may come from somebody else.
CALLED = ("C", "I", "bs", "center", "cs", "exp", "log", "log10", "log2", "poly", "scale", "sqrt")
TOLERANCE = 1e-7  # a column closer than this to the span of those before it adds nothing (as in R's lm)


@dataclass(frozen=True)
class ModelMatrix:
    """The right-hand side of a model as numbers.

    Attributes
    ----------
    values : array [row, column], of full rank
    columns : name of each column, such as `arm[LGG]` or `arm[LGG]:visit[after]`
    terms : columns of each term in the order of the formula; the intercept is the term `Intercept`
    rows : places of the rows of the table that were used, array [row]
    formula : as it was given
    notes : what the reader should know: rows left out, columns that others imply
    """

    values: np.ndarray
    columns: tuple[str, ...]
    terms: dict[str, tuple[int, ...]]
    rows: np.ndarray
    formula: str
    notes: tuple[str, ...] = ()
    _spec: Any = field(default=None, repr=False, compare=False)
    _used: tuple[str, ...] = field(default=(), repr=False, compare=False)
    _kept: tuple[int, ...] = field(default=(), repr=False, compare=False)
    _implied: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False, compare=False)

    def at(self, table: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of this matrix for other data, coded as those it was made from.

        Parameters
        ----------
        table : with the formula's columns, none empty; levels that were not seen are refused

        Returns
        -------
        values, array [row, column], and gaps, array [row, column left out]: a row, or a mean of rows, with a gap other
        than 0 cannot be told from the data that were seen

        Raises
        ------
        InputError
            For a level that did not occur.
        """
        for name, known in self._levels().items():
            new = set(table[name].cast(pl.String).to_list()) - set(known) if name in self._used else set()
            if new:
                raise InputError(f"{sorted(map(str, new))[0]!r} did not occur", field=name, mend=f"Levels: {known}")
        made = self._spec.get_model_matrix(_for_formulaic(table.select(self._used), len(table)))
        whole = np.asarray(made, float).reshape(len(table), -1)
        gone = [place for place in range(whole.shape[1]) if place not in set(self._kept)]
        values = whole[:, self._kept]
        return values, whole[:, gone] - values @ self._implied

    def _levels(self) -> dict[str, list[str]]:
        """Return the levels that each factor had."""
        contrasts = self._spec.factor_contrasts.items()
        return {plain(str(name)): [str(level) for level in state.levels] for name, state in contrasts}

    def without(self, *names: str) -> np.ndarray:
        """Return the matrix without some terms."""
        gone = {column for name in names for column in self.terms[name]}
        return self.values[:, [place for place in range(self.values.shape[1]) if place not in gone]]


def model_matrix(table: pl.DataFrame, formula: str, also: tuple[str, ...] = ()) -> ModelMatrix:
    """Return the model matrix of a formula on a table.

    Parameters
    ----------
    table : text columns are factors; an Enum's first category is the reference, else the first in order of letters
    formula : right-hand side in Wilkinson's notation; names that are no Python names stand in backticks
    also : further columns that must be filled in every row that is used (the outcome, the person)

    Raises
    ------
    InputError
        For an unknown column, a formula that cannot be read, a factor with one level left, or fewer rows than columns.

    Notes
    -----
    Rows with an empty cell in a column of the formula are left out and counted. Columns that are a combination
    of earlier ones are left out, as R does, and named. Source: Wilkinson & Rogers 1973, doi 10.2307/2346786.
    """
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    if "~" in formula:
        raise InputError(f"the formula {formula!r} has two sides", mend="Give the right-hand side only")
    used = variables(formula, table.columns)
    needed = [*used, *(name for name in also if name not in used)]
    for name in needed:
        if name not in table.columns:
            what = f"there is no column {name!r}"
            raise InputError(what, field=name, mend=f"Columns are {', '.join(table.columns[:30])}")
    whole = np.ones(len(table), bool)
    for name in needed:
        column = table[name]
        there = column.is_not_null() & column.is_finite() if column.dtype.is_float() else column.is_not_null()
        whole &= there.to_numpy()
    rows = np.flatnonzero(whole)
    notes = []
    if len(rows) < len(table):
        notes.append(f"{len(table) - len(rows)} of {len(table)} rows left out: a cell of {', '.join(needed)} is empty")
    if not len(rows):
        what = f"no row has all of {', '.join(needed)}" if needed else "the table has no rows"
        raise InputError(what, mend="Fill the cells, or drop the term")
    part = table[rows.tolist()].select(used)
    for name in used:
        if not part.schema[name].is_numeric() and part[name].n_unique() < 2:
            raise InputError(
                f"{name!r} has one level in the {len(rows)} rows that are left ({part[name][0]!r})", field=name,
                mend="Leave it out of the formula, or fill empty cells",
            )  # fmt: skip
    try:
        with np.errstate(all="ignore"):  # a logarithm of 0 is refused below
            read = Formula(formula)
            made = read.get_model_matrix(_for_formulaic(part, len(rows)), output="numpy", na_action="ignore")
    except FormulaicError as error:
        what = f"the formula {formula!r} cannot be read: {str(error).splitlines()[0].split('. ')[0].rstrip('.')}"
        raise InputError(what, mend="Write it like arm * visit + age") from error
    except Exception as error:  # what stands inside a formula is evaluated and raises what it likes
        raise InputError(f"the formula {formula!r} cannot be evaluated: {error}", mend="Check its terms") from error
    spec = made.model_spec
    values = np.asarray(made, float).reshape(len(rows), -1)
    names = [plain(name) for name in spec.column_names]
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise InputError(
            f"{names[column]} is no finite number in {int((~np.isfinite(values[:, column])).sum())} rows",
            row=int(rows[row]) + 1, mend="Look at logarithms and roots of 0 or less in the formula",
        )  # fmt: skip
    terms = {
        plain(str(term)) if str(term) != "1" else INTERCEPT: tuple(places) for term, places in spec.term_indices.items()
    }
    kept = independent(values)
    if len(kept) < len(names):
        gone = [name for place, name in enumerate(names) if place not in set(kept)]
        notes.append(f"{', '.join(gone)} left out: what stands before implies it")
    if len(rows) <= len(kept):
        raise InputError(
            f"{len(rows)} rows are too few for the {len(kept)} columns of {formula!r}",
            mend="Leave terms out, or bring more samples",
        )  # fmt: skip
    new = {place: number for number, place in enumerate(kept)}
    terms = {name: tuple(new[place] for place in places if place in new) for name, places in terms.items()}
    gone_places = [place for place in range(len(names)) if place not in new]
    implied = np.linalg.lstsq(values[:, kept], values[:, gone_places], rcond=None)[0]
    return ModelMatrix(
        values[:, kept], tuple(names[place] for place in kept), terms, rows, formula, tuple(notes),
        spec, tuple(used), tuple(kept), implied,
    )  # fmt: skip


def variables(formula: str, columns: list[str]) -> list[str]:
    """Return the columns that a formula names, in order.

    Raises
    ------
    InputError
        For a name that is no column.
    """
    found = []
    for match in QUOTED.finditer(formula):
        quoted, bare, called = match.groups()
        name = quoted or bare
        if called:
            if called == "(" and bare not in CALLED:
                what = f"the formula {formula!r} calls {bare!r}, which is not known"
                raise InputError(what, mend=f"Known are {', '.join(CALLED)}")
            continue
        if name not in columns:
            near = [column for column in columns if column.lower() == name.lower()]
            mend = f"Did you mean {near[0]!r}?" if near else f"Columns are {', '.join(columns[:30])}"
            raise InputError(f"the formula {formula!r} names {name!r}, which is no column", field=name, mend=mend)
        if name not in found:
            found.append(name)
    return found


def plain(name: str) -> str:
    """Return the name of a column or term as people write it: `arm[T.LGG]` becomes `arm[LGG]`."""
    return TREATMENT.sub("[", name).replace("`", "")


def quoted(name: str) -> str:
    """Return a column's name as a formula takes it.

    Raises
    ------
    InputError
        For a name that holds a backtick: no formula can quote it.
    """
    if "`" in name:
        raise InputError("a formula cannot name a column with a backtick", field=name, mend="Rename the column")
    return name if name.isidentifier() else f"`{name}`"


def independent(values: np.ndarray) -> list[int]:
    """Return the places of the columns that are no combination of earlier ones."""
    kept: list[int] = []
    basis = np.empty((len(values), 0))
    for place in range(values.shape[1]):
        column = values[:, place]
        size = np.linalg.norm(column)
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        if size > 0 and np.linalg.norm(rest) > TOLERANCE * size:
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
            kept.append(place)
    return kept


def _for_formulaic(table: pl.DataFrame, rows: int) -> "pandas.DataFrame":  # type: ignore[name-defined]  # noqa: F821, UP037
    """Return a table as formulaic reads it: factors with only those levels that occur, the reference first."""
    import pandas

    columns = {}
    for name in table.columns:
        column = table[name]
        if column.dtype.is_numeric():
            columns[name] = column.to_numpy().astype(float)
        elif column.dtype == pl.Boolean:
            columns[name] = pandas.Categorical(column.cast(pl.String).to_list(), ["false", "true"])
        else:
            there = set(column.cast(pl.String).to_list())
            order = column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else sorted(there)
            columns[name] = pandas.Categorical(column.cast(pl.String).to_list(), [o for o in order if o in there])
    return pandas.DataFrame(columns, index=range(rows))
