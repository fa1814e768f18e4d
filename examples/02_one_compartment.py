"""A compartment alone: every input rests and is a lever, so the gut wall can be asked by itself."""

import numpy as np

from gutbrain import Act, Axis, Cohort, Protocol, Trial, simulate
from gutbrain.body.barrier import Barrier

axis = Axis(Barrier(), name="wall")
print(f"{len(axis.rows)} states, {len(axis.levers)} levers: {', '.join(sorted(axis.levers)[:4])}, ...")

inflamed = Protocol("inflamed", (Act("immune.mucosal_activity", 1.0, start=1, end=29),))
fed = Protocol("more butyrate", (Act("colon.butyrate", 10.0, start=1, end=29),))
trial = Trial((inflamed, fed), days=29, visits=(0, 7, 28), twins=True)
result = simulate(axis, Cohort.reference(axis), trial)

for signal in ("barrier.integrity", "barrier.permeability", "barrier.mucus_thickness", "blood.lps"):
    weeks = result.series(signal)[[0, 7, 28]]
    for arm, values in zip(result.arms, weeks.T, strict=True):
        print(f"{signal:24} {arm:14}", *(f"{value:8.3f}" for value in values), result.unit(signal))
assert np.all(result.kept)
