"""Studies with a known truth are what they say, and no method errs grossly on some of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks import population
from benchmarks.truth import methods, row, table
from benchmarks.truth_method import COUNTED, Answers, Figures, Share, run
from gutbrain.errors import InputError
from gutbrain.study.planted import Bloom, Change, changed, drawn, leaves, numerical_truth, sequenced

METHODS = methods()
AFFECT = "mind.negative_affect"


@pytest.fixture(autouse=True)
def made_up(monkeypatch):
    """People without dynamics: no simulator is compiled for the short set."""
    monkeypatch.setenv(population.CACHE, population.MADE_UP)


# Methods of the same seed share a study, so the order of the table is kept and few studies are made.
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_no_method_errs_grossly(method):
    slow = method.replicates < 1000
    found = run(method, 1 if slow else 6, 1 if slow else 3)
    assert found.refused == 0
    if not method.miss:
        assert found.implausible(method) == []


def test_methods_have_names_of_their_own():
    assert len({method.name for method in METHODS}) == len(METHODS) > 30
    assert all(method.study and method.planted for method in METHODS)


def test_people_are_dealt_to_equal_arms():
    everybody = population.people_of_studies()
    run = drawn(everybody, 31, seed=4, visits=(0, 28))
    assert sorted(np.bincount(run.arm)) == [15, 16]
    assert len(set(run.cohort.names)) == 31
    assert run.trial.visits == (0, 28)
    again, other = drawn(everybody, 31, seed=4, visits=(0, 28)), drawn(everybody, 31, seed=5, visits=(0, 28))
    assert again.cohort.names == run.cohort.names != other.cohort.names
    assert np.array_equal(again.mean, run.mean)
    with pytest.raises(InputError, match="cannot be drawn"):
        drawn(everybody, 4000, seed=1)


def test_a_change_is_put_on_the_active_arm_after_the_baseline():
    run = drawn(population.people_of_studies(), 20, seed=1)
    made = changed(run, {AFFECT: Change(times=0.5, add=1.0)})
    place, active = run.index(AFFECT), run.arm == 1
    np.testing.assert_allclose(made.mean[1:, place, active], 0.5 * run.mean[1:, place, active] + 1, rtol=1e-6)
    made.mean[1:, place, active] = run.mean[1:, place, active]
    assert np.array_equal(made.mean, run.mean)
    with pytest.raises(InputError, match="no signal"):
        changed(run, {"mind.joy": Change(add=1)})


def test_a_bloom_moves_log_ratios_by_its_fold():
    run = drawn(population.people_of_studies(), 12, seed=2, visits=(0, 28))
    folds = {"Bacteroides": 2.0, "Faecalibacterium": -1.0}
    (without, none), (with_bloom, truth) = (sequenced(run, 2, bloom, depth=3e8) for bloom in (None, Bloom(folds)))
    assert not none.any()
    assert (truth != 0).sum() == 2
    wide = [
        study.abundances.filter(pl.col("feature").is_in([*folds, "Alistipes"]))
        .pivot(on="feature", index="sample", values="value")
        .join(study.samples.join(study.people, on="person"), on="sample")
        for study in (without, with_bloom)
    ]
    both = wide[0].join(wide[1], on="sample", suffix=" after").drop_nulls([*folds, "Alistipes"])
    later = both.filter((pl.col("arm") == "active") & (pl.col("visit") == "day 28"))
    rest = both.filter((pl.col("arm") == "control") | (pl.col("visit") == "day 0"))
    assert len(later) > 3
    for name, fold in folds.items():
        before, after = (
            np.log2(later[f"{name}{end}"].to_numpy() / later[f"Alistipes{end}"].to_numpy()) for end in ("", " after")
        )
        np.testing.assert_allclose(after - before, fold, atol=0.02)
        np.testing.assert_allclose(rest[f"{name} after"].to_numpy() / rest[name].to_numpy(), 1, rtol=0.05)
    with pytest.raises(InputError, match="no genus"):
        sequenced(run, 2, Bloom({"Unicornus": 1.0}))


def test_who_has_left_gives_nothing_more_and_was_worse():
    generator = np.random.default_rng(1)
    own = generator.standard_normal((800, 1))
    values = own + 0.5 * generator.standard_normal((800, 4))
    visits = (0, 28, 56, 84)
    rows = pl.DataFrame(
        [{"person": f"p{i}", "visit": f"day {day}", "value": values[i, n]} for i in range(800)
         for n, day in enumerate(visits)]
    )  # fmt: skip
    kept = leaves(rows, visits, 0.2, seed=1)
    counts = [len(kept.filter(pl.col("visit") == f"day {day}")) for day in visits]
    assert counts[0] == 800
    assert counts == sorted(counts, reverse=True)
    assert 1 - counts[-1] / 800 == pytest.approx(0.2, abs=0.06)
    last = set(kept.filter(pl.col("visit") == "day 84")["person"])
    first = rows.filter(pl.col("visit") == "day 0").with_columns(pl.col("person").is_in(list(last)).alias("stayed"))
    means = dict(first.group_by("stayed").agg(pl.col("value").mean()).iter_rows())
    assert means[False] > means[True] + 0.2
    per_person = kept.group_by("person").agg(pl.col("visit"))
    assert all(set(own) == {f"day {day}" for day in visits[: len(own)]} for own in per_person["visit"].to_list())


def test_without_a_change_the_numerical_truth_is_zero():
    from benchmarks.truth_studies import RELIEF, scored

    everybody = population.people_of_studies()
    assert set(numerical_truth(everybody, {}, scored, [1]).values()) == {0.0}
    found = numerical_truth(everybody, RELIEF, scored, [1])
    assert found["day 0"] == 0
    assert -5 < found["day 84"] < -2


def test_what_is_counted_of_answers():
    said = Answers(
        p=np.array([0.01, 0.2, 0.03, np.nan]), truth=np.array([0.0, 0.0, 1.0, 1.0]),
        estimate=np.array([0.5, 0.1, 0.8, np.nan]), low=np.array([0.1, -0.5, 0.2, np.nan]),
        high=np.array([0.9, 0.6, 1.2, np.nan]), called=np.array([True, False, True, False]),
    )  # fmt: skip
    counted = dict(zip(COUNTED, said.counts(), strict=True))
    assert counted == {
        "null hypotheses": 2, "null rejected": 1, "intervals": 3, "intervals that hold": 2, "effects": 1,
        "effects found": 1, "discoveries": 2, "false discoveries": 1, "estimates": 3, "error": pytest.approx(0.4),
        "refused": 0,
    }  # fmt: skip


def test_the_error_of_a_share_is_that_of_its_replicates():
    generator = np.random.default_rng(3)
    hits = (generator.uniform(size=1000) < 0.05).astype(float)
    share = Share.of(hits, np.ones(1000))
    assert share.error == pytest.approx(np.sqrt(share.value * (1 - share.value) / 1000), rel=1e-9)
    # Ten hypotheses of one study that are rejected together tell no more than one.
    together = Share.of(10 * hits, np.full(1000, 10.0))
    assert (together.value, together.error) == pytest.approx((share.value, share.error))


def test_figures_outside_the_bounds_are_said():
    def part(share: float) -> np.ndarray:
        rows = np.zeros((1000, len(COUNTED)))
        rows[:, COUNTED.index("null hypotheses")] = 1
        rows[: int(1000 * share), COUNTED.index("null rejected")] = 1
        return rows

    method = METHODS[0]
    assert Figures(part(0.055), part(0)).misses(method) == []
    assert Figures(part(0.09), part(0)).misses(method) == ["false positives 9.0 ± 0.9 %"]
    assert "**no**" in row(method, Figures(part(0.09), part(0)))[-1]
    assert row(method, Figures(part(0.063), part(0)))[-1] == "not settled by so few: false positives 6.3 ± 0.8 %"
    assert row(method, Figures(part(0.055), part(0)))[-1] == "yes"
    assert table([("a",) * 8]).count("\n") == 2
