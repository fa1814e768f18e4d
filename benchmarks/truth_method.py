"""One method under a known truth: how often it errs, how often its interval holds the truth, how often it finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import stats

from gutbrain.errors import InputError

ALPHA = 0.05
ENOUGH = 50  # replicates from which their own scatter is the Monte Carlo error
FALSE_POSITIVES = (0.04, 0.06)
COVERAGE = (0.93, 0.97)
COUNTED = (
    "null hypotheses", "null rejected", "intervals", "intervals that hold", "effects", "effects found",
    "discoveries", "false discoveries", "estimates", "error", "refused",
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """What a method said of one study, one entry a hypothesis.

    Parameters
    ----------
    p : array; NaN where the method gives none
    truth : what is true on the scale of the estimate, array; 0 is no effect
    estimate, low, high : arrays, or empty where the method gives none
    called : whether the method, after its correction, calls the effect found, array of bool, or empty
    """

    p: np.ndarray
    truth: np.ndarray
    estimate: np.ndarray = field(default_factory=lambda: np.empty(0))
    low: np.ndarray = field(default_factory=lambda: np.empty(0))
    high: np.ndarray = field(default_factory=lambda: np.empty(0))
    called: np.ndarray = field(default_factory=lambda: np.empty(0, bool))

    @classmethod
    def one(
        cls, p: float, truth: float, estimate: float = np.nan, low: float = np.nan, high: float = np.nan
    ) -> Answers:
        """Return the answers of a method that tests one hypothesis."""
        return cls(*(np.array([value], float) for value in (p, truth, estimate, low, high)))

    def counts(self) -> np.ndarray:
        """Return what is counted of one study, in the order of `COUNTED`."""
        null, tested = self.truth == 0, np.isfinite(self.p)
        rejected = tested & (np.nan_to_num(self.p, nan=1.0) <= ALPHA)
        there = np.isfinite(self.low) & np.isfinite(self.high) & np.isfinite(self.truth) if self.low.size else null[:0]
        holds = there & (self.low <= self.truth) & (self.truth <= self.high) if self.low.size else there
        known = np.isfinite(self.estimate) & np.isfinite(self.truth) if self.estimate.size else null[:0]
        miss = (self.estimate - self.truth)[known] if self.estimate.size else np.empty(0)
        false = self.called & null if self.called.size else np.zeros(0, bool)
        return np.array([
            (tested & null).sum(), (rejected & null).sum(), there.sum(), holds.sum(), (tested & ~null).sum(),
            (rejected & ~null).sum(), self.called.sum(), false.sum(), known.sum(), miss.sum(), 0,
        ], float)  # fmt: skip


@dataclass(frozen=True)
class Method:
    """A method and the studies it is tried on.

    Parameters
    ----------
    name : as the table calls it
    study : what is simulated, in words
    planted : what is planted, in words
    answer : gives the answers for a seed and whether the effect is planted
    miss : why a figure lies outside the bounds of the issue; empty for a method that must be within them
    judged : which figures must lie within the bounds: "false positives", "coverage", "coverage without effect"
    replicates : of the full run without an effect
    with_effect : of the full run with the effect
    """

    name: str
    study: str
    planted: str
    answer: Callable[[int, bool], Answers]
    miss: str = ""
    judged: tuple[str, ...] = ("false positives", "coverage")
    replicates: int = 2000
    with_effect: int = 800


@dataclass(frozen=True)
class Share:
    """A share of many, with the Monte Carlo error of its replicates."""

    value: float
    error: float
    count: int

    @classmethod
    def of(cls, hits: np.ndarray, tries: np.ndarray) -> Share:
        """Return the share over replicates, arrays [replicates]; hypotheses of one study are not independent."""
        total = tries.sum()
        if not total:
            return cls(np.nan, np.nan, 0)
        value = hits.sum() / total
        used = tries > 0
        rest = (hits - value * tries)[used] / tries[used].mean()
        return cls(float(value), float(np.sqrt(np.mean(rest**2) / used.sum())), int(used.sum()))

    def far_from(self, promised: float, chance: float) -> bool:
        """Say whether the share is one that the promised one gives with less than some chance."""
        error = self.error
        if self.count < ENOUGH or not error:  # so few that they may be all alike
            error = max(error, np.sqrt(promised * (1 - promised) / self.count)) + 1 / self.count
        return bool(abs(self.value - promised) > stats.norm.isf(chance / 2) * error)

    def __str__(self) -> str:
        return "" if not self.count else f"{100 * self.value:.1f} ± {100 * self.error:.1f}"


@dataclass(frozen=True)
class Figures:
    """What was counted over all replicates: arrays [replicates, counted] without and with an effect."""

    without: np.ndarray
    planted: np.ndarray

    def _share(self, part: np.ndarray, hits: str, tries: str) -> Share:
        return Share.of(part[:, COUNTED.index(hits)], part[:, COUNTED.index(tries)])

    @property
    def false_positives(self) -> Share:
        """Share of true null hypotheses that were rejected in studies without any effect."""
        return self._share(self.without, "null rejected", "null hypotheses")

    @property
    def coverage(self) -> Share:
        """Share of intervals that hold the truth in studies with an effect."""
        return self._share(self.planted, "intervals that hold", "intervals")

    @property
    def coverage_without(self) -> Share:
        """Share of intervals that hold 0 in studies without an effect."""
        return self._share(self.without, "intervals that hold", "intervals")

    @property
    def power(self) -> Share:
        """Share of planted effects with p at or below 0.05."""
        return self._share(self.planted, "effects found", "effects")

    @property
    def false_discoveries(self) -> Share:
        """Mean share of false ones among discoveries of a study; none found counts as none false."""
        called = self.planted[:, COUNTED.index("discoveries")]
        false = self.planted[:, COUNTED.index("false discoveries")]
        if not called.any():
            return Share(np.nan, np.nan, 0)
        share = false / np.maximum(called, 1)
        return Share(float(share.mean()), float(share.std() / np.sqrt(len(share))), len(share))

    @property
    def bias(self) -> float:
        """Mean of estimate minus truth with an effect, in the unit of the estimate."""
        known = self.planted[:, COUNTED.index("estimates")].sum()
        return float(self.planted[:, COUNTED.index("error")].sum() / known) if known else np.nan

    @property
    def refused(self) -> int:
        """Studies of which the method said that it cannot be done."""
        return int(self.without[:, -1].sum() + self.planted[:, -1].sum())

    def judged(self, method: Method) -> dict[str, Share]:
        """Return the figures that must lie within bounds."""
        found = {"false positives": self.false_positives, "coverage": self.coverage,
                 "coverage without effect": self.coverage_without}  # fmt: skip
        return {name: found[name] for name in method.judged if found[name].count}

    def misses(self, method: Method) -> list[str]:
        """Return which figures lie outside their bounds."""
        bounds = {"false positives": FALSE_POSITIVES}
        return [
            f"{name} {share} %" for name, share in self.judged(method).items()
            if not bounds.get(name, COVERAGE)[0] <= share.value <= bounds.get(name, COVERAGE)[1]
        ]  # fmt: skip

    def implausible(self, method: Method, chance: float = 1e-4) -> list[str]:
        """Return which figures a method that keeps its promise would give with less than some chance."""
        promised = {"false positives": ALPHA}
        return [
            f"{name} {share} %" for name, share in self.judged(method).items()
            if share.far_from(promised.get(name, 1 - ALPHA), chance)
        ]  # fmt: skip


def run(method: Method, without: int, planted: int, folder: Path | None = None) -> Figures:
    """Try a method on studies without and with its effect.

    Parameters
    ----------
    without, planted : replicates of each kind
    folder : where finished replicates are kept, to be taken up by the next run; nowhere if None
    """
    parts = []
    for replicates, effect in ((without, False), (planted, True)):
        path = folder / f"{method.name}, {'planted' if effect else 'nothing'}.npy" if folder else None
        kept = np.load(path) if path and path.exists() else np.empty((0, len(COUNTED)))
        rows = [*kept, *(_counted(method, number, effect) for number in range(len(kept), replicates))]
        if path and len(rows) > len(kept):
            np.save(path, np.stack(rows))
        parts.append(np.reshape(rows[:replicates], (-1, len(COUNTED))))
    return Figures(*parts)


def finished(method: Method, folder: Path) -> tuple[int, int]:
    """Return how many replicates without and with an effect are kept."""
    paths = [folder / f"{method.name}, {kind}.npy" for kind in ("nothing", "planted")]
    first, second = (len(np.load(path)) if path.exists() else 0 for path in paths)
    return first, second


def _counted(method: Method, number: int, planted: bool) -> np.ndarray:
    try:
        return method.answer(number + 100_000 * planted, planted).counts()
    except InputError:
        return np.eye(len(COUNTED))[-1]
