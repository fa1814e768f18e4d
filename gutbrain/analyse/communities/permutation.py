"""Which rows may change places when there is no effect, and all or some of the ways in which they can."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import factorial, log10, prod
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata

from gutbrain.errors import InputError

WITHIN = ("free", "series", "none")
BETWEEN = ("none", "free")
Labels = Sequence[Any] | np.ndarray | pl.Series
TIES = 1e-8  # a statistic this much below the observed one, relative to it, counts as equal
MOST = 0.8  # of people, who must share their visits for these to be kept apart
BYTES = 48_000_000  # of the working arrays of one batch


@dataclass(frozen=True)
class Exchange:
    """Ways to exchange the rows of a table under a hypothesis of no effect.

    Parameters
    ----------
    classes : arrays [plot, row of the plot] of places; plots of one class may change places as a whole
    rows : number of rows of the table
    within : what happens in each plot: `free`, `series` (cyclic shifts, for equal steps in time) or `none`
    between : what happens to whole plots of a class: `free` or `none`
    mirror : a series may also run backwards
    constant : the same permutation in all plots of a class
    about : in words

    Notes
    -----
    Every such set of permutations is a group, so a permutation and its inverse are equally probable. The designs
    are those that R's `permute` names blocks, plots and within. Plots of unequal size are exchanged with plots of
    their own size only. Source: Anderson & ter Braak 2003, doi 10.1080/00949650215733.
    """

    classes: tuple[np.ndarray, ...]
    rows: int
    within: str = "free"
    between: str = "none"
    mirror: bool = False
    constant: bool = False
    about: str = "rows exchanged freely"

    @property
    def count(self) -> int:
        """How many arrangements there are, the observed one included."""
        return prod(self._between(len(c)) * self._within(c.shape[1]) ** self._own(len(c)) for c in self.classes)

    @property
    def said(self) -> str:
        """The design and the number of arrangements, in words."""
        return f"{self.about}; {number_said(self.count)} arrangements"

    def only(self, rows: np.ndarray) -> Exchange:
        """Return the design of some of the rows (places, in their new order); what was together stays together."""
        new = {int(place): number for number, place in enumerate(rows)}
        found: dict[tuple[int, ...], list[list[int]]] = {}
        for which, places in enumerate(self.classes):
            for plot in places.tolist():
                kept = tuple(column for column, place in enumerate(plot) if place in new)
                if kept:
                    found.setdefault((which, *kept), []).append([new[plot[column]] for column in kept])
        return replace(self, classes=tuple(np.array(group) for group in found.values()), rows=len(rows))

    def changes(self, columns: np.ndarray) -> bool:
        """Whether any arrangement changes columns [row, column]: a stratum may hold one value only."""
        for places in self.classes:
            part = columns[places]
            inside = self.within != "none" and np.ptp(part, axis=1).any()
            if inside or (self.between == "free" and np.ptp(part, axis=0).any()):
                return True
        return False

    def _between(self, plots: int) -> int:
        return factorial(plots) if self.between == "free" else 1

    def _within(self, size: int) -> int:
        if self.within == "free":
            return factorial(size)
        return size * (2 if self.mirror and size > 2 else 1) if self.within == "series" else 1

    def _own(self, plots: int) -> int:
        return 1 if self.constant else plots

    def draw(self, generator: np.random.Generator, number: int) -> np.ndarray:
        """Return arrangements drawn at random, array [number, rows]: row i takes the place of row [., i]."""
        made = np.tile(np.arange(self.rows), (number, 1))
        for places in self.classes:
            plots, size = places.shape
            own = self._own(plots)
            if self.within == "free":
                inside = generator.permuted(np.tile(np.arange(size), (number, own, 1)), axis=2)
            elif self.within == "series":
                inside = (generator.integers(size, size=(number, own, 1)) + np.arange(size)) % size
                if self.mirror and size > 2:
                    turned = generator.random((number, own, 1)) < 0.5
                    inside = np.where(turned, inside[:, :, ::-1], inside)
            else:
                inside = np.broadcast_to(np.arange(size), (number, own, size))
            if self.between == "free":
                outside = generator.permuted(np.tile(np.arange(plots), (number, 1)), axis=1)
            else:
                outside = np.broadcast_to(np.arange(plots), (number, plots))
            made[:, places.ravel()] = places[outside[:, :, None], inside].reshape(number, -1)
        return made

    def every(self) -> np.ndarray:
        """Return all arrangements, array [count, rows]."""
        made = np.arange(self.rows)[None]
        for places in self.classes:
            plots, size = places.shape
            inner = list(itertools.product(self._shuffles(size), repeat=self._own(plots)))
            outer = list(itertools.permutations(range(plots))) if self.between == "free" else [tuple(range(plots))]
            ways = np.array(
                [places[np.array(o)[:, None], np.array(i)].ravel() for o, i in itertools.product(outer, inner)]
            )
            before, made = made, np.repeat(made, len(ways), axis=0)
            made[:, places.ravel()] = np.tile(ways, (len(before), 1))
        return made

    def _shuffles(self, size: int) -> list[tuple[int, ...]]:
        if self.within == "free":
            return list(itertools.permutations(range(size)))
        if self.within == "none":
            return [tuple(range(size))]
        turns = [tuple((start + place) % size for place in range(size)) for start in range(size)]
        return turns + [turn[::-1] for turn in turns] if self.mirror and size > 2 else turns

    def batches(self, generator: np.random.Generator, number: int, columns: int = 1) -> Iterator[np.ndarray]:
        """Yield arrangements: each other one exactly once when there are few, else `number` draws.

        Parameters
        ----------
        number : how many are asked for; if there are no more than this, each is given exactly once
        columns : numbers that the caller holds for each row and arrangement; batches are made to fit memory
        """
        most = max(1, BYTES // (16 * self.rows * max(columns, 1)))
        if self.count - 1 <= number:
            every = self.every()
            other = every[(every != np.arange(self.rows)).any(axis=1)]
            for start in range(0, len(other), most):
                yield other[start : start + most]
            return
        for start in range(0, number, most):
            yield self.draw(generator, min(most, number - start))

    def asked(self, number: int) -> int:
        """Return how many arrangements `batches` gives, the observed one not counted."""
        return min(number, self.count - 1)


def exchange(
    rows: int,
    *,
    blocks: Labels | None = None,
    plots: Labels | None = None,
    order: Labels | None = None,
    within: str = "free",
    between: str = "none",
    mirror: bool = False,
    constant: bool = False,
) -> Exchange:
    """Return a design of permutations.

    Parameters
    ----------
    rows : number of rows of the table
    blocks : label of each row; nothing is ever exchanged between blocks
    plots : label of each row, such as the person; the whole of a block by default
    order : what orders the rows in a plot (visits, days). Whole plots are exchanged only where they have the
        same values of it, and row for row
    within, between, mirror, constant : as in `Exchange`

    Raises
    ------
    InputError
        For an unknown word, labels of another length, or a design that lets nothing change its place.
    """
    if within not in WITHIN or between not in BETWEEN:
        what = f"{within!r} within and {between!r} between plots is no design of permutations"
        raise InputError(what, mend=f"Within: {', '.join(WITHIN)}; between: {', '.join(BETWEEN)}")
    for name, labels in (("blocks", blocks), ("plots", plots), ("order", order)):
        if labels is not None and len(labels) != rows:
            raise InputError(f"{len(labels)} labels of {name} for {rows} rows", field=name)
    block, plot = _codes(blocks, rows), _codes(plots, rows)
    rank = _codes(order, rows) if order is not None else np.arange(rows)
    found: dict[Any, list[np.ndarray]] = {}
    for one in sorted(set(zip(block.tolist(), plot.tolist(), strict=True))):
        places = np.flatnonzero((block == one[0]) & (plot == one[1]))
        places = places[np.argsort(rank[places], kind="stable")]
        together = between != "none" or constant  # else plots of equal size are only drawn in one go
        pattern = tuple(rank[places].tolist()) if between != "none" and order is not None else ()
        key = (one[0] if together else -1, len(places), pattern)
        found.setdefault(key, []).append(places)
    classes = tuple(np.array(group) for _, group in sorted(found.items(), key=lambda item: item[0]))
    about = _about(classes, blocks is not None, plots is not None, within, between, order is not None)
    made = Exchange(classes, rows, within, between, mirror, constant, about)
    if made.count < 2:
        raise InputError(
            f"{about}: no two rows can change places", mend="One row in each stratum, or no two alike, cannot be tested"
        )
    return made


def suited(
    term: np.ndarray,
    people: Labels | None = None,
    order: Labels | None = None,
    blocks: Labels | None = None,
    series: bool = False,
) -> Exchange:
    """Return the design that a term asks for.

    Parameters
    ----------
    term : columns of the term in the model matrix, array [row, column]
    people : person of each row
    order : visit or day of each row
    blocks : label that nothing is exchanged across, such as the centre
    series : rows of a person are steps of one series: they are shifted round, not shuffled

    Notes
    -----
    A term that is constant in each person is permuted between people, whole and visit for visit; where fewer than
    most people share their visits, people with as many rows are exchanged. Any other term is permuted within
    people, who keep what is their own. Without repeated rows all rows are exchanged.

    Raises
    ------
    InputError
        If no arrangement changes the term.
    """
    term = np.asarray(term, float).reshape(len(term), -1)
    person = _codes(people, len(term))
    inside = "series" if series else "free"
    if people is None or len(np.unique(person)) == len(term):
        made = exchange(len(term), blocks=blocks, within=inside, order=order)
    elif np.array_equal(term, term[np.unique(person, return_index=True)[1]][person]):
        made = _between_people(term, person, order, blocks)
    else:
        made = exchange(len(term), blocks=blocks, plots=people, order=order, within=inside)
    if not made.changes(term):
        raise InputError(f"{made.about}: no arrangement changes the term", mend="Leave the strata out, or the term")
    return made


def _between_people(term: np.ndarray, person: np.ndarray, order: Labels | None, blocks: Labels | None) -> Exchange:
    """Return the exchange of whole people: among those of the same visits if these are most, else of as many rows."""
    options: dict[str, Any] = {"blocks": blocks, "plots": person, "within": "none", "between": "free"}
    if order is not None:
        with contextlib.suppress(InputError):
            made = exchange(len(person), order=order, **options)
            moved = sum(len(group) for group in made.classes if len(group) > 1)
            if moved >= MOST * len(np.unique(person)) and made.changes(term):
                return made
    return exchange(len(person), **options)


def between_share(columns: np.ndarray, people: Labels) -> float:
    """Return the share of the variation of columns, array [row, column], that lies between people."""
    codes = _codes(people, len(columns))
    columns = columns - columns.mean(axis=0)
    sums = np.zeros((codes.max() + 1, columns.shape[1]))
    np.add.at(sums, codes, columns)
    whole = float((columns**2).sum())
    return float((sums**2 / np.bincount(codes)[:, None]).sum() / whole) if whole > 0 else 0.0


def p_value(hits: int, number: int) -> float:
    """Return the share of arrangements that are as extreme, the observed one among them."""
    return (hits + 1) / (number + 1)


def few_said(tried: int | None) -> list[str]:
    """Return what to say where p cannot become small."""
    return [f"only {tried + 1} arrangements: p cannot be below {1 / (tried + 1):.2g}"] if tried and tried < 19 else []


def as_extreme(statistic: np.ndarray, observed: float) -> int:
    """Return how many statistics reach the observed one; what differs by rounding only is equal."""
    return int((statistic >= observed - TIES * max(abs(observed), 1e-300)).sum())


def ranks_of(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1, ties at their mean; what differs by rounding only is a tie."""
    return np.asarray(rankdata(np.round(values / max(float(np.abs(values).max(initial=0)), 1e-300), 12)))


