"""Command `gutbrain validate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable

QUICK = {"worlds": 4, "people": 12}
FULL = {"worlds": 10, "people": 40}


def add_validate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain validate`."""
    validate = commands.add_parser("validate", help="hold the model against published findings by virtual trials")
    validate.add_argument("only", nargs="*", help="findings, pathways or uses; all by default")
    validate.add_argument("--posterior", type=Path, help="folder that gutbrain calibrate wrote; the prior by default")
    validate.add_argument("--worlds", type=int, help=f"worlds of belief (default {FULL['worlds']})")
    validate.add_argument("--people", type=int, help=f"people from whom trials recruit (default {FULL['people']})")
    validate.add_argument("--seed", type=int, default=1, help="seed of all draws")
    validate.add_argument("--quick", action="store_true", help="few people and worlds: a look, not a judgement")
    validate.add_argument("--out", type=Path, default=Path("runs/validation"), help="folder to write")
    validate.add_argument("--force", action="store_true", help="replace the folder if it exists")
    validate.add_argument("--quiet", action="store_true", help="no progress bar")
    return validate


def validate(options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Run `gutbrain validate`."""
    refuse_existing(options.out, options.force)
    if options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")
    from gutbrain.body.whole import AXES
    from gutbrain.validation.validate import chosen_designs
    from gutbrain.validation.validate import validate as held

    chosen_designs(options.only)  # what is not known is said before minutes are spent
    axis = AXES["standard"]()
    size = QUICK if options.quick else FULL
    worlds = size["worlds"] if options.worlds is None else options.worlds  # 0 is asked for, and refused
    people = size["people"] if options.people is None else options.people
    beliefs, said = None, "prior"
    if options.posterior is not None:
        from gutbrain.evidence.findings import data_hash
        from gutbrain.fit.calibration.kept import read_posterior

        kept = read_posterior(options.posterior, axis)
        if kept.account.get("data_hash") != data_hash():
            print("- the findings have changed since this posterior was made", flush=True)
        beliefs, said = kept.some(worlds), f"posterior of {kept.account['date']}, seed {kept.account['seed']}"
    made = held(
        axis, worlds=worlds, people=people, seed=options.seed, beliefs=beliefs, beliefs_are=said, wanted=options.only,
        progress=progress,
    )  # fmt: skip
    from gutbrain.show.validation_folder import write_validation
    from gutbrain.show.validation_page import verdict

    write_validation(made, options.out, options.force, command)
    print("\n".join([*verdict(made), "", str(options.out / "report.html")]))
    return 0
