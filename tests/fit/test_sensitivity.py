"""Morris, Sobol and shares of groups on functions whose indices are known, and on a small axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from small_trial import ALONE, TOGETHER, limited, small

from gutbrain.errors import InputError
from gutbrain.fit.sensitivity.answers import answers, asked_of, filled, varies
from gutbrain.fit.sensitivity.measurement import of_parameters, of_signals
from gutbrain.fit.sensitivity.morris import chosen, matter, morris_points, morris_table
from gutbrain.fit.sensitivity.sobol import BOTH, WITH, WITHOUT, saltelli, shares, sobol_table
from gutbrain.fit.sensitivity.unknowns import space_of, weakest
from gutbrain.fit.sensitivity.weighed import Settings, weigh
from gutbrain.model.spread import Normal, Uniform
from gutbrain.protocols.protocol import Act, Protocol, Trial


def ishigami(points):
    x = (2 * points - 1) * np.pi
    return np.sin(x[..., 0]) + 7 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])


# With a = 7 and b = 0.1 (Ishigami and Homma 1990): V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2.
V = 49 / 8 + 0.1 * np.pi**4 / 5 + 0.01 * np.pi**8 / 18 + 0.5
FIRST = {"x": 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2 / V, "y": 49 / 8 / V, "z": 0.0}
XZ = 0.01 * np.pi**8 * (1 / 18 - 1 / 50) / V
NAMES, ONES = ["x", "y", "z"], [1, 1, 1]


def test_sobol_indices_of_ishigami():
    made = saltelli(NAMES, ONES, [True, True, True], ["y", "z", "x"], 2048, seed=1)
    table = {row["parameter"]: row for row in sobol_table(made, ishigami(made.points), seed=0).iter_rows(named=True)}
    total = FIRST | {"x": FIRST["x"] + XZ, "z": XZ}
    for name in NAMES:
        assert table[name]["first"] == pytest.approx(FIRST[name], abs=0.03)
        assert table[name]["total"] == pytest.approx(total[name], abs=0.03)
        assert table[name]["first_low"] < FIRST[name] < table[name]["first_high"]


@pytest.mark.parametrize(
    ("sourced", "expected"),
    [
        ((True, False, True), (FIRST["x"] + XZ, FIRST["y"], 0.0)),
        ((True, False, False), (FIRST["x"], FIRST["y"], XZ)),
        ((False, False, False), (0.0, 1.0, 0.0)),
        ((True, True, True), (1.0, 0.0, 0.0)),
    ],
)
def test_shares_of_groups_are_closed_indices(sourced, expected):
    made = saltelli(NAMES, ONES, sourced, ["x"], 2048, seed=2)
    table = shares(ishigami(made.points), seed=2)
    assert table["part"].to_list() == [WITH, WITHOUT, BOTH]
    assert table["share"].to_list() == pytest.approx(expected, abs=0.04)
    assert table["share"].sum() == pytest.approx(1)
    assert (table["low"] <= table["share"]).all() and (table["share"] <= table["high"]).all()


def test_another_seed_gives_other_points():
    one, same, other = (saltelli(NAMES, ONES, [True, False, True], ["z"], 32, seed) for seed in (1, 1, 2))
    assert (one.points == same.points).all() and (one.points != other.points).any()
    # Blocks: A, A with the sourced from B, A with the others from B, A with z from B, B.
    a, sourced, others, z, b = one.points.transpose(1, 0, 2)
    assert (sourced[:, [0, 2]] == b[:, [0, 2]]).all() and (sourced[:, 1] == a[:, 1]).all()
    assert (others[:, 1] == b[:, 1]).all() and (others[:, [0, 2]] == a[:, [0, 2]]).all()
    assert (z[:, 2] == b[:, 2]).all() and (z[:, :2] == a[:, :2]).all()


def test_shares_of_groups_differ_from_the_sum_of_totals():
    """The total indices of x and z count their interaction twice."""
    made = saltelli(NAMES, ONES, [True, False, True], ["x", "z"], 2048, seed=2)
    values = ishigami(made.points)
    summed = sobol_table(made, values, seed=1)["total"].sum()
    assert summed > shares(values, seed=1)["share"][0] + 0.15


def test_a_group_of_numbers_moves_as_one_unknown():
    made = saltelli(["many", "one"], [2, 1], [True, False], ["one", "many"], 1024, seed=3)
    values = made.points[..., 0] + made.points[..., 1] + 2 * made.points[..., 2]
    table = dict(sobol_table(made, values, seed=3).select("parameter", "first").iter_rows())
    assert table["many"] == pytest.approx(2 / 6, abs=0.03)
    assert table["one"] == pytest.approx(4 / 6, abs=0.03)


def test_morris_of_a_straight_line_is_exact():
    names, entries = ["big", "group", "none", "small"], [1, 3, 1, 1]
    points = morris_points(names, entries, 6, seed=4)
    assert points.shape == (6 * 5, 6)
    assert points.min() == pytest.approx(0.05) and points.max() == pytest.approx(0.95)
    table = morris_table(names, entries, points, 10 * points[:, 0] + points[:, 1] - 0.01 * points[:, 5], seed=4)
    by_name = {row["parameter"]: row for row in table.iter_rows(named=True)}
    assert table["parameter"].to_list() == ["big", "group", "small", "none"]
    assert by_name["big"]["mu_star"] == pytest.approx(9) and by_name["big"]["sigma"] == pytest.approx(0, abs=1e-9)
    assert by_name["small"]["mu"] == pytest.approx(-0.009)
    assert by_name["group"]["mu_star"] == pytest.approx(0.9)
    assert by_name["group"]["sigma"] is None and by_name["group"]["mu"] is None
    assert by_name["none"]["mu_star"] == 0
    assert matter(table) == ["big"]


def test_morris_shows_interaction_as_sigma():
    points = morris_points(["a", "b", "c"], ONES, 20, seed=5)
    values = (points[:, 0] - 0.5) * (points[:, 1] - 0.5) + 0.1 * points[:, 2]
    table = {row["parameter"]: row for row in morris_table(["a", "b", "c"], ONES, points, values, 5).to_dicts()}
    assert table["a"]["sigma"] > 0.2 > 1e-9 > table["c"]["sigma"]


def test_unknowns_of_several_outcomes_are_taken_in_turn():
    assert chosen([["a", "b", "c"], ["b", "d"]], 3) == ["a", "b", "d"]
    assert chosen([["a"], []], 5) == ["a"]
    assert chosen([], 5) == []


def test_a_measurement_takes_away_the_first_order_share():
    table = of_parameters(pl.DataFrame({"parameter": ["a", "b"], "first": [0.2, 0.6], "first_low": [0.1, 0.5],
                                        "first_high": [0.3, 0.7]}))  # fmt: skip
    assert table["parameter"].to_list() == ["b", "a"]
    assert table["halved"].to_list() == pytest.approx([0.45, 0.15])


def test_signals_are_told_by_squared_correlation():
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((2, 4000))
    outcome = 2 * a + b
    table = of_signals(outcome, np.column_stack([a, np.exp(3 * a), outcome, 0 * a]), list("pqrs"), "before", seed=6)
    found = {row["signal"]: row for row in table.iter_rows(named=True)}
    assert found["p"]["linear"] == pytest.approx(0.8, abs=0.02) and not found["p"]["restates"]
    assert found["p"]["linear_low"] < 0.8 < found["p"]["linear_high"]
    assert found["q"]["linear"] < 0.3 < 0.7 < found["q"]["rank"]
    assert found["q"]["rank"] == pytest.approx(found["p"]["rank"], abs=1e-9)
    assert found["r"]["restates"] and found["s"]["linear"] == 0


# -- the small axis ---------------------------------------------------------------------------


def trial(*acts, dose=1.0):
    push = Act("protocol.push", dose, 1.0)
    return Trial((Protocol("rest"), Protocol("push", (push, *acts)), Protocol("third")), 10, (0,), course_days=9)


def ask(axis, of, level=False):
    return asked_of(axis, of, "push", "rest", ("mind.negative_affect", "gut.signal", "mind.still"), level, 15.0)


@pytest.fixture(scope="module")
def weighed():
    asked = ask(small(), trial())
    space = space_of(small(), asked.trial)
    outcomes = ("mind.negative_affect", "mind.still")
    return weigh(asked, space, outcomes, ("gut.signal",), ("gut.signal",), Settings(8, 512, 6, 7))


def test_unknowns_are_beliefs_that_are_not_closed():
    asked = ask(small(), trial())
    space = space_of(small(), asked.trial)
    assert [one.name for one in space.unknowns] == ["gut.gain", "gut.idle", "mood.weight", "mood.other"]
    assert [one.entries for one in space.unknowns] == [1, 2, 1, 1]
    assert [one.sourced for one in space.unknowns] == [True, False, False, False]
    assert space.unknowns[0].low == pytest.approx(1 - 0.5 * 1.645, abs=1e-3)
    opened = space_of(small(), asked.trial, {"gut.gain": 2.0}, ["mood.shut"])
    assert [one.name for one in opened.unknowns] == ["gut.idle", "mood.weight", "mood.other", "mood.shut"]
    assert weakest(["measured", "recalled", "derived (mouse)"]) == "recalled"
    with pytest.raises(InputError, match="did you mean 'mood.weight'"):
        space_of(small(), asked.trial, {"mood.wieght": 1.0})


def test_points_become_the_values_that_worlds_have():
    space = space_of(small(), ask(small(), trial()).trial)
    points = np.full((2, 5), 0.5)
    points[1] = [0.8413447, 0.5, 0.0, 1.0, 0.1586553]
    parameters, _, moved = space.values(points)
    assert parameters["gut.gain"] == pytest.approx([1.0, 1.5], abs=1e-6)
    assert parameters["mood.other"] == pytest.approx([0.0, -0.4], abs=1e-6)
    assert parameters["gut.idle"].shape == (2, 2) and np.isfinite(parameters["gut.idle"]).all()
    assert not moved.any()


def test_shares_of_the_small_axis_are_exact(weighed):
    found = {row["parameter"]: row for row in weighed.sobol.filter(outcome="mind.negative_affect").to_dicts()}
    assert "gut.idle" not in found
    for name, share in ALONE.items():
        assert found[name]["first"] == pytest.approx(share, abs=0.05)
    assert found["gut.gain"]["total"] == pytest.approx(ALONE["gut.gain"] + TOGETHER, abs=0.05)
    assert found["mood.other"]["total"] == pytest.approx(ALONE["mood.other"], abs=0.05)
    parts = dict(weighed.shares.filter(outcome="mind.negative_affect").select("part", "share").iter_rows())
    assert parts[WITH] == pytest.approx(ALONE["gut.gain"], abs=0.05)
    assert parts[WITHOUT] == pytest.approx(ALONE["mood.weight"] + ALONE["mood.other"], abs=0.05)
    assert parts[BOTH] == pytest.approx(TOGETHER, abs=0.05)
    # The signal itself hangs on the sourced gain alone.
    beside = dict(weighed.shares.filter(outcome="gut.signal").select("part", "share").iter_rows())
    assert beside[WITH] == pytest.approx(1, abs=0.02)


def test_the_best_measurement_is_that_of_the_gain(weighed):
    best = weighed.measurements.row(0, named=True)
    assert best["parameter"] == "gut.gain" and best["about"] == "signal for a push"
    assert best["halved"] == pytest.approx(0.75 * best["exactly"])
    # mood = gain x weight + other, signal = gain: the squared correlation is the gain's own share.
    read = weighed.read_outs.filter(when="change in the trial").row(0, named=True)
    assert read["signal"] == "gut.signal" and read["linear"] == pytest.approx(ALONE["gut.gain"], abs=0.06)
    assert weighed.read_outs.filter(when="before the course").is_empty()  # at rest nothing varies


def test_an_outcome_that_does_not_vary_is_said_and_left(weighed):
    assert weighed.still == ["mind.still"] and weighed.asked == ["mind.negative_affect"]
    assert "mind.still" not in weighed.shares["outcome"]
    asked = ask(small(), trial())
    with pytest.raises(InputError, match=r"mind.still: the effect is the same in all 20 draws"):
        weigh(asked, space_of(small(), asked.trial), ("mind.still",), (), (), Settings(4, 32, 4, 1))


def test_a_draw_beyond_a_limit_is_brought_back_and_counted():
    asked = ask(limited(), trial())
    space = space_of(limited(), asked.trial)
    points = np.full((3, 5), 0.5)
    points[:, 0] = [0.5, 0.84, 0.99]  # gains 1, 1.497 and 2.16
    points[:, 3] = 0.9
    parameters, _, moved = space.values(points)
    assert moved.tolist() == [False, False, True]
    assert parameters["gut.gain"] == pytest.approx([1.0, 1.4972, 1.5], abs=1e-3)
    # What the limit does not read stays where it was drawn.
    assert np.ptp(parameters["mood.weight"]) == 0
    with pytest.raises(InputError, match="typical person is beyond the limit of gain"):
        space_of(limited(), asked.trial, {"gut.gain": 3.0, "mood.weight": 1.0}).values(points[:, 2:])


def test_the_dose_of_an_act_is_an_unknown_like_any_other():
    pushed = Trial(
        (Protocol("rest"), Protocol("push", (Act("protocol.push", 1.0, 1.0, belief=Uniform(0.5, 1.5)),))), 10, (0,),
        course_days=9,
    )  # fmt: skip
    asked = ask(small(), pushed)
    space = space_of(small(), asked.trial, {"gut.gain": 1.0, "mood.weight": 1.0, "mood.other": 0.0})
    assert [one.name for one in space.unknowns] == ["gut.idle", "dose of protocol.push"]
    points = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.5], [0.1, 0.9, 0.75]])
    found = answers(asked, space, points)
    assert found.change[:, asked.labels.index("mind.negative_affect")] == pytest.approx([0.5, 1.0, 1.25], abs=1e-3)
    assert not found.lost.any() and not found.moved.any()
    levels = answers(ask(small(), pushed, level=True), space, points[:1])
    assert levels.change[0, 2] == pytest.approx(1, abs=1e-6)


def test_a_run_that_leaves_the_model_is_counted_and_refused():
    asked = ask(small(), trial(dose=90.0))
    space = space_of(small(), asked.trial, {"mood.other": 0.0})
    points = np.full((4, 4), 0.5)
    points[3, 0] = 0.99  # 90 times a gain of 2.2 leaves the bounds
    assert answers(asked, space, points).lost.tolist() == [False, False, False, True]
    assert filled(np.array([1.0, 2.0, 3.0, 99.0]), np.array([0, 0, 0, 1], bool)).tolist() == [1, 2, 3, 2]
    with pytest.raises(InputError, match="left the bounds of the model"):
        weigh(asked, space, ("mind.negative_affect",), (), (), Settings(4, 32, 4, 1))


def test_rounding_is_no_variation():
    level = np.full(50, 20.0)
    assert not varies(np.random.default_rng(8).normal(0, 1e-6, 50), level)
    assert varies(np.random.default_rng(8).normal(0, 1e-3, 50), level)


def test_nothing_uncertain_is_refused():
    known = replace(trial(), arms=(Protocol("rest"), Protocol("push")))
    names = ("gut.gain", "gut.idle", "mood.weight", "mood.other")
    with pytest.raises(InputError, match="nothing in small is uncertain"):
        space_of(small(), known, dict.fromkeys(names, 1.0))
    assert Normal(sd=1.0).typical(0.0) == 1.0
