"""What a newcomer types wrong with bench is answered before minutes are spent; what it prints is what it measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gutbrain.bench import bench as bench_module
from gutbrain.bench.bench import Bench, Size
from gutbrain.bench.compare import Error, Figure
from gutbrain.cli import main


@pytest.mark.parametrize("arguments, said", [
    (["--only", "roadruner"], "no solver 'roadruner'; did you mean 'libroadrunner'?"),
    (["--only", "fixed", "xyz"], "Solvers are lanes64"),
    (["--out", "table.xlsx"], "ends in .json or .csv"),
    (["--out", "."], "ends in .json or .csv"),
])  # fmt: skip
def test_wrong_options_are_named(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench_module, "bench", lambda *_, **__: pytest.fail("it was run"))
    assert main(["bench", *arguments, "--quiet"]) == 2
    told = capsys.readouterr().err
    assert said in told and "Traceback" not in told
    assert not list(tmp_path.iterdir())


def fake(axis, size, only, *, quick, progress) -> Bench:
    error = Error(1e-5, "blood.il6", 1e-7)
    made = Figure("fixed", "fixed (JAX)", "1.0", "15 minutes", 0.0, 15.0, 1.0, [0.05], error, [], 2)
    assert quick and size.compared == 2 and only == ("fixed",)
    return Bench(Size(16, 2, 28, 1), "a machine", 54, [28], 0.004, [made], [], [])


def test_a_file_is_kept_unless_force_is_given(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_module, "bench", fake)
    out = tmp_path / "made.json"
    out.write_text("mine")
    asked = ["bench", "--quick", "--only", "fixed", "fixed", "--quiet", "--out", str(out)]
    assert main(asked) == 2 and out.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err
    assert main([*asked, "--force"]) == 0
    assert "0.05" in capsys.readouterr().out
    content = json.loads(out.read_text())
    assert content["command"].startswith("gutbrain bench --quick") and content["solvers"][0]["cost"] == 0.05
    assert np.isclose(content["settling_cpu_seconds"], 0.004)
