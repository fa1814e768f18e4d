"""Commands about real studies: read, and show of a study folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.study.study import Study


def add_read(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain read`."""
    read = commands.add_parser("read", help="read the files of a study into one study folder, and check them")
    read.add_argument("places", nargs="+", type=Path, metavar="FILE-OR-FOLDER", help="files, or a folder with them")
    read.add_argument("--map", type=Path, help="mapping file (TOML): what the files and their columns are")
    read.add_argument("--guess", action="store_true", help="print a draft of the mapping file and read nothing")
    read.add_argument("--out", type=Path, help="study folder to write")
    read.add_argument("--force", action="store_true", help="replace the study folder if it exists")
    read.add_argument("--html", action="store_true", help="write report.html with pictures into the folder too")
    read.add_argument(
        "--pseudonymise", type=Path, metavar="KEY-FILE",
        help="replace identifiers by keyed hashes and shift dates; a key is made if the file does not exist",
    )  # fmt: skip
    read.add_argument("--quiet", action="store_true", help="no progress bar")
    return read


def read(options: argparse.Namespace, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Run `gutbrain read`."""
    if options.guess:
        from gutbrain.study.mapped.guess import guess

        print(guess(options.places).rstrip("\n"))
        return 0
    if options.out is None:
        raise InputError("nothing says where the study goes", mend="Give --out my.study, or --guess to see a mapping")
    refuse_existing(options.out, options.force)
    from gutbrain.study.describe import describe
    from gutbrain.study.mapped.mapping import read_mapping
    from gutbrain.study.reading import read_study

    mapping = read_mapping(options.map) if options.map else None
    study = read_study(options.places, mapping, progress)
    if options.pseudonymise:
        from gutbrain.study.privacy import pseudonymise, read_key

        if options.pseudonymise.resolve().is_relative_to(options.out.resolve()):
            raise InputError("the key must not lie in the study folder", mend="Name a file elsewhere")
        study = pseudonymise(study, read_key(options.pseudonymise))
    study.write(options.out, options.force)
    print(describe(study))
    if options.html:
        _page(study, options.out)
    print(f"\n{options.out}")
    return 0


def show(folder: Path, options: argparse.Namespace) -> int:
    """Run `gutbrain show FOLDER` for a study folder."""
    from gutbrain.study.describe import describe
    from gutbrain.study.study import Study

    study = Study.read(folder)
    if options.scores:
        from gutbrain.study.scores import scores

        print(scores(study).write_csv(), end="")
    elif options.sql:
        import polars as pl

        with pl.Config(tbl_rows=50, tbl_cols=-1, tbl_hide_dataframe_shape=True, fmt_str_lengths=60):
            print(study.sql(options.sql))
    else:
        print(describe(study))
    if options.html:
        _page(study, folder)
    return 0


def _page(study: Study, folder: Path) -> None:
    from gutbrain.show.study_page import study_page

    path = folder / "report.html"
    text = study_page(study)
    part = path.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write: {error.strerror}", file=path) from error
    print(path, file=sys.stdout)
