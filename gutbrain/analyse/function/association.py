"""Which microbes go with which metabolites, tested only where a map of knowledge says that they could.

The idea of testing only the pairs that a map links is that of anansi (Bastiaanssen, Quinn & Cryan 2023): most pairs of
a table of microbes and a table of metabolites could not meet, and their tests cost power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.analyse.formula import independent, model_matrix, quoted
from gutbrain.analyse.models.effects import AGAIN, ONCE, coefficient, least_squares, row_of
from gutbrain.analyse.models.mixed_many import mixed_many
from gutbrain.errors import InputError

NEEDED, OPTIONAL = ("microbe", "metabolite"), ("link", "why")
SLOPE, FULL, DISJOINTED, EMERGENT = "slope", "any arm", "slope by arm", "strength by arm"
RANKED = ("feature", "name", "species", "genus", "family", "order", "class", "phylum")
PERMUTATIONS = 999
LEAST = 4  # people that an arm needs for a strength of its own
SCHEMA = {
    "microbe": pl.String, "metabolite": pl.String, "link": pl.String, "why": pl.String, "test": pl.String,
    "term": pl.String, "estimate": pl.Float64, "standard_error": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "unit": pl.String, "statistic": pl.Float64, "df": pl.Float64, "p": pl.Float64, "q": pl.Float64,
    "people": pl.Int64, "rows": pl.Int64, "method": pl.String, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """Pairs that a map links, as the tables name them.

    Attributes
    ----------
    table : microbe, metabolite, link, why; each pair once
    unmatched : rows of the map of which a side matched nothing: row, microbe, metabolite, missing
    spared : pairs of the two tables that no row links, and that need not be tested
    """

    table: pl.DataFrame
    unmatched: pl.DataFrame
    spared: int


def read_map(path: str | Path) -> pl.DataFrame:
    """Read a map of microbes and metabolites: CSV with columns microbe, metabolite, and link and why if wanted.

    Raises
    ------
    InputError
        For a file that cannot be read, a missing column, or an empty cell of the first two.
    """
    source = Path(path)
    try:
        table = pl.read_csv(source.read_bytes(), infer_schema=False, encoding="utf8-lossy")
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", file=source, mend="Check the path") from error
    except pl.exceptions.PolarsError as error:
        mend = "Give a CSV with columns microbe, metabolite"
        raise InputError(f"this is no CSV: {str(error).splitlines()[0]}", file=source, mend=mend) from error
    table = table.rename({name: name.strip().lower() for name in table.columns})
    for name in NEEDED:
        if name not in table.columns:
            mend = f"Columns are microbe, metabolite, link, why; here {', '.join(table.columns)}"
            raise InputError(f"there is no column {name!r}", file=source, field=name, mend=mend)
    there = [name for name in (*NEEDED, *OPTIONAL) if name in table.columns]
    table = table.select(pl.col(there).str.strip_chars())
    for name in NEEDED:
        bare = table[name].is_null() | (table[name] == "")
        if bare.any():
            raise InputError("an empty cell", file=source, row=int(bare.arg_max() or 0) + 2, field=name, mend="Fill it")
    if table.is_empty():
        raise InputError("the map has no rows", file=source, mend="Give a microbe and a metabolite in each")
    return table.with_columns(pl.lit(None, pl.String).alias(name) for name in OPTIONAL if name not in there)


def linked(known: pl.DataFrame, microbes: pl.DataFrame, metabolites: Sequence[str]) -> Pairs:
    """Find the pairs that a map links.

    Parameters
    ----------
    known : as `read_map` gives it; names may hold `*` and `?`, and capitals do not matter
    microbes : features of a community: feature, name and ranks; a row of the map matches any of them
    metabolites : names of the metabolites

    Raises
    ------
    InputError
        If no row of the map links anything.
    """
    names = [
        (str(row["feature"]), {str(row[c]).lower() for c in RANKED if row.get(c)})
        for row in microbes.iter_rows(named=True)
    ]
    pairs: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    unmatched: list[dict[str, object]] = []
    for number, row in enumerate(known.iter_rows(named=True), start=2):
        pattern, wanted = row["microbe"].lower(), row["metabolite"].lower()
        first = [feature for feature, called in names if any(fnmatchcase(one, pattern) for one in called)]
        second = [name for name in metabolites if fnmatchcase(name.lower(), wanted)]
        for pair in ((one, other) for one in first for other in second):
            pairs.setdefault(pair, (row["link"], row["why"]))
        if not first or not second:
            missing = " and ".join(w for w, found in (("microbe", first), ("metabolite", second)) if not found)
            unmatched.append({"row": number, **{name: row[name] for name in NEEDED}, "missing": missing})
    if not pairs:
        raise InputError(
            f"none of the {len(known)} rows of the map links a microbe with a metabolite of the study",
            mend=f"Microbes are such as {', '.join(n for n, _ in names[:3])}; metabolites {', '.join(metabolites[:5])}",
        )  # fmt: skip
    table = pl.DataFrame(
        [{"microbe": a, "metabolite": b, "link": link, "why": why} for (a, b), (link, why) in pairs.items()],
        schema=dict.fromkeys((*NEEDED, *OPTIONAL), pl.String),
    )
    missed = pl.DataFrame(unmatched, schema={"row": pl.Int64, **dict.fromkeys((*NEEDED, "missing"), pl.String)})
    return Pairs(table, missed, len(names) * len(metabolites) - len(pairs))


def associate(
    table: pl.DataFrame, pairs: pl.DataFrame, formula: str = "1", arm: str = "", units: dict[str, str] | None = None,
    confidence: float = 0.95, permutations: int = PERMUTATIONS, generator: np.random.Generator | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Test each pair of a map: does the metabolite go with the microbe, and does that differ between arms?

    Parameters
    ----------
    table : one row a sample: person, the variables of the formula, arm, `microbe: ...` (log-ratio to base 2) and
        `metabolite: ...` columns
    pairs : microbe, metabolite, link, why
    formula : covariates, right-hand side; the arm is added to it
    arm : column of the arms; empty: only the slope is tested
    units : of the metabolites
    permutations : for the strength by arm; 0: that is not tested

    Returns
    -------
    one row a test (`SCHEMA`): `slope` (metabolite per doubling of the microbe), `any arm` (the full model: they go
    together in some arm), `slope by arm` (disjointed: the slope differs from that of the reference arm), `strength by
    arm` (emergent: how closely the two go together differs); q is the false discovery rate within the map, for each
    kind of test.

    Notes
    -----
    Least squares where everybody has one row, else a random intercept of person. The strength by arm is the variance
    between arms of Fisher's z of the absolute correlation, of people's means after the covariates, each scaled within
    its arm; its p comes from dealing people to arms anew, and errs upwards where neither arm shows an association.
    Source of the two kinds: Bastiaanssen, Quinn & Cryan 2023, doi 10.48550/arXiv.2305.10832 (differential
    associations; the test of strength here is another one); false discovery rate: Benjamini & Hochberg 1995,
    doi 10.1111/j.2517-6161.1995.tb02031.x.
    """
    from gutbrain.analyse.multiplicity import corrected

    generator = generator or np.random.default_rng(1)
    rows: list[dict[str, object]] = []
    whole = f"{formula} + {quoted(arm)}" if arm else formula
    for pair in pairs.iter_rows(named=True):
        unit = (units or {}).get(pair["metabolite"], "")
        common = pair | {"unit": f"{unit or 'unit'} per doubling"}
        x, y = f"microbe: {pair['microbe']}", f"metabolite: {pair['metabolite']}"
        try:
            made = _pair(table, x, y, whole, arm, confidence)
            if arm and permutations:
                made.append(_strength(table, x, y, formula, arm, permutations, generator))
        except InputError as error:
            made = [{"test": SLOPE, "term": "microbe", "note": f"not tested: {error.what}"}]
        rows += [common | row for row in made]
    found = pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=SCHEMA)
    q = np.full(len(found), np.nan)
    p = found["p"].fill_null(float("nan")).to_numpy()
    for test in found["test"].unique():
        at = (found["test"] == test).to_numpy()
        q[at] = corrected(p[at], "BH")
    return found.with_columns(pl.Series("q", q).fill_nan(None))


