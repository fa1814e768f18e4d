"""Kernels as machine code: compiled once for an axis, and kept on disk for the next run."""

from __future__ import annotations

import ctypes
import hashlib
import inspect
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis

try:
    import llvmlite.binding as llvm
except ImportError as error:
    raise InputError("engine 'lanes' needs llvmlite: pip install 'gutbrain[lanes]'") from error

WIDTH = {64: 8, 32: 16}  # one AVX-512 register; narrower processors take two or four of theirs
NARROW = 2  # people who are run in a vector of their own number: a short one is a fifth faster
KINDS = {"count": ctypes.c_int64, "double": ctypes.c_double}
_LOCK = threading.Lock()
# A kernel goes with its axis; axes of the same classes share it by its name.
_READY: WeakKeyDictionary[Axis, dict[tuple[Any, ...], Compiled]] = WeakKeyDictionary()
_NAMED: dict[str, Compiled] = {}


@dataclass(frozen=True)
class Compiled:
    """A kernel that can be called.

    Attributes
    ----------
    call : the function; arguments as in `layout.ARGUMENTS`, arrays as addresses
    bits, width : of a number, and people in a vector
    room, numbers : vectors and single numbers of scratch
    channels : draws of a quarter hour
    engine : what holds the machine code; the function lives as long as it
    """

    call: Callable[..., None]
    bits: int
    width: int
    room: int
    numbers: int
    channels: int
    engine: Any


def compiled_kernel(axis: Axis, own: frozenset[str], noisy: bool, bits: int, people: int) -> Compiled:
    """Return the kernel of an axis, from memory, from disk, or compiled (some seconds).

    Parameters
    ----------
    own : parameters that differ between people
    noisy : draw events and noise
    bits : 64 or 32, of a number
    people : how many are to be run

    Raises
    ------
    InputError
        If llvmlite or sympy is not installed.
    """
    bits, width = (64, NARROW) if people <= NARROW else (bits, WIDTH[bits])
    key = own, noisy, bits, width
    with _LOCK:
        known = _READY.setdefault(axis, {})
        if key not in known:
            known[key] = _loaded(axis, own, noisy, bits, width)
        return known[key]


def _loaded(axis: Axis, own: frozenset[str], noisy: bool, bits: int, width: int) -> Compiled:
    machine, cpu, features = this_processor()
    name = _fingerprint(axis, own, noisy, f"{bits} {width} {cpu} {features}")
    if name in _NAMED:
        return _NAMED[name]
    kept = _from_disk(name) if name else None
    if kept is None:
        from gutbrain.run.lanes.kernel import write_kernel
        from gutbrain.run.lanes.reader import program

        try:
            read = program(axis, own, noisy)
        except NotImplementedError as error:
            raise InputError(f"axis {axis.name!r}: {error}", mend="Use engine 'fixed'") from error
        kernel = write_kernel(read, bits, width, "+avx512f" in features.split(","))
        code = machine_code(kernel.text, machine)
        kept = code, {"room": kernel.room, "numbers": kernel.numbers, "channels": read.channels}
        if name:
            _to_disk(name, *kept)
    code, facts = kept
    made = from_code(code, machine, bits, width, facts)
    if name:
        _NAMED[name] = made
    return made


def this_processor() -> tuple[Any, str, str]:
    """Return the target of machine code for this processor, its name and its features."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_default_triple().create_target_machine(cpu=cpu, features=features, opt=3), cpu, features


def from_code(code: bytes, machine: Any, bits: int, width: int, facts: dict[str, int]) -> Compiled:
    """Return machine code as a function that can be called."""
    from gutbrain.run.lanes.layout import ARGUMENTS

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kinds: list[Any] = [KINDS.get(kind, ctypes.c_void_p) for _, kind in ARGUMENTS]
    call = ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address("live"))
    return Compiled(call, bits, width, **facts, engine=engine)


def machine_code(text: str, machine: Any) -> bytes:
    """Compile LLVM's language."""
    module = llvm.parse_assembly(text)
    module.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


# -- on disk ------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Return where kernels are kept: GUTBRAIN_CACHE, or gutbrain in the user's cache folder."""
    given = os.environ.get("GUTBRAIN_CACHE")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(home) / "gutbrain"


def _fingerprint(axis: Axis, own: frozenset[str], noisy: bool, target: str) -> str:
    """Return a name that changes with anything that the machine code rests on; nothing if sources are not files."""
    import gutbrain.model

    places = [Path(__file__).parent, Path(str(gutbrain.model.__file__)).parent]
    files = {path for place in places for path in place.glob("*.py")}
    for part in axis.compartments:
        kind = type(part)
        ours = kind.__module__.startswith("gutbrain.")
        if not ours or getattr(sys.modules[kind.__module__], kind.__name__, None) is not kind:
            return ""  # what is written elsewhere may rest on more than its file
        files |= set(Path(inspect.getfile(kind)).parent.glob("*.py"))
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    parts = [(part.name, type(part).__module__, type(part).__qualname__) for part in axis.compartments]
    versions = [version(name) for name in ("llvmlite", "sympy")]
    digest.update(repr((parts, sorted(axis.cut), sorted(own), noisy, target, versions)).encode())
    return digest.hexdigest()[:32]


def _from_disk(name: str) -> tuple[bytes, dict[str, int]] | None:
    """Return a kept kernel and its facts; a damaged one counts as absent."""
    try:
        raw = (cache_folder() / f"{name}.kernel").read_bytes()
    except OSError:
        return None
    if hashlib.sha256(raw[32:]).digest() != raw[:32]:
        return None
    facts, _, code = raw[32:].partition(b"\n")
    return code, json.loads(facts)


def _to_disk(name: str, code: bytes, facts: dict[str, int]) -> None:
    """Keep a kernel; where nothing can be written it is compiled again next time."""
    content = json.dumps(facts).encode() + b"\n" + code
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache_folder(), delete=False) as file:
            file.write(hashlib.sha256(content).digest() + content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, cache_folder() / f"{name}.kernel")
    except OSError:
        return
