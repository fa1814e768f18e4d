"""Which figures belong to a step of an analysis; a step without one of its tables has none."""

from __future__ import annotations

from collections.abc import Callable

from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_change import change_blocks, ratio_blocks
from gutbrain.show.analysis_community import (
    alpha_blocks,
    dispersion_blocks,
    mantel_blocks,
    rarefaction_blocks,
    share_blocks,
)
from gutbrain.show.analysis_diary import experience_blocks
from gutbrain.show.analysis_function import association_blocks, dysbiosis_blocks, effect_blocks, group_blocks
from gutbrain.show.analysis_ordination import ordination_blocks
from gutbrain.show.analysis_paths import mediation_blocks
from gutbrain.show.analysis_people import distance_blocks, reliable_blocks, responder_blocks, volatility_blocks
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.analysis_taxa import taxa_blocks
from gutbrain.show.page import Block

Draw = Callable[[Step, Done, Scene], list[Block]]
BY_KIND: dict[str, tuple[Draw, ...]] = {
    "diversity": (alpha_blocks,),
    "rarefaction": (rarefaction_blocks,),
    "ordination": (ordination_blocks,),
    "constrained": (ordination_blocks, share_blocks),
    "permanova": (share_blocks,),
    "dispersion": (dispersion_blocks,),
    "mantel": (mantel_blocks,),
    "taxa": (taxa_blocks,),
    "groups": (group_blocks,),
    "modules": (effect_blocks,),
    "dysbiosis": (dysbiosis_blocks,),
    "association": (association_blocks,),
    "change": (change_blocks,),
    "physiology": (ratio_blocks,),
    "responders": (responder_blocks,),
    "reliable_change": (reliable_blocks,),
    "experience": (experience_blocks, effect_blocks),
    "volatility": (volatility_blocks,),
    "first_distances": (distance_blocks,),
    "mediation": (mediation_blocks,),
}


def figures(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the figures of a step."""
    return [block for draw in BY_KIND.get(step.kind, ()) for block in draw(step, done, scene)]
