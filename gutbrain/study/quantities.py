"""Known quantities: their unit, what is plausible, and how other units become theirs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.part import Finding

# What pint calls otherwise.
SPELLED = {"ms2": "ms**2", "1/min": "1/minute", "bpm": "1/minute", "h": "hour", "min": "minute", "s": "second"}
# Numbers without dimension that are not the same thing: pint would take one for the other.
PLAIN = {"1", "count", "point", "copies", "score"}


@dataclass(frozen=True)
class Quantity:
    """A measured quantity.

    `low` and `high` bound what a living person can show: they are assumed, wide, and only raise a question.
    Molar mass is in g/mol.
    """

    name: str
    unit: str
    low: float
    high: float
    molar_mass: float | None
    about: str


@cache
def quantities() -> dict[str, Quantity]:
    """Return the known quantities by name."""
    text = files("gutbrain.study").joinpath("quantities.csv").read_bytes()
    return {row["quantity"]: Quantity(*row.values()) for row in pl.read_csv(text).iter_rows(named=True)}


def convert(readings: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Bring readings of known quantities to their unit; the others keep theirs.

    Raises
    ------
    InputError
        For a unit that cannot become that of its quantity.
    """
    found = []
    pairs = readings.select("quantity", "unit").unique(maintain_order=True)
    for name, unit in pairs.iter_rows():
        known = quantities().get(name)
        if known is None or unit == known.unit:
            continue
        factor = _factor(known, unit)
        chosen = (pl.col("quantity") == name) & (pl.col("unit") == unit)
        readings = readings.with_columns(
            pl.when(chosen).then(pl.col("value") * factor).otherwise("value").alias("value"),
            pl.when(chosen).then(pl.lit(known.unit)).otherwise("unit").alias("unit"),
        )
        if factor != 1:
            found.append(Finding("note", "readings", name, f"{unit} became {known.unit} (times {factor:.6g})"))
    return readings, found


def _factor(known: Quantity, unit: str) -> float:
    what, mend = f"{known.name} in {unit!r} cannot become {known.unit}", "Correct the unit in the mapping file"
    refuse = InputError(what, field="unit", mend=mend)
    if {unit, known.unit} & PLAIN and not {unit, known.unit} <= PLAIN | {"percent"}:
        raise refuse
    registry = _registry()
    try:
        one = registry.Quantity(1.0, SPELLED.get(unit, unit))
        wanted = registry.Unit(SPELLED.get(known.unit, known.unit))
        if one.is_compatible_with(wanted):
            return float(one.to(wanted).magnitude)
        if known.molar_mass is not None:
            mass = registry.Quantity(known.molar_mass, "g/mol")
            for moles in (one / mass, one * mass):
                if moles.is_compatible_with(wanted):
                    return float(moles.to(wanted).magnitude)
    except Exception as error:  # the tokenizer of Python reads the unit, and raises what it likes
        raise refuse from error
    raise refuse


@cache
def _registry() -> "pint.UnitRegistry":  # type: ignore[name-defined]  # noqa: F821, UP037
    import pint

    return pint.UnitRegistry()
