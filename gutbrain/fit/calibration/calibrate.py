"""Calibration: worlds of belief are moved until their virtual trials give what was published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.fit.calibration.data import Data, data, simulated
from gutbrain.fit.calibration.ensemble import STEPS, update
from gutbrain.fit.calibration.unknowns import Unknowns
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run.engines import AUTO, choose
from gutbrain.validation.arms import arms
from gutbrain.validation.designs import Design, shared_arms
from gutbrain.validation.lives import live
from gutbrain.validation.score import crps
from gutbrain.validation.virtual import Spreads, spreads, true_effects

Progress = Callable[[str, int, int], None]
FEWEST_WORLDS = 8
MOST_COLUMNS = 20_000
PEOPLE_FOR_SPREAD = 200


@dataclass(frozen=True)
class Calibrated:
    """What a calibration leaves.

    Attributes
    ----------
    unknowns : what was free
    data : what it was moved towards
    prior, posterior : standard-normal numbers, arrays [worlds, numbers]
    prior_effects, posterior_effects : what the worlds give, arrays [worlds, findings]
    moved : table parameter, prior_mean, prior_sd, posterior_mean, posterior_sd (standard-normal units), shrunk
    left_out : table pathway, finding, observed, before (mean and 90 % of the prior), after: each pathway predicted
        from the others
    pulled_back, replaced : worlds that a limit of the axis held back, and those replaced because nobody was left in
        them
    engine : what let people live
    """

    unknowns: Unknowns
    data: Data
    seed: int
    people: int
    prior: np.ndarray
    posterior: np.ndarray
    prior_effects: np.ndarray
    posterior_effects: np.ndarray
    moved: pl.DataFrame
    left_out: pl.DataFrame
    pulled_back: int
    replaced: int
    engine: str = ""


def calibrate(
    axis: Axis, *, worlds: int = 40, people: int = 8, seed: int = 1, closed: bool = True,
    step_minutes: float = 15.0, engine: str = AUTO, progress: Progress | None = None,
) -> Calibrated:  # fmt: skip
    """Fit the beliefs of an axis to the findings marked `calibrate`.

    Parameters
    ----------
    worlds : size of the ensemble
    people : in each world, the same in all
    closed : let the strengths that are closed by default speak as well
    engine : a name of `gutbrain.run.engines`, or 'auto'

    Raises
    ------
    InputError
        With too few worlds for any correlation to be told from chance.
    """
    if worlds < FEWEST_WORLDS:
        raise InputError(f"{worlds} worlds are too few", mend=f"Give at least {FEWEST_WORLDS} with --worlds")
    if worlds * people > MOST_COLUMNS:
        raise InputError(f"{worlds} worlds of {people} people are more than this can hold at once",
                         mend=f"Keep worlds x people below {MOST_COLUMNS}")  # fmt: skip
    if people < 2:
        raise InputError("people differ: one in a world is too few", mend="Give at least 2 with --people")
    goal = data()
    chosen = {name: design for name, design in simulated("calibrate").items() if name in goal.findings}
    levers = [act.lever for name in shared_arms(chosen) for act in arms()[name].protocol.acts]
    unknowns = Unknowns.of(axis, tuple(dict.fromkeys(levers)), closed=closed)
    generator = np.random.default_rng([seed, 22])
    engine = choose(engine, columns=worlds * people, step_minutes=step_minutes).name
    spread = population_spreads(axis, chosen, seed, step_minutes, engine)
    numbers = prior = unknowns.draw(worlds, seed)
    pulled = replaced = 0

    def effects(numbers: np.ndarray, number: int) -> np.ndarray:
        def told(what: str, done: int, total: int) -> None:
            if progress is not None:
                progress(f"{what}, {number + 1} of {STEPS + 1}", done, total)

        return forward(axis, unknowns, numbers, people, seed, chosen, spread, step_minutes, told, engine)

    outputs = prior_effects = effects(numbers, 0)
    for step in range(STEPS):
        numbers, outputs, lost = _refilled(numbers, outputs, generator)
        if step == 0:
            prior, prior_effects = numbers, outputs
        wanted = update(numbers, outputs, goal.observed, goal.error, STEPS, generator)
        numbers, held = unknowns.within_limits(wanted, numbers)
        pulled, replaced = pulled + held, replaced + lost
        outputs = effects(numbers, step + 1)
    numbers, outputs, lost = _refilled(numbers, outputs, generator)
    return Calibrated(
        unknowns, goal, seed, people, prior, numbers, prior_effects, outputs, _moved(unknowns, prior, numbers),
        leave_out(goal, prior_effects, seed), pulled, replaced + lost, engine,
    )  # fmt: skip


def population_spreads(
    axis: Axis, chosen: dict[str, Design], seed: int, step_minutes: float, engine: str = AUTO
) -> Spreads:
    """Return how people differ in every outcome: from many people in the best guess, untreated."""
    many = Cohort.draw(axis, PEOPLE_FOR_SPREAD, seed=seed)
    return spreads(axis, many, chosen, step_minutes=step_minutes, engine=engine)


def forward(
    axis: Axis, unknowns: Unknowns, numbers: np.ndarray, people: int, seed: int, chosen: dict[str, Design],
    spread: Spreads, step_minutes: float, progress: Progress | None = None, engine: str = AUTO,
) -> np.ndarray:  # fmt: skip
    """Return what every world gives for every finding, array [worlds, findings]."""
    cohort = Cohort.draw(axis, people, len(numbers), seed, beliefs=unknowns.beliefs(numbers))
    lives = live(axis, cohort, chosen, step_minutes=step_minutes, engine=engine, progress=progress)
    return np.stack([true_effects(lives, design, spread) for design in chosen.values()], axis=1)


def _refilled(
    numbers: np.ndarray, outputs: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Put copies of sound worlds, a little apart, in the place of those in which nobody was left."""
    sound = np.isfinite(outputs).all(axis=1)
    gone = np.flatnonzero(~sound)
    if not len(gone):
        return numbers, outputs, 0
    if sound.sum() < FEWEST_WORLDS:
        raise InputError(
            f"in {len(gone)} of {len(numbers)} worlds nobody stayed within the bounds of the model",
            mend="Give more worlds with --worlds",
        )
    take = generator.choice(np.flatnonzero(sound), len(gone))
    numbers, outputs = numbers.copy(), outputs.copy()
    apart = 0.05 * generator.standard_normal((len(gone), numbers.shape[1]))
    numbers[gone], outputs[gone] = numbers[take] + apart, outputs[take]
    return numbers, outputs, len(gone)


