"""A week of a strong antibiotic, and how the colon comes back."""

import numpy as np

from gutbrain import Axis, Cohort, Trial, simulate
from gutbrain.body.colon import Colon
from gutbrain.body.digestion import Digestion
from gutbrain.protocols.exposure import antibiotic

DAYS = (0, 4, 7, 14, 28, 56, 84)

axis = Axis(Digestion(), Colon(), name="gut")
trial = Trial((antibiotic(kill=8, days=7, start=1),), days=85, visits=DAYS)
result = simulate(axis, Cohort.reference(axis), trial)

print(f"{'day':22}" + "".join(f"{day:8d}" for day in DAYS))
for signal in (*(s for s in result.labels if s.startswith("colon.relative_abundance")), "colon.butyrate"):
    share = signal.endswith("]")
    values = result.series(signal)[list(DAYS), 0] * (100 if share else 1)
    name = signal.partition("[")[2].rstrip("]") or signal
    print(f"{name:22}" + "".join(f"{value:8.2f}" for value in values), "%" if share else result.unit(signal))
total = sum(result.series(s)[:, 0] for s in result.labels if s.startswith("colon.biomass"))
print(f"bacteria fall to {total.min() / total[0]:.2%} and stand at {total[-1] / total[0]:.0%} after twelve weeks")
assert np.all(result.kept)
