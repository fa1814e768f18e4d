"""Where the reliability of a measure comes from: the study itself, a source, or the plan."""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.analyse.persons.important_differences import RELIABILITIES, known, told
from gutbrain.analyse.persons.reliable_change import Noise, retest, study_reliability
from gutbrain.analyse.step import Given
from gutbrain.errors import InputError

RELIABILITY = ("auto", "alpha", "omega", "retest", "table")


def noise_of(
    given: Given, outcome: str, changed: pl.DataFrame, visit: str, which: str = "auto", reference: str = ""
) -> Noise:
    """Return the noise of an outcome.

    Parameters
    ----------
    changed : person, arm, start and end
    visit : at which alpha and omega are taken
    which : "alpha" or "omega" of this study, "retest" correlation of the reference arm, "table" of sources, "auto"
        = alpha of this study, else the table, or a number
    reference : arm of whose people the retest correlation is taken; empty: of all

    Raises
    ------
    InputError
        If none is found.
    """
    start = changed["start"].cast(pl.Float64).to_numpy()
    spread = float(np.std(start, ddof=1)) if len(start) > 1 else 0.0
    if which not in RELIABILITY:
        return Noise(float(which), spread, "given in the plan")
    if which == "retest":
        there = changed.drop_nulls("end")
        if one := reference in (arms := set(there["arm"].cast(pl.String))) and len(arms) > 1:
            there = there.filter(pl.col("arm").cast(pl.String) == reference)
        value, low, high = retest(there["start"].to_numpy(), there["end"].to_numpy(), given.design.confidence)
        whose = f"of {reference}" if one else "of all, treated or not"
        return Noise(value, spread, f"retest correlation {value:.2f} ({low:.2f} to {high:.2f}) {whose}")
    if which in ("auto", "alpha", "omega"):
        found = study_reliability(given.study, outcome, visit, "omega" if which == "omega" else "alpha")
        if found is not None:
            return Noise(found[0], spread, found[1])
        if which != "auto":
            raise InputError(
                f"{which} of this study cannot be had", mend="Take reliability = 'table', or give a number"
            )
    row = known(outcome, *RELIABILITIES)
    if row is None:
        raise InputError("no reliability is known", field="reliability", mend="Give a number, or retest")
    return Noise(float(str(row["value"])), spread, told(row))


def scaled(given: Given, outcome: str, row: dict[str, object]) -> float:
    """Return the value of a row of the table of sources on the scale on which the study was scored."""
    value = float(str(row["value"]))
    choices = [options.get("choice") for options in given.study.about.get("forms", {}).values()]
    # The table holds the scales of 0 to 100; the variant of 0 to 10 has a tenth of everything.
    return value / 10 if outcome == "ibs-sss.total" and "0 to 10" in choices else value
