"""Methods of `gutbrain analyse` on simulated studies whose truth is known: `python -m benchmarks.truth`.

Prints a table, and with `--write` puts it into docs/calibration_of_analyses.md. `--only WORD` picks methods,
`--replicates N` is for a quick look, or for more than are usual. Finished replicates are kept beside the population
and taken up again.
"""

from __future__ import annotations

import argparse
import importlib
import re
import shutil
from pathlib import Path

from benchmarks.population import folder, people_of_studies
from benchmarks.truth_method import Figures, Method, finished, run

PAGE = Path(__file__).parents[1] / "docs" / "calibration_of_analyses.md"
AREAS = ("diversity", "taxa", "change", "days", "mediation", "further")
HEAD = ("method", "replicates", "false positives, %", "coverage, %", "power, %", "false discoveries, %", "bias",
        "within the bounds")  # fmt: skip
TOGETHER = 50  # replicates of all methods before the next ones
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->"


def methods() -> list[Method]:
    """Return every method of all areas."""
    return [method for area in AREAS for method in importlib.import_module(f"benchmarks.truth_{area}").METHODS]


def figures_of(chosen: list[Method], replicates: int, kept: Path | None) -> list[tuple[Method, Figures]]:
    """Run methods side by side, some replicates at a time: those that read the same study find it in memory."""
    # More than a method's own number are without an effect: those are what false positives are counted on.
    most = [((replicates or m.replicates) if m.replicates else 0, min(m.with_effect, replicates or m.with_effect))
            for m in chosen]  # fmt: skip
    end = max((max(both) for both in most), default=0)
    for stop in (*range(TOGETHER, end, TOGETHER), end):
        done = [(method, run(method, min(stop, without), min(stop, planted), kept))
                for method, (without, planted) in zip(chosen, most, strict=True)]  # fmt: skip
    return done


def row(method: Method, figures: Figures) -> tuple[str, ...]:
    """Return the cells of one method."""
    missed = figures.misses(method)
    sure = figures.implausible(method, 0.01)
    verdict = f"**no**: {'; '.join(sure)}" if sure and missed else "yes"
    if missed and not sure:
        verdict = f"not settled by so few: {'; '.join(missed)}"
    bias = "" if figures.bias != figures.bias else f"{figures.bias:+.3g}"
    refused = f", {figures.refused} refused" if figures.refused else ""
    return (method.name, f"{len(figures.without)} + {len(figures.planted)}{refused}", str(figures.false_positives),
            str(figures.coverage), str(figures.power), str(figures.false_discoveries), bias, verdict)  # fmt: skip


def table(rows: list[tuple[str, ...]], head: tuple[str, ...] = HEAD) -> str:
    """Return rows as a table of Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *rows))


def page(done: list[tuple[Method, Figures]]) -> str:
    """Return the generated part of the page: figures, what was simulated, and what misses."""
    told = [(method.name, method.study, method.planted) for method, _ in done]
    reasons = [f"- **{method.name}**: {method.miss}" for method, _ in done if method.miss]
    parts = [table([row(method, figures) for method, figures in done]), "## What was simulated",
             table(told, ("method", "study", "planted effect"))]  # fmt: skip
    if reasons:
        parts += ["## What misses, and why", "\n".join(reasons)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="methods whose name matches this pattern")
    parser.add_argument("--replicates", type=int, default=0, help="of each method; its own number by default")
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    parser.add_argument("--finished", action="store_true", help="run nothing: tell what is kept")
    parser.add_argument("--anew", action="store_true", help="forget finished replicates: the code has changed")
    asked = parser.parse_args()
    kept = folder() / f"truth, {people_of_studies().mean.shape[2]} people"
    if asked.anew:
        shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True, exist_ok=True)
    chosen = [method for method in methods() if re.search(asked.only, method.name)]
    if asked.finished:
        done = [
            (method, run(method, *finished(method, kept), kept)) for method in chosen if any(finished(method, kept))
        ]
    else:
        done = figures_of(chosen, asked.replicates, kept)
    print(table([row(method, figures) for method, figures in done]))
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + page(done) + "\n" + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
