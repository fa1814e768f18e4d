"""Nunan 2010: values of heart-rate variability at rest (fitted). What is missed is expected to fail, with its figure.

Not tested of the heart-beat model: Fonoberova 2014 (its table is not at hand), blood pressure while breathing slowly
(a mean-flow model has no systolic pressure), height and sex (no such term), symptoms (no equation).
"""

from __future__ import annotations

import numpy as np
import pytest
from heartbeat_runs import values
from held import held

from gutbrain.observe.heartbeat import Breathing, Drive

pytestmark = pytest.mark.calibration


@pytest.fixture(scope="module")
def rest() -> dict[str, np.ndarray]:
    return values(Breathing(), Drive())


@held("RR 926 ms, SDNN 50 ms, RMSSD 42 ms, HF 657 ms2 at rest", source="Nunan2010", tolerance="5, 10, 15 and 30 %",
      status="fitted")  # fmt: skip
@pytest.mark.parametrize(
    ("name", "target", "tolerance"),
    [("mean_rr", 926, 0.05), ("sdnn", 50, 0.10), ("rmssd", 42, 0.15), ("hf_power", 657, 0.30)],
)
def test_values_at_rest(rest, name, target, tolerance):
    assert rest[name].mean() == pytest.approx(target, rel=tolerance)  # 946, 51.9, 36.7, 611


@held("LF 519 ms2 at rest", source="Nunan2010", tolerance="30 %", status="fitted")
@pytest.mark.xfail(reason="LF of 64 records is 732 ms2, 41 % above 519; 30 % was allowed", strict=True)
def test_low_frequency_at_rest(rest):
    assert rest["lf_power"].mean() == pytest.approx(519, rel=0.30)


@held("vagal block nearly abolishes variability and shortens RR", source="recalled", status="predicted",
      tolerance="RMSSD below 8 ms, HF below 6 ms2")  # fmt: skip
def test_vagal_block_nearly_abolishes_variability():
    blocked = values(Breathing(), Drive(0.02), 8)
    assert blocked["mean_rr"].mean() == pytest.approx(653, rel=0.01)
    assert blocked["rmssd"].mean() < 8
    assert blocked["hf_power"].mean() < 6
