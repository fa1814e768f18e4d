"""The standard axis against the whole-axis prototype: one right-hand side, the rest day, every scenario.

Scenario bounds are 5 % of an effect; effects below 0.5 % of the rest value are not compared.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body.hpa import HPA
from gutbrain.model.axis import Axis
from gutbrain.model.stability import run_days
from gutbrain.protocols import exposure, practice
from gutbrain.protocols.protocol import Act, Protocol, Trial
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate
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
        assert np.abs(ours - expected[row]).max() <= 1e-9 * np.abs(expected[row]).max(), name
    for place, name in enumerate(SHOWN):
        wanted = outputs[name] + (levers["hydrocort"] if name == "cortisol" else 0)
        assert np.abs(np.asarray(shown[place]) - wanted).max() < 1e-9 * np.abs(wanted).max(), name


# -- the rest day -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rest_month(whole, reference, levers):
    """The reference person at rest for 30 days, by the day that settling has compiled."""
    return integrate(whole, reference.start, reference.parameters, Drive.rest(1, 30, 96, levers), days=30)


@pytest.mark.parametrize(("signal", "of", "value", "digit"), [
    ("hpa.cortisol", "mean", 5.65, 0.005), ("hpa.acth", "mean", 19.0, 0.05), ("colon.butyrate", "mean", 18.12, 0.01),
    ("colon.scfa_total", "mean", 95.60, 0.01), ("colon.ph", "mean", 6.41, 0.005),
])  # fmt: skip
def test_rest_day(signal, of, value, digit, rest_month):
    """Numbers of couplings.md, section 10, to the digit printed there."""
    assert abs(getattr(rest_month, of)[0, rest_month.labels.index(signal), 0] - value) < digit


def test_cortisol_runs_from_lowest_to_highest(whole, reference):
    """From 1.62 at 23:00 to 13.45 at 07:45, read at the begin of each step."""
    alone = Axis(HPA())
    rows = [whole.rows.index(row) for row in alone.rows]
    own = {name: reference.parameters[name] for name in alone.parameters}
    path = run_days(alone, reference.start[rows], alone.coherent(own))[:-1, :, 0]
    cortisol = 5.6 * path[:, alone.rows.index("hpa.cortisol_relative")]
    assert (round(cortisol.min(), 2), round(cortisol.max(), 2)) == (1.62, 13.45)
    assert (cortisol.argmin() / 4, cortisol.argmax() / 4) == (23.0, 7.75)


def test_rest_does_not_drift_in_a_month(whole, reference, rest_month):
    """Largest change at the same clock time over the rest value: the table allows 1.4e-7."""
    low, high = whole.bounds
    scale = np.maximum(np.abs(reference.start[:, 0]), 1e-3 * (high - low))
    assert (np.abs(rest_month.end - reference.start)[:, 0] / scale).max() < 1.4e-7
    place = rest_month.labels.index("hpa.cortisol_ratio")
    assert np.abs(rest_month.mean[:, place] - 1).max() < 1e-7


# -- scenarios --------------------------------------------------------------------------------------


def as_prescribed(*protocols, name):
    """Return one arm with every dose taken in full and nobody leaving."""
    acts = tuple(replace(act, kept=None, kept_mean=1.0) for protocol in protocols for act in protocol.acts)
    return Protocol(name, acts)


def habit(change, name):
    acts = [Act(lever, change, 1, 57, relative=True) for lever in ("diet.resistant_starch", "diet.fibre")]
    return Protocol(name, tuple(acts))


def scenarios(days):
    """Return the scenarios of section 10 as arms of one trial with the same person in each."""
    stress, course = exposure.chronic_stress(), practice.mbsr()
    arms = (
        Protocol("rest"),
        as_prescribed(exposure.tsst(), name="tsst"),
        as_prescribed(exposure.public_speech(), name="speech"),
        Protocol("chronic_k", (Act("protocol.chronic_load", 0.3, 1, 57),)),
        as_prescribed(stress, name="chronic_full"),
        Protocol("event2", (Act("protocol.event_rate", 1.0, 1, 57),)),
        habit(1.0, "fibre2"),
        as_prescribed(exposure.fibre(16), name="fibre12"),
        habit(-0.6, "lowfibre"),
        as_prescribed(exposure.antibiotic(8), name="antibiotic"),
        as_prescribed(exposure.antibiotic(2), name="antibiotic_mild"),
        as_prescribed(practice.slow_breathing(20), name="breathing"),
        as_prescribed(course, name="mbsr"),
        as_prescribed(practice.attention_control(), name="attention"),
        as_prescribed(course, stress, name="mbsr_chronic"),
        as_prescribed(exposure.short_nights(0.5, 5, 1.4), name="restrict5"),
        Protocol("nosleep1", (Act("protocol.sleep_restriction", 1.0, 1.9, 2.5),)),
        as_prescribed(exposure.probiotic(0.03), name="probiotic"),
        as_prescribed(exposure.public_speech(every_day=True), name="speech_daily"),
    )
    return Trial(arms, days=days, visits=(days - 1,), twins=True)


def prototype_levers(prototype, names):
    """Return the prototype's levers over time for the same scenarios."""
    at = {name: place for place, name in enumerate(names)}

    def speech(hours):
        return 0.0 if hours < 0 else float(np.exp(-max(hours - 0.5, 0.0) / 0.4))

    def constant(rest, start, end, **doses):
        def value(time):
            found = np.full(len(names), rest)
            if start <= time < end:
                for name, dose in doses.items():
                    found[at[name]] = dose
            return found

        return value

    def threat(time):
        found, hour = np.zeros(len(names)), time % 1 * 24
        found[at["tsst"]] = float(1 <= time < 2 and 16 <= hour < 16.25)
        found[at["speech"]] = speech((time - 1) * 24 - 9)
        if 1 <= time < 57:
            found[[at["chronic_full"], at["mbsr_chronic"]]] = 0.5 * (10 <= hour < 11)
            found[at["speech_daily"]] = speech(hour - 9)
        return found

    def assigned(time):
        return constant(0.0, 1, 57, mbsr=45.0, mbsr_chronic=45.0)(time) + constant(
            0.0, 57, np.inf, mbsr=20.0, mbsr_chronic=20.0
        )(time)

    def awake(time):
        return constant(0.0, 1.9, 6.9, restrict5=0.5)(time) + constant(0.0, 1.9, 2.5, nosleep1=1.0)(time)

    diet = constant(1.0, 1, 57, fibre2=2.0, lowfibre=0.4)
    return {
        "threat": threat, "chronic": constant(1.0, 1, 57, chronic_k=1.3, chronic_full=1.3, mbsr_chronic=1.3),
        "event_rate": constant(1.0, 1, 57, event2=2.0, chronic_full=2.0, mbsr_chronic=2.0), "RS": diet, "NSP": diet,
        "fibre_extra": constant(0.0, 1, 57, fibre12=16.0), "breathing": constant(0.0, 1, 57, breathing=20.0),
        "antibiotic": constant(0.0, 1, 8, antibiotic=8.0, antibiotic_mild=2.0), "assigned": assigned,
        "course": constant(0.0, 1, 57, mbsr=1.0, attention=1.0, mbsr_chronic=1.0),
        "ns_on": constant(0.0, 1, 57, mbsr=1.0, attention=1.0, mbsr_chronic=1.0), "restrict": awake,
        "lab_food": constant(0.0, 1, 57, probiotic=0.03),
    }  # fmt: skip


