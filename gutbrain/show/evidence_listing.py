"""Evidence as text: the overview, and what lies behind one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import log
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import polars as pl

from gutbrain.evidence.claims import PATHWAYS, base_grade, claims
from gutbrain.evidence.dossier import Dossier, arrow_name, speaking_of, untested
from gutbrain.evidence.findings import USES as USED
from gutbrain.evidence.findings import findings
from gutbrain.evidence.grade import in_words
from gutbrain.show.evidence_words import (
    ANSWERS,
    CERTAINTIES,
    CLOSED,
    DIRECTIONS,
    NO_AVERAGE,
    ONLY_DIRECTION,
    SIGNS,
    USES,
    Row,
    certainty_said,
    compared,
    counted,
    effect_said,
    exact,
    panel_of,
    panels_of,
    persons,
    reference,
    sources_said,
    strength_said,
    use_said,
)
from gutbrain.show.listing import columns, number
from gutbrain.show.words import SIGNALS, signal_name

if TYPE_CHECKING:
    from gutbrain.model.compartment import Param

WIDTH = 112  # of a line
SPAN = 41  # letters of a drawn interval
ARROWS = 12  # from how many on the notes of arrows are left out
NAMED = 5  # findings that an arrow names
Parameters = Mapping[str, "Param"]


def overview(use: str = "") -> str:
    """Return what is known by pathway, and the named disagreements.

    Parameters
    ----------
    use : only findings of this use; whether an arrow is tested is always asked of all
    """
    table, whole, (arrows, kinds) = claims(), used(use), overview_rows(use)
    said = [
        f"{counted(len(table), 'arrow')} and {counted(len(whole), 'finding')}. This says what the model rests on, "
        "not that the model is right.", "",
        "ARROWS", _laid(arrows), "",
        *_lines("no source: the number of the arrow is assumed. untested: moreover no finding speaks about the arrow. "
                "closed: its strength is 0, because nobody knows it.", 0), "",
        "FINDINGS by certainty, and by what the model does with them", _laid(kinds), "",
        *_lines("calibrate: spreads may be fitted to it. predict: kept out of every fit. construction: put into the "
                "model, never a success. context: not simulated.", 0), "",
        "DISAGREEMENTS, shown side by side and never averaged",
    ]  # fmt: skip
    for name in sorted(set(whole["contradiction"]) - {""}):
        members = whole.filter(pl.col("contradiction") == name)
        said.append(f"  {name}: {counted(len(members), 'finding')}, certainty {_certainties(members)}")
    said += ["", "TOPICS", *_lines(", ".join(topics(whole)), 2), "",
             "More: gutbrain evidence NAME, a signal, a compartment, an arrow, a topic or a finding."]  # fmt: skip
    return "\n".join(said)


def used(use: str) -> pl.DataFrame:
    """Return the findings of one use; all without a use."""
    return findings().filter(pl.col("use") == use) if use else findings()


def overview_rows(use: str = "") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Count arrows, and findings of one use, by pathway; the last row holds all."""
    table, whole, rows = claims(), used(use), []
    for pathway in PATHWAYS:
        mine, found = table.filter(pl.col("pathway") == pathway), whole.filter(pl.col("pathway") == pathway)
        rows.append((pathway, *_arrows_counted(mine), *_findings_counted(found)))
    rows.append(("all", *_arrows_counted(table), *_findings_counted(whole)))
    first = ("pathway", "arrows", "no source", "untested", "closed")
    second = ("findings", *(in_words(letter) for letter in CERTAINTIES), *USED)
    frame = pl.DataFrame(rows, schema=[*first, *second], orient="row")
    return frame.select(first), frame.select("pathway", *second)


def overview_data(use: str = "") -> dict[str, Any]:
    """Return the overview as data for JSON."""
    whole, (arrows, kinds) = used(use), overview_rows(use)
    names = sorted(set(whole["contradiction"]) - {""})
    disagreements = {name: whole.filter(pl.col("contradiction") == name)["id"].to_list() for name in names}
    return {"arrows": arrows.to_dicts(), "findings": kinds.to_dicts(), "disagreements": disagreements,
            "topics": topics(whole)}  # fmt: skip


def topics(whole: pl.DataFrame) -> list[str]:
    """Return every topic of the findings."""
    return sorted({word.strip() for topic in whole["topic"] for word in topic.split(";") if word.strip()})


def _laid(frame: pl.DataFrame) -> str:
    return columns([tuple(map(str, row)) for row in frame.iter_rows()], tuple(frame.columns))


