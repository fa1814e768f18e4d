"""Command `gutbrain sensitivity`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.fit.sensitivity.weighed import Settings
    from gutbrain.model.axis import Axis
    from gutbrain.plan import Plan

USUAL, QUICK = {"trajectories": 10, "base": 256, "keep": 14}, {"trajectories": 4, "base": 64, "keep": 8}
LEAST_BASE = 32  # rows below which an index is mostly noise
MOST_BASE = 16384
READABLE = 64  # signals that a run keeps beside the outcomes: those that have a name in words


def add_sensitivity(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain sensitivity`."""
    asked = commands.add_parser("sensitivity", help="say which unknowns an outcome hangs on, and which have no source")
    asked.add_argument("plan", help="a built-in plan (mbsr) or a TOML file of a trial")
    asked.add_argument("--outcome", action="append", default=[], help="signal; may be repeated (default: the report's)")
    asked.add_argument("--arm", default="", help="arm (default: that of the report)")
    asked.add_argument("--comparator", default="", help="arm it is compared with (default: that of the report)")
    asked.add_argument("--level", action="store_true", help="weigh the level in the arm, not the effect of the arm")
    asked.add_argument("--trajectories", type=int, help=f"of the screening ({USUAL['trajectories']})")
    asked.add_argument("--base", type=int, help=f"rows of the second step, a power of two ({USUAL['base']})")
    asked.add_argument("--keep", type=int, help=f"most unknowns that get Sobol indices ({USUAL['keep']})")
    asked.add_argument("--seed", type=int, help="seed of all draws (default: the plan's)")
    asked.add_argument("--quick", action="store_true", help="a first look: fewer draws, wide intervals")
    asked.add_argument("--out", type=Path, required=True, help="folder to write")
    asked.add_argument("--force", action="store_true", help="replace the folder if it exists")
    asked.add_argument("--quiet", action="store_true", help="no progress bar")
    return asked


def sensitivity(
    options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None
) -> int:
    """Run `gutbrain sensitivity`."""
    from gutbrain.folder import refuse_existing
    from gutbrain.plan import read_plan

    settings_given = {**(QUICK if options.quick else USUAL), **_given(options)}
    refuse_existing(options.out, options.force)
    plan = read_plan(options.plan)
    if plan.kind != "trial":
        raise InputError(
            f"plan {options.plan!r} is no trial: it has no arms to compare", mend="Choose a plan of a trial"
        )
    arm, comparator = _pair(options, plan)
    import SALib  # noqa: F401  (what is missing is said before anything is run)

    from gutbrain.fit.sensitivity.answers import asked_of
    from gutbrain.fit.sensitivity.unknowns import space_of
    from gutbrain.fit.sensitivity.weighed import Settings, weigh
    from gutbrain.job import axis_of
    from gutbrain.plan_checks import refuse_long_step
    from gutbrain.protocols.protocol import check_acts
    from gutbrain.show.sensitivity_folder import summary, write_sensitivity

    seed = plan.seed if options.seed is None else options.seed
    settings = Settings(**settings_given, seed=seed)
    axis = axis_of(plan)
    refuse_long_step(axis, plan)
    wanted = _outcomes(options, plan, axis)
    beside = tuple(name for name in plan.report.outcomes if name in axis.columns and name not in wanted)
    readings = tuple(dict.fromkeys((*_readings(axis), *beside)))
    trial = plan.trial()
    asked = asked_of(
        axis, trial, arm, comparator, (*wanted, *beside, *readings), options.level, plan.step_minutes, plan.engine
    )
    check_acts(axis, [act for _, act in asked.trial.acts])
    space = space_of(axis, asked.trial, plan.people.fixed, plan.people.open_edges)
    print("\n".join(_announced(settings, len(space.unknowns), space.size, arm, comparator, wanted, options.level)),
          flush=True)  # fmt: skip
    begun = time.monotonic()
    found = weigh(asked, space, wanted, beside, readings, settings, progress)
    seconds = time.monotonic() - begun
    write_sensitivity(found, options.out, plan, force=options.force, command=command, seconds=seconds)
    print("\n".join(summary(found, options.out)))
    return 0


def _given(options: argparse.Namespace) -> dict[str, int]:
    """Return the numbers that were given, refused where they cannot be used."""
    from gutbrain.fit.sensitivity import FEWEST

    given = {key: getattr(options, key) for key in USUAL if getattr(options, key) is not None}
    trajectories, base, keep = (given.get(key, USUAL[key]) for key in USUAL)
    if trajectories < FEWEST:
        raise InputError(
            f"--trajectories must be at least {FEWEST}, not {trajectories}: fewer do not show how much they differ"
        )
    if base < LEAST_BASE or base & (base - 1) or base > MOST_BASE:
        low = max(LEAST_BASE, 1 << max(0, base.bit_length() - 1))
        near = min((low, low * 2), key=lambda size: abs(size - base)) if base > 0 else LEAST_BASE
        raise InputError(
            f"--base must be a power of two from {LEAST_BASE} to {MOST_BASE}, not {base}",
            mend=f"Give --base {min(near, MOST_BASE)}: a Sobol sequence is even only at powers of two",
        )
    if not 2 <= keep <= 60:
        raise InputError(f"--keep must be from 2 to 60, not {keep}")
    if options.seed is not None and options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")
    return given


def _pair(options: argparse.Namespace, plan: Plan) -> tuple[str, str]:
    """Return arm and comparator.

    Raises
    ------
    InputError
        If the plan has not two arms, or not these.
    """
    from gutbrain.job import compared
    from gutbrain.model.axis import nearest

    names = [arm.name for arm in plan.arm]
    if len(names) < 2:
        raise InputError(
            f"an effect needs two arms, and plan {options.plan!r} has {len(names) or 'none'}",
            mend="Add an [[arm]] to compare with",
        )
    arm, comparator = compared(plan)
    arm, comparator = options.arm or arm, options.comparator or comparator
    for flag, name in (("--arm", arm), ("--comparator", comparator)):
        if name not in names:
            raise InputError(f"{flag}: the plan has no arm {name!r}{nearest(name, names)} (arms: {', '.join(names)})")
    if arm == comparator:
        raise InputError(f"{arm!r} is compared with itself", mend="Give --arm and --comparator")
    return arm, comparator


def _outcomes(options: argparse.Namespace, plan: Plan, axis: Axis) -> tuple[str, ...]:
    from gutbrain.model.axis import nearest

    wanted = tuple(dict.fromkeys(options.outcome)) or (plan.report.primary,)
    for name in wanted:
        if name not in axis.columns:
            raise InputError(f"--outcome: the axis gives no signal {name!r}{nearest(name, axis.columns)}")
    return wanted


def _readings(axis: Axis) -> tuple[str, ...]:
    """Return the signals that somebody might measure: those that are told in words."""
    from gutbrain.show.words import SIGNALS

    return tuple(name for name in SIGNALS if name in axis.columns)[:READABLE]


def _announced(
    settings: Settings, unknowns: int, numbers: int, arm: str, comparator: str, wanted: tuple[str, ...], level: bool
) -> list[str]:
    what = f"level in {arm}" if level else f"effect of {arm} against {comparator}"
    first = settings.trajectories * (unknowns + 1)
    second = settings.base * (settings.keep + 4)
    return [
        f"{what} on {', '.join(wanted)}: {unknowns} unknowns ({numbers} numbers)",
        f"  Morris: {first} people; Sobol: at most {second} people; each is settled and lives through both arms",
    ]
