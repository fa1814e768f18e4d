"""Everything that was tested in one table, corrected within the families that the plan names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from gutbrain.analyse.step import TESTED, Done, Step
from gutbrain.errors import InputError

IN_STATSMODELS = {"BH": "fdr_bh", "BY": "fdr_by", "holm": "holm", "bonferroni": "bonferroni"}
CORRECTIONS = (*IN_STATSMODELS, "none")
REGISTRY: dict[str, pl.DataType] = {
    "step": pl.String(), "kind": pl.String(), "family": pl.String(), "correction": pl.String(),
    "confirmatory": pl.Boolean(), **TESTED, "q": pl.Float64(), "in_family": pl.Int64(),
}  # fmt: skip


def corrected(p: np.ndarray, method: str) -> np.ndarray:
    """Return p values corrected for being several.

    Parameters
    ----------
    p : array [test]; NaN where a test could not be done, which counts for nothing
    method : BH (false discovery rate), BY (the same under any dependence), holm, bonferroni, none

    Raises
    ------
    InputError
        For a method that is not known, or a number that is no probability.

    Notes
    -----
    Source: Benjamini & Hochberg 1995, doi 10.1111/j.2517-6161.1995.tb02031.x; Benjamini & Yekutieli 2001,
    doi 10.1214/aos/1013699998; Holm 1979.
    """
    p = np.asarray(p, float)
    known = np.isfinite(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise InputError("a p value is no probability", mend="Give numbers from 0 to 1")
    if method not in CORRECTIONS:
        raise InputError(f"{method!r} is no correction", mend=f"Corrections are {', '.join(CORRECTIONS)}")
    made = np.full(p.shape, np.nan)
    if not known.any():
        return made
    from statsmodels.stats.multitest import multipletests

    made[known] = p[known] if method == "none" else multipletests(p[known], method=IN_STATSMODELS[method])[1]
    return made


def registry(steps: Sequence[Step], done: Mapping[str, Done], corrections: Mapping[str, str]) -> pl.DataFrame:
    """Return every test of an analysis with its family and its corrected p.

    Parameters
    ----------
    steps : of the plan, each with a name
    done : what each step found, by its name
    corrections : correction of each family; BH where nothing is said

    Returns
    -------
    table with the columns of `REGISTRY`; `q` is p corrected within the family, `in_family` how many p it holds.
    Tests with a `part` are a family of their own, called by both names
    """
    rows = [
        done[step.name].tested.with_columns(
            pl.lit(step.name).alias("step"), pl.lit(step.kind).alias("kind"),
            pl.concat_str(pl.lit(family), pl.col("part"), separator=", ", ignore_nulls=True).alias("family"),
            pl.lit(corrections.get(family, "BH")).alias("correction"), pl.lit(step.confirmatory).alias("confirmatory"),
        )
        for step in steps if step.name in done
        for family in [step.family or step.name]
    ]  # fmt: skip
    whole = pl.concat(rows) if rows else pl.DataFrame(schema={k: v for k, v in REGISTRY.items() if k in TESTED})
    if whole.is_empty():
        return pl.DataFrame(schema=REGISTRY)
    q = np.full(len(whole), np.nan)
    size = np.zeros(len(whole), int)
    p = whole["p"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    families = whole["family"].to_numpy()
    for family in whole["family"].unique():
        places = np.flatnonzero(families == family)
        q[places] = corrected(p[places], whole["correction"][int(places[0])])
        size[places] = int(np.isfinite(p[places]).sum())
    added = whole.with_columns(pl.Series("q", q).fill_nan(None), pl.Series("in_family", size))
    return added.select([pl.col(name).cast(kind) for name, kind in REGISTRY.items()])
