"""Everything wrong that a newcomer brings: each is refused in words, or analysed as far as it goes; nothing breaks."""

from __future__ import annotations

import contextlib
import re
import tomllib
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest
from hostile_studies import HOSTILE
from hostile_tables import frame, tables
from small_study import small_trial

from gutbrain import cli, cli_analyse
from gutbrain.analyse.analysis import Analysis, analyse, check_design, finite
from gutbrain.analyse.formula import model_matrix, quoted
from gutbrain.analyse.plan import BY_KIND, AnalysisPlan, plan_of, read_analysis_plan, suggest
from gutbrain.analyse.step import Design, Given, Step, suggested_design
from gutbrain.analyse.steps.ordination import Ordination
from gutbrain.analyse.steps.persons import FirstDistances, Volatility
from gutbrain.errors import InputError
from gutbrain.folder import whole_folder
from gutbrain.show.analysis_folder import write_analysis
from gutbrain.show.analysis_page import analysis_report
from gutbrain.show.page import page_text, save_figures
from gutbrain.study.study import Study

QUICK = {"permutations": 99, "draws": 100, "points": 4, "pairs": 20}
NEEDED: dict[str, dict[str, Any]] = {"mantel": {"against": ["age"]}}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "mediation": [{"mediators": ["blood.crp"], "outcome": "pss-10.total"}],
    "responders": [{"outcomes": ["pss-10.total"], "threshold": 2.0}],
}
SMALLEST = ("one_person", "one_sample", "two_samples", "samples_of_nobody", "samples_with_nothing_in_common",
            "all_samples_with_nothing", "outcome_of_strangers", "nobody", "diary_of_one_constant")  # fmt: skip


def every_step() -> list[Step]:
    """Return a step of each kind, and some with options, quick."""
    made = []
    for name, kind in BY_KIND.items():
        quick = {key: value for key, value in QUICK.items() if key in kind.model_fields} | NEEDED.get(name, {})
        made += [kind(name=f"{name} {n}", **(quick | more)) for n, more in enumerate([{}, *OPTIONS.get(name, [])])]
    return made


def whole(study: Study, steps: list[Step], **design: Any) -> Analysis:
    """Analyse, and refuse what no report may hold."""
    plan = AnalysisPlan(design=suggested_design(study).model_copy(update=design), step=steps)
    made = analyse(study, plan, debug=True)
    for name, done in made.done.items():
        assert done.said, name
        for what, table in {**done.tables, "tested": made.tested}.items():
            for column in table.select(pl.selectors.float()).iter_columns():
                assert column.drop_nulls().is_finite().all(), f"{name}, {what}: {column.name}"
            assert not re.search(r"(^|,)(NaN|-?inf)(,|$)", table.write_csv(), re.MULTILINE)
        for words in [*done.said, *(note.what for note in done.notes)]:
            assert not re.search(r"\b(nan|inf|None)\b", words), words
    for finding in made.findings:
        assert not re.search(r"ndarray|numpy|polars|Traceback|singular matrix|validation error", finding.what), finding
    return made


def page(made: Analysis) -> str:
    return page_text(analysis_report(made))


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_studies_are_refused_in_words(name):
    made = whole(HOSTILE[name](), every_step())
    assert len(made.done) + sum(finding.severity == "error" for finding in made.findings) == len(made.plan.step)


@pytest.mark.calibration
@pytest.mark.parametrize("name", HOSTILE)
def test_every_study_goes_through_every_step_and_its_report_is_drawn(name):
    page(whole(HOSTILE[name](), every_step()))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_plan_is_suggested_for_every_study(name):
    study = HOSTILE[name]()
    plan = suggest(study)
    check_design(study, plan)
    assert plan_of(tomllib.loads(plan.text())).hash == plan.hash


def test_columns_may_be_called_like_our_own():
    study = HOSTILE["columns_with_odd_names"]()
    steps: list[Step] = [Ordination(name="o"), BY_KIND["diversity"](name="d"), BY_KIND["permanova"](name="p", **{
        "permutations": 99, "terms": "arm + value + place + `with space`"})]  # fmt: skip
    made = whole(study, steps)
    assert list(made.done) == ["o", "d", "p"]
    assert {"place", "value", "with space"} <= set(made.tested["term"])


@pytest.mark.parametrize("name", ["class", "lambda", "C", "log", "True", "np", "I", "Größe", "a:b", "2nd", "a.b"])
def test_covariates_may_be_called_like_anything_python_knows(name):
    made = model_matrix(HOSTILE["columns_with_odd_names"]().people, f"arm + {quoted(name)}")
    assert made.columns[-1].startswith(name)
    assert len(made.columns) == 3