def _pair(table: pl.DataFrame, x: str, y: str, formula: str, arm: str, confidence: float) -> list[dict[str, object]]:
    design = model_matrix(table, formula, also=("person", x, y))
    used = table[design.rows.tolist()]
    microbe, metabolite = used[x].to_numpy().astype(float), used[y].to_numpy().astype(float)
    for name, values in ((x, microbe), (y, metabolite)):
        if np.ptp(values) <= 0:
            raise InputError(f"{name} is the same in every sample", field=name)
    notes = list(design.notes)
    covariates, people = design.values, used["person"]
    again = bool(people.is_duplicated().any())
    if again and _steady(metabolite, people):
        covariates, microbe, metabolite = _means(people, covariates, microbe, metabolite)
        again = False
        notes.append(f"{len(used)} rows, but one value of the metabolite a person: means of people")
        people = people.unique(maintain_order=True)
    counts = {"people": people.n_unique(), "rows": len(people)}
    kept = independent(np.column_stack([covariates, microbe]))
    if covariates.shape[1] not in kept or len(people) <= len(kept):
        raise InputError(f"{len(people)} samples cannot tell {x} from the covariates")
    matrix = np.column_stack([covariates, microbe])[:, kept]
    rows = [
        {"test": SLOPE, "term": "microbe", **counts} | row
        for row in _fitted(matrix, metabolite, people, again, [len(kept) - 1], confidence)
    ]
    levels = design.terms.get(arm, ()) if arm else ()
    if levels:
        wide = np.column_stack([matrix, *(covariates[:, place] * microbe for place in levels)])
        if len(independent(wide)) == wide.shape[1] < len(wide):
            wanted = list(range(len(kept), wide.shape[1]))
            rows.append({"test": FULL, "term": f"microbe + microbe:{arm}", "unit": None, **counts}
                        | _full(matrix[:, :-1], wide, metabolite, people, again))  # fmt: skip
            found = _fitted(wide, metabolite, people, again, wanted, confidence)
            rows += [
                {"test": DISJOINTED, "term": f"microbe:{design.columns[place]}", **counts} | row
                for place, row in zip(levels, found, strict=True)
            ]
        else:
            told = "not tested: too few samples in an arm for a slope of its own"
            rows.append({"test": DISJOINTED, "term": f"microbe:{arm}", "note": told, **counts})
    return [row | {"note": "; ".join(str(n) for n in (row["note"], *notes) if n) or None} for row in rows]


