"""Colons of real people: growth scales are solved until the settled colon has the measured shares."""

from gutbrain import Axis, Cohort, with_baselines
from gutbrain.body.colon import Colon
from gutbrain.body.digestion import Digestion
from gutbrain.people.atlas import draw_baselines

axis = Axis(Digestion(), Colon(), name="gut")
baselines = draw_baselines(people=12, seed=3)
cohort = with_baselines(Cohort.draw(axis, people=12, seed=3), baselines.shares, baselines.note)

biomass = cohort.start[axis.slices["colon", "biomass"]]
settled = biomass / biomass.sum(axis=0)
scales = cohort.parameters["colon.growth_scale"]
print(f"{'mean share':20} measured  settled  growth scales    ({baselines.note})")
for row, group in enumerate(baselines.groups):
    shares = f"{baselines.shares[:, row].mean():8.1%} {settled[row].mean():8.1%}"
    print(f"{group:20} {shares}  {scales[row].min():6.2f} to {scales[row].max():5.2f}")
print(f"largest distance of a share: {cohort.baseline_miss.max():.0e}")
