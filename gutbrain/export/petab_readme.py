"""What a fitting problem says of itself, in words: what is fitted, what that can and cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gutbrain.export.petab import Problem
    from gutbrain.plan import Plan


def readme(
    title: str, plan: Plan, count: Problem, unsourced: int, certainty: str,
    measured: Sequence[tuple[str, str]], warm_up: int, assumed_error: float,
) -> str:  # fmt: skip
    """Return the README of a problem.

    Parameters
    ----------
    unsourced : parameters without a source
    certainty : lowest certainty of the parameters, in words
    measured : signals with the measure whose error they carry (empty: none)
    warm_up : days before day 0
    assumed_error : share of the value that a reading errs by without an instrument
    """
    none = f"no instrument reads it in this run: {assumed_error:.0%} of the value, assumed: no source"
    noise = "- Daily events and noise of mood are random in the run and their mean here.\n" if plan.noise else ""
    arms = ", ".join(f"`{arm.name}`" for arm in plan.arm)
    errors = "\n".join(f"- {signal}: {f'error of the measure {measure!r}' if measure else none}"
                       for signal, measure in measured)  # fmt: skip
    left = "\n".join(f"- left out: {line}" for line in count.said)
    return f"""# {title}

A fitting problem in PEtab v2; `problem.yaml` names its files. Days count from midnight of day 0.

- {count.experiments} experiments, the arms {arms}; {count.measurements} measurements; {count.parameters} parameters to
  estimate, each with its belief as prior.
- The data are simulated: means of the people of one arm, at the visits, in the first world of the run. Nothing that is
  fitted to them says anything about people; it says what such a study could tell about the model.
- {certainty.replace("this table", "the parameters").replace(" rows)", " parameters)")} {unsourced} of the
  {count.parameters} parameters have no source. The column `certainty` of `parameters.tsv` says it of each.
- No medical advice.

## What is measured

The mean of the day of each outcome, taken over the people who are still in the trial. Its error is the standard error
of that mean, together with the error of one reading of the instrument, divided by the number of people:
{errors}
{left}

## What the problem simplifies

- One typical person stands for an arm. `offset_...` is what the mean of people may differ by from him; it is the same
  in all arms and at all visits, and has one standard deviation of people as its prior.
- The same people come to every visit, so their errors go together; PEtab takes measurements as independent, and what
  is fitted will look surer than it is.
- Doses are kept as people keep them on average, and the data leave out who dropped out.
{noise}- Parameters that are each person's own rest (see `settled` in the model) stay at those of the typical
  person, and the start is his. {warm_up} days before day 0 let what a changed parameter moves find its rest; slow
  states (glands, richness) need longer, so estimates that move them are biased towards their nominal value.
- Levers change at the steps of the run ({plan.step_minutes:g} minutes), as they do there.
- At each `midnight` the mean of the day that ended is kept (`seen_...`) and a new one begins (`today_...`): a
  measurement of day d stands at time d + 1. Tools must apply condition changes to rate-rule targets.
- The model is stiff: take an implicit solver.
"""
