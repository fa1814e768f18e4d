"""Studies with everything wrong that people bring: small, named, each as `Study.of` takes it."""

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
    for number, name in enumerate(names):
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


@hostile
def three_people() -> Tables:
    return tables(3)


@hostile
def one_person() -> Tables:
    return tables(1)


@hostile
def one_sample() -> Tables:
    return tables(1, ["once"])


@hostile
def two_samples() -> Tables:
    return tables(2, ["once"])


@hostile
def four_people() -> Tables:
    return tables(4)


@hostile
def one_visit() -> Tables:
    return tables(12, ["once"])


@hostile
def nobody() -> Tables:
    return {}


@hostile
def no_samples() -> Tables:
    return without(tables(), "samples", "features", "abundances")


@hostile
def no_abundances() -> Tables:
    return without(tables(), "abundances")


@hostile
def answers_only() -> Tables:
    draw = np.random.default_rng(1)
    items = [(f"p{p}", v, float(d), "phq-9", str(i), float(draw.integers(0, 4)))
             for p in range(10) for v, d in (("before", 0), ("after", 28)) for i in range(1, 10)]  # fmt: skip
    people = pl.DataFrame({"person": [f"p{p}" for p in range(10)], "arm": ["a", "b"] * 5})
    return {"people": people, "answers": frame(items, "person visit day form item value")}


@hostile
def answers_all_the_same() -> Tables:
    given = answers_only()
    return changed(given, answers={"value": pl.lit(1.0)})


@hostile
def samples_without_people() -> Tables:
    return without(tables(), "people", "readings", "visits")


@hostile
def samples_of_nobody() -> Tables:
    return changed(without(tables(), "people", "readings", "visits"), samples={"person": pl.lit(None, pl.String)})


@hostile
def arm_null_for_some() -> Tables:
    return changed(tables(), people={"arm": ["control", "course", None] * 4})


@hostile
def arm_null_for_all() -> Tables:
    return changed(tables(), people={"arm": pl.lit(None, pl.String)})


@hostile
def arm_with_one_level() -> Tables:
    return tables(arms=["course"])


@hostile
def arm_with_twelve_levels() -> Tables:
    return tables(24, arms=[f"arm {n}" for n in range(12)])


@hostile
def arm_with_one_person() -> Tables:
    return changed(tables(), people={"arm": ["control"] * 11 + ["course"]})


@hostile
def arm_is_a_number() -> Tables:
    return tables(arms=[0, 1])


@hostile
def arm_is_yes_or_no() -> Tables:
    return tables(arms=[True, False])


@hostile
def arm_with_odd_names() -> Tables:
    return tables(arms=["", "a:b [c], \"d\" `e`\nf 🦠"])


@hostile
def site_equal_to_arm() -> Tables:
    given = tables()
    return changed(given, people={"site": pl.col("arm").replace({"control": "north", "course": "south"})})


@hostile
def one_person_per_site() -> Tables:
    return changed(tables(), people={"site": pl.col("person")})


@hostile
def site_nearly_empty() -> Tables:
    return changed(tables(), people={"site": [None] * 10 + ["north", "south"]})


@hostile
def two_people_per_arm() -> Tables:
    return tables(6, arms=["a", "b", "c"])


@hostile
def arm_lost_at_the_end() -> Tables:
    gone = pl.col("person").is_in([f"p{n:02d}" for n in range(1, 12, 2)]) & (pl.col("visit") == "after")
    return only(tables(), samples=~gone, readings=~gone, visits=~gone,
                abundances=~(pl.col("sample").str.contains("p(01|03|05|07|09|11), after")))  # fmt: skip


@hostile
def all_zero_taxon() -> Tables:
    given = tables()
    zero = given["samples"].select("sample", pl.lit("Blautia").alias("feature"), pl.lit(0.0).alias("value"),
                                   pl.lit("count").alias("unit"))  # fmt: skip
    return given | {"abundances": pl.concat([given["abundances"].filter(~taxon("Blautia")), zero])}


@hostile
def constant_taxon() -> Tables:
    given = tables()
    return changed(given, abundances={"value": pl.when(taxon("Bacteroides")).then(300.0).otherwise("value")})


