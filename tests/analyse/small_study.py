"""A small trial made up for tests: two arms, two visits, twenty people, eight genera, one questionnaire score."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from gutbrain.study.study import Study

GENERA = ("Akkermansia", "Bacteroides", "Bifidobacterium", "Blautia", "Faecalibacterium", "Prevotella", "Roseburia",
          "Escherichia")  # fmt: skip


@cache
def small_trial(people: int = 20, effect: float = -3.0, seed: int = 7) -> Study:
    """Return the trial; `effect` is planted on the score of the arm `course` after it."""
    generator = np.random.default_rng(seed)
    names = [f"p{number:02d}" for number in range(people)]
    arms = ["course" if number % 2 else "control" for number in range(people)]
    weights = generator.gamma(2.0, size=(people, len(GENERA))) + 0.2
    samples, abundances, readings, visits = [], [], [], []
    for number, name in enumerate(names):
        own = generator.normal(20, 4)
        for visit, day in (("before", 0.0), ("after", 56.0)):
            sample = f"{name}, {visit}"
            shares = generator.dirichlet(20 * weights[number])
            counts = generator.multinomial(5000, shares)
            samples.append((sample, name, visit, day, "stool"))
            visits.append((name, visit, day))
            abundances += [(sample, g, float(c), "count") for g, c in zip(GENERA, counts, strict=True) if c]
            moved = effect if visit == "after" and arms[number] == "course" else 0.0
            readings.append((name, visit, day, "PSS-10.total", float(own + moved + generator.normal(0, 2)), "point"))
            readings.append((name, visit, day, "blood.crp", float(np.exp(generator.normal(0, 0.5))), "mg/L"))
    return Study.of(
        {
            "people": pl.DataFrame(
                {"person": names, "arm": arms, "age": generator.integers(20, 60, people).astype(float)}
            ),
            "visits": pl.DataFrame(visits, schema=["person", "visit", "day"], orient="row"),
            "samples": pl.DataFrame(samples, schema=["sample", "person", "visit", "day", "material"], orient="row"),
            "features": pl.DataFrame(
                {"feature": GENERA, "kind": "taxon", "name": GENERA, "rank": "genus", "genus": GENERA}
            ),
            "abundances": pl.DataFrame(abundances, schema=["sample", "feature", "value", "unit"], orient="row"),
            "readings": pl.DataFrame(
                readings, schema=["person", "visit", "day", "quantity", "value", "unit"], orient="row"
            ),
        },
        {"title": "A small trial"},
    )
