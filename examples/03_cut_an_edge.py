"""Which mechanism carries an effect? Cut its edge, run again and compare."""

from gutbrain import Act, Axis, Cohort, Protocol, Trial, simulate
from gutbrain.body.barrier import Barrier
from gutbrain.body.immune import Immune
from gutbrain.protocols.practice import no_treatment
from gutbrain.protocols.shapes import Speech

EDGE = "barrier.translocation -> immune"
OUTCOMES = ("barrier.permeability", "barrier.translocation", "immune.mucosal_activity", "barrier.integrity")


def effect(axis: Axis) -> dict[str, float]:
    """Return the change by a speech on every day, mean of the fourth week, per cent."""
    # Without a mind in the axis, appraised threat itself is the lever.
    speeches = Protocol("a speech a day", (Act("mind.threat", 1, 1, 29, Speech(every_day=True)),))
    trial = Trial((no_treatment(), speeches), days=29, twins=True, visits=(0, 28))
    result = simulate(axis, Cohort.reference(axis), trial)
    weeks = {signal: result.series(signal)[22:29].mean(axis=0) for signal in OUTCOMES}
    return {signal: 100 * float(stressed / calm - 1) for signal, (calm, stressed) in weeks.items()}


whole = Axis(Barrier(), Immune(), name="wall and immune system")
uncut, cut = effect(whole), effect(whole.without(EDGE))
print(f"A speech a day for four weeks, per cent; then without {EDGE}:")
for signal in OUTCOMES:
    print(f"  {signal:24} {uncut[signal]:+7.2f} {cut[signal]:+7.2f}")
