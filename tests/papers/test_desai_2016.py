"""Desai 2016 (mouse): little fibre thins mucus and feeds Akkermansia."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("CO-34, mucus")
def test_mucus_is_thinner():
    assert row("CO-34, mucus").reached() < 0


@held("CO-34, Akkermansia")
def test_akkermansia_rises():
    assert row("CO-34, Akkermansia").reached() > 0
