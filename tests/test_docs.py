"""The code in the documentation runs, its plan is read, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gutbrain.model.axis import Axis
from gutbrain.model.check import check
from gutbrain.plan import read_plan

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
