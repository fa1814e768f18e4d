"""What a name stands for among claims and findings: an arrow, a signal, a compartment, a topic, a finding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from gutbrain.errors import InputError
from gutbrain.evidence.claims import PATHWAYS, base_grade, claims
from gutbrain.evidence.findings import findings, speaks_of, split_edges

ARROW = "->"
LEAST = 3  # letters of a word that is looked for inside the names of arrows


@dataclass(frozen=True)
class Dossier:
    """All that is written about a name.

    Attributes
    ----------
    name : as it is called in the tables
    kind : `arrow`, `signal`, `compartment`, `signals` (all of one place), `pathway`, `disagreement`, `finding`, `topic`
    arrows : claims, columns of `claims()`
    findings : columns of `findings()`
    whole : the table of all findings, from which disagreements are completed
    """

    name: str
    kind: str
    arrows: pl.DataFrame
    findings: pl.DataFrame
    whole: pl.DataFrame

    @property
    def disagreements(self) -> dict[str, pl.DataFrame]:
        """Every named disagreement that a finding here belongs to, with all of its findings."""
        names = sorted(set(self.findings["contradiction"]) - {""})
        return {name: self.whole.filter(pl.col("contradiction") == name) for name in names}


def dossier(asked: str, use: str = "") -> Dossier:
    """Collect claims and findings that a name speaks about.

    Parameters
    ----------
    asked : an arrow "signal -> listener", a signal, a compartment, the place of signals (`blood`), a pathway, a
        finding's id, the name of a disagreement, or words
    use : only findings of this use

    Raises
    ------
    InputError
        If nothing is called so.
    """
    whole = findings()
    kind, name, arrows, found = _meant(" ".join(asked.split()), whole)
    if use:
        found = found.filter(pl.col("use") == use)
    return Dossier(name, kind, arrows, found, whole)


def named_arrows(edges: str) -> list[str]:
    """Return the arrows of a cell, each as "signal -> listener"."""
    return [f"{signal} -> {listener}" for signal, listener in split_edges(edges)]


def arrow_name(row: dict[str, object]) -> str:
    """Return the arrow of a claim as findings name it."""
    return f"{row['signal']} -> {row['listener']}"


def speaking_of(arrow: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return the findings that name an arrow."""
    return table.filter([arrow in named_arrows(edges) for edges in table["edges"]])


def best_certainty(arrow: str, table: pl.DataFrame) -> str:
    """Return the highest certainty (A to E) among findings that name an arrow; empty if none does."""
    return min(speaking_of(arrow, table)["certainty"], default="")


def untested(row: dict[str, object], table: pl.DataFrame) -> bool:
    """Return whether the number of a claim is assumed and no finding speaks about its arrow."""
    return base_grade(str(row["grade"])) == "assumed" and not best_certainty(arrow_name(row), table)


def _meant(asked: str, whole: pl.DataFrame) -> tuple[str, str, pl.DataFrame, pl.DataFrame]:
    """Return kind, name, arrows and findings of what a user asked for."""
    table = claims()
    arrows = {arrow_name(row) for row in table.iter_rows(named=True)}
    if ARROW in asked:
        wanted = " -> ".join(part.strip() for part in asked.split(ARROW))
        if wanted not in arrows:
            raise InputError(f"no arrow {wanted!r}{_nearest(wanted, arrows)}",
                             mend="`gutbrain show edges` lists every arrow")  # fmt: skip
        return "arrow", wanted, _only(table, [wanted]), speaking_of(wanted, whole)
    for kind, column in (("finding", "id"), ("disagreement", "contradiction")):
        names = {name.lower(): name for name in whole[column] if name}
        if asked.lower() in names:
            found = whole.filter(pl.col(column) == names[asked.lower()])
            return kind, names[asked.lower()], _only(table, _edges_of(found)), found
    if asked in {*table["signal"], *whole["signal"]} - {""}:
        return "signal", asked, *_of_signal(asked, table, whole)
    if asked in set(table["listener"]):
        mine = table.filter((pl.col("listener") == asked) | pl.col("signal").str.starts_with(f"{asked}."))
        return "compartment", asked, mine, _about(asked, mine, whole)
    places = {signal.partition(".")[0] for signal in table["signal"]}
    if asked in places:
        mine = table.filter(pl.col("signal").str.starts_with(f"{asked}."))
        return "signals", asked, mine, _about(asked, mine, whole)
    if asked in PATHWAYS:
        return "pathway", asked, table.filter(pl.col("pathway") == asked), whole.filter(pl.col("pathway") == asked)
    found, word = speaks_of(asked), re.sub(r"[^a-z0-9]", "", asked.lower()).removesuffix("s")
    heard = [name for name in arrows if len(word) >= LEAST and word in re.sub(r"[^a-z0-9]", "", name)]
    if not word or (found.is_empty() and not heard):
        words = [word for topic in whole["topic"] for word in topic.split()]
        known = [*arrows, *places, *PATHWAYS, *words]
        known += [name for column in ("signal", "listener") for name in table[column]]
        known += [name for column in ("id", "contradiction", "signal", "topic") for name in whole[column]]
        raise InputError(
            f"neither claims nor findings know {asked!r}{_nearest(asked, filter(None, known))}",
            mend="`gutbrain evidence` without a name lists what there is",
        )
    return "topic", asked, _only(table, [*_edges_of(found), *heard]), found


def _of_signal(signal: str, table: pl.DataFrame, whole: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the arrows that start from a signal, and findings on it; a signal that nobody hears has those of these."""
    mine = table.filter(pl.col("signal") == signal)
    measured = whole.filter(pl.col("signal") == signal)
    found = _join(whole, measured, _touching(mine, whole))
    return (mine if len(mine) else _only(table, _edges_of(measured))), found


def _about(name: str, mine: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    """Return the findings on a compartment: on its arrows, its signals, its topic, its pathway."""
    word = pl.col("topic").str.split(" ").list.contains(name)
    own = pl.col("signal").str.starts_with(f"{name}.")
    return _join(whole, _touching(mine, whole), whole.filter(word | own | (pl.col("pathway") == name)))


def _touching(arrows: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    """Return the findings that name any of some arrows."""
    names = {arrow_name(row) for row in arrows.iter_rows(named=True)}
    return whole.filter([bool(names & set(named_arrows(edges))) for edges in whole["edges"]])


def _join(whole: pl.DataFrame, *parts: pl.DataFrame) -> pl.DataFrame:
    """Return the findings of all parts in the order of the table."""
    ids = {id for part in parts for id in part["id"]}
    return whole.filter(pl.col("id").is_in(list(ids)))


def _edges_of(found: pl.DataFrame) -> list[str]:
    return [name for edges in found["edges"] for name in named_arrows(edges)]


def _only(table: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    wanted = set(names)
    return table.filter([arrow_name(row) in wanted for row in table.iter_rows(named=True)])


def _nearest(asked: str, known: Iterable[str]) -> str:
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(asked.lower(), list(names), n=1, cutoff=0.5)
    return f"; did you mean {names[close[0]]!r}?" if close else ""
