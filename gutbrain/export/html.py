"""A whole axis as one page that opens offline: equations as MathML, folded by compartment, with a search of parameters.

Every browser of today draws MathML itself; the page asks nobody for anything, and says so in its policy.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.export.content import SPREADS, Part, Rows, alike, content
from gutbrain.export.content import unit as unit_words
from gutbrain.export.formula import Nodes, Sign, parse, to_mathml
from gutbrain.export.formula_lines import lines, named_parts, width
from gutbrain.export.whole_file import whole_file

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.model.printed import EquationText
    from gutbrain.plan import Plan

ROOM = 92.0  # letters on a line of an equation
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
SPACE = '<mspace width="2em"/>'
STYLE = """
details.part { border-top: 1px solid var(--line); margin: 0; padding: 6px 0; }
details.part > summary { font-size: 19px; font-weight: 600; color: var(--ink); padding: 6px 0; }
details.part > summary span { font-size: 14px; font-weight: 400; color: var(--quiet); margin-left: 8px; }
h3 { font-size: 16px; margin: 22px 0 6px; }
.equation { margin: 14px 0 18px; }
.equation p { margin: 0 0 4px; color: var(--quiet); font-size: 14.5px; }
.equation .lines { overflow-x: auto; padding: 2px 0 4px 18px; }
math { font-size: 1.08em; }
mtd { text-align: left; padding: 3px 4px; }
.certainty { font-style: italic; color: var(--quiet); font-size: 14px; margin: 4px 0; }
.search { display: flex; gap: 14px; align-items: baseline; flex-wrap: wrap; margin: 12px 0; font-size: 15px; }
.search input[type=search] { font: inherit; padding: 6px 10px; border: 1px solid var(--line); border-radius: 4px;
  width: 22em; max-width: 100%; }
.buttons button { font: inherit; font-size: 14px; color: var(--accent); background: none; border: 1px solid var(--line);
  border-radius: 4px; padding: 3px 10px; margin-right: 8px; cursor: pointer; }
