"""The reference person gives a public speech on day 1: that day beside the day before."""

from gutbrain import Cohort, Trial, simulate, standard
from gutbrain.protocols.exposure import public_speech

SIGNALS = ("mind.threat", "barrier.mast_activation", "barrier.permeability", "blood.il6", "mind.negative_affect")

axis = standard()
trial = Trial((public_speech(day=1, hour=16),), days=3, visits=(0, 1))
result = simulate(axis, Cohort.reference(axis), trial)

print("Highest hourly mean of the day    before    speech")
for signal in SIGNALS:
    before, speech, _ = result.series(signal, "high")[:, 0]
    print(f"  {signal:28} {before:9.3g} {speech:9.3g} {result.unit(signal)}")