def number_said(count: int) -> str:
    """Return a number as people read it: 24, 1296, 2.4e+18."""
    if count < 10**6:
        return str(count)
    power = log10(count)  # of any size; its digits may be too many to write
    return f"{10 ** (power % 1):.1f}e{int(power)}"


def _codes(labels: Labels | None, rows: int) -> np.ndarray:
    """Return labels as whole numbers in their order, array [row]."""
    if labels is None:
        return np.zeros(rows, int)
    if isinstance(labels, pl.Series) and isinstance(labels.dtype, pl.Enum):
        labels = labels.to_physical()  # the order of the design, not that of letters
    found = list(labels)
    if any(label is None for label in found):
        raise InputError("a label of the permutations is empty", mend="Fill in person, visit or stratum of each row")
    known = {label: place for place, label in enumerate(sorted(set(found)))}
    return np.array([known[label] for label in found], int)


def _about(classes: tuple[np.ndarray, ...], blocks: bool, plots: bool, within: str, between: str, ordered: bool) -> str:
    """Return a design in words."""
    inside = "shifted as a series" if within == "series" else "exchanged freely"
    where = " within strata" if blocks else ""
    if not plots:
        return f"rows {inside}{where}"
    sizes = sorted({c.shape[1] for c in classes})
    size = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    count = sum(len(c) for c in classes)
    if between == "none":
        return f"rows {inside} within each of {count} people ({size} rows each){where}"
    moved = sum(len(c) for c in classes if len(c) > 1)
    told = f"whole people exchanged ({count} people of {size} rows){where}"
    if moved < count:
        told += f", {count - moved} of them have no other like them and stay"
    elif len(classes) > 1:
        told += f", each among those with {'the same visits' if ordered else 'as many rows'}"
    return told if within == "none" else f"{told}, and rows {inside} within people"
