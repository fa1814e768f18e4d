"""Instruments on a stub of a run whose true values are known: means, noise, gaps, limits, reliability, reads."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observed_stub import TRUE, stub
from polars.testing import assert_frame_equal

from gutbrain.errors import InputError
from gutbrain.evidence.claims import bibliography
from gutbrain.observe import sequencing
from gutbrain.observe.instruments import DEFAULT, choose, find_measure, measure_rows, measures, number_rows
from gutbrain.observe.measure import Figure, Measure, Schedule
from gutbrain.observe.questionnaires import score
from gutbrain.observe.reliability import reliability
from gutbrain.people import taxa
from gutbrain.run.result import Result
from gutbrain.study.observed import observe
from gutbrain.study.quality import quality
from gutbrain.study.quantities import quantities
from gutbrain.study.study import Study

PEOPLE = 500


@pytest.fixture(scope="module")
def run() -> Result:
    """People who differ in affect and tryptophan; five leave the trial on day 10, one left the model's bounds."""
    result = stub(PEOPLE)
    generator = np.random.default_rng(3)
    for signal, spread in (("mind.negative_affect", None), ("blood.tryptophan", 0.19), ("blood.kynurenine", 0.30)):
        values = generator.standard_normal(PEOPLE)
        values = (values - values.mean()) / values.std()
        place = result.index(signal)
        if spread is None:
            result.mean[:, place] = np.maximum(result.mean[:, place] + 12 * values, 0)
        else:
            result.mean[:, place] *= np.exp(spread * values)
    result.mean[:, result.index("mind.practice_kept"), ::2] = 0
    result.mean[:, result.index("mind.practice_minutes"), ::2] = 0
    result.present[10:, :5] = 0
    result.lost_day[7] = 3
    return result


@pytest.fixture(scope="module")
def study(run) -> Study:
    """All default measures of those people."""
    return observe(run, seed=5, with_truth=True)


def seen(study: Study, quantity: str, truth: bool = False) -> pl.DataFrame:
    chosen = pl.col("method") == "model value"
    return study.readings.filter((pl.col("quantity") == quantity) & (chosen if truth else ~chosen))


def matched(study: Study, quantity: str) -> pl.DataFrame:
    keys = ["person", "visit", "day"]
    return seen(study, quantity).join(seen(study, quantity, truth=True), on=keys, suffix=" true", validate="1:1")


def test_the_study_is_simulated_and_clean(study, run):
    assert study.origin == "simulated"
    assert set(study.readings["origin"]) == {"simulated"}
    assert study.about["measures"] == list(DEFAULT)
    assert [f.severity for f in quality(study, study.about["forms"])].count("error") == 0
    assert set(study.people["arm"]) == {"wait", "course"}
    assert "person 8" not in study.people["person"].to_list()
    assert any("left the bounds" in finding.what for finding in study.findings)


LOG_NORMAL = [
    ("crp", "blood.crp"), ("il-6", "blood.il6"), ("tryptophan", "blood.tryptophan"), ("kynurenine", "blood.kynurenine"),
    ("cortisol", "saliva.cortisol"), ("transit", "gut.transit"), ("lactulose/mannitol", "urine.lactulose_mannitol"),
    ("stool butyrate", "stool.butyrate"), ("stool acetate", "stool.acetate"), ("stool propionate", "stool.propionate"),
    ("rmssd", "heart.rmssd"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "quantity"), LOG_NORMAL)
def test_log_normal_noise_has_its_size_and_one_laboratory(study, name, quantity):
    rows = matched(study, quantity).filter(pl.col("limit").is_null())
    miss = np.log(rows["value"].to_numpy() / rows["value true"].to_numpy())
    measure = find_measure(name)
    assert miss.std() == pytest.approx(measure.noise.value, rel=0.08)
    # The mean miss is the laboratory's factor: the same for everybody, and of the size that is stated.
    assert abs(miss.mean()) < 4 * measure.assay.value + 4 * measure.noise.value / np.sqrt(len(miss))
    by_half = miss[::2].mean() - miss[1::2].mean()
    assert abs(by_half) < 5 * measure.noise.value / np.sqrt(len(miss) / 2)


