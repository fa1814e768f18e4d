"""Command `gutbrain calibrate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable


def add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain calibrate`."""
    calibrate = commands.add_parser("calibrate", help="fit what nobody knows to the findings marked for it")
    calibrate.add_argument("--draft", action="store_true", help="say what would be fitted to what, and do nothing")
    calibrate.add_argument("--worlds", type=int, default=40, help="worlds of belief that are moved (default 40)")
    calibrate.add_argument("--people", type=int, default=8, help="people in each world (default 8)")
    calibrate.add_argument("--seed", type=int, default=1, help="seed of all draws")
    calibrate.add_argument("--closed", action="store_true", help="leave closed what is closed by default")
    calibrate.add_argument("--out", type=Path, default=Path("runs/posterior"), help="folder to write")
    calibrate.add_argument("--force", action="store_true", help="replace the folder if it exists")
    calibrate.add_argument("--quiet", action="store_true", help="no progress bar")
    return calibrate


def calibrate(
    options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None
) -> int:
    """Run `gutbrain calibrate`."""
    if not options.draft:
        refuse_existing(options.out, options.force)
    if options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")
    from gutbrain.body.whole import AXES
    from gutbrain.fit.calibration.calibrate import calibrate as fitted

    axis = AXES["standard"]()
    if options.draft:
        from gutbrain.show.calibration_page import drafted

        print("\n".join(drafted(axis, closed=not options.closed)))
        return 0
    made = fitted(
        axis, worlds=options.worlds, people=options.people, seed=options.seed, closed=not options.closed,
        progress=progress,
    )  # fmt: skip
    from gutbrain.show.calibration_page import verdict, write_calibration

    write_calibration(made, options.out, options.force, command)
    print("\n".join([*verdict(made), "", str(options.out / "report.html")]))
    return 0
