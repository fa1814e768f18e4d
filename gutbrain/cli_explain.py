"""Command `gutbrain explain`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.model.axis import Axis
    from gutbrain.plan import Plan


def add_explain(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain explain`."""
    explain = commands.add_parser("explain", help="say which paths carried an effect of a run")
    explain.add_argument("run", type=Path, help="run folder")
    explain.add_argument("--outcome", required=True, help="signal, for example mind.negative_affect")
    explain.add_argument("--arm", default="", help="arm (default: that of the report)")
    explain.add_argument("--comparator", default="", help="arm it is compared with (default: that of the report)")
    explain.add_argument("--day", type=int, help="last day of the week that is explained (default: end of the course)")
    explain.add_argument("--quick", action="store_true", help="paths and arrows alone, no shares of pathways")
    explain.add_argument("--out", type=Path, help="folder to write: report.html, tables, flow map, explain.json")
    explain.add_argument("--force", action="store_true", help="replace the folder if it exists")
    explain.add_argument("--quiet", action="store_true", help="no progress bar")
    return explain


def explain(options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Run `gutbrain explain`.

    Raises
    ------
    InputError
        For a folder that is no run, an unknown outcome, arm or day; nothing is written then.
    """
    from gutbrain.folder import refuse_existing
    from gutbrain.job import axis_of
    from gutbrain.plan_checks import refuse_long_step

    if options.force and options.out is None:
        raise InputError("--force replaces a folder, and none is named", mend="Give --out DIR, or leave it out")
    if options.out is not None:
        refuse_existing(options.out, options.force)
        if options.out.exists() and any(options.out.iterdir()) and not (options.out / "explain.json").exists():
            what = f"{options.out} is no explanation, so --force does not replace it"
            raise InputError(what, mend="Choose another --out")
    plan = _plan_of(options.run)
    axis = axis_of(plan)
    refuse_long_step(axis, plan)
    arm, comparator = _arms(plan, options.arm, options.comparator)
    day = _asked(plan, axis, options.outcome, options.day)
    from gutbrain.people.cohort import Cohort
    from gutbrain.run.explain import explain as decompose
    from gutbrain.show.explain_words import explained

    told = None if progress is None else (lambda done, total: progress("explaining", done, total))
    # What the plan says of everybody holds for the reference person as well.
    person = Cohort.reference(axis, **plan.people.fixed)
    found = decompose(
        axis, plan.trial(), arm, comparator, options.outcome, day=day, person=person, step_minutes=plan.step_minutes,
        pathways=not options.quick, progress=told,
    )  # fmt: skip
    if options.out is not None:
        from gutbrain.job import versions
        from gutbrain.show.explain_page import write_explanation

        write_explanation(found, axis, options.out, options.force, plan.title, {**versions(), "command": command})
    print(explained(found))
    if options.out is not None:
        print(f"\n{options.out / 'report.html'}")
    return 0


def _plan_of(folder: Path) -> Plan:
    """Return the plan of a run folder."""
    from gutbrain.plan import read_plan

    path = folder / "plan.toml"
    if not path.is_file():
        what = "this is no run folder: it holds no plan.toml" if folder.is_dir() else "there is no such run folder"
        raise InputError(what, file=folder, mend="Make one with gutbrain run")
    plan = read_plan(path)
    if plan.kind != "trial":
        raise InputError("only trials have arms whose difference can be explained", file=folder)
    return plan


def _arms(plan: Plan, arm: str, comparator: str) -> tuple[str, str]:
    """Return the two arms that are compared: those asked for, the rest as the report has them."""
    from gutbrain.job import compared
    from gutbrain.model.axis import nearest

    names = [one.name for one in plan.arm]
    if len(names) < 2:
        raise InputError("the plan has one arm: there is nothing to compare it with", mend="Run a plan with two")
    usual = compared(plan)
    for option, name in (("--arm", arm), ("--comparator", comparator)):
        if name and name not in names:
            raise InputError(
                f"{option}: the run has no arm {name!r}{nearest(name, names)}", mend=f"Arms are {', '.join(names)}"
            )
    chosen = arm or usual[0], comparator or usual[1]
    if chosen[0] == chosen[1]:
        raise InputError(f"arm {chosen[0]!r} cannot be compared with itself", mend="Give --arm and --comparator")
    return chosen


def _asked(plan: Plan, axis: Axis, outcome: str, day: int | None) -> int | None:
    """Refuse an outcome that the axis does not give and a day outside the run; return the day."""
    from gutbrain.model.axis import nearest

    if outcome not in axis.columns:
        within = [label for label in axis.columns if label.startswith(f"{outcome}[")]
        mend = f"Name one entry: {', '.join(within[:3])} ..." if within else "gutbrain show signals lists them all"
        raise InputError(f"--outcome: the axis gives no signal {outcome!r}{nearest(outcome, axis.columns)}", mend=mend)
    if day is not None and not 0 <= day < plan.days:
        raise InputError(f"--day: {day} is not within the {plan.days} days of the run (0 to {plan.days - 1})")
    return day