def _full(
    without: np.ndarray, matrix: np.ndarray, values: np.ndarray, people: pl.Series, again: bool
) -> dict[str, object]:
    """Test all columns of the microbe at once: F of least squares, or the likelihood ratio of mixed models (ML)."""
    from scipy.stats import chi2, f

    more = matrix.shape[1] - without.shape[1]
    if again:
        who = people.to_list()
        either = [mixed_many(values[:, None], m, who, restricted=False).log_likelihood[0] for m in (without, matrix)]
        ratio = max(2 * float(either[1] - either[0]), 0.0)
        row: dict[str, object] = {"df": float(more), "method": "likelihood ratio of mixed models, chi-square"}
        if not np.isfinite(ratio):
            return row | {"note": "not tested: a model could not be fitted"}
        return row | {"statistic": ratio, "p": float(chi2.sf(ratio, more)), "note": None}
    less, fit = (least_squares(m, values[:, None]) for m in (without, matrix))
    before, after = (float((part.residuals**2).sum()) for part in (less, fit))
    row = {"df": float(fit.df), "method": f"least squares, F with {more} and {fit.df} df"}
    if after <= 0:
        return row | {"note": "the model fits exactly: nothing left to test with"}
    statistic = (before - after) / more / (after / fit.df)
    return row | {"statistic": statistic, "p": float(f.sf(statistic, more, fit.df)), "note": None}


def _steady(values: np.ndarray, people: pl.Series) -> bool:
    """Whether a number never changes within a person: then rows of one person are no rows of their own."""
    ranges = pl.DataFrame({"who": people, "y": values}).group_by("who").agg(pl.col("y").max() - pl.col("y").min())
    return bool((ranges["y"].to_numpy() <= 1e-9 * np.ptp(values)).all())


def _means(people: pl.Series, *arrays: np.ndarray) -> list[np.ndarray]:
    """Means of arrays, [row] or [row, column], over the rows of each person, in the order of people."""
    codes = people.to_frame().select(pl.col(people.name).rank("dense")).to_series().to_numpy().astype(int) - 1
    order = codes[np.sort(np.unique(codes, return_index=True)[1])]
    sizes = np.bincount(codes)
    made = []
    for array in arrays:
        summed = np.zeros((len(sizes), *array.shape[1:]))
        np.add.at(summed, codes, array)
        made.append((summed / sizes.reshape(-1, *[1] * (array.ndim - 1)))[order])
    return made


