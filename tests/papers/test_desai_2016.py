"""Desai 2016 (mouse): little fibre thins mucus and feeds Akkermansia."""

import pytest

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


def test_mucus_is_thinner():
    assert row("CO-34, mucus").reached() < 0


def test_akkermansia_rises():
    assert row("CO-34, Akkermansia").reached() > 0
