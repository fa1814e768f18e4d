"""Named axes: the whole body wired, and the limits that keep it alive."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.barrier import Barrier
from gutbrain.body.colon import Colon
from gutbrain.body.digestion import Digestion
from gutbrain.body.enteric import Enteric
from gutbrain.body.hpa import HPA
from gutbrain.body.immune import Immune
from gutbrain.body.practice import Practice
from gutbrain.body.sleep import Sleep
from gutbrain.body.tryptophan import Tryptophan
from gutbrain.body.vagus import Vagus
from gutbrain.model.axis import Axis, Limit

LOOP_GAIN_LIMIT = 0.8


def mucosal_loop_gain(parameters: Mapping[str, Any]) -> Any:
    """Gain of the loop mucosal activity -> permeability and integrity -> translocation -> activity, at rest.

    Parameters
    ----------
    parameters : declared values by full name

    Returns
    -------
    array [people or 1], pure number; at 1 the healthy state is lost (couplings.md, section 3).
    """
    floor = parameters["immune.translocation_floor"]
    half = parameters["immune.translocation_half_saturation"]
    onto_activity = (1 - floor) * half / (1 + half)
    opened = parameters["barrier.inflammation_permeability_gain"] / parameters["barrier.inflammation_permeability_half"]
    worn = parameters["barrier.inflammation_damage_rate"] * parameters["barrier.epithelial_turnover_time"]
    brake = 1 + parameters["immune.inflammation_to_regulation"] / 2
    return onto_activity * (opened + worn) / brake


@cache
def standard() -> Axis:
    """Return the standard axis: every compartment coupled, edges of unknown strength at zero."""
    limit = Limit("mucosal loop gain", mucosal_loop_gain, LOOP_GAIN_LIMIT, "couplings.md, section 3")
    return Axis(
        Digestion(), Colon(), Barrier(), Immune(), Enteric(), Tryptophan(), Vagus(), HPA(), Sleep(), Appraisal(),
        Affect(), Practice(), name="standard", limits=(limit,),
    )  # fmt: skip


AXES = {"standard": standard}
