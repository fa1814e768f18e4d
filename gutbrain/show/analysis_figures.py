"""Which figures belong to a step of an analysis; a step without one of its tables has none."""

from __future__ import annotations

from collections.abc import Callable

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_change import change_blocks, distance_blocks, responder_blocks
from gutbrain.show.analysis_more import (
    dysbiosis_blocks,
    experience_blocks,
    forest_blocks,
    mantel_blocks,
    reliable_blocks,
)
from gutbrain.show.analysis_ordination import alpha_blocks, dispersion_blocks, ordination_blocks, rarefaction_blocks
from gutbrain.show.analysis_paths import mediation_blocks
from gutbrain.show.analysis_taxa import taxa_blocks
from gutbrain.show.page import Block

Draw = Callable[[Step, Done, Design], list[Block]]
BY_KIND: dict[str, tuple[Draw, ...]] = {
    "diversity": (alpha_blocks,),
    "rarefaction": (rarefaction_blocks,),
    "ordination": (ordination_blocks,),
    "constrained": (ordination_blocks,),
    "dispersion": (dispersion_blocks,),
    "taxa": (taxa_blocks,),
    "change": (change_blocks,),
    "physiology": (change_blocks, forest_blocks),
    "mantel": (mantel_blocks,),
    "groups": (forest_blocks,),
    "modules": (forest_blocks,),
    "dysbiosis": (dysbiosis_blocks,),
    "association": (forest_blocks,),
    "reliable_change": (reliable_blocks,),
    "experience": (forest_blocks, experience_blocks),
    "responders": (responder_blocks,),
    "volatility": (distance_blocks,),
    "first_distances": (distance_blocks,),
    "mediation": (mediation_blocks,),
}


def figures(step: Step, done: Done, design: Design) -> list[Block]:
    """Return the figures of a step."""
    return [block for draw in BY_KIND.get(step.kind, ()) for block in draw(step, done, design)]
