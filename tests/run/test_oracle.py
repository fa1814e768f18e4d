"""The standard axis against the whole-axis prototype: one right-hand side, the rest day, every scenario.

Scenario bounds are 5 % of an effect; effects below 0.5 % of the rest value are not compared.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.model.compartment import Param
from gutbrain.protocols import exposure, practice
from gutbrain.protocols.protocol import Act, Protocol, Trial
from gutbrain.run.fixed import Drive, integrate
from gutbrain.run.settle import write_own_rest
from gutbrain.run.simulate import simulate

GROUPS = {
    "BAC": "bacteroidetes", "RUM": "polymer_degraders", "BUT": "butyrate_producers", "LAB": "lactate_producers",
    "LUT": "lactate_users", "AKK": "akkermansia", "PAT": "pathobionts", "PRO": "protein_fermenters",
    "HYD": "hydrogen_users",
}  # fmt: skip
OWN_REST = {
    "butyrate_rest": ("colon.butyrate", 18.12), "scfa_rest": ("colon.scfa_total", 95.60),
    "load_rest": ("colon.endotoxin_amount", 3.806), "q_rest": ("colon.mucin_degrader_share", 0.06201),
    "h1bar": ("hpa.crh_reference", 0.991), "h2bar": ("hpa.acth_reference", 0.951),
    "NA_rest": ("mind.negative_affect", 19.478), "Ru_rest": ("mind.rumination", 26.441),
}  # fmt: skip
PEOPLE = 200
MOMENTS = (0.0, 7.1 / 24, 0.55, 3.99, 11.29)
STEP = 1 / 96
SHOWN = {
    "cortisol": "hpa.cortisol", "acth": "hpa.acth", "perm": "barrier.permeability", "phi": "barrier.translocation",
    "butyrate": "colon.butyrate", "scfa": "colon.scfa_total", "pH": "colon.ph", "load": "colon.endotoxin_load",
    "transit": "enteric.colonic_transit_hours", "pain": "enteric.pain", "efferent": "vagus.efferent",
    "group_shannon": "colon.group_shannon", "minutes": "mind.practice_minutes", "anx": "mind.anxiety_z",
}  # fmt: skip


def label_of(prototype, state):
    """Name a prototype state as the axis does."""
    short = state.removeprefix("colon.biomass.")
    return f"colon.biomass[{GROUPS[short]}]" if short != state else state


# -- one right-hand side ----------------------------------------------------------------------------


def random_levers(prototype, draw):
    """Random prototype levers with the offsets of ours."""
    levers = {name: np.full(PEOPLE, float(value)) for name, value in prototype.LEV.items()}
    some = {name: draw.uniform(low, high, PEOPLE) for name, (low, high) in {
        "threat": (0, 1), "chronic": (0.7, 2), "event_rate": (0, 4), "RS": (0.2, 2.5), "NSP": (0.2, 2.5),
        "SUG": (0.2, 2.5), "PRT": (0.2, 2.5), "fibre_extra": (0, 20), "antibiotic": (0, 8), "lab_food": (0, 0.1),
        "breathing": (0, 45), "skill_on": (0, 1), "restrict": (0, 1), "activity": (0.5, 2), "fat": (0, 1),
        "nsaid": (0, 1), "dscg": (0, 1), "crh": (0, 1), "trp": (0.5, 2), "lnaa": (0.5, 2), "il6_pulse": (0, 5),
        "hydrocort": (0, 5),
    }.items()}  # fmt: skip
    levers |= some | {"assigned": draw.choice([0.0, 20.0, 45.0], PEOPLE), "course": draw.choice([0.0, 1.0], PEOPLE),
                      "ns_on": draw.choice([0.0, 1.0], PEOPLE)}  # fmt: skip
    offsets = {
        "protocol.threat": levers["threat"], "protocol.chronic_load": levers["chronic"] - 1,
        "protocol.event_rate": levers["event_rate"] - 1, "diet.resistant_starch": 25 * (levers["RS"] - 1),
        "diet.fibre": 16 * (levers["NSP"] - 1), "diet.sugar": 5 * (levers["SUG"] - 1),
        "diet.protein": 10 * (levers["PRT"] - 1), "protocol.fibre_extra": levers["fibre_extra"],
        "protocol.antibiotic": levers["antibiotic"], "protocol.probiotic[lactate_producers]": levers["lab_food"],
        "protocol.breathing_minutes": levers["breathing"], "protocol.practice_assigned": levers["assigned"],
        "protocol.course_running": levers["course"], "protocol.nonspecific_target": 2.4 * levers["ns_on"],
        "protocol.practice_builds_skill": levers["skill_on"] - 1, "protocol.sleep_restriction": levers["restrict"],
        "protocol.activity": levers["activity"] - 1, "protocol.fat_meal": levers["fat"],
        "protocol.nsaid": levers["nsaid"], "protocol.mast_cell_stabiliser": levers["dscg"],
        "protocol.crh_infusion": levers["crh"], "protocol.tryptophan_intake": levers["trp"] - 1,
        "protocol.amino_acid_load": levers["lnaa"] - 1, "protocol.il6_pulse": levers["il6_pulse"],
        "protocol.hydrocortisone": levers["hydrocort"],
    }  # fmt: skip
    return levers, offsets


@pytest.fixture(scope="module")
def random_case(prototype, whole):
    """Random states inside the bounds, levers, and parameters with the same own rest on both sides."""
    draw = np.random.default_rng(11)
    declared = whole.defaults()
    declared["enteric.fibre_transit_slope"] = whole.value_array("enteric.fibre_transit_slope", 0.0)
    values = prototype.default() | {name: number for name, (_, number) in OWN_REST.items()}
    write_own_rest(whole, declared, {signal: np.array([number]) for signal, number in OWN_REST.values()})
    start, (low, high) = whole.start(declared), whole.bounds
    theirs = np.zeros((prototype.N, PEOPLE))
    for name, row in prototype.IX.items():
        ours = whole.rows.index(label_of(prototype, name))
        centre, width = start[ours, 0], high[ours] - low[ours]
        around = centre * np.exp(0.5 * draw.normal(size=PEOPLE)) if centre > 0 else draw.uniform(0, 0.5 * width, PEOPLE)
        theirs[row] = np.clip(around, low[ours] + 1e-3 * width, high[ours] - 1e-3 * width)
    # Outside this range a level of affect leaves the scale, where the two differ on purpose.
    theirs[prototype.IX["mind.nonspecific_gain"]] = draw.uniform(-2, 2, PEOPLE)
    theirs[prototype.IX["mind.skill"]] = draw.uniform(0, 1.5, PEOPLE)
    y = np.zeros((len(whole.rows), PEOPLE))
    for name, row in prototype.IX.items():
        y[whole.rows.index(label_of(prototype, name))] = theirs[row]
    levers, offsets = random_levers(prototype, draw)
    return declared, values, theirs, y, levers, offsets


@pytest.fixture(scope="module")
def evaluated(whole):
    """Compile rates and read-outs of the standard axis at any moment."""

    @jax.jit
    def read(y, parameters, moment, offsets):
        clock = {"clock.time": moment, "clock.step_start": moment, "clock.step": 0.0}
        reading = whole.read(y, parameters, clock | offsets)
        return reading.vector(), reading.outputs(tuple(SHOWN.values()))

    return read


@pytest.mark.parametrize("moment", MOMENTS)
def test_one_right_hand_side(moment, prototype, whole, random_case, evaluated):
    """Largest difference over 200 people, over the largest size of that rate among them: below 1e-9."""
    declared, values, theirs, y, levers, offsets = random_case
    hour = moment % 1 * 24
    levers = levers | {"wake": float(7 <= hour < 7.5), "window": float(hour >= 23 or hour < 7)}
    expected, outputs = prototype.outputs_rhs(moment, theirs, levers, values, newton=40, want=True)
    found, shown = evaluated(jnp.asarray(y), whole.coherent(declared), moment, offsets)
    for name, row in prototype.IX.items():
        ours = np.asarray(found[whole.rows.index(label_of(prototype, name))])
        assert np.abs(ours - expected[row]).max() < 1e-9 * np.abs(expected[row]).max(), name
    for place, name in enumerate(SHOWN):
        wanted = outputs[name] + (levers["hydrocort"] if name == "cortisol" else 0)
        assert np.abs(np.asarray(shown[place]) - wanted).max() < 1e-9 * np.abs(wanted).max(), name
