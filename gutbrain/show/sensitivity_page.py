"""The page of a sensitivity analysis: what the spread of an outcome rests on, and what would narrow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gutbrain.evidence.grade import lowest
from gutbrain.fit.sensitivity.sobol import BOTH, WITH, WITHOUT
from gutbrain.fit.sensitivity.weighed import Sensitivity
from gutbrain.show.page import Figure, Items, Report, Section, Table, Text, Verbatim
from gutbrain.show.sensitivity_figures import measurement_plot, morris_plot, shares_plot, signals_plot, sobol_plot
from gutbrain.show.sensitivity_words import (
    belief_said,
    effect_said,
    grade_said,
    outcome_said,
    percent,
    span,
    to_measure,
    with_span,
)
from gutbrain.show.verdict import NO_ADVICE
from gutbrain.show.words import difference_unit, signal_name, unit_name

TOP = 10  # rows of a table that is not folded
UNCLEAR = 0.1  # half the width of an interval, as a share, from which the order of two is open


def sensitivity_report(found: Sensitivity, title: str, plan_text: str, footer: str) -> Report:
    """Return the page.

    Parameters
    ----------
    title : of the plan
    plan_text : the plan as TOML with every default
    footer : command, versions and seed
    """
    what = f"level in {found.arm}" if found.level else f"effect of {found.arm} against {found.comparator}"
    verdict = [sentence for name in found.asked for sentence in sentences(found, name)] + [NO_ADVICE]
    sections = [_outcomes(found)]
    for name in found.asked:
        sections += [_hangs_on(found, name), _measure(found, name)]
    sections += [_method(found, what), Section("The plan", [Verbatim(plan_text, "Plan with every default")])]
    subtitle = f"{title}. The {what}, mean of the week to day {found.day}, for the typical person."
    sure = grade_said(lowest(found.outcomes["weakest_grade"]))
    return Report("What the answer hangs on", subtitle, verdict, sections, footer, certainty=sure)


def sentences(found: Sensitivity, outcome: str) -> list[str]:
    """Return what was found for one outcome, in a few sentences, the share without a source first."""
    parts = {row["part"]: row for row in found.shares.filter(outcome=outcome).iter_rows(named=True)}
    without, both, alone = (parts[name] for name in (WITHOUT, BOTH, WITH))
    first = found.measurements.filter(outcome=outcome).row(0, named=True)
    said = [
        f"{signal_name(outcome)}: {with_span(without['share'], without['low'], without['high'])} of the variance "
        f"between draws comes from numbers without a source alone, {percent(alone['share'])} from sourced numbers "
        f"alone, and {percent(both['share'])} from both together (95 % intervals in brackets).",
        f"The single measurement that would shrink it most is that of {first['parameter']} "
        f"({first['about'] or first['kind']}; {grade_said(first['grade'])}): known exactly, "
        f"{with_span(first['exactly'], first['exactly_low'], first['exactly_high'])} of the variance would go on "
        f"average; a study that makes the belief half as wide would take about {percent(first['halved'])}."
        + _close_second(found.measurements.filter(outcome=outcome)),
    ]
    best = _best_signal(found, outcome)
    if best is not None:
        said.append(
            f"Of what could be measured in people, {outcome_said(best['signal'])} ({best['when']}) goes along with it "
            f"most: a reading without error would tell "
            f"{with_span(best['linear'], best['linear_low'], best['linear_high'])} of the variance."
        )
    return said


def _close_second(table: pl.DataFrame) -> str:
    if table.height < 2:
        return ""
    first, second = table.row(0, named=True), table.row(1, named=True)
    if second["exactly_high"] < first["exactly"]:
        return ""
    return f" The draws do not tell it apart from {second['parameter']} ({percent(second['exactly'])})."


def _best_signal(found: Sensitivity, outcome: str) -> dict[str, Any] | None:
    table = found.read_outs.filter(~pl.col("restates"), outcome=outcome)
    return table.row(0, named=True) if table.height else None


def _lowest(found: Sensitivity, outcome: str) -> str:
    grade = str(found.outcomes.filter(outcome=outcome)["weakest_grade"][0])
    return grade_said(grade)


def _outcomes(found: Sensitivity) -> Section:
    order = [name for name in found.outcomes["outcome"] if name not in found.still]
    rows = []
    for row in found.outcomes.filter("varies").iter_rows(named=True):
        parts = {one["part"]: one for one in found.shares.filter(outcome=row["outcome"]).iter_rows(named=True)}
        rows.append({
            "outcome": signal_name(row["outcome"]), "value": effect_said(row, found.level),
            **{name: with_span(*(parts[part][key] for key in ("share", "low", "high")))
               for name, part in (("without", WITHOUT), ("both", BOTH), ("with", WITH))},
            "grade": grade_said(row["weakest_grade"]),
        })  # fmt: skip
    headings = {"outcome": "Outcome", "value": "Mean (5 to 95 % of draws)", "without": "Without a source alone",
                "both": "Both together", "with": "Sourced alone", "grade": "Lowest certainty"}  # fmt: skip
    caption = (
        "Share of the variance between draws that comes from numbers whose grade is assumed or recalled (no source "
        "that was checked), from the others, and from both together. Shares of groups, not sums of single indices; "
        "bars are drawn to add up to 100 %."
    )
    blocks: list[Any] = [
        Figure(shares_plot(found.shares, order), caption, "shares with and without a source"),
        Table(pl.DataFrame(rows), "Shares of variance by group (95 % interval by bootstrap)", headings,
              frozenset(("value", "without", "both", "with"))),
    ]  # fmt: skip
    if found.still:
        names = ", ".join(signal_name(name) for name in found.still)
        blocks.append(Text(f"The same in every draw, so without a variance to share out: {names}.", note=True))
    return Section("Known and unknown ground", blocks)


def _hangs_on(found: Sensitivity, outcome: str) -> Section:
    unit = found.outcomes.filter(outcome=outcome)["unit"][0]
    unit = (unit_name if found.level else difference_unit)(outcome, unit)
    morris, sobol = found.morris.filter(outcome=outcome), found.sobol.filter(outcome=outcome)
    rows = pl.DataFrame(
        {
            "parameter": sobol["parameter"],
            "about": sobol["about"],
            "first": _spans(sobol, "first"),
            "total": _spans(sobol, "total"),
            "grade": [grade_said(grade) for grade in sobol["grade"]],
            "source": ["–" if one == "assumed" else one for one in sobol["source"]],
        }
    )
    headings = {"parameter": "Unknown", "about": "What it is", "first": "Alone", "total": "With interactions",
                "grade": "Certainty", "source": "Source"}  # fmt: skip
    said = _explained(sobol)
    return Section(
        f"What it hangs on: {outcome_said(outcome)}",
        [
            Figure(
                sobol_plot(sobol),
                "Sobol indices of the unknowns that Morris kept, with 95 % intervals. " + said,
                f"sobol {outcome}",
            ),
            Table(rows, "Share of the whole variance that comes from one unknown (95 % interval)", headings,
                  frozenset(("first", "total"))),
            Figure(
                morris_plot(morris, unit),
                "Screening of all unknowns. To the right: moves the outcome more. Above the dotted line: its effect "
                "depends mostly on the others, or bends.",
                f"morris {outcome}",
            ),
            _screening(morris, unit),
        ],
        _lowest(found, outcome),
    )  # fmt: skip


def _explained(sobol: pl.DataFrame) -> str:
    alone = float(sobol["first"].sum())
    return (
        f"Alone they add up to {percent(alone)}; the rest is interactions, and the unknowns that were screened out."
        if alone < 0.98
        else "Alone they add up to nearly all of the variance: interactions hardly matter."
    )


def _screening(morris: pl.DataFrame, unit: str) -> Table:
    frame = morris.select(
        "parameter", "about", "mu_star", "mu_star_low", "mu_star_high", "mu", "sigma",
        pl.col("grade").map_elements(grade_said, return_dtype=pl.String),
        pl.when("kept").then(pl.lit("kept")).otherwise(pl.lit("")).alias("kept"),
    )  # fmt: skip
    headings = {"parameter": "Unknown", "about": "What it is", "mu_star": f"μ* ({unit})", "mu_star_low": "95 % from",
                "mu_star_high": "to", "mu": "μ", "sigma": "σ", "grade": "Certainty", "kept": ""}  # fmt: skip
    return Table(frame, f"Screening of all {frame.height} unknowns", headings, folded=True)


def _spans(table: pl.DataFrame, key: str) -> list[str]:
    return [with_span(*row) for row in table.select(key, f"{key}_low", f"{key}_high").iter_rows()]


def _measure(found: Sensitivity, outcome: str) -> Section:
    table = found.measurements.filter(outcome=outcome)
    rows = pl.DataFrame(
        {
            "parameter": table["parameter"],
            "what": [to_measure(row) for row in table.iter_rows(named=True)],
            "belief": [belief_said(row) for row in table.iter_rows(named=True)],
            "exactly": _spans(table, "exactly"),
            "halved": [percent(value) for value in table["halved"]],
            "grade": [grade_said(grade) for grade in table["grade"]],
        }
    )
    headings = {"parameter": "Unknown", "what": "What to measure, and in whom", "belief": "Belief now (5 to 95 %)",
                "exactly": "Goes if known exactly", "halved": "Goes if half as wide", "grade": "Certainty"}  # fmt: skip
    signals = found.read_outs.filter(outcome=outcome)
    shown = signals.head(TOP)
    reading = pl.DataFrame(
        {
            "signal": [signal_name(name) for name in shown["signal"]],
            "when": shown["when"],
            "linear": _spans(shown, "linear"),
            "rank": _spans(shown, "rank"),
            "note": ["says the outcome in other words" if one else "" for one in shown["restates"]],
        }
    )
    words = {"signal": "Signal", "when": "When", "linear": "Told along a line", "rank": "Told by ranks", "note": ""}
    blocks: list[Any] = [
        Figure(
            measurement_plot(table),
            "Share of the variance that would go, on average, if one unknown were measured. Half as wide: for an "
            "effect along a straight line.",
            f"measurements {outcome}",
        ),
        Table(rows, "Measuring a number of the model", headings, frozenset(("belief", "exactly", "halved"))),
    ]
    if shown.height:
        usable = signals.filter(~pl.col("restates"))
        if usable.height:
            blocks.append(
                Figure(
                    signals_plot(usable),
                    f"Signals of {signals['signal'].n_unique()} that go along with the outcome across draws; bars are "
                    "95 % intervals of each by itself, so the largest is flattered by the choice.",
                    f"signals {outcome}",
                )
            )
        blocks.append(Table(reading, "Measuring a signal in people (squared correlation, 95 % interval)", words,
                            frozenset(("linear", "rank"))))  # fmt: skip
    return Section(f"What to measure: {outcome_said(outcome)}", blocks, _lowest(found, outcome))


def _method(found: Sensitivity, what: str) -> Section:
    count = {row["step"]: row for row in found.counts.iter_rows(named=True)}
    settings, unknowns = found.settings, found.unknowns
    sourced = int(unknowns["sourced"].sum())
    return Section(
        "How it was done, and what it cannot say",
        [
            Items(
                [
                    f"Unknown are {unknowns.height} parameters and doses ({unknowns['entries'].sum()} numbers) that "
                    f"have a belief: {sourced} with a source that was checked, {unknowns.height - sourced} without. "
                    f"Each draw is one typical person, settled anew, who lives through both arms; the {what} is read.",
                    f"Morris: {settings.trajectories} trajectories over all unknowns between the 5 % and the 95 % "
                    f"value of each belief, {count['Morris']['draws']} people. Kept are those that hold 99 % of the "
                    f"summed squared μ*, {settings.keep} at most.",
                    f"Sobol: a Saltelli design with {settings.base} rows, {count['Sobol']['draws']} people, intervals "
                    "by bootstrap (SALib). All unknowns vary, the screened-out ones too: shares are of the whole.",
                    "Shares with and without a source are closed indices of the two groups by pick and freeze.",
                    _limit_said(count),
                    _lost_said(count),
                ]
            ),
            Text(
                "The widths of most beliefs are themselves judgements: a number whose belief is drawn too narrow looks "
                "unimportant here. Arrows of unknown strength that stand at zero, numbers without a belief and the "
                "form of the equations do not vary at all. How people differ is left out: this is what nobody knows "
                "about the typical person. A share of variance says where a measurement would help this model, not "
                "that the model is right.",
                note=True,
            ),
        ],
    )  # fmt: skip


def _limit_said(count: Mapping[str, Mapping[str, int]]) -> str:
    moved = {step: one["at_limit"] for step, one in count.items() if one["at_limit"]}
    if not moved:
        return "No draw broke a limit of the axis."
    said = " and ".join(f"{number} of {count[step]['draws']} ({step})" for step, number in moved.items())
    return (
        f"Draws that broke a limit of the axis (its loop gain): {said}. A run draws such a world anew; here that would "
        "tie the unknowns to each other, so they were brought back to the limit, straight towards the centre. Shares "
        "of the parameters of that loop may be a little too small for it."
    )


def _lost_said(count: Mapping[str, Mapping[str, int]]) -> str:
    lost = sum(one["lost"] for one in count.values())
    if not lost:
        return "Every draw found its rest and stayed within the bounds of the model."
    return f"{lost} draws left the bounds of the model or found no rest; the median of the others stands in for them."


__all__ = ["sensitivity_report", "sentences", "span"]
