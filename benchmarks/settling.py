"""What settling costs: CPU time per person of each part, for people as drawn and for people with a colon of the atlas.

Run as `python -m benchmarks.settling`. The days that close the daily rhythm are integrated by an engine and are
counted apart; nothing else is compiled, so that the first call costs as much as the second.
"""

from __future__ import annotations

import resource
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from gutbrain.body.whole import standard
from gutbrain.people.atlas import draw_baselines
from gutbrain.people.cohort import Cohort
from gutbrain.run import baseline, fixed
from gutbrain.run.rest import Rest
from gutbrain.run.settle import settle

PEOPLE = 800
WORLDS = 8
SEED = 5


class Clock:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time added to a part; `part` may name its first argument as `{0}`."""

        def run(*arguments: Any, **options: Any) -> Any:
            before = _cpu()
            found = function(*arguments, **options)
            self.spent[part.format(*arguments[1:2])] += _cpu() - before
            return found

        return run


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(bring: Callable[..., Cohort]) -> tuple[Cohort, dict[str, float]]:
    """Settle people; return them and the CPU seconds of each part."""
    clock = Clock()
    kept = {name: getattr(Rest, name) for name in ("solve", "change", "signals", "balance")}
    walk = baseline.walk
    try:
        Rest.solve = clock.timed("solve {0}", Rest.solve)  # type: ignore[method-assign]
        Rest.change = clock.timed("see who moves", Rest.change)  # type: ignore[method-assign]
        Rest.signals = clock.timed("own rests", Rest.signals)  # type: ignore[method-assign]
        Rest.balance = clock.timed("balance unknowns", Rest.balance)  # type: ignore[method-assign]
        baseline.walk = clock.timed("walk to the measured colon", walk)
        found = clock.timed("all", bring)(integrate=clock.timed("days of the rhythm", fixed.integrate))
    finally:
        for name, method in kept.items():
            setattr(Rest, name, method)
        baseline.walk = walk
    return found, dict(clock.spent)


def main() -> None:
    """Print a table for each kind of cohort."""
    axis = standard()
    drawn, worlds = Cohort.draw(axis, PEOPLE, seed=SEED), Cohort.draw(axis, PEOPLE // WORLDS, WORLDS, SEED)
    shares, labels = draw_baselines(PEOPLE, SEED).shares, axis.rows[:1]
    settle(drawn, labels=labels)  # the compiled day of the engine
    for name, bring in {
        f"{PEOPLE} people, baseline none": lambda **engine: settle(drawn, labels=labels, **engine),
        f"{PEOPLE // WORLDS} people in {WORLDS} worlds, baseline none": lambda **engine: settle(
            worlds, labels=labels, **engine
        ),
        f"{PEOPLE} people, baseline atlas": lambda **engine: baseline.with_baselines(
            drawn, shares, labels=labels, **engine
        ),
    }.items():
        people, spent = measure(bring)
        every, days = spent.pop("all"), spent["days of the rhythm"]
        assert people.residual is not None
        print(f"{name}: {np.sum(people.residual < 1e-9)} at rest, {len(baseline.unreached(people))} unreached")
        for part, seconds in sorted(spent.items(), key=lambda item: -item[1]):
            print(f"  {1000 * seconds / PEOPLE:7.3f} ms a person  {part}")
        print(f"  {1000 * (every - days) / PEOPLE:7.3f} ms a person  all but the days of the rhythm")


if __name__ == "__main__":
    main()
