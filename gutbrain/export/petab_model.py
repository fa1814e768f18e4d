"""The model of a fitting problem: the axis as SBML, with the mean of the day of what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gutbrain.errors import InputError
from gutbrain.export.sbml import Written, checked
from gutbrain.export.sbml_system import sid
from gutbrain.export.sbml_units import DAY

AVERAGED = "averaging_time"


def with_daily_means(model: Written, signals: Sequence[str]) -> str:
    """Return a model with two more quantities for each signal: its sum of today, and what was seen at midnight.

    Parameters
    ----------
    signals : names of signals of the axis

    Notes
    -----
    A run keeps means of days, SBML knows moments only: `today_x` adds up the signal over the day, and a condition
    of the problem moves it to `seen_x` at midnight and empties it.

    Raises
    ------
    InputError
        If libSBML finds an error in what comes out.
    """
    import libsbml

    document = libsbml.readSBMLFromString(model.text)
    whole = document.getModel()
    ids = {one.name: one for one in model.quantities}
    _added(whole, AVERAGED, "time over which a mean is taken", DAY.id, 1.0, constant=True)
    for signal in signals:
        given = ids[signal]
        for prefix, about in (("today", "so far today"), ("seen", "mean of the day that ended")):
            _added(whole, f"{prefix}_{sid(signal)}", f"{signal}, {about}", given.unit.id, 0.0, constant=False)
        rule = whole.createRateRule()
        rule.setVariable(f"today_{sid(signal)}")
        rule.setMath(libsbml.parseL3Formula(f"{given.id} / {AVERAGED}"))
    text = libsbml.writeSBMLToString(document)
    errors, _ = checked(text)
    if errors:
        raise InputError(f"libSBML finds {len(errors)} errors in the model, the first: {errors[0]}")
    return text


def _added(model: Any, name: str, about: str, unit: str, value: float, constant: bool) -> None:
    made = model.createParameter()
    made.setId(name)
    made.setName(about)
    made.setUnits(unit)
    made.setValue(value)
    made.setConstant(constant)
