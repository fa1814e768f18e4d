"""The folder of a coupling: report, fit, tables and figures, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from gutbrain.fit.coupling.kept import fingerprint, write_fit
from gutbrain.folder import whole_folder
from gutbrain.show.coupling_page import coupling_page, coupling_report
from gutbrain.show.page import save_figures

if TYPE_CHECKING:
    from gutbrain.fit.coupling.coupled import Coupled

VERSIONS = ("gutbrain", "jax", "numpyro", "numpy", "scipy", "polars", "altair")
TABLES = (
    "parameters", "lagged", "impulses", "directions", "explained", "persons", "states", "residuals", "checks",
    "moved", "corrected",
)  # fmt: skip


def write_coupling(
    made: Coupled,
    folder: str | Path,
    force: bool = False,
    command: str = "",
    study_name: str = "",
    choices: Sequence[str] = (),
    beside: Mapping[str, str] | None = None,
    simulated: str = "",
) -> Path:
    """Write a coupling.

    Parameters
    ----------
    folder : to make: report.html, fit.json, tables/, figures/, cannot.txt, manifest.json
    force : replace the folder if it exists
    command : the command line, for report and manifest
    study_name : what the study is called
    choices : sentences on what was chosen for the user, for the report
    beside : further text files of the folder, by name
    simulated : of a simulated study its certainty, in words

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or cannot be written.
    """
    target = Path(folder)
    content = coupling_report(made, command, study_name, choices, simulated)
    with whole_folder(target, force) as work:
        (work / "report.html").write_text(coupling_page(made, content), encoding="utf-8")
        (work / "tables").mkdir()
        for name in TABLES:
            table: pl.DataFrame = getattr(made, name)
            table.write_csv(work / "tables" / f"{name}.csv")
        (work / "cannot.txt").write_text("".join(f"{text}\n" for text in made.cannot), encoding="utf-8")
        save_figures(content.charts, work / "figures")
        for name, text in (beside or {}).items():
            (work / name).write_text(text, encoding="utf-8")
        write_fit(made.fitted, work)
        (work / "manifest.json").write_text(_manifest(made, work, command, study_name), encoding="utf-8")
    return target


def _manifest(made: Coupled, work: Path, command: str, study_name: str) -> str:
    fitted = made.fitted
    files = sorted(path for path in work.rglob("*") if path.is_file())
    content = {
        "command": command, "study": study_name, "method": fitted.method, "converged": bool(fitted.converged),
        "people": len(fitted.panel.people), "occasions": len(fitted.panel.time),
        "panel_sha256": fingerprint(fitted.panel),
        "python": platform.python_version(), "versions": {name: _version(name) for name in VERSIONS},
        "sha256": {path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
