"""Command `gutbrain bench`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

ENDINGS = (".json", ".csv")


def add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain bench`."""
    made = commands.add_parser("bench", help="time our engines and the installed peers side by side, error included")
    made.add_argument("--quick", action="store_true", help="few people, 28 days: two minutes instead of many")
    made.add_argument("--only", nargs="+", default=(), metavar="NAME", help="lanes64, lanes32, plain64, fixed, "
                      "libroadrunner, copasi, lsoda; all by default")  # fmt: skip
    made.add_argument("--out", type=Path, help="file to write as well: .json (every round) or .csv (one row a solver)")
    made.add_argument("--force", action="store_true", help="replace the file if it exists")
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    return made


def bench(options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Run `gutbrain bench`."""
    from gutbrain.bench.roster import entries
    from gutbrain.export.whole_file import refuse_file, whole_file

    # What cannot be is said before minutes are spent.
    only = tuple(dict.fromkeys(options.only))
    entries(only, options.quick)
    if options.out is not None:
        if options.out.suffix.lower() not in ENDINGS:
            raise InputError(f"--out is a file that ends in {' or '.join(ENDINGS)}, not {str(options.out)!r}",
                             mend=f"Give --out {options.out.stem or 'bench'}.json")  # fmt: skip
        refuse_file(options.out, options.force)
    from gutbrain.bench.bench import FULL, QUICK
    from gutbrain.bench.bench import bench as measured
    from gutbrain.bench.table import as_csv, as_json, lines
    from gutbrain.body.whole import standard

    made = measured(standard(), QUICK if options.quick else FULL, only, quick=options.quick, progress=progress)
    getattr(progress, "close", lambda: None)()
    if options.out is not None:
        with whole_file(options.out, options.force) as path:
            path.write_text(as_csv(made) if options.out.suffix.lower() == ".csv" else as_json(made, command), "utf-8")
    print("\n".join(lines(made)))
    if options.out is not None:
        print(f"\n{options.out}")
    return 0


__all__ = ["add_bench", "bench"]
