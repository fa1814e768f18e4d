"""Outcomes by name: what a study measured, and what is computed from the community of a sample."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from gutbrain.analyse.community import Community
from gutbrain.analyse.step import Given
from gutbrain.errors import InputError

KEYS = ("person", "visit", "day")
SAFETY = ".safety"  # an item on self-harm is told to the study team and is no outcome


def outcome_of(given: Given, name: str) -> pl.DataFrame:
    """Return one outcome, one row a person and visit (or day, where there are no visits).

    Parameters
    ----------
    name : a quantity of the study, such as `pss-10.total`; or one of
        `diversity: shannon` - an index of `gutbrain.analyse.communities.diversity`
        `share: Akkermansia` - per cent of the sample
        `clr: Akkermansia` - centred log-ratio to base 2
        `balance: A, B / C, D` - isometric log-ratio of the first taxa to the others
        `group: butyrate_makers` - a quantity of `gutbrain.analyse.function.groups`

    Returns
    -------
    table with person, visit, day, value, unit, and the covariates, factors in the order of the design; of several
    samples of one visit the median stands

    Raises
    ------
    InputError
        For an outcome, taxon, index or group that is not known; what is near is named.

    Notes
    -----
    What was not seen is replaced by 0.65 of the smallest amount of its sample before logarithms are taken.
    Source of balances: Egozcue & Pawlowsky-Glahn 2005, doi 10.1007/s11004-005-7381-9.
    """
    kind, colon, rest = name.partition(":")
    if not colon or kind.strip() not in COMPUTED:
        return given.outcome(name)
    community = given.community()
    values, unit = COMPUTED[kind.strip()](community, rest.strip())
    table = community.samples.with_columns(pl.Series("value", values, pl.Float64()), pl.lit(unit).alias("unit"))
    table = table.filter(pl.col("value").is_finite() & pl.col("person").is_not_null())
    if table.is_empty():
        raise InputError(f"{name!r} has a value in no sample of a known person", file="samples")
    return one_a_visit(table.drop("sample"))


def one_a_visit(table: pl.DataFrame) -> pl.DataFrame:
    """Return the median of the values of each person and visit, or person and day where no visit is named."""
    apart = pl.when(pl.col("visit").is_null()).then(pl.col("day")).alias("occasion")
    others = [name for name in table.columns if name not in (*KEYS, "value", "unit")]
    made = table.with_columns(apart).group_by("person", "visit", "occasion", "unit", maintain_order=True)
    columns = [pl.col("day").median(), pl.col("value").median(), *(pl.col(name).first() for name in others)]
    return made.agg(columns).select(*KEYS, "value", "unit", *others)


def of_one_unit(table: pl.DataFrame) -> tuple[pl.DataFrame, str, list[str]]:
    """Return the rows in the unit of most rows, that unit, and the units that were left out."""
    units = table["unit"].fill_null("").value_counts(sort=True).sort("count", "unit", descending=[True, False])["unit"]
    unit = str(units[0]) if len(units) else ""
    return table.filter(pl.col("unit").fill_null("") == unit), unit, [str(other) for other in units[1:]]


def censored(given: Given, name: str) -> int:
    """Return how many readings of an outcome lie beyond the limit of their assay and stand at it."""
    return len(given.study.readings.filter((pl.col("quantity") == name) & pl.col("limit").is_not_null()))


def known_outcomes(given: Given, wanted: Sequence[str]) -> list[str]:
    """Return names, with "*" (or nothing at all) standing for all quantities of the study but items on self-harm."""
    everything: list[str] = given.outcomes["quantity"].unique(maintain_order=True).sort().to_list()
    everything = [name for name in everything if not name.endswith(SAFETY)]
    names = [name for name in wanted if name]
    if not names or "*" in names:
        return list(dict.fromkeys([*everything, *(name for name in names if name != "*")]))
    return list(dict.fromkeys(names))


def taxon(community: Community, name: str) -> int:
    """Return the place of a taxon, by its feature or its name whatever the letters' case.

    Raises
    ------
    InputError
        If there is none or several.
    """
    features = community.features
    exact = [place for place, feature in enumerate(community.names) if feature == name]
    if exact:
        return exact[0]
    called = features["name"].fill_null("").to_list()
    both = zip(community.names, called, strict=True)
    found = [place for place, pair in enumerate(both) if name.lower() in (pair[0].lower(), pair[1].lower())]
    if len(found) == 1:
        return found[0]
    if found:
        which = ", ".join(community.names[place] for place in found[:5])
        raise InputError(f"several taxa are called {name!r}", file="features", mend=f"Say which: {which}")
    known = [text for text in dict.fromkeys([*community.names, *called]) if text]
    near = difflib.get_close_matches(name, known, 5, 0.5) or known[:5]
    raise InputError(f"the study has no taxon {name!r}", file="features", mend=f"Near are {', '.join(near)}")


def _diversity(community: Community, index: str) -> tuple[np.ndarray, str]:
    from gutbrain.analyse.communities.diversity import alpha

    made = alpha(community, [index])
    return made["value"].fill_null(np.nan).to_numpy(), str(made["unit"][0])


def _share(community: Community, name: str) -> tuple[np.ndarray, str]:
    return 100 * community.shares()[:, taxon(community, name)], "percent"


def _ratio(community: Community, name: str) -> tuple[np.ndarray, str]:
    from gutbrain.analyse.models.effects import log_ratios

    place = taxon(community, name)
    if not (community.values[:, place] > 0).any():
        raise InputError(f"{name!r} occurs in no sample", file="abundances")
    return log_ratios(community.values)[:, place], "log2 ratio"


def _balance(community: Community, text: str) -> tuple[np.ndarray, str]:
    from gutbrain.analyse.models.effects import log_ratios

    sides = [[part.strip() for part in side.split(",") if part.strip()] for side in text.split("/")]
    if len(sides) != 2 or not all(sides):
        what = f"the balance {text!r} has no two sides"
        raise InputError(what, field="outcomes", mend="Write it like balance: A, B / C, D")
    above, below = ([taxon(community, name) for name in side] for side in sides)
    if set(above) & set(below):
        raise InputError(f"the balance {text!r} has a taxon on both sides", field="outcomes")
    logs = log_ratios(community.values) * np.log(2)
    factor = np.sqrt(len(above) * len(below) / (len(above) + len(below)))
    return factor * (logs[:, above].mean(axis=1) - logs[:, below].mean(axis=1)), "balance"


def _group(community: Community, name: str) -> tuple[np.ndarray, str]:
    from gutbrain.analyse.function.groups import group_shares

    table = group_shares(community)
    rows = table.filter(pl.col("quantity") == name)
    if rows.is_empty():
        known = table["quantity"].unique(maintain_order=True).to_list()
        raise InputError(f"there is no group {name!r}", field="outcomes", mend=f"Known are {', '.join(known)}")
    order = community.samples.select("sample").join(rows, on="sample", how="left", maintain_order="left")
    return order["value"].fill_null(np.nan).to_numpy(), str(rows["unit"][0])


COMPUTED: dict[str, Callable[[Community, str], tuple[np.ndarray, str]]] = {
    "diversity": _diversity, "share": _share, "clr": _ratio, "balance": _balance, "group": _group,
}  # fmt: skip
