"""The folder of a validation: report, score board as JSON, tables and figures, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.evidence.findings import data_hash, split_hash
from gutbrain.folder import whole_folder, write_manifest
from gutbrain.show.page import save_figures, write_report
from gutbrain.show.validation_page import validation_report

if TYPE_CHECKING:
    from gutbrain.validation.validate import Validation


def write_validation(made: Validation, folder: Path, force: bool, command: str) -> None:
    """Write report.html, scores.json, tables/, figures/ and manifest.json.

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or cannot be written.
    """
    content = validation_report(made, command)
    with whole_folder(folder, force) as work:
        write_report(work / "report.html", content)
        (work / "scores.json").write_text(as_json(made, command), encoding="utf-8")
        (work / "tables").mkdir()
        for name in ("scores", "by_use", "by_pathway", "by_certainty"):
            getattr(made, name).write_csv(work / "tables" / f"{name}.csv")
        made.goals().write_csv(work / "tables" / "goals.csv")
        save_figures(content.charts, work / "figures")
        write_manifest(work, command, axis=made.axis, seed=made.seed, engine=made.engine)


def as_json(made: Validation, command: str = "") -> str:
    """Return the score board as JSON."""
    return json.dumps(
        {
            "axis": made.axis, "worlds": made.worlds, "people": made.people, "seed": made.seed, "beliefs": made.beliefs,
            "engine": made.engine, "command": command, "data_hash": data_hash(), "split_hash": split_hash(),
            "lost": {"columns": made.lost[0], "of": made.lost[1]},
            "goals": made.goals().to_dicts(), "by_use": made.by_use.to_dicts(),
            "by_pathway": made.by_pathway.to_dicts(), "by_certainty": made.by_certainty.to_dicts(),
            "scores": made.scores.to_dicts(),
        },
        indent=1, ensure_ascii=False,
    )  # fmt: skip
