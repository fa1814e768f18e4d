"""A small trial in several worlds: what nobody knows is kept apart from how people differ."""

from pathlib import Path

from gutbrain import Axis, Cohort, Trial, simulate
from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.practice import Practice
from gutbrain.protocols.practice import mbsr, wait_list

SIGNAL = "mind.negative_affect"

axis = Axis(Appraisal(), Affect(), Practice(), name="mind")
cohort = Cohort.draw(axis, people=80, worlds=6, seed=7)
trial = Trial((wait_list(), mbsr()), days=57, visits=(0, 56))
result = simulate(axis, cohort, trial)

change = result.series(SIGNAL)[50:57].mean(axis=0) - result.series(SIGNAL)[0]
print(f"Change of {SIGNAL} by MBSR less wait list, {result.unit(SIGNAL)}:")
for world in range(cohort.worlds):
    here = result.world == world
    arms = [change[here & (result.arm == arm)] for arm in (0, 1)]
    print(f"  world {world + 1}: {arms[1].mean() - arms[0].mean():+6.2f}, between people SD {arms[1].std():5.2f}")
print(f"{result.lost.height} of {cohort.size} columns left the bounds")

chart = Path("runs/two_spreads.svg")
chart.parent.mkdir(exist_ok=True)
result.plot(SIGNAL).save(chart)
print(chart)
