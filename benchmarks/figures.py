"""Print every target of the literature that the model can be held against, and what it reaches.

    python -m benchmarks.figures              all rows (some minutes)
    python -m benchmarks.figures BAR ENT-5    rows whose identifier begins so
    python -m benchmarks.figures --quick      rows that take seconds
    python -m benchmarks.figures FAULT        known faults of the specification (docs/known_faults.md)

Nothing outside the repository is needed. The account of every row, those without a figure
included, is docs/known_misses.md. What holds by construction is no success.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from benchmarks import axis_rows, body_rows, cohort_rows, fault_rows
from benchmarks.row import Row

QUICK = body_rows.ROWS
ROWS = (*QUICK, *cohort_rows.ROWS, *axis_rows.ROWS)
FAULTS = fault_rows.ROWS


def row(name: str) -> Row:
    """Return one row by its identifier."""
    return next(found for found in (*ROWS, *FAULTS) if found.id == name)


def table(rows: Iterable[Row]) -> str:
    """Lay the rows out as a Markdown table."""
    lines = ["| id | target | source | counts as met | reached | status |", "|---|---|---|---|---|---|"]
    for found in rows:
        verdict = f"met ({found.status})" if found.met else f"missed ({found.status})"
        if found.met and found.status == "by construction":
            verdict = found.status
        elif not found.has_target:
            verdict = "no target"
        lines.append(
            f"| {found.id} | {found.target} | {found.source} | {found.interval} | {found.reached():.4g} | {verdict} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("beginnings", nargs="*", help="identifiers begin with one of these")
    parser.add_argument("--quick", action="store_true", help="only rows that take seconds")
    asked = parser.parse_args()
    rows = QUICK if asked.quick else (*ROWS, *FAULTS)
    beginnings = tuple(asked.beginnings)
    print(table(found for found in rows if not beginnings or found.id.startswith(beginnings)))


if __name__ == "__main__":
    main()
