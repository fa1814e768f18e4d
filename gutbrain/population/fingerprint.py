"""What computes a life, as one short text: two machines with the same text give the same bits, or neither may help."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec

# What draws, settles, simulates and summarises people. A change of a page or of an analysis changes no life.
ROOMS = ("body", "job.py", "model", "people", "plan.py", "population", "protocols", "run")
KINDS = (".py", ".csv", ".toml", ".npz")
LIBRARIES = ("jax", "jaxlib", "llvmlite", "numpy", "polars", "scipy", "sympy")


@cache
def fingerprint() -> str:
    """Return version and digest of the files and libraries that compute a life, such as `0.1.0-3f2a9c0d11e4b7aa`."""
    digest = hashlib.sha256()
    for name in ROOMS:
        for path, content in _files(files("gutbrain") / name, name):
            digest.update(f"{path} {hashlib.sha256(content).hexdigest()}\n".encode())
    digest.update(" ".join(_version(name) for name in LIBRARIES).encode())
    digest.update(_processor().encode())
    return f"{_version('gutbrain').partition(' ')[2]}-{digest.hexdigest()[:16]}"


def _processor() -> str:
    """Return the kind of processor, as far as it decides the last bits: other instructions round differently."""
    if find_spec("llvmlite") is None:
        return platform.machine()
    import llvmlite.binding as llvm

    return f"{platform.machine()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def _files(place: Traversable, path: str) -> list[tuple[str, bytes]]:
    if place.is_file():
        return [(path, place.read_bytes())] if path.endswith(KINDS) else []
    return [
        found for entry in sorted(place.iterdir(), key=lambda one: one.name) if not entry.name.startswith(("_pyc", "."))
        for found in _files(entry, f"{path}/{entry.name}")
    ]  # fmt: skip


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} none"
