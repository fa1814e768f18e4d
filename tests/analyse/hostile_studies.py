"""Studies with everything wrong that people bring: small, named, each as `Study.of` takes it."""

from __future__ import annotations

import hostile_readings  # noqa: F401  (it registers its studies)
import numpy as np
import polars as pl
from hostile_tables import GENERA, HOSTILE, Tables, changed, frame, hostile, only, tables, taxon, without

__all__ = ["HOSTILE"]


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
    return tables(arms=["", 'a:b [c], "d" `e`\nf 🦠'])


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
