"""The folder of a channel: report, tables and figures, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gutbrain.folder import whole_folder
from gutbrain.run.channel import PERIODS, answer_table
from gutbrain.run.channel_people import Channel
from gutbrain.show.channel_figures import picture
from gutbrain.show.channel_page import channel_report
from gutbrain.show.channel_words import certainty_said
from gutbrain.show.page import page_text, save_figures


def write_channel(found: Channel, folder: str | Path, force: bool = False, command: str = "") -> Path:
    """Write report.html, tables/, figures/, channel.svg and manifest.json, whole or not at all.

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or cannot be written.
    """
    target, content = Path(folder), channel_report(found, command)
    with whole_folder(target, force) as work:
        (work / "report.html").write_text(page_text(content, "In short"), encoding="utf-8")
        (work / "channel.svg").write_text(picture(found), encoding="utf-8")
        (work / "tables").mkdir()
        for name, table in tables(found).items():
            table.write_csv(work / "tables" / f"{name}.csv")
        save_figures(content.charts, work / "figures")
        files = sorted(path for path in work.rglob("*") if path.is_file())
        manifest: dict[str, Any] = {
            "command": command, "axis": found.axis, "python": platform.python_version(),
            "versions": {name: version(name) for name in ("gutbrain", "jax", "numpy", "scipy", "polars")},
            ""
            "sha256": {one.relative_to(work).as_posix(): hashlib.sha256(one.read_bytes()).hexdigest() for one in files},
        }  # fmt: skip
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return target


def tables(found: Channel) -> dict[str, pl.DataFrame]:
    """Return every table of a channel, by name; those without rows are left out."""
    pairs = [(person, one) for person, answers in found.answers.items() for one in answers]
    gains = answer_table(pairs).with_columns(
        pl.col("grade").map_elements(certainty_said, return_dtype=pl.String).alias("certainty")
    )
    sized = [(person, one.pair.by, one.pair.to, float(period), float(abs(value)), float(np.degrees(np.angle(value))))
             for person, one in pairs for period, value in zip(PERIODS, one.response, strict=True)]  # fmt: skip
    stepped = [(person, one.pair.by, one.pair.to, float(time), float(value))
               for person, one in pairs for time, value in zip(one.times, one.step, strict=True)]  # fmt: skip
    loops = [(person, float(period), float(value)) for person, one in found.rounds.items()
             for period, value in zip(PERIODS, one.loci, strict=True)]  # fmt: skip
    margins = [{"person": person, "wires": "; ".join(one.wires), "gain_by_scaling": one.by_scaling,
                "growth": one.growth, "growth_open": one.apart, "certainty": certainty_said(one.grade)}
               | vars(one.margins) for person, one in found.rounds.items()]  # fmt: skip
    made = {
        "gains": gains,
        "frequency": pl.DataFrame(
            sized, schema=["person", "input", "output", "period_days", "gain", "phase_degrees"], orient="row"
        ),
        "steps": pl.DataFrame(stepped, schema=["person", "input", "output", "days", "answer"], orient="row"),
        "loop": pl.DataFrame(loops, schema=["person", "period_days", "loop_gain"], orient="row"),
        "margins": pl.DataFrame(margins, infer_schema_length=None),
        "opened": found.worlds, "opened_loop": found.loops, "full_model": found.check,
    }  # fmt: skip
    return {name: table for name, table in made.items() if len(table)}
