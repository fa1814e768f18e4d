"""An analysis written down before it is run: a simulated trial of an antibiotic, whose truth is known."""

import polars as pl

from gutbrain import Axis, Cohort, Trial, analyse_study, simulate
from gutbrain.analyse.plan import plan_of
from gutbrain.body.colon import Colon
from gutbrain.protocols.exposure import antibiotic
from gutbrain.protocols.practice import no_treatment
from gutbrain.study.observed import observe

axis = Axis(Colon(), name="colon")
trial = Trial((no_treatment(), antibiotic(kill=4, days=7)), days=29, visits=(0, 7, 28))
run = simulate(axis, Cohort.draw(axis, people=40, worlds=1, seed=1), trial)
study = observe(run, ["16s", "stool butyrate"], seed=1, about={"title": "Seven days of an antibiotic"})

plan = plan_of({
    "design": {"arm": "arm", "reference": "no treatment", "visits": ["day 0", "day 7", "day 28"]},
    "family": [{"name": "gut", "correction": "holm"}],
    "step": [
        {"kind": "change", "family": "gut", "outcomes": ["diversity: shannon", "stool.butyrate"], "randomised": True},
        {"kind": "permanova", "visits": ["day 7"]},
        {"kind": "taxa", "visits": ["day 7"]},
    ],
})  # fmt: skip
made = analyse_study(study, plan)

print(f"Plan {plan.hash[:12]}: {len(made.tested)} hypotheses in {made.tested['family'].n_unique()} families")
for row in made.tested.filter(pl.col("family") == "gut").iter_rows(named=True):
    size = f"{row['estimate']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f}) {row['unit']}"
    print(f"  {row['what']}, {row['term']}: {size}, p {row['p']:.2g}, corrected {row['q']:.2g}")
for name in ("permanova", "taxa"):
    print(f"{name}:", *made.done[name].said[:2], sep="\n  ")
