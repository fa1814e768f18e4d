"""The multi-dose acute endotoxin block: its printed regression values, then what endotoxin studies found.

Alone it runs with cortisol at its mean; with the stress axis cortisol brakes TNF twice, because endogenous
cortisol is already inside the data that the block was fitted to.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from held import held

from gutbrain.body.hpa import HPA
from gutbrain.body.verification.acute_endotoxin import STUDY_FACTORS, AcuteEndotoxin
from gutbrain.body.whole import standard
from gutbrain.model.axis import Axis
from gutbrain.protocols.protocol import Act
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate as by_fixed_step

pytest.importorskip("diffrax", reason="needs the extra 'adaptive'")

ALONE = Axis(AcuteEndotoxin(), name="acute endotoxin")
RATE = "protocol.endotoxin_rate"
DOSES = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 2.0, 4.0)
SUSTAINED = (0.001, 0.003, 0.01, 0.03, 0.1)
LOCAL = {name: f"immune.{name}_excess" for name in ("tnf", "il6", "il10", "crp")}


@cache
def alone() -> tuple[np.ndarray, np.ndarray]:
    """Run boluses, sustained infusions and nobody; return hours and states, array [times, rows, cases]."""
    from gutbrain.run.adaptive import integrate

    count = len(DOSES) + len(SUSTAINED) + 1
    parameters = {name: np.repeat(value, count, -1) for name, value in ALONE.defaults().items()}
    start, rates = ALONE.start(parameters), np.zeros((1, count))
    start[ALONE.rows.index("immune.endotoxin"), : len(DOSES)] = DOSES
    rates[0, len(DOSES) : -1] = SUSTAINED
    hours = np.arange(0, 480.01, 0.05)
    return hours, integrate(ALONE, start, parameters, (Act(RATE, 1),), hours / 24, dose=rates)


def of_bolus(what: str, dose: float) -> np.ndarray:
    """Return the course of an excess after a bolus."""
    return alone()[1][:, ALONE.rows.index(LOCAL[what]), DOSES.index(dose)]


# -- the printed regression values ------------------------------------------------------------------


def test_boluses():
    printed = {0.1: (2.5, 1.7), 0.2: (8.2, 5.7), 0.5: (49, 45), 1.0: (121, 194), 2.0: (183, 479), 4.0: (227, 790)}
    for dose, (tnf, il6) in printed.items():
        assert of_bolus("tnf", dose).max() == pytest.approx(tnf, rel=0.015)
        assert of_bolus("il6", dose).max() == pytest.approx(il6, rel=0.015)


def test_sustained_infusions_and_tolerance():
    end = alone()[1][-1, :, len(DOSES) : -1]
    il6, resting = (end[ALONE.rows.index(f"immune.{name}")] for name in ("il6_excess", "monocytes_resting"))
    np.testing.assert_allclose(il6, (0.03, 0.10, 0.66, 17.6, 49), rtol=0.01, atol=0.005)
    np.testing.assert_allclose(resting, (0.999, 0.998, 0.988, 0.73, 0.35), atol=0.006)


def test_without_endotoxin_nothing_moves():
    y = alone()[1][:, :, -1]
    np.testing.assert_array_equal(y, np.broadcast_to(y[0], y.shape))


def test_fixed_steps_agree_with_the_reference_engine():
    """An infusion of 2 ng/kg over four hours: highest hour of a day at 15 minutes, peak of the reference engine."""
    from gutbrain.run.adaptive import integrate

    four_hours = np.zeros((96, 1))
    four_hours[:16] = 1
    drive = Drive((RATE,), np.array([[0.5]]), four_hours, np.zeros(1), np.ones((1, 1)))
    start, labels = ALONE.start(ALONE.defaults()), ("blood.tnf", "blood.il6", "blood.crp")
    fixed = by_fixed_step(ALONE, start, ALONE.defaults(), drive, days=1, labels=labels)
    y = integrate(ALONE, start, ALONE.defaults(), (Act(RATE, 0.5, 0, 4 / 24),), np.arange(0, 1.001, 1 / 96))
    np.testing.assert_allclose(fixed.end, y[-1], rtol=0.002, atol=1e-6)
    assert fixed.lost_day[0] == -1


# -- alone, against the data ------------------------------------------------------------------------

# Peaks above the value before, pg/mL.
PEAKS = (("Taudorf2007", 0.3, {"tnf": 10.5, "il6": 37}), ("Dillingh2014", 0.5, {"tnf": 18, "il6": 57}),
         ("Dillingh2014", 1.0, {"tnf": 87, "il6": 98}), ("Dillingh2014", 2.0, {"tnf": 223, "il6": 318}),
         ("Kiers2017", 1.0, {"tnf": 192, "il6": 213, "il10": 25.5}),
         ("Kiers2017", 2.0, {"tnf": 284, "il6": 233, "il10": 87}),
         ("Windoloski2024", 2.0, {"tnf": 325, "il6": 701, "il10": 39}))  # fmt: skip


@held(
    "17 peaks of four laboratories and five doses, rms of arcsinh 0.465",
    source="Taudorf2007 Dillingh2014 Kiers2017 Windoloski2024",
    tolerance="0.465 and less",
    status="fitted",
)
def test_peaks_over_doses_with_study_factors():
    """rms of the arcsinh residuals over 17 peaks, inside the 0.465 of the fit to 157 points."""
    residuals = []
    for study, dose, measured in PEAKS:
        for what, value in measured.items():
            half = 3 if what == "il10" else 5
            model = of_bolus(what, dose).max() * STUDY_FACTORS.get(study, {}).get(what, 1)
            residuals.append(np.arcsinh(model / half) - np.arcsinh(value / half))
    assert len(residuals) == 17
    assert np.sqrt(np.mean(np.square(residuals))) == pytest.approx(0.37, abs=0.01)


@held("2 ng/kg: TNF 325 and interleukin-6 701 pg/mL", source="Windoloski2024", tolerance="25 % (ours)", status="fitted")
@pytest.mark.xfail(reason="TNF 183 and interleukin-6 478 pg/mL at their peaks; 325 and 701 were measured", strict=True)
def test_peaks_of_two_nanograms_within_a_quarter():
    found = of_bolus("tnf", 2.0).max(), of_bolus("il6", 2.0).max()
    assert found == pytest.approx((325, 701), rel=0.25)


@held("0.8 ng/kg: CRP peaks at 24 h", source="PMID37797587", tolerance="18 to 36 h", status="fitted")
def test_crp_after_a_small_dose_peaks_within_18_to_36_hours():
    hours, _ = alone()
    assert 18 <= hours[of_bolus("crp", 0.8).argmax()] <= 36


@held("2 ng/kg: CRP 42 mg/L", source="Barber1993", tolerance="25 % (ours)", status="predicted")
@pytest.mark.xfail(reason="CRP reaches 16 mg/L after 2 ng/kg; 42 were measured", strict=True)
def test_crp_after_two_nanograms():
    assert 0.8 + of_bolus("crp", 2.0).max() == pytest.approx(42, rel=0.25)


# -- with the stress axis ---------------------------------------------------------------------------

LOOP = Axis(AcuteEndotoxin(), HPA(), name="endotoxin and stress axis")
DAY, MINUTE = 4, 1 / 1440
# name: hour of the day, dose in ng/kg, hydrocortisone as added cortisol for six hours in ug/dL
CASES = {"small": (14, 0.4, 0), "middle": (9, 0.8, 0), "large": (9, 2.0, 0), "with hydrocortisone": (9, 2.0, 35),
         "midnight": (0, 0.3, 0), "noon": (12, 0.3, 0)}  # fmt: skip


@cache
def together() -> np.ndarray:
    """Run all cases with frozen glands and without the awakening pulse; states by minute of day 4."""
    from gutbrain.run.adaptive import integrate

    count = len(CASES)
    parameters = {name: np.repeat(value, count, -1) for name, value in LOOP.defaults().items()}
    frozen = {"pituitary_half_life": 1e9, "adrenal_half_life": 1e9, "awakening_gain": 0}
    for name, value in frozen.items():
        parameters[f"hpa.{name}"][:] = value
    # A reference of 0 gives the brakes of the printed runs, which were not 1 at mean cortisol.
    parameters["acuteendotoxin.cortisol_reference"][:] = 0
    acts, doses = [], []
    for case, (hour, dose, drug) in enumerate(CASES.values()):
        only, begin = np.eye(count)[case], DAY + hour / 24
        # A bolus is an infusion of one minute.
        acts += [Act(RATE, 1, begin, begin + MINUTE), Act("protocol.hydrocortisone", 1, begin, begin + 6 / 24)]
        doses += [60 * dose * only, drug * only]
    times = np.concatenate([[0.0], DAY + np.arange(1441 * 1.0) * MINUTE])
    return integrate(LOOP, LOOP.start(parameters), parameters, acts, times, dose=np.array(doses), rtol=1e-6)[1:]


def response(case: str, what: str) -> tuple[float, float, float]:
    """Return the value at the dose, the peak and its minute after the dose."""
    scales = {"hpa.acth_relative": 20, "hpa.cortisol_relative": 5.6}
    row = LOCAL.get(what) or f"hpa.{what}_relative"
    first = CASES[case][0] * 60
    values = together()[first:, LOOP.rows.index(row), list(CASES).index(case)] * scales.get(row, 1)
    return float(values[0]), float(values.max()), float(values.argmax())


@held("0.4, 0.8, 2 ng/kg with the stress axis, values of a re-run", source="Windoloski2024", tolerance="2 %, 3 min",
      status="by construction")  # fmt: skip
@pytest.mark.parametrize(
    ("case", "acth", "cortisol", "cytokines"),
    [("small", (20, 32, 134), (6.4, 10.6, 186), (32, 26, 5)),
     ("middle", (26, 44, 118), (10.1, 17.8, 164), (79, 111, 34)),
     ("large", (26, 57, 94), (10.1, 23.0, 130), (141, 328, 161))],
)  # fmt: skip
def test_full_loop(case, acth, cortisol, cytokines):
    """Within 2 % (half a last digit of what is printed at least) and 3 minutes."""
    for what, (before, peak, minute) in (("acth", acth), ("cortisol", cortisol)):
        found = response(case, what)
        assert found[0] == pytest.approx(before, rel=0.02, abs=0.5 if before == round(before) else 0.05)
        assert found[1] == pytest.approx(peak, rel=0.02)
        assert found[2] == pytest.approx(minute, abs=3)
    for what, peak in zip(("tnf", "il6", "il10"), cytokines, strict=True):
        assert response(case, what)[1] == pytest.approx(peak, rel=0.02, abs=0.5)


@held(
    "2 ng/kg: TNF 90, ACTH and interleukin-6 120 min", source="Vila2007", tolerance="order, 30 min", status="predicted"
)
def test_order_after_two_nanograms():
    """Vila 2007: TNF at 90 minutes, ACTH and interleukin-6 at 120; here 89, 94 and 125."""
    tnf, acth, il6 = (response("large", what)[2] for what in ("tnf", "acth", "il6"))
    assert tnf < acth <= il6
    assert (tnf, acth, il6) == pytest.approx((90, 120, 120), abs=30)


@held("hydrocortisone with 2 ng/kg: TNF undetectable", source="Barber1993", tolerance="5 % of alone (ours)",
      status="fitted")  # fmt: skip
def test_hydrocortisone_abolishes_tnf():
    """Barber 1993; met by the choice of the half effect, so no evidence."""
    assert response("with hydrocortisone", "tnf")[1] < 0.05 * response("large", "tnf")[1]


@held("hydrocortisone with 2 ng/kg: interleukin-6 unchanged", source="Barber1993", tolerance="half and more (ours)",
      status="predicted")  # fmt: skip
@pytest.mark.xfail(reason="interleukin-6 falls from 329 to 13 pg/mL; 14 and 12 U/mL were measured", strict=True)
def test_hydrocortisone_leaves_il6():
    """Barber 1993. TNF drives activation here, so whatever stops TNF stops everything."""
    assert response("with hydrocortisone", "il6")[1] > 0.5 * response("large", "il6")[1]


@held("hydrocortisone with 2 ng/kg: interleukin-10 up", source="vanderPoll1996", tolerance="sign", status="predicted")
@pytest.mark.xfail(reason="interleukin-10 falls from 163 to 23 pg/mL; it rose from 162 to 1784", strict=True)
def test_hydrocortisone_raises_il10():
    """van der Poll 1996."""
    assert response("with hydrocortisone", "il10")[1] > response("large", "il10")[1]


@held("0.3 ng/kg at midnight over noon: TNF and interleukin-6 higher", source="Alamili2014", tolerance="sign",
      status="predicted")  # fmt: skip
def test_more_tnf_and_il6_at_night():
    """Alamili 2014, 0.3 ng/kg: signs only; 2 and 1 % here."""
    for what in ("tnf", "il6"):
        assert response("midnight", what)[1] > response("noon", what)[1]


@held("0.3 ng/kg: interleukin-10 higher by day", source="Alamili2014", tolerance="sign", status="predicted")
def test_more_il10_by_day():
    """Alamili 2014, 0.3 ng/kg: sign only; 6 % here."""
    assert response("noon", "il10")[1] > response("midnight", "il10")[1]


# -- what must never drive it -----------------------------------------------------------------------


def test_swapped_in_it_hears_endotoxin_that_is_given_and_cortisol_only():
    axis = standard().swap("immune", AcuteEndotoxin())
    heard = {wire.signal for wire in axis.wires.values() if wire.listener == "acuteendotoxin"}
    assert heard == {RATE, "hpa.cortisol"}
    assert [wire for wire in axis.edges if wire.signal in ("barrier.translocation", "blood.lps")] == []
