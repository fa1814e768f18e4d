"""Vaschillo 2006: the heart resonates with breathing at about 0.1 Hz (fitted)."""

from __future__ import annotations

import numpy as np
from heartbeat_runs import swing
from held import held

from gutbrain.observe.heart_spectrum import respond


@held("resonance at 4.5 to 6.5 breaths per minute", source="Vaschillo2006", tolerance="0.075 to 0.11 Hz",
      status="fitted")  # fmt: skip
def test_resonance():
    frequency = np.arange(0.03, 0.35, 0.0005)
    assert 0.075 <= frequency[np.argmax(np.abs(respond(frequency).by_lung))] <= 0.11


@held("respiratory sinus arrhythmia is largest at about 0.1 Hz, at fixed tidal volume", source="Vaschillo2006",
      tolerance="0.09 to 0.11 Hz", status="fitted")  # fmt: skip
def test_respiratory_arrhythmia_peaks_at_a_tenth_of_a_hertz():
    """By closed form and by beats without noise: 0.095 Hz each."""
    frequency, rates = np.arange(0.03, 0.35, 0.0005), np.arange(0.05, 0.1501, 0.005)
    closed = frequency[np.argmax(np.abs(respond(frequency).by_lung))]
    beats = rates[np.argmax(swing(rates, 0.5)[0])]
    assert 0.09 <= closed <= 0.11
    assert 0.09 <= beats <= 0.11
