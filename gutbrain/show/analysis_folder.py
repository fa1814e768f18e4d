"""The folder of an analysis: report, plan, tables and figures, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import polars as pl

from gutbrain.analyse.analysis import Analysis
from gutbrain.folder import whole_folder
from gutbrain.show.analysis_page import analysis_report
from gutbrain.show.page import save_figures, write_report

VERSIONS = ("gutbrain", "numpy", "scipy", "polars", "scikit-bio", "statsmodels", "formulaic", "altair")

LONGEST = 200  # bytes of the name of a table's file


def write_analysis(analysis: Analysis, out: str | Path, force: bool = False, command: str = "") -> Path:
    """Write an analysis.

    Parameters
    ----------
    out : folder to make: report.html, plan.toml, tested.csv, people.csv, findings.csv, tables/, figures/, manifest.json
    force : replace the folder if it exists
    command : the command line, for the manifest

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or cannot be written.
    """
    target = Path(out)
    content = analysis_report(analysis)
    with whole_folder(target, force) as work:
        write_report(work / "report.html", content)
        (work / "plan.toml").write_text(analysis.plan.text(), encoding="utf-8")
        analysis.tested.write_csv(work / "tested.csv")
        analysis.people.write_csv(work / "people.csv")
        rows = [vars(finding) for finding in analysis.findings]
        columns = ("severity", "file", "where", "what", "mend")
        pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)).write_csv(work / "findings.csv")
        (work / "tables").mkdir()
        taken: set[str] = set()
        for step, done in analysis.done.items():
            for name, table in done.tables.items():
                table.write_csv(work / "tables" / f"{_file_name(step, name, taken)}.csv")
        save_figures(content.charts, work / "figures")
        manifest = {
            "command": command, "plan_sha256": analysis.plan.hash, "suggested": analysis.plan.suggested,
            "study": {"title": analysis.study.about.get("title", ""), "origin": analysis.study.origin,
                      "sha256": _study_hash(analysis)},
            "seed": analysis.plan.design.seed, "python": platform.python_version(),
            "versions": {name: _version(name) for name in VERSIONS},
            "not_done": [finding.file for finding in analysis.findings if finding.severity == "error"],
        }  # fmt: skip
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
    return target


def _study_hash(analysis: Analysis) -> str:
    """Name the data by their values: the same tables give the same hash, wherever the folder lies."""
    whole = hashlib.sha256()
    for name, table in sorted(analysis.study.tables.items()):
        whole.update(name.encode())
        whole.update(table.write_csv().encode())
    return whole.hexdigest()


def _file_name(step: str, name: str, taken: set[str]) -> str:
    """Return a name that every system takes and that no other table has, whatever the case of its letters."""
    named, end = (
        "".join(sign if sign.isalnum() or sign in " ,.-_()" else "-" for sign in text).strip(" .")
        for text in (step, name)
    )
    # A name may have 255 bytes, and a sign up to four.
    start = named.encode()[: LONGEST - len(end.encode())].decode(errors="ignore") or "step"
    made, number = f"{start}, {end}", 2
    while made.casefold() in taken:
        made, number = f"{start} ({number}), {end}", number + 1
    taken.add(made.casefold())
    return made


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