@pytest.mark.parametrize(("name", "quantity", "true"), [
    ("sleep duration", "sleep.duration", 7.2), ("sleep efficiency", "sleep.efficiency", 90.0),
    ("positive affect", "mind.positive_affect", 54.0), ("rumination", "mind.rumination", 30.0),
    ("pain", "enteric.pain", 5.0),
])  # fmt: skip
def test_normal_noise_has_its_size(study, name, quantity, true):
    values, measure = seen(study, quantity)["value"].to_numpy(), find_measure(name)
    size = np.hypot(np.hypot(measure.noise.value, measure.trait.value), measure.step / np.sqrt(12))
    assert values.mean() == pytest.approx(true, rel=0.02)
    assert values.std() == pytest.approx(size, rel=0.1)
    assert values.min() >= measure.low
    assert values.max() <= measure.high


def test_prompts_are_missed_and_swings_decay(study):
    prompts = seen(study, "mind.positive_affect").sort("person", "day")
    asked = len(study.visits) * 18
    assert 1 - len(prompts) / asked == pytest.approx(0.31, abs=0.01)
    assert_frame_equal(prompts.select("person", "day"),
                       seen(study, "mind.rumination").sort("person", "day").select("person", "day"))  # fmt: skip
    hour = (prompts["day"] % 1 * 24).to_numpy()
    assert hour.min() >= 8
    assert hour.max() <= 22
    gap = (prompts["day"].diff() * 24).to_numpy()
    same = (prompts["person"] == prompts["person"].shift(1)).fill_null(False).to_numpy() & (gap < 12)
    swing = prompts["value"].to_numpy() - 54
    for shortest, longest in ((1, 2), (2, 3)):
        near = np.flatnonzero(same & (gap > shortest) & (gap < longest))
        expected = np.exp(-0.6 * gap[near]).mean()
        assert np.corrcoef(swing[near], swing[near - 1])[0, 1] == pytest.approx(expected, abs=0.05)


def test_who_left_gives_nothing_more(study):
    gone = [f"person {n}" for n in range(1, 6)]
    for table in (study.visits, study.samples, study.answers, study.readings):
        assert table.filter(pl.col("person").is_in(gone))["day"].max() < 10
    assert study.people.filter(pl.col("left_day").is_not_null())["person"].to_list() == gone
    later = study.visits.filter(pl.col("visit") != "day 0")
    assert 1 - len(later) / (2 * (PEOPLE - 6)) == pytest.approx(0.03, abs=0.015)


def test_a_limit_censors_what_lies_below(run):
    measure = replace(find_measure("crp"), name="crp by an old assay", assay=Figure(0), limit=Figure(0.8), step=0.0)
    rows = observe(run, [measure], seed=1).readings
    below = rows.filter(pl.col("limit") == "<")
    assert len(below) / len(rows) == pytest.approx(0.5, abs=0.05)
    assert set(below["value"]) == {0.8}
    assert rows.filter(pl.col("limit").is_null())["value"].min() > 0.8


@pytest.mark.parametrize(("quantity", "icc"), [("blood.tryptophan", 0.51), ("blood.kynurenine", 0.68)])
def test_one_blood_sample_carries_the_published_share(study, quantity, icc):
    logs = seen(study, quantity).with_columns(pl.col("value").log()).group_by("person")
    people = logs.agg(pl.col("value").var().alias("within"), pl.col("value").mean(), pl.len()).filter(pl.col("len") > 1)
    within = people["within"].mean()
    between = people["value"].var() - within * (1 / people["len"]).mean()
    assert between / (between + within) == pytest.approx(icc, abs=0.05)


def test_pss_answers_are_scored_and_as_reliable_as_students(study):
    sheets = study.answers.drop("time")
    first = score(sheets, "pss-10").filter((pl.col("scale") == "total") & (pl.col("visit") == "day 0"))
    totals = first["score"].drop_nulls()
    assert totals.mean() == pytest.approx(15.40, abs=1.0)
    assert totals.std() == pytest.approx(7.0, abs=0.9)
    found = dict(reliability(sheets, "pss-10").filter(pl.col("visit") == "day 0").select("scale", "alpha").iter_rows())
    assert found["total"] == pytest.approx(0.834, abs=0.04)
    assert found["helplessness"] == pytest.approx(0.91, abs=0.06)
    assert found["self_efficacy"] == pytest.approx(0.86, abs=0.04)
    forgot = sheets.with_columns(
        pl.when(pl.col("item").is_in(["4", "5", "7", "8"])).then(4 - pl.col("value")).otherwise("value").alias("value")
    )
    raw = reliability(forgot, "pss-10").filter((pl.col("visit") == "day 0") & (pl.col("scale") == "total"))
    assert raw["alpha"][0] < found["total"]
    truth = seen(study, "pss-10.total", truth=True).join(first, on=["person", "visit"]).drop_nulls("score")
    assert (truth["score"] - truth["value"]).mean() == pytest.approx(0, abs=0.3)
    assert (1 - first["score"].is_null().mean()) == pytest.approx(0.995**10, abs=0.03)


