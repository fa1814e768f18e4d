"""The heart-beat model against the values it was written down with, and its closed form against itself."""

from __future__ import annotations

import numpy as np
import pytest

from gutbrain.errors import InputError
from gutbrain.evidence.claims import bibliography
from gutbrain.observe.heart_parameters import GRADES, HeartParameters, parameter_table
from gutbrain.observe.heart_spectrum import SAMPLING_NOISE, equilibrium, expected, respond
from gutbrain.observe.heartbeat import Breathing, Drive, heartbeats, isocapnic_volume, reflex
from gutbrain.observe.hrv import hrv

NAMES = ("mean_rr", "sdnn", "rmssd", "lf_power", "hf_power")
REST, SLOW = Breathing(), Breathing(6, 1.025)
STRESS = Drive(vagal=0.7, set_point=100)
RECORDS = 64
# Rate, tidal volume, vagal, set point, sympathetic; and what was written down from 64 or 8 records of 5 min.
CONDITIONS = {
    "rest": ((15, 0.5, 1, 92, 1), 64, (944, 52.1, 36.7, 733, 629)),
    "slow, isocapnic": ((6, 1.025, 1, 92, 1), 64, (937, 97.8, 56.0, 7885, 320)),
    "slow, same volume": ((6, 0.5, 1, 92, 1), 64, (943, 65.2, 37.1, 2634, 312)),
    "less vagus": ((15, 0.5, 0.7, 92, 1), 8, (858, 38.0, 23.8, 442, 303)),
    "more vagus": ((15, 0.5, 1.3, 92, 1), 8, (1014, 63.4, 47.0, 946, 952)),
    "more sympathetic": ((15, 0.5, 1, 92, 1.4), 8, (951, 53.4, 35.6, 887, 558)),
    "vagus blocked": ((15, 0.5, 0.02, 92, 1), 8, (653, 16.0, 6.4, 274, 4)),
    "stress": ((15, 0.5, 0.7, 100, 1), 8, (841, 37.7, 23.8, 433, 315)),
}


