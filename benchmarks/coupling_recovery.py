"""Couplings that are known, found again: `python -m benchmarks.coupling_recovery`.

Series are drawn from a coupled pair of processes, fitted by maximum likelihood, and counted: bias and coverage of
the drift, how often the right direction is called the larger one, and how often a direction is preferred where none
is. `--sets N` data sets a set-up (200), `--only WORD`, `--write` puts the table into docs/calibration_of_couplings.md;
`--corrected` frees the estimates of one person of their bias instead (50 drawn series each).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gutbrain.fit.coupling.bias import corrected
from gutbrain.fit.coupling.effects import directions
from gutbrain.fit.coupling.maximum import Objective, fit
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.simulate import design, simulate

PAGE = Path(__file__).parents[1] / "docs" / "calibration_of_couplings.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->"
RETURN = -0.6  # auto-effects of both processes, in units of the gap
RELIABILITY = 0.8
SURE = 0.975  # a direction is called preferred from this probability on, either way: 5 % by chance
SHOWN = ("drift[gut, gut]", "drift[gut, mind]", "drift[mind, gut]", "drift[mind, mind]")


@dataclass(frozen=True)
class SetUp:
    """People and occasions, and the standardised effects that are true: of the gut on the mind and back."""

    people: int
    occasions: int
    gut_to_mind: float
    mind_to_gut: float

    @property
    def name(self) -> str:
        """Name in the table."""
        who = "one person" if self.people == 1 else f"{self.people} people"
        return f"{who} x {self.occasions}, effects {self.gut_to_mind:g} and {self.mind_to_gut:g}"


@dataclass(frozen=True)
class Found:
    """What came of the data sets of one set-up; all arrays [data sets] or [data sets, drift entries]."""

    estimate: np.ndarray
    held: np.ndarray
    probability: np.ndarray
    converged: np.ndarray
    truth: np.ndarray

    @property
    def bias(self) -> np.ndarray:
        """Array [drift entries], relative; where the truth is 0, in units of the rate of return."""
        return (self.estimate.mean(0) - self.truth) / np.where(self.truth == 0, abs(RETURN), np.abs(self.truth))

    @property
    def bias_error(self) -> np.ndarray:
        """Array [drift entries]: Monte Carlo standard error of `bias`."""
        size = self.estimate.std(0, ddof=1) / np.sqrt(len(self.estimate))
        return size / np.where(self.truth == 0, abs(RETURN), np.abs(self.truth))

    @property
    def coverage(self) -> np.ndarray:
        """Array [drift entries]: share of 95 % intervals that hold the truth."""
        return self.held.mean(0)

    @property
    def right(self) -> float:
        """Share of data sets in which the effect of the gut on the mind is called the larger one."""
        return float(np.mean(self.probability > 0.5))

    @property
    def preferred(self) -> float:
        """Share of data sets in which either direction is preferred with near certainty."""
        return float(np.mean(np.abs(self.probability - 0.5) > SURE - 0.5))


SETUPS = tuple(SetUp(people, occasions, *effects) for effects in ((0.3, 0.1), (0.2, 0.2), (0.0, 0.0))
               for people, occasions in ((30, 60), (100, 30), (1, 300)))  # fmt: skip


def model_of(setup: SetUp) -> CouplingModel:
    """Return the model that is true, and fitted: two processes with one indicator each, means that vary."""
    names = ("gut", "mind")
    varying = tuple(f"mean[{name}]" for name in names) if setup.people > 1 else ()
    return CouplingModel(tuple(Process(name, name) for name in names),
                         tuple(Indicator(name, {name: 1.0}) for name in names), varying=varying)  # fmt: skip


def true_values(setup: SetUp, model: CouplingModel) -> np.ndarray:
    """Return the true free parameters: both processes have SD 1, their noises go apart, errors have 1 - reliability."""
    drift = np.array([[RETURN, setup.mind_to_gut], [setup.gut_to_mind, RETURN]])
    together = -(setup.gut_to_mind + setup.mind_to_gut) / (2 * RETURN)
    rest = np.array([[1.0, together], [together, 1.0]])
    noise = -(drift @ rest + rest @ drift.T)
    values = {**dict(zip(SHOWN, drift.ravel(), strict=True)),
              "noise[gut]": noise[0, 0] ** 0.5, "noise[mind]": noise[1, 1] ** 0.5}  # fmt: skip
    others = {"error": (1 / RELIABILITY - 1) ** 0.5, "spread": 1.0}
    return np.array([one.raw(values.get(one.name, others.get(one.kind, 0.0)))
                     for one in (model.parameters[at] for at in model.free)])  # fmt: skip


def found(setup: SetUp, sets: int, seed: int = 0) -> Found:
    """Draw and fit data sets of one set-up; all share their times, so that one compilation serves them all."""
    model = model_of(setup)
    true = true_values(setup, model)
    plan = design(setup.people, setup.occasions, irregular=True, model=model, seed=seed)
    objective: Objective | None = None
    rows = []
    places = [model.free_names.index(name) for name in SHOWN]
    natural = np.array([model.parameters[model.free[at]].natural(true[at]) for at in places])
    for replicate in range(sets):
        panel = simulate(model, true, plan, seed=1000 * seed + replicate)
        objective = objective or Objective(model, panel)
        objective.take(panel)
        made = fit(model, panel, objective=objective)
        table = made.table()
        shown = table.filter(table["parameter"].is_in(SHOWN))
        held = (shown["low"].to_numpy() <= natural) & (natural <= shown["high"].to_numpy())
        rows.append((shown["estimate"].to_numpy(), held, directions(made)["probability"][0], made.converged))
    estimate, held, probability, converged = (np.array(part) for part in zip(*rows, strict=True))
    return Found(estimate, held, probability, converged, natural)


def corrected_bias(setup: SetUp, sets: int, draws: int = 50, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Return the relative bias of corrected estimates of the drift, and its Monte Carlo standard error."""
    model = model_of(setup)
    true = true_values(setup, model)
    plan = design(setup.people, setup.occasions, irregular=True, model=model, seed=seed)
    objective, rows = None, []
    for replicate in range(sets):
        panel = simulate(model, true, plan, seed=1000 * seed + replicate)
        objective = objective or Objective(model, panel)
        objective.take(panel)
        made = fit(model, panel, objective=objective)
        if made.converged:
            table = corrected(made, draws, replicate, objective=objective)
            rows.append(table.filter(table["parameter"].is_in(SHOWN))["corrected"].to_numpy())
    places = [model.free_names.index(name) for name in SHOWN]
    natural = np.array([model.parameters[model.free[at]].natural(true[at]) for at in places])
    many = np.array(rows)
    size = np.where(natural == 0, abs(RETURN), np.abs(natural))
    return (many.mean(0) - natural) / size, many.std(0, ddof=1) / np.sqrt(len(many)) / size


