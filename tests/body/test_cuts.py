"""Cutting an edge: open it, excite it, see the listener move; cut it, and the listener rests bit for bit.

Runs are small: the compartments of the edge, read on plain numpy arrays, so that nothing is compiled.
Edges of unknown strength are opened at one standard deviation of their prior.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from gutbrain.body.whole import standard
from gutbrain.model import units
from gutbrain.model.axis import CLOCK, OUTSIDE, Axis
from gutbrain.model.reading import Numbers

STEP = 1 / 96
PARTS = {part.name: part for part in standard().compartments}


class Plain(Numbers):
    """Numbers on numpy arrays: balances are solved by a fixed count of Newton steps, column by column."""

    def unknown(self, view, field):
        key = f"{view.name}.{field.name}"
        for name in self.axis.steady[view.name, field.name]:
            getattr(view, name)
        equation, people = self.axis.balances[view.name, field.name], self.y.shape[-1]

        def residual(logs):
            shadow = object.__new__(type(view))
            shadow.__dict__.update(view.__dict__)
            shadow.__dict__[field.name] = np.exp(logs)
            return logs - np.log(equation.method(shadow))

        if key in self.solved:
            logs, turns = self.solved[key], 2
        else:
            start = np.log(np.asarray(field.start, float) * units.factor(field.unit))
            logs, turns = np.repeat(start[:, None], people, axis=1), 12
        for _ in range(turns):
            here = residual(logs)
            nudges = np.eye(len(logs))[:, :, None] * 1e-6
            slopes = np.stack([(residual(logs + nudge) - here) / 1e-6 for nudge in nudges], axis=1)
            moves = [np.linalg.solve(slopes[:, :, i], here[:, i]) for i in range(people)]
            logs = logs - np.clip(np.stack(moves, axis=1), -3, 3)
        self.solved[key] = logs
        return np.exp(logs)


def run(axis, days, levers=None, values=None, pushed=None, common=None):
    """Run two columns, one at rest and one excited, and return every signal, {label: array [steps, 2]}.

    Parameters
    ----------
    levers : offsets of the excited column by lever, with the hours at which they act: (offset, from, to)
    values : declared parameters of both columns by full name, or (rest, excited)
    pushed : factor of states of the excited column by row label; an offset where a state starts at 0
    common : offsets of both columns by lever
    """
    declared = axis.defaults()
    for name, value in (values or {}).items():
        if isinstance(value, tuple):
            declared[name] = np.concatenate([axis.value_array(name, v) for v in value], axis=-1)
        else:
            declared[name] = axis.value_array(name, value)
    y = np.repeat(axis.start(axis.defaults()), 2, axis=1)
    low, high = (bound[:, None] for bound in axis.bounds)
    for label, factor in (pushed or {}).items():
        row = axis.rows.index(label)
        y[row, 1] = np.clip(y[row, 1] * factor if y[row, 1] else factor, low[row, 0], high[row, 0])
    coherent, solved, seen = axis.coherent(declared), {}, []

    def read(y, begin, share):
        moved = {"clock.step_start": begin, "clock.time": begin + share * STEP, "clock.step": STEP}
        moved |= common or {}
        for lever, (offset, start, stop) in (levers or {}).items():
            on = start <= round(24 * begin, 6) < stop
            moved[lever] = np.array([0.0, offset if on else 0.0])
        reading = Plain(axis, y, coherent, moved)
        reading.solved = solved
        return reading

    def slope(reading):
        rates = reading.rates()
        return np.concatenate([
            np.broadcast_to(rates[key] / units.factor(axis.state(*key).unit), (rows.stop - rows.start, 2))
            for key, rows in axis.slices.items()
        ]) if axis.slices else np.zeros((0, 2))  # fmt: skip

    for number in range(round(days / STEP)):
        begin = number * STEP
        here = read(y, begin, 0.0)
        seen.append([np.broadcast_to(here.declared(label), (2,)) for label in axis.columns])
        first = slope(here)
        second = slope(read(y + STEP / 2 * first, begin, 0.5))
        third = slope(read(y + STEP / 2 * second, begin, 0.5))
        fourth = slope(read(y + STEP * third, begin, 1.0))
        y = np.clip(y + STEP / 6 * (first + 2 * second + 2 * third + fourth), low, high)
    whole = np.array(seen)
    return {label: whole[:, place] for place, label in enumerate(axis.columns)}


def opened(axis, listener):
    """Every edge of unknown strength into a listener, at one standard deviation of its prior."""
    return {
        name: param.belief.typical(param.value)
        for name, param in axis.parameters.items()
        if param.closed and name.startswith(f"{listener}.")
    }


def given_by(axis, compartment):
    return [label for label, column in axis.columns.items() if axis.givers[column.signal].compartment == compartment]


def moves(found, labels):
    """Largest relative difference of the excited column from the resting one."""
    return max(
        float(np.max(np.abs(found[label][:, 1] - found[label][:, 0])) / max(np.abs(found[label][:, 0]).max(), 1e-3))
        for label in labels
    )


def rests(found, labels):
    """Say whether the excited column equals the resting one bit for bit."""
    return all(np.array_equal(found[label][:, 0], found[label][:, 1]) for label in labels)


def only(kept, *names):
    """Return the compartments of these names with every edge between them cut but the kept ones."""
    parts = [PARTS[name] for name in names]
    wires = [wire for wire in standard().wires.values() if wire.listener in names and wire.signal not in CLOCK]
    cut = {(w.signal, w.listener) for w in wires if w.signal.partition(".")[0] not in OUTSIDE and str(w) not in kept}
    return Axis(*parts, name="small", cut=frozenset(cut))


# -- every edge ---------------------------------------------------------------------------------------

OWN = {wire for wire in map(str, standard().edges) if wire.startswith("blood.il6_rest ->")}
EDGES = [str(wire) for wire in standard().edges if str(wire) not in OWN]
# Signals that no lever or state of their giver moves.
BY_PARAMETER = {
    "sleep.wake_time": {"sleep.chronotype": (0.0, 60.0)},
    "enteric.pain": {"enteric.pain_baseline": (0.3, 2.0)},
    "barrier.mucin_secretion": {"barrier.mucin_secretion_rest": (5.0, 7.0)},
}
# Signals that only a third compartment moves: it, its edge to the giver, and whose closed edges are opened.
BY_HELPER = {
    "vagus.afferent": ("tryptophan", "tryptophan.mucosal_serotonin -> vagus", "vagus"),
    "mind.anxiety_z": ("sleep", "sleep.debt -> affect", ""),
    "mind.depression_z": ("sleep", "sleep.debt -> affect", ""),
}
ASSIGNED = {"protocol.practice_assigned": 45.0}  # without it there is nothing that mood could keep from


def excitement(axis, giver):
    """Push all states of a giver upwards, each by its own factor, and all its levers."""
    draw = np.random.default_rng(4)
    start, (low, high) = axis.start(axis.defaults())[:, 0], axis.bounds
    pushed = {}
    for label in given_by(axis, giver):
        if label in axis.rows:
            row = axis.rows.index(label)
            pushed[label] = np.exp(draw.uniform(0.1, 0.4)) if start[row] else 0.05 * (high[row] - low[row])
    levers = {}
    for signal, lever in axis.levers.items():
        outside = signal.partition(".")[0] in ("protocol", "diet")
        if lever.listeners == (giver,) and not lever.over and outside:
            own = isinstance(lever.rest, str) or lever.high is None
            levers[signal] = (2.0 if own else 0.3 * (lever.high - lever.rest), 0.0, 24.0)
    return pushed, levers


@pytest.mark.parametrize("edge", EDGES)
def test_a_cut_edge_leaves_the_listener_at_rest(edge):
    signal, _, listener = edge.partition(" -> ")
    giver = standard().givers[signal].compartment
    helper, also, opens = BY_HELPER.get(signal, (giver, edge, ""))
    kept = only({edge, also}, *dict.fromkeys((helper, giver, listener)))
    pushed, levers = excitement(kept, helper)
    values = opened(kept, listener) | opened(kept, opens) | BY_PARAMETER.get(signal, {})
    common = ASSIGNED if signal == "mind.affect_weekly_z" else {}
    found = run(kept, 1 / 3, levers, values, pushed, common)
    without = run(kept.without(edge), 1 / 3, levers, values, pushed, common)
    heard = given_by(kept, listener)
    assert moves(found, [label for label in kept.columns if kept.columns[label].signal == signal]) > 1e-4
    assert moves(found, heard) > 1e-6
    assert rests(without, heard)
    # Nothing leads back to the giver here: the cut changes no bit of it.
    assert all(np.array_equal(found[label], without[label]) for label in given_by(kept, giver))


@pytest.mark.parametrize("edge", sorted(OWN))
def test_own_resting_il6_acts_only_as_the_point_of_comparison(edge):
    """A person who rests at 2.4 pg/mL is at rest; a listener that does not know it takes it for inflammation."""
    listener = edge.partition(" -> ")[2]
    axis = only({edge, f"blood.il6 -> {listener}"}, "immune", listener)
    values = opened(axis, listener) | {"immune.il6_rest": (1.2, 2.4)}
    pushed = {"blood.il6": 2.0}
    heard = given_by(axis, listener)
    assert moves(run(axis, 1 / 4, None, values, pushed), heard) < 1e-12
    assert moves(run(axis.without(edge), 1 / 4, None, values, pushed), heard) > 1e-4


# -- mechanisms ---------------------------------------------------------------------------------------

WORKDAY = (0.5, 9.0, 17.0)
ALWAYS = 240.0


@dataclass
class Mechanism:
    """A path of edges, what excites it, and where it ends: signal and sign. Each edge is cut in turn."""

    edges: tuple[str, ...]
    levers: dict[str, tuple[float, float, float]]
    ends: str
    sign: int
    days: float = 0.75
    opened: tuple[str, ...] = ()
    pushed: dict[str, float] = field(default_factory=dict)
    common: dict[str, float] = field(default_factory=dict)


def lever(name, offset, start=0.0, stop=ALWAYS):
    return {name: (offset, start, stop)}


THREAT = {"protocol.threat": WORKDAY}
MICROBES = {f"colon.biomass[{group}]": 3.0 for group in ("pathobionts", "protein_fermenters")}
PATHS = {
    "stress feeds pathobionts": Mechanism(
        ("mind.threat -> colon",), THREAT, "colon.relative_abundance[pathobionts]", 1),
    "stress slows transit through vagal tone and reaches microbes": Mechanism(
        ("mind.chronic_load -> vagus", "vagus.tone -> enteric", "enteric.colonic_transit_hours -> colon"),
        lever("protocol.chronic_load", 1.0), "colon.bacteria_out", -1),
    "stress induces TDO": Mechanism(
        ("mind.chronic_load -> hpa", "hpa.cortisol_ratio -> tryptophan"), lever("protocol.chronic_load", 1.0),
        "blood.tryptophan", -1),
    "cortisol brakes the mucosa": Mechanism(
        ("mind.chronic_load -> hpa", "hpa.cortisol_ratio -> immune"), lever("protocol.chronic_load", 1.0),
        "immune.mucosal_activity", -1),
    "stress opens the wall through mast cells and reaches mood": Mechanism(
        ("mind.threat -> barrier", "barrier.translocation -> immune", "blood.il6 -> affect"), THREAT,
        "mind.negative_affect", 1),
    "stress opens the wall through mast cells and reaches cortisol": Mechanism(
        ("mind.threat -> barrier", "barrier.translocation -> immune", "blood.il6 -> hpa"), THREAT,
        "hpa.cortisol", 1),
    "butyrate closes the wall": Mechanism(
        ("ileum.fibre -> colon", "colon.butyrate -> barrier"), lever("diet.fibre", 20.0),
        "barrier.permeability", -1),
    "butyrate calls regulatory cells": Mechanism(
        ("ileum.fibre -> colon", "colon.butyrate -> immune"), lever("diet.fibre", 20.0),
        "immune.regulatory_tone", 1),
    "acids raise serotonin, which moves the colon": Mechanism(
        ("ileum.fibre -> colon", "colon.scfa_total -> tryptophan", "tryptophan.mucosal_serotonin -> enteric"),
        lever("diet.fibre", 20.0), "enteric.motor_activity", 1),
    "mucin eaters thin mucus and let products through": Mechanism(
        ("colon.mucin_degradation -> barrier", "barrier.translocation -> immune"), {}, "immune.mucosal_activity", 1,
        pushed={"colon.biomass[akkermansia]": 3.0}),
    "endotoxin load drives the mucosa": Mechanism(
        ("colon.endotoxin_load -> barrier", "barrier.translocation -> immune"), {}, "immune.mucosal_activity", 1,
        pushed=MICROBES),
    "vagal tone brakes inflammation": Mechanism(
        ("vagus.tone -> immune",), lever("protocol.breathing_minutes", 60.0), "immune.mucosal_activity", -1),
    "acids reach mood through vagal afferents": Mechanism(
        ("ileum.fibre -> colon", "colon.scfa_total -> vagus", "vagus.afferent -> affect"),
        lever("diet.fibre", 20.0), "mind.negative_affect", -1,
        opened=("vagus.afferent_scfa", "affect.afferent_gain")),
    "butyrate reaches mood through vagal afferents": Mechanism(
        ("ileum.fibre -> colon", "colon.butyrate -> vagus", "vagus.afferent -> affect"),
        lever("diet.fibre", 20.0), "mind.negative_affect", -1,
        opened=("vagus.afferent_butyrate", "affect.afferent_gain")),
    "serotonin reaches mood through vagal afferents": Mechanism(
        ("tryptophan.mucosal_serotonin -> vagus", "vagus.afferent -> affect"),
        lever("protocol.tryptophan_intake", 5.0), "mind.negative_affect", -1,
        opened=("vagus.afferent_serotonin", "affect.afferent_gain")),
    "inflammation takes tryptophan from brain serotonin": Mechanism(
        ("immune.mucosal_activity -> tryptophan", "brain.serotonin_synthesis -> affect"), {}, "mind.negative_affect",
        1, opened=("affect.serotonin_gain",), pushed={"immune.mucosal_activity": 2.0}),
    "inflammation makes kynurenine": Mechanism(
        ("immune.mucosal_activity -> tryptophan", "blood.kynurenine -> affect"), {}, "mind.negative_affect", 1,
        opened=("affect.kynurenine_gain",), pushed={"immune.mucosal_activity": 2.0}),
    "low mood loads the stress axis": Mechanism(
        ("mind.affect_daily_z -> appraisal", "mind.chronic_load -> hpa"), {}, "hpa.cortisol", 1,
        opened=("appraisal.affect_drive_gain",), pushed={"mind.negative_affect": 3.0}),
    "rumination loads the stress axis": Mechanism(
        ("mind.rumination_daily_z -> appraisal", "mind.chronic_load -> hpa"), {}, "hpa.cortisol", 1,
        opened=("appraisal.rumination_drive_gain",), pushed={"mind.rumination": 3.0}),
    "skill shrinks appraised threat": Mechanism(
        ("mind.skill -> appraisal", "mind.appraised_stress -> affect"), {}, "mind.negative_affect", -1,
        pushed={"mind.skill": 1.0}),
    "skill lowers rumination": Mechanism(
        ("mind.skill -> affect",), {}, "mind.rumination", -1, pushed={"mind.skill": 1.0}),
    "breathing trains tone, which moves the colon": Mechanism(
        ("vagus.tone -> enteric",), lever("protocol.breathing_minutes", 60.0), "enteric.motor_activity", 1),
    "mindful eating starves the colon": Mechanism(
        ("ileum.resistant_starch -> colon",), lever("protocol.mindful_eating", 1.0), "colon.scfa_total", -1),
    "body scan trains skill": Mechanism(
        ("mind.skill -> affect",), lever("protocol.practice_assigned", 30.0), "mind.rumination", -1),
    "diet reaches inflammation and mood": Mechanism(
        ("ileum.fibre -> colon", "colon.butyrate -> barrier", "barrier.translocation -> immune", "blood.il6 -> affect"),
        lever("diet.fibre", 16.0), "mind.negative_affect", -1),
    "fermented food moves the acids that serotonin follows": Mechanism(
        ("colon.scfa_total -> tryptophan",), lever("protocol.fermented_food", 6.0),
        "tryptophan.mucosal_serotonin", 0),
    "lost sleep lowers mood": Mechanism(
        ("sleep.debt -> affect",), lever("protocol.sleep_restriction", 0.5), "mind.negative_affect", 1),
    "lost sleep raises cortisol, which brakes the mucosa": Mechanism(
        ("sleep.debt -> hpa", "hpa.cortisol_ratio -> immune"), lever("protocol.sleep_restriction", 0.5),
        "immune.mucosal_activity", -1),
    "activity moves the colon and its microbes": Mechanism(
        ("activity.level -> enteric", "enteric.colonic_transit_hours -> colon"), lever("protocol.activity", 1.0),
        "colon.bacteria_out", 1, opened=("enteric.activity_motility_exponent",)),
    "activity reaches mood": Mechanism(
        ("activity.level -> affect",), lever("protocol.activity", 1.0), "mind.negative_affect", 1,
        opened=("affect.activity_gain",)),
    "low mood keeps from practice": Mechanism(
        ("mind.affect_weekly_z -> practice",), {}, "mind.practice_kept", -1, pushed={"mind.negative_affect": 3.0},
        common=ASSIGNED),
}  # fmt: skip


def chain(path):
    """Return the small axis of a mechanism: its edges and the compartments on them."""
    names = [standard().givers[edge.partition(" -> ")[0]].compartment for edge in path.edges]
    names += [edge.partition(" -> ")[2] for edge in path.edges]
    axis = only(set(path.edges), *dict.fromkeys(names))
    return axis, {name: axis.parameters[name].belief.typical(0.0) for name in path.opened}


@pytest.mark.parametrize("name", PATHS)
def test_mechanism_works_and_each_of_its_edges_can_be_cut(name):
    path = PATHS[name]
    axis, values = chain(path)
    found = run(axis, path.days, path.levers, values, path.pushed, path.common)
    moved = found[path.ends][:, 1] - found[path.ends][:, 0]
    largest = moved[np.argmax(np.abs(moved))]
    # 1e-8 of the rest value is a million times what rounding leaves.
    assert abs(largest) > 1e-8 * np.abs(found[path.ends]).max()
    assert path.sign in (0, np.sign(largest))
    for place, edge in enumerate(path.edges):
        without = run(axis.without(edge), path.days, path.levers, values, path.pushed, path.common)
        beyond = {later.partition(" -> ")[2] for later in path.edges[place:]}
        # A compartment that the lever itself moves cannot rest.
        for listener in beyond:
            assert not moved_directly(axis, listener, path), listener
            assert rests(without, given_by(axis, listener)), (edge, listener)


def moved_directly(axis, listener, path):
    """Say whether a lever or a push of a mechanism acts on a compartment without any edge."""
    by_lever = any(listener in axis.levers[signal].listeners for signal in path.levers)
    return by_lever or any(axis.givers[axis.columns[row].signal].compartment == listener for row in path.pushed)


# -- the whole axis -----------------------------------------------------------------------------------


def downstream(axis, compartment):
    """Return the compartments that a compartment reaches."""
    reached, open_ = set(), [compartment]
    while open_:
        for wire in axis.edges:
            if wire.giver == open_[0] and not wire.cut and wire.listener not in reached:
                reached.add(wire.listener)
                open_.append(wire.listener)
        open_.pop(0)
    return reached


@pytest.mark.parametrize(("signal", "listeners"), [
    ("brain.serotonin_synthesis", ("affect",)), ("mind.mindfulness_state", ("affect",)),
    ("mind.affect_weekly_z", ("practice",)),
])  # fmt: skip
def test_a_cut_in_the_whole_axis_changes_only_what_lies_downstream(signal, listeners):
    """Levers on, first hours: what the listener moves at once differs, what no path reaches is the same."""
    axis = standard()
    edges = [f"{signal} -> {listener}" for listener in listeners]
    levers = {"protocol.practice_assigned": (45.0, 0.0, ALWAYS), "protocol.tryptophan_intake": (3.0, 0.0, ALWAYS),
              "protocol.threat": (1.0, 1.0, 2.0)}  # fmt: skip
    values = {"affect.serotonin_gain": 8.0, "affect.attention_skill": 1.0}
    found, without = (run(a, 1 / 8, levers, values) for a in (axis, axis.without(*edges)))
    reached = set(listeners).union(*(downstream(axis.without(*edges), listener) for listener in listeners))
    differ = [label for label in found if not np.array_equal(found[label], without[label])]
    changed = {axis.givers[axis.columns[label].signal].compartment for label in differ}
    assert set(listeners) <= changed <= reached
    assert "digestion" not in changed
    if signal == "mind.mindfulness_state":
        assert differ == ["mind.attention"]
