import numpy as np
import pytest

from gutbrain.model.axis import Axis, Limit
from gutbrain.model.check import check, check_influence, check_parts, check_units, growth, loop_gain, safe_step
from gutbrain.model.compartment import Compartment, Input, Param, State, events, noise, output, rate, term
from gutbrain.model.maths import log, maximum
from gutbrain.model.spread import LogNormal
from gutbrain.model.stability import jacobians

ASSUMED = {"source": "assumed", "grade": "assumed"}


class Pool(Compartment):
    """A sound pool."""

    amount = State("mmol", start=1.0, low=0, high=10)
    inflow = Input("mmol/day", rest=2, signal="protocol.inflow", low=0, high=5)
    time = Param(12, "hour", **ASSUMED)

    @rate("amount")
    def fill(self):
        """The pool fills and empties."""
        return self.inflow - self.amount / self.time


def made(name, **body):
    """Make a compartment class from its members."""
    return type(name, (Compartment,), {"__doc__": "Broken on purpose."} | body)


def equation(mark, text, function):
    """Make an equation with a docstring."""
    function.__doc__ = text
    return mark(function)


def find(findings, where, *words):
    """Return the one finding at a place that holds all words."""
    found = [f for f in findings if f.where == where and all(word in str(f) for word in words)]
    assert len(found) == 1, "\n".join(map(str, findings))
    return found[0]


def test_a_sound_model_has_notes_only():
    findings = check(Axis(Pool(), name="pool"))
    assert {finding.severity for finding in findings} == {"note"}
    assert "largest safe step 30 minutes" in str(find(findings, "pool", "fastest rate 2 per day"))
    assert "-2 per day at rest" in str(find(findings, "pool", "slowest push"))


def test_units_of_all_equations_are_told_at_once():
    broken = made(
        "Broken",
        amount=State("mmol", start=1.0, low=0, high=10),
        time=Param(12, "hour", **ASSUMED),
        half=Param(1, "mmol", **ASSUMED),
        forgotten=equation(rate("amount"), "No time constant.", lambda self: -self.amount),
        mixed=equation(output("1"), "Adds amount and time.", lambda self: self.amount + self.time),
        below=equation(output("1"), "Rests on the broken one.", lambda self: self.mixed * 2),
        logged=equation(term, "Logarithm of an amount.", lambda self: log(self.half)),
        shaken=equation(noise("amount"), "Noise per day.", lambda self: self.amount / self.time),
        jumps=equation(events("amount"), "Jumps.", lambda self: (1 / self.time, self.half, self.time)),
    )
    findings = list(check_units(Axis(broken())))
    assert "it has unit mmol, declared is mmol/day" in find(findings, "broken.forgotten").what
    assert "multiply or divide by a Param" in find(findings, "broken.forgotten").mend
    assert "DimensionalityError" in find(findings, "broken.mixed").what
    assert "DimensionalityError" in find(findings, "broken.logged").what
    assert "mmol/day" in find(findings, "broken.shaken").what
    assert "its log SD has unit day" in find(findings, "broken.jumps").what
    assert len(findings) == 5, "what rests on a broken equation is not told twice"


def test_shapes_are_compared():
    broken = made(
        "Shapes",
        axes={"group": ("a", "b", "c")},
        mass=State("g", start=1.0, low=0, high=10, over="group"),
        time=Param(1, "day", **ASSUMED),
        grow=equation(rate("mass"), "It grows.", lambda self: -self.mass / self.time),
        single=equation(output("g"), "A vector as scalar.", lambda self: self.mass),
    )
    assert "has shape (3,), declared is a scalar" in find(check_units(Axis(broken())), "shapes.single").what


def test_bounds_starts_and_rests():
    broken = made(
        "Bounds",
        above=State("1", start=3.0, low=0, high=1),
        turned=State("1", start=0.5, low=1, high=0),
        lever=Input("1", rest=2, signal="protocol.lever", high=1),
        time=Param(1, "day", belief=LogNormal.gsd(2, low=2, high=4), **ASSUMED),
        one=equation(rate("above"), "Falls.", lambda self: (self.lever - self.above) / self.time),
        two=equation(rate("turned"), "Falls.", lambda self: -self.turned / self.time),
    )
    findings = check(Axis(broken()))
    assert "starts at 3, outside 0 to 1" in find(findings, "bounds.above", "outside").what
    assert "low 1 is not below high 0" in find(findings, "bounds.turned", "not below").what
    assert "rests at 2" in find(findings, "bounds.lever").what
    assert find(findings, "bounds.time", "outside its belief").severity == "warning"


