"""Run folders: whole or not at all. Nothing half-written stays, nothing is overwritten unasked."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gutbrain.errors import InputError

VERSIONS = ("gutbrain", "jax", "numpy", "scipy", "polars", "altair")


def refuse_existing(target: Path, force: bool) -> None:
    """Refuse a target that exists, before any work is done.

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or if it is not a run folder.
    """
    try:
        if not target.exists():
            _refuse_place(target)
            return
    except OSError as error:
        raise InputError(f"{target} cannot be looked at: {error.strerror}", mend="Choose another --out") from error
    if not force:
        raise InputError(f"{target} exists already; nothing was written", mend="Choose another --out, or give --force")
    if target.is_file() or (any(target.iterdir()) and not (target / "manifest.json").exists()):
        raise InputError(f"{target} is not a run folder (it has no manifest.json), so --force does not replace it")


def _refuse_place(target: Path) -> None:
    """Refuse a folder below a file or where nobody may write, so that it is said before minutes are spent."""
    place = next(one for one in target.absolute().parents if one.exists())
    if not place.is_dir():
        raise InputError(f"{target}: nothing can be written into {place}, which is a file", mend="Choose another --out")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{target} cannot be written: {place} is closed to you", mend="Choose another --out")


@contextmanager
def whole_folder(target: Path, force: bool) -> Iterator[Path]:
    """Give a folder to write into; it becomes `target` only if everything was written.

    Raises
    ------
    InputError
        If the disk is full or the place cannot be written.
    """
    refuse_existing(target, force)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise InputError(f"cannot write beside {target}: {error.strerror}", mend="Choose another --out") from error
    old = None
    try:
        refuse_existing(target, force)  # once more: above, "new/../there" was not there yet
        yield work
        work.chmod(0o755)
        if target.exists():
            old = target.with_name(f".{target.name}-old-{work.name[-8:]}")
            target.rename(old)
        work.rename(target)
        if old is not None:
            shutil.rmtree(old)
    except OSError as error:
        raise InputError(
            f"{target} was not written: {error.strerror or error}", mend="Free some space, or choose another --out"
        ) from error
    finally:
        if old is not None and old.exists() and not target.exists():  # interrupted between the two renames
            old.rename(target)
        if work.exists():
            shutil.rmtree(work, ignore_errors=True)


def write_manifest(work: Path, command: str, **facts: str | int | float) -> None:
    """Write manifest.json: how the folder was made, with which versions, and a checksum of each file in it."""
    files = sorted(path for path in work.rglob("*") if path.is_file())
    content = {
        "command": command, **facts, "python": platform.python_version(),
        "versions": {name: _version(name) for name in VERSIONS},
        "sha256": {path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }  # fmt: skip
    (work / "manifest.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