def evidence_text(asked: Dossier, parameters: Parameters, use: str = "") -> str:
    """Return arrows and findings behind one name.

    Parameters
    ----------
    parameters : by full name, for the values of strengths
    use : the findings were restricted to this use
    """
    lines = [f"{heading(asked)}", *_lines(summary(asked, use), 0)]
    if len(asked.arrows):
        lines += ["", f"ARROWS ({len(asked.arrows)})"]
    for row in asked.arrows.iter_rows(named=True):
        lines += ["", *arrow_lines(row, asked.whole, parameters, brief=len(asked.arrows) > ARROWS)]
    if len(asked.findings):
        lines += ["", f"FINDINGS ({len(asked.findings)})"]
    for panel, rows in panels_of(asked.findings).items():
        lines += ["", f"-- {panel} " + "-" * max(3, WIDTH - len(panel) - 4)]
        scale = ends(rows)
        for row in rows:
            lines += ["", *_finding_lines(row, scale)]
    for name, members in asked.disagreements.items():
        lines += ["", f"DISAGREEMENT: {name}", *_lines(NO_AVERAGE, 0)]
        for said, group in groupby(sides(members), key=lambda side: side[0]):
            lines += ["", f"  The outcome {said}:" if said in ("rises", "falls") else f"  {said.capitalize()}:"]
            for _, what, effect, certain, against, id in group:
                lines += _lines(f"{id}: {what}{effect}; certainty {certain}; {against}", 4)
    return "\n".join(lines)


def heading(asked: Dossier) -> str:
    """Return the name with what it is."""
    if asked.kind == "signal" and asked.name in SIGNALS:
        return f"{asked.name}: {signal_name(asked.name)}"
    return f"{asked.name} ({asked.kind})"


def summary(asked: Dossier, use: str = "") -> str:
    """Return in a few sentences how well something is known."""
    arrows, found = asked.arrows, asked.findings
    parts = []
    if len(arrows):
        assumed = sum(base_grade(grade) == "assumed" for grade in arrows["grade"])
        bare = sum(untested(row, asked.whole) for row in arrows.iter_rows(named=True))
        known = f"the number of {assumed} is assumed, no source" if assumed else "no number is merely assumed"
        alone = f", and about {bare} of these no finding speaks either" if bare else ""
        if len(arrows) == 1 and assumed:
            known, alone = "its number is assumed, no source", ", and no finding speaks about it" if bare else ""
        closed = int(arrows["default_zero"].sum())
        shut = f"; {closed} closed, strength 0" if closed else ""
        parts.append(f"{counted(len(arrows), 'arrow')} of the model: {known}{alone}{shut}.")
    else:
        parts.append("The model has no arrow of this name.")
    only = f" that the model has under {use!r}" if use else ""
    if found.is_empty():
        guess = ": what the model does here is an assumption" if "assumed" in map(base_grade, arrows["grade"]) else ""
        parts.append(f"No finding in the table{only} speaks about this{guess}.")
        return " ".join(parts)
    uses = ", ".join(f"{USES[name]} {number}" for name in USED if (number := int((found["use"] == name).sum())))
    parts.append(f"{counted(len(found), 'finding')}{only}: certainty {_certainties(found)}. The model: {uses}.")
    return " ".join(parts)


def arrow_lines(row: Row, whole: pl.DataFrame, parameters: Parameters, brief: bool = False) -> list[str]:
    """Return one arrow with its claim."""
    found = speaking_of(arrow_name(dict(row)), whole)
    answer = ANSWERS.get(row["sign"], row["sign"])
    lines = [f"{arrow_name(dict(row))}   [{DIRECTIONS[row['direction']]}; {row['pathway']}]", f"  {answer}"]
    if row["default_zero"]:
        lines[-1] += f"; {CLOSED}"
    lines += [f"  strength   {line}" for line in strengths(row, parameters)]
    if row["at_rest"]:
        lines.append(f"  at rest    {row['at_rest']}")
    lines.append(f"  number     {strength_said(row['grade'], row['source'])}")
    if row["source"]:
        lines += [f"  source     {source}" for source in sources_said(row["source"])]
    if row["note"] and not brief:
        lines += _labelled("note", row["note"])
    if found.is_empty():
        return [*lines, "  findings   none speaks about this arrow"]
    best = found.sort("certainty", maintain_order=True).head(NAMED)
    said = ", ".join(f"{one['id']} ({in_words(one['certainty'])})" for one in best.iter_rows(named=True))
    more = f" and {len(found) - NAMED} more; all: certainty {_certainties(found)}" if len(found) > NAMED else ""
    return [*lines, *_labelled("findings", said + more)]


def strengths(row: Row, parameters: Parameters) -> list[str]:
    """Return each strength of an arrow with its value, unit and own grade."""
    found = []
    for name in row["strength_parameter"].split():
        known = parameters.get(name)
        if known is None:
            found.append(name)
            continue
        unit = "" if known.unit == "1" else f" {known.unit}"
        bare = known.source == "assumed"
        grade = strength_said(known.grade, "" if bare else known.source) if known.grade == "assumed" else known.grade
        found.append(f"{name} = {number(known.value)}{unit}, {grade}{', closed' if known.closed else ''}")
    return found


def ends(rows: Sequence[Row]) -> tuple[float, float, bool]:
    """Return both ends of a scale that holds every interval and the line of no difference; True: logarithmic."""
    ratio = all(row["scale"] == "log" for row in rows)
    values = [row[name] for row in rows for name in ("centre", "low", "high") if row[name] is not None]
    values = [value for value in values if not ratio or value > 0] + [1.0 if ratio else 0.0]
    return min(values), max(values), ratio


