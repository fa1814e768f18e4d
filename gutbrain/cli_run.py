"""`gutbrain run`: a plan to a folder, at once or, for many people, chunk by chunk."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutbrain.errors import InputError

if TYPE_CHECKING:
    from gutbrain.job import Done
    from gutbrain.plan import Plan
    from gutbrain.run.simulate import Progress


def add_run(commands: Any) -> argparse.ArgumentParser:
    """Add the command and its options."""
    run: argparse.ArgumentParser = commands.add_parser(
        "run", help="run a plan and write a folder with tables, figures and a report"
    )
    run.add_argument("plan", help="a built-in plan (mbsr, dietswap) or a TOML file")
    run.add_argument("--study", type=Path, help="folder of a diet-exchange study, for plans of that kind")
    run.add_argument("--baseline", help="counts table whose samples give the colons; atlas, or none")
    run.add_argument("--sample", default="", help="the sample of that table that is meant")
    run.add_argument("--posterior", help="worlds that gutbrain calibrate wrote, in place of the prior")
    run.add_argument("--out", type=Path, help="folder to write (default runs/PLAN)")
    run.add_argument("--force", action="store_true", help="replace the run folder if it exists")
    run.add_argument("--people", type=int, help="people in each arm; above 10 000 lives (people in all arms x "
                     "worlds) the run is streamed: it may be stopped and gone on with")  # fmt: skip
    run.add_argument("--worlds", type=int, help="worlds of belief")
    run.add_argument("--seed", type=int, help="seed of all draws")
    run.add_argument("--stream", action="store_true", help="stream a smaller run as well")
    run.add_argument("--on", default="", metavar="PLACE",
                     help="stream it on local:N (processes), dask://HOST:PORT (a cluster) or gpu")  # fmt: skip
    run.add_argument("--keep", type=int, metavar="N", help="of a streamed run: people whose daily courses are kept "
                     "(default 12)")  # fmt: skip
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    return run


def run(options: argparse.Namespace, command: str, progress: Progress | None) -> int:
    """Run a plan; return 0."""
    plan = plan_of(options)
    out = options.out or Path("runs") / Path(options.plan).stem
    done = _exchange(plan, options, out, command, progress) if plan.kind == "exchange" else _trial(
        plan, options, out, command, progress)  # fmt: skip
    print("\n".join(done.lines))
    return 0


def plan_of(options: argparse.Namespace) -> Plan:
    """Return the plan with what the options change.

    Raises
    ------
    InputError
        For a plan that cannot be read, or fewer than one person or world.
    """
    from gutbrain.plan import read_plan

    plan = read_plan(options.plan)
    people = plan.people
    changes: dict[str, Any] = {}
    if options.people is not None:
        changes["per_arm"] = options.people
    if options.worlds is not None:
        changes["worlds"] = options.worlds
    if options.baseline is not None:
        changes["baseline"] = options.baseline
    if options.sample:
        changes["sample"] = options.sample
    if options.posterior is not None:
        changes["posterior"] = options.posterior
    for key in ("per_arm", "worlds"):
        if changes.get(key, 1) < 1:
            raise InputError(f"--{'people' if key == 'per_arm' else key} must be at least 1, not {changes[key]}")
    update: dict[str, Any] = {"people": people.model_copy(update=changes)}
    if options.seed is not None:
        update["seed"] = options.seed
    return plan.model_copy(update=update)


def _exchange(
    plan: Plan, options: argparse.Namespace, out: Path, command: str, progress: Progress | None
) -> Done:  # fmt: skip
    from gutbrain.folder import refuse_existing

    refuse_existing(out, options.force)
    if options.study is None:
        raise InputError(f"plan {options.plan!r} predicts a study", mend="Give its folder with --study")
    if options.on or options.stream or options.keep is not None:
        raise InputError("--on, --stream and --keep are for trials", mend="Leave them out")
    if not options.study.is_dir():
        raise InputError("there is no such study folder", file=options.study)
    from gutbrain.job import run_exchange

    return run_exchange(plan, options.study, out, force=options.force, progress=progress, command=command)


def _trial(plan: Plan, options: argparse.Namespace, out: Path, command: str, progress: Progress | None) -> Done:
    if options.study is not None:
        raise InputError(
            f"plan {options.plan!r} is a trial, so --study has no use", mend="Leave it out, or use --baseline"
        )
    from gutbrain.folder import refuse_existing
    from gutbrain.population.job import KEEP, is_population, run_population

    if options.on or options.stream or is_population(plan):
        return run_population(
            plan, out, on=options.on, keep=KEEP if options.keep is None else options.keep, force=options.force,
            progress=progress, command=command, say=_quiet if options.quiet else _say,
        )  # fmt: skip
    if options.keep is not None:
        raise InputError("--keep is for a streamed run", mend="Leave it out, or give --stream")
    refuse_existing(out, options.force)
    from gutbrain.job import run_trial

    return run_trial(plan, out, force=options.force, progress=progress, command=command)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _quiet(_: str) -> None:
    """Say nothing."""
