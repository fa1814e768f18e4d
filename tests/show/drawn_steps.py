"""What the tests of figures share: a scene of two arms, a step of any kind, its figures drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_figures import figures
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.page import Figure, drawing

LONG = "a course of mindfulness with an unusually long name that no figure has room for"
DESIGN = Design(arm="arm", reference="sham", visits=["before", "after", "later"])
SCENE = Scene(DESIGN, ("sham", "course"), units={"pss-10.total": "point"})


class Any_(Step):
    """A step of any kind."""

    kind: str = "taxa"
    outcomes: list[str] = []
    against: list[str] = []
    to: str = ""


def blocks(kind: str, tables: Mapping[str, pl.DataFrame], scene: Scene = SCENE, **options: Any) -> list[Figure]:
    made = figures(Any_(kind=kind, name=kind, **options), Done(tables), scene)
    drawn = [block for block in made if isinstance(block, Figure)]
    for block in drawn:
        assert block.caption.endswith((".", "effect.")), block.caption
        assert "nan" not in block.caption.lower().split()
        svg = drawing(block.chart.to_dict())
        assert "NaN" not in svg and svg.count("<path") > 1, block.name
        assert float(re.search(r'<svg[^>]* width="([\d.]+)"', svg)[1]) < 1010, block.name  # type: ignore[index]
    return drawn


def svg(chart: Any) -> str:
    return drawing(chart.to_dict())


def rows_of(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"label": [f"row {n}" for n in range(count)], "estimate": [float(n) for n in range(count)],
         "low": [n - 1.0 for n in range(count)], "high": [n + 1.0 for n in range(count)]}
    )  # fmt: skip
