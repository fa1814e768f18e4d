"""Where the reliability of a measure comes from: the study itself, a source, or the plan."""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.analyse.persons.important_differences import RELIABILITIES, known, told
from gutbrain.analyse.persons.reliable_change import Noise, retest, study_reliability
from gutbrain.analyse.step import Given
from gutbrain.errors import InputError

RELIABILITY = ("auto", "alpha", "omega", "retest", "table")


def noise_of(given: Given, outcome: str, changed: pl.DataFrame, visit: str, which: str = "auto") -> Noise:
    """Return the noise of an outcome.

    Parameters
    ----------
    changed : person, arm, start and end
    visit : at which alpha and omega are taken
    which : "alpha" or "omega" of this study, "retest" correlation of the reference arm, "table" of sources, "auto"
        = alpha of this study, else the table, or a number

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
        reference = given.design.reference
        there = changed.drop_nulls("end")
        if reference and (there["arm"].cast(pl.String) == reference).any():
            there = there.filter(pl.col("arm").cast(pl.String) == reference)
        value, low, high = retest(there["start"].to_numpy(), there["end"].to_numpy())
        whose = f"of {reference}" if reference else "of all, treated or not"
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
