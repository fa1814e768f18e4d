"""Galante 2021: mindfulness courses in healthy people, against nothing."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-4, anxiety")
def test_anxiety():
    assert 0.33 <= row("MIN-4, anxiety").reached() <= 0.8


@held("MIN-4, depression")
def test_depression():
    assert 0.34 <= row("MIN-4, depression").reached() <= 0.72


@held("MIN-4, distress")
def test_distress():
    assert 0.31 <= row("MIN-4, distress").reached() <= 0.58
