"""What a coupling costs on this machine: `python -m benchmarks.coupling_speed [--only WORD]`.

Each case runs in a process of its own, so that everything is compiled anew: maximum likelihood with standard errors of
30 people x 30 occasions x 2 processes with 4 correlated random effects (target 10 s) and of 200 x 60 x 4 (target
60 s), NUTS with 4 chains of 1000 for the first (target 180 s), one person x 1476; and value with slope an observation
(target 6 microseconds).
ctsem 3.8.1 took 38 s for the first on such a machine, as the issue says; it is not run here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

import numpy as np

CASES = {
    "30 x 30 x 2, 4 effects": (30, 30, 2, True, "maximum"),
    "200 x 60 x 4, 4 effects": (200, 60, 4, False, "maximum"),
    "1 x 1476 x 2": (1, 1476, 2, False, "maximum"),
    "30 x 60 x 2, cross effects vary": (30, 60, 2, False, "curved"),
    "30 x 30 x 2, 4 effects, NUTS 4 x 1000": (30, 30, 2, True, "nuts"),
}


def one(name: str) -> None:
    """Run one case and print its line."""
    began = time.perf_counter()
    from gutbrain.fit.coupling.maximum import Objective, fit
    from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
    from gutbrain.fit.coupling.simulate import design, simulate
    from gutbrain.fit.coupling.start import start_values
    from gutbrain.fit.coupling.weak_prior import weak

    imported = time.perf_counter() - began
    people, occasions, processes, begins_vary, method = CASES[name]
    names = [f"process {at + 1}" for at in range(processes)]
    varying = tuple(f"mean[{one}]" for one in names) if people > 1 else ()
    varying += tuple(f"initial_mean[{one}]" for one in names) if begins_vary else ()
    varying += (f"drift[{names[0]}, {names[1]}]", f"drift[{names[1]}, {names[0]}]") if method == "curved" else ()
    model = CouplingModel(
        tuple(Process(one) for one in names), tuple(Indicator(one, {one: 1.0}) for one in names), varying=varying,
        initial="free" if begins_vary else "stationary",
        held={f"initial_mean[{one}]": 0.0 for one in names} if begins_vary else {},
    )  # fmt: skip
    plan = design(people, occasions, irregular=True, model=model, seed=1)
    values = {"drift": -0.5, "noise": 0.9, "error": 0.5, "spread": 0.8}
    true = []
    for at in model.free:
        parameter = model.parameters[at]
        value = values.get(parameter.kind, 0.0)
        if parameter.kind == "drift" and parameter.place[0] != parameter.place[1]:
            value = 0.1
        if parameter.kind == "spread" and "drift" in parameter.name:
            value = 0.1
        true.append(parameter.raw(value))
    panel = simulate(model, np.array(true), plan, seed=1)
    began = time.perf_counter()
    made = fit(model, panel)
    fitted = time.perf_counter() - began
    objective = Objective(model, panel)
    at = start_values(model, panel).free
    objective.value_and_slope(at)
    slopes = []
    for _ in range(20):
        begun = time.perf_counter()
        objective.value_and_slope(at)
        slopes.append(time.perf_counter() - begun)
    count = int(panel.seen.sum())
    line = (f"{name}: maximum likelihood {fitted:.1f} s with compilation ({made.seconds['compile']:.1f} s; imports "
            f"{imported:.1f} s), converged {made.converged}; value and slope {1e6 * min(slopes) / count:.2f} us an "
            f"observation ({count})")  # fmt: skip
    if method == "nuts":
        from gutbrain.fit.coupling.sample import nuts

        began = time.perf_counter()
        drawn = nuts(made, weak(model, panel))
        spent = time.perf_counter() - began
        shown = ", ".join(f"{key} {value:.3g}" for key, value in drawn.diagnostics.items())
        line += f"; NUTS {spent:.0f} s, converged {drawn.converged} ({shown})"
    print(line, flush=True)


def main() -> None:
    """Run the cases asked for, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.case:
        one(asked.case)
        return
    print(f"{os.cpu_count()} processors")
    for name in CASES:
        if asked.only in name:
            subprocess.run([sys.executable, "-m", "benchmarks.coupling_speed", "--case", name], check=True)


if __name__ == "__main__":
    main()
