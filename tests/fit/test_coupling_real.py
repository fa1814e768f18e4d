"""Couplings in real series; figures: docs/real_studies.md."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gutbrain.fit.coupling.asked import Choices, asked, wanted
from gutbrain.fit.coupling.effects import directions, impulses
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.from_study import gather
from gutbrain.fit.coupling.maximum import Objective, fit
from gutbrain.fit.coupling.sample import nuts
from gutbrain.fit.coupling.weak_prior import weak
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


def coupling(name: str, gut: str, mind: str, inputs: str = "", person: str = "", drawn: bool = False,
             choices: Choices | None = None) -> Fitted:  # fmt: skip
    """Return the fit of a real study: the maximum likelihood, or draws from the posterior under the weak prior."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"{name} needs ../shared")
    study = read_study([SHARED / name], read_mapping(ROOT / "examples" / "maps" / f"{name}.toml"))
    processes = wanted(gut, mind, inputs)
    parts = [part for process in processes for part in process.parts]
    gathered = gather(study, parts, [inputs] if inputs else [], [], [person] if person else [])
    model, panel = asked(gathered, processes, choices).model, gathered.panel()
    if not drawn:
        return fit(model, panel)
    prior = weak(model, panel)
    objective = Objective(model, panel, prior)
    return nuts(fit(model, panel, prior, objective=objective), prior, objective=objective)


def test_butyrate_producers_follow_fibre_in_one_person():
    made = coupling("david2014-stool", "butyrate_producers", "", "fibre", "A")
    assert made.converged
    at_once = impulses(made, dose={"fibre": 1.0}).filter(pl.col("lag") == 0).row(0, named=True)
    assert at_once["estimate"] == pytest.approx(0.26, abs=0.01)
    assert 0.03 < at_once["low"] < at_once["high"] < 0.55


def test_fibre_leads_butyrate_producers_but_which_is_larger_is_open():
    made = coupling("david2014-stool", "butyrate_producers", "fibre", person="A")
    assert made.converged
    found = directions(made).row(0, named=True)
    assert found["mind_to_gut"] == pytest.approx(0.48, abs=0.02)
    assert found["mind_to_gut_low"] > 0 > found["gut_to_mind_low"]


@pytest.mark.calibration
@pytest.mark.parametrize(("name", "gut", "mind", "vary"), [
    ("esm-one-person", "phy_tired", "mood_down", ""),
    ("esm-eighteen-persons", "ESM.energetic", "distress = ESM.sad + ESM.anxious", "levels"),
])  # fmt: skip
def test_diaries_are_drawn_without_a_doubt(name, gut, mind, vary):
    made = coupling(name, gut, mind, drawn=True, choices=Choices(vary=vary, day_night=True))
    assert made.converged
    assert made.diagnostics["divergences"] == 0
    assert made.diagnostics["r_hat"] < 1.01
    assert made.diagnostics["effective_size"] > 400
