"""Fair shares of an effect: pathways as players of a game whose worth is the effect that arrives.

The worth v(S) is the difference between two arms on the outcome while only the wires of the pathways in S are
open. A Shapley share is what a pathway adds, averaged over all orders in which pathways could be opened; shares
and what arrives without any wire add up to the effect. A chain through two pathways carries nothing with either of
them closed, so they share it in equal parts.

Source: Shapley 1953 (shares); Grabisch & Roubens 1999 (interaction index of two players).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import polars as pl

from gutbrain.evidence.claims import lowest_grade

WAYS = ("down", "up", "side")  # directions as players; wires out of the lever's compartment count as side
DIRECT = "by no arrow"
TABLE: dict[str, type[pl.DataType]] = {
    "player": pl.String, "arrows": pl.Int64, "alone": pl.Float64, "without": pl.Float64, "lost": pl.Float64,
    "shapley": pl.Float64, "share": pl.Float64, "interplay": pl.Float64, "weakest_grade": pl.String,
}  # fmt: skip
PAIRS: dict[str, type[pl.DataType]] = {"one": pl.String, "other": pl.String, "interaction": pl.Float64}


@dataclass(frozen=True)
class Game:
    """Worth of every coalition.

    Attributes
    ----------
    players : names
    worth : array [2 ** players], unit of the outcome; bit n of the place says whether player n is in
    """

    players: tuple[str, ...]
    worth: np.ndarray

    @property
    def direct(self) -> float:
        """Worth of nobody: what arrives by no player's arrow."""
        return float(self.worth[0])

    @property
    def whole(self) -> float:
        """Worth of all."""
        return float(self.worth[-1])

    def alone(self) -> np.ndarray:
        """Return what each player adds to nobody, array [players]."""
        return np.array([self.worth[1 << n] for n in range(len(self.players))]) - self.worth[0]

    def without(self) -> np.ndarray:
        """Return the worth of all but each player, array [players]."""
        everybody = len(self.worth) - 1
        return np.array([self.worth[everybody ^ (1 << n)] for n in range(len(self.players))])

    def shapley(self) -> np.ndarray:
        """Return the share of each player, array [players]: they and `direct` sum to `whole`.

        Source: Shapley 1953; weight s! (n - s - 1)! / n! for a coalition of s others.
        """
        count = len(self.players)
        shares = np.zeros(count)
        for coalition in range(len(self.worth)):
            size = coalition.bit_count()
            for player in range(count):
                if not coalition >> player & 1:
                    weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                    shares[player] += weight * (self.worth[coalition | 1 << player] - self.worth[coalition])
        return shares

    def pairs(self) -> np.ndarray:
        """Return the interaction index of every two players, array [players, players], 0 on the diagonal.

        Positive: together they carry more than each adds apart (a chain); negative: one replaces the other.

        Source: Grabisch & Roubens 1999; weight s! (n - s - 2)! / (n - 1)! for a coalition of s others.
        """
        count = len(self.players)
        found = np.zeros((count, count))
        for one, other in combinations(range(count), 2):
            first, second = 1 << one, 1 << other
            for coalition in range(len(self.worth)):
                if coalition & (first | second):
                    continue
                size = coalition.bit_count()
                weight = factorial(size) * factorial(count - size - 2) / factorial(count - 1)
                both, neither = self.worth[coalition | first | second], self.worth[coalition]
                found[one, other] += weight * (
                    both - self.worth[coalition | first] - self.worth[coalition | second] + neither
                )
            found[other, one] = found[one, other]
        return found

    @property
    def interaction(self) -> float:
        """What all carry together beyond the sum of what each carries alone."""
        return self.whole - self.direct - float(self.alone().sum())


def coalitions(
    groups: Mapping[str, Iterable[tuple[str, str]]],
) -> list[frozenset[tuple[str, str]]]:
    """Return the wires that are closed in each coalition, in the order of `Game.worth`.

    Parameters
    ----------
    groups : wires of each player, as (signal, listener)
    """
    wires = [frozenset(group) for group in groups.values()]
    everything = frozenset().union(*wires)
    opened = [
        frozenset().union(*(group for n, group in enumerate(wires) if coalition >> n & 1))
        for coalition in range(2 ** len(wires))
    ]
    return [everything - group for group in opened]


def play(
    groups: Mapping[str, Sequence[tuple[str, str]]], worth: Callable[[list[frozenset[tuple[str, str]]]], np.ndarray]
) -> Game:
    """Return the game of groups of wires; `worth` gives the effect for each set of closed wires, array [sets]."""
    return Game(tuple(groups), np.asarray(worth(coalitions(groups)), float))


def share_table(
    game: Game, groups: Mapping[str, Sequence[tuple[str, str]]], grades: Mapping[tuple[str, str], str], clear: bool
) -> pl.DataFrame:
    """Return a row a player, the largest share first, and one for what came by no arrow.

    Parameters
    ----------
    grades : of the wires that carried something; a player without any has the empty grade
    clear : whether the effect is large enough to be shared; otherwise shares are null

    Returns
    -------
    table with player, arrows (number), alone, without, lost (unit of the outcome), shapley, share (of the effect),
    interplay (shapley less alone), weakest_grade
    """
    whole = game.whole
    rows = []
    for name, alone, without, shapley in zip(game.players, game.alone(), game.without(), game.shapley(), strict=True):
        known = [grades[wire] for wire in groups[name] if wire in grades]
        share = shapley / whole if clear else None
        numbers = (alone, without, whole - without, shapley, share, shapley - alone)
        rows.append((name, len(set(groups[name])), *numbers, lowest_grade(known) if known else ""))
    rows.sort(key=lambda row: -abs(row[5]))
    direct = game.direct
    share = direct / whole if clear else None
    rows.append((DIRECT, 0, direct, whole - direct, direct, direct, share, 0.0, "structure" if direct else ""))
    return pl.DataFrame(rows, schema=TABLE, orient="row")


def pair_table(game: Game) -> pl.DataFrame:
    """Return the interaction of every two players, the largest first: one, other, interaction."""
    found = game.pairs()
    rows = [
        (game.players[one], game.players[other], float(found[one, other]))
        for one, other in combinations(range(len(game.players)), 2)
    ]
    rows.sort(key=lambda row: -abs(row[2]))
    return pl.DataFrame(rows, schema=PAIRS, orient="row")
