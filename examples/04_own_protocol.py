"""A protocol of one's own: slow breathing on top of an act that nobody has written yet."""

from gutbrain import Act, Axis, Cohort, Protocol, Trial, simulate
from gutbrain.body.vagus import Vagus
from gutbrain.protocols.practice import no_treatment, slow_breathing
from gutbrain.protocols.shapes import Ramp

axis = Axis(Vagus(), name="vagus")
print("Levers of the vagus alone:")
for name, lever in axis.levers.items():
    print(f"  {name:32} {lever.unit:12} {lever.about}")

# Load that builds up over two weeks and stays; a dose is an offset from rest.
stress = Protocol("load", (Act("mind.chronic_load", 0.5, start=1, end=71, shape=Ramp(14)),))
both = (slow_breathing(minutes=20, weeks=10) + stress).named("load and breathing")
trial = Trial((no_treatment(), slow_breathing(minutes=20, weeks=10), stress, both), days=71, twins=True, visits=(0, 70))
result = simulate(axis, Cohort.reference(axis), trial)

print("\nVagal tone over own rest, by week of the course:")
for arm, tone in zip(result.arms, result.series("vagus.tone").T, strict=True):
    print(f"  {arm:20}", *(f"{tone[7 * week]:6.3f}" for week in (0, 2, 4, 6, 8, 10)))