def test_stool_diary_is_one_diary(study):
    forms, weeks = seen(study, "stool.form"), seen(study, "stool.frequency")
    assert forms["value"].is_in([float(n) for n in range(1, 8)]).all()
    assert forms["value"].mean() == pytest.approx(4.0, abs=0.1)
    assert forms["value"].std() == pytest.approx(np.hypot(0.85, 1 / np.sqrt(12)), abs=0.05)
    counted = forms.group_by("person", "visit").len().join(weeks, on=["person", "visit"])
    # A whole diary holds as many forms as stools.
    whole = counted.filter((pl.col("value") - pl.col("len")).abs() < 0.01)
    assert len(whole) / len(counted) == pytest.approx(0.9**7, abs=0.06)
    assert weeks["value"].median() == pytest.approx(8.0, abs=0.6)
    between = weeks["value"].is_between(3, 21).mean()
    assert between == pytest.approx(0.959, abs=0.05)


def test_practice_is_kept_on_some_days_and_only_by_those_who_were_assigned(study):
    rows = seen(study, "practice.minutes").join(study.people, on="person")
    assert set(rows["arm"]) == {"course"}
    assert (rows["value"] > 0).mean() == pytest.approx(0.7, abs=0.03)
    assert rows.filter(pl.col("value") > 0)["value"].mean() == pytest.approx(30, rel=0.04)
    assert ((rows["value"] % 5) == 0).all()
    assert rows["day"].min() >= 0


def test_reads_have_their_depth_and_entropy(study):
    table = study.abundances.pivot(on="feature", index="sample", values="value").fill_null(0)
    reads = table.drop("sample").to_numpy()
    depth = reads.sum(axis=1)
    assert np.median(depth) == pytest.approx(100_000, rel=0.1)
    assert np.log(depth).std() == pytest.approx(0.7, rel=0.1)
    shannon = sequencing.entropy_of(np.maximum(reads / depth[:, None], 1e-12))
    assert 1.9 < shannon.mean() < 2.9
    assert set(study.features["kind"]) == {"taxon"}
    assigned = taxa.assign(study.features["feature"].to_list())
    home = {genus: group for group, (names, _) in sequencing.genera().items() for genus in names}
    assert {name: group for name, group in assigned.select("taxon", "group").iter_rows() if group} == home


def test_draws_of_one_measure_do_not_hang_on_others(run):
    alone = observe(run, ["crp"], seed=5)
    among = observe(run, ["16s", "crp", "pain"], seed=5)
    rows = among.readings.filter(pl.col("quantity") == "blood.crp")
    assert_frame_equal(alone.readings, rows)
    assert not observe(run, ["crp"], seed=6).readings["value"].equals(alone.readings["value"])


def test_worlds_are_studies_of_their_own():
    result = stub(60, worlds=2)
    both = observe(result, ["crp", "16s"], seed=4, worlds=(0, 1))
    assert len(both.people) == 120
    assert set(both.people["world"]) == {0, 1}
    level = both.readings.join(both.people, on="person").group_by("world").agg(pl.col("value").log().mean())
    assert level["value"].n_unique() == 2
    with pytest.raises(InputError, match="no world 2"):
        observe(result, ["crp"], worlds=(2,))


def test_twins_keep_apart_by_their_arm():
    found = observe(stub(4, names=("Ann", "Ann", "Bo", "Bo")), ["crp"])
    assert found.people["person"].to_list() == ["Ann, wait", "Ann, course", "Bo, wait", "Bo, course"]


def test_belief_is_drawn_once_a_study():
    result = stub(50)
    fixed, drawn = (observe(result, ["transit"], seed=8, draw_belief=b, with_truth=True).about["figures"]
                    for b in (False, True))  # fmt: skip
    assert fixed["transit, world 0"]["noise"] == 0.30
    assert drawn["transit, world 0"]["noise"] != 0.30


