"""Every example runs, prints something short and says nothing on the error stream."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
# Compiling is most of the time; code that is optimised less gives the same numbers in half of it.
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0", "PYTHONPATH": str(ROOT)}


def test_their_numbers_run_on():
    assert [path.name[:2] for path in EXAMPLES] == [f"{number:02}" for number in range(1, len(EXAMPLES) + 1)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 40
    command, env = [sys.executable, str(path)], {**os.environ, **QUICK}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    if "pip install" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert (done.returncode, done.stderr) == (0, "")
    assert 0 < len(done.stdout.splitlines()) <= 40
