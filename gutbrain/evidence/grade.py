"""Certainty of a published finding, computed from what its authors did.

Rules after GRADE: start from the design, subtract for what weakens a finding, add for what strengthens it.
"""

from __future__ import annotations

from gutbrain.errors import InputError

START = {
    "meta-analysis of trials": 4.0,
    "trial": 3.5,
    "experiment": 3.0,  # crossover or controlled
    "cohort": 2.0,
    "single arm": 2.0,
    "cross-section": 1.5,
    "case series": 1.0,
    "animal": 1.0,
}
LETTERS = ((3.5, "A"), (2.75, "B"), (2.0, "C"), (1.0, "D"))


def points(
    design: str,
    *,
    risk_of_bias: float = 0.0,
    i_squared: float | None = None,
    prediction_low: float | None = None,
    prediction_high: float | None = None,
    indirect: bool = False,
    n: int | None = None,
    wide_interval: bool = False,
    small_studies: bool = False,
    no_comparator: bool = False,
    co_intervention: bool = False,
    dose_response: bool = False,
    knock_out: bool = False,
    replicated: bool = False,
) -> float:
    """Return the certainty of a finding in points, from which the letter follows.

    Parameters
    ----------
    design : one of `START`
    risk_of_bias : points to subtract, 0 to 1
    i_squared : heterogeneity between studies, per cent
    prediction_low, prediction_high : 95 % prediction interval of a new study
    indirect : surrogate outcome or another population
    n : persons
    wide_interval : the interval leaves open what matters
    small_studies : small-study effects, or a single laboratory
    no_comparator, co_intervention : nothing to compare with; something inseparable was done as well
    dose_response, knock_out, replicated : graded effect; human mechanism blocked; seen again independently

    Raises
    ------
    InputError
        For a design that is not known, or a risk of bias outside 0 to 1.
    """
    if design not in START:
        raise InputError(f"no design {design!r}", field="design", mend=f"Use one of: {', '.join(START)}")
    if not 0 <= risk_of_bias <= 1:
        raise InputError(f"risk of bias {risk_of_bias} is not from 0 to 1", field="risk_of_bias")
    across_zero = prediction_low is not None and prediction_high is not None and prediction_low < 0 < prediction_high
    inconsistent = across_zero or (i_squared is not None and i_squared > 75)
    few = n is not None and n < 25
    imprecise = 1.0 if few else 0.5 * (wide_interval or (n is not None and n < 50))
    lost = risk_of_bias + imprecise + co_intervention
    lost += 0.5 * (inconsistent + indirect + small_studies + no_comparator)
    return START[design] - lost + 0.5 * (dose_response + knock_out + replicated)


def certainty(design: str, **fields: float | bool | None) -> str:
    """Return the certainty of a finding as a letter, A (high) to E (hypothesis); fields as in `points`."""
    reached = points(design, **fields)  # type: ignore[arg-type]
    return next((letter for least, letter in LETTERS if reached >= least), "E")