@hostile
def taxon_in_one_arm_only() -> Tables:
    odd = [f"p{n:02d}, {v}" for n in range(1, 12, 2) for v in ("before", "after")]
    return only(tables(), abundances=~(taxon("Roseburia") & pl.col("sample").is_in(odd)))


@hostile
def samples_all_the_same() -> Tables:
    given = tables()
    whole = given["samples"].select("sample").join(given["features"].select("feature"), how="cross")
    value = pl.col("feature").str.len_chars().cast(pl.Float64).alias("value")
    return given | {"abundances": whole.with_columns(value, pl.lit("count").alias("unit"))}


@hostile
def samples_with_nothing_in_common() -> Tables:
    given = tables(6, ["once"], taxa=[f"taxon {n}" for n in range(6)])
    rows = [(f"p{n:02d}, once", f"taxon {n}", 50.0, "count") for n in range(6)]
    return given | {"abundances": frame(rows, "sample feature value unit")}


@hostile
def one_taxon() -> Tables:
    return tables(taxa=["Bacteroides"])


@hostile
def two_taxa() -> Tables:
    return tables(taxa=["Bacteroides", "Blautia"])


@hostile
def sample_with_nothing() -> Tables:
    return only(tables(), abundances=pl.col("sample") != "p00, before")


@hostile
def all_samples_with_nothing() -> Tables:
    return changed(tables(), abundances={"value": pl.lit(0.0)})


@hostile
def singletons_only() -> Tables:
    return changed(tables(), abundances={"value": pl.lit(1.0)})


@hostile
def very_sparse() -> Tables:
    given = tables(taxa=[f"taxon {n}" for n in range(40)])
    return only(given, abundances=pl.col("value").rank("ordinal") % 9 == 0)


@hostile
def counts_that_are_not_whole() -> Tables:
    return changed(tables(), abundances={"value": pl.col("value") / 7})


@hostile
def huge_counts() -> Tables:
    return changed(tables(), abundances={"value": pl.col("value") * 1e12})


@hostile
def depths_from_one_to_many() -> Tables:
    few = pl.col("sample").str.contains("before") & taxon("Bacteroides")
    return only(tables(), abundances=few | pl.col("sample").str.contains("after"))


@hostile
def percents() -> Tables:
    return changed(tables(), abundances={"value": pl.col("value") / 20, "unit": pl.lit("percent")})


@hostile
def shares() -> Tables:
    return changed(tables(), abundances={"value": pl.col("value") / 2000, "unit": pl.lit("share")})


@hostile
def signals() -> Tables:
    return changed(tables(), abundances={"value": pl.col("value") / 3, "unit": pl.lit("signal")})


@hostile
def two_units() -> Tables:
    given = tables()
    share = given["abundances"].with_columns(pl.col("value") / 2000, pl.lit("share").alias("unit"))
    return given | {"abundances": pl.concat([given["abundances"], share])}


@hostile
def negative_abundance() -> Tables:
    return changed(tables(), abundances={"value": pl.col("value") - 10})


@hostile
def infinite_abundance() -> Tables:
    odd = taxon("Blautia") & (pl.col("sample") == "p00, before")
    return changed(tables(), abundances={"value": pl.when(odd).then(float("inf")).otherwise("value")})


@hostile
def odd_names_of_taxa() -> Tables:
    names = ['Bact, "oides"', "a\nb", "`tick`", "🦠 µ", "x" * 300, "value", "sample", "index", "=1+1", "<b>&amp;"]
    return tables(taxa=names)


@hostile
def one_genus_in_two_families() -> Tables:
    given = tables(genus=["Incertae", "Incertae", *GENERA[2:]])
    return changed(given, features={"family": ["F1", "F2", None, None, "F1", "F2"]})


@hostile
def visits_named_as_numbers() -> Tables:
    return changed_visits({"before": "2", "after": "10"})


def changed_visits(names: dict[str, str | None]) -> Tables:
    given = tables()
    renamed = {"visit": pl.col("visit").replace(names)}
    return changed(given, visits=renamed, samples=renamed, readings=renamed)


@hostile
def visits_with_odd_names() -> Tables:
    return changed_visits({"before": "a:b [c], `d` \"e\"\n", "after": "T.1 🦠"})


@hostile
def visits_out_of_order() -> Tables:
    back = {"day": 28 - pl.col("day")}
    return changed(tables(), visits=back, samples=back, readings=back)


