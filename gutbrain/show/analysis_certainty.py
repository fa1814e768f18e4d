"""What the numbers of one step of an analysis support, in words: its design, and what stands assumed behind them."""

from __future__ import annotations

import polars as pl

from gutbrain.analyse.analysis import Analysis
from gutbrain.analyse.persons.important_differences import important_differences
from gutbrain.analyse.step import Done, Step
from gutbrain.errors import InputError
from gutbrain.evidence.claims import UNSOURCED
from gutbrain.evidence.grade import in_words, lowest
from gutbrain.observe.forms import find
from gutbrain.show.certainty import DESCRIBED, MEANT, of_study

MEASURED, UNTESTED = "measured in these people", "nothing is tested"
OUTCOMES = ("outcome", "mediator", "source", "quantity")  # columns that name what was analysed
PLACED = frozenset(("groups", "modules"))
JUDGED = frozenset(("responders", "reliable_change"))  # by a threshold for single persons


def of_step(analysis: Analysis, step: Step, done: Done) -> str:
    """Return the lowest certainty of what a step shows, in words."""
    names = _analysed(analysis, step, done)
    assumed = []
    if step.kind == "mediation":
        assumed.append("the order of causes")
    if step.kind in PLACED or getattr(step, "distance", "") == "groups":
        assumed.append("what some of the taxa can do")
    if any(_is_score(name) for name in names):
        assumed.append(MEANT)
    shows = supports(analysis, step)
    if step.kind in JUDGED:
        planned = getattr(step, "threshold", 0.0)
        shows += f"; threshold {'as planned' if planned else _threshold(names)}"
    if assumed:
        measured = f"{in_words(UNSOURCED)}: {' and '.join(assumed)}; the rest is {MEASURED}, {shows}"
    else:
        measured = DESCRIBED if shows == UNTESTED else f"{MEASURED}, {shows}"
    return of_study(analysis.study, measured)


def of_all(analysis: Analysis) -> str:
    """Return the lowest certainty of everything that was tested, in words."""
    steps = [step for step in analysis.plan.step if step.name in analysis.done and len(_tests(analysis, step))]
    told = [of_step(analysis, step, analysis.done[step.name]) for step in steps]
    some = sum(words.startswith(in_words(UNSOURCED)) for words in told)
    assumed = f"{in_words(UNSOURCED)}, for part of {some} of {len(told)} steps; " if some else ""
    return of_study(analysis.study, f"{assumed}{MEASURED}: a small p shows no cause")


def _tests(analysis: Analysis, step: Step) -> pl.DataFrame:
    return analysis.tested.filter((pl.col("step") == step.name) & pl.col("p").is_not_null())


def supports(analysis: Analysis, step: Step) -> str:
    """Return what the design of a step lets its numbers say."""
    design = analysis.plan.design
    if _tests(analysis, step).is_empty():
        return UNTESTED
    if design.arm:
        if getattr(step, "randomised", False):
            return "in randomised groups"
        return "in groups that are not said to be random: an association"
    if len(design.visits) > 1:
        return "one group before and after: an association with time"
    return "an association: no cause is shown"


def _analysed(analysis: Analysis, step: Step, done: Done) -> set[str]:
    """Names of what a step analysed."""
    names = set(analysis.tested.filter(pl.col("step") == step.name)["what"].drop_nulls().to_list())
    for table in done.tables.values():
        for column in OUTCOMES:
            if table.schema.get(column) == pl.String:
                names |= set(table[column].drop_nulls().unique().to_list())
    return names


def _is_score(name: str) -> bool:
    form, dot, _ = name.partition(".")
    try:
        return bool(dot) and bool(find(form))
    except InputError:
        return False


def _threshold(names: set[str]) -> str:
    known = important_differences().filter(pl.col("quantity").is_in(list(names)))["grade"].to_list()
    return in_words(lowest(known)) if known else in_words(UNSOURCED)
