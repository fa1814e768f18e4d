"""A rival hypothesis is another class: swap it in and see what it predicts."""

from gutbrain import Act, Axis, Cohort, Protocol, Trial, simulate
from gutbrain.body import barrier
from gutbrain.body.immune import Immune
from gutbrain.model.compartment import term
from gutbrain.model.maths import minimum
from gutbrain.protocols.shapes import Daily


class Barrier(barrier.Barrier):
    """A wall whose mast cells answer CRH in proportion and not like a threshold."""

    @term
    def mast_drive(self):
        """Mast cells answer CRH in proportion, up to the peak of a speech."""
        return minimum(self.crh_drive, 1)


THREATS = (0.2, 0.4, 0.6, 0.8, 1.0)
# An hour of threat each morning for two weeks, one arm a strength.
arms = tuple(Protocol(f"{t}", (Act("mind.threat", t, 1, 15, Daily(10, 1)),)) for t in THREATS)
trial = Trial(arms, days=15, visits=(0, 14), twins=True)
threshold = Axis(barrier.Barrier(), Immune(), name="threshold")

print("Highest hourly permeability of the last day, over rest:")
print(f"{'threat':12}" + "".join(f"{threat:8.1f}" for threat in THREATS))
for name, axis in (("threshold", threshold), ("proportion", threshold.swap("barrier", Barrier()))):
    result = simulate(axis, Cohort.reference(axis), trial)
    print(f"{name:12}" + "".join(f"{value:8.3f}" for value in result.series("barrier.permeability", "high")[14]))