@pytest.mark.parametrize("name", ["value", "unit", "index", "x`y"])
def test_covariates_that_would_be_taken_for_the_outcome_are_refused(name):
    study = HOSTILE["columns_with_odd_names"]()
    for change in ({"adjust": [name]}, {"arm": name, "reference": ""}):
        plan = AnalysisPlan(design=suggested_design(study).model_copy(update=change))
        with pytest.raises(InputError, match="cannot be called .* in a model. Rename it in the study"):
            check_design(study, plan)


def test_a_share_without_upper_end_is_no_infinity_in_a_table():
    made = whole(HOSTILE["two_people_per_arm"](), [BY_KIND["responders"](name="r", **OPTIONS["responders"][0])])
    assert "r" in made.done


def test_odd_names_of_taxa_and_arms_are_drawn():
    kind = BY_KIND["taxa"]
    analysis_report(whole(HOSTILE["odd_names_of_taxa"](), [kind(name="t", choices=["clr_half"])]))
    page(whole(HOSTILE["arm_with_odd_names"](), [kind(name="t", choices=["clr_half"])]))


def test_what_is_no_number_counts_as_missing_and_is_said():
    for name, column in (("covariate_infinite", "age"), ("covariate_nan", "age"), ("infinite_readings", "value")):
        made, found = finite(HOSTILE[name]())
        assert found[0].severity == "warning"
        assert column in found[0].where
        assert "no finite number" in found[0].what
        kept = made.people["age"].drop_nulls() if column == "age" else made.readings["value"]
        assert kept.is_finite().all()
    study = small_trial()
    assert finite(study) == (study, [])
    made = whole(HOSTILE["covariate_infinite"](), [Ordination(name="o")])
    assert any("no finite number" in finding.what for finding in made.findings)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("arm_null_for_some", "4 of 12 people are in no arm"),
        ("arm_null_for_all", "12 of 12 people are in no arm"),
        ("arm_with_one_level", "everybody is in one arm (course)"),
        ("arm_with_one_person", "1 arms have one person: course"),
        ("visits_null_for_some", "rows name no visit"),
    ],
)
def test_who_cannot_be_compared_is_said(name, says):
    study = HOSTILE[name]()
    design = suggested_design(study).model_copy(update={"arm": "arm"})
    assert any(says in finding.what for finding in check_design(study, AnalysisPlan(design=design)))


def test_a_covariate_that_is_the_arm_by_another_name_is_said():
    for name in ("site_equal_to_arm", "one_person_per_site"):
        study = HOSTILE[name]()
        design = suggested_design(study).model_copy(update={"adjust": ["site"]})
        found = check_design(study, AnalysisPlan(design=design))
        assert [one.what for one in found] == ["each site lies in one arm: what the two do cannot be told apart"]
    design = design.model_copy(update={"adjust": ["age"]})
    assert check_design(study, AnalysisPlan(design=design)) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arm": "person", "reference": ""}, "design.arm: 'person' is no arm"),
        ({"arm": "day", "reference": ""}, "design.arm: 'day' is no arm"),
        ({"adjust": ["visit"]}, "design.adjust: 'visit' is no covariate"),
        ({"adjust": ["arm"]}, "is the arm"),
        ({"adjust": ["age", "age"]}, "stands twice"),
        ({"adjust": [""]}, "the study has no column ''"),
        ({"only": {"arm": []}}, "design.only.arm: no value is named"),
        ({"only": {"age": ["x"]}}, "design.only.age: no value 'x'"),
        ({"arm": "age", "reference": "x"}, "no arm 'x'. Arms are 2"),
    ],
)
def test_a_design_that_cannot_be_is_refused(change, says):
    design = Design(arm="arm", reference="control", visits=["before", "after"]).model_copy(update=change)
    with pytest.raises(InputError) as caught:
        check_design(small_trial(), AnalysisPlan(design=design))
    assert says in str(caught.value)