@pytest.fixture(scope="module")
def simulated() -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Values of each condition (arrays [records, names]) and mean pressures."""
    columns = np.repeat([condition[0] for condition in CONDITIONS.values()], RECORDS, axis=0).T
    found = heartbeats(Breathing(columns[0], columns[1]), Drive(columns[2], columns[3], columns[4]), seed=1)
    values = [[hrv(rr, origin="simulated", breathing_rate=15)[name].raw for name in NAMES] for rr in found.rr]
    table = np.array(values).reshape(len(CONDITIONS), RECORDS, len(NAMES))
    pressure = found.pressure.reshape(len(CONDITIONS), RECORDS).mean(1)
    return dict(zip(CONDITIONS, table, strict=True)), dict(zip(CONDITIONS, pressure, strict=True))


@pytest.mark.parametrize("name", CONDITIONS)
def test_records_agree_with_those_written_down(simulated, name):
    _, records, written = CONDITIONS[name]
    own = np.log(simulated[0][name])
    # The two sets were drawn independently; 4 standard errors, and half a unit of the last printed digit.
    error = 4 * own.std(0, ddof=1) * np.sqrt(1 / records + 1 / RECORDS) + np.array([1e-3, 2e-3, 2e-3, 2e-3, 0.12])
    assert (np.abs(np.log(np.exp(own).mean(0)) - np.log(written)) < error).all()


def test_pressures_agree_with_those_written_down(simulated):
    pressures = simulated[1]
    assert pressures["rest"] == pytest.approx(92.4, abs=0.4)
    assert pressures["stress"] == pytest.approx(101.1, abs=0.4)
    assert pressures["more sympathetic"] == pytest.approx(96.7, abs=0.6)


def test_noise_of_a_finite_record_agrees_with_what_was_written_down(simulated):
    for column, name in enumerate(NAMES):
        for place, condition in enumerate(("rest", "slow, isocapnic")):
            size = np.log(simulated[0][condition][:, column]).std(ddof=1)
            assert size == pytest.approx(SAMPLING_NOISE[name][place], rel=0.4)


def test_stress_shortens_intervals_and_raises_pressure_and_more_sympathetic_does_not(simulated):
    values, pressures = simulated
    assert values["stress"][:, 0].mean() < values["rest"][:, 0].mean() - 80
    assert pressures["stress"] > pressures["rest"] + 8
    assert values["more sympathetic"][:, 0].mean() > values["rest"][:, 0].mean()


# Pressure, mean RR, SDNN, RMSSD, LF, HF of the closed form.
CLOSED = [
    (REST, Drive(), (92.00, 946.15, 49.49, 38.32, 549.3, 743.3)),
    (REST, Drive(0.7), (93.94, 865.04, 37.19, 25.72, 385.4, 373.0)),
    (REST, Drive(1.3), (90.28, 1021.87, 61.11, 50.67, 759.5, 1163.3)),
    (REST, Drive(sympathetic=1.4), (96.42, 963.83, 51.64, 37.89, 778.2, 662.6)),
    (REST, Drive(set_point=100), (98.64, 924.25, 49.00, 38.17, 529.8, 771.3)),
    (REST, STRESS, (100.61, 847.04, 36.88, 25.94, 368.8, 398.5)),
    (SLOW, Drive(), (92.00, 946.2, 99.7, 58.4, 8488, 302)),
    (Breathing(6), Drive(), (92.00, 946.2, 62.4, 36.3, 2438, 302)),
    (REST, Drive(0.02), (99.76, 655.0, 25.9, 10.8, 659, 4)),
]


@pytest.mark.parametrize(("breathing", "drive", "written"), CLOSED)
def test_closed_form_agrees_with_what_was_written_down(breathing, drive, written):
    found = expected(breathing, drive)
    assert (found.pressure, found.mean_rr) == pytest.approx(written[:2], abs=0.06)
    # Written down as sums of rectangles, which give the first frequency too much: 0.2 % of SDNN and LF.
    got = (found.sdnn, found.rmssd, found.lf_power, found.hf_power)
    assert got == pytest.approx(written[2:], rel=0.0025, abs=0.5 if written[-1] == 4 else 0.06)
    assert bool(found.note) == (drive.vagal == 0.02)


def test_equilibrium_of_the_reference_person():
    numbers = HeartParameters()
    at = reflex(np.array(92.0), np.array(92.0), numbers)
    got = (at.receptor, at.sympathetic, at.vagal, at.drive)
    assert [float(value) for value in got] == pytest.approx([25.150, 4.66548, 4.76647, 1.100438], rel=1e-5)
    assert equilibrium() == pytest.approx(92, abs=1e-4)
    assert respond(np.array([0.1])).period == pytest.approx(0.946154, abs=1e-6)


def test_transfer_functions_agree_with_those_written_down():
    frequency = np.array([0.02, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20, 0.25, 0.30, 0.40])
    found = respond(frequency)
    period = [144.4, 185.6, 205.5, 244.6, 254.6, 235.9, 202.8, 162.7, 130.0, 103.0, 66.8]
    pressure = [3.06, 5.16, 6.27, 8.83, 10.47, 10.69, 10.24, 9.43, 8.43, 7.34, 5.54]
    assert 1000 * np.abs(found.by_lung) == pytest.approx(period, abs=0.06)
    assert np.abs(found.pressure_by_lung) == pytest.approx(pressure, abs=0.006)


@pytest.mark.parametrize("name", ["rest", "slow, isocapnic", "slow, same volume", "less vagus", "more vagus"])
def test_closed_form_lies_near_the_simulation(simulated, name):
    (rate, volume, *drive), _, _ = CONDITIONS[name]
    vagal, set_point, sympathetic = drive
    found = expected(Breathing(rate, volume), Drive(vagal, set_point, sympathetic))
    _, sdnn, rmssd, lf, hf = simulated[0][name].mean(0)
    # "LF up to 25 % low, HF up to 25 % high" of what is simulated without end: two standard errors of ours.
    error = 2 * np.log(simulated[0][name]).std(0, ddof=1) / np.sqrt(RECORDS)
    assert (found.sdnn, found.rmssd) == pytest.approx((sdnn, rmssd), rel=0.10)
    assert 0.75 * (1 - error[3]) < found.lf_power / lf < 1.10
    assert 0.90 < found.hf_power / hf < 1.25 * (1 + error[4])


def swings(rates: list[float], volumes: list[float]) -> list[float]:
    """Peak to trough (ms) of the sine that fits noise-free intervals best."""
    found = heartbeats(Breathing([60 * rate for rate in rates], volumes), seed=None)
    sizes = []
    for rate, rr, times in zip(rates, found.rr, found.times, strict=True):
        turn = 2 * np.pi * rate * times
        fit = np.linalg.lstsq(np.stack([np.ones_like(turn), np.sin(turn), np.cos(turn)], axis=1), rr, rcond=None)[0]
        sizes.append(2 * float(np.hypot(fit[1], fit[2])))
    return sizes


def test_respiratory_swing_by_breathing_rate():
    fixed = {0.03: 77, 0.05: 92, 0.07: 113, 0.08: 122, 0.09: 127, 0.10: 126, 0.11: 121, 0.12: 114, 0.14: 101,
             0.16: 90, 0.20: 74, 0.25: 57, 0.30: 44, 0.35: 34}  # fmt: skip
    assert swings([*fixed], [0.5] * len(fixed)) == pytest.approx(list(fixed.values()), abs=0.8)
    isocapnic = {0.05: 349, 0.06: 326, 0.08: 300, 0.10: 247, 0.14: 148, 0.20: 85, 0.25: 57}
    volumes = [float(isocapnic_volume(60 * rate)) for rate in isocapnic]
    assert swings([*isocapnic], volumes) == pytest.approx(list(isocapnic.values()), abs=0.8)


def test_isocapnic_volume():
    assert isocapnic_volume([15, 6, 1.8]) == pytest.approx([0.5, 1.025, 2.0])


def test_a_seed_repeats_and_records_do_not_depend_on_each_other():
    one = heartbeats(seconds=60, seed=3)
    three = heartbeats(seconds=60, seed=3, records=3)
    assert one.rr[0] == pytest.approx(three.rr[0], rel=0, abs=0)
    assert three.rr[0].size != three.rr[1].size or not np.array_equal(three.rr[0], three.rr[1])
    assert np.sum(one.rr[0]) / 1000 == pytest.approx(one.times[0][-1] - (one.times[0][0] - one.rr[0][0] / 1000))


def test_every_number_has_a_unit_a_grade_and_a_source():
    table = parameter_table()
    assert len(table) == len(HeartParameters.__dataclass_fields__)
    for row in table:
        assert row["grade"] in GRADES
        assert row["unit"] and row["about"]
        assert [key for key in str(row["source"]).split() if key != "assumed" and key not in bibliography()] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"breathing": Breathing(0.25)}, "column 'rate'"),
        ({"breathing": Breathing(6, 500)}, "column 'tidal_volume'"),
        ({"drive": Drive(set_point=9)}, "column 'set_point'"),
        ({"drive": Drive(vagal=[1, 0.7]), "records": 3}, "2 values for 3 records"),
        ({"seconds": 0}, "records of 0 s"),
        ({"records": 0}, "0 records"),
    ],
)
def test_what_cannot_be_asked_is_refused(given, words):
    with pytest.raises(InputError) as caught:
        heartbeats(**given)
    assert words in str(caught.value)


def test_the_closed_form_refuses_what_it_does_not_know():
    with pytest.raises(InputError, match="half inspiration"):
        expected(Breathing(6, 1, 0.4))
    with pytest.raises(InputError, match="one condition at a time"):
        expected(drive=Drive([1, 0.7]))
