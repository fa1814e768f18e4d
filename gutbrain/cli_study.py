"""Commands about real studies: read, and show of a study folder."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.study.part import Finding
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
    from gutbrain.study.describe import describe, report
    from gutbrain.study.mapped.mapping import read_mapping
    from gutbrain.study.reading import read_study

    mapping = read_mapping(options.map) if options.map else None
    study = read_study(options.places, mapping, progress)
    open_names: list[Finding] = []
    if options.pseudonymise:
        from gutbrain.study.privacy import pseudonymise, read_key

        if options.pseudonymise.resolve().is_relative_to(options.out.resolve()):
            raise InputError("the key must not lie in the study folder", mend="Name a file elsewhere")
        noticed = study.findings
        study = pseudonymise(study, read_key(options.pseudonymise))
        open_names = [finding for finding in noticed if finding not in study.findings]
    study.write(options.out, options.force)
    print(describe(study))
    if open_names:  # they may name people and files, so the folder does not hold them
        print("\nnoticed under the true names, and not kept in the folder")
        print("\n".join(report(open_names)))
    if options.html:
        _page(study, options.out)
    print(f"\n{options.out}")
    return 0


def show(folder: Path, options: argparse.Namespace) -> int:
    """Run `gutbrain show FOLDER` for a study folder."""
    from gutbrain.study.describe import describe
    from gutbrain.study.study import Study

    if options.scores and options.sql is not None:
        raise InputError("--scores and --sql ask for two answers", mend="Give one of them")
    if options.out is not None and options.out.exists() and not options.force:
        what = f"{options.out} exists already; nothing was written"
        raise InputError(what, mend="Choose another --out, or give --force")
    study = Study.read(folder)
    if options.scores:
        from gutbrain.study.scores import scores

        text = scores(study).write_csv()
    elif options.sql is not None:
        import polars as pl

        answer = study.sql(options.sql)
        width = shutil.get_terminal_size((200, 50)).columns
        with pl.Config(tbl_rows=50, tbl_cols=-1, fmt_str_lengths=60, tbl_width_chars=width):
            shown = pl.Config(tbl_hide_dataframe_shape=len(answer) <= 50)  # what is cut says how long it is
            with shown:
                text = f"{answer}\n"
    else:
        text = f"{describe(study)}\n"
    if options.out is None:
        print(text, end="")
    else:
        _put(options.out, text)
    if options.html:
        _page(study, folder)
    return 0


def _page(study: Study, folder: Path) -> None:
    from gutbrain.show.study_page import study_page

    _put(folder / "report.html", study_page(study))


def _put(path: Path, text: str) -> None:
    """Write a file whole or not at all, and say where it is."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write: {error.strerror}", file=path) from error
    print(path, file=sys.stdout)
