"""The gut-brain axis, written down so that it can be run, measured and questioned.

The names below are fetched when they are first used: importing `gutbrain` imports no simulator.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gutbrain.analyse.analysis import analyse as analyse_study
    from gutbrain.analyse.plan import read_analysis_plan
    from gutbrain.body.whole import standard
    from gutbrain.errors import InputError
    from gutbrain.model.axis import Axis
    from gutbrain.model.compartment import ModelError
    from gutbrain.people.cohort import Cohort
    from gutbrain.plan import read_plan
    from gutbrain.protocols.protocol import Act, Protocol, Trial
    from gutbrain.run.baseline import with_baselines
    from gutbrain.run.explain import explain
    from gutbrain.run.gradient import forward as derivatives
    from gutbrain.run.gradient import reverse as gradient
    from gutbrain.run.settle import settle
    from gutbrain.run.simulate import simulate
    from gutbrain.study.reading import read_study
    from gutbrain.study.scores import scores
    from gutbrain.study.study import Study

__version__ = "0.1.0"
__all__ = [
    "Act", "Axis", "Cohort", "InputError", "ModelError", "Protocol", "Study", "Trial", "__version__", "analyse_study",
    "derivatives", "explain", "gradient", "read_analysis_plan", "read_plan", "read_study", "scores", "settle",
    "simulate", "standard", "with_baselines",
]  # fmt: skip

# Where a name lives, and after a colon what it is called there: `gutbrain.analyse` itself is a package.
_HOME = {
    "Act": "protocols.protocol", "Axis": "model.axis", "Cohort": "people.cohort", "InputError": "errors",
    "ModelError": "model.compartment", "Protocol": "protocols.protocol", "Trial": "protocols.protocol",
    "explain": "run.explain", "read_plan": "plan", "settle": "run.settle", "simulate": "run.simulate",
    "standard": "body.whole", "with_baselines": "run.baseline", "Study": "study.study",
    "read_study": "study.reading", "scores": "study.scores", "analyse_study": "analyse.analysis:analyse",
    "read_analysis_plan": "analyse.plan", "derivatives": "run.gradient:forward",
    "gradient": "run.gradient:reverse",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gutbrain' has no attribute {name!r}")
    home, _, own = _HOME[name].partition(":")
    value = globals()[name] = getattr(import_module(f"gutbrain.{home}"), own or name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
