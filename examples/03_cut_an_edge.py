"""Which mechanism carries an effect? Cut its edge, run again and compare."""

from gutbrain import Axis, Cohort, Trial, simulate
from gutbrain.body.barrier import Barrier
from gutbrain.body.hpa import HPA
from gutbrain.body.immune import Immune
from gutbrain.body.mind import Appraisal
from gutbrain.protocols.exposure import chronic_stress
from gutbrain.protocols.practice import no_treatment

EDGE = "barrier.translocation -> immune"
OUTCOMES = ("hpa.cortisol", "barrier.permeability", "immune.mucosal_activity", "blood.il6")


def effect(axis: Axis) -> dict[str, float]:
    """Return the ratio of stressed to unstressed in the fourth week."""
    trial = Trial((no_treatment(), chronic_stress(weeks=4)), days=29, twins=True, visits=(0, 28))
    result = simulate(axis, Cohort.reference(axis), trial, labels=OUTCOMES)
    weeks = {signal: result.series(signal)[22:29].mean(axis=0) for signal in OUTCOMES}
    return {signal: float(stressed / calm) for signal, (calm, stressed) in weeks.items()}


whole = Axis(Appraisal(), HPA(), Barrier(), Immune(), name="stress and wall")
print(f"Four weeks of stress, as a ratio; then without {EDGE}:")
for (signal, ratio), without in zip(effect(whole).items(), effect(whole.without(EDGE)).values(), strict=True):
    print(f"  {signal:24} {ratio:6.3f} {without:6.3f}")
