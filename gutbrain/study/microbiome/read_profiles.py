"""Profiles of sequencing tools: MetaPhlAn, HUMAnN and other tables of functions, Kraken 2 and Bracken."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from gutbrain.study.microbiome.profile_bracken import OUTPUT, read_bracken
from gutbrain.study.microbiome.profile_clades import CLADE, UNCLASSIFIED, Clades
from gutbrain.study.microbiome.profile_functions import CERTAIN, FUNCTION
from gutbrain.study.microbiome.profile_humann import DESCRIPTIONS, HEADER, TAXON, read_humann
from gutbrain.study.microbiome.profile_kraken import is_report_row, read_kraken
from gutbrain.study.microbiome.profile_metaphlan import FIRST, read_metaphlan
from gutbrain.study.microbiome.profile_text import first_lines
from gutbrain.study.part import Part

__all__ = ["READERS", "read_bracken", "read_humann", "read_kraken", "read_metaphlan", "sniff"]

READERS: dict[str, Callable[..., Part]] = {
    "metaphlan": read_metaphlan,
    "humann": read_humann,
    "kraken": read_kraken,
    "bracken": read_bracken,
}
ENOUGH = 0.8  # share of rows that must look like functions


def sniff(path: str | Path) -> str | None:
    """Recognise a profile by its first lines.

    Parameters
    ----------
    path : file of any kind; a broken or missing one is recognised as nothing

    Returns
    -------
    str or None : name of its reader in `READERS`; None for anything else, such as a plain table of counts
    """
    lines = first_lines(path)
    comments = [line for line in lines if line.startswith("#")]
    rows = [line for line in lines if not line.startswith("#")]
    if not lines:
        return None
    if any(line.startswith(("#mpa_v", "#clade_name\t")) for line in comments[:12]):
        return "metaphlan"
    if any("\t" in line and HEADER.match(line.split("\t")[0]) for line in comments[:12]):
        return "humann"
    if not rows:
        return None
    header = [cell.strip() for cell in rows[0].split("\t")]
    if tuple(header[:3]) == OUTPUT[:3]:
        return "bracken"
    if any(line.startswith("#perc\ttot_all\t") for line in comments) or header[:3] == ["perc", "tot_all", "tot_lvl"]:
        return "kraken"
    if all(is_report_row(line) for line in rows[:20]):
        return "kraken"
    return _by_clades(comments, rows) or _by_functions(rows)


def _by_clades(comments: list[str], rows: list[str]) -> str | None:
    """Tell nested clades from a table of counts, whose lineages do not stand inside one another."""
    table = [[cell.strip() for cell in row.split("\t")] for row in rows]
    if len(table[0]) < 2:
        return None
    titled = table[0][0].lower() in FIRST
    body = table[1:] if titled else table
    names = [row[0] for row in body]
    clades = [name for name in names if CLADE.match(name)]
    if not clades or any(name not in clades and name.lower() not in UNCLASSIFIED for name in names):
        return None
    if "|" not in "".join(clades) or all(Clades.of(clades).leaf) or not _sums_inside(body):
        return None
    if titled or any(re.match(r"#SampleID\tMetaphlan", line, re.I) for line in comments):
        return "metaphlan"
    whole = all(re.fullmatch(r"\d+", cell) for row in body for cell in row[1:])
    if whole or any(line.lower().startswith("#classification") for line in comments):
        return "kraken"
    return "metaphlan" if len(table[0]) <= 4 else None


def _sums_inside(body: list[list[str]]) -> bool:
    """Say whether each clade holds at least what any clade inside it holds."""
    amounts: dict[tuple[str, ...], list[float]] = {}
    for row in body:
        # Identifiers of clades (2|976) and lists of species stand beside the numbers.
        plain = [cell for cell in row[1:] if re.fullmatch(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", cell)]
        amounts[tuple(row[0].split("|"))] = [float(cell) for cell in plain]
    for path, inside in amounts.items():
        around = next((path[:k] for k in range(len(path) - 1, 0, -1) if path[:k] in amounts), None)
        if around and any(more > 1.001 * most for more, most in zip(inside, amounts[around], strict=False)):
            return False
    return True


def _by_functions(rows: list[str]) -> str | None:
    """Recognise tables whose rows are functions and whose other columns are numbers."""
    mark = "\t" if "\t" in rows[0] else ","
    try:
        table = [[cell.strip() for cell in _split(row, mark)] for row in rows[:60]]
    except (csv.Error, StopIteration):
        return None
    header, body = table[0], [row for row in table[1:] if len(row) > 1]
    if len(header) < 2 or not body:
        return None
    functions = 0
    if header[0].lower() in TAXON and len(header) > 2:
        functions = 1
    form = FUNCTION if header[0].lower() in ("module", "pathway", "function", "entry") else CERTAIN
    hits = sum(bool(form.match(row[functions])) for row in body if len(row) > functions)
    if hits < ENOUGH * len(body):
        return None
    text = {0, functions, *(k for k, name in enumerate(header) if name.lower() in DESCRIPTIONS)}
    numbers = all(
        re.fullmatch(r"[0-9.eE+-]*|NA|nan|NaN", cell) for row in body for k, cell in enumerate(row) if k not in text
    )
    return "humann" if numbers else None


def _split(row: str, mark: str) -> list[str]:
    return row.split(mark) if mark == "\t" else next(csv.reader([row], delimiter=mark))