def test_rates_must_point_inward_and_stay_finite():
    broken = made(
        "Outward",
        place="outward",
        level=State("1", start=0.5, low=0, high=1),
        ratio=State("1", start=1.0, low=0, high=2),
        time=Param(1, "day", **ASSUMED),
        leave=equation(rate("level"), "Leaves its bounds.", lambda self: (self.ratio - 0.5) / self.time),
        explode=equation(rate("ratio"), "Divides by itself.", lambda self: (1 / self.ratio - 1) / self.time),
    )
    findings = check(Axis(broken()))
    assert find(findings, "outward.level", "crosses its high bound 1 near rest").severity == "error"
    assert find(findings, "outward.ratio", "not finite").severity == "error"


def test_a_way_below_zero_is_a_warning_and_past_any_other_bound_a_note():
    drained = made(
        "Drained",
        amount=State("1", start=1.0, low=0, high=2),
        drain=Input("1", rest=0, signal="protocol.drain", low=0, high=1),
        time=Param(1, "day", **ASSUMED),
        change=equation(rate("amount"), "Drained.", lambda self: (1 - self.amount - 3 * self.drain) / self.time),
    )
    filled = made(
        "Filled",
        amount=State("1", start=1.0, low=0, high=2),
        fill=Input("1", rest=0, signal="protocol.fill", low=0, high=1),
        time=Param(1, "day", **ASSUMED),
        change=equation(rate("amount"), "Filled.", lambda self: (1 - self.amount + 3 * self.fill) / self.time),
    )
    assert find(check(Axis(drained())), "drained.amount", "crosses its low bound 0").severity == "warning"
    passed = find(check(Axis(filled())), "filled.amount", "crosses its high bound 2")
    assert passed.severity == "note" and "lost" in passed.mend


def test_a_rate_too_fast_for_the_step():
    axis = Axis(Pool(), name="pool").swap("pool", made("Pool", **fast_body())())
    findings = check(axis)
    finding = find(findings, "pool", "fastest rate 240 per day")
    assert finding.severity == "error"
    assert "largest safe step 5 minutes; asked is 15" in finding.what
    assert find(check(axis, step="5 minute"), "pool", "fastest rate").severity == "note"
    assert find(check(axis, step="0.1 hour"), "pool", "asked is 6").severity == "error"


def fast_body():
    return {
        "amount": State("mmol", start=1.0, low=0, high=10),
        "time": Param(6, "minute", **ASSUMED),
        "rest": Param(1, "mmol", **ASSUMED),
        "fill": equation(rate("amount"), "Returns fast.", lambda self: (self.rest - self.amount) / self.time),
    }


def test_what_moves_nothing_is_named():
    class Idle(Compartment):
        """A parameter, a lever and a term that do nothing."""

        level = State("1", start=1.0, low=0, high=2)
        time = Param(1, "day", **ASSUMED)
        idle = Param(5, "day", **ASSUMED)
        gain = Param(0, "1", belief=LogNormal.gsd(2), closed=True, **ASSUMED)
        dead = Input("1", rest=0, signal="protocol.dead", high=1)
        lame = Input("1", rest=0, signal="protocol.lame", high=1)
        drive = Input("1", rest=1, signal="mind.drive")

        @rate("level")
        def fall(self):
            """Falls to its drive."""
            return (self.drive + self.gain * (self.drive - 1) - self.level + 0 * self.lame) / self.time

        @term
        def unused(self):
            """Used by nobody."""
            return self.level * 2

    axis = Axis(Idle())
    findings = check(axis)
    assert "moves nothing" in find(findings, "idle.idle").what
    assert "no equation reads 'protocol.dead'" in find(findings, "idle.dead").what
    assert "dead lever" in find(findings, "idle: protocol.lame").what
    assert "no equation uses this term" in find(findings, "idle.unused").what
    assert find(findings, "idle.level", "feeds nothing but itself").severity == "note"
    moving = {finding.where for finding in check_influence(axis)}
    assert not {"idle.time", "idle.gain"} & moving, "a closed gain is opened before it is judged"


def test_rest_must_be_stationary():
    drifting = made(
        "Drift",
        level=State("1", start=1.0, low=0, high=5),
        time=Param(1, "day", **ASSUMED),
        fall=equation(rate("level"), "Falls to 2.", lambda self: (2 - self.level) / self.time),
    )
    finding = find(check(Axis(drifting())), "drift.level", "drifts")
    assert finding.what == "starts at 1 but drifts by +100.00% a day at rest"


