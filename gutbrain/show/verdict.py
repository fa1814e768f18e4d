"""The verdict of a trial in plain sentences: what the run says, beside what was published, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from typing import TYPE_CHECKING, Any

import polars as pl

from gutbrain.errors import InputError
from gutbrain.run.explain import REST
from gutbrain.show.plots import published_change
from gutbrain.show.words import difference_unit, many, number, signal_name

if TYPE_CHECKING:
    from gutbrain.evidence.findings import Finding
    from gutbrain.run.result import Result

NARROW = 1e-3  # of its larger end: an interval less wide is a point
FEW_WORLDS = 40  # below it the 5 and 95 % ends of a belief interval rest on two worlds or fewer
NO_ADVICE = (
    "A simulation shows what its assumptions imply. It is no evidence that a programme works, "
    "and no advice for anybody's care."
)


def published_interval(finding: Finding) -> dict[str, Any]:
    """Return a published finding as the interval that verdict and figures print."""
    if finding.centre is None or finding.low is None or finding.high is None:
        raise InputError(f"the finding {finding.id!r} prints no interval", mend="Choose one with low and high.")
    label = f"{finding.outcome[:1].upper()}{finding.outcome[1:]}: {finding.exposure}, against {finding.comparator}"
    numbers = {"low": finding.low, "high": finding.high, "centre": finding.centre, "direction": "change"}
    return {"label": label, "source": finding.source, "interval": "95 %", **numbers}


def main_visit(result: Result, effect_table: pl.DataFrame) -> int:
    """Return the last visit that still lies within the course, else the last visit."""
    visits = sorted(visit for visit in effect_table["visit"].unique() if visit > 0)
    within = [visit for visit in visits if visit <= result.trial.course_days + 1]
    return (within or visits or [0])[-1]


def main_row(
    result: Result, effect_table: pl.DataFrame, outcome: str, arm: str | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the rows of the main arm and of the comparator for an outcome at the main visit.

    Raises
    ------
    InputError
        If the table holds no such outcome or only the comparator.
    """
    table = effect_table.filter(pl.col("signal") == outcome, pl.col("visit") == main_visit(result, effect_table))
    if table.is_empty():
        raise InputError(f"the effect table holds no {outcome!r}", mend="Tabulate the outcome of the verdict.")
    against = table["comparator"][0]
    arms = [name for name in result.arms if name != against]
    if not arms or (arm is not None and arm not in arms):
        raise InputError(f"no arm {arm or 'besides the comparator'!r}", mend=f"The arms are {', '.join(result.arms)}.")
    mine, other = (table.filter(pl.col("arm") == name).row(0, named=True) for name in (arm or arms[0], against))
    return mine, other


def verdict(
    result: Result,
    effect_table: pl.DataFrame,
    outcome: str,
    published: Mapping[str, Any] | None = None,
    paths: pl.DataFrame | None = None,
    arm: str | None = None,
) -> list[str]:
    """Return the verdict, one sentence or two in each paragraph.

    Parameters
    ----------
    effect_table : of `gutbrain.show.effects.effects`
    published : label, low, high, centre, source, direction and `interval` (such as "95 %")
    paths : path, effect, share, weakest_grade, edges
    """
    mine, other = main_row(result, effect_table, outcome, arm)
    if mine["effect"] is None or other["change"] is None:
        return [f"Nobody was left on day {mine['visit']}, so the run says nothing about it.", NO_ADVICE]
    said = [_difference(mine, other), _spreads(mine, other)]
    if not _has_course(result, mine["comparator"]):
        said.append(
            f"“{mine['comparator']}” gives no contact, group or credibility, so this difference includes the "
            "non-specific part of a course."
        )
    if published is not None:
        said.append(_beside(result, mine, published))
    if paths is not None and not paths.is_empty():
        said.append(assumed_share(paths))
    return [*said, NO_ADVICE]


def assumed_share(paths: pl.DataFrame) -> str:
    """Say how much of the summed size of path effects ran through an arrow without a source."""
    # What paths have in common belongs to none of them.
    sizes = paths.filter(pl.col("path") != REST).with_columns(pl.col("effect").abs().alias("size"))
    whole = float(sizes["size"].sum())
    if not whole:
        return "No path carried an effect."
    part = float(sizes.filter(pl.col("weakest_grade").str.starts_with("assumed"))["size"].sum())
    return (
        f"{100 * part / whole:.0f} % of the effect, by the summed size of all paths, ran through at least one arrow "
        "whose strength is assumed: no source states it."
    )


