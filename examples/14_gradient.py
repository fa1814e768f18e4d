"""Which numbers does cortisol hang on, and which way? All derivatives of a day in one run, and the way back."""

import polars as pl

from gutbrain import Axis, Cohort, Trial, derivatives, gradient, settle
from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.hpa import HPA
from gutbrain.body.practice import Practice
from gutbrain.protocols.practice import mbsr

axis = Axis(Appraisal(), Affect(), Practice(), HPA(), name="mind and stress axis")
trial = Trial((mbsr(),), days=22)
person = settle(Cohort.reference(axis))

table = derivatives(axis, person, trial, "mind.negative_affect", 21)
numbers = table.filter(pl.col("kind") == "parameter").sort(pl.col("elasticity").abs(), descending=True, nulls_last=True)
print(f"{len(numbers)} derivatives of negative affect on day 21; the largest, for one per cent more:")
for name, elasticity, grade in numbers.select("input", "elasticity", "grade").head(6).iter_rows():
    print(f"  {elasticity:+.2f} %  {name}  [{grade}]")


def worst_week(means):
    """Mean negative affect of the first week, less that of the last."""
    return means[:7, 0, 0].mean() - means[-7:, 0, 0].mean()


found = gradient(axis, person, trial, worst_week, labels=("mind.negative_affect",))
print(f"Negative affect falls by {found.value:.3f} points. What more of each act would add:")
acts = found.table().filter(pl.col("kind") == "dose")
for lever, dose, change, unit in acts.select("input", "value", "derivative", "unit").iter_rows():
    print(f"  {lever}: {change:+.4f} for each {unit} more than {dose:g}")
