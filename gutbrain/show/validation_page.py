"""The report of a validation: the score board, its misses first, and all that it rests on."""

from __future__ import annotations

from typing import Any

import polars as pl

from gutbrain.evidence.claims import UNSOURCED
from gutbrain.evidence.grade import in_words, lowest
from gutbrain.show.page import Block, Figure, Items, Report, Section, Table, Text
from gutbrain.show.validation_figures import forest, skill
from gutbrain.validation.score import BASELINES, NEGLIGIBLE, NULL
from gutbrain.validation.validate import FORECASTS, GOALS, Validation

FEWEST_JUDGED = 10  # findings below which a goal is neither met nor missed (ours)
FOOTER = "Made by gutbrain. It shows what assumptions imply beside what was published; it is no medical advice."
GOAL_WORDS = {
    "coverage": "published sizes inside the 90 % range", "sign_accuracy": "direction right",
    "skill": "better than the better baseline by",
}  # fmt: skip
USE_WORDS = {"predict": "predicted", "calibrate": "marked for calibration", "construction": "true by construction"}
SUMMARY = {
    "forecast": "forecast", "findings": "findings", "inside": "inside 90 %", "right": "direction right",
    "nulls": "nulls reproduced", "score": "score, SD", "crps_no_effect": "no effect", "crps_benefit": "0.3 SD",
    "crps_lean": "usual benefit", "skill": "better by",
}  # fmt: skip
METRICS = {
    "SMD": "difference between arms, SD", "change SMD": "change in the same people, SD",
    "ratio": "logarithm of the ratio to the control", "per cent": "per cent", "share": "per cent",
    "correlation": "correlation", "days": "days",
}  # fmt: skip


def validation_report(made: Validation, command: str = "") -> Report:
    """Put the report together.

    Parameters
    ----------
    command : the command line that made it
    """
    ahead = made.scores.filter(pl.col("use") == "predict")
    sections = [
        Section("Findings that were not fitted", _ahead(made, ahead)),
        Section("By pathway and certainty", _groups(made)),
        Section("Findings marked for calibration", _forests(made.scores.filter(pl.col("use") == "calibrate"))),
        Section("Published nulls", _nulls(made)),
        Section("What does not count", _construction(made)),
        Section("How it was done", _method(made, command)),
        Section("Every finding", [_table(made.scores, "All scores", folded=True)]),
    ]
    return Report(
        title="Held against what was published",
        subtitle=f"{made.scores.height} findings; {made.worlds} worlds ({made.beliefs}), {made.people} people",
        verdict=verdict(made), sections=sections, footer=FOOTER, certainty=_sure(made.scores),
    )  # fmt: skip


def _sure(scores: pl.DataFrame) -> str:
    """Virtual trials run through arrows without a source; the findings beside them have certainties of their own."""
    findings = in_words(lowest(scores["certainty"])) if scores.height else "none"
    return f"{in_words(UNSOURCED)} (virtual trials); {findings} (published findings)"


def verdict(made: Validation) -> list[str]:
    """Return the score board in a few sentences."""
    rows = made.by_use.filter(pl.col("use") == "predict").to_dicts()
    if not rows:
        return ["None of the chosen findings is marked as predicted: nothing is judged here."]
    one = rows[0]
    said = [f"{one['findings']} findings were never fitted to. The body alone: {_judged(made, one, 'the body alone')}."]
    if made.discrepancy is not None:
        lean = made.discrepancy
        said.append(
            f"With the discrepancy that {lean.findings} findings marked for calibration show (benefits "
            f"{abs(lean.mean):.2f} SD {'larger' if lean.mean >= 0 else 'smaller'} than the body gives, uneven by "
            f"{lean.spread:.2f}): {_judged(made, one, 'with discrepancy')}."
        )
    if one["nulls"]:
        said.append(f"Published nulls reproduced: {one['nulls_reproduced']} of {one['nulls']} by the body alone, "
                    f"{one['overlaid_nulls_reproduced']} with the discrepancy.")  # fmt: skip
    said.append("A finding inside a wide range supports little: the range shows how little is known.")
    return said


