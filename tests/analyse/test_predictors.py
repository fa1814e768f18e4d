import numpy as np
import polars as pl
import pytest
from small_study import small_trial

from gutbrain.analyse.step import Design, Given
from gutbrain.analyse.steps.community import Constrained, Dispersion, Mantel, Permanova
from gutbrain.analyse.steps.diversity import Diversity
from gutbrain.analyse.steps.function import Groups
from gutbrain.analyse.steps.predictors import LATER, over_time, per_unit, with_number, with_outcomes
from gutbrain.analyse.steps.taxa import Taxa
from gutbrain.errors import InputError
from gutbrain.study.study import Study

DESIGN = Design(arm="arm", reference="control", visits=["before", "after"])
KNOWN = "`PSS-10.total` + blood.crp"


def trial(design: Design = DESIGN, **tables: pl.DataFrame) -> Given:
    """The small trial with some tables exchanged."""
    return Given(Study.of({**small_trial().tables, **tables}), design)


def many_visits(days: bool) -> Given:
    """Six people in two arms at ten visits, with or without the day of the sample."""
    generator = np.random.default_rng(3)
    people, visits = [f"p{k}" for k in range(6)], [f"v{k:02d}" for k in range(10)]
    rows = [(f"{p} {v}", p, v, 7.0 * k if days else None, "stool") for p in people for k, v in enumerate(visits)]
    names = ["Akkermansia", "Bacteroides", "Blautia", "Roseburia"]
    taxa = pl.DataFrame({"feature": names, "kind": "taxon", "name": names, "rank": "genus", "genus": names})
    amounts = [(row[0], name, float(generator.poisson(50) + 1), "count") for row in rows for name in names]
    study = Study.of(
        {
            "people": pl.DataFrame({"person": people, "arm": ["a", "b"] * 3}),
            "samples": pl.DataFrame(
                rows, orient="row",
                schema={"sample": pl.String, "person": pl.String, "visit": pl.String, "day": pl.Float64,
                        "material": pl.String},
            ),
            "features": taxa,
            "abundances": pl.DataFrame(amounts, schema=["sample", "feature", "value", "unit"], orient="row"),
        }
    )  # fmt: skip
    return Given(study, Design(arm="arm", reference="a", visits=visits))


def test_an_outcome_stands_beside_the_sample_of_its_person_and_visit():
    given = trial()
    samples, told = with_outcomes(given, given.community().samples, KNOWN, "age")
    readings = small_trial().readings.filter(pl.col("quantity") == "blood.crp")
    both = samples.join(readings.with_columns(pl.col("visit").cast(samples["visit"].dtype)), on=["person", "visit"])
    assert len(both) == len(samples) == 40 and (both["blood.crp"] == both["value"]).all()
    assert samples["sample"].to_list() == given.community().samples["sample"].to_list()
    assert told == [f"{name} differs within people and between them: one coefficient mixes both"
                    for name in ("PSS-10.total", "blood.crp")]  # fmt: skip


@pytest.mark.parametrize("step", [Permanova, Constrained, Taxa, Diversity])
def test_terms_take_outcomes_by_name(step):
    options = {"permutations": 99} if step in (Permanova, Constrained) else {}
    options |= {"indices": ["shannon"]} if step is Diversity else {}
    done = step(terms=KNOWN, **options).run(trial())
    assert set(done.tested["term"].unique()) == {"PSS-10.total", "blood.crp"}
    assert done.tested["p"].null_count() == 0
    if step is Taxa:
        units = dict(done.tested.select("term", "unit").unique().iter_rows())
        assert units["blood.crp"] == "log2 fold change per mg/L of blood.crp"


def test_a_name_that_is_neither_column_nor_outcome_is_refused_with_what_is_near():
    given = trial()
    with pytest.raises(InputError, match="neither a column nor an outcome. Did you mean 'PSS-10.total'"):
        Permanova(terms="`pss-10.total`").run(given)
    assert "Did you mean 'blood.crp'" in Diversity(terms="blood.cpr").run(given).tested["note"][0]
    with pytest.raises(InputError, match="no number"):
        with_number(given.community().samples, "arm", given)
    twice = small_trial().readings.with_columns(
        pl.when((pl.col("visit") == "after") & (pl.col("quantity") == "blood.crp")).then(pl.lit("nmol/L"))
        .otherwise("unit").alias("unit")
    )  # fmt: skip
    with pytest.raises(InputError, match="several units"):
        Taxa(terms="blood.crp").run(trial(readings=twice))