def _fitted(
    matrix: np.ndarray, values: np.ndarray, people: pl.Series, again: bool, wanted: list[int], confidence: float
) -> list[dict[str, object]]:
    """Test some columns of a matrix."""
    if again:
        fits = mixed_many(values[:, None], matrix, people.to_list(), np.eye(matrix.shape[1])[wanted])
        return [row_of(fits, number, 0, confidence) | {"method": AGAIN} for number in range(len(wanted))]
    fit = least_squares(matrix, values[:, None])
    return [coefficient(fit, column, 0, confidence) | {"method": ONCE} for column in wanted]


def _strength(
    table: pl.DataFrame, x: str, y: str, formula: str, arm: str, permutations: int, generator: np.random.Generator
) -> dict[str, object]:
    """Test whether microbe and metabolite go together more closely in one arm than in another."""
    design = model_matrix(table, formula, also=("person", arm, x, y))
    used = table[design.rows.tolist()]
    rest = least_squares(design.values, used.select(x, y).to_numpy().astype(float)).residuals
    means = used.select("person", pl.col(arm).cast(pl.String)).with_columns(
        pl.Series("x", rest[:, 0]), pl.Series("y", rest[:, 1])
    )
    people = means.group_by("person", arm, maintain_order=True).agg(pl.col("x", "y").mean())
    few = people[arm].value_counts().filter(pl.col("count") < LEAST)[arm].sort().to_list()
    people = people.filter(~pl.col(arm).is_in(few))
    codes = people[arm].rank("dense").to_numpy().astype(int) - 1
    sizes = np.bincount(codes)
    row: dict[str, object] = {"test": EMERGENT, "term": arm, "people": len(people), "rows": len(used), "unit": "z"}
    row["method"] = f"{permutations} permutations of people; absolute correlation of people's means, Fisher's z"
    if len(sizes) < 2:
        return row | {"note": f"not tested: fewer than two arms have {LEAST} people"}
    held = people.select("x", "y").to_numpy().copy()
    for code in range(len(sizes)):
        own = codes == code
        held[own] -= held[own].mean(axis=0)
        spread = np.sqrt((held[own] ** 2).mean(axis=0))
        if (spread <= 1e-12 * max(1.0, float(np.abs(rest).max()))).any():
            return row | {"note": "not tested: no variance within an arm"}
        held[own] /= spread
    observed = _spread_of_strength(held, codes, sizes)
    levels = people.select(arm, code=pl.Series(codes)).unique("code").sort("code")[arm].to_list()
    each = [float((held[codes == code, 0] * held[codes == code, 1]).mean()) for code in range(len(sizes))]
    row["note"] = "correlation " + ", ".join(f"{r:.2f} in {name}" for r, name in zip(each, levels, strict=True))
    row["note"] = f"{row['note']}; left out, as too small: {', '.join(few)}" if few else row["note"]
    # Arms whose correlations have opposite signs would cancel out when people are dealt anew.
    held[:, 0] *= np.where(np.array(each) < 0, -1.0, 1.0)[codes]
    hits = sum(
        _spread_of_strength(held, generator.permutation(codes), sizes) >= observed * (1 - 1e-12)
        for _ in range(permutations)
    )
    return row | {"statistic": observed, "p": (hits + 1) / (permutations + 1)}


def _spread_of_strength(held: np.ndarray, codes: np.ndarray, sizes: np.ndarray) -> float:
    """Weighted variance between arms of Fisher's z of the absolute correlation."""
    x, y = held[:, 0], held[:, 1]
    sums = [np.bincount(codes, part, len(sizes)) for part in (x, y, x * x, y * y, x * y)]
    mean_x, mean_y = sums[0] / sizes, sums[1] / sizes
    spread = np.sqrt((sums[2] / sizes - mean_x**2) * (sums[3] / sizes - mean_y**2))
    both = sums[4] / sizes - mean_x * mean_y
    r = np.divide(np.abs(both), spread, out=np.zeros(len(sizes)), where=spread > 0)
    z, weight = np.arctanh(np.minimum(r, 1 - 1e-9)), sizes - 3.0
    centre = (weight * z).sum() / weight.sum()
    return float((weight * (z - centre) ** 2).sum())
