"""One file, whole or not at all; nothing is overwritten unasked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gutbrain.errors import InputError


def refuse_file(target: Path, force: bool) -> None:
    """Refuse a file that exists, before any work is done.

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or if a folder stands there.
    """
    try:
        if target.is_dir():
            raise InputError(f"{target} is a folder", mend="Name a file with --out")
        if target.exists() and not force:
            raise InputError(f"{target} exists already; nothing was written",
                             mend="Choose another --out, or give --force")  # fmt: skip
    except OSError as error:
        raise InputError(f"{target} cannot be looked at: {error.strerror}", mend="Choose another --out") from error


@contextmanager
def whole_file(target: Path, force: bool) -> Iterator[Path]:
    """Give a path to write to; it becomes `target` only if everything was written.

    Raises
    ------
    InputError
        If the target may not be replaced, the disk is full or the place cannot be written.
    """
    refuse_file(target, force)
    work: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        os.close(handle)
        work = Path(name)
        yield work
        refuse_file(target, force)
        work.chmod(0o644)
        os.replace(work, target)
    except OSError as error:
        raise InputError(
            f"{target} was not written: {error.strerror or error}", mend="Choose another --out, or free some space"
        ) from error
    finally:
        if work is not None:
            work.unlink(missing_ok=True)