def table_of(made: dict[SetUp, Found]) -> str:
    """Return the table of the page."""
    head = ("set-up", "sets", "converged, %", "bias of the drift, %", "coverage, %", "gut to mind called larger, %",
            "either preferred, %")  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for setup, one in made.items():
        bias = ", ".join(f"{100 * b:+.1f} ± {100 * e:.1f}" for b, e in zip(one.bias, one.bias_error, strict=True))
        covered = ", ".join(f"{100 * share:.1f}" for share in one.coverage)
        shares = (one.converged.mean(), one.right, one.preferred)
        converged, right, preferred = (f"{100 * share:.1f}" for share in shares)
        cells = (setup.name, str(len(one.estimate)), converged, bias, covered, right, preferred)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200, help="data sets a set-up")
    parser.add_argument("--only", default="", help="set-ups whose name holds this word")
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    parser.add_argument("--corrected", action="store_true", help="bias of corrected estimates of one person")
    asked = parser.parse_args()
    if asked.corrected:
        bias, error = corrected_bias(SETUPS[2], asked.sets)
        print(f"{SETUPS[2].name}, freed of bias: "
              + ", ".join(f"{100 * b:+.1f} ± {100 * e:.1f}" for b, e in zip(bias, error, strict=True)))  # fmt: skip
        return
    made = {}
    for setup in SETUPS:
        if asked.only in setup.name:
            made[setup] = found(setup, asked.sets)
            print(table_of({setup: made[setup]}), flush=True)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + table_of(made) + "\n" + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
