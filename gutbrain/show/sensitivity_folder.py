"""The folder of a sensitivity analysis: page, tables, figures and one JSON, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from gutbrain.folder import whole_folder
from gutbrain.show.page import save_figures, write_report
from gutbrain.show.sensitivity_page import sensitivity_report, sentences
from gutbrain.show.sensitivity_words import grade_said, percent
from gutbrain.show.words import signal_name

if TYPE_CHECKING:
    from gutbrain.fit.sensitivity.weighed import Sensitivity
    from gutbrain.plan import Plan

TABLES = ("outcomes", "shares", "sobol", "morris", "measurements", "read_outs", "unknowns", "counts")
VERSIONS = ("gutbrain", "SALib", "jax", "numpy", "scipy", "polars", "altair")
SHOWN = 5  # unknowns that are printed


def write_sensitivity(
    found: Sensitivity, out: Path, plan: Plan, *, force: bool = False, command: str = "", seconds: float | None = None
) -> Path:
    """Write a sensitivity analysis.

    Parameters
    ----------
    out : folder to make: report.html, sensitivity.json, tables/, figures/, plan.toml, manifest.json
    force : replace the folder if it exists
    command : the command line, for page and manifest
    seconds : how long the draws took

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or cannot be written.
    """
    versions = {"python": platform.python_version()} | {name: _version(name) for name in VERSIONS}
    footer = "; ".join([command, f"seed {found.settings.seed}", *(f"{name} {said}" for name, said in versions.items())])
    content = sensitivity_report(found, plan.title, plan.text(), footer)
    with whole_folder(out, force) as work:
        write_report(work / "report.html", content)
        (work / "tables").mkdir()
        for name in TABLES:
            table: pl.DataFrame = getattr(found, name)
            table.write_csv(work / "tables" / f"{name}.csv")
        _write_json(work / "sensitivity.json", as_data(found))
        (work / "plan.toml").write_text(plan.text(), encoding="utf-8")
        save_figures(content.charts, work / "figures")
        files = sorted(path for path in work.rglob("*") if path.is_file())
        sums = {path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        manifest = {
            "title": plan.title, "command": command, "seed": found.settings.seed, "versions": versions,
            "settings": asdict(found.settings), "seconds": seconds, "sha256": sums,
        }  # fmt: skip
        _write_json(work / "manifest.json", manifest)
    return out


def as_data(found: Sensitivity) -> dict[str, Any]:
    """Return everything as plain data, certainty in words with every row that has a grade."""
    data: dict[str, Any] = {
        "arm": found.arm, "comparator": found.comparator, "day": found.day,
        "what": "level" if found.level else "effect", "settings": asdict(found.settings),
        "certainty": {row["outcome"]: grade_said(row["weakest_grade"]) for row in found.outcomes.to_dicts()},
        "said": {name: sentences(found, name) for name in found.asked},
    }  # fmt: skip
    for name in TABLES:
        rows = getattr(found, name).to_dicts()
        data[name] = [row | ({"certainty": grade_said(row["grade"])} if "grade" in row else {}) for row in rows]
    return data


def summary(found: Sensitivity, out: Path) -> list[str]:
    """Return the lines that are printed at the end."""
    lines = []
    for name in found.asked:
        lines += ["", *sentences(found, name), ""]
        for row in found.sobol.filter(outcome=name).head(SHOWN).iter_rows(named=True):
            lines.append(
                f"  {row['parameter']:<44} alone {percent(row['first']):>8}, in all {percent(row['total']):>8}  "
                f"{grade_said(row['grade'])}"
            )
    asked = set(found.outcomes.filter("asked")["outcome"])
    still = [signal_name(name) for name in found.still if name in asked]
    if still:
        lines += ["", f"The same in every draw, so nothing to share out: {', '.join(still)}"]
    return [*lines, "", f"  {out / 'report.html'}", f"  {out / 'sensitivity.json'}"]


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
