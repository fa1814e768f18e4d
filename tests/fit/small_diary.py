"""A small diary made up for tests: four people, mood three times a day, stool once a day, practice now and then."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from gutbrain.study.study import Study

GENERA = ("Akkermansia", "Bacteroides", "Blautia", "Faecalibacterium", "Roseburia", "Escherichia")
PEOPLE = ("ann", "bob", "cy", "dee")
DAYS = 12


@cache
def small_diary(seed: int = 5) -> Study:
    """Return the diary; `dee` answers once only, and `bob` has no age."""
    generator = np.random.default_rng(seed)
    answers, readings, samples, abundances = [], [], [], []
    for person in PEOPLE:
        calm = generator.normal(50, 5)
        for day in range(1 if person == "dee" else DAYS):
            for clock in (0.4, 0.6, 0.85) if person != "dee" else (0.4,):
                at = day + clock + generator.uniform(0, 0.05)
                calm += generator.normal(0, 6) - 0.3 * (calm - 50)
                said = {"calm": round(calm), "sad": round(100 - calm + generator.normal(0, 4)),
                        "tired": float(np.clip(round((calm - 40) / 5), 1, 5))}  # fmt: skip
                answers += [(person, at, "mood", item, value) for item, value in said.items()]
            if person == "dee":
                continue
            answers.append((person, day + 0.9, "evening", "calm", round(calm)))
            readings += [(person, day + 0.5, "diet.fibre", 20 + generator.normal(0, 4), "g"),
                         (person, day + 0.3, "sleep.duration", 7 + generator.normal(0, 1), "hour")]  # fmt: skip
            if day % 3 == 0:
                readings += [(person, day + 0.7, "practice.minutes", 20.0 + 10 * (day % 2), "minute")]
            sample = f"{person} {day}"
            samples.append((sample, person, float(day) + 0.3, "stool"))
            counts = generator.multinomial(300 if day == 3 else 4000, generator.dirichlet(np.full(len(GENERA), 6.0)))
            abundances += [
                (sample, genus, float(count), "count") for genus, count in zip(GENERA, counts, strict=True) if count
            ]
    known = {"age": [30.0, None, 50.0, 40.0], "sex": ["f", "m", "f", "m"], "height": [1.6, 1.8, 1.7, 1.9]}
    columns = ["person", "day", "form", "item", "value"]
    return Study.of(
        {
            "people": pl.DataFrame({"person": PEOPLE} | known),
            "answers": pl.DataFrame(answers, schema=columns, orient="row", strict=False),
            "readings": pl.DataFrame(readings, schema=["person", "day", "quantity", "value", "unit"], orient="row"),
            "samples": pl.DataFrame(samples, schema=["sample", "person", "day", "material"], orient="row"),
            "features": pl.DataFrame(
                {"feature": GENERA, "kind": "taxon", "name": GENERA, "rank": "genus", "genus": GENERA}
            ),
            "abundances": pl.DataFrame(abundances, schema=["sample", "feature", "value", "unit"], orient="row"),
        },
        {"title": "A small diary"},
    )  # fmt: skip
