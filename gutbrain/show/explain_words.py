"""An explanation in words: what `gutbrain explain` prints, and the sentences of its report."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import TYPE_CHECKING

import polars as pl

from gutbrain.evidence.claims import grade_in_words
from gutbrain.run.explain import REST
from gutbrain.run.pathways import DIRECT
from gutbrain.show.listing import columns
from gutbrain.show.words import difference_unit, number, signal_name

if TYPE_CHECKING:
    from gutbrain.run.explain import Explanation

WAYS = {"down": "down, brain to body and gut", "up": "up, gut and body to brain", "side": "within brain, body or gut"}
SHOWN = 12  # paths and arrows that are printed
NOTHING = "–"
NEXT_TO_NOTHING = "carried next to nothing"
TOGETHER = "what paths and loops do together"


def explained(found: Explanation) -> str:
    """Return an explanation as text for a terminal."""
    parts = ["\n".join(summary(found))]
    for table, head, what in ((found.pathways, "pathway", pathways_said), (found.ways, "direction", ways_said)):
        if table is not None and not found.carrying.is_empty():
            parts.append(f"{what(found)}\n\n" + columns(share_rows(found, table), (head, *share_heads(found))))
    if found.paths.height > 1:
        rows = [
            (signed(found, row["effect"]), percent(found, row["share"]), certainty(row["weakest_grade"]), row["path"])
            for row in found.paths.filter(pl.col("path") != REST).head(SHOWN).iter_rows(named=True)
        ]
        rest = found.paths.filter(pl.col("path") == REST).row(0, named=True)
        rows.append(
            (signed(found, rest["effect"]), percent(found, rest["share"]), NOTHING, "what paths and loops do together")
        )
        parts.append(columns(rows, ("effect", "share", "lowest certainty", "path, with every other arrow at rest")))
    cut = [
        (signed(found, found.effect - row["effect_without"]), percent(found, row["share_lost"]),
         certainty(row["grade"]), row["edge"])
        for row in found.carrying.head(SHOWN).iter_rows(named=True)
    ]  # fmt: skip
    if cut:
        parts.append(columns(cut, ("lost", "share", "certainty", "arrow that is closed")))
    return "\n\n".join([*parts, CAUTION])


CAUTION = "This takes a model apart, not people. An arrow without a source says what was assumed. No medical advice."


def summary(found: Explanation) -> list[str]:
    """Return the effect, what is left without assumed arrows, and the lowest certainty, in sentences."""
    unit = difference_unit(found.outcome, found.unit)
    name = signal_name(found.outcome)
    said = [
        f"{found.arm} against {found.comparator}, {name} ({found.outcome}), mean of the week to day {found.day}, "
        f"reference person: {signed(found, found.effect)} {unit}."
    ]
    if not found.levers:
        return [*said, "The two arms do the same until that day: there is no effect, and nothing to share out."]
    if found.edges.is_empty() and found.paths.is_empty():
        return [*said, f"Nothing in which the arms differ reaches {name.lower()}: there is no effect to share out."]
    if not found.clear:
        said.append(
            f"That is not above rounding ({number(found.noise, 1)} {unit}): no shares are given. Effects of single "
            "paths cancel, or are nothing."
        )
        return said
    said.append(
        f"Lowest certainty on the way: {grade_in_words(found.weakest_grade)}. {100 * found.assumed_share:.0f} % of the "
        "summed path effects ran through at least one assumed arrow."
    )
    return [*said, without_assumed(found)]


def without_assumed(found: Explanation) -> str:
    """Say what is left of the effect when every assumed arrow is closed."""
    unit = difference_unit(found.outcome, found.unit)
    left = found.without_assumed
    if abs(left) <= found.noise:
        return "With every assumed arrow closed, nothing of the effect is left: it rests on assumptions."
    share = f"{100 * left / found.effect:.0f} %"
    turned = " The rest runs the other way." if left * found.effect < 0 else ""
    return f"With every assumed arrow closed, {signed(found, left)} {unit} is left ({share} of the effect).{turned}"


def pathways_said(found: Explanation) -> str:
    """Say how shares are to be read, with the interaction term."""
    unit = difference_unit(found.outcome, found.unit)
    return (
        "Pathways as players (Shapley shares; they and what came by no arrow add up to the effect). Interaction term, "
        f"what all carry beyond the sum of each alone: {signed(found, found.interaction)} {unit}."
    )


def ways_said(found: Explanation) -> str:
    """Say the same of directions."""
    unit = difference_unit(found.outcome, found.unit)
    return (
        "Directions as players: commands of the brain, messages of gut and body, and arrows within either. Interaction "
        f"term: {signed(found, found.ways_interaction)} {unit}."
    )


def share_heads(found: Explanation) -> tuple[str, ...]:
    """Return the headings of `share_rows` behind the player."""
    return (
        f"share [{difference_unit(found.outcome, found.unit)}]",
        "%",
        "with only it",
        "without it",
        "by interplay",
        "lowest certainty",
        "arrows",
    )


def share_rows(found: Explanation, table: pl.DataFrame) -> list[tuple[str, ...]]:
    """Return the players of a game as rows of text."""
    rows: list[tuple[str, ...]] = []
    for row in table.iter_rows(named=True):
        if row["player"] == DIRECT and abs(row["shapley"]) <= found.noise:
            continue
        sizes = (row["alone"], row["without"], row["interplay"])
        alone, without, interplay = (NOTHING if row["player"] == DIRECT and n else signed(found, size)
                                     for n, size in enumerate(sizes))  # fmt: skip
        sure = certainty(row["weakest_grade"]) if row["weakest_grade"] else NEXT_TO_NOTHING
        name = WAYS.get(row["player"], "by no arrow, at once" if row["player"] == DIRECT else row["player"])
        rows.append((name, signed(found, row["shapley"]), percent(found, row["share"]), alone, without, interplay,
                     sure, str(row["arrows"])))  # fmt: skip
    return rows


def certainty(grade: str) -> str:
    """Return a grade in words, a dash if there is none."""
    return grade_in_words(grade) if grade else NOTHING


def signed(found: Explanation, value: float) -> str:
    """Return an effect with its sign, to three digits of the largest one; 0 for what is rounding."""
    sizes = [abs(found.effect), *(found.effect - found.carrying["effect_without"]).abs().to_list()]
    like = max(sizes, default=0.0)
    if abs(value) <= found.noise or not like:
        return "0"
    text = f"{value:+.{min(8, max(0, 2 - floor(log10(like))))}f}"
    return "0" if not float(text) else text.replace("-", "−")


def percent(found: Explanation, share: float | None) -> str:
    """Return a share of the effect, a dash where the effect is not clear."""
    if share is None or not found.clear:
        return NOTHING
    return f"{round(100 * share)} %".replace("-", "−")


def headed(rows: Sequence[tuple[str, ...]], names: Sequence[str]) -> pl.DataFrame:
    """Return rows of text as a table."""
    return pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String), orient="row")
