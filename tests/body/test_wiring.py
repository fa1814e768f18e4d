"""What the wiring must not have, what it must have at zero, and that every edge has a claim."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.practice import Practice
from gutbrain.body.whole import standard
from gutbrain.evidence.claims import claims
from gutbrain.model.axis import Axis
from gutbrain.model.reading import depends
from gutbrain.model.spread import Uniform

GUT = ("barrier.", "blood.", "colon.", "enteric.", "ileum.", "immune.", "platelet.", "tryptophan.")
MICROBES = {"colon", "barrier", "immune", "digestion"}


def listeners(signal: str) -> set[str]:
    return {wire.listener for wire in standard().edges if wire.signal == signal}


def heard(compartment: str) -> set[str]:
    return {wire.signal for wire in standard().edges if wire.listener == compartment}


# -- forbidden edges ------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", ["blood.serotonin", "platelet.serotonin", "brain.serotonin_extracellular",
                                    "blood.crp", "blood.lps", "hpa.crh_drive"])  # fmt: skip
def test_nothing_listens(signal):
    assert signal in standard().givers
    assert listeners(signal) == set()


def test_serotonin_of_blood_and_platelets_does_not_reach_the_brain_inside_its_compartment():
    axis = standard()
    equation = next(e.name for name, e in axis.rate_equations if (name, e.of) == ("tryptophan", "brain_serotonin"))
    below = depends(axis.asked, "tryptophan", equation)
    assert "tryptophan" in below
    assert not below & {"plasma_serotonin", "platelet_serotonin", "mucosal_serotonin"}


def test_mood_hears_no_crp_and_no_microbe():
    assert "blood.il6" in heard("affect")
    assert "blood.crp" not in heard("affect")
    of_colon = {signal for signal in heard("affect") if signal.startswith("colon.")}
    assert of_colon == {"colon.scfa_total"}, "row 27 of the specification: acids, closed"


def test_low_grade_products_never_drive_the_acute_endotoxin_block():
    axis = standard()
    assert listeners("barrier.translocation") == {"immune"}
    equations = {e.of: e.name for name, e in axis.rate_equations if name == "immune"}
    drives = {state for state, name in equations.items() if "translocation" in depends(axis.asked, "immune", name)}
    assert drives == {"mucosal_activity"}
    levers = [name for name in (*axis.givers, *axis.levers) if "endotoxin" in name and not name.startswith("colon.")]
    assert levers == []


def test_mast_cells_hear_peripheral_and_not_hypothalamic_crh():
    assert not {signal for signal in heard("barrier") if signal.startswith("hpa.")}


def test_no_gut_signal_reaches_threat():
    axis = standard()
    assert not {signal for signal in heard("appraisal") if signal.startswith(GUT)}
    assert axis.signals_below("appraisal", "threat") == {"mind.skill"}


def test_no_zonulin_and_no_luminal_gaba():
    axis = standard()
    names = [*axis.givers, *axis.levers, *axis.columns, *axis.parameters]
    assert not [name for name in names if "zonulin" in name.lower() or "gaba" in name.lower()]


def test_practice_reaches_microbes_wall_and_immunity_through_no_edge_of_its_own():
    assert not {wire for wire in standard().edges if wire.giver == "practice" and wire.listener in MICROBES}


def test_practice_leaves_decay_rates_and_couplings_of_affect_alone():
    """The Jacobian of momentary affect is the same with skill, non-specific gain and practice of the day."""
    axis = Axis(Appraisal(), Affect(), Practice(), name="mind")
    declared = axis.defaults()
    coherent, rest = axis.coherent(declared), axis.start(declared)[:, 0]
    rows = [axis.slices["affect", name].start for name in ("negative_affect", "positive_affect", "rumination")]

    def matrix(state, levers):
        rates = jax.jacfwd(lambda y: axis.read(y[:, None], coherent, levers).vector()[:, 0])
        return np.asarray(rates(jnp.asarray(state)))[np.ix_(rows, rows)]

    practised = rest.copy()
    practised[axis.slices["practice", "skill"]] = 1.0
    practised[axis.slices["practice", "nonspecific_gain"]] = 2.0
    assert np.all(np.diag(matrix(rest, {})) < 0)
    np.testing.assert_array_equal(matrix(practised, {"protocol.practice_assigned": 45.0}), matrix(rest, {}))


# -- edges of unknown strength --------------------------------------------------------------------

ZERO = {
    "row 24, kynurenine to mood": ("blood.kynurenine", "affect", "affect.kynurenine_gain"),
    "row 23, brain serotonin to mood": ("brain.serotonin_synthesis", "affect", "affect.serotonin_gain"),
    "row 26, butyrate to afferents": ("colon.butyrate", "vagus", "vagus.afferent_butyrate"),
    "row 26, acids to afferents": ("colon.scfa_total", "vagus", "vagus.afferent_scfa"),
    "row 25, serotonin to afferents": ("tryptophan.mucosal_serotonin", "vagus", "vagus.afferent_serotonin"),
    "row 27, acids to stress axis": ("colon.scfa_total", "hpa", "hpa.scfa_exponent"),
    "row 27, acids to mood": ("colon.scfa_total", "affect", "affect.scfa_gain"),
    "row 45, acids to motility": ("colon.scfa_total", "enteric", "enteric.scfa_motility_exponent"),
    "row 64, afferents to mood": ("vagus.afferent", "affect", "affect.afferent_gain"),
    "mindfulness to attention": ("mind.mindfulness_state", "affect", "affect.attention_skill"),
    "mindfulness to positive affect": ("mind.skill", "affect", "affect.skill_positive"),
    "mindfulness to vagal tone": ("mind.skill", "vagus", "vagus.skill_gain"),
    "row 19, affect to load": ("mind.affect_daily_z", "appraisal", "appraisal.affect_drive_gain"),
    "row 19, rumination to load": ("mind.rumination_daily_z", "appraisal", "appraisal.rumination_drive_gain"),
    "row 34, mast cells to IL-6": ("barrier.mast_activation", "immune", "immune.mast_gain"),
    "row 48, inflammation to pathobionts": ("immune.mucosal_activity", "colon", "colon.nitrate_gain"),
    "row 61, IL-6 to sleep": ("blood.il6", "sleep", "sleep.il6_gain"),
    "row 62, activity to tone": ("activity.level", "vagus", "vagus.activity_gain"),
    "row 62, activity to motility": ("activity.level", "enteric", "enteric.activity_motility_exponent"),
    "row 62, activity to mood": ("activity.level", "affect", "affect.activity_gain"),
    "row 18, tone to mucin": ("vagus.tone", "barrier", "barrier.mucin_vagal_exponent"),
    "row 18, load to mucin": ("mind.chronic_load", "barrier", "barrier.mucin_load_exponent"),
    "IL-6 to tone": ("blood.il6", "vagus", "vagus.inflammation_gain"),
}
# An alternative to the sympathetic route, 0 by default; its size when opened does not span zero.
ALTERNATIVE = {"immune.mast_gain"}


def spans_zero(belief) -> bool:
    """Return whether a prior around 0 contains 0: a uniform one by its ends, any other by its two sides."""
    if isinstance(belief, Uniform):
        return belief.low <= 0 <= belief.high
    low, high = sorted(float(belief.around(0.0, side)) for side in (-2.0, 2.0))
    return low < 0 < high


@pytest.mark.parametrize("edge", ZERO)
def test_edges_of_unknown_strength_stand_at_zero_with_a_prior_that_spans_it(edge):
    signal, listener, name = ZERO[edge]
    strength = standard().parameters[name]
    assert listener in listeners(signal)
    assert strength.value == 0 and strength.closed
    assert strength.belief is not None
    assert spans_zero(strength.belief) or name in ALTERNATIVE


def test_load_on_the_stress_axis_is_closed_inside_appraisal():
    strength = standard().parameters["appraisal.load_drive_gain"]
    assert strength.value == 0 and strength.closed and spans_zero(strength.belief)


def test_every_closed_parameter_is_listed():
    closed = {name for name, param in standard().parameters.items() if param.closed}
    assert closed == {name for _, _, name in ZERO.values()} | {"appraisal.load_drive_gain"}


@pytest.mark.parametrize("name", ["immune.vagal_elasticity", "enteric.vagus_motility_exponent"])
def test_vagal_strengths_may_be_zero(name):
    assert spans_zero(standard().parameters[name].belief)


# -- claims ---------------------------------------------------------------------------------------


def test_every_edge_and_lever_has_a_claim():
    axis = standard()
    wired = {(wire.signal, wire.listener) for wire in axis.edges}
    wired |= {(lever.signal, listener) for lever in axis.levers.values() for listener in lever.listeners}
    assert wired == set(claims().select("signal", "listener").iter_rows())
