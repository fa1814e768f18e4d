"""Command `gutbrain analyse`."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.analyse.analysis import Analysis
    from gutbrain.analyse.plan import AnalysisPlan
    from gutbrain.study.study import Study

SHOWN = 8  # lines of findings that are printed


def add_analyse(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain analyse`."""
    analyse = commands.add_parser("analyse", help="run an analysis plan on a study: tables, figures and a report")
    analyse.add_argument("study", type=Path, help="study folder, or a run folder that holds one")
    analyse.add_argument("--plan", type=Path, help="analysis plan (TOML); the one that suits the study by default")
    analyse.add_argument("--draft", action="store_true", help="print the plan with every default and do nothing")
    analyse.add_argument("--out", type=Path, help="folder to write")
    analyse.add_argument("--force", action="store_true", help="replace the folder if it exists")
    analyse.add_argument("--quiet", action="store_true", help="no progress bar")
    return analyse


def analyse(options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Run `gutbrain analyse`; return 1 if a step broke off unforeseen."""
    if options.out is None and not options.draft:
        raise InputError("nothing says where the analysis goes", mend="Give --out DIR, or --draft to see the plan")
    if options.out is not None:
        refuse_target(options.out, options.force, options.plan)
    from gutbrain.analyse.plan import read_analysis_plan, suggest

    study = read_study_folder(options.study)
    plan = read_analysis_plan(options.plan) if options.plan else suggest(study)
    if options.draft:
        print(f"# hash {plan.hash}\n{plan.text()}", end="")
        return 0
    with contextlib.suppress(BrokenPipeError):  # who stops reading may still want the folder
        if not options.plan:
            print("No --plan: the one that suits the study is run, all of it exploratory (--draft prints it).")
        print("\n".join(plan_said(plan)), flush=True)
    from gutbrain.analyse.analysis import analyse as run

    try:
        made = run(study, plan, progress=progress, debug=options.debug)
    except InputError as error:
        if error.file is not None or not options.plan:
            raise
        raise InputError(
            error.what, file=options.plan, row=error.row, field=error.field, mend=error.mend
        ) from error  # what does not fit stands in the plan
    from gutbrain.show.analysis_folder import write_analysis

    write_analysis(made, options.out, options.force, command)
    print("\n".join(["", *analysis_said(made), "", str(options.out / "report.html")]))
    return 1 if made.failed else 0


def refuse_target(out: Path, force: bool, plan: Path | None = None) -> None:
    """Refuse a target that exists; with `force`, one that is no analysis or that holds the plan.

    Raises
    ------
    InputError
        If anything but an earlier analysis would be replaced.
    """
    refuse_existing(out, force)
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"nothing can be written into {above}", mend="Choose another --out")
    if not out.exists() or not any(out.iterdir()):
        return
    if not ((out / "manifest.json").exists() and (out / "tested.csv").exists()):
        raise InputError(f"{out} is no analysis, so --force does not replace it", mend="Choose another --out")
    if plan is not None and out.resolve() in plan.resolve().parents:
        raise InputError("the plan lies in the folder that is replaced", file=plan, mend="Copy it elsewhere first")


def read_study_folder(folder: Path) -> Study:
    """Read a study folder, or the study of a run folder.

    Raises
    ------
    InputError
        If it is neither.
    """
    from gutbrain.study.study import Study, is_study

    inner = folder / "study"
    return Study.read(inner if not is_study(folder) and inner.is_dir() else folder)


def plan_said(plan: AnalysisPlan) -> list[str]:
    """Return a plan in a few lines."""
    design = plan.design
    kinds = Counter(step.kind for step in plan.step)
    steps = ", ".join(f"{kind} ({count})" if count > 1 else kind for kind, count in kinds.items())
    return [
        f"plan      {plan.hash[:12]}, {len(plan.step)} steps: {steps}",
        f"arms      {f'{design.arm}, compared with {design.reference}' if design.arm else 'none'}",
        f"visits    {_few(design.visits)}",
        f"adjusted  {', '.join(design.adjust) or 'for nothing more'}",
    ]


def _few(names: list[str]) -> str:
    """Return a list that may be long on one line."""
    if len(names) > SHOWN:
        return f"{len(names)}: {', '.join(names[:3])} ... {names[-1]}"
    return ", ".join(names) or "none"


def analysis_said(made: Analysis) -> list[str]:
    """Return what an analysis found in a few lines."""
    tested = made.tested.drop_nulls("p")
    lines = [f"{len(tested)} hypotheses tested in {tested['family'].n_unique()} families; tested.csv lists them"]
    for step in made.plan.step:
        if step.name in made.done:
            said = made.done[step.name].said
            lines.append(f"{step.name}: {said[0]}" if said else f"{step.name}: done")
    worst = [finding for finding in made.findings if finding.severity != "note"]
    lines += [str(finding) for finding in worst[:SHOWN]]
    if len(worst) > SHOWN:
        lines.append(f"and {len(worst) - SHOWN} more in findings.csv")
    return lines