def test_own_measures_can_be_declared():
    at_eight = Schedule(hours=(8,))
    own = Measure("ferritin", "reading", "blood.ferritin", "ug/L", ("blood.crp",), at_eight, noise=Figure(0.1))
    found = observe(stub(5), [own], seed=1)
    assert set(found.readings["quantity"]) == {"blood.ferritin"}
    assert (found.readings["day"] % 1 * 24).round(3).to_list()[0] == 8


def test_what_cannot_be_taken_is_refused():
    result = stub(2)
    with pytest.raises(InputError, match="did you mean 'crp'"):
        observe(result, ["cpr"])
    with pytest.raises(InputError, match="'crp' stands twice"):
        observe(result, ["crp", "crp"])
    with pytest.raises(InputError, match="no signal 'blood.iron'"):
        observe(result, [Measure("iron", "reading", "blood.iron", "ug/L", ("blood.iron",))])
    with pytest.raises(InputError, match="share below 1"):
        observe(result, ["crp"], missed_visits=1)
    with pytest.raises(InputError, match="kind"):
        Measure("iron", "guess", "blood.iron", "ug/L", ("blood.iron",))
    with pytest.raises(InputError, match="no figure"):
        Figure(1, "certain")
    few = replace(result, labels=tuple(label if label != "blood.crp" else "blood.lost" for label in result.labels))
    assert any("crp" in finding.where for finding in observe(few).findings)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.integers(1, 5), visits=st.lists(st.integers(0, 29), min_size=1, max_size=3, unique=True),
    seed=st.integers(0, 2**31), names=st.lists(st.sampled_from(DEFAULT), min_size=1, unique=True), truth=st.booleans(),
    leaves=st.integers(0, 30), belief=st.booleans(),
)  # fmt: skip
def test_a_study_is_read_as_it_was_written(tmp_path, people, visits, seed, names, truth, leaves, belief):
    result = stub(people, visits=tuple(visits))
    result.present[leaves:, 0] = 0
    written = observe(result, names, seed=seed, with_truth=truth, draw_belief=belief, about={"title": "made up"})
    read = Study.read(written.write(tmp_path / "study", force=True))
    assert read.equals(written)
    assert read.about["title"] == "made up"
    assert read.origin == "simulated"
    assert read.equals(observe(result, names, seed=seed, with_truth=truth, draw_belief=belief))


def test_a_study_is_written_without_duckdb(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    folder = observe(stub(2), ["crp"]).write(tmp_path / "study")
    assert not (folder / "study.duckdb").exists()
    assert "duckdb is not installed" in json.loads((folder / "manifest.json").read_text())["views"]
    assert len(Study.read(folder).readings) > 0


def test_every_number_has_a_known_source_and_a_fitting_grade():
    for measure in measures().values():
        for name, figure in measure.figures().items():
            for key in figure.source.split():
                assert key == "assumed" or key in bibliography(), (measure.name, name)
            assert figure.grade != "measured" or figure.source != "assumed", (measure.name, name)
        known = quantities().get(measure.quantity)
        assert known is None or known.unit == measure.unit, measure.name


def test_measures_are_listed():
    rows, head = measure_rows()
    assert {row[0] for row in rows} == set(measures()) >= set(DEFAULT)
    assert all(len(row) == len(head) for row in rows)
    numbers, head = number_rows("16s")
    assert {row[0] for row in numbers} == {"16s"}
    assert all(len(row) == len(head) for row in numbers)
    assert [measure.name for measure in choose(DEFAULT)] == list(DEFAULT)


def test_the_standard_axis_gives_what_the_measures_read():
    from gutbrain.body.whole import standard

    given = {label.partition("[")[0] for label in standard().columns}
    assert {signal for measure in measures().values() for signal in measure.signals} <= given
    assert TRUE.keys() <= given


def test_a_plan_shows_and_checks_what_is_observed():
    from gutbrain.plan import Plan, read_plan

    assert read_plan("mbsr").report.observe == list(DEFAULT)
    assert "lactulose/mannitol" in read_plan("mbsr").text()
    silent = Plan.model_validate({"title": "t", "report": {"observe": []}})
    assert "observe = []" in silent.text()