STEP = '[[step]]\nkind = "rarefaction"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[design]\nconfidence = 95\n" + STEP, "design.confidence: must be less than 1, not 95"),
        ("[design]\nseed = -1\n" + STEP, "design.seed: must be greater than or equal to 0, not -1"),
        ("[design]\nprevalence = 50\n" + STEP, "design.prevalence: must be less than or equal to 1, not 50"),
        ('[design]\nvisits = "before"\n' + STEP, "design.visits: must be a list in [ ], not 'before'"),
        ('design = "arm"\n' + STEP, "design: must be a table"),
        ('title = 1\n[[step]]\nkind = "change"', "title: must be text in quotes"),
        ('[[step]]\nkind = ["change"]', "step 1: no kind ['change']"),
        ("[[step]]\nkind = {a = 1}", "step 1: no kind"),
        ('[[step]]\nkind = "mantel"', "against: a value must be given"),
        ('[[step]]\nkind = "permanova"\nmetric = "x"', "metric: 'x' is not known; known are"),
        (STEP + 'name = " "', "' ' is no name"),
        (STEP + 'name = "a\\nb"', "is no name"),
        (STEP + 'family = "f"\n[[family]]\nname = "f"\n[[family]]\nname = "f"', "two families are called 'f'"),
        (STEP + "[[family]]\nname = ''", "family.0.name"),
        ('registered_hash = "a"\n' + STEP, "'a' is no hash of a plan"),
        ("suggested = true\n" + STEP + "confirmatory = true", "cannot be confirmatory in a suggested plan"),
        ("folders = 1\n" + STEP, "Keys are title, registration, registered_hash, suggested, design, family, step"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(tmp_path, text, says):
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_analysis_plan(tmp_path / "plan.toml")
    assert says in str(caught.value)
    assert "plan.toml" in str(caught.value)
    assert "Input should" not in str(caught.value)


def test_a_plan_in_another_encoding(tmp_path):
    (tmp_path / "plan.toml").write_bytes(b'# a plan\ntitle = "caf\xe9"\n' + STEP.encode())
    with pytest.raises(InputError, match=r"plan.toml, row 2: this is no text in UTF-8"):
        read_analysis_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_bytes(b"\xef\xbb\xbf" + STEP.encode())
    assert read_analysis_plan(tmp_path / "plan.toml").step[0].kind == "rarefaction"
    with pytest.raises(InputError, match="Is a directory"):
        read_analysis_plan(tmp_path)


def test_files_of_a_plan_are_looked_for_beside_it_and_named_when_they_are_broken(tmp_path):
    (tmp_path / "tips.nwk").write_text("no tree at all")
    (tmp_path / "map.csv").write_text("a,b\n1,2\n")
    (tmp_path / "plan.toml").write_text(
        '[[step]]\nkind = "diversity"\ntree = "tips.nwk"\nindices = ["faith"]\n'
        '[[step]]\nkind = "permanova"\ntree = "tips.nwk"\nmetric = "weighted-unifrac"\nterms = "arm"\n'
        '[[step]]\nkind = "ordination"\ntree = "tips.nwk"\nmetric = "weighted-unifrac"\n'
        '[[step]]\nkind = "association"\nmap = "map.csv"\n[[step]]\nkind = "association"\nmap = "."\n'
        '[[step]]\nkind = "modules"\nfile = "none.txt"\n'
    )
    found = analyse(small_trial(), read_analysis_plan(tmp_path / "plan.toml")).findings
    said = [str(finding) for finding in found if finding.severity == "error"]
    assert sum("tips.nwk: not done: this is no Newick tree" in line for line in said) == 3
    assert any("association, map.csv, microbe: not done: there is no column 'microbe'" in line for line in said)
    assert any("association 2" in line and "Is a directory" in line for line in said)
    assert any("modules, none.txt: not done: the file cannot be read" in line for line in said)
    assert not any(str(tmp_path) in line for line in said)


def test_formulas_that_give_no_number():
    table = pl.DataFrame({"x": [0.0, 1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0, 5.0]})
    with pytest.raises(InputError, match=r"row 1: log\(x\) is no finite number in 1 rows"):
        model_matrix(table, "log(x)")
    with pytest.raises(InputError, match="there is no column 'z'. Columns are x, y"):
        model_matrix(table, "x", ("z",))
    with pytest.raises(InputError) as caught:
        model_matrix(table, "x +")
    assert ".." not in str(caught.value)


def test_people_who_are_not_known_are_no_person():
    given = Given(HOSTILE["samples_of_nobody"](), Design(visits=["before", "after"]))
    with pytest.raises(InputError, match="nobody has two"):
        Volatility(name="v").run(given)
    with pytest.raises(InputError, match="nobody has two"):
        FirstDistances(name="f").run(given)
    some = tables(6)
    known = pl.when(pl.col("person") > "p00").then("person").alias("person")
    study = Study.of(some | {"samples": some["samples"].with_columns(known)})
    done = Volatility(name="v", permutations=0).run(Given(study, Design(visits=["before", "after"])))
    assert len(done.tables["distances"]) == 5
    assert any("2 rows that name no person were left out" in note.what for note in done.notes)


def test_an_arm_that_is_lost_at_the_end_has_no_mean_there():
    made = whole(HOSTILE["arm_lost_at_the_end"](), [BY_KIND["change"](name="c", outcomes=["pss-10.total"])])
    course = made.done["c"].tables["course"]
    there = course.filter((pl.col("arm") == "control") & (pl.col("visit") == "after"))
    lost = course.filter((pl.col("arm") == "course") & (pl.col("visit") == "after"))
    assert there["adjusted_mean"].null_count() == 0
    assert lost["adjusted_mean"].null_count() == len(lost)


def test_tables_and_figures_of_two_steps_never_share_a_file(tmp_path):
    names = ("a/b", "a:b", "A-b", "../x", "µ" * 300)
    steps = [BY_KIND["anosim"](name=name, permutations=99) for name in names]
    made = analyse(small_trial(), AnalysisPlan(step=steps, design=suggested_design(small_trial())))
    out = write_analysis(made, tmp_path / "out")
    files = [path.name.casefold() for path in (out / "tables").iterdir()]
    assert len(files) == len(set(files)) == sum(len(done.tables) for done in made.done.values()) >= len(names)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    chart = alt.Chart(pl.DataFrame({"x": [1, 2]})).mark_point().encode(x="x:Q")
    assert len({path.name.casefold() for path in save_figures(dict.fromkeys(names, chart), tmp_path)}) == 2 * len(names)


@pytest.fixture
def folder(tmp_path):
    HOSTILE["four_people"]().write(tmp_path / "s.study")
    (tmp_path / "plan.toml").write_text(STEP + "points = 3\n")
    return tmp_path


def run(folder: Path, *more: str, out: str = "out", plan: str = "plan.toml") -> int:
    given = ["analyse", str(folder / "s.study"), "--plan", str(folder / plan), "--out", str(folder / out), "--quiet"]
    return cli.main([*given, *more])


def test_force_replaces_an_analysis_and_nothing_else(folder, capsys):
    assert run(folder, out="s.study") == 2
    assert run(folder, "--force", out="s.study") == 2
    assert "is no analysis, so --force does not replace it" in capsys.readouterr().err
    (folder / "foreign").mkdir()
    (folder / "foreign" / "thesis.txt").write_text("years")
    assert run(folder, "--force", out="foreign") == 2
    assert run(folder, "--force", out="plan.toml") == 2
    assert (folder / "foreign" / "thesis.txt").read_text() == "years"
    assert run(folder, out="plan.toml/x") == 2
    assert "nothing can be written into" in capsys.readouterr().err
    assert run(folder) == 0
    assert run(folder) == 2
    assert run(folder, out="new/../out") == 2
    assert run(folder, "--force", plan="out/plan.toml") == 2
    assert "the plan lies in the folder that is replaced" in capsys.readouterr().err
    assert run(folder, "--force") == 0
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    Study.read(folder / "s.study")


def test_a_design_that_does_not_fit_names_the_plan(folder, capsys):
    (folder / "plan.toml").write_text('[design]\narm = "arms"\n' + STEP)
    assert run(folder) == 2
    said = capsys.readouterr().err
    assert "plan.toml: design.arm: the study has no column 'arms' (did you mean 'arm'?)" in said
    assert "Traceback" not in said


def test_an_interruption_leaves_nothing(folder, monkeypatch, capsys):
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gutbrain.show.analysis_folder.save_figures", stop)
    assert run(folder) == 130
    assert sorted(path.name for path in folder.iterdir()) == ["plan.toml", "s.study"]
    assert "nothing was written" in capsys.readouterr().err


def test_an_interruption_between_two_renames_gives_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "out"
    with whole_folder(target, False) as work:
        (work / "manifest.json").write_text("old")
    moved = Path.rename

    def rename(self: Path, to: Path) -> Path:
        if self != target and to == target and not self.name.startswith(".out-old"):
            raise KeyboardInterrupt
        return moved(self, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt), whole_folder(target, True) as work:
        (work / "manifest.json").write_text("new")
    assert (target / "manifest.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_closed_pipe_does_not_stop_the_analysis(folder):
    class Closed:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    given = cli.parser().parse_args(["analyse", str(folder / "s.study"), "--out", str(folder / "out"), "--plan",
                                     str(folder / "plan.toml")])  # fmt: skip
    with contextlib.redirect_stdout(Closed()), pytest.raises(BrokenPipeError):
        cli_analyse.analyse(given, "")
    assert (folder / "out" / "report.html").exists()


def test_a_study_without_anything_to_analyse():
    with pytest.raises(InputError, match="no analysis suits what the study holds"):
        analyse(Study.of({"people": frame([("p",)], "person")}))
