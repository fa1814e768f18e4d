"""Analysis of similarities: are distances between groups of higher rank than those within?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from gutbrain.analyse.communities.dispersion import group_levels
from gutbrain.analyse.communities.permanova import checked, exchanged
from gutbrain.analyse.communities.permutation import Exchange, as_extreme, exchange, p_value, ranks_of
from gutbrain.errors import InputError


def anosim(
    values: np.ndarray,
    groups: Sequence[str] | pl.Series,
    *,
    design: Exchange | None = None,
    permutations: int = 9999,
    generator: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Return the ANOSIM statistic R and its permutation p-value.

    Parameters
    ----------
    values : distances [row, row]
    groups : label of each row
    design : which rows may change places; all by default

    Returns
    -------
    one row: r (-1 to 1; 0 when ranks do not differ), p, permutations, exchange, groups, rows, note

    Raises
    ------
    InputError
        For distances that are none, fewer than two groups, or groups of one sample each.

    Notes
    -----
    R = (mean rank between - mean rank within) / (pairs / 2), ties at their mean rank. R also rises where groups
    differ in spread only. Source: Clarke 1993, doi 10.1111/j.1442-9993.1993.tb00438.x.
    """
    labels, levels = group_levels(groups)
    checked(values, len(labels))
    n = len(labels)
    design, generator = design or exchange(n), generator or np.random.default_rng(1)
    member = np.array([[label == level for level in levels] for label in labels], float)
    sizes = member.sum(axis=0)
    pairs, within = n * (n - 1) / 2, float((sizes * (sizes - 1)).sum() / 2)
    if within == 0:
        raise InputError("every group has one sample: there is no distance within groups", mend="Bring larger groups")
    lower = np.tril_indices(n, -1)
    ranks = np.zeros((n, n))
    ranks[lower] = ranks_of(values[lower])
    ranks += ranks.T
    total = pairs * (pairs + 1) / 2

    def statistic(inside: np.ndarray) -> np.ndarray:
        return ((total - inside) / (pairs - within) - inside / within) / (pairs / 2)

    observed = float(statistic(exchanged(ranks, member, np.arange(n)[None]).sum(axis=1) / 2)[0])
    hits = sum(
        as_extreme(statistic(exchanged(ranks, member, batch).sum(axis=1) / 2), observed)
        for batch in design.batches(generator, permutations, len(levels))
    )
    tried = design.asked(permutations)
    small = [level for level, size in zip(levels, sizes, strict=True) if size < 5]
    note = f"{', '.join(small)}: fewer than 5 samples" if small else None
    return pl.DataFrame(
        {
            "r": observed, "p": p_value(hits, tried), "permutations": tried, "exchange": design.said,
            "groups": len(levels), "rows": n, "note": note,
        },
        schema_overrides={"note": pl.String},
    )  # fmt: skip
