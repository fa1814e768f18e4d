"""Notes of an SBML file: what each quantity is, where it comes from, and how sure that is."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from gutbrain.evidence.claims import UNSOURCED, cite
from gutbrain.export.content import SPREADS, in_words
from gutbrain.export.sbml_acts import Driven
from gutbrain.export.sbml_system import RELAXATION, Quantity
from gutbrain.people.cohort import Cohort

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis

XHTML = "http://www.w3.org/1999/xhtml"


def noted(element: Any, lines: list[str]) -> None:
    """Write lines of text into the notes of an element; nothing for none."""
    if lines:
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
        element.setNotes(f'<body xmlns="{XHTML}">{paragraphs}</body>')


def about_quantity(one: Quantity) -> list[str]:
    """Return the notes of a quantity, one paragraph a line."""
    lines = [f"{one.about[:1].upper()}{one.about[1:]}."] if one.about else []
    lines = [line.replace("..", ".") for line in lines]
    if one.grade:
        words = in_words(one.grade, one.source)
        cited = [] if one.source in ("", UNSOURCED) else [f"Source: {'; '.join(cite(one.source))}."]
        lines += [f"Certainty: {words}.", *cited]
    if one.spread:
        lines.append(f"Spread: {one.spread}.")
    return lines


def about_model(axis: Axis, person: Cohort, moved: Driven) -> list[str]:
    """Return the notes of the model: what it is, what it leaves out, and how it is best run."""
    graded = [(param.grade, param.source) for param in axis.parameters.values()]
    unsourced = sum(source in ("", UNSOURCED) for _, source in graded)
    settled = "the settled midnight of the person" if person.start is not None else "as declared, not settled"
    lines = [
        "A model of the human gut-brain axis for one adult. It shows what assumptions imply; it is no medical advice.",
        f"Lowest certainty of what is written: {'assumed, without a source' if unsourced else 'see each parameter'}. "
        f"{unsourced} of {len(graded)} parameters have no source; the notes of each say how certain it is.",
        "Time is in days from midnight. Quantities stand in their declared units; equations count in days, mmol, g, "
        "litres and mmHg, and each conversion is a parameter whose name begins with one_.",
        "Left out: events of daily life that come at random, and noise of mood. What is written is the mean course.",
        f"Initial values: {settled}.",
    ]
    if moved.acts:
        told = "; ".join(f"{act.lever} by {act.dose:.6g}" for act in moved.acts)
        lines.append(f"Acts: {told}. Doses are as people keep them on average, and nobody drops out.")
    else:
        lines.append("Nothing moves: an ordinary life. A parameter whose name begins with lever_ moves a lever.")
    if axis.unknowns():
        lines.append(f"Take an implicit solver: balances are approached at the rate {RELAXATION}. Give it one absolute "
                     "tolerance that does not shrink with a state, because some states rest at 0.")  # fmt: skip
    return [*lines, f"Spreads: {SPREADS}"]
