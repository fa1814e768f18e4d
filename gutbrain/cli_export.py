"""Command `gutbrain export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.model.axis import Axis
    from gutbrain.people.cohort import Cohort
    from gutbrain.plan import Plan

    Progress = Callable[[str, int, int], None]

# What a file of each form may end in; PEtab is a folder.
ENDINGS = {"sbml": (".xml", ".sbml"), "latex": (".tex",), "html": (".html", ".htm"), "petab": ("",)}
NAMES = {"sbml": "SBML", "latex": "LaTeX", "html": "HTML", "petab": "PEtab"}


def add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain export`."""
    export = commands.add_parser("export", help="write an axis or a run for other programs: sbml, latex, html, petab")
    export.add_argument("form", choices=tuple(ENDINGS), help="sbml for simulators, latex or html for readers, petab "
                        "for fitting programs (a folder)")  # fmt: skip
    export.add_argument("what", help="name of an axis (standard), or the folder of a run")
    export.add_argument("--out", type=Path, required=True, help="file to write; of petab the folder")
    export.add_argument("--arm", help="sbml of a run: whose acts are written (the arm that its report is about)")
    export.add_argument("--force", action="store_true", help="replace what is there")
    export.add_argument("--quiet", action="store_true", help="no progress bar")
    return export


def export(options: argparse.Namespace, command: str, progress: Progress | None = None) -> int:
    """Run `gutbrain export`."""
    _refuse(options)
    axis, plan = _asked(options.what)
    title = f"{axis.name} axis" if plan is None else plan.title
    if options.form == "petab":
        from gutbrain.export.petab import write_petab

        problem = write_petab(Path(options.what) if plan else axis, options.out, force=options.force, command=command)
        print(f"{options.out}: {problem.measurements} measurements in {problem.experiments} experiments, "
              f"{problem.parameters} parameters to fit")  # fmt: skip
        for line in problem.said:
            print(f"- left out: {line}")
        return 0
    if options.form == "sbml":
        print("\n".join(_sbml(options, axis, plan, title, progress)))
        return 0
    if options.form == "latex":
        from gutbrain.export.latex import write_latex as write
    else:
        from gutbrain.export.html import write_html as write
    print(write(axis, options.out, title, plan, options.force))
    return 0


def _refuse(options: argparse.Namespace) -> None:
    """Refuse what cannot be before anything is computed."""
    form, out = options.form, options.out
    if out.suffix.lower() not in ENDINGS[form]:
        if form == "petab":
            raise InputError(f"PEtab is a folder, so --out cannot end in {out.suffix!r}", mend="Name a folder")
        endings = " or ".join(ENDINGS[form])
        raise InputError(f"{NAMES[form]} is written to a file that ends in {endings}, not to {str(out)!r}",
                         mend=f"Give --out {out.stem or 'model'}{ENDINGS[form][0]}")  # fmt: skip
    if options.arm is not None and form != "sbml":
        raise InputError(f"--arm is for sbml; {NAMES[form]} holds every arm", mend="Leave it out")
    if form == "petab":
        refuse_existing(out, options.force)
        return
    from gutbrain.export.whole_file import refuse_file

    refuse_file(out, options.force)


def _asked(what: str) -> tuple[Axis, Plan | None]:
    """Return the axis that is named, or that of a run folder with its plan."""
    from gutbrain.body.whole import AXES
    from gutbrain.job import axis_of
    from gutbrain.model.axis import nearest
    from gutbrain.plan import read_plan

    if what in AXES:
        return AXES[what](), None
    folder = Path(what)
    if not folder.is_dir():
        raise InputError(
            f"{what!r} is neither an axis nor the folder of a run{nearest(what, AXES)}",
            mend=f"Axes are {', '.join(AXES)}; a run is written by gutbrain run PLAN --out DIR",
        )
    if not (folder / "plan.toml").is_file():
        raise InputError("is no run: it has no plan.toml", file=folder,
                         mend="Give the folder of a run: gutbrain run PLAN --out DIR")  # fmt: skip
    plan = read_plan(folder / "plan.toml")
    return axis_of(plan), plan


def _sbml(
    options: argparse.Namespace, axis: Axis, plan: Plan | None, title: str, progress: Progress | None
) -> list[str]:
    """Write SBML and return what is told of it."""
    import libsbml  # noqa: F401  (what is missing is said before the long settling, not after it)

    from gutbrain.export.sbml import write_sbml
    from gutbrain.export.sbml_acts import acts_of, typical_acts
    from gutbrain.people.cohort import Cohort

    acts = []
    if plan is None:
        if options.arm is not None:
            raise InputError("--arm names an arm of a run; an axis has none", mend="Leave it out")
        person = _settled(Cohort.reference(axis), 15.0, progress)
    else:
        number = _arm(plan, options.arm)
        chosen = acts_of(plan.trial(), number)
        person = Cohort.draw(axis, 1, 1, plan.seed, plan.people.open_edges, plan.people.fixed)
        acts = typical_acts(axis, person, chosen)  # what no lever takes is said before the long settling
        person = _settled(person, plan.step_minutes, progress)
        acts = typical_acts(axis, person, chosen)
        title += f": {plan.arm[number].name}"
    found = write_sbml(axis, options.out, person=person, acts=acts, title=title, force=options.force)
    states = sum(one.kind == "state" for one in found.quantities)
    lines = [
        f"{options.out}: SBML level 3 version 2, {states} states, {len(found.quantities)} quantities, {len(acts)} acts",
        f"  libSBML, units included: {len(found.errors)} errors, {len(found.warnings)} warnings",
    ]
    return lines + [f"  {line}" for line in found.warnings[:5]]


def _arm(plan: Plan, name: str | None) -> int:
    """Return the number of the arm that is asked for, or of the arm that the report is about."""
    from gutbrain.job import compared
    from gutbrain.model.axis import nearest

    if plan.kind != "trial":
        raise InputError("a diet exchange has no arms with acts: its diets differ from person to person",
                         mend="Give the folder of a trial, or an axis")  # fmt: skip
    names = [arm.name for arm in plan.arm]
    asked = compared(plan)[0] if name is None else name
    if asked not in names:
        raise InputError(f"--arm: no arm {asked!r}{nearest(asked, names)} (arms are {', '.join(map(repr, names))})")
    return names.index(asked)


def _settled(person: Cohort, step_minutes: float, progress: Progress | None) -> Cohort:
    """Return a person brought to the midnight of his own ordinary life."""
    from gutbrain.run.settle import settle

    told = None if progress is None else (lambda done, total: progress("settling", done, total))
    try:
        return settle(person, step_minutes=step_minutes, progress=told)
    finally:
        getattr(progress, "close", lambda: None)()  # what is printed next begins a line of its own
