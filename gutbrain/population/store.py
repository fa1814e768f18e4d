"""A population on disk: a folder a chunk, each whole or not there, and a marker until all are done."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing
from gutbrain.plan import Plan
from gutbrain.population.live import Lived

try:
    import fcntl
except ImportError:  # no such locks on this system: two runs into one folder are not noticed there
    fcntl = None  # type: ignore[assignment]

CHUNKS, MARKER, DONE, LOCK = "chunks", "unfinished.json", "done.json", ".lock"
AGAIN = "Run the same line again to go on"


@dataclass(frozen=True)
class Asked:
    """What a run was asked for, as its marker remembers it.

    Attributes
    ----------
    plan : as written to the marker
    inputs : digest of what the plan names: posterior, counts table, people who are kept
    program : fingerprint of what computes
    chunks : how many there will be
    """

    plan: dict[str, Any]
    inputs: str
    program: str
    chunks: int
    command: str


@dataclass(frozen=True)
class Store:
    """The folder of a run under way."""

    folder: Path
    asked: Asked

    def place(self, chunk: int) -> Path:
        """Return the folder of a chunk, named so that readers of partitioned Parquet see its number."""
        return self.folder / CHUNKS / f"chunk={chunk:05d}"

    def done(self) -> tuple[dict[int, dict[str, Any]], list[str]]:
        """Return the facts of every sound chunk by number, and what is wrong with the others."""
        facts, broken = {}, []
        for chunk in range(self.asked.chunks):
            place = self.place(chunk)
            if not place.exists():
                continue
            fault = _fault(place)
            if fault:
                broken.append(f"{place.relative_to(self.folder)}: {fault}")
            else:
                facts[chunk] = json.loads((place / DONE).read_text(encoding="utf-8"))
        return facts, broken

    def count(self) -> int:
        """Return how many chunks lie there."""
        return sum(1 for _ in (self.folder / CHUNKS).glob("chunk=*"))

    def write(self, chunk: int, lived: Lived, seconds: float) -> None:
        """Write a chunk; it appears under its name only when all of it lies on the disk."""
        work = self.folder / f".chunk-{chunk:05d}"
        facts = json.dumps({**lived.facts, "cpu_seconds": round(seconds, 3)}, indent=1) + "\n"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        for name, content in lived.files.items():
            write_whole(work / name, content)
        write_whole(work / DONE, facts.encode())
        _to_disk(work)
        place = self.place(chunk)
        if place.exists():
            shutil.rmtree(place)
        place.parent.mkdir(exist_ok=True)
        work.rename(place)
        _to_disk(place.parent)

    def finish(self) -> None:
        """Remove the marker: the run is whole."""
        (self.folder / MARKER).unlink()
        (self.folder / LOCK).unlink(missing_ok=True)
        _to_disk(self.folder)


@contextlib.contextmanager
def opened(folder: Path, plan: Plan, asked: Asked, force: bool) -> Iterator[Store]:
    """Give the store of a run: a new folder, or the one where the same run was left.

    Raises
    ------
    InputError
        If the folder holds something else, another plan, a run of another version, or somebody works in it;
        and, with what is done so far, if the disk is full.
    """
    marker = folder / MARKER
    if marker.exists() and not force:
        _refuse_other(folder, asked)
    elif marker.exists() and force:
        _lock(folder).close()
        shutil.rmtree(folder)
    else:
        refuse_existing(folder, force)
        if folder.exists():
            shutil.rmtree(folder)
    store = Store(folder, asked)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            if not marker.exists():
                content = {"title": plan.title, **vars(asked)}
                write_whole(marker, (json.dumps(content, indent=1) + "\n").encode())
                _to_disk(folder)
            for left in folder.glob(".chunk-*"):
                shutil.rmtree(left, ignore_errors=True)
            try:
                yield store
            except InputError:
                if not store.count():
                    shutil.rmtree(folder)  # nobody has lived: nothing is left behind that would refuse another plan
                raise
    except OSError as error:
        raise _told(error, store) from error


def _told(error: OSError, store: Store) -> InputError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "no space is left on the disk" if full else f"cannot be written: {error.strerror or error}"
    mend = f"Free some space. {AGAIN}" if full else AGAIN
    return InputError(
        f"{what}; {store.count()} of {store.asked.chunks} chunks are done and stay", file=store.folder, mend=mend
    )  # fmt: skip


def _lock(folder: Path) -> Any:
    """Hold the folder: a second run into it is refused, and a dead one holds nothing."""
    handle = (folder / LOCK).open("a")
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            mend = "Wait for it, or choose another --out"
            raise InputError("another run is writing into this folder", file=folder, mend=mend) from error
        except OSError:  # a file system without locks
            pass
    return handle


def _refuse_other(folder: Path, asked: Asked) -> None:
    """Refuse to go on with a run that was asked for otherwise."""
    new = "To start anew give --force, or choose another --out"
    try:
        before = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        was = Asked(*(before[name] for name in ("plan", "inputs", "program", "chunks", "command")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{MARKER} cannot be read, so the run cannot go on", file=folder, mend=new) from error
    if was.plan != asked.plan:
        raise InputError(f"holds a run of another plan: {_differs(was.plan, asked.plan)}", file=folder, mend=new)
    if was.inputs != asked.inputs or was.chunks != asked.chunks:
        what = "holds a run of this plan with other files: the posterior, the counts table or --keep has changed"
        raise InputError(what, file=folder, mend=new)
    if was.program != asked.program:
        what = f"was begun by another gutbrain ({was.program}; this is {asked.program}), so halves would not match"
        raise InputError(what, file=folder, mend=f"Go on with the version it was begun with. {new}")


def _differs(before: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> str:
    """Name the first key in which two plans differ, with both values."""
    for key in dict.fromkeys((*before, *now)):
        one, other = before.get(key), now.get(key)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            return _differs(one, other, f"{where}{key}.")
        said = [text if len(text := json.dumps(value)) <= 60 else "something else" for value in (one, other)]
        return f"{where}{key} is {said[0]} there and {said[1]} here"
    return "they differ"


def _fault(place: Path) -> str:
    """Say what is wrong with a chunk on disk; nothing if it is as it was written."""
    try:
        facts = json.loads((place / DONE).read_text(encoding="utf-8"))
        known = dict(facts["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{DONE} cannot be read"
    for name, digest in known.items():
        try:
            content = (place / name).read_bytes()
        except OSError:
            return f"{name} is missing"
        if hashlib.sha256(content).hexdigest() != digest:
            return f"{name} is not what was written (its checksum differs)"
    return ""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, and wait until it lies on the disk."""
    work = path.with_name(f".{path.name}.part")
    with work.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    work.replace(path)


def _to_disk(folder: Path) -> None:
    """Wait until the names in a folder lie on the disk; not every system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
