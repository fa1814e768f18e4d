"""The code in the documentation runs, its plan is read, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import polars as pl
import pytest

from gutbrain.cli import main
from gutbrain.model.axis import Axis
from gutbrain.model.check import check
from gutbrain.plan import read_plan
from gutbrain.study.study import Study

sys.path.append(str(Path(__file__).parent / "analyse"))
from small_study import small_trial

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_pathway_of_the_guide_is_sound(capsys):
    names: dict = {"__name__": "gutbrain.body.stomach"}
    definition, use = blocks(ROOT / "docs" / "add_a_pathway.md", "python")
    exec(definition, names)
    found = [finding for finding in check(Axis(names["Stomach"]())) if finding.severity != "note"]
    assert found == []
    exec(use, names)
    assert "largest safe step" in capsys.readouterr().out


def test_the_plan_of_the_guide_is_read(tmp_path):
    (plan,) = blocks(ROOT / "docs" / "getting_started.md", "toml")
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    assert [arm.name for arm in read_plan(tmp_path / "plan.toml").trial().arms] == ["habit", "plants"]


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """Return a folder with `my.study`, made up but with the names that the plan of the guide uses."""
    folder = tmp_path_factory.mktemp("guide")
    named = {"course": "MBSR", "control": "attention control", "PSS-10.total": "pss-10.total", "before": "day 0"}
    parts = []
    for seed, visit, kept in ((7, "day 56", "before|after"), (8, "day 28", "after")):
        tables = {}
        for name, table in small_trial(people=12, seed=seed).tables.items():
            if "visit" in table.columns:
                table = table.filter(pl.col("visit").str.contains(kept))
            texts = pl.col(pl.String).replace({**named, "after": visit})
            sample = [pl.format("{} {}", "sample", pl.lit(seed)).alias("sample")] if "sample" in table.columns else []
            tables[name] = table.with_columns(texts).with_columns(sample)
        more = [tables["readings"].with_columns(pl.col("quantity").replace({"pss-10.total": one, "blood.crp": other}))
                for one, other in (("mind.negative_affect", "stool.butyrate"),)]  # fmt: skip
        parts.append(tables | {"readings": pl.concat([tables["readings"], *more])})
    samples = pl.concat([part["samples"] for part in parts])
    whole = {name: pl.concat([part[name] for part in parts]) for name in ("visits", "readings", "abundances")}
    whole["abundances"] = whole["abundances"].join(samples.select("sample"), on="sample", how="semi")
    fixed = {name: parts[0][name] for name in ("people", "features")}
    Study.of({**fixed, **whole, "samples": samples}, {"title": "As in the guide"}).write(folder / "my.study")
    return folder


@pytest.fixture
def undrawn(analysed, monkeypatch):
    """Work in that folder without drawing: pages and figures have tests of their own, and take most of the time."""
    monkeypatch.chdir(analysed)
    monkeypatch.setattr("gutbrain.show.analysis_folder.save_figures", lambda charts, folder: folder.mkdir())
    monkeypatch.setattr("gutbrain.show.analysis_folder.write_report", lambda path, content: path.touch())


def test_the_commands_of_the_guide_on_analyses_run(undrawn, capsys):
    first = blocks(ROOT / "docs" / "analyse.md", "")[0]
    commands = [shlex.split(line, comments=True) for line in first.splitlines()]
    assert [command[:3] for command in commands] == [["gutbrain", "analyse", "my.study"]] * 3
    for command in commands:
        asked, _, written = " ".join(command[1:]).partition(" > ")
        capsys.readouterr()
        assert main([*asked.split(), "--quiet"]) == 0
        if written:
            Path(written).write_text(capsys.readouterr().out, encoding="utf-8")
    assert {path.name for path in Path("my.analysis").iterdir()} == {
        "report.html", "tested.csv", "people.csv", "findings.csv", "tables", "figures", "plan.toml", "manifest.json",
    }  # fmt: skip


def test_the_plan_and_the_snippets_of_the_guide_on_analyses_run(undrawn, capsys):
    (plan,) = blocks(ROOT / "docs" / "analyse.md", "toml")
    Path("plan.toml").write_text(plan, encoding="utf-8")
    said = blocks(ROOT / "docs" / "analyse.md", "python")
    assert len(said) == 3
    for snippet in said:
        names: dict = {}
        exec(snippet, names)
        if "made" in names:
            assert [f for f in names["made"].findings if f.severity == "error"] == []
    assert "within people" in capsys.readouterr().out
    tested = pl.read_csv("my.analysis/tested.csv", infer_schema_length=None)
    primary = tested.filter(pl.col("family") == "primary")
    assert set(primary["correction"]) == {"holm"}
    assert primary["confirmatory"].all()


def test_names_of_outcomes_in_the_guide_are_known():
    from gutbrain.analyse.named_outcomes import COMPUTED

    told = re.findall(r"^\| `(\w+): ", (ROOT / "docs" / "analyse.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(told) == set(COMPUTED)


def test_the_page_of_steps_is_up_to_date():
    source = importlib.util.spec_from_file_location("write_pages", ROOT / "docs" / "write_pages.py")
    assert source is not None and source.loader is not None
    pages = importlib.util.module_from_spec(source)
    source.loader.exec_module(pages)
    written = (ROOT / "docs" / "analysis_steps.md").read_text(encoding="utf-8")
    assert written == pages.steps_page(), "run make docs"
    guide = (ROOT / "docs" / "analyse.md").read_text(encoding="utf-8")
    assert [kind for kind in map(pages.kind_of, pages.STEPS) if f"`{kind}`" not in guide] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_readme_names_the_size_of_the_standard_axis():
    from gutbrain.body.whole import standard

    axis = standard()
    counts = {"compartments": axis.compartments, "states": axis.rows, "edges": axis.edges}
    counts["parameters"] = axis.parameters
    size = ", ".join(f"{len(found)} {name}" for name, found in counts.items())
    assert size in (ROOT / "README.md").read_text(encoding="utf-8"), "the README gives another size of the axis"


def test_every_decision_is_listed():
    listed = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name not in listed] == []
