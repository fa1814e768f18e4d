"""Through which paths does a course change cortisol? Wires are closed on copies of one person."""

from gutbrain import Axis, Trial, explain
from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.hpa import HPA
from gutbrain.body.practice import Practice
from gutbrain.body.sleep import Sleep
from gutbrain.protocols.exposure import chronic_stress
from gutbrain.protocols.practice import attention_control, mbsr

axis = Axis(Appraisal(), Affect(), Practice(), Sleep(), HPA(), name="mind and stress axis")
trial = Trial((attention_control(), mbsr()), days=57, visits=(0, 56), everyone=chronic_stress())
found = explain(axis, trial, "mbsr", "attention control", "hpa.cortisol")

print(f"Effect on {found.outcome} in the week to day {found.day}: {found.effect:+.3f} {found.unit}")
for path, effect, grade in found.paths.select("path", "effect", "weakest_grade").head(6).iter_rows():
    print(f"  {effect:+.3f}  {path}  [{grade or '-'}]")
print(f"{found.assumed_share:.0%} of what the paths carry runs through a strength that is assumed")
