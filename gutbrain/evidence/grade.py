"""Certainty of a published finding, computed from what its authors did.

Rules after GRADE: start from the design, subtract for what weakens a finding, add for what strengthens it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gutbrain.errors import InputError
from gutbrain.evidence.claims import GRADE_WORDS, base_grade

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
WORDS = {"A": "high", "B": "moderate", "C": "low", "D": "very low", "E": "hypothesis only"}
# From the surest. Letters say how sure a finding is, grades where a number of the model comes from.
ORDER = ("structure", "A", "measured", "B", "published-model", "derived", "C", "fitted", "recalled", "D", "E",
         "assumed")  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step of a certainty: why, and the points that it adds (negative = subtracts)."""

    why: str
    points: float


def steps(
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
) -> list[Step]:
    """Return the steps that lead to a certainty; their points add up to `points`.

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
    differ = i_squared is not None and i_squared > 75
    few, under_50 = n is not None and n < 25, n is not None and n < 50
    found = [Step(f"starts as {design}", START[design]), Step("risk of bias", -risk_of_bias)]
    if across_zero or differ:
        why = "prediction interval reaches across 0" if across_zero else f"studies differ (I2 {i_squared:g} %)"
        found.append(Step(why, -0.5))
    if few or under_50 or wide_interval:
        why = f"{n} persons" if under_50 else "wide interval"
        found.append(Step(why, -1.0 if few else -0.5))
    found += [
        Step("surrogate outcome or another population", -0.5 * indirect),
        Step("small studies, or one laboratory", -0.5 * small_studies),
        Step("no comparator", -0.5 * no_comparator),
        Step("something else was done as well", -1.0 * co_intervention),
        Step("more of it, more effect", 0.5 * dose_response),
        Step("the mechanism was blocked in people", 0.5 * knock_out),
        Step("seen again independently", 0.5 * replicated),
    ]
    return [step for step in found if step.points]


def points(design: str, **fields: float | bool | None) -> float:
    """Return the certainty of a finding in points, from which the letter follows; fields as in `steps`."""
    reached = [step.points for step in steps(design, **fields)]  # type: ignore[arg-type]
    return float(sum(reached))


def certainty(design: str, **fields: float | bool | None) -> str:
    """Return the certainty of a finding as a letter, A (high) to E (hypothesis); fields as in `steps`."""
    reached = points(design, **fields)
    return next((letter for least, letter in LETTERS if reached >= least), "E")


def in_words(letter_or_grade: str) -> str:
    """Return a letter (`C`: low) or the grade of a number (`assumed`: assumed, no source) in words.

    Raises
    ------
    InputError
        If it is neither.
    """
    words = WORDS | GRADE_WORDS
    if base_grade(letter_or_grade) not in words:
        raise InputError(f"no certainty {letter_or_grade!r}", mend=f"Use one of: {', '.join(words)}")
    return words[base_grade(letter_or_grade)]


def lowest(letters_or_grades: Iterable[str]) -> str:
    """Return the least sure of letters and grades, by `ORDER`; nothing for none.

    Raises
    ------
    InputError
        If one is neither a letter nor a grade.
    """
    kept = [base_grade(one) for one in letters_or_grades]
    for one in kept:
        in_words(one)
    return max(kept, key=ORDER.index, default="")
