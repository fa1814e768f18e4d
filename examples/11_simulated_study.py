"""A simulated trial as a study: what its instruments would have shown, written, read back and scored."""

import polars as pl

from gutbrain import Axis, Cohort, Study, Trial, scores, simulate
from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.practice import Practice
from gutbrain.protocols.practice import attention_control, mbsr
from gutbrain.study.observed import observe

axis = Axis(Appraisal(), Affect(), Practice(), name="mind")
people = Cohort.draw(axis, people=60, worlds=1, seed=1)
trial = Trial((attention_control(), mbsr()), days=57, visits=(0, 56))
study = observe(simulate(axis, people, trial), ["pss-10", "negative affect", "practice"], seed=1)
print(f"{len(study.people)} people, {len(study.answers)} answers, {len(study.readings)} readings; {study.origin}")

same = Study.read(study.write("mind.study", force=True))
print(f"Written and read again, nothing is lost: {same.equals(study)}")

table = scores(same).filter(pl.col("quantity") == "pss-10.total").join(same.people, on="person")
summary = table.group_by("arm", "visit").agg(
    pl.col("value").count().alias("scored"), pl.col("value").mean().round(1).alias("mean"),
    pl.col("withheld").is_not_null().sum().alias("withheld"),
)  # fmt: skip
for row in summary.sort("visit", "arm").iter_rows(named=True):
    counted = f"{row['scored']} scored, {row['withheld']} withheld"
    print(f"  {row['visit']:<7}{row['arm']:<18}PSS-10 {row['mean']} ({counted})")
