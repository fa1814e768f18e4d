"""Instruments that read more than a daily mean: sequencing, the heart, cortisol of the day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed_stub import DAY, EXACT, SHARES, stub

from gutbrain.observe import day_curve, sequencing
from gutbrain.observe.instruments import find_measure
from gutbrain.observe.measure import Figure
from gutbrain.study.observed import observe


def test_reads_without_bias_bring_the_groups_back():
    measure = find_measure("16s")
    more = dict(measure.more) | {"bias": Figure(0), "other": Figure(0), "concentration": Figure(1e6)}
    found = observe(stub(40), [replace(measure, more=more)], seed=2)
    home = {genus: group for group, (names, _) in sequencing.genera().items() for genus in names}
    summed = found.abundances.with_columns(pl.col("feature").replace_strict(home).alias("group"))
    shares = summed.group_by("group").agg(pl.col("value").sum())
    total = shares["value"].sum()
    for group, value in shares.iter_rows():
        assert value / total == pytest.approx(SHARES[group], rel=0.03)


def test_less_richness_is_less_entropy():
    result = stub(30)
    result.mean[20:, result.index("colon.richness")] = 0.5
    table = observe(result, ["16s"], seed=2, missed_visits=0)
    wide = table.abundances.pivot(on="feature", index="sample", values="value").fill_null(0)
    reads = wide.drop("sample").to_numpy()
    shannon = sequencing.entropy_of(np.maximum(reads / reads.sum(axis=1, keepdims=True), 1e-12))
    last = wide["sample"].str.ends_with("day 28").to_numpy()
    assert shannon[~last].mean() - shannon[last].mean() > 0.3


@pytest.mark.parametrize("person", ["A", "B"])
def test_two_stools_of_a_person_differ_as_in_david_2014(person):
    folder = Path(__file__).parents[3] / "shared" / "data" / "david2014-stool"
    path = folder / f"david2014_stool{person}_genus_counts.tsv"
    if not path.exists():
        pytest.skip("the overdispersion of reads needs ../shared/data/david2014-stool")
    counts = pl.read_csv(path, separator="\t")
    counts = counts.select(counts.columns[1:]).to_numpy().astype(float)
    counts = counts[:, counts.sum(axis=0) >= 5000]
    shares = counts / counts.sum(axis=0)
    measured = np.median(np.abs(np.diff(shares, axis=1)).sum(axis=0) / 2)
    depth = np.full(600, int(np.median(counts.sum(axis=0))))
    concentration = find_measure("16s").more["concentration"].value
    drawn = sequencing.reads(np.broadcast_to(shares.mean(axis=1), (600, len(shares))), depth, concentration,
                             np.random.default_rng(0))  # fmt: skip
    drawn = drawn / drawn.sum(axis=1, keepdims=True)
    assert np.median(np.abs(drawn[::2] - drawn[1::2]).sum(axis=1) / 2) == pytest.approx(measured, abs=0.05)


def test_rmssd_follows_vagal_tone():
    result = stub(2, visits=(0, 28))
    result.mean[20:, result.index("vagus.tone")] = 0.8
    more = dict(find_measure("rmssd").more) | {"vagal_spread": Figure(0)}
    rows = observe(result, [replace(find_measure("rmssd"), **EXACT, more=more)], missed_visits=0).readings
    before, after = (rows.filter(pl.col("visit") == visit)["value"][0] for visit in ("day 0", "day 28"))
    assert before == pytest.approx(38.3, abs=0.3)
    assert np.log(after / before) / np.log(0.8) == pytest.approx(1.1, abs=0.1)


def test_beats_are_records_of_intervals():
    measure = find_measure("beats")
    short = replace(measure, more=dict(measure.more) | {"seconds": Figure(60)})
    found = observe(stub(3, visits=(0,)), [short], seed=1, with_truth=True)
    assert found.beats["recording"].n_unique() == 3
    assert found.beats["rr"].is_between(400, 1800).all()
    assert set(found.readings["quantity"]) == {"heart.rmssd"}
    assert found.beats.group_by("recording").agg(pl.col("at").is_sorted())["at"].all()


def test_cortisol_follows_the_day():
    hours = np.array([1.0, 4.0, 9.0, 14.0])
    one = np.ones(4)
    found = day_curve.cortisol(DAY.mean() * one, DAY.min() * one, DAY.max() * one, hours)
    at_the_moment = np.array([14.6, 8.2, 4.2, 1.45])
    assert np.abs(np.log(found / at_the_moment)).max() < 0.16
    assert np.abs(np.log(found / at_the_moment))[1:].max() < 0.1
    late = day_curve.cortisol(DAY.mean() * one, DAY.min() * one, DAY.max() * one, hours, delay=2.0)
    assert (late[1:] > found[1:]).all()


@given(low=st.floats(0.1, 5), span=st.floats(1.5, 30), bend=st.floats(0.3, 3))
def test_the_curve_keeps_mean_lowest_and_highest_hour(low, span, bend):
    hours = low * np.exp(np.log(span) * day_curve.SHAPE**bend)
    mean = np.full(24, hours.mean())
    found = day_curve.cortisol(mean, np.full(24, low), np.full(24, low * span), np.arange(24) + day_curve.CENTRE)
    np.testing.assert_allclose(found, hours, rtol=1e-6)


def test_cortisol_takes_the_laboratory_of_the_world_out():
    result = stub(3)
    result.cohort.parameters["hpa.assay_factor"] = np.array([2.0])
    measure = replace(find_measure("cortisol"), **EXACT)
    doubled = observe(result, [measure]).readings["value"].to_numpy()
    del result.cohort.parameters["hpa.assay_factor"]
    np.testing.assert_allclose(2 * doubled, observe(result, [measure]).readings["value"].to_numpy())