def _judged(made: Validation, one: dict[str, Any], forecast: str) -> str:
    """Return the three goals of one forecast in words."""
    goals = {row["goal"]: row for row in made.goals().filter(pl.col("forecast") == forecast).iter_rows(named=True)}
    prefix, said = FORECASTS[forecast], []
    if one["numeric"]:
        said.append(f"{_share(one[f'{prefix}coverage'])} of {one['numeric']} published sizes lie inside the 90 % range "
                    f"of virtual trials ({_goal(goals['coverage'], one['numeric'])})")  # fmt: skip
    if one["signed"]:
        plain = one.get("benefit_sign_accuracy")
        beside = "" if plain is None else f"; benefit everywhere: {_share(plain)}"
        said.append(f"the direction is right for {_share(one[f'{prefix}sign_accuracy'])} of {one['signed']} "
                    f"({_goal(goals['sign_accuracy'], one['signed'])}{beside})")  # fmt: skip
    if one["scored"]:
        skill, aim = one[f"{prefix}skill"], _goal(goals["skill"], one["scored"])
        said.append(f"it is {_share(abs(skill))} {'better' if skill >= 0 else 'worse'} than the better of two plain "
                    f"baselines, {BASELINES[0]} and {BASELINES[1]} everywhere ({aim})")  # fmt: skip
        if prefix and one["crps_lean"] is not None:
            gain = 1 - one[f"{prefix}crps"] / one["crps_lean"]
            said.append(f"and {_share(abs(gain))} {'better' if gain >= 0 else 'worse'} than the usual benefit of the "
                        "same findings without any body: so much of it is physiology")  # fmt: skip
    return "; ".join(said) or "nothing that could be scored"


def _goal(row: dict[str, float | bool | None], findings: int) -> str:
    low, high = GOALS[str(row["goal"])]
    aim = f"goal {low:.0%} and more" if high == 1 else f"goal {low:.0%} to {high:.0%}"
    judged = "too few findings to judge" if findings < FEWEST_JUDGED else "met" if row["met"] else "missed"
    return f"{aim.replace('%', ' %')}: {judged}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %".replace("-", "−")


def _ahead(made: Validation, ahead: pl.DataFrame) -> list[Block]:
    blocks: list[Block] = [Text(
        "Grey: the 90 % range of estimates that trials of the published design would report, by the body alone; "
        "darker: how the worlds of belief differ in the effect itself; tick: median; thin line: the range with the "
        "discrepancy. Point and line: the published size and its 95 % interval."
    )]  # fmt: skip
    missed = ahead.filter(~pl.col("covered").fill_null(True) | ~pl.col("right_sign").fill_null(True))
    blocks += _forests(ahead)
    if missed.height:
        blocks.append(_table(missed, "The misses: outside the range, or with the wrong direction"))
    return blocks


def _forests(scores: pl.DataFrame) -> list[Block]:
    blocks: list[Block] = []
    numeric = scores.filter(pl.col("published").is_not_null())
    for metric in METRICS:
        part = numeric.filter(pl.col("metric") == metric).sort("pathway", "exposure")
        if not part.height:
            continue
        name = f"{part['use'][0]} {metric}"
        blocks.append(Figure(forest(part, METRICS[metric]), METRICS[metric], name, _sure(part)))
    signs = scores.filter(pl.col("published").is_null() & pl.col("right_sign").is_not_null())
    if signs.height:
        blocks.append(_table(signs, "Findings of which only a direction is published"))
    return blocks or [Text("None of the chosen findings stands here.")]


def _groups(made: Validation) -> list[Block]:
    blocks: list[Block] = [_summary(made.by_use.with_columns(pl.col("use").replace(USE_WORDS)), "use", "By use")]
    if made.by_pathway["scored"].sum():
        caption = (
            "Mean ranked probability score of predicted findings in standard deviations, beside two baselines that "
            "hold the same trials"
        )
        sure = _sure(made.scores.filter(pl.col("use") == "predict"))
        blocks.append(Figure(skill(made.by_pathway), caption, "skill by pathway", sure))
    words = pl.col("certainty").map_elements(in_words, return_dtype=pl.String)
    return [
        *blocks, _summary(made.by_pathway, "pathway", "Predicted findings by pathway"),
        _summary(made.by_certainty.with_columns(words), "certainty", "Predicted findings by their certainty"),
    ]  # fmt: skip


def _summary(table: pl.DataFrame, by: str, caption: str) -> Table:
    rows = []
    for row in table.iter_rows(named=True):
        for forecast, prefix in FORECASTS.items():
            rows.append({
                by: row[by], "forecast": forecast, "findings": row["findings"],
                "inside": _of(row[f"{prefix}coverage"], row["numeric"]),
                "right": _of(row[f"{prefix}sign_accuracy"], row["signed"]),
                "nulls": f"{row[f'{prefix}nulls_reproduced']} of {row['nulls']}" if row["nulls"] else "–",
                "score": row[f"{prefix}crps"], "crps_no_effect": row["crps_no_effect"],
                "crps_benefit": row["crps_benefit"], "crps_lean": row["crps_lean"],
                "skill": "–" if row["skill"] is None else _share(row[f"{prefix}skill"]),
            })  # fmt: skip
    return Table(pl.DataFrame(rows), caption, {by: by} | SUMMARY, frozenset(("inside", "right", "nulls", "skill")))


def _of(share: float | None, count: int) -> str:
    return "–" if share is None or not count else f"{_share(share)} of {count}"


