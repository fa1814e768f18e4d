"""Raidl, Laister and Csapo 2024: heart rate after sprints (a miss, expected to fail)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from held import held

from gutbrain.observe.heartbeat import Breathing, Drive, heartbeats

pytestmark = pytest.mark.calibration
SHARED = Path(__file__).parents[3] / "shared" / "data"


@held("RR five minutes after sprints, median 524 ms", source="Raidl2024", tolerance="as short with no vagal drive",
      status="predicted")  # fmt: skip
@pytest.mark.xfail(reason="without vagal drive and at 120 mmHg 612 ms; median after sprints 524 ms", strict=True)
def test_heart_rate_after_sprints():
    path = SHARED / "slow-breathing-rr" / "spb_rct_raidl2024_rr.csv"
    if not path.exists():
        pytest.skip("recovery after sprints needs ../shared")
    rows = pl.read_csv(path).filter(phase="passive")
    late = rows.filter(pl.col("sumtime") > pl.col("sumtime").max().over("id") - 300)
    seen = late.group_by("id").agg(pl.col("rr").mean())["rr"].to_numpy()
    assert heartbeats(Breathing(), Drive(0, 120)).rr[0].mean() <= np.median(seen)
