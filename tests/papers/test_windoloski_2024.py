"""Windoloski 2024: endotoxin 2 ng/kg as a bolus and over four hours, from the printed parameters.

R2 is the squared correlation with the group means, on which the parameters were optimised: it
checks the equations, not the model. At other doses and in other laboratories the set fails.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from held import held

from gutbrain.body.verification.windoloski_2024 import INFUSION, Windoloski2024
from gutbrain.model.axis import Axis
from gutbrain.protocols.protocol import Act

pytest.importorskip("diffrax", reason="needs the extra 'adaptive'")

CYTOKINES = ("tnf", "il6", "il8", "il10")
DOSES = (0.3, 0.4, 0.5, 1.0)  # boluses beside those of 2 ng/kg, ng/kg
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)  # sustained infusions into the set of the bolus, ng/kg/h
TWO, FOUR_HOURS, FIRST_DOSE, FIRST_RATE = 0, 1, 2, 2 + len(DOSES)
COUNT = FIRST_RATE + len(RATES)

# Group means of 20 and 9 men, pg/mL, as printed beside the equations.
MEASURED = {
    TWO: ((0, 1, 1.5, 2, 3, 4, 5, 6), {
        "tnf": (6.2, 124, 331, 289, 85, 40, 25, 20), "il6": (0.61, 10.4, 222, 702, 611, 255, 67, 23),
        "il8": (3.0, 8.3, 212, 714, 686, 215, 119, 84), "il10": (4.2, 7.7, 14.4, 27.9, 43.6, 22.8, 12.0, 8.7)}),
    FOUR_HOURS: ((0, 1, 2, 3, 4, 6), {
        "tnf": (6.2, 14, 208, 532, 362, 87), "il6": (0.61, 1.0, 25.6, 348, 707, 123),
        "il8": (2.96, 2.82, 39.1, 368, 456, 171), "il10": (4.2, 5.3, 19.4, 84.7, 136, 94.5)}),
}  # fmt: skip
R2 = {TWO: {"tnf": 0.948, "il6": 0.956, "il8": 0.947, "il10": 0.953},
      FOUR_HOURS: {"tnf": 0.901, "il6": 0.806, "il8": 0.961, "il10": 0.978}}  # fmt: skip
PEAKS = {TWO: {"tnf": (366, 1.71), "il6": (749, 2.05), "il8": (747, 2.12), "il10": (42, 2.56)},
         FOUR_HOURS: {"tnf": (491, 2.8), "il6": (593, 3.35), "il8": (434, 3.3), "il10": (134, 4.3)}}  # fmt: skip
BOTH = pytest.mark.parametrize("case", [TWO, FOUR_HOURS], ids=["bolus", "infusion"])
EACH = pytest.mark.parametrize("cytokine", CYTOKINES)


@cache
def courses() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Run all cases at once; return hours and each cytokine, array [times, cases]."""
    from gutbrain.run.adaptive import integrate

    axis = Axis(Windoloski2024())
    parameters = {name: np.repeat(value, COUNT, -1) for name, value in axis.defaults().items()}
    for name, value in INFUSION.items():
        parameters[f"windoloski2024.{name}"][..., FOUR_HOURS] = value
    start, rates = axis.start(parameters), np.zeros((2, COUNT))
    start[axis.rows.index("endotoxin.dose"), [TWO, *range(FIRST_DOSE, FIRST_RATE)]] = 2, *DOSES
    rates[0, FOUR_HOURS], rates[1, FIRST_RATE:] = 0.5, RATES
    lever = "protocol.endotoxin_rate"
    hours = np.concatenate([np.arange(0, 12, 0.01), np.arange(12, 2001, 1.0)])
    y = integrate(axis, start, parameters, (Act(lever, 1, 0, 4 / 24), Act(lever, 1)), hours / 24, dose=rates)
    return hours, {name: y[:, axis.rows.index(f"endotoxin.{name}")] for name in CYTOKINES}


def peak(cytokine: str, case: int) -> tuple[float, float]:
    """Return the largest value, pg/mL, and its hour."""
    hours, found = courses()
    values = found[cytokine][:, case]
    return float(values.max()), float(hours[values.argmax()])


@held("R2 with group means, four cytokines, bolus and infusion of 2 ng/kg", source="Windoloski2024",
      tolerance="0.001", status="by construction")  # fmt: skip
@BOTH
@EACH
def test_squared_correlation_with_the_group_means(case, cytokine):
    hours, found = courses()
    times, means = MEASURED[case]
    at = np.interp(times, hours, found[cytokine][:, case])
    assert np.corrcoef(at, means[cytokine])[0, 1] ** 2 == pytest.approx(R2[case][cytokine], abs=0.001)


@held(
    "eight peaks at 2 ng/kg and their hours", source="Windoloski2024", tolerance="1 %, 3 min", status="by construction"
)
@BOTH
@EACH
def test_peaks(case, cytokine):
    size, hour = PEAKS[case][cytokine]
    assert peak(cytokine, case)[0] == pytest.approx(size, rel=0.01)
    assert peak(cytokine, case)[1] == pytest.approx(hour, abs=0.05)


@held("sustained infusion, ten values of a re-run", source="Windoloski2024", tolerance="1 %, TNF 3 %",
      status="by construction")  # fmt: skip
def test_sustained_infusion_into_the_set_of_the_bolus():
    _, found = courses()
    il6, tnf = (found[name][-1, FIRST_RATE:] for name in ("il6", "tnf"))
    np.testing.assert_allclose(il6, (0.70, 0.88, 1.49, 3.2, 8.8), rtol=0.01)
    np.testing.assert_allclose(tnf - 8.793, (0.05, 0.15, 0.5, 1.5, 4.8), rtol=0.03)


def test_below_two_nanograms_the_loop_switches_off():
    """Observed over predicted rise of interleukin-6: 5.3 (0.3 ng/kg), 4.8 (0.5), 3.0 and 6.5 (1.0); TNF 16 at 0.4."""
    rise = {dose: peak("il6", FIRST_DOSE + place)[0] - 0.6097 for place, dose in enumerate(DOSES)}
    assert 37 / rise[0.3] == pytest.approx(5.3, rel=0.05)
    assert 57 / rise[0.5] == pytest.approx(4.8, rel=0.05)
    assert (98 / rise[1.0], 213 / rise[1.0]) == pytest.approx((3.0, 6.5), rel=0.05)
    assert peak("tnf", FIRST_DOSE + DOSES.index(0.4))[0] == pytest.approx(16, rel=0.05)


def test_other_laboratories_find_less_at_two_nanograms():
    """Dillingh 2014 and Kiers 2017 print rises of 318 and 233 pg/mL: 0.4 and 0.3 of what the set gives."""
    rise = peak("il6", TWO)[0] - 0.6097
    assert (round(318 / rise, 1), round(233 / rise, 1)) == (0.4, 0.3)


@held("rises of interleukin-6 at 0.3, 0.5, 1 ng/kg: 37, 57, 98 pg/mL", source="Taudorf2007 Dillingh2014",
      tolerance="a factor of 2 (ours)", status="predicted")  # fmt: skip
@pytest.mark.xfail(reason="interleukin-6 rises by 7, 12 and 33 pg/mL; 37, 57 and 98 were measured", strict=True)
def test_smaller_doses_within_a_factor_of_two():
    for dose, measured in ((0.3, 37), (0.5, 57), (1.0, 98)):
        assert 0.5 < (peak("il6", FIRST_DOSE + DOSES.index(dose))[0] - 0.6097) / measured < 2
