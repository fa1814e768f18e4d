"""Studies whose visits, readings, covariates or names are wrong; see `hostile_studies`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from hostile_tables import Tables, changed, frame, hostile, only, tables, without


@hostile
def visits_named_as_numbers() -> Tables:
    return changed_visits({"before": "2", "after": "10"})


def changed_visits(names: dict[str, str | None]) -> Tables:
    given = tables()
    renamed = {"visit": pl.col("visit").replace(names)}
    return changed(given, visits=renamed, samples=renamed, readings=renamed)


@hostile
def visits_with_odd_names() -> Tables:
    return changed_visits({"before": 'a:b [c], `d` "e"\n', "after": "T.1 🦠"})


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
    return changed(tables(), readings={"quantity": pl.lit('my, "odd" [q]: `x` ~ ') + pl.col("quantity")})


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


ODD_COLUMNS = ("with space", "a.b", "class", "lambda", "C", "log", "value", "outcome", "sample count", "axis_1",
               "index", "feature", "unit", "distance", "2nd", "Größe", "a:b", "x`y", "group", "place", "quantity",
               "low", "estimate", "p", "term", "shannon", "depth", "from_visit", "change", "baseline", "Intercept",
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
        return pl.col(name).str.replace("p00", 'p,"0"\n`🦠')

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
