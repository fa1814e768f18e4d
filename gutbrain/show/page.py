"""One self-contained page: text, tables and figures in a single HTML file that opens offline.

Every figure and table tells its lowest certainty: its own words, else those of its section, else of its report.
The drawing program (Vega) is written into the file once; the policy in its head forbids every request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert

from gutbrain.show.words import number

POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:"
LONGEST = 200  # bytes of the name of a figure's file
SHORT = 22  # characters of a cell that is kept on one line
EMBED = """
for (const node of document.querySelectorAll('script[data-figure]')) {
  const place = document.getElementById(node.dataset.figure);
  const actions = {export: true, source: false, compiled: false, editor: false};
  vegaEmbed(place, JSON.parse(node.textContent), {renderer: 'svg', actions}).catch(problem => {
    place.textContent = 'This figure could not be drawn: ' + problem.message;
  });
}
"""


@dataclass(frozen=True)
class Text:
    """One paragraph; a note is set apart."""

    words: str
    note: bool = False

    def html(self, _: str) -> str:
        """Return the paragraph."""
        return f"<p{' class=note' if self.note else ''}>{_say(self.words)}</p>"


@dataclass(frozen=True)
class Items:
    """A list of short statements."""

    items: Sequence[str]
    numbered: bool = False

    def html(self, _: str) -> str:
        """Return the list."""
        tag = "ol" if self.numbered else "ul"
        return f"<{tag}>" + "".join(f"<li>{_say(item)}</li>" for item in self.items) + f"</{tag}>"


@dataclass(frozen=True)
class Verbatim:
    """Text whose line breaks matter, such as a plan."""

    words: str
    title: str = ""

    def html(self, _: str) -> str:
        """Return the text as it stands, folded away under its title if it has one."""
        text = f"<pre>{escape(self.words)}</pre>"
        return f"<details><summary>{_say(self.title)}</summary>{text}</details>" if self.title else text


@dataclass(frozen=True)
class Figure:
    """An Altair chart."""

    chart: Any
    caption: str
    name: str
    certainty: str = ""

    def html(self, place: str) -> str:
        """Return the chart as data, a place to draw it and a picture for readers without scripts."""
        specification = self.chart.to_dict()
        data = json.dumps(specification, separators=(",", ":"), allow_nan=False)
        picture = base64.b64encode(drawing(specification).encode()).decode()
        caption = _say(self.caption)
        return (
            f'<figure><div class="chart" id="{place}" role="img" aria-label="{caption}"></div>'
            f'<noscript><img alt="{caption}" src="data:image/svg+xml;base64,{picture}"></noscript>'
            f'<script type="application/json" data-figure="{place}">{_for_script(data)}</script>'
            f"<figcaption>{caption}</figcaption>{_sure(self.certainty)}</figure>"
        )


@dataclass(frozen=True)
class Picture:
    """A drawing that is SVG already; it is trusted and set in as it is."""

    svg: str
    caption: str
    certainty: str = ""

    def html(self, _: str) -> str:
        """Return the drawing with its caption."""
        caption = f"<figcaption>{escape(self.caption)}</figcaption>"
        return f"<figure>{self.svg}{caption}{_sure(self.certainty)}</figure>"


@dataclass(frozen=True)
class Table:
    """A table: numbers to the right, repeated cells of the first column blank.

    Parameters
    ----------
    headings : heading of each column that is shown, by column name; all as they are called by default
    right : text columns that hold numbers, set to the right
    folded : closed until the reader opens it
    certainty : the lowest on the way to its numbers, in words
    """

    frame: pl.DataFrame
    caption: str
    headings: Mapping[str, str] = field(default_factory=dict)
    right: frozenset[str] = frozenset()
    folded: bool = False
    certainty: str = ""

    def html(self, _: str) -> str:
        """Return the table, in a box that scrolls on a narrow screen."""
        shown = dict(self.headings) or {name: name for name in self.frame.columns}
        numeric = {name for name in shown if name in self.right or self.frame.schema[name].is_numeric()}
        head = "".join(f"<th{_class('number' * (n in numeric))}>{_say(said)}</th>" for n, said in shown.items())
        lines, before = [], None
        for row in self.frame.select(list(shown)).iter_rows(named=True):
            cells = []
            for place, (name, value) in enumerate(row.items()):
                again = place == 0 and value == before and name not in numeric
                style = "number" if name in numeric else _text_class(name, value)
                cells.append("<td></td>" if again else f"<td{_class(style)}>{_say(_cell(value))}</td>")
            before = next(iter(row.values()))
            lines.append("<tr>" + "".join(cells) + "</tr>")
        caption = escape(self.caption)
        body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
        sure = _sure(self.certainty)
        if self.folded:
            table = f'<div class="scroll"><table>{body}</table></div>'
            return f"<details><summary>{caption}</summary>{table}{sure}</details>"
        return f'<div class="scroll"><table><caption>{caption}</caption>{body}</table></div>{sure}'


Block = Text | Items | Verbatim | Figure | Picture | Table


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; its certainty is that of figures and tables without words of their own."""

    title: str
    blocks: Sequence[Block]
    certainty: str = ""

    def told(self, certainty: str) -> Section:
        """Return the section with a certainty in words at every figure and table."""
        words = self.certainty or certainty
        blocks = [replace(block, certainty=words) if isinstance(block, Figure | Picture | Table) and not block.certainty
                  else block for block in self.blocks]  # fmt: skip
        return replace(self, blocks=blocks, certainty=words)


