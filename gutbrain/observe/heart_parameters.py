"""Numbers of the heart-beat model, each with unit, source and grade."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

GRADES = ("measured", "published-model", "derived", "fitted", "assumed", "recalled")


def number(value: float, unit: str, source: str, grade: str, about: str) -> Any:
    """Declare a number of the model with what is known about it."""
    return field(default=value, metadata={"unit": unit, "source": source, "grade": grade, "about": about})


def ursino(value: float, unit: str, about: str) -> Any:
    """Declare a number taken from Ursino 1998."""
    return number(value, unit, "Ursino1998", "published-model", about)


def fitted(value: float, unit: str, about: str) -> Any:
    """Declare a number fitted to resting variability and to the roll-off with breathing rate."""
    return number(value, unit, "Nunan2010 HirschBishop1981 Vaschillo2006", "fitted", about)


@dataclass(frozen=True)
class HeartParameters:
    """Parameters of the cardiorespiratory beat model; time in seconds, pressure in mmHg, volume of blood in ml.

    Twelve targets were fitted by fifteen numbers: without priors around their starting values the fit is
    under-determined. `period_floor` sat on its upper bound.
    """

    set_point: float = ursino(92, "mmHg", "pressure that the baroreflex defends at rest")
    receptor_low: float = ursino(2.52, "spikes/s", "least firing of the baroreceptors")
    receptor_high: float = ursino(47.78, "spikes/s", "highest firing of the baroreceptors")
    receptor_width: float = ursino(11.758, "mmHg", "width of their static curve")
    receptor_pole: float = ursino(2.076, "s", "time constant of the real pole of the baroreceptors")
    receptor_zero: float = ursino(6.37, "s", "time constant of their real zero")
    sympathetic_floor: float = ursino(2.10, "spikes/s", "sympathetic firing at high receptor firing")
    sympathetic_top: float = ursino(16.11, "spikes/s", "sympathetic firing without receptor firing")
    sympathetic_least: float = ursino(2.66, "spikes/s", "sympathetic firing below which nothing follows")
    sympathetic_decay: float = ursino(0.0675, "s", "fall of sympathetic with receptor firing")
    vagal_low: float = ursino(3.2, "spikes/s", "vagal firing without receptor firing")
    vagal_high: float = ursino(6.3, "spikes/s", "vagal firing at high receptor firing")
    vagal_centre: float = ursino(25, "spikes/s", "receptor firing at the middle of the vagal curve")
    vagal_width: float = ursino(7.06, "spikes/s", "width of the vagal curve")
    sympathetic_period_lag: float = ursino(2, "s", "time constant of the sympathetic share of the period")
    sympathetic_period_gain: float = fitted(-0.147163851737069, "s", "period per ln unit of sympathetic drive")
    vagal_period_gain: float = fitted(0.07512869078962706, "s2", "period per vagal spike/s")
    resistance_gain: float = fitted(0.7255673491038624, "mmHg s/ml", "resistance per ln unit of sympathetic drive")
    resistance_lag: float = fitted(9.999617122714957, "s", "time constant of the reflex resistance")
    vagal_lag: float = fitted(1.1490793796362937, "s", "time constant of the vagal share of the period")
    sympathetic_delay: float = fitted(2.6489487188180254, "s", "delay of sympathetic drive, as two lags")
    vascular_delay: float = fitted(1.2357672153942656, "s", "further delay on the way to the vessels")
    stretch_lag: float = fitted(0.22875383718377978, "s", "time constant of the respiratory gate")
    stretch_gain: float = fitted(1.290280553806223, "spikes/(s L)", "vagal firing withdrawn per litre breathed in")
    mechanical: float = fitted(0.12378013395771124, "1", "share of stroke volume lost at 0.5 L breathed in")
    period_floor: float = fitted(0.75, "s", "heart period without vagal and sympathetic drive; at its upper bound")
    resistance_noise: float = fitted(0.018982979908862583, "mmHg s/ml", "standard deviation of vasomotor noise")
    resistance_noise_time: float = fitted(3.252407008314367, "s", "time constant of vasomotor noise")
    vagal_noise: float = fitted(1.1453334415744207, "spikes/s", "standard deviation of vagal noise")
    vagal_noise_time: float = fitted(3.056596556881023, "s", "time constant of vagal noise")
    stroke_volume: float = number(75, "ml", "assumed", "recalled", "textbook value: check before release")
    compliance: float = number(1.6, "ml/mmHg", "assumed", "recalled", "textbook value: check before release")
    basal_resistance: float = number(
        0.362173, "mmHg s/ml", "Ursino1998", "derived", "makes 92 mmHg the equilibrium at rest; then frozen"
    )
    shortest_period: float = number(0.3, "s", "assumed", "assumed", "no shorter heart period")
    least_drive: float = number(1e-3, "1", "assumed", "assumed", "sympathetic drive enters its logarithm no lower")
    breathing_jitter: float = number(0.012, "Hz", "assumed", "assumed", "spread of breathing rate, closed form only")
    minute_ventilation: float = number(
        5.25, "L/min", "assumed", "derived", "alveolar share of 15 breaths of 0.5 L, kept when breathing slows"
    )
    dead_space: float = number(0.15, "L", "assumed", "recalled", "textbook value: check before release")
    largest_breath: float = number(2.0, "L", "assumed", "assumed", "cap of the isocapnic rule")
    between_vagal: float = number(
        0.45, "1", "assumed", "derived",
        "log standard deviation of vagal strength between people; an upper bound, as it takes all spread of RMSSD",
    )  # fmt: skip


def parameter_table(parameters: HeartParameters | None = None) -> list[dict[str, str | float]]:
    """Return name, value, unit, grade, source and meaning of every number of the model."""
    given = parameters or HeartParameters()
    return [
        {"name": one.name, "value": getattr(given, one.name), **{key: str(text) for key, text in one.metadata.items()}}
        for one in fields(given)
    ]
