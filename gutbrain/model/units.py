"""The coherent system of units: day, mmol, gram, decimetre (so litre), mmHg.

Fields are declared in the unit a reader expects (`hour`, `pg/mL`); equations are evaluated
in the coherent system, so that an hour beside a day is never a mistake.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pint

DEFINITIONS = """
day = [time] = d
hour = day/24 = h
minute = hour/60 = min
second = minute/60 = s
week = 7*day
gram = [mass] = g
milligram = gram/1e3 = mg
microgram = gram/1e6 = ug
nanogram = gram/1e9 = ng
picogram = gram/1e12 = pg
kilogram = gram*1e3 = kg
millimole = [substance] = mmol
mole = millimole*1e3 = mol
micromole = millimole/1e3 = umol
nanomole = millimole/1e6 = nmol
millimolar = millimole/litre = mM
decimetre = [length] = dm
micrometre = decimetre/1e5 = um
litre = decimetre**3 = L
decilitre = litre/10 = dL
millilitre = litre/1e3 = mL
millimetre_mercury = [pressure] = mmHg
percent = 1/100
point = []
SD = []
serving = []
night = []
""".strip().splitlines()


class UnitError(ValueError):
    """A unit that is unknown, or that does not fit."""


@cache
def registry() -> Any:
    """Return the one pint registry of the package, with the coherent units as its base."""
    units: pint.UnitRegistry[Any] = pint.UnitRegistry(None)
    for line in DEFINITIONS:
        units.define(line)
    return units


@cache
def factor(unit: str) -> float:
    """Return what one declared unit is worth in the coherent system.

    Raises
    ------
    UnitError
        If the unit cannot be read.
    """
    return float(quantity(1.0, unit).to_base_units().magnitude)


def quantity(value: Any, unit: str) -> Any:
    """Return `value` in `unit` as a pint quantity of the package's registry."""
    try:
        return registry().Quantity(value, unit)
    except Exception as error:
        known = ", ".join(line.split(" = ")[0] for line in DEFINITIONS)
        raise UnitError(f"unit {unit!r} is unknown; known units: {known}") from error


@cache
def same_dimension(one: str, other: str) -> bool:
    """Say whether two declared units measure the same kind of thing."""
    return bool(quantity(1.0, one).dimensionality == quantity(1.0, other).dimensionality)
