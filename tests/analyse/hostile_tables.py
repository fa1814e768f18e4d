"""A small trial with nothing wrong, as tables, and how hostile studies are made of it and registered by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl

from gutbrain.study.study import Study

GENERA = ("Akkermansia", "Bacteroides", "Bifidobacterium", "Blautia", "Prevotella", "Roseburia")
Tables = dict[str, pl.DataFrame]
HOSTILE: dict[str, Callable[[], Study]] = {}


def tables(
    people: int = 12, visits: Iterable[str] = ("before", "after"), arms: Iterable[Any] = ("control", "course"),
    taxa: Iterable[str] = GENERA, genus: Iterable[str] | None = None, seed: int = 3,
) -> Tables:  # fmt: skip
    """Return a small trial that has nothing wrong, as tables: two readings a visit, shares from counts."""
    draw = np.random.default_rng(seed)
    taxa, arms, visits = list(taxa), list(arms), list(visits)
    names = [f"p{number:02d}" for number in range(people)]
    samples, abundances, readings, seen = [], [], [], []
    for name in names:
        own, weights = draw.normal(20, 4), draw.gamma(2.0, size=len(taxa)) + 0.2
        for place, visit in enumerate(visits):
            sample, day = f"{name}, {visit}", 28.0 * place
            counts = draw.multinomial(2000, draw.dirichlet(10 * weights))
            seen.append((name, visit, day))
            samples.append((sample, name, visit, day, "stool"))
            abundances += [(sample, t, float(c), "count") for t, c in zip(taxa, counts, strict=True) if c]
            readings.append((name, visit, day, "pss-10.total", float(own + draw.normal(0, 2)), "point"))
            readings.append((name, visit, day, "blood.crp", float(np.exp(draw.normal())), "mg/L"))
            readings.append((name, visit, day, "heart.rmssd", float(np.exp(draw.normal(3, 0.4))), "ms"))
    return {
        "people": pl.DataFrame(
            {"person": names, "arm": [arms[n % len(arms)] for n in range(people)],
             "age": draw.integers(20, 60, people).astype(float)}
        ),
        "visits": frame(seen, "person visit day"),
        "samples": frame(samples, "sample person visit day material"),
        "features": pl.DataFrame(
            {"feature": taxa, "kind": "taxon", "name": taxa, "rank": "genus", "genus": list(genus or taxa)}
        ),
        "abundances": frame(abundances, "sample feature value unit"),
        "readings": frame(readings, "person visit day quantity value unit"),
    }  # fmt: skip


def frame(rows: list[tuple[Any, ...]], columns: str) -> pl.DataFrame:
    """Return rows as a table."""
    return pl.DataFrame(rows, schema=columns.split(), orient="row")


def hostile(make: Callable[[], Tables]) -> Callable[[], Tables]:
    """Register a study under its name."""
    HOSTILE[make.__name__] = lambda: Study.of(make(), {"title": make.__name__.replace("_", " ")})
    return make


def changed(given: Tables, **columns: dict[str, Any]) -> Tables:
    """Return tables with columns replaced: `changed(t, people={"arm": pl.lit(None)})`."""
    made = dict(given)
    for table, how in columns.items():
        as_columns = {k: pl.Series(k, v) if isinstance(v, list | np.ndarray) else v for k, v in how.items()}
        made[table] = made[table].with_columns(**as_columns)
    return made


def without(given: Tables, *names: str) -> Tables:
    """Return tables without some of them."""
    return {name: table for name, table in given.items() if name not in names}


def only(given: Tables, **kept: pl.Expr) -> Tables:
    """Return tables with some of their rows."""
    return given | {name: given[name].filter(where) for name, where in kept.items()}


def taxon(name: str) -> pl.Expr:
    """Return rows of a taxon."""
    return pl.col("feature") == name