# Rows of the tables: signal of ours, and where the prototype keeps it.
STATES_SHOWN = (
    "immune.mucosal_activity", "blood.il6", "blood.crp", "vagus.tone", "mind.negative_affect", "mind.rumination",
    "barrier.integrity", "barrier.mucus_thickness", "blood.lps", "enteric.visceral_sensitivity", "sleep.debt",
    "mind.skill", "hpa.pituitary_mass", "hpa.adrenal_mass", "colon.richness", "vagus.breath_training",
    "blood.kynurenine", "blood.tryptophan", "brain.serotonin_synthesis", "tryptophan.mucosal_serotonin",
)  # fmt: skip
SIGNALS = (*(SHOWN[name] for name in SHOWN if name not in ("phi", "anx", "pain")), *STATES_SHOWN)


def prototype_days(prototype, names, days):
    """Run the prototype by classical Runge-Kutta at 15 minutes; return mean, low, high of hourly means.

    Arrays [days, signals, scenarios]; as in the engine, signals are read at the begin of each step.
    """
    values = prototype.default() | {"scale": np.ones((9, 1))}
    start, values, _ = prototype.settle(values, 1, days=400, h=1 / 48)
    y = np.repeat(start, len(names), axis=1)
    of = {signal: name for name, signal in SHOWN.items()}
    levers_over_time = prototype_levers(prototype, names)

    def seen(y, shown):
        rows = [shown[of[s]] if s in of else y[prototype.IX[s]] for s in SIGNALS]
        return np.stack([np.broadcast_to(row, (len(names),)) for row in rows])

    hours = np.zeros((days * 24, len(SIGNALS), len(names)))
    for number in range(days * 96):
        begin, slope, change = number * STEP, np.zeros_like(y), np.zeros_like(y)
        levers = prototype.levers_at(levers_over_time, begin, len(names), STEP)
        for share, weight in ((0.0, 1 / 6), (0.5, 1 / 3), (0.5, 1 / 3), (1.0, 1 / 6)):
            at = y + share * STEP * slope
            slope, shown = prototype.outputs_rhs(begin + share * STEP, at, levers, values, 4, True)
            change = change + weight * slope
            if not share:
                hours[number // 4] += seen(at, shown) / 4
        y = y + STEP * change
    daily = hours.reshape(days, 24, len(SIGNALS), len(names))
    return daily.mean(axis=1), daily.min(axis=1), daily.max(axis=1)


def largest_misses(reference, prototype, days, step_minutes=15.0):
    """Return (share of the effect, scenario, signal, what, effect of the prototype), worst first."""
    trial = scenarios(days)
    names = [arm.name for arm in trial.arms]
    expected = dict(zip(("mean", "low", "high"), prototype_days(prototype, names, days), strict=True))
    result = simulate(reference.axis, reference, trial, step_minutes=step_minutes, labels=SIGNALS)
    assert result.kept.all()
    rest = expected["mean"][:, :, :1]
    sizes = np.maximum(np.abs(rest), np.where(np.abs(rest) < 1e-9, 1.0, 0.0))
    found = []
    for of in expected:
        theirs = expected[of] - expected[of][:, :, :1]
        ours = getattr(result, of).astype(float)
        ours = ours - ours[:, :, :1]
        for day in sorted({1, 2, 6, 7, 10, days - 1} & set(range(days))):
            for place, signal in enumerate(SIGNALS):
                for column, name in enumerate(names):
                    effect = theirs[day, place, column]
                    if abs(effect) < 0.005 * sizes[day, place, 0]:
                        continue
                    miss = abs(ours[day, place, column] - effect) / abs(effect)
                    found.append((float(miss), name, signal, f"{of}, day {day}", float(effect)))
    return sorted(found, reverse=True)


def test_scenarios_keep_the_effects_of_the_prototype(reference, prototype):
    """Every effect of the tables, acute and at day 56, is that of the prototype: 5 % is asked, 1 % is held."""
    found = largest_misses(reference, prototype, days=57)
    assert len(found) > 3000
    assert found[0][0] < 0.01, found[:10]