@dataclass(frozen=True)
class Report:
    """What a report says: a verdict of a few sentences, then sections.

    Parameters
    ----------
    certainty : the lowest of all that is shown, in words; figures and tables without words of their own tell it

    Raises
    ------
    ValueError
        Without a certainty.
    """

    title: str
    subtitle: str
    verdict: Sequence[str]
    sections: Sequence[Section]
    footer: str = ""
    certainty: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if not self.certainty.strip():
            raise ValueError(f"the report {self.title!r} says nothing of its certainty")
        object.__setattr__(self, "sections", [section.told(self.certainty) for section in self.sections])

    @property
    def charts(self) -> dict[str, Any]:
        """Every chart by name."""
        return {b.name: b.chart for section in self.sections for b in section.blocks if isinstance(b, Figure)}


def write_report(path: str | Path, content: Report) -> Path:
    """Write a report as one HTML file that needs no network and no other file.

    Parameters
    ----------
    path : the file; folders above it are made

    Returns
    -------
    Path: the file that was written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_text(content), encoding="utf-8")
    return path


def page_text(content: Report, summary: str = "Verdict") -> str:
    """Return a report as the text of one HTML file; `summary` heads its short answer."""
    links, parts = [], []
    for place, section in enumerate(content.sections, 1):
        links.append(f'<a href="#section-{place}">{escape(section.title)}</a>')
        blocks = "\n".join(block.html(f"figure-{place}-{n}") for n, block in enumerate(section.blocks, 1))
        parts.append(f'<section id="section-{place}"><h2>{escape(section.title)}</h2>\n{blocks}</section>')
    verdict = "".join(f"<p>{_say(sentence)}</p>" for sentence in content.verdict)
    draw = f"<script>{_bundle()}</script><script>{EMBED}</script>" if content.charts else ""
    style = (files("gutbrain.show") / "static" / "report.css").read_text(encoding="utf-8")
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(content.title)}</title>'
        f"<style>{style}</style></head><body>\n"
        f'<header><h1>{escape(content.title)}</h1><p class="subtitle">{escape(content.subtitle)}</p></header>\n'
        f'<section class="verdict"><h2>{escape(summary)}</h2>{verdict}</section>\n<nav>{" ".join(links)}</nav>\n'
        + "\n".join(parts)
        + f"\n<footer>{escape(content.footer)}</footer>\n{draw}\n</body></html>\n"
    )


def save_figures(charts: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Write every chart as SVG and as PNG (twice the size in pixels) into a folder.

    Parameters
    ----------
    charts : charts by name; dots and spaces of a name become hyphens in the file, long names are cut

    Returns
    -------
    list of Path: the files that were written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    taken: set[str] = set()
    for name, chart in charts.items():
        whole = "".join(sign if sign.isalnum() else "-" for sign in name).encode()[:LONGEST].decode(errors="ignore")
        stem, number = whole, 2
        while stem.casefold() in taken:
            stem, number = f"{whole}-{number}", number + 1
        taken.add(stem.casefold())
        specification = chart.to_dict()
        vector, pixels = folder / f"{stem}.svg", folder / f"{stem}.png"
        svg = drawing(specification)
        vector.write_text(svg, encoding="utf-8")
        pixels.write_bytes(vl_convert.svg_to_png(svg, scale=2))
        written += [vector, pixels]
    return written


def drawing(specification: Mapping[str, Any]) -> str:
    """Return a chart's specification drawn as SVG; the page and the figures share one drawing."""
    return _drawn(json.dumps(specification, sort_keys=True))


@cache
def _drawn(specification: str) -> str:
    return vl_convert.vegalite_to_svg(json.loads(specification))


@cache
def _bundle() -> str:
    """The drawing programs as one script; a closing tag inside a string must not end it."""
    # The stub of vl-convert asks for a snippet; the function itself, and its documentation, do not.
    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return script.replace("</script", "<\\/script")


def _for_script(data: str) -> str:
    return data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _say(words: str) -> str:
    """Escape text and keep numbers beside their words."""
    return escape(words).replace(" %", "\u00a0%").replace("day 0", "day\u00a00")


def _sure(certainty: str) -> str:
    """Return the line that stands below every figure and table."""
    return f'<p class="certainty">Lowest certainty on the way: {_say(certainty)}</p>' if certainty else ""


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _text_class(column: str, value: Any) -> str:
    if "grade" in column and str(value).startswith("assumed"):
        return "grade-assumed"
    return "short" if len(str(value)) <= SHORT else ""


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value)
    return str(value)
