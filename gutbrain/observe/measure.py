"""What an instrument is: the signals it reads, when, and every number between the body and the reported value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from gutbrain.errors import InputError

GRADES = ("measured", "published-model", "derived", "fitted", "assumed", "recalled")
KINDS = ("reading", "prompts", "stools", "practice", "form", "counts", "beats")
SPREADS = ("log-normal", "normal")


@dataclass(frozen=True)
class Figure:
    """One number of an instrument.

    Parameters
    ----------
    value : in the unit of the measure, or as its place says
    grade : how it is known, one of `GRADES`
    source : citation keys separated by spaces, or `assumed`
    gsd : geometric standard deviation of what is believed about it; 1 = taken as it is
    """

    value: float
    grade: str = "assumed"
    source: str = "assumed"
    gsd: float = 1.0

    def __post_init__(self) -> None:
        if self.grade not in GRADES or not self.gsd >= 1 or not math.isfinite(self.value):
            raise InputError(f"{self.value:g}, grade {self.grade!r}, gsd {self.gsd:g} is no figure of a measure")

    def drawn(self, generator: np.random.Generator, belief: bool) -> float:
        """Return the value, or with `belief` a draw around it; one draw is used up either way."""
        normal = float(generator.standard_normal())
        return self.value * math.exp(math.log(self.gsd) * normal) if belief else self.value


NONE = Figure(0.0)
ONE = Figure(1.0)


@dataclass(frozen=True)
class Schedule:
    """When a measure is taken.

    Parameters
    ----------
    days : days from the visit; a diary of the week before it has -6 to 0
    hours : clock hours, or hours since waking
    from_waking : whether `hours` count from the person's own waking
    prompts : prompts a day at random moments of `window`, in place of `hours`
    window : clock hours between which prompts come
    skip_before : leave out days before the run; otherwise day 0, on which people rest, stands for them
    """

    days: tuple[int, ...] = (0,)
    hours: tuple[float, ...] = (9.0,)
    from_waking: bool = False
    prompts: int = 0
    window: tuple[float, float] = (8.0, 22.0)
    skip_before: bool = False

    def words(self) -> str:
        """Return the schedule in words."""
        when = f"{self.prompts} prompts a day" if self.prompts else ", ".join(f"{hour:g}" for hour in self.hours)
        when += "" if self.prompts else (" h after waking" if self.from_waking else " h")
        return when if self.days == (0,) else f"{when}; days {self.days[0]} to {self.days[-1]} of the visit"


@dataclass(frozen=True)
class Measure:
    """An instrument as an observation model.

    Parameters
    ----------
    name : by which it is asked for; its draws hang on it, so that another measure changes none of them
    kind : one of `KINDS`
    quantity : quantity of the readings, or form of the answers
    unit : unit of the readings
    signals : signals it reads; their daily means, unless `method` says more
    schedule : when, from each visit
    spread : whether noise and trait multiply (log-normal, median 1) or add (normal)
    scale : factor from the signal to the reading
    noise : standard deviation of one reading, of its logarithm if log-normal
    trait : standard deviation between people that the model does not have, constant in a person
    assay : standard deviation of the logarithm of a factor that belongs to one study and analyte
    limit : detection limit; what lies below is reported at it, with "<"
    missing : share of readings that are not there although the person came
    step : readings are rounded to multiples of it; 0 = not
    low, high : ends of the scale
    divided_by : parameter that the signal holds already and the assay factor stands for
    read : how the signals become the true value; see `gutbrain.observe.taking.READERS`
    shares : name whose draws it uses, where two measures read one diary
    more : further numbers by name
    """

    name: str
    kind: str
    quantity: str
    unit: str
    signals: tuple[str, ...]
    schedule: Schedule = Schedule()
    spread: str = "log-normal"
    scale: Figure = ONE
    noise: Figure = NONE
    trait: Figure = NONE
    assay: Figure = NONE
    limit: Figure | None = None
    missing: Figure = NONE
    step: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    divided_by: str = ""
    read: str = "daily mean"
    shares: str = ""
    more: Mapping[str, Figure] = field(default_factory=lambda: MappingProxyType({}))
    method: str = ""
    note: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.spread not in SPREADS:
            raise InputError(f"measure {self.name!r}: kind {self.kind!r} or spread {self.spread!r} is not known")
        if not self.signals or not self.quantity:
            raise InputError(f"measure {self.name!r} needs a signal and a quantity")
        if not 0 <= self.missing.value < 1:
            raise InputError(f"measure {self.name!r}: missing is a share below 1, not {self.missing.value:g}")

    def figures(self) -> dict[str, Figure]:
        """Return every number that is in use, by name."""
        named = {"scale": self.scale, "noise": self.noise, "trait": self.trait, "assay": self.assay,
                 "missing": self.missing}  # fmt: skip
        used = {name: figure for name, figure in named.items() if figure not in (NONE, ONE)}
        return used | ({"limit": self.limit} if self.limit else {}) | dict(self.more)
