"""Every real data set reads by the mapping that the project ships, with the headline figures of its README."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from gutbrain.observe.questionnaires import score, short_form
from gutbrain.observe.reliability import reliability
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
MAPS = ROOT / "examples" / "maps"
FOLDERS = {"peers-q2-longitudinal": "peers/q2-longitudinal"}


def read(name: str) -> Study:
    folder = SHARED / FOLDERS.get(name, name)
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/data/{FOLDERS.get(name, name)}")
    return read_study([folder], read_mapping(MAPS / f"{name}.toml"))


def totals(study: Study) -> pl.Series:
    return study.abundances.group_by("sample").agg(pl.col("value").sum())["value"]


def atlas(study: Study) -> None:
    assert (len(study.people), len(study.samples), len(study.features)) == (1006, 1151, 130)
    assert (totals(study).min(), totals(study).max(), totals(study).median()) == (1900, 28883, 11171)
    age = study.samples["age"]
    assert (age.min(), age.max()) == (18, 77) and study.units["samples.age"] == "year"
    extraction = study.samples["dna_extraction"].drop_nulls().value_counts()
    assert dict(extraction.iter_rows()) == {"r": 510, "o": 396, "p": 36}
    assert (study.samples["visit"] == "0").sum() == 1006, "the others are repeats"


def dietswap(study: Study) -> None:
    assert (len(study.people), len(study.samples), len(study.features)) == (38, 222, 130)
    assert dict(study.people["nationality"].value_counts().iter_rows()) == {"AAM": 21, "AFR": 17}
    both = study.visits.filter(pl.col("visit").is_in(["3", "5"])).group_by("person").len().filter(pl.col("len") == 2)
    assert len(both) == 35


def peerj32(study: Study) -> None:
    assert (len(study.people), len(study.samples), len(study.features)) == (22, 44, 130)
    assert study.abundances["unit"].unique().to_list() == ["signal"], "a signal is no count"
    assert (study.abundances["value"].min() > 49, round(study.abundances["value"].max())) == (True, 9797)
    assert dict(study.people["arm"].value_counts().iter_rows()) == {"Placebo": 14, "LGG": 8}


def eldermet(study: Study) -> None:
    assert (len(study.samples), len(study.features)) == (167, 272)
    il6 = study.readings.filter(pl.col("quantity") == "blood.il6")
    assert il6["value"].max() == 229.8 and il6["unit"].unique().to_list() == ["pg/mL"]
    assert study.features["genus"].is_not_null().any() and not study.features["genus"].str.starts_with("g__").any()


def david(study: Study) -> None:
    assert len(study.people) == 2
    depth = study.abundances.group_by("sample").agg(pl.col("value").sum()).join(study.samples, on="sample")
    enough = depth.filter(pl.col("value") >= 5000)["person"].value_counts(sort=True)["count"].to_list()
    assert enough == [316, 185] and depth["value"].min() == 1
    fibre = study.readings.filter(pl.col("quantity") == "diet.fibre")
    assert len(fibre) == 140 and fibre["unit"].unique().to_list() == ["g"]


def mdsine(study: Study) -> None:
    assert len(study.people) == 4 and len(study.features) == 1088
    counts = study.samples.drop_nulls("person")["person"].value_counts()["count"]
    assert counts.is_between(75, 77).all()


def students(study: Study) -> None:
    assert len(study.people) == 223
    found = {}
    for form in ("PHQ-9", "GAD-7", "PSS-10"):
        rows = score(study.answers, form).filter(pl.col("scale") == "total")
        alpha = reliability(study.answers, form).filter(pl.col("scale") == "total")["alpha"][0]
        found[form] = (round(rows["score"].mean(), 2), round(rows["score"].std(), 2), round(alpha, 3))
    assert found == {"PHQ-9": (8.83, 6.17, 0.905), "GAD-7": (5.75, 5.41, 0.944), "PSS-10": (15.40, 7.00, 0.834)}
    (flag,) = [finding for finding in study.findings if "item 9" in finding.where]
    assert flag.severity == "error" and flag.what.startswith("65 ")


def dass(study: Study) -> None:
    rows = score(study.answers, "DASS-42", choice="standard bands")
    means = {scale: round(rows.filter(pl.col("scale") == scale)["score"].mean(), 2)
             for scale in ("depression", "anxiety", "stress")}  # fmt: skip
    assert means == {"depression": 20.79, "anxiety": 15.97, "stress": 20.93}
    short = score(short_form(study.answers, "dass-21", "dass-42"), "DASS-21", choice="standard bands")
    assert round(short.filter(pl.col("scale") == "anxiety")["score"].mean(), 2) == 16.85


def promis(study: Study) -> None:
    eight = study.answers.filter(pl.col("form") == "PROMIS-Anxiety-8a")
    rows = score(eight, "PROMIS-Anxiety-8a")
    t = rows.filter(pl.col("scale").str.contains("(?i)t"))["score"]
    assert (round(t.mean(), 1), t.min(), t.max()) == (48.6, 37.1, 83.1)


def one_person(study: Study) -> None:
    momentary = study.answers.filter(pl.col("form") == "ESM")
    assert momentary["time"].n_unique() == 1476 and str(momentary["time"].min())[:10] == "2012-08-13"
    assert str(momentary["time"].max())[:10] == "2013-04-08"
    evening = study.answers.filter(pl.col("form") == "ESM-evening")
    assert len(evening) == 238, "an evening item is one observation a day"
    gaps = momentary["time"].unique().sort().diff().drop_nulls().dt.total_minutes() / 60
    assert gaps.median() == pytest.approx(2.0, abs=0.05) and gaps.max() == pytest.approx(42, abs=1)


def eighteen(study: Study) -> None:
    assert len(study.people) == 18 and len(study.visits) == 1980
    answered = (study.visits["answered"] == "True").mean()
    assert answered == pytest.approx(0.692, abs=0.0005)
    assert "activity.steps" not in study.readings["quantity"].to_list(), "the steps of this file mean something else"


def breathing(study: Study) -> None:
    assert (len(study.people), len(study.beats)) == (22, 39700)
    assert dict(study.people["arm"].value_counts().iter_rows()) == {"INT": 13, "CON": 9}
    assert study.beats.select("person", "recording").n_unique() == 44


def airflow(study: Study) -> None:
    counts = study.beats.group_by("recording", maintain_order=True).agg(pl.len(), pl.col("at").max())
    assert sorted(counts["len"].to_list()) == [409, 778]
    assert sorted(round(end) for end in counts["at"]) == [299, 611]


def ecam(study: Study) -> None:
    assert len(study.abundances["sample"].unique()) == 875 and len(study.people) == 43
    assert totals(study).to_numpy() == pytest.approx(1, abs=1e-9)


CHECKS: dict[str, Callable[[Study], None]] = {
    "atlas1006": atlas, "dietswap": dietswap, "peerj32": peerj32, "claesson2012-eldermet": eldermet,
    "david2014-stool": david, "mdsine2-gibson-healthy": mdsine, "phq9-gad7-pss10-students": students,
    "dass42-n1000": dass, "promis-anxiety-n766": promis, "esm-one-person": one_person,
    "esm-eighteen-persons": eighteen, "slow-breathing-rr": breathing, "rr-with-airflow": airflow,
    "peers-q2-longitudinal": ecam,
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_headline_figures_and_round_trip(name, tmp_path):
    study = read(name)
    CHECKS[name](study)
    assert Study.read(study.write(tmp_path / "my.study")).equals(study)


def test_every_mapping_is_tested():
    assert {path.stem for path in MAPS.glob("*.toml")} == set(CHECKS)