def interval(low: float | None, high: float | None, like: float | None = None) -> str:
    """Return an interval in words, two digits of the larger end or as many as for `like`; a dash if there is none."""
    if low is None or high is None:
        return "–"
    larger = max(abs(low), abs(high))
    like = larger if like is None else like
    if high - low > NARROW * larger and alike(low, like) == alike(high, like):
        like = high - low  # narrower than its last digit
    return f"{alike(low, like)} to {alike(high, like)}"


def alike(value: float | None, like: float | None) -> str:
    """Return a number with the decimals that give `like` two digits; a dash if there is none."""
    if value is None:
        return "–"
    decimals = min(8, max(0, 1 - floor(log10(abs(like))))) if like else 0
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def _difference(mine: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    unit = difference_unit(mine["signal"], mine["unit"])
    name = signal_name(mine["signal"])
    name = name[0].lower() + name[1:]
    scale = abs(mine["sd"] or mine["effect"])
    moves = [f"{_moved(row['change'], scale, unit)} in “{row['arm']}”" for row in (mine, other)]
    way = "lower" if mine["effect"] < 0 else "higher"
    text = (
        f"In this simulation {name} {moves[0]} and {moves[1]} between day 0 and day {mine['visit']}: "
        f"a difference of {number(mine['effect'])} {unit}"
    )
    if mine["effect_sd"] is None:
        return text + ". On day 0 people do not differ in this signal, so it has no effect in SD."
    return text + (
        f", or {number(abs(mine['effect_sd']))} SD {way} than in “{mine['comparator']}” "
        f"(1 SD between people on day 0: {number(mine['sd'])} {unit})."
    )


def _moved(change: float, scale: float, unit: str) -> str:
    if abs(change) <= 1e-3 * scale:
        return "did not move"
    return f"{'fell' if change < 0 else 'rose'} by {number(abs(change))} {unit}"


def _spreads(mine: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    end, unit = ("_sd", "SD") if mine["effect_sd"] is not None else ("", difference_unit(mine["signal"], mine["unit"]))
    worlds = mine["worlds"]
    low, high = mine[f"belief{end}_low"], mine[f"belief{end}_high"]
    if low is None:
        text = "Only one world was run, so nothing is known of how much the answer hangs on what nobody knows."
    else:
        text = f"Belief: over {worlds} worlds that differ in what nobody knows, "
        text += f"90 % of effects lie at {interval(low, high)} {unit}"
        text += f"; {worlds} worlds are too few to trust the ends." if worlds < FEW_WORLDS else "."
    low, high = mine[f"sampling{end}_low"], mine[f"sampling{end}_high"]
    if low is None:
        return text
    people = [many(row["present"] / worlds) for row in (mine, other)]
    return text + (
        f" Sampling: with {people[0]} and {people[1]} people left in the two arms, 90 % of trials of this size would "
        f"fall at about {interval(low, high)} {unit}; instruments would add error of their own."
    )


def _beside(result: Result, mine: Mapping[str, Any], published: Mapping[str, Any]) -> str:
    low, centre, high = published_change(published)
    of = f", {published['interval']} interval" if published.get("interval") else ""
    text = (
        f"Published for comparison: {published['label']}: {number(centre)} SD "
        f"({interval(low, high)}{of}; {published['source']})."
    )
    value = mine["effect_sd"]
    if value is not None:
        text += f" The simulated effect lies {'inside' if low <= value <= high else 'outside'} this interval."
    keys = set(str(published["source"]).split())
    axis = result.cohort.axis
    fitted = [p for p in axis.parameters.values() if p.grade.startswith("fitted") and keys & set(p.source.split())]
    if fitted:
        text += f" {len(fitted)} parameters were fitted to this very source, so agreement with it tests nothing."
    return text


def _has_course(result: Result, arm: str) -> bool:
    acts = next(protocol.acts for protocol in result.trial.arms if protocol.name == arm)
    return any(act.lever == "protocol.nonspecific_target" and act.dose for act in acts)
