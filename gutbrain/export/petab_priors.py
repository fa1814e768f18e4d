"""Beliefs as PEtab priors: distribution, bounds and nominal value of what may be fitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gutbrain.export.content import in_words
from gutbrain.export.content import source as source_words
from gutbrain.model.spread import LogNormal, Normal, Size, Spread, Uniform

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis

DIGITS = 10  # of numbers in the tables
REACH = 4.0  # standard deviations from the centre to a bound


def written(value: float) -> str:
    """Return a number as it stands in a table."""
    return f"{value:.{DIGITS}g}"


@dataclass(frozen=True)
class Prior:
    """A prior: PEtab's name of its distribution and the two numbers of it, bounds, and the nominal value."""

    distribution: str
    numbers: tuple[float, float]
    low: float
    high: float
    nominal: float


@dataclass(frozen=True)
class Free:
    """One row of the parameter table."""

    id: str
    prior: Prior
    unit: str
    grade: str
    source: str
    about: str

    def row(self) -> dict[str, str]:
        """Return the row; the last four columns are ours and change nothing in the problem."""
        one = self.prior
        return {
            "parameterId": self.id, "lowerBound": written(one.low), "upperBound": written(one.high),
            "nominalValue": written(one.nominal), "estimate": "true", "priorDistribution": one.distribution,
            "priorParameters": ";".join(map(written, one.numbers)), "unit": self.unit,
            "certainty": in_words(self.grade, self.source), "source": source_words(self.source), "about": self.about,
        }  # fmt: skip


def prior(belief: Spread, centre: float) -> Prior | None:
    """Return a belief around a centre as a prior; None if nothing is uncertain.

    Notes
    -----
    Cut-offs of a belief become bounds, so that a cut prior is cut here too. PEtab has no log-normal of negative
    numbers: there the normal of the same size stands for it.
    """
    low = -np.inf if belief.low is None else float(np.min(belief.low))
    high = np.inf if belief.high is None else float(np.max(belief.high))
    if isinstance(belief, Uniform):
        if not low < high:
            return None
        nominal = centre if low <= centre <= high else (low + high) / 2
        return Prior("uniform", (low, high), low, high, nominal)
    if isinstance(belief, LogNormal) and centre > 0:
        size = float(np.max(belief.log_sd))
        ends = (max(low, centre * np.exp(-REACH * size)), min(high, centre * np.exp(REACH * size)))
        found = Prior("log-normal", (float(np.log(centre)), size), *ends, float(np.clip(centre, *ends)))
    elif isinstance(belief, LogNormal | Normal):
        size = float(belief.typical(centre))
        ends = (max(low, centre - REACH * size), min(high, centre + REACH * size))
        found = Prior("normal", (centre, size), *ends, float(np.clip(centre, *ends)))
    else:
        return None
    return found if size > 0 and ends[0] < ends[1] else None


def entries(axis: Axis, name: str, values: np.ndarray) -> Iterator[tuple[str, Prior | None]]:
    """Yield every entry of a parameter as (full name, prior).

    Parameters
    ----------
    values : array [vector axes..., 1], declared unit
    """
    param = axis.parameters[name]
    axes = [type(axis.part(name.partition(".")[0])).axes[over] for over in param.axes]
    for place in np.ndindex(*values.shape[:-1]):
        value = float(values[(*place, 0)])
        label = ", ".join(labels[i] for labels, i in zip(axes, place, strict=True))
        belief = None if param.belief is None else _entry(param.belief, place)
        yield f"{name}[{label}]" if label else name, None if belief is None else prior(belief, value)


def _entry(belief: Spread, place: tuple[int, ...]) -> Spread:
    """Return the belief of one entry, where each has its own size."""

    def one(size: Size | None) -> Size | None:
        return size[place[0]] if isinstance(size, tuple) else size

    low, high = one(belief.low), one(belief.high)
    if isinstance(belief, LogNormal):
        return LogNormal(low, high, log_sd=one(belief.log_sd) or 0.0)
    if isinstance(belief, Normal):
        return Normal(low, high, sd=one(belief.sd) or 0.0)
    return Uniform(low, high)