def test_without_visits_an_outcome_is_that_of_the_day_or_of_the_person():
    samples = pl.DataFrame(
        {"sample": ["a", "b", "c"], "person": ["p", "p", "q"], "visit": pl.Series([None] * 3, dtype=pl.String),
         "day": [1.2, 2.0, 1.0]}
    )  # fmt: skip
    readings = pl.DataFrame(
        {"person": ["p", "p", "p", "q"], "day": [1.9, 1.1, 2.5, 9.0], "quantity": "diet.fibre",
         "value": [10.0, 20.0, 7.0, 5.0], "unit": "g/d"}
    )  # fmt: skip
    given = Given(Study.of({"people": pl.DataFrame({"person": ["p", "q"]}), "readings": readings}), Design())
    made, told = with_number(samples, "diet.fibre", given)
    assert made["diet.fibre"].to_list() == [15.0, 7.0, None] and made.columns == [*samples.columns, "diet.fibre"]
    assert told[0] == "diet.fibre: the median where there are several values of a day"
    bare, told = with_number(samples.with_columns(pl.lit(None, pl.Float64).alias("day")), "diet.fibre", given)
    assert bare["diet.fibre"].to_list() == [10.0, 10.0, 5.0] and "of a person" in told[0]


@pytest.mark.parametrize("days, term", [(True, "day"), (False, f"period[{LATER}]")])
def test_many_visits_are_time_and_not_a_test_each(days, term):
    given = many_visits(days)
    for step in (Taxa(), Diversity(indices=["shannon"]), Groups(axes=False)):
        done = step.run(given)
        assert f"arm[b]:{term}" in done.tested["term"].to_list(), step.kind
        assert done.tested["term"].n_unique() <= 3
        assert done.tested.filter(pl.col("term").str.ends_with(":day"))["unit"].str.ends_with(" per day").all()
    samples, name = over_time(given, given.community().samples)
    assert per_unit(given, samples, name) == (" per day" if days else " per unit of period")
    assert over_time(trial(), trial().community().samples)[1] == "visit"


def test_a_predictor_that_differs_between_people_is_not_said_to_be_tested_by_what_changes_within():
    # Each person has a level of their own, and hardly moves: shuffling within people cannot see the difference.
    readings = small_trial().readings.filter(pl.col("quantity") == "PSS-10.total")
    level = pl.col("person").str.slice(1).cast(pl.Float64) + pl.when(pl.col("visit") == "after").then(0.1).otherwise(
        0.0
    )
    given = trial(readings=readings.with_columns(level.alias("value")))
    for step in (Permanova, Constrained):
        done = step(terms="`PSS-10.total`", permutations=99).run(given)
        assert "tested within them" in done.tested["note"][0]
    said = Permanova(terms="`PSS-10.total`", permutations=99).run(given).said[0]
    assert "tested within people only" in said and "of that within" not in said
    mantel = Mantel(against=["PSS-10.total"], permutations=99).run(given)
    assert "tested within them" in mantel.tested["note"][0]


def test_an_unknown_stratum_is_refused():
    for step in (Permanova(strata="site"), Constrained(strata="site"), Mantel(against=["blood.crp"], strata="site")):
        with pytest.raises(InputError, match="no column 'site'"):
            step.run(trial())


def test_a_group_of_one_person_has_no_spread_of_its_own():
    arms = ["lone", *["control", "course"] * 9, "control"]
    given = trial(people=small_trial().people.with_columns(pl.Series("arm", arms)))
    done = Dispersion(group="arm", permutations=99).run(given)
    assert done.tables["centroids"]["group"].to_list() == ["control", "course"] and len(done.tested) == 1
    assert any("lone: one person only" in note.what for note in done.notes)


def test_samples_without_a_person_stand_for_themselves():
    samples = (
        small_trial().samples.filter(pl.col("visit") == "after").with_columns(pl.lit(None, pl.String).alias("person"))
    )
    abundances = small_trial().abundances.filter(pl.col("sample").is_in(samples["sample"].implode()))
    depth = samples.with_columns(pl.Series("depth", np.arange(20.0)))
    done = Diversity(indices=["shannon"], terms="depth").run(trial(samples=depth, abundances=abundances))
    assert done.tested["rows"].to_list() == [20] and done.tested["p"].null_count() == 0


def test_days_in_a_row_are_not_called_exchangeable_in_silence():
    notes = Permanova(terms="day", permutations=99).run(many_visits(True)).notes
    assert any(note.where == "series" and note.severity == "warning" for note in notes)


def test_nothing_that_varies_is_said():
    readings = small_trial().readings.with_columns(pl.lit(1.0).alias("value"))
    with pytest.raises(InputError, match="nothing of blood.crp varies"):
        Taxa(terms="blood.crp").run(trial(readings=readings))
