"""Transit of large samples: Asnicar 2021 (whole gut) and the pooled capsule studies (colon)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("ENT-1")
def test_whole_gut_transit():
    assert 23 <= row("ENT-1").reached() <= 37.4


@held("ENT-2")
def test_colonic_transit():
    assert 15.9 <= row("ENT-2").reached() <= 28.9


@held("CO-30, Akkermansia")
def test_slow_transit_feeds_akkermansia():
    assert row("CO-30, Akkermansia").reached() > 0
