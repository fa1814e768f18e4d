"""Units for SBML: every unit of the axis in seconds, moles, grams, litres, metres and pascals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gutbrain.model import units

DIMENSIONLESS = "dimensionless"
# Name in our registry: SBML kind, decimal scale, multiplier.
KINDS: dict[str, tuple[str, int, float]] = {
    "day": ("second", 0, 86400.0), "hour": ("second", 0, 3600.0), "minute": ("second", 0, 60.0),
    "second": ("second", 0, 1.0), "week": ("second", 0, 604800.0),
    "gram": ("gram", 0, 1.0), "milligram": ("gram", -3, 1.0), "microgram": ("gram", -6, 1.0),
    "nanogram": ("gram", -9, 1.0), "picogram": ("gram", -12, 1.0), "kilogram": ("kilogram", 0, 1.0),
    "millimole": ("mole", -3, 1.0), "mole": ("mole", 0, 1.0), "micromole": ("mole", -6, 1.0),
    "nanomole": ("mole", -9, 1.0),
    "decimetre": ("metre", -1, 1.0), "micrometre": ("metre", -6, 1.0),
    "litre": ("litre", 0, 1.0), "decilitre": ("litre", -1, 1.0), "millilitre": ("litre", -3, 1.0),
    "millimetre_mercury": ("pascal", 0, 133.322387415),
    "percent": (DIMENSIONLESS, 0, 0.01), "point": (DIMENSIONLESS, 0, 1.0), "SD": (DIMENSIONLESS, 0, 1.0),
    "serving": (DIMENSIONLESS, 0, 1.0), "night": (DIMENSIONLESS, 0, 1.0),
}  # fmt: skip
SHORT = {
    "millimole": "mmol", "mole": "mol", "micromole": "umol", "nanomole": "nmol", "gram": "g", "milligram": "mg",
    "microgram": "ug", "nanogram": "ng", "picogram": "pg", "kilogram": "kg", "litre": "L", "decilitre": "dL",
    "millilitre": "mL", "decimetre": "dm", "micrometre": "um", "millimetre_mercury": "mmHg",
}  # fmt: skip
# Several names of one unit, and volumes that the coherent system keeps as cubed lengths.
SAME = {"millimolar": (("millimole", 1.0), ("litre", -1.0))}


@dataclass(frozen=True)
class Unit:
    """A product of powers of named units.

    Attributes
    ----------
    powers : (name in the registry, exponent), sorted by name, without zeros
    """

    powers: tuple[tuple[str, float], ...] = ()

    def __mul__(self, other: Unit) -> Unit:
        both = dict(self.powers)
        for name, power in other.powers:
            both[name] = both.get(name, 0.0) + power
        return _made(both)

    def __pow__(self, power: float) -> Unit:
        return _made({name: exponent * power for name, exponent in self.powers})

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1.0

    @property
    def id(self) -> str:
        """Return a legal SId that reads like the unit."""
        above = [_word(name, power) for name, power in self.powers if power > 0]
        below = [_word(name, -power) for name, power in self.powers if power < 0]
        if not above and not below:
            return DIMENSIONLESS
        return "_".join([*above, *(["per", *below] if below else [])])

    @property
    def text(self) -> str:
        """Return the unit as a reader writes it."""
        above = "*".join(_sign(name, power) for name, power in self.powers if power > 0)
        below = "".join("/" + _sign(name, -power) for name, power in self.powers if power < 0)
        return (above or "1") + below


def _made(powers: dict[str, float]) -> Unit:
    return Unit(tuple(sorted((name, power) for name, power in powers.items() if abs(power) > 1e-12)))


def _word(name: str, power: float) -> str:
    return SHORT.get(name, name) + ("" if power == 1 else f"{power:g}".replace(".", "p"))


def _sign(name: str, power: float) -> str:
    return SHORT.get(name, name) + ("" if power == 1 else f"^{power:g}")


NONE = Unit()
DAY = Unit((("day", 1.0),))


def declared(text: str) -> Unit:
    """Return the unit of a declaration, as it is written there."""
    return _of(units.quantity(1.0, text).units)


def coherent(text: str) -> Unit:
    """Return the coherent unit (day, mmol, gram, litre, mmHg) of what a declaration measures.

    Pure numbers (points, SD, servings, nights) keep no name: equations add them to 1.
    """
    return _of(units.quantity(1.0, text).to_base_units().units)


def _of(unit: Any) -> Unit:
    powers: dict[str, float] = {}
    for name, power in unit._units.items():
        for part, share in SAME.get(name, ((name, 1.0),)):
            powers[part] = powers.get(part, 0.0) + share * float(power)
    length = powers.get("decimetre", 0.0)
    if length and length % 3 == 0:  # a cubed decimetre is a litre, and is written so
        powers["litre"] = powers.get("litre", 0.0) + length / 3
        del powers["decimetre"]
    return _made(powers)