def _nulls(made: Validation) -> list[Block]:
    nulls = made.scores.filter(pl.col("null_reproduced").is_not_null())
    words = (
        f"A published null says that a trial of that size told nothing apart, not that nothing is there. It counts as "
        f"reproduced when at most {_share(NULL)} of the virtual trials are significant (P < .05)."
    )
    if not nulls.height:
        return [Text(words), Text("None of the chosen findings is a null.")]
    frame = _shown(nulls).with_columns(
        pl.col("significant").map_elements(_share, return_dtype=pl.String),
        pl.when("null_reproduced").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("reproduced"),
    )
    headings = {"exposure": "exposure", "outcome": "outcome", "use": "use", "people": "people", "predicted": "median",
                "significant": "significant trials", "reproduced": "reproduced", "certainty": "certainty",
                "source": "source"}  # fmt: skip
    return [Text(words), Table(frame, "Published nulls", headings, certainty=_sure(nulls))]


def _construction(made: Validation) -> list[Block]:
    words = Text("These numbers were put into the model. That it gives them back shows that the equations do what they "
                 "say; it is no success, and no summary counts it.")  # fmt: skip
    built = made.scores.filter(pl.col("use") == "construction")
    return [words, _table(built, "True by construction")] if built.height else [words]


def _shown(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.with_columns(
        pl.col("certainty").map_elements(in_words, return_dtype=pl.String), pl.col("use").replace(USE_WORDS)
    )


def _table(scores: pl.DataFrame, caption: str, folded: bool = False) -> Table:
    frame = _shown(scores).with_columns(
        pl.format("{}: {}", "exposure", "outcome").alias("what"),
        pl.col("metric").replace({"ratio": "ratio, natural log", "share": "per cent"}).alias("scale"),
        _with_interval("published", "published_low", "published_high").alias("was"),
        _with_interval("predicted", "predicted_low", "predicted_high").alias("would"),
        pl.when(pl.col("right_sign")).then(pl.lit("right")).when(pl.col("right_sign").is_not_null())
        .then(pl.lit("wrong")).otherwise(pl.lit("–")).alias("direction"),
        pl.when(pl.col("covered")).then(pl.lit("yes")).when(pl.col("covered").is_not_null())
        .then(pl.lit("no")).otherwise(pl.lit("–")).alias("inside"),
    )  # fmt: skip
    headings = {
        "finding": "id", "what": "finding", "scale": "scale", "was": "published (95 %)",
        "would": "virtual trials (90 %)", "z": "z", "inside": "inside", "direction": "direction",
        "certainty": "certainty",
    }  # fmt: skip
    more = {"use": "use", "source": "source", "note": "where the trial departs"} if folded else {}
    return Table(frame, caption, headings | more, frozenset(("was", "would")), folded=folded)


def _with_interval(centre: str, low: str, high: str) -> pl.Expr:
    """Return a number with its interval in words; a dash where there is none."""
    one, *ends = (
        pl.col(name).round(2).cast(pl.String).replace("-0.0", "0.0").str.replace("-", "−", literal=True)
        for name in (centre, low, high)
    )
    both = pl.when(pl.col(low).is_not_null()).then(pl.format("{} ({} to {})", one, *ends)).otherwise(one)
    return pl.when(pl.col(centre).is_not_null()).then(both).otherwise(pl.lit("–"))


def _method(made: Validation, command: str) -> list[Block]:
    lost, all_columns = made.lost
    return [Items([
        "The same people live through every arm once, in every world of belief. Trials recruit from them with "
        "replacement, arm by arm, as many people and trials as were published.",
        "Courses are kept as people keep them (about 64 % of what is assigned) and left as people leave them (about "
        "19 %); who has left is not measured at the end.",
        "Every reading has the noise of its instrument; one reading of a questionnaire has its published reliability.",
        "A printed standard error holds differences between trials too; what it has more than that of the virtual "
        "trials is added to their spread, for the model and for both baselines.",
        f"An effect below {NEGLIGIBLE:g} SD has no direction and counts as wrong where a direction was published.",
        "The split into predicted and calibrated findings was fixed before the first fit (docs/decisions/0032).",
        "The discrepancy leans every arm that is meant to help towards benefit, so that a right direction with it says "
        "little about the body. It is learnt from and scored on findings that are no nulls; nulls are judged by the "
        "body alone, and with it more of them would come out significant.",
        "One state of negative affect stands for anxiety, depression, distress and stress; people are drawn from the "
        "general population where trials took patients. The last column of the table says where a trial departs.",
        f"{lost} of {all_columns} simulated people left the bounds of the model in some arm and were not recruited.",
        f"Seed {made.seed}; beliefs: {made.beliefs}; axis: {made.axis}; engine: {made.engine}.",
        *([f"Command: {command}"] if command else []),
    ])]  # fmt: skip
