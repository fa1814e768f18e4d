"""On a linear axis, path effects are products of coefficients, and shares are those of theory."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from math import factorial

import numpy as np
import polars as pl
import pytest

from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, Param, State, rate
from gutbrain.model.spread import Normal
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.practice import attention_control, mbsr
from gutbrain.protocols.protocol import Act, Protocol, Trial
from gutbrain.run.certainty import lowest_on_the_way, opened_in
from gutbrain.run.explain import REST, Explanation, explain
from gutbrain.run.pathways import DIRECT, Game, coalitions, share_table
from gutbrain.run.reach import Reach, moved_levers

ASSUMED = {"source": "assumed", "grade": "assumed"}
PUSH = 2.0
INTO = {"first.second": 0.8, "first.third": 0.5, "second.third": 0.6, "second.last": 0.4, "third.last": 0.7}


class First(Compartment):
    """Follows the push at once, in a day or so."""

    level = State("1", start=0.0, low=-50, high=50, about="follows the push")
    push = Input("1", rest=0, signal="protocol.push")
    pace = Param(10, "1/day", **ASSUMED)

    @rate("level")
    def follow(self):
        """It follows the push."""
        return self.pace * (self.push - self.level)


class Second(Compartment):
    """Listens to the first and, if a parameter says so, to the last."""

    level = State("1", start=0.0, low=-50, high=50, about="follows the first")
    first = Input("1", rest=0, signal="first.level")
    last = Input("1", rest=0, signal="last.level")
    pace = Param(10, "1/day", **ASSUMED)
    from_first = Param(INTO["first.second"], "1", **ASSUMED)
    from_last = Param(0, "1", **ASSUMED)

    @rate("level")
    def follow(self):
        """It follows what it hears."""
        return self.pace * (self.from_first * self.first + self.from_last * self.last - self.level)


class Third(Compartment):
    """Listens to the first and the second; a state of its own runs beside and reaches nobody."""

    level = State("1", start=0.0, low=-50, high=50, about="follows first and second")
    idle = State("1", start=0.0, low=-50, high=50, about="follows nothing")
    first = Input("1", rest=0, signal="first.level")
    second = Input("1", rest=0, signal="second.level")
    pace = Param(10, "1/day", **ASSUMED)
    from_first = Param(INTO["first.third"], "1", **ASSUMED)
    from_second = Param(INTO["second.third"], "1", **ASSUMED)

    @rate("level")
    def follow(self):
        """It follows what it hears."""
        return self.pace * (self.from_first * self.first + self.from_second * self.second - self.level)

    @rate("idle")
    def rest(self):
        """It stays."""
        return -self.pace * self.idle


class Last(Compartment):
    """The outcome: a weighted sum, a product if a parameter says so, and the push itself."""

    level = State("1", start=0.0, low=-50, high=50, about="the outcome")
    second = Input("1", rest=0, signal="second.level")
    third = Input("1", rest=0, signal="third.level")
    idle = Input("1", rest=0, signal="third.idle")
    push = Input("1", rest=0, signal="protocol.push")
    pace = Param(10, "1/day", **ASSUMED)
    from_second = Param(INTO["second.last"], "1", **ASSUMED)
    from_third = Param(INTO["third.last"], "1", **ASSUMED)
    product = Param(0, "1", **ASSUMED)
    at_once = Param(0, "1", **ASSUMED)

    @rate("level")
    def follow(self):
        """It follows what it hears."""
        heard = self.from_second * self.second + self.from_third * self.third + self.idle
        return self.pace * (heard + self.product * self.second * self.third + self.at_once * self.push - self.level)


LINEAR = Axis(First(), Second(), Third(), Last(), name="linear")
KNOWN = pl.DataFrame(
    [
        ("first.level", "second", "measured", "neural", "down"),
        ("first.level", "third", "fitted", "immune", "down"),
        ("second.level", "third", "assumed", "endocrine", "side"),
        ("second.level", "last", "derived", "neural", "up"),
        ("third.level", "last", "measured", "immune", "up"),
        ("last.level", "second", "assumed", "metabolic", "down"),
        ("protocol.push", "first", "structure", "behavioural", "in"),
        ("protocol.push", "last", "structure", "behavioural", "in"),
    ],
    schema=["signal", "listener", "grade", "pathway", "direction"],
    orient="row",
)
TRIAL = Trial((Protocol("still"), Protocol("pushed", (Act("protocol.push", PUSH),))), days=11, course_days=10)
NEURAL, IMMUNE = 0.8 * 0.4, 0.5 * 0.7  # products of coefficients along the ways
MIXED = 0.8 * 0.6 * 0.7  # neural, endocrine, immune


def taken_apart(**changed: float) -> Explanation:
    person = Cohort.reference(LINEAR, **changed)
    person = replace(person, start=LINEAR.start(person.parameters))
    return explain(LINEAR, TRIAL, "pushed", "still", "last.level", person=person, pathways=True, known=KNOWN)


def of_paths(found: Explanation) -> dict[str, float]:
    table = found.paths.filter(pl.col("path") != REST)
    return {" ".join(edges): effect for edges, effect in table.select("edges", "effect").iter_rows()}


def shares(found: Explanation) -> dict[str, float]:
    assert found.pathways is not None
    return dict(found.pathways.select("player", "shapley").iter_rows())


def test_paths_are_products_of_coefficients_and_add_up():
    found = taken_apart()
    assert found.effect == pytest.approx(PUSH * (NEURAL + IMMUNE + MIXED), abs=1e-6)
    assert of_paths(found) == {
        "first.level -> second second.level -> last": pytest.approx(PUSH * NEURAL, abs=1e-6),
        "first.level -> third third.level -> last": pytest.approx(PUSH * IMMUNE, abs=1e-6),
        "first.level -> second second.level -> third third.level -> last": pytest.approx(PUSH * MIXED, abs=1e-6),
    }
    assert found.paths.filter(pl.col("path") == REST)["effect"][0] == pytest.approx(0, abs=1e-6)
    grades = dict(found.paths.select(pl.col("edges").list.len(), "weakest_grade").filter(pl.col("edges") > 2).rows())
    assert grades == {3: "assumed"}
    assert found.assumed_share == pytest.approx(MIXED / (NEURAL + IMMUNE + MIXED), abs=1e-6)
    assert found.without_assumed == pytest.approx(PUSH * (NEURAL + IMMUNE), abs=1e-6)


def test_shares_split_each_path_among_its_pathways_and_add_up():
    found = taken_apart()
    third = PUSH * MIXED / 3
    got = shares(found)
    assert got["neural"] == pytest.approx(PUSH * NEURAL + third, abs=1e-6)
    assert got["immune"] == pytest.approx(PUSH * IMMUNE + third, abs=1e-6)
    assert got["endocrine"] == pytest.approx(third, abs=1e-6)
    assert got["metabolic"] == pytest.approx(0, abs=1e-6) and got[DIRECT] == 0
    assert sum(got.values()) == pytest.approx(found.effect, rel=1e-12)
    assert found.interaction == pytest.approx(PUSH * MIXED, abs=1e-6)
    rows = {row["player"]: row for row in found.pathways.iter_rows(named=True)}
    assert rows["neural"]["alone"] == pytest.approx(PUSH * NEURAL, abs=1e-6)
    assert rows["neural"]["without"] == pytest.approx(PUSH * IMMUNE, abs=1e-6)
    assert rows["endocrine"]["weakest_grade"] == "assumed" and rows["neural"]["weakest_grade"] == "derived"
    pairs = {frozenset(row[:2]): row[2] for row in found.pairs.iter_rows()}
    # A chain of three is worth a half to each pair of it.
    assert pairs[frozenset(("neural", "immune"))] == pytest.approx(PUSH * MIXED / 2, abs=1e-6)


def test_directions_are_players_too():
    found = taken_apart()
    got = dict(found.ways.select("player", "shapley").iter_rows())
    both = PUSH * (NEURAL + IMMUNE) / 2 + PUSH * MIXED / 3
    assert got == {
        "down": pytest.approx(both, abs=1e-6), "up": pytest.approx(both, abs=1e-6),
        "side": pytest.approx(PUSH * MIXED / 3, abs=1e-6), DIRECT: 0.0,
    }  # fmt: skip


def test_a_loop_multiplies_by_its_geometric_series_and_is_the_rest_of_the_paths():
    found = taken_apart(**{"second.from_last": 0.3})
    gain = 0.3 * (0.4 + 0.6 * 0.7)
    whole = PUSH * (NEURAL + IMMUNE + MIXED) / (1 - gain)
    assert found.effect == pytest.approx(whole, abs=1e-6)
    once = sum(of_paths(found).values())
    assert once == pytest.approx(PUSH * (NEURAL + IMMUNE + MIXED), abs=1e-6)
    assert found.paths.filter(pl.col("path") == REST)["effect"][0] == pytest.approx(whole - once, abs=2e-6)
    cut = dict(found.edges.select("edge", "effect_without").iter_rows())
    assert cut["last.level -> second"] == pytest.approx(once, abs=1e-6)
    assert sum(shares(found).values()) == pytest.approx(found.effect, rel=1e-12)


def test_what_multiplies_is_shared_and_named_interaction():
    found = taken_apart(
        **{"last.product": 0.5, "last.from_second": 0.0, "last.from_third": 0.0, "third.from_second": 0.0}
    )
    both = 0.5 * (PUSH * 0.8) * (PUSH * 0.5)
    assert found.effect == pytest.approx(both, abs=1e-6)
    assert shares(found)["neural"] == pytest.approx(both / 2, abs=1e-6)
    assert shares(found)["immune"] == pytest.approx(both / 2, abs=1e-6)
    assert found.interaction == pytest.approx(both, abs=1e-6)
    rest = found.paths.filter(pl.col("path") == REST)["effect"][0]
    assert rest == pytest.approx(both, abs=1e-6)  # neither path alone carries any of it


def test_what_enters_at_the_outcome_is_by_no_arrow():
    found = taken_apart(**{"last.at_once": 0.25})
    assert shares(found)[DIRECT] == pytest.approx(PUSH * 0.25, abs=1e-6)
    assert of_paths(found)[""] == pytest.approx(PUSH * 0.25, abs=1e-6)
    assert sum(shares(found).values()) == pytest.approx(found.effect, rel=1e-12)


def test_paths_that_cancel_have_effects_and_no_shares():
    found = taken_apart(**{"last.from_second": -(0.35 + 0.336) / 0.8})
    assert not found.clear and abs(found.effect) < 1e-6
    assert found.pathways["share"].null_count() == len(found.pathways)
    assert found.paths["share"].abs().max() == 0
    assert of_paths(found)["first.level -> third third.level -> last"] == pytest.approx(PUSH * IMMUNE, abs=1e-6)


def test_arms_that_do_the_same_have_no_effect_and_nothing_is_run():
    arms = (Protocol("one", (Act("protocol.push", 1.0),)), Protocol("two", (Act("protocol.push", 1.0, end=99),)))
    found = explain(LINEAR, Trial(arms, days=9, course_days=8), "two", "one", "last.level", pathways=True, known=KNOWN)
    assert found.effect == 0 and not found.clear and found.levers == () and found.paths.is_empty()


def test_an_outcome_out_of_reach_has_no_effect():
    arms = TRIAL.arms
    found = explain(LINEAR, TRIAL, "pushed", "still", "third.idle", pathways=True, known=KNOWN)
    assert found.effect == 0 and found.levers == ("protocol.push",) and arms[1].acts
    with pytest.raises(InputError, match="did you mean 'pushed'"):
        explain(LINEAR, TRIAL, "pusht", "still", "last.level", known=KNOWN)


def test_shares_are_means_over_all_orders():
    rng = np.random.default_rng(3)
    game = Game(("a", "b", "c", "d"), rng.normal(size=16))
    means = np.zeros(4)
    for order in permutations(range(4)):
        inside = 0
        for player in order:
            means[player] += (game.worth[inside | 1 << player] - game.worth[inside]) / factorial(4)
            inside |= 1 << player
    assert game.shapley() == pytest.approx(means)
    assert game.shapley().sum() + game.direct == pytest.approx(game.whole, abs=1e-12)


def test_the_interaction_of_two_players_is_what_they_do_together():
    # Worth 5 for both, 1 and 2 alone: together 2 more than apart.
    game = Game(("a", "b"), np.array([0.0, 1.0, 2.0, 5.0]))
    assert game.pairs()[0, 1] == 2.0 and game.interaction == 2.0
    # Of a unanimity game of three, each pair has a half (Grabisch and Roubens 1999).
    three = Game(("a", "b", "c"), np.array([0, 0, 0, 0, 0, 0, 0, 1.0]))
    assert three.pairs()[0, 1] == 0.5 and np.all(three.pairs() == three.pairs().T)


def test_coalitions_close_what_is_not_in_them():
    groups = {"a": [("x", "y")], "b": [("y", "z"), ("q", "z")]}
    closed = coalitions(groups)
    assert [len(wires) for wires in closed] == [3, 2, 1, 0]
    assert closed[1] == {("y", "z"), ("q", "z")}
    table = share_table(Game(("a", "b"), np.array([0.0, 1.0, 0.0, 1.0])), groups, {("x", "y"): "fitted"}, clear=True)
    assert table["player"].to_list() == ["a", "b", DIRECT] and table["arrows"].to_list() == [1, 2, 0]
    assert table["weakest_grade"].to_list() == ["fitted", "", ""]


SURE = {"source": "Nobody2000", "grade": "measured"}


class Giver(Compartment):
    """Follows the push, and in a state of its own nothing."""

    level = State("1", start=0.0, low=-50, high=50, about="follows the push")
    push = Input("1", rest=0, signal="protocol.push")
    pace = Param(10, "1/day", **SURE)

    @rate("level")
    def follow(self):
        """It follows the push."""
        return self.pace * (self.push - self.level)


class Hearer(Compartment):
    """Listens to the giver over an arrow that is closed by default, and to a push of its own."""

    level = State("1", start=0.0, low=-50, high=50, about="follows what it hears")
    given = Input("1", rest=0, signal="giver.level")
    other = Input("1", rest=0, signal="protocol.other")
    pace = Param(10, "1/day", source="Nobody2000", grade="derived")
    gain = Param(0, "1", **ASSUMED, belief=Normal(sd=1), closed=True)

    @rate("level")
    def follow(self):
        """It follows what it hears."""
        return self.pace * (self.gain * self.given + self.other - self.level)


PAIR = Axis(Giver(), Hearer(), name="pair")
ARROWS = pl.DataFrame(
    [
        ("protocol.push", "giver", "fitted", "", False), ("protocol.other", "hearer", "recalled", "", False),
        ("giver.level", "hearer", "assumed", "hearer.gain", True),
    ],
    schema=["signal", "listener", "grade", "strength_parameter", "default_zero"], orient="row",
)  # fmt: skip


@pytest.mark.parametrize(
    ("levers", "signal", "opened", "grade"),
    [
        (["protocol.push"], "giver.level", (), "fitted"),
        (["protocol.other"], "giver.level", (), "measured"),  # no way there: its own number alone
        (["protocol.push"], "hearer.level", (), "derived"),  # the only arrow is closed
        (["protocol.push"], "hearer.level", ("hearer.gain",), "assumed"),
        (["protocol.other"], "hearer.level", ("hearer.gain",), "assumed"),  # the opened number stands in it
        (["protocol.other", "protocol.push"], "hearer.level", (), "recalled"),
        ([], "hearer.level", (), "derived"),
    ],
)
def test_the_lowest_grade_on_the_way(levers, signal, opened, grade):
    assert lowest_on_the_way(PAIR, levers, signal, opened, ARROWS) == grade


def test_an_arrow_without_a_claim_is_assumed_and_an_opened_one_is_found():
    assert lowest_on_the_way(PAIR, ["protocol.push"], "giver.level", (), ARROWS.clear()) == "assumed"
    assert opened_in(Cohort.reference(PAIR)) == ()
    assert opened_in(Cohort.reference(PAIR, **{"hearer.gain": 0.2})) == ("hearer.gain",)


def test_reach_leaves_out_clocks_and_own_rests():
    pair = mbsr(45), attention_control()
    wires = {str(w) for w in Reach(standard(), moved_levers(pair, 57), "blood.il6").wires}
    assert {"mind.skill -> appraisal", "mind.threat -> immune", "hpa.cortisol_ratio -> immune"} <= wires
    assert not {w for w in wires if w.startswith(("sleep.internal_clock", "sleep.clock_shift", "blood.il6_rest"))}
