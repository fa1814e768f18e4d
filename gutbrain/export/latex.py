r"""A whole axis as one LaTeX document that compiles by itself: equations, parameters, wires, levers, references.

Packages: amsmath, longtable, booktabs, hyperref. Nothing else is asked for, so that any LaTeX can set it.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.export.content import SPREADS, Content, Part, Rows, alike, content
from gutbrain.export.content import unit as unit_words
from gutbrain.export.formula import Nodes, parse, to_latex
from gutbrain.export.formula_lines import lines, named_parts, width
from gutbrain.export.whole_file import whole_file

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.model.printed import EquationText
    from gutbrain.plan import Plan

ROOM = 92.0  # letters on a line of an equation
TEXT_WIDTH = 175.0  # mm
ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "_": r"\_\allowbreak{}", "<": r"$<$", ">": r"$>$",
    "|": r"$|$", '"': "''", "×": r"$\times$", "÷": r"$\div$", "±": r"$\pm$", "−": r"$-$", "–": "--", "—": "---",
    "µ": r"$\mu$", "μ": r"$\mu$", "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "κ": r"$\kappa$",
    "Δ": r"$\Delta$", "ω": r"$\omega$", "·": r"$\cdot$", "≥": r"$\geq$", "≤": r"$\leq$", "≈": r"$\approx$",
    "→": r"$\to$", "°": r"$^\circ$",
    "²": r"$^2$", "³": r"$^3$", "’": "'", "‘": "`", "“": "``", "”": "''", "‐": "-", "\u2011": "-", "\u00a0": "~",
}  # fmt: skip
DOT = re.compile(r"(?<=[a-z])([./])(?=[a-z])")  # of a signal's name or a unit, where a line may break
# Share of the line that each column of a table takes; what is wide by nature gets more.
SHARES = {
    ("state", "unit", "start", "bounds", "what it is"): (0.22, 0.11, 0.18, 0.17, 0.32),
    ("input", "signal", "given by", "unit", "rest", "what it is"): (0.17, 0.21, 0.13, 0.10, 0.15, 0.24),
    ("parameter", "value", "unit", "belief", "between people", "certainty", "source", "what it is"):
        (0.165, 0.085, 0.095, 0.105, 0.105, 0.125, 0.14, 0.18),
    ("signal", "listener", "sign", "certainty", "source", "note"): (0.19, 0.10, 0.05, 0.15, 0.15, 0.36),
    ("lever", "unit", "rest", "range", "moves", "what it is"): (0.24, 0.11, 0.17, 0.12, 0.11, 0.25),
    ("arm", "lever", "dose", "from day", "to day", "course", "certainty", "source"):
        (0.11, 0.20, 0.13, 0.06, 0.06, 0.17, 0.15, 0.12),
    ("parameter", "entry", "value"): (0.35, 0.45, 0.20),
}  # fmt: skip
PREAMBLE = r"""\documentclass[10pt,a4paper,fleqn]{article}
\usepackage{amsmath}
\usepackage{longtable}
\usepackage{booktabs}
\usepackage[hidelinks]{hyperref}
\setlength{\textwidth}{175mm}
\setlength{\oddsidemargin}{-8mm}
\setlength{\textheight}{250mm}
\setlength{\topmargin}{-20mm}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt plus 2pt}
\setlength{\mathindent}{6mm}
\setlength{\tabcolsep}{2.5pt}
\setlength{\emergencystretch}{3em}
\allowdisplaybreaks
\raggedbottom
"""


def write_latex(axis: Axis, out: Path, title: str, plan: Plan | None = None, force: bool = False) -> Path:
    """Write an axis as one LaTeX file.

    Parameters
    ----------
    title : heading of the document
    plan : plan of a run, whose acts are listed as well
    force : replace the file if it exists

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or cannot be written.
    """
    with whole_file(out, force) as path:
        path.write_text(latex_text(axis, title, plan), encoding="utf-8", newline="\n")
    return out


def latex_text(axis: Axis, title: str, plan: Plan | None = None) -> str:
    """Return the document as text."""
    found = content(axis, title, plan)
    blocks = [PREAMBLE + rf"\title{{{escaped(title)}}}", r"\author{}" + "\n" + r"\date{}", r"\begin{document}"]
    blocks += [r"\maketitle", *map(escaped, (*found.opening, SPREADS)), r"\tableofcontents"]
    linked = {key for key, _ in found.references}
    for part in found.parts:
        blocks += _part(part, linked)
    blocks += [r"\section{Tables of the whole axis}"]
    for rows in found.tables:
        blocks += _table(rows, linked)
    return "\n\n".join([*blocks, *_references(found), r"\end{document}"]) + "\n"


def escaped(text: str) -> str:
    """Return plain text as LaTeX; signs that no plain LaTeX has lose their accents or are named."""
    written = "".join(ESCAPED.get(sign) or _plain(sign) for sign in text)
    return DOT.sub(r"\1\\allowbreak{}", written)


def _plain(sign: str) -> str:
    if sign.isascii() or "\u00c0" <= sign <= "\u017f":
        return sign
    simple = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return simple or f"[{unicodedata.name(sign, 'sign').lower()}]"


def _part(part: Part, linked: set[str]) -> list[str]:
    parameters = [rows for rows in part.tables if rows.caption == "Parameters"]
    blocks = [rf"\section{{{escaped(part.title)}}}", escaped(part.about)]
    for rows in part.tables:
        if rows not in parameters:
            blocks += _table(rows, linked)
    for kind, texts in part.equations:
        blocks += [rf"\subsection*{{{escaped(kind)}}}", *map(equation, texts)]
    for rows in parameters:
        blocks += _table(rows, linked)
    return blocks


def equation(text: EquationText) -> str:
    """Return one equation with its sentence, its unit and the rows that read alike."""
    about = escaped(text.about)
    unit = unit_words(text.unit)
    about += f" [{escaped(unit)}]" if unit else ""
    about += " " + escaped(alike(text)) if alike(text) else ""
    whole, named = named_parts(parse(text.latex))
    shown = [_set(parse(text.left), whole)]
    for number, (name, part) in enumerate(reversed(named)):
        shown.append((r"\text{where } " if number == 0 else r"\phantom{\text{where }} ") + _set((name,), part))
    return about + "\n" + r"\begin{align*}" + "\n" + " \\\\\n".join(shown) + "\n" + r"\end{align*}"


def _set(left: Nodes, right: Nodes) -> str:
    """Return one equation over as many lines as it needs."""
    head = to_latex(left)
    first = ROOM - width(left)
    found = lines(right, first) if width(right) <= first else lines(right, ROOM - 6)
    said = [to_latex(line) for line in found]
    if width(found[0]) <= first:
        return f"& {head} = " + " \\\\\n& \\qquad ".join(said)
    return f"& {head} = \\\\\n& \\qquad " + " \\\\\n& \\qquad ".join(said)


def _table(rows: Rows, linked: set[str]) -> list[str]:
    shares = SHARES[rows.head]
    room = TEXT_WIDTH - 2 * 0.88 * (len(shares) - 1)  # mm, less what stands between columns
    columns = "".join(f"p{{{share * room:.1f}mm}}" for share in shares)
    head = " & ".join(rf"\textbf{{{escaped(word)}}}" for word in rows.head) + r" \\"
    body = [
        " & ".join(rf"\raggedright {_cell(name, cell, linked)}" for name, cell in zip(rows.head, row, strict=True))
        + r" \tabularnewline" for row in rows.rows
    ]  # fmt: skip
    blocks = [rf"\subsection*{{{escaped(rows.caption.partition(': ')[0])}}}"]
    more = escaped(rows.caption.partition(": ")[2])
    said = " ".join(filter(None, [f"{more[0].upper()}{more[1:]}." if more else "",
                                  rf"\emph{{{escaped(rows.certainty)}}}" if rows.certainty else ""]))  # fmt: skip
    table = [
        r"{\footnotesize", rf"\begin{{longtable}}[l]{{@{{}}{columns}@{{}}}}", r"\toprule", head, r"\midrule",
        r"\endhead", r"\bottomrule", r"\endfoot", *body, r"\end{longtable}", "}",
    ]  # fmt: skip
    return [*blocks, *([said] if said else []), "\n".join(table)]


def _cell(name: str, cell: str, linked: set[str]) -> str:
    if name != "source":
        return escaped(cell)
    keys = (rf"\hyperlink{{{key}}}{{{escaped(key)}}}" if key in linked else escaped(key) for key in cell.split(", "))
    return ", ".join(keys)


def _references(found: Content) -> list[str]:
    if not found.references:
        return []
    items = [rf"\item[\hypertarget{{{key}}}{{{escaped(key)}}}] {escaped(words)}" for key, words in found.references]
    return [r"\section{References}", "\n".join([r"\begin{description}", *items, r"\end{description}"])]
