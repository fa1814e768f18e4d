"""How a linear system answers: gain, delay, bandwidth and steps of one path, loci and margins of a loop.

d state = rates state + entry input; output = output state + through input. Times are days, frequencies radians a day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import expm, matrix_balance
from scipy.optimize import brentq

SLOWEST = 1e-9  # per day: a mode that fades more slowly has no rest that it comes back to
HALF_POWER = 1 / np.sqrt(2)
PEAK = 1.05  # of the static gain: what stands out less is no resonance
DUST = 1e-12  # of the terms of a sum: less is rounding
PER_OCTAVE = 4  # times of a course
FARTHEST = 1e6  # times that the couplings of a loop are multiplied at most

Array = np.ndarray


@dataclass(frozen=True)
class Path:
    """One input and one output of a linear system, without the states that do not lie between them.

    Attributes
    ----------
    rates : array [states, states], per day
    entry : array [states]
    output : array [states]
    through : what passes at once
    """

    rates: Array
    entry: Array
    output: Array
    through: float

    @cached_property
    def growth(self) -> float:
        """The fastest growth, per day; minus infinity without states."""
        return float(np.linalg.eigvals(self.rates).real.max()) if len(self.rates) else -np.inf

    @property
    def settles(self) -> bool:
        """Whether a lasting push leads to a lasting answer."""
        return self.growth < -SLOWEST

    def transfer(self, periods: Array) -> Array:
        """Return the complex gain at each period (days), array [periods]."""
        turning = 2j * np.pi / np.asarray(periods, float)
        if not len(self.rates):
            return np.full(len(turning), self.through + 0j)
        eye = np.eye(len(self.rates))
        moved = np.linalg.solve(turning[:, None, None] * eye - self.rates, np.broadcast_to(
            self.entry[:, None], (len(turning), len(eye), 1)))  # fmt: skip
        return np.asarray((self.output @ moved)[:, 0] + self.through)

    def static(self) -> float:
        """Return the answer to a lasting push of one unit; NaN if it never settles."""
        if not self.settles:
            return np.nan
        if not len(self.rates):
            return self.through
        parts = self.output * np.linalg.solve(self.rates, self.entry)
        gain = self.through - parts.sum()
        return 0.0 if abs(gain) < DUST * (abs(self.through) + np.abs(parts).sum()) else float(gain)

    def delay(self) -> float:
        """Return the mean time of the answer to an impulse, days: the group delay of very slow changes.

        It is below 0, or says little, where a fast answer is taken back later.
        """
        gain = self.static()
        if not np.isfinite(gain) or gain == 0 or not len(self.rates):
            return np.nan if gain == 0 or not np.isfinite(gain) else 0.0
        twice = np.linalg.solve(self.rates, np.linalg.solve(self.rates, self.entry))
        return float(self.output @ twice / gain)

    def step(self, times: Array) -> Array:
        """Return the answer to a push of one unit that begins at 0 and stays, array [times]."""
        if not len(self.rates):
            return np.full(len(times), self.through)
        size, both = len(self.rates), self._with_push()
        return np.array([self.output @ expm(both * time)[:size, size] for time in times]) + self.through

    def course(self, first: float, last: float) -> tuple[Array, Array]:
        """Return times from `first` to `last` or beyond, days, and the step there; both arrays [times].

        Times double every `PER_OCTAVE`-th place, so that a step is the square of an earlier one.
        """
        count = PER_OCTAVE * int(np.ceil(np.log2(last / first))) + 1
        times = first * 2 ** (np.arange(count) / PER_OCTAVE)
        if not len(self.rates):
            return times, np.full(count, self.through)
        size, both = len(self.rates), self._with_push()
        moved = [expm(both * time) for time in times[:PER_OCTAVE]]
        for place in range(PER_OCTAVE, count):
            moved.append(moved[place - PER_OCTAVE] @ moved[place - PER_OCTAVE])
        return times, np.array([self.output @ one[:size, size] for one in moved]) + self.through

    def _with_push(self) -> Array:
        """Return rates with the push as one more state that stays, so that no inverse is needed."""
        size = len(self.rates)
        both = np.zeros((size + 1, size + 1))
        both[:size, :size], both[:size, size] = self.rates, self.entry
        return both

    def half_time(self) -> float:
        """Return when the answer to a lasting push first has half of its final size, days."""
        final = self.static()
        if not np.isfinite(final) or final == 0:
            return np.nan
        if self.through / final >= 0.5:
            return 0.0
        times, course = self.course(1e-4, 20 / abs(self.growth))
        over = course / final >= 0.5
        if not over.any():
            return np.nan
        first = int(np.argmax(over))
        ends = times[first - 1] if first else 0.0, times[first]
        return float(brentq(lambda time: self.step(np.array([time]))[0] / final - 0.5, *ends, rtol=1e-5))

    def bandwidth(self, periods: Array) -> float:
        """Return the period (days) of the slowest change whose answer is 3 dB below that to a lasting push.

        Parameters
        ----------
        periods : where it is looked for; NaN if the answer stays above within them
        """
        least = HALF_POWER * abs(self.static())
        slow_first = np.sort(np.asarray(periods, float))[::-1]
        if not np.isfinite(least) or least == 0:
            return np.nan
        below = np.abs(self.transfer(slow_first)) < least
        if not below.any():
            return np.nan
        first = int(np.argmax(below))
        if not first:
            return float(slow_first[0])
        ends = np.log(slow_first[[first - 1, first]])
        found = brentq(lambda at: abs(self.transfer(np.exp([at]))[0]) - least, *ends, xtol=1e-9)
        return float(np.exp(found))

    def peak(self, periods: Array) -> tuple[float, float]:
        """Return the largest gain over the static one, and its period (days); NaN where nothing stands out."""
        sizes = np.abs(self.transfer(periods))
        ratio = sizes / abs(self.static()) if self.static() else np.full(len(sizes), np.nan)
        if not np.isfinite(ratio).all() or ratio.max() < PEAK:
            return np.nan, np.nan
        return float(ratio.max()), float(np.asarray(periods)[ratio.argmax()])


def path(rates: Array, entry: Array, output: Array, through: float) -> Path:
    """Return a path, without the states that the input does not reach or that do not reach the output."""
    from_input, to_output = _reach(rates, entry != 0), _reach(rates.T, output != 0)
    keep = np.flatnonzero(from_input & to_output)
    inner = rates[np.ix_(keep, keep)]
    if not len(keep):
        return Path(inner, entry[keep], output[keep], float(through))
    # States in mmol and in shares stand side by side: balanced, they are solved without loss.
    balanced, (scale, order) = matrix_balance(inner, permute=False, separate=True)
    del order
    return Path(balanced, entry[keep] / scale, output[keep] * scale, float(through))


def _reach(rates: Array, start: Array) -> Array:
    reached = start.copy()
    while True:
        more = reached | np.any((rates != 0) & reached, axis=1)
        if (more == reached).all():
            return reached
        reached = more


@dataclass(frozen=True)
class Loop:
    """A loop that is opened at some wires: push = return(push), stable where no locus meets +1 as couplings grow.

    Each array stands at every moment of a day; one moment is a system that the clock does not move.

    Attributes
    ----------
    rates : array [moments, states, states], the loop open
    entries : array [moments, states, wires], of a push on each cut wire
    outputs : array [moments, wires, states], what each cut wire would carry
    through : array [moments, wires, wires], what comes back at once
    """

    rates: Array
    entries: Array
    outputs: Array
    through: Array

    def loci(self, turning: Array) -> Array:
        """Return the eigenvalues of the return matrix, mean of the day, at each frequency, array [frequencies, wires].

        Parameters
        ----------
        turning : radians a day
        """
        rates, entries, outputs, through = (value.mean(0) for value in vars(self).values())
        inner = np.linalg.solve(1j * np.asarray(turning, float)[:, None, None] * np.eye(len(rates)) - rates,
                                np.broadcast_to(entries, (len(turning), *entries.shape)))  # fmt: skip
        return np.asarray(np.linalg.eigvals(outputs @ inner + through))

    def scaled(self, times: float) -> Array:
        """Return the rates with the loop closed and all cut wires multiplied, mean of the day, [states, states]."""
        back = np.linalg.solve(np.eye(self.through.shape[-1]) - times * self.through, self.outputs)
        return np.asarray((self.rates + times * self.entries @ back).mean(0))

    def growth(self, times: float = 1.0) -> float:
        """Return the fastest growth of a push with all cut wires multiplied, per day."""
        return float(np.linalg.eigvals(self.scaled(times)).real.max()) if self.rates.shape[-1] else -np.inf


@dataclass(frozen=True)
class Margins:
    """What a loop stands before it loses its rest.

    Attributes
    ----------
    strongest, strongest_period : largest modulus of a locus, and where (days; infinite for lasting changes)
    lasting : largest modulus of a locus for lasting changes
    gain, gain_period : times by which all cut wires may be multiplied, and the period of what then grows
    phase : smallest turn (degrees) that a locus of modulus 1 is away from +1; infinite if none has modulus 1
    delay : smallest further delay (days) around the loop that would end its rest; infinite if none would
    """

    strongest: float
    strongest_period: float
    lasting: float
    gain: float
    gain_period: float
    phase: float
    delay: float


def margins(loop: Loop, periods: Array) -> Margins:
    """Return the margins of a loop by its characteristic loci.

    Parameters
    ----------
    periods : where it is looked, days; lasting changes are looked at as well
    """
    turning = np.concatenate([[0.0], 2 * np.pi / np.sort(np.asarray(periods, float))[::-1]])
    loci = _followed(loop.loci(turning))
    sizes = np.abs(loci).max(1)
    top = int(sizes.argmax())
    nearest = [(1 / value.real, np.inf) for value in loci[0] if value.real > 0 and abs(value.imag) < 1e-9 * abs(value)]
    phase = delay = np.inf
    for number in range(loci.shape[1]):
        own = loci[:, number]
        # Lasting changes are real, and were looked at above.
        for place in 1 + np.flatnonzero(own.imag[1:-1] * own.imag[2:] < 0):
            if own.real[place] > 0 or own.real[place + 1] > 0:
                at, value = _crossing(loop, turning, own, int(place), lambda z: float(z.imag))
                if value.real > 0:
                    nearest.append((1 / value.real, 2 * np.pi / at))
        for place in np.flatnonzero((np.abs(own[:-1]) - 1) * (np.abs(own[1:]) - 1) < 0):
            at, value = _crossing(loop, turning, own, int(place), lambda z: float(abs(z) - 1))
            angle = np.angle(value)
            phase = min(phase, abs(np.degrees(angle)))
            delay = min(delay, (angle % (2 * np.pi)) / at if at else np.inf)
    gain, period = min((one for one in nearest if one[0] > 1), default=(np.inf, np.nan))
    where = np.inf if top == 0 else 2 * np.pi / turning[top]
    return Margins(float(sizes[top]), float(where), float(sizes[0]), float(gain), float(period), float(phase),
                   float(delay))  # fmt: skip


def _followed(loci: Array) -> Array:
    """Order eigenvalues so that each column is one of them as the frequency moves."""
    made = loci.copy()
    for row in range(1, len(made)):
        left = list(range(made.shape[1]))
        own = made[row].copy()
        # The largest choose first: small ones lie close together and do not matter.
        for place in np.argsort(-np.abs(made[row - 1])):
            best = min(left, key=lambda other: abs(own[other] - made[row - 1, place]))
            left.remove(best)
            made[row, place] = own[best]
    return made


def _crossing(loop: Loop, turning: Array, own: Array, place: int, measure: Callable[[complex], float],
              ) -> tuple[float, complex]:  # fmt: skip
    """Return where a locus crosses between two frequencies, and its value there."""
    ends = turning[place], turning[place + 1]

    def near(at: float) -> complex:
        aim = own[place] + (own[place + 1] - own[place]) * (at - ends[0]) / (ends[1] - ends[0])
        values = loop.loci(np.array([at]))[0]
        return complex(values[np.argmin(np.abs(values - aim))])

    low, high = (measure(near(end)) for end in ends)
    at = float(brentq(lambda at: measure(near(at)), *ends)) if low * high < 0 else ends[1]
    return at, near(at)


def margin_by_scaling(loop: Loop) -> float:
    """Return by how much all cut wires can be multiplied before a push grows, by trying; infinite if nothing does."""
    tries = np.geomspace(1.0, FARTHEST, 121)
    first = next((place for place, times in enumerate(tries) if loop.growth(times) >= 0), None)
    if first is None:
        return np.inf
    return float(brentq(loop.growth, tries[first - 1], tries[first], xtol=1e-9)) if first else 1.0


__all__ = ["Loop", "Margins", "Path", "margin_by_scaling", "margins", "path"]