def test_an_unstable_loop_is_an_error_and_seen_on_the_side_where_it_acts():
    def kinked(gain):
        return made(
            "Kink",
            level=State("1", start=1.0, low=0, high=5),
            time=Param(1, "day", **ASSUMED),
            gain=Param(gain, "1", **ASSUMED),
            move=equation(
                rate("level"), "Feeds itself above 1.",
                lambda self: (1 - self.level + self.gain * maximum(self.level - 1, 0)) / self.time,
            ),
        )()  # fmt: skip

    assert growth(Axis(kinked(0.5))) == pytest.approx(-0.5, rel=1e-3)
    assert growth(Axis(kinked(1.5))) == pytest.approx(0.5, rel=1e-3)
    assert growth(Axis(kinked(1.5)), push={"kink.level": -0.1}) == pytest.approx(-1, rel=1e-3)
    assert find(check(Axis(kinked(1.5), name="whole")), "whole", "rest is lost").severity == "error"


def test_the_day_map_gives_the_same_growth_as_the_frozen_system():
    class Clocked(Compartment):
        """Reads the clock, and does not care."""

        level = State("1", start=0.0, low=-1, high=1)
        now = Input("day", rest=0, signal="clock.time")
        day = Param(1, "day", **ASSUMED)

        @rate("level")
        def fall(self):
            """Falls back."""
            return -0.3 * self.level / self.day + 0 * self.now / self.day**2

    assert growth(Axis(Clocked())) == pytest.approx(-0.3, rel=1e-6)


def test_jacobians_of_all_cases_at_once(barrier):
    y = barrier.start(barrier.defaults())
    found = jacobians(
        barrier, np.repeat(y, 2, 1), barrier.coherent(barrier.defaults()), {"mind.threat": np.array([0, 1.0])}
    )
    assert found.shape == (2, 4, 4)
    assert found[:, 0, 0] == pytest.approx([-12, -60])
    assert found[0, 3, 3] == pytest.approx(-24.24)


@pytest.mark.parametrize(("fastest", "step"), [(0, 30), (47, 30), (60, 20), (94, 15), (120, 10), (240, 5), (300, 0)])
def test_safe_step(fastest, step):
    assert safe_step(fastest) == step


def test_loop_gain_comes_from_the_limits_of_the_axis(barrier, whole):
    assert loop_gain(barrier).tolist() == [0]
    assert float(loop_gain(whole)[0]) == pytest.approx(0.33, abs=0.005)
    limit = Limit("own loop gain", lambda parameters: parameters["pool.time"] / 6, 0.8, "a test")
    limited = Axis(Pool(), name="pool", limits=(limit,))
    assert loop_gain(limited).tolist() == [2.0]
    assert find(check(limited), "pool", "own loop gain 2.00, limit 0.8").severity == "error"


def test_parts_that_do_not_wire_are_checked_all_the_same():
    lost = made(
        "Lost",
        amount=Input("day", rest=0, signal="pool.amount"),
        other=Input("1", rest=0, signal="pool.amout"),
        wrong=equation(output("1"), "Not a pure number.", lambda self: self.amount),
    )
    first = made("First", second=Input("1", rest=1, signal="second.value"),
                 value=equation(output("1"), "Follows.", lambda self: self.second))  # fmt: skip
    second = made("Second", first=Input("1", rest=1, signal="first.value"),
                  value=equation(output("1"), "Follows.", lambda self: self.first))  # fmt: skip
    findings = check_parts(Pool(), lost())
    assert find(findings, "lost.amount", "in 'day'").severity == "error"
    assert find(findings, "lost.other", "did you mean 'pool.amount'").severity == "error"
    assert "it has unit day" in find(findings, "lost.wrong").what
    assert "algebraic loop" in find(check_parts(first(), second()), "first.value").what
    typo = made("Typo", wrong=equation(output("1"), "Reads nothing.", lambda self: self.nothing))
    assert find(check_parts(typo()), "typo.wrong", "declare the field").severity == "error"
    assert all(finding.severity == "note" for finding in check_parts(Pool()))


def test_every_error_has_a_place_and_a_mend():
    broken = made(
        "Everything",
        level=State("1", start=3.0, low=0, high=1),
        fall=equation(rate("level"), "No unit.", lambda self: -1000 * self.level),
    )
    errors = [finding for finding in check(Axis(broken())) if finding.severity == "error"]
    assert len(errors) >= 3
    assert all(finding.where and finding.what and finding.mend for finding in errors)


@pytest.fixture(scope="module")
def findings(whole):
    """All findings on the standard axis."""
    return check(whole)


def test_the_standard_axis_is_clean(findings):
    found = [str(finding) for finding in findings if finding.severity != "note"]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("compartment", "fastest"),
    [("colon", 36), ("immune", 48), ("tryptophan", 13), ("enteric", 4), ("vagus", 3), ("affect", 21), ("sleep", 1.8)],
)
def test_rates_of_the_whole_axis_are_those_of_the_prototype(findings, compartment, fastest):
    found = find(findings, compartment, "fastest rate")
    assert float(found.what.split()[2]) == pytest.approx(fastest, rel=0.1)
