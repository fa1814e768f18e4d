"""Every kind of step, in the order of a suggested plan."""

from __future__ import annotations

from gutbrain.analyse.step import Step
from gutbrain.analyse.steps.association import Association
from gutbrain.analyse.steps.body import Experience, Physiology
from gutbrain.analyse.steps.change import Change
from gutbrain.analyse.steps.community import Anosim, Constrained, Dispersion, Mantel, Permanova
from gutbrain.analyse.steps.diversity import Diversity, Rarefaction
from gutbrain.analyse.steps.function import Dysbiosis, Groups, Modules
from gutbrain.analyse.steps.mediation import Mediation
from gutbrain.analyse.steps.ordination import Ordination
from gutbrain.analyse.steps.persons import FirstDistances, ReliableChange, Responders, Volatility
from gutbrain.analyse.steps.taxa import Taxa

KINDS: tuple[type[Step], ...] = (
    Change, Responders, ReliableChange, Physiology, Experience, Diversity, Rarefaction, Ordination, Permanova,
    Dispersion, Anosim, Mantel, Constrained, Volatility, FirstDistances, Taxa, Groups, Modules, Dysbiosis, Association,
    Mediation,
)  # fmt: skip