@hostile
def visits_null_for_some() -> Tables:
    some = {"visit": pl.when(pl.col("person") < "p04").then(None).otherwise("visit")}
    return changed(without(tables(), "visits"), samples=some, readings=some)


@hostile
def no_visits() -> Tables:
    none = {"visit": pl.lit(None, pl.String)}
    return changed(without(tables(), "visits"), samples=none, readings=none)


@hostile
def no_visits_and_no_days() -> Tables:
    none = {"visit": pl.lit(None, pl.String), "day": pl.lit(None, pl.Float64)}
    return changed(without(tables(), "visits"), samples=none, readings=none)


@hostile
def no_days() -> Tables:
    none = {"day": pl.lit(None, pl.Float64)}
    return changed(tables(), visits=none, samples=none, readings=none)


@hostile
def days_all_the_same() -> Tables:
    none = {"day": pl.lit(0.0)}
    return changed(tables(), visits=none, samples=none, readings=none)


@hostile
def twenty_visits() -> Tables:
    return tables(6, [f"week {n}" for n in range(20)])


@hostile
def several_samples_at_a_visit() -> Tables:
    given = tables(6, ["before", "again", "after"])
    same = {"visit": pl.col("visit").replace({"again": "before"})}
    return changed(given, samples=same, readings=same) | {"visits": given["visits"].filter(pl.col("visit") != "again")}


@hostile
def duplicated_readings() -> Tables:
    given = tables()
    return given | {"readings": pl.concat([given["readings"], given["readings"]])}


@hostile
def readings_beyond_limits() -> Tables:
    return changed(tables(), readings={"limit": pl.when(pl.col("quantity") == "blood.crp").then(pl.lit("<"))})


@hostile
def readings_of_two_units() -> Tables:
    crp = (pl.col("quantity") == "blood.crp") & (pl.col("visit") == "after")
    return changed(tables(), readings={"unit": pl.when(crp).then(pl.lit("ug/L")).otherwise("unit")})


@hostile
def negative_readings() -> Tables:
    return changed(tables(), readings={"value": -pl.col("value")})


@hostile
def readings_of_zero() -> Tables:
    return changed(tables(), readings={"value": pl.lit(0.0)})


@hostile
def infinite_readings() -> Tables:
    odd = (pl.col("person") == "p03") & (pl.col("visit") == "after")
    return changed(tables(), readings={"value": pl.when(odd).then(float("inf")).otherwise("value")})


@hostile
def constant_within_arms() -> Tables:
    odd = pl.col("person").str.slice(1).cast(pl.Int64) % 2
    return changed(tables(), readings={"value": 5.0 + odd.cast(pl.Float64)})


@hostile
def outcome_that_never_moves() -> Tables:
    return changed(tables(), readings={"value": pl.col("value").first().over("person", "quantity")})


@hostile
def outcome_of_one_person() -> Tables:
    return only(tables(), readings=(pl.col("quantity") != "pss-10.total") | (pl.col("person") == "p00"))


@hostile
def outcome_at_the_end_only() -> Tables:
    return only(tables(), readings=pl.col("visit") == "after")


@hostile
def outcome_of_strangers() -> Tables:
    return changed(tables(), readings={"person": pl.lit("x") + pl.col("person"), "visit": pl.lit(None, pl.String)})


@hostile
def outcome_of_unknown_kind() -> Tables:
    return changed(tables(), readings={"quantity": pl.lit("my, \"odd\" [q]: `x` ~ ") + pl.col("quantity")})


@hostile
def mediator_without_variance() -> Tables:
    return changed(tables(), readings={
        "value": pl.when(pl.col("quantity") == "blood.crp").then(2.0).otherwise("value")})  # fmt: skip


@hostile
def mediator_equal_to_outcome() -> Tables:
    given = only(tables(), readings=pl.col("quantity") != "blood.crp")
    same = given["readings"].filter(pl.col("quantity") == "pss-10.total").with_columns(
        pl.lit("blood.crp").alias("quantity"), pl.lit("mg/L").alias("unit"))  # fmt: skip
    return given | {"readings": pl.concat([given["readings"], same])}