def drawn(row: Row, scale: tuple[float, float, bool]) -> str:
    """Return an interval in letters: o the effect, [---] its 95 % interval, : no difference."""
    low, high, ratio = scale

    def place(value: float) -> int:
        share = (log(value / low) / log(high / low)) if ratio else (value - low) / (high - low)
        return round(share * (SPAN - 1))

    if low == high or (ratio and low <= 0):
        return ""
    letters = [" "] * SPAN
    if row["low"] is not None and row["high"] is not None:
        first, last = place(row["low"]), place(row["high"])
        letters[first : last + 1] = "-" * (last + 1 - first)
        letters[first], letters[last] = "[", "]"
    letters[place(1.0 if ratio else 0.0)] = ":"
    letters[place(row["centre"])] = "o"
    return "".join(letters)


def _finding_lines(row: Row, scale: tuple[float, float, bool]) -> list[str]:
    alone = panel_of(row) == ONLY_DIRECTION
    effect = effect_said(row) if alone else sized(row)
    picture = "" if alone else drawn(row, scale)
    lines = _lines(f"{row['id']}: {row['exposure']} -> {row['outcome']}", 0)
    if picture:
        low, high, _ = scale
        lines.append(f"  {exact(low):>9} |{picture}| {exact(high)}")
    lines += _lines(f"{effect}, {compared(row)}; {persons(row)}; {row['design']}", 2)
    lines += _labelled("certainty", certainty_said(row))
    lines += _labelled("the model", use_said(row))
    if row["contradiction"]:
        lines += _labelled("disputed", row["contradiction"])
    lines += _labelled("arrows", row["edges"]) if row["edges"] else ["  arrows     none: it speaks about no arrow"]
    if row["note"]:
        lines += _labelled("note", row["note"])
    return [*lines, *_labelled("source", reference(row))]


def sides(members: pl.DataFrame) -> list[tuple[str, ...]]:
    """Return the members of a disagreement, those that say the same beneath each other."""
    rows = sorted(members.to_dicts(), key=lambda row: (list(SIGNS).index(says(row)), row["certainty"]))
    return [
        (SIGNS[says(row)].partition(" at ")[0], f"{row['exposure']} -> {row['outcome']}",
         f": {sized(row)}" * (sized(row) != "-"), in_words(row["certainty"]), compared(row), row["id"]) for row in rows
    ]  # fmt: skip


def sized(row: Row) -> str:
    """Return effect and metric of a finding; a dash where only a direction is published."""
    return "-" if panel_of(row) == ONLY_DIRECTION else f"{effect_said(row)} {row['metric']}"


def says(row: Row) -> str:
    """Return the direction that a finding speaks for: 0 where its interval holds no difference."""
    if row["centre"] is None:
        return str(row["sign"] or "?")
    none = 1.0 if row["scale"] == "log" else 0.0
    if row["low"] is not None and row["high"] is not None and row["low"] <= none <= row["high"]:
        return "0"
    return "0" if row["centre"] == none else "+" if row["centre"] > none else "-"


def _arrows_counted(table: pl.DataFrame) -> list[int]:
    rows, whole = table.to_dicts(), findings()
    assumed = sum(base_grade(row["grade"]) == "assumed" for row in rows)
    return [len(rows), assumed, sum(untested(row, whole) for row in rows), sum(row["default_zero"] for row in rows)]


def _findings_counted(found: pl.DataFrame) -> list[int]:
    letters = [int((found["certainty"] == letter).sum()) for letter in CERTAINTIES]
    return [len(found), *letters, *(int((found["use"] == use).sum()) for use in USED)]


def _certainties(found: pl.DataFrame) -> str:
    counts = {letter: int((found["certainty"] == letter).sum()) for letter in CERTAINTIES}
    return ", ".join(f"{in_words(letter)} {count}" for letter, count in counts.items() if count)


def _labelled(label: str, text: str) -> list[str]:
    first, *rest = wrap(text, WIDTH - 13) or [""]
    return [f"  {label:<10} {first}", *(" " * 13 + line for line in rest)]


def _lines(text: str, indent: int) -> list[str]:
    return wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)


def evidence_data(asked: Dossier, parameters: Parameters) -> dict[str, Any]:
    """Return arrows and findings behind one name as data for JSON."""
    arrows = [
        {**row, "in_words": strength_said(row["grade"], row["source"]), "references": sources_said(row["source"]),
         "strengths": strengths(row, parameters), "untested": untested(row, asked.whole),
         "findings": speaking_of(arrow_name(row), asked.whole)["id"].to_list()}
        for row in asked.arrows.iter_rows(named=True)
    ]  # fmt: skip
    found = [
        {**row, "certainty_in_words": in_words(row["certainty"]), "steps": certainty_said(row),
         "use_in_words": use_said(row), "reference": reference(row)}
        for row in asked.findings.iter_rows(named=True)
    ]  # fmt: skip
    disagreements = {name: members["id"].to_list() for name, members in asked.disagreements.items()}
    return {"asked": asked.name, "kind": asked.kind, "arrows": arrows, "findings": found,
            "disagreements": disagreements}  # fmt: skip