.unsourced { color: #a8331a; font-weight: 600; }
td.name { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 12.5px; }
table.wide { table-layout: auto; width: 100%; }
"""
SCRIPT = """
const field = document.getElementById('find'), bare = document.getElementById('bare');
const rows = [...document.querySelectorAll('#parameters tbody tr')], told = document.getElementById('told');
function look() {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const fits = words.every(word => text.includes(word)) && (!bare.checked || text.includes('no source'));
    row.hidden = !fits;
    shown += fits;
  }
  told.textContent = shown + ' of ' + rows.length + ' parameters';
}
field.addEventListener('input', look);
bare.addEventListener('change', look);
for (const button of document.querySelectorAll('button[data-open]')) {
  button.addEventListener('click', () => {
    for (const part of document.querySelectorAll('details.part')) part.open = button.dataset.open === 'yes';
  });
}
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const part = target && target.closest('details');
  if (part) { part.open = true; target.scrollIntoView(); }
}
addEventListener('hashchange', reveal);
reveal();
look();
"""


def write_html(axis: Axis, out: Path, title: str, plan: Plan | None = None, force: bool = False) -> Path:
    """Write an axis as one HTML file that needs no network and no other file.

    Parameters
    ----------
    title : heading of the page
    plan : plan of a run, whose acts are listed as well
    force : replace the file if it exists

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or cannot be written.
    """
    with whole_file(out, force) as path:
        path.write_text(html_text(axis, title, plan), encoding="utf-8", newline="\n")
    return out


def html_text(axis: Axis, title: str, plan: Plan | None = None) -> str:
    """Return the page as text."""
    found = content(axis, title, plan)
    linked = {key for key, _ in found.references}
    parameters = [
        (f"{part.name}.{row[0]}", *row[1:])
        for part in found.parts for rows in part.tables if rows.caption == "Parameters" for row in rows.rows
    ]  # fmt: skip
    heads = next((rows.head for part in found.parts for rows in part.tables if rows.caption == "Parameters"), ())
    grades = {param.grade.partition(" ")[0] for param in axis.parameters.values()}
    worst = "Lowest certainty in this table: assumed." if "assumed" in grades else ""
    tables = "\n".join(
        f'<section><h2>{escape(rows.caption.partition(": ")[0])}</h2>{_said(rows)}{_table(rows, linked)}</section>'
        for rows in found.tables
    )  # fmt: skip
    references = "".join(f'<li id="{key}"><b>{escape(key)}</b> {escape(words)}</li>' for key, words in found.references)
    style = (files("gutbrain.show") / "static" / "report.css").read_text(encoding="utf-8")
    opening = "".join(f"<p>{escape(words)}</p>" for words in found.opening)
    searched = _table(Rows("", heads, parameters, ""), linked, "parameters") if parameters else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{style}{STYLE}</style></head><body>\n"
        f"<header><h1>{escape(title)}</h1></header>\n"
        f'<section class="verdict"><h2>What this is</h2>{opening}</section>\n'
        '<nav><a href="#equations">Equations</a><a href="#search">Parameters</a><a href="#tables">Wires and levers</a>'
        '<a href="#references">References</a></nav>\n'
        '<section id="equations"><h2>Equations by compartment</h2><p class="buttons"><button data-open="yes">Open all'
        '</button><button data-open="no">Close all</button></p>\n'
        + "\n".join(_part(part, linked) for part in found.parts)
        + f'</section>\n<section id="search"><h2>Parameters</h2><p>{escape(SPREADS)}</p>'
        f'<p class="certainty">{worst}</p><div class="search"><input type="search" id="find" '
        'placeholder="name, source, meaning" aria-label="search parameters"><label><input type="checkbox" id="bare"> '
        'only without a source</label><span id="told"></span></div>\n'
        f'{searched}</section>\n<div id="tables">{tables}</div>\n'
        f'<section id="references"><h2>References</h2><ul>{references}</ul></section>\n'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _part(part: Part, linked: set[str]) -> str:
    count = sum(len(texts) for _, texts in part.equations)
    blocks = [f"<p>{escape(part.about)}</p>"]
    for rows in part.tables:
        if rows.caption != "Parameters":
            blocks.append(f"<h3>{escape(rows.caption)}</h3>{_table(rows, linked)}")
    for kind, texts in part.equations:
        blocks += [f"<h3>{escape(kind)}</h3>", *map(equation, texts)]
    for rows in part.tables:
        if rows.caption == "Parameters":
            blocks.append(f"<h3>Parameters</h3>{_said(rows)}{_table(rows, linked)}")
    return (
        f'<details class="part" id="{part.name}"><summary>{escape(part.title)}<span>{count} equations</span></summary>'
        + "\n".join(blocks) + "</details>"
    )  # fmt: skip


def equation(text: EquationText) -> str:
    """Return one equation with its sentence, its unit and the rows that read alike."""
    unit = unit_words(text.unit)
    about = escape(text.about) + (f" [{escape(unit)}]" if unit else "")
    about += " " + escape(alike(text)) if alike(text) else ""
    whole, named = named_parts(parse(text.latex))
    shown = _set(parse(text.left), whole)
    for number, (name, part) in enumerate(reversed(named)):
        head = "<mtext>where&#160;</mtext>" if number == 0 else '<mspace width="3.1em"/>'
        first, *more = _set((name,), part)
        shown += [head + first, *more]
    rows = "".join(f'<mtr><mtd><mstyle displaystyle="true">{line}</mstyle></mtd></mtr>' for line in shown)
    return f'<div class="equation"><p>{about}</p><div class="lines"><math display="inline">' \
           f"<mtable>{rows}</mtable></math></div></div>"  # fmt: skip


def _set(left: Nodes, right: Nodes) -> list[str]:
    head, first = to_mathml((*left, Sign("="))), ROOM - width(left)
    found = [to_mathml(line) for line in lines(right, first if width(right) <= first else ROOM - 6)]
    if width(right) <= first:
        return [head + found[0]]
    return [head, *(SPACE + line for line in found)]


def _said(rows: Rows) -> str:
    more = rows.caption.partition(": ")[2]
    about = f"<p>{escape(more[0].upper() + more[1:])}.</p>" if more else ""
    return about + (f'<p class="certainty">{escape(rows.certainty)}</p>' if rows.certainty else "")


def _table(rows: Rows, linked: set[str], name: str = "") -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in rows.head)
    body = "".join(
        "<tr>" + "".join(_cell(word, place, cell, linked) for place, (word, cell)
                         in enumerate(zip(rows.head, row, strict=True))) + "</tr>\n"
        for row in rows.rows
    )  # fmt: skip
    named = f' id="{name}"' if name else ""
    return (f'<div class="scroll"><table class="wide"{named}><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
            "</table></div>")  # fmt: skip


def _cell(word: str, place: int, cell: str, linked: set[str]) -> str:
    text = escape(cell)
    if word == "source":
        text = ", ".join(f'<a href="#{key}">{escape(key)}</a>' if key in linked else escape(key)
                         for key in cell.split(", "))  # fmt: skip
    if place == 0 or word == "signal":
        text = text.replace("_", "_<wbr>").replace(".", ".<wbr>")
    style = "name" if place == 0 or word == "signal" else "unsourced" if "no source" in cell else ""
    return f"<td class={style}>{text}</td>" if style else f"<td>{text}</td>"
