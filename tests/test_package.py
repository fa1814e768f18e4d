"""The package as a whole: its names, and that importing it costs nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gutbrain

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", gutbrain.__all__)
def test_every_public_name_is_there(name):
    assert name in dir(gutbrain)
    assert getattr(gutbrain, name) is not None


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gutbrain.nothing  # noqa: B018


def test_importing_brings_no_numbers():
    asked = "import gutbrain, sys; print([m for m in ('jax', 'numpy', 'polars') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pins_are_names_and_versions_and_cover_what_is_needed():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 and not set(line) & set("/@ ") for line in lines)
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    assert {name.partition(">=")[0].lower() for name in wanted} <= pinned


def test_without_sympy_printed_equations_name_the_install_line():
    asked = "import sys; sys.modules['sympy'] = None; import gutbrain.model.symbols"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "pip install 'gutbrain[equations]'" in done.stderr
