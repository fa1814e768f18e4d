"""Imports go one way; who has only data pays for no simulator."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = (("errors", "evidence", "folder", "plans"), ("model",), ("body",), ("protocols", "people"), ("run",),
         ("observe",), ("study",), ("validation",),
         ("analyse", "fit", "design"), ("show", "plan"), ("plan_checks",), ("job", "export", "population"), ("bench",),
         ("cli_study", "cli_analyse"),
         ("cli_couple", "cli_evidence", "cli_validate", "cli_calibrate", "cli_explain", "cli_channel",
          "cli_sensitivity", "cli_export", "cli_run", "cli_bench"), ("cli",))  # fmt: skip
# `Result.plot` is asked for by its users and drawn by `show`: the one look upwards, made when it is called.
UPWARDS = {("run/result.py", "gutbrain.show.plots.trajectory")}
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
FILES = [f for f in sorted((ROOT / "gutbrain").rglob("*.py")) if f != ROOT / "gutbrain" / "__init__.py"]


def imported(file: Path) -> list[tuple[int, str]]:
    """Return line and full name of every import that runs; what stands under TYPE_CHECKING does not."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing = [n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]
    asleep = {id(node) for branch in typing for part in branch.body for node in ast.walk(part)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in asleep:
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and id(node) not in asleep:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT / "gutbrain")))
def test_imports_go_one_way(file):
    own = file.relative_to(ROOT / "gutbrain").with_suffix("").parts[0]
    assert own in RANK, f"{own} has no place in the order of imports; give it one here"
    place = file.relative_to(ROOT / "gutbrain").as_posix()
    ours = [(line, f"{name}.".split(".")) for line, name in imported(file)
            if name.split(".")[0] == "gutbrain" and (place, name) not in UPWARDS]  # fmt: skip
    # What the package gives as a whole stands at the top of the order.
    wrong = [f"line {line}: {own} imports {'.'.join(parts).strip('.')}" for line, parts in ours
             if RANK.get(parts[1], len(ORDER) - 1) > RANK[own]]  # fmt: skip
    if own in ("study", "analyse"):
        wrong += [f"line {line}: {own} imports {name}" for line, name in imported(file)
                  if name.split(".")[0] in ("jax", "diffrax") or name.startswith("gutbrain.model")]  # fmt: skip
    assert wrong == []


TABLES = [f for f in FILES if {"study", "analyse"} & set(f.relative_to(ROOT).parts)]
LIGHT = [
    "gutbrain",
    "gutbrain.evidence.findings",
    *(".".join(f.relative_to(ROOT).with_suffix("").parts) for f in TABLES),
]


def test_importing_brings_no_simulator():
    """One process for all modules: the first that brings a simulator is named."""
    asked = (
        "import importlib, sys\n"
        f"for name in {LIGHT!r}:\n"
        "    importlib.import_module(name)\n"
        "    brought = [m for m in ('jax', 'diffrax', 'gutbrain.model.axis') if m in sys.modules]\n"
        "    if brought: print(name, brought); break\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
