"""Injected artefacts are found, named and put right; clean series are left alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.observe.artefacts import CLASSES, _find, correct, running_median, threshold


def calm(beats: int, seed: int = 0) -> np.ndarray:
    """Intervals in ms of somebody at rest: slow wandering and breathing."""
    kicks = np.random.default_rng(seed).normal(0, 1, beats)
    wandering = np.zeros(beats)
    for i in range(1, beats):
        wandering[i] = 0.9 * wandering[i - 1] + kicks[i]
    return 900 + 15 * wandering + 30 * np.sin(2 * np.pi * 0.25 * 0.9 * np.arange(beats))


def plain(beats: int = 400) -> np.ndarray:
    """Intervals in ms without anything that stands out."""
    return 900 + 10 * np.random.default_rng(0).uniform(-1, 1, beats)


def beats_of(rr: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(rr)])


def rmssd(rr: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.diff(rr) ** 2)))


def test_a_missed_beat_is_set_half_way():
    rr = plain()
    found = correct(np.diff(np.delete(beats_of(rr), 200)))
    assert found.classes[199] == "missed"
    assert found.counts["missed"] == 1
    assert found.rr.size == 400
    assert found.rr[199] == found.rr[200] == pytest.approx((rr[199] + rr[200]) / 2)


def test_an_extra_beat_is_deleted():
    rr = plain()
    found = correct(np.diff(np.sort(np.append(beats_of(rr), beats_of(rr)[200] + 300))))
    assert found.counts["extra"] == 1
    assert found.classes[200] == "extra"
    assert found.rr == pytest.approx(rr, rel=0.02)


def test_an_ectopic_pair_is_moved_half_way():
    rr = plain()
    times = beats_of(rr)
    times[200] -= 300
    found = correct(np.diff(times))
    # The rules see the early beat as short, and the pause behind it as the ectopic one.
    assert list(found.classes[199:201]) == ["short", "ectopic"]
    assert found.rr.size == 400
    assert found.rr[198:202] == pytest.approx(rr[198:202], rel=0.02)
    assert found.changed[199:201].all()


@pytest.mark.parametrize("seed", range(8))
def test_all_three_together_bring_rmssd_back(seed):
    rr = np.round(calm(910, seed))
    times = beats_of(rr)
    times[700] -= 300
    times = np.sort(np.append(np.delete(times, 200), times[450] + 300))
    dirty = np.diff(times)
    assert rmssd(dirty) > 1.5 * rmssd(rr)
    assert rmssd(correct(dirty).rr) == pytest.approx(rmssd(rr), rel=0.03)


def test_most_of_a_clean_series_is_left_alone():
    rr = calm(5000)
    found = correct(rr)
    assert found.share < 0.005
    assert rmssd(found.rr) == pytest.approx(rmssd(rr), rel=0.01)


@pytest.mark.parametrize("rr", [np.full(100, 800.0), 800 + 40 * np.sin(np.arange(300) / 3)])
def test_a_regular_series_is_not_touched(rr):
    found = correct(rr)
    assert found.share == 0
    assert found.passes == 0
    assert found.rr == pytest.approx(rr)


def test_a_missed_beat_of_a_metronome_is_found():
    rr = np.full(100, 800.0)
    rr[50] = 1600
    found = correct(rr)
    assert found.counts["missed"] == 1
    assert found.rr == pytest.approx(np.full(101, 800.0))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), bad=st.lists(st.integers(0, 199), max_size=12), by=st.floats(0.4, 2.2))
def test_time_is_kept_and_every_interval_has_a_class(seed, bad, by):
    rr = calm(200, seed)
    rr[bad] *= by
    found = correct(rr)
    assert found.classes.size == rr.size
    assert set(found.classes) <= set(CLASSES)
    assert sum(found.counts.values()) == rr.size
    assert (found.rr > 0).all()
    # Beats are moved, not time: unless the last one went, the series ends when it did.
    assert found.times[-1] * 1000 == pytest.approx(rr.sum()) or found.classes[-2:].tolist() != ["normal", "normal"]
    assert found.changed.sum() <= 2 * (rr.size - found.counts["normal"])


def test_ends_of_the_windows_are_cut():
    signal = np.arange(30.0)
    assert running_median(signal)[[0, 1, 15, 29]] == pytest.approx([2.5, 3.0, 15.0, 26.5])
    assert threshold(signal) == pytest.approx(5.2 * (21.75 - 7.25) / 2 * np.ones(30), rel=1)


def test_a_day_takes_about_a_second():
    rr = calm(100_000)
    rr[::997] *= 0.7
    begin = time.perf_counter()
    found = correct(rr)
    assert time.perf_counter() - begin < 5  # 0.4 s where it was written
    assert found.share > 0.001


@pytest.mark.parametrize(
    ("rr", "words"),
    [
        (np.full(100, 0.8), "look like s, not ms"),
        (np.full(5, 800.0), "too few"),
        (np.r_[np.full(20, 800.0), 4000, np.full(20, 800.0)], "more than 3 s"),
        (np.r_[np.full(20, 800.0), -1.0], "not positive"),
        (np.r_[np.full(20, 800.0), np.nan], "not a number"),
    ],
)
def test_what_cannot_be_corrected_is_refused(rr, words):
    with pytest.raises(InputError, match=words):
        correct(rr)


@pytest.mark.filterwarnings("ignore")
def test_the_first_pass_agrees_with_another_implementation():
    fixpeaks = pytest.importorskip("neurokit2.signal.signal_fixpeaks")
    generator = np.random.default_rng(2)
    for seed in range(10):
        rr = np.round(np.clip(calm(500, seed) + 40 * generator.standard_t(3, 500), 350, 1900))
        times = beats_of(rr)
        artefacts, _ = fixpeaks._find_artifacts(times.astype(int), sampling_rate=1000)
        theirs = {name: sum(1 for beat in artefacts[name] if beat > 0) for name in ("ectopic", "missed", "extra")}
        theirs["long or short"] = sum(1 for beat in artefacts["longshort"] if beat > 0)
        kinds = list(_find(times).values())
        ours = {name: kinds.count(name) for name in ("ectopic", "missed", "extra")}
        assert {**ours, "long or short": kinds.count("long") + kinds.count("short")} == theirs