def _moved(unknowns: Unknowns, prior: np.ndarray, posterior: np.ndarray) -> pl.DataFrame:
    before, after = prior.std(axis=0, ddof=1), posterior.std(axis=0, ddof=1)
    names = [label.partition("[")[0] for label in unknowns.labels]
    known = unknowns.axis.parameters
    table = pl.DataFrame({
        "parameter": unknowns.labels,
        "grade": [known[name].grade if name in known else "assumed" for name in names],
        "prior_mean": prior.mean(axis=0), "prior_sd": before,
        "posterior_mean": posterior.mean(axis=0), "posterior_sd": after,
        "shrunk": 1 - (after / before) ** 2,
    })  # fmt: skip
    order = (pl.col("posterior_mean") - pl.col("prior_mean")).abs() + pl.col("shrunk").abs()
    return table.sort(order, descending=True)


def leave_out(goal: Data, effects: np.ndarray, seed: int) -> pl.DataFrame:
    """Predict each pathway from the others: one update of what the prior worlds give, without running them anew.

    Returns
    -------
    table pathway, finding, observed, error, before, before_low, before_high, after, after_low, after_high (90 %),
    crps_before, crps_after
    """
    rows = []
    for pathway in dict.fromkeys(goal.pathways):
        out = np.array([one == pathway for one in goal.pathways])
        if out.all():
            continue
        generator = np.random.default_rng([seed, 23])
        given = ~out
        after = update(effects[:, out], effects[:, given], goal.observed[given], goal.error[given], 1.0, generator)
        for place, number in enumerate(np.flatnonzero(out)):
            seen = np.random.default_rng([seed, 24, int(number)]).standard_normal(len(effects)) * goal.error[number]
            first, last = effects[:, number], after[:, place]
            rows.append((
                pathway, goal.findings[number], goal.observed[number], goal.error[number],
                first.mean(), *np.quantile(first + seen, [0.05, 0.95]),
                last.mean(), *np.quantile(last + seen, [0.05, 0.95]),
                crps(first + seen, goal.observed[number]), crps(last + seen, goal.observed[number]),
            ))  # fmt: skip
    columns = ("pathway", "finding", "observed", "error", "before", "before_low", "before_high", "after", "after_low",
               "after_high", "crps_before", "crps_after")  # fmt: skip
    return pl.DataFrame(
        rows, orient="row", schema={name: pl.String if name in columns[:2] else pl.Float64 for name in columns}
    )
