"""How sure a figure or table can be, in words: the line below it.

A simulated number is no surer than the lowest grade on its way; of measured ones the line tells what they support.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gutbrain.evidence.claims import UNSOURCED
from gutbrain.evidence.grade import ORDER, in_words, lowest

if TYPE_CHECKING:
    from gutbrain.fit.coupling.coupled import Coupled
    from gutbrain.run.result import Result
    from gutbrain.study.study import Study

WRITTEN = "as recorded; nothing is estimated"
DESCRIBED = "measured in these people; nothing is tested"
MEANT = "that a score means what its name says"
NO_MEASUREMENT = "a simulation, no measurement"


def of_grades(grades: Iterable[str]) -> str:
    """Return the lowest of grades in words; without any nothing is known."""
    return in_words(lowest(grades) or UNSOURCED)


def of_signals(result: Result, signals: Iterable[str]) -> str:
    """Return the lowest certainty between the acts of all arms and some signals of a run, in words."""
    from gutbrain.run.certainty import lowest_of

    return in_words(lowest_of(result, [one for one in dict.fromkeys(signals) if one in result.cohort.axis.columns]))


def of_key(grades: Iterable[str]) -> str:
    """Return the lowest grade of the scoring key of a questionnaire in words."""
    least = lowest(grades)
    return "scoring key as published" if least == "published-model" else f"scoring key {in_words(least)}"


def of_scores(grades: Iterable[str]) -> str:
    """Return how sure a score is; the grades are those of its key."""
    return f"{in_words(UNSOURCED)}: {MEANT}; the answers are measured, {of_key(grades)}"


def of_study(study: Study, measured: str) -> str:
    """Return the words for a measured study; those for a simulated one are the certainty of its simulation."""
    if study.origin != "simulated":
        return measured
    grade = str(study.about.get("certainty"))
    return f"{in_words(grade if grade in ORDER else UNSOURCED)}; {NO_MEASUREMENT}"


def of_coupling(made: Coupled) -> str:
    """Return how sure a coupling of measured people can be."""
    if not made.fitted.converged:
        return "none: the fit did not converge"
    prior = " and the prior" if made.fitted.prior is not None else ""
    return f"{in_words(UNSOURCED)}: the form of the model{prior}; measured: who was ahead in time, no proof of a cause"
