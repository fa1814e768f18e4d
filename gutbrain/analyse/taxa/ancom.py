"""ANCOM-BC and structural zeros, by scikit-bio.

scikit-bio 0.7.4 has ANCOM-BC (Lin & Peddada 2020, doi 10.1038/s41467-020-17041-7) and the fixed-effects part of
ANCOM-BC2 (Lin & Peddada 2024, doi 10.1038/s41592-023-02092-7). Neither has a random effect there, so a table with
several samples of a person is refused: its rows are not independent.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import polars as pl

from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import INTERCEPT, ModelMatrix
from gutbrain.analyse.models.mixed_many import ManyFits
from gutbrain.analyse.taxa.taxon_models import prepared, told
from gutbrain.errors import InputError

VERSIONS = ("ancombc", "ancombc2")
NO_FIT = "ANCOM-BC gives no estimate: too few samples hold it"


def ancom(
    community: Community, formula: str, *, version: str = "ancombc", pseudocount: float = 1.0, person: str = "person",
    columns: Sequence[str] = (), confidence: float = 0.95,
) -> pl.DataFrame:  # fmt: skip
    """Test every taxon by ANCOM-BC.

    Parameters
    ----------
    community : counts or shares, one sample a person
    version : ancombc (z tests) or ancombc2 (t tests, variances held away from 0; zeros may stay)
    pseudocount : added to every count; ancombc needs one where there are zeros
    person : column that must not repeat; empty if samples are independent

    Returns
    -------
    table `taxon_models.TAXA`; estimates in log2

    Raises
    ------
    InputError
        For an unknown version, signals, repeated samples of a person, zeros without a pseudocount, or fewer than
        three taxa.
    """
    from skbio.stats.composition import ancombc, ancombc2

    if version not in VERSIONS:
        raise InputError(f"{version!r} is no version of ANCOM-BC", field="version", mend=f"Use {', '.join(VERSIONS)}")
    if not community.counted:
        raise InputError(f"ANCOM-BC is for counts; the unit is {community.unit!r}", mend="Use LinDA or log-ratios")
    used, matrix, _ = prepared(community, formula)
    independent(used, person)
    if len(used.names) < 3:
        raise InputError(f"{len(used.names)} taxa are too few for ANCOM-BC", mend="Lower the prevalence")
    if version == "ancombc" and pseudocount <= 0 and (used.values == 0).any():
        raise InputError("ANCOM-BC takes no zeros", field="pseudocount", mend="Add 1")
    table, frame, right = _as_frames(used, matrix)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            with np.errstate(all="ignore"):
                if version == "ancombc":
                    found = ancombc(table + pseudocount, frame, right, p_adjust=None).result
                else:
                    found = ancombc2(table, frame, right, pseudocount=pseudocount, p_adjust=None).result
    except (ValueError, np.linalg.LinAlgError, FloatingPointError) as error:
        raise InputError(f"ANCOM-BC cannot be done: {error}", mend="Leave rare taxa or terms out") from error
    shape = (len(used.names), len(matrix.columns))
    estimate, error_, p = (found[name].to_numpy(float).reshape(shape).T for name in ("Log(FC)", "SE", "pvalue"))
    estimate, error_ = estimate / np.log(2), error_ / np.log(2)
    gone = ~(np.isfinite(estimate) & np.isfinite(error_) & (error_ > 0))
    estimate, error_, p = (np.where(gone, np.nan, part) for part in (estimate, error_, p))
    df = np.full(shape[::-1], np.inf)
    if version == "ancombc2":
        held = (used.values > 0).sum(axis=0) if pseudocount == 0 else np.full(shape[0], len(used))
        df = np.broadcast_to(np.maximum(held - shape[1], 1), df.shape).astype(float)
    notes = tuple(NO_FIT if lost else None for lost in gone.any(axis=0))
    blank = np.full(shape[0], np.nan)
    named = "ANCOM-BC" if version == "ancombc" else "ANCOM-BC2 (fixed effects)"
    fits = ManyFits(
        estimate, error_, np.where(gone, np.nan, df), estimate / error_, p, np.zeros((shape[0], 0, 0)), blank, blank,
        np.zeros(shape[0], bool), notes, "scikit-bio, z" if version == "ancombc" else "scikit-bio, t",
    )  # fmt: skip
    about = f"{named}, {pseudocount:g} added to every count" if pseudocount else named
    made = told(used, matrix, fits, version, about, columns, confidence)
    return made.with_columns(pl.when(pl.col("df").is_finite()).then("df").alias("df"))


def structural_zeros(community: Community, column: str, lower_bound: bool = False) -> pl.DataFrame:
    """Return which taxa are absent from a whole group.

    Parameters
    ----------
    column : text column of the samples
    lower_bound : also call a taxon absent if its share of samples does not differ from 0 (for larger groups)

    Returns
    -------
    table with feature, group, samples, held (samples that hold it) and absent

    Raises
    ------
    InputError
        If the column has fewer than two groups.

    Notes
    -----
    Source: Kaul, Mandal, Davidov & Peddada 2017, doi 10.3389/fmicb.2017.02114, by scikit-bio.
    """
    import pandas
    from skbio.stats.composition import struc_zero

    if column not in community.samples.columns:
        raise InputError(f"samples have no column {column!r}", field=column)
    used = community.keep(community.samples[column].is_not_null().to_numpy())
    groups = used.samples[column].cast(pl.String)
    if groups.n_unique() < 2:
        raise InputError(f"{column!r} has {groups.n_unique()} groups", field=column, mend="Two are needed")
    index = [str(place) for place in range(len(used))]
    table = pandas.DataFrame(used.values, index=index, columns=used.names)
    with np.errstate(all="ignore"):
        found = struc_zero(table, pandas.DataFrame({"g": groups.to_list()}, index=index), "g", neg_lb=lower_bound)
    rows = []
    for group in groups.unique(maintain_order=True):
        here = used.values[(groups == group).to_numpy()] > 0
        absent = found[group].to_numpy(bool)
        rows.append(
            pl.DataFrame(
                {"feature": used.names, "group": group, "samples": len(here), "held": here.sum(axis=0),
                 "absent": absent}
            )
        )  # fmt: skip
    return pl.concat(rows)


def independent(community: Community, person: str) -> None:
    """Refuse samples of which several are of one person.

    Raises
    ------
    InputError
        With what to do instead.
    """
    if person and person in community.samples.columns:
        who = community.samples[person].drop_nulls()
        if who.n_unique() < len(who):
            raise InputError(
                f"{len(who)} samples of {who.n_unique()} people are not independent, and ANCOM-BC has no random effect",
                field=person, mend="Take one visit, or use LinDA with a random intercept of each person",
            )  # fmt: skip


def _as_frames(used: Community, matrix: ModelMatrix) -> "tuple[pandas.DataFrame, pandas.DataFrame, str]":  # type: ignore[name-defined]  # noqa: F821, UP037
    """Return counts, the columns of our own model matrix, and a formula of these: references stay as they are."""
    import pandas

    if matrix.columns[:1] != (INTERCEPT,):
        raise InputError(f"the formula {matrix.formula!r} has no intercept", mend="ANCOM-BC needs one")
    if len(matrix.columns) < 2:
        raise InputError("the formula has no term to test", mend="Name an arm or a covariate")
    index = [str(place) for place in range(len(used))]
    names = [f"x{place}" for place in range(1, len(matrix.columns))]
    frame = pandas.DataFrame(matrix.values[:, 1:], index=index, columns=names)
    return pandas.DataFrame(used.values, index=index, columns=used.names), frame, " + ".join(names)
