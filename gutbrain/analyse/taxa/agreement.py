"""Whether a finding holds over defensible choices of model, zero handling and normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gutbrain.analyse.community import Community
from gutbrain.analyse.taxa.ancom import VERSIONS, ancom
from gutbrain.analyse.taxa.linda import linda
from gutbrain.analyse.taxa.taxon_models import SIGNIFICANT, presence_models, taxon_models
from gutbrain.analyse.taxa.zeros import CHOICES, core_features, fitting
from gutbrain.errors import InputError

LEADING = "linda"
PRESENCE = "presence"  # another question than how much: told, but no part of the agreement
MOST = 2 / 3  # of the choices must find it, none the opposite
ROBUST, DEPENDS, NOT_FOUND = "robust", "depends on the choice", "not found"
AGREEMENT = (
    "feature", "term", "choices", "significant", "same_sign", "estimate_low", "estimate_high", "verdict"
)  # fmt: skip


def known_choices() -> list[str]:
    """Return the names of all choices."""
    return [LEADING, *CHOICES, *VERSIONS, PRESENCE]


def usual_choices(community: Community, repeated: bool) -> list[str]:
    """Return choices that suit a community: at least one for each way to handle zeros and each scale."""
    absent = bool((community.values == 0).any())
    if community.counted and absent:
        made = [LEADING, "clr_half", "clr_one", "clr_multiplicative", "log_share", "median_ratio"]
    else:  # without zeros the ways to replace them are one
        made = [LEADING, *(["clr_multiplicative", "clr_feature"] if absent else ["clr_smallest"]), "log_share",
                "median_ratio"]  # fmt: skip
    try:
        core_features(community.values)
        made.append("core_ratio")
    except InputError:
        pass
    return made + (["ancombc"] if community.counted and not repeated else [])


def all_choices(
    community: Community, formula: str, choices: Sequence[str], person: str = "", columns: Sequence[str] = (),
    confidence: float = 0.95,
) -> tuple[pl.DataFrame, dict[str, str]]:  # fmt: skip
    """Fit the same model by several choices.

    Parameters
    ----------
    choices : of `known_choices`
    person : column that groups repeated samples; empty for linear models

    Returns
    -------
    tests : table `taxon_models.TAXA` of all choices
    refused : what could not be done, and why, by choice

    Raises
    ------
    InputError
        For an unknown choice.
    """
    tables, refused = [], {}
    for choice in dict.fromkeys(choices):
        if choice not in known_choices():
            raise InputError(f"{choice!r} is no choice", field="choices", mend=f"Known: {', '.join(known_choices())}")
        try:
            if choice == LEADING:
                tables.append(linda(community, formula, person, columns=columns, confidence=confidence).table)
            elif choice in VERSIONS:
                tables.append(ancom(community, formula, version=choice, columns=columns, confidence=confidence))
            elif choice == PRESENCE:
                if person:
                    raise InputError("the model of presence has no random effect", mend="Test one visit")
                tables.append(presence_models(community, formula, columns, confidence))
            elif choice not in fitting(community.counted):
                raise InputError(f"it needs counts, the unit is {community.unit!r}")
            else:
                tables.append(taxon_models(community, formula, choice, person, columns, confidence))
        except InputError as error:
            refused[choice] = str(error)
    if not tables:
        raise InputError("no choice could be done: " + "; ".join(f"{name}: {why}" for name, why in refused.items()))
    return pl.concat(tables), refused


def agreement(tests: pl.DataFrame) -> pl.DataFrame:
    """Return what several choices say of each taxon and term together.

    Parameters
    ----------
    tests : table with feature, term, choice, estimate and q

    Returns
    -------
    table with feature, term, choices (that tested it), significant (of them with q < 0.05), same_sign (share of the
    choices whose estimate has the commoner sign), estimate_low, estimate_high (over choices) and verdict

    Notes
    -----
    Verdict: robust if at least two thirds of the choices find it (q < 0.05) with one sign and no choice finds it with
    the other; not found if no choice finds it; else it depends on the choice. A taxon that one choice alone could test
    is never robust. Presence is another question and is left out.
    """
    told = tests.filter((pl.col("choice") != PRESENCE) & pl.col("estimate").is_not_null() & pl.col("q").is_not_null())
    found, up = pl.col("q") < SIGNIFICANT, pl.col("estimate") > 0
    made = told.group_by("feature", "term", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("choices"),
        found.sum().cast(pl.Int64).alias("significant"),
        pl.max_horizontal(up.mean(), (pl.col("estimate") < 0).mean()).alias("same_sign"),
        pl.col("estimate").min().alias("estimate_low"),
        pl.col("estimate").max().alias("estimate_high"),
        (found & up).sum().alias("raised"),
        (found & ~up).sum().alias("lowered"),
    )
    enough = pl.col("significant") >= MOST * pl.col("choices") - 1e-9
    one_sign = (pl.col("raised") == 0) | (pl.col("lowered") == 0)
    verdict = (
        pl.when(pl.col("significant") == 0)
        .then(pl.lit(NOT_FOUND))
        .when(enough & one_sign & (pl.col("choices") > 1))
        .then(pl.lit(ROBUST))
        .otherwise(pl.lit(DEPENDS))
    )
    return made.with_columns(verdict.alias("verdict")).select(AGREEMENT)
