"""The report of a calibration: what was fitted to what, what moved, and what each pathway says of the others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.evidence.claims import UNSOURCED
from gutbrain.evidence.findings import data_hash, finding, split_hash
from gutbrain.evidence.grade import in_words, lowest
from gutbrain.fit.calibration.calibrate import Calibrated
from gutbrain.fit.calibration.data import data, simulated
from gutbrain.fit.calibration.ensemble import STEPS
from gutbrain.fit.calibration.kept import ACCOUNT, write_posterior
from gutbrain.fit.calibration.unknowns import Unknowns
from gutbrain.folder import whole_folder, write_manifest
from gutbrain.show.page import Block, Figure, Items, Report, Section, Table, Text, save_figures, write_report
from gutbrain.show.study_plots import shorten
from gutbrain.show.theme import dress
from gutbrain.show.words import INK, PAPER, QUIET
from gutbrain.validation.arms import arms
from gutbrain.validation.designs import designs, shared_arms
from gutbrain.validation.score import SKILL_SCALES

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis

FOOTER = "Made by gutbrain. It shows what assumptions imply beside what was published; it is no medical advice."
BEFORE, AFTER = "#c3cdd3", "#2f6f8f"
MOST = 20  # parameters in the picture
NOTICEABLE = 0.5  # prior standard deviations a mean must move to be named


def drafted(axis: Axis, *, closed: bool) -> list[str]:
    """Return what would be fitted to what, as lines."""
    goal = data()
    free = Unknowns.of(axis, _levers(), closed=closed)
    lines = [
        f"{len(free.labels)} numbers of {len(free.names)} beliefs are free",
        f"{len(goal.findings)} findings marked calibrate give a size; "
        f"{len(simulated('predict'))} marked predict are not touched (split {split_hash()[:12]})",
        "",
        *(f"  {name:<28} {pathway:<12} {value:+.3g}, error {error:.2g}"
          for name, pathway, value, error in zip(goal.findings, goal.pathways, goal.observed, goal.error, strict=True)),
        "", "marked calibrate, not fitted:",
        *(f"  {name}: {why}" for name, why in goal.left_out.items()),
    ]  # fmt: skip
    return lines


def _levers() -> tuple[str, ...]:
    """Return the levers of the arms that fitted findings need; doses of other arms are not free."""
    fitted = set(data().findings)
    needed = shared_arms({name: design for name, design in simulated("calibrate").items() if name in fitted})
    return tuple(dict.fromkeys(act.lever for name in needed for act in arms()[name].protocol.acts))


def fit_table(made: Calibrated) -> pl.DataFrame:
    """Return what was published, and what the worlds gave before and after, one row a finding."""
    rows = []
    for place, name in enumerate(made.data.findings):
        one = finding(name)
        first, last = made.prior_effects[:, place], made.posterior_effects[:, place]
        rows.append({
            "finding": name, "pathway": one.pathway, "metric": designs()[name].estimate,
            "exposure": one.exposure, "outcome": one.outcome,
            "published": made.data.observed[place], "error": made.data.error[place],
            "before": first.mean(), "before_low": np.quantile(first, 0.05), "before_high": np.quantile(first, 0.95),
            "after": last.mean(), "after_low": np.quantile(last, 0.05), "after_high": np.quantile(last, 0.95),
            "certainty": in_words(one.certainty), "source": one.reference,
        })  # fmt: skip
    return pl.DataFrame(rows)


def misfit(made: Calibrated, effects: np.ndarray) -> float:
    """Return the root mean square of (mean of the worlds - published) over the error."""
    return float(np.sqrt(np.mean(((effects.mean(axis=0) - made.data.observed) / made.data.error) ** 2)))


def verdict(made: Calibrated) -> list[str]:
    """Return the calibration in a few sentences."""
    before, after = misfit(made, made.prior_effects), misfit(made, made.posterior_effects)
    left = made.left_out
    said = [
        f"{len(made.data.findings)} findings marked for calibration moved {len(made.posterior)} worlds of belief; "
        f"{len(simulated('predict'))} findings marked as predicted were not touched.",
        f"The distance between worlds and findings fell from {before:.2f} to {after:.2f} errors (root mean square).",
    ]
    if left.height:
        first, last = float(left["crps_before"].mean() or 0), float(left["crps_after"].mean() or 0)  # type: ignore[arg-type]
        gain = 1 - last / first
        said.append(
            f"Each pathway predicted from the others alone: {100 * abs(gain):.0f} % "
            f"{'better' if gain >= 0 else 'worse'} than the prior."
        )
    return said


def sure(names: Iterable[str]) -> str:
    """Return the lowest certainty of the worlds, which run through arrows without a source, and of findings."""
    findings = in_words(lowest(finding(name).certainty for name in names))
    return f"{in_words(UNSOURCED)} (worlds); {findings} (published findings)"


def calibration_report(made: Calibrated, command: str = "") -> Report:
    """Put the report together."""
    table = fit_table(made)
    sections = [
        Section("What was fitted", _fitted(table)),
        Section("What moved", _moved(made)),
        Section("One pathway left out at a time", _left_out(made)),
        Section("How it was done", _method(made, command)),
    ]
    return Report(
        title="What nobody knows, fitted to findings",
        subtitle=f"{len(made.posterior)} worlds of {made.people} people; seed {made.seed}; findings {data_hash()[:12]}",
        verdict=verdict(made), sections=sections, footer=FOOTER, certainty=sure(made.data.findings),
    )  # fmt: skip


def _fitted(table: pl.DataFrame) -> list[Block]:
    blocks: list[Block] = [Text(
        "Light: the 90 % range of the worlds before; dark: after. Point and line: what was published, with the error "
        "it entered with (the printed one, at least a floor, shared between findings that one virtual trial answers)."
    )]  # fmt: skip
    scales = {"difference or change, SD": SKILL_SCALES, "logarithm of the ratio to the control": ("ratio",)}
    for title, metrics in scales.items():
        part = table.filter(pl.col("metric").is_in(metrics)).sort("pathway", "exposure")
        if part.height:
            blocks.append(Figure(_ranges(part, title), title, title, sure(part["finding"])))
    headings = {"finding": "id", "pathway": "pathway", "outcome": "outcome", "published": "published", "error": "error",
                "before": "before", "after": "after", "certainty": "certainty", "source": "source"}  # fmt: skip
    return [*blocks, Table(table, "Findings that were fitted", headings, folded=True)]


def _ranges(part: pl.DataFrame, title: str) -> Any:
    rows = part.with_columns(
        pl.int_range(pl.len()).cast(pl.Float64).alias("place"), (pl.col("published") - pl.col("error")).alias("from"),
        (pl.col("published") + pl.col("error")).alias("to"),
    ).drop("source")  # fmt: skip
    names = [shorten(f"{row['exposure']}: {row['outcome']}", 54) for row in part.iter_rows(named=True)]
    base = alt.Chart(alt.Data(values=rows.to_dicts()))
    y = alt.Y(
        "place:Q", title=None, scale=alt.Scale(domain=[len(names) - 0.4, -0.6], nice=False),
        axis=alt.Axis(values=list(range(len(names))), labelExpr=f"{json.dumps(names)}[datum.value]", ticks=False,
                      grid=False, domain=False, labelLimit=420, labelFontSize=11.5),
    )  # fmt: skip
    axis = alt.Axis(labelExpr="replace(datum.label, '-', '−')", tickCount=6)
    x = alt.X("before_low:Q", title=title, axis=axis)
    layers = [
        base.mark_bar(height=14, color=BEFORE).encode(x=x, x2="before_high:Q", y=y),
        base.mark_bar(height=6, color=AFTER).encode(x="after_low:Q", x2="after_high:Q", y=y),
        base.mark_rule(color=INK).encode(x="from:Q", x2="to:Q", y=y),
        base.mark_circle(size=54, color=INK, opacity=1, stroke=PAPER, strokeWidth=1).encode(x="published:Q", y=y),
        alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=QUIET, strokeDash=[3, 3]).encode(x="zero:Q"),
    ]  # fmt: skip
    return dress(alt.layer(*layers).properties(width=430, height=24 * len(names) + 8))


def _moved(made: Calibrated) -> list[Block]:
    moved = made.moved.filter(pl.col("posterior_mean").abs() >= NOTICEABLE)
    words = Text(
        "In standard deviations of the prior: 0 is the value of the specification, ±1 what was believed. "
        f"{moved.height} of {made.moved.height} numbers moved by {NOTICEABLE:g} or more. An ensemble of "
        f"{len(made.posterior)} worlds cannot see weak dependencies: what did not move was not thereby confirmed."
    )
    top = made.moved.head(MOST)
    rows = top.with_columns(
        (pl.col("posterior_mean") - 1.645 * pl.col("posterior_sd")).alias("low"),
        (pl.col("posterior_mean") + 1.645 * pl.col("posterior_sd")).alias("high"),
        pl.when(pl.col("grade").is_in(["assumed", "recalled"])).then(pl.lit("no source")).otherwise(pl.lit("sourced"))
        .alias("known"),
    )  # fmt: skip
    base = alt.Chart(alt.Data(values=rows.to_dicts()))
    y = alt.Y("parameter:N", sort=top["parameter"].to_list(), title=None, axis=alt.Axis(labelLimit=420))
    known = alt.Scale(domain=["sourced", "no source"], range=[AFTER, "#d9a441"])
    colour = alt.Color("known:N", title=None, scale=known)
    x = alt.X("low:Q", title="prior standard deviations", scale=alt.Scale(domain=[-3, 3], clamp=True))
    layers = [
        alt.Chart(alt.Data(values=[{"low": -1.645, "high": 1.645}])).mark_rect(color="#eef2f4").encode(
            x="low:Q", x2="high:Q"),
        base.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q", y=y, color=colour),
        base.mark_circle(size=70, opacity=1).encode(x="posterior_mean:Q", y=y, color=colour),
    ]  # fmt: skip
    chart = dress(alt.layer(*layers).properties(width=430, height=22 * top.height))
    headings = {"parameter": "parameter", "grade": "grade", "posterior_mean": "mean", "posterior_sd": "SD",
                "shrunk": "variance removed"}  # fmt: skip
    return [
        words,
        Figure(chart, "The numbers that moved most, 90 % of the worlds", "what moved", in_words(lowest(rows["grade"]))),
        Table(made.moved, "Every number, in standard deviations of its prior", headings, folded=True,
              certainty=in_words(lowest(made.moved["grade"]))),
    ]  # fmt: skip


def _left_out(made: Calibrated) -> list[Block]:
    words = Text(
        "Each pathway's findings are predicted from the findings of all others: one linear update of what the prior "
        "worlds give, without running them anew. The score is the continuous ranked probability score; smaller is "
        "better."
    )
    if not made.left_out.height:
        return [words, Text("There is only one pathway among the findings.")]
    inside = (pl.col("observed") >= pl.col("after_low")) & (pl.col("observed") <= pl.col("after_high"))
    by = made.left_out.group_by("pathway", maintain_order=True).agg(
        pl.len().alias("findings"), pl.col("crps_before").mean(), pl.col("crps_after").mean(),
        inside.mean().alias("inside"),
    )  # fmt: skip
    headings = {"pathway": "pathway left out", "findings": "findings", "crps_before": "score, prior",
                "crps_after": "score, from the others", "inside": "share inside 90 %"}  # fmt: skip
    return [words, Table(by, "Left out, one at a time", headings),
            Table(made.left_out, "Finding by finding", folded=True)]  # fmt: skip


def _method(made: Calibrated, command: str) -> list[Block]:
    return [Items([
        f"Ensemble smoother with {STEPS} assimilations of the same findings; gains that chance explains are shrunken "
        "to 0.",
        "Free are the beliefs of parameters and of doses; what differs between people is not.",
        "Findings marked predict are never read here; a test holds the hash of the split.",
        f"{made.pulled_back} times a world was held back because the loop of gut inflammation would not have been "
        f"stable; {made.replaced} worlds in which nobody stayed within the bounds were replaced by neighbours.",
        f"The account of the posterior stands in {ACCOUNT}: date, seed, hashes of findings, split and prior.",
        *(f"Not fitted: {name}, {why}." for name, why in made.data.left_out.items()),
        *([f"Command: {command}"] if command else []),
    ])]  # fmt: skip


def write_calibration(made: Calibrated, folder: Path, force: bool, command: str) -> None:
    """Write posterior.npz, posterior.json, report.html, tables/, figures/ and manifest.json.

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or cannot be written.
    """
    content = calibration_report(made, command)
    with whole_folder(folder, force) as work:
        write_posterior(made, work, command)
        write_report(work / "report.html", content)
        (work / "tables").mkdir()
        fit_table(made).write_csv(work / "tables" / "findings.csv")
        made.moved.write_csv(work / "tables" / "moved.csv")
        made.left_out.write_csv(work / "tables" / "left_out.csv")
        save_figures(content.charts, work / "figures")
        write_manifest(work, command, seed=made.seed)