@hostile
def covariate_with_gaps() -> Tables:
    return changed(tables(), people={"age": pl.when(pl.col("person") < "p05").then("age")})


@hostile
def covariate_infinite() -> Tables:
    return changed(tables(), people={"age": pl.when(pl.col("person") == "p05").then(float("inf")).otherwise("age")})


@hostile
def covariate_nan() -> Tables:
    return changed(tables(), people={"age": pl.when(pl.col("person") == "p05").then(float("nan")).otherwise("age")})


@hostile
def covariate_constant() -> Tables:
    return changed(tables(), people={"age": pl.lit(40.0)})


@hostile
def covariate_huge() -> Tables:
    return changed(tables(), people={"age": pl.col("age") * 1e15})


ODD_COLUMNS = ("with space", "a.b", "class", "lambda", "C", "log", "value", "outcome", "sample count", "axis_1", "index",
               "feature", "unit", "distance", "2nd", "Größe", "a:b", "x`y", "group", "place", "quantity", "low",
               "estimate", "p", "term", "shannon", "depth", "from_visit", "change", "baseline", "Intercept",
               "method", "note", "count", "start", "end", "I", "poly", "np", "True", "mediator", "rows", "metric",
               "total", "name", "kind", "id", "x", "y", "visit_number", "richness", "arm2", "weight")  # fmt: skip


def with_columns_named(names: Iterable[str]) -> Tables:
    """Return a trial whose people carry columns of these names: numbers, text every third."""
    draw = np.random.default_rng(5)
    names = list(names)
    more = {
        name: draw.choice(["u", "w"], 12).tolist() if number % 3 == 2 else draw.normal(size=12).tolist()
        for number, name in enumerate(names)
    }
    return changed(tables(), people=more)


@hostile
def columns_with_odd_names() -> Tables:
    return with_columns_named(ODD_COLUMNS)


@hostile
def people_without_data() -> Tables:
    given = tables()
    more = pl.DataFrame({"person": ["idle", "away"], "arm": ["course", "third"], "age": [30.0, None]})
    return given | {"people": pl.concat([given["people"], more])}


@hostile
def person_with_odd_name() -> Tables:
    def odd(name: str) -> pl.Expr:
        return pl.col(name).str.replace("p00", "p,\"0\"\n`🦠")

    given = tables()
    return {
        name: t.with_columns(odd(c) for c in ("person", "sample") if c in t.columns) for name, t in given.items()
    }  # fmt: skip


@hostile
def many_samples() -> Tables:
    return tables(120, [f"v{n}" for n in range(6)])


@hostile
def genes_without_taxa() -> Tables:
    given = tables(taxa=["K00001", "K00002", "K01692", "K03821"])
    return changed(given, features={"kind": pl.lit("gene"), "rank": pl.lit(None, pl.String),
                                    "genus": pl.lit(None, pl.String)})  # fmt: skip


@hostile
def materials_mixed() -> Tables:
    return changed(tables(), samples={"material": pl.when(pl.col("visit") == "after").then(pl.lit("saliva"))})


@hostile
def cortisol_and_beats() -> Tables:
    draw = np.random.default_rng(2)
    rows = [(f"p{p:02d}", "before", h / 24, "cortisol.saliva", -1.0 if h == 8 else 5.0, "nmol/L")
            for p in range(4) for h in (7, 8, 9)]  # fmt: skip
    beats = [(f"p{p:02d}", "r1", "before", float(k), 800.0 if p else 10000.0 * draw.uniform())
             for p in range(3) for k in range(50)]  # fmt: skip
    return tables(4) | {
        "readings": frame(rows, "person visit day quantity value unit"),
        "beats": frame(beats, "person recording visit at rr"),
    }


@hostile
def diary_of_one_constant() -> Tables:
    rows = [(f"p{p}", float(d), "diary", item, 3.0) for p in range(3) for d in range(8) for item in ("mood", "calm")]
    return {"answers": frame(rows, "person day form item value")}


@hostile
def diary_of_two_moments() -> Tables:
    rows = [(f"p{p}", float(d), "diary", "mood", float(d + p)) for p in range(3) for d in range(2)]
    return {"answers": frame(rows, "person day form item value"),
            "people": pl.DataFrame({"person": ["p0", "p1", "p2"], "arm": ["a", "a", "b"]})}  # fmt: skip
