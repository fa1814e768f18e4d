"""One thing of a study in time, by the name that a user types: every value with its own clock, never one a visit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from gutbrain.analyse.communities.diversity import INDICES
from gutbrain.analyse.community import Community
from gutbrain.analyse.function.groups import RATIO, group_shares
from gutbrain.analyse.named_outcomes import COMPUTED, SAFETY, of_one_unit, taxon
from gutbrain.analyse.step import Design, Given
from gutbrain.errors import InputError
from gutbrain.fit.coupling import counting
from gutbrain.fit.coupling.study_time import timed
from gutbrain.people.taxa import GROUPS
from gutbrain.study.schema import RANKS
from gutbrain.study.study import Study

PREFIXES = (*COMPUTED, "count", "ordinal")
MOST_CATEGORIES = 7
SHOWN = 12  # names that a hint lists
# What people say -> quantities; the first that a study has is taken, and it is said which.
SPOKEN = {
    "stress": ("pss-10.total", "dass-21.stress", "dass-42.stress"),
    "perceived stress": ("pss-10.total",),
    "anxiety": ("gad-7.total", "promis-anxiety-8a.t", "promis-anxiety-7a.raw", "promis-anxiety-4a.raw",
                "dass-21.anxiety", "dass-42.anxiety"),
    "depression": ("phq-9.total", "dass-21.depression", "dass-42.depression"),
    "wellbeing": ("who-5.total",),
    "mindfulness": ("maas.total", "ffmq-39.total", "ffmq-15.total"),
    "gut symptoms": ("ibs-sss.total",),
    "practice": ("practice.minutes",),
    "steps": ("activity.steps",),
    "cortisol": ("saliva.cortisol",),
}  # fmt: skip


@dataclass(frozen=True)
class Series:
    """Values of one name.

    Parameters
    ----------
    name : as it was typed, without what would read as a list
    rows : person, at (days), value, variance and offset (null where not known), until (days, null where it has no end)
    unit : of the values
    kind : gaussian, ordinal or count
    categories : of an ordinal one
    quantity : what the study calls it
    said : what was understood and done, in sentences
    """

    name: str
    rows: pl.DataFrame
    unit: str
    kind: str = "gaussian"
    categories: int = 0
    quantity: str = ""
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """Names of a study, and the series that they stand for."""

    study: Study
    _kept: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def series(self, text: str) -> Series:
        """Return the series that a name stands for.

        Parameters
        ----------
        text : `diversity: INDEX`, `clr: TAXON`, `share: TAXON`, `balance: A & B / C`, `group: GROUP`, `count: TAXON`,
            `ordinal: ITEM`; an index, group or taxon alone; a reading, an item of a form, a score. Case, blanks,
            points, hyphens and underscores do not matter

        Raises
        ------
        InputError
            For a name that the study does not have (near ones are named), or that several things bear.
        """
        text = " ".join(text.split())
        kind, colon, rest = (part.strip() for part in text.partition(":"))
        if not text or (colon and not rest):
            raise InputError(f"{text!r} names nothing")
        if colon and said(kind) in PREFIXES:
            if said(kind) == "ordinal":
                return replace(self._found(rest), name=called(rest), kind="ordinal", unit="category")
            return self._computed(said(kind), rest, called(rest))
        return replace(self._found(text), name=called(text))

    def _found(self, text: str) -> Series:
        """Look a name up: what the study calls so, indices, groups and taxa, then parts of names, then what is said."""
        wanted = said(text)
        exact = [quantity for quantity in (*self.scores, *self.readings) if said(quantity) == wanted]
        if exact:
            return self._numbers(exact[0], text)
        if len(self.study.abundances) and (kind := self._of_community(text)):
            return self._computed(*kind, called(text))
        parts = {
            "readings": [name for name in self.readings if said(name.partition(".")[2]) == wanted],
            "items": [name for name in self.items if wanted in (said(name), said(self.items[name][1]))],
            "scores": [name for name in self.scores if said(name.partition(".")[2]) == wanted],
            "spoken": [name for name in SPOKEN.get(wanted, ()) if name in (*self.scores, *self.readings)][:1],
        }
        for names in parts.values():
            if len(names) > 1:
                told = f"{text!r} is the name of several: {', '.join(names[:SHOWN])}"
                raise InputError(told, mend="Write the whole name of the one that is meant")
            if names:
                return self._numbers(names[0], text)
        raise InputError(f"the study has nothing called {text!r}", mend=self._near(wanted))

    def _near(self, wanted: str) -> str:
        known = [*self.readings, *self.items, *self.scores]
        computed: list[str] = []
        if len(self.study.abundances):
            computed = [*(name for name in INDICES if "<" not in name), *GROUPS, *_taxa(self.study)]
        by_said = {said(name): name for name in computed} | {said(name): name for name in known}
        tails = {said(name.partition(".")[2]): name for name in known if "." in name}
        found = difflib.get_close_matches(wanted, [*by_said, *tails], 5, 0.6)
        inside = [key for key in (*by_said, *tails) if len(wanted) > 3 and wanted in key]
        near = list(dict.fromkeys((by_said | tails)[key] for key in [*found, *inside[:5]]))
        if near:
            return f"Near are {', '.join(near)}"
        has = ", ".join([*known, *computed][:SHOWN])
        more = " ..." if len(known) + len(computed) > SHOWN else ""
        return f"It has {has}{more}" if has else "It holds no numbers"

    @cached_property
    def given(self) -> Given:
        """The study prepared for computed outcomes: samples of one material."""
        kinds = self.study.samples["material"].drop_nulls().value_counts(sort=True)["material"].to_list()
        material = ""
        if len(kinds) > 1:
            material = next((kind for kind in kinds if kind.lower() in ("stool", "faeces", "feces")), kinds[0])
        return Given(self.study, Design(material=material))

    @cached_property
    def scores(self) -> dict[str, str]:
        """Scores that have values, name -> unit; items on self-harm are none."""
        rows = self.given.scores.filter(pl.col("value").is_not_null() & pl.col("person").is_not_null())
        rows = rows.select("quantity", "unit").unique("quantity", maintain_order=True)
        return {name: unit or "" for name, unit in rows.iter_rows() if not name.endswith(SAFETY)}

    @cached_property
    def readings(self) -> dict[str, str]:
        """Quantities that were read, name -> unit; what the model holds in a simulated study was not."""
        rows = self._measured.select("quantity", "unit").unique("quantity", maintain_order=True)
        return {name: unit or "" for name, unit in rows.iter_rows()}

    @cached_property
    def items(self) -> dict[str, tuple[str, str]]:
        """Items of forms, `form.item` -> form and item."""
        rows = self.study.answers.select("form", "item").unique(maintain_order=True)
        return {f"{form}.{item}": (form, item) for form, item in rows.iter_rows()}

    @property
    def _measured(self) -> pl.DataFrame:
        return self.study.readings.filter(pl.col("method").is_null() | (pl.col("method") != "model value"))

    def _numbers(self, quantity: str, text: str) -> Series:
        """Return the values of a score, reading or item."""
        unit, notes = "point", []
        if quantity in self.scores:
            rows, what = self.given.scores.filter(pl.col("quantity") == quantity), "a score"
        elif quantity in self.readings:
            rows, what = self._measured.filter(pl.col("quantity") == quantity), "readings"
            limited = int(rows["limit"].is_not_null().sum())
            notes = [f"{limited} values of {quantity} lie beyond the limit of their assay: they stand at it"][
                : limited > 0
            ]
        else:
            form, item = self.items[quantity]
            rows, what = self.study.answers.filter((pl.col("form") == form) & (pl.col("item") == item)), "answers"
        if "unit" in rows.columns:
            rows, unit, others = of_one_unit(rows)
            line = f"values of {quantity} in {', '.join(others)} were left out: most are in {unit or 'no unit'}"
            notes += [line] if others else []
        short = f"{text!r} is {quantity} (" if text != quantity else f"{quantity!r} ("
        told = f"{short}{what}{f', {unit}' if unit else ''})"
        placed, lost = timed(self.study, rows.filter(pl.col("value").is_finite()))
        return Series(called(text), _columns(placed, quantity, lost), unit, "gaussian", 0, quantity,
                      (told, *notes, *_lost(quantity, lost)))  # fmt: skip

    def _of_community(self, text: str) -> tuple[str, str] | None:
        """Return the kind and name of an index, taxon or group that is called so."""
        wanted = said(text)
        for index in INDICES:
            if wanted in (said(index), f"{said(index)} index", f"{said(index)} diversity"):
                return "diversity", index
        if wanted.startswith("hill ") and wanted[5:].replace(" ", "").isdigit():
            return "diversity", text.strip().lower()
        if any(said(name) == wanted for name in _taxa(self.study)):
            return "clr", text
        ratio = wanted.removesuffix(" log ratio")
        for name in GROUPS:
            if said(name) == ratio:
                return "group", f"{name}{RATIO}"
        more = ("butyrate_makers", "propionate_makers", "firmicutes_to_bacteroidetes")
        return next((("group", name) for name in more if said(name) == wanted), None)

    def _computed(self, kind: str, rest: str, name: str) -> Series:
        """Return what is computed from the community of each sample, with the variance of counting."""
        community = self.given.community(rank="")
        asked_for, rank = rest, ""
        if kind in ("clr", "share", "count"):
            community, (rest,), rank = self._with_taxa(community, [rest])
        if kind == "balance":
            sides = [[one.strip() for one in re.split("[&,]", side) if one.strip()] for side in rest.split("/")]
            if len(sides) == 2 and all(sides):
                community, taxa, rank = self._with_taxa(community, sides[0] + sides[1])
                rest = " / ".join(", ".join(some) for some in (taxa[: len(sides[0])], taxa[len(sides[0]) :]))
        if kind == "group":
            names = group_shares(community)["quantity"].unique(maintain_order=True).to_list()
            rest = next((one for one in names if said(one) == said(rest)), rest)
        if kind == "diversity":
            rest = next((one for one in INDICES if said(one) == said(rest)), rest)
        reads = community.values.sum(axis=1)
        extra: dict[str, np.ndarray] = {}
        variance = None
        if kind == "count":
            if not community.counted:
                told = f"abundances are in {community.unit}, and no counts"
                raise InputError(told, file="abundances", mend=f"Ask for clr: {rest}")
            values, unit = community.values[:, taxon(community, rest)], "reads"
            extra["offset"] = np.log(reads)
        else:
            values, unit = COMPUTED[kind](community, rest)
            variance = _counting(kind, rest, community) if community.counted else None
            extra |= {} if variance is None else {"variance": variance}
        columns = {"value": values, **extra}
        table = community.samples.select("person", "visit", "day", "time").with_columns(
            [pl.Series(column, array, pl.Float64) for column, array in columns.items()]
        )
        table = table.filter(pl.col("value").is_finite() & pl.col("person").is_not_null())
        quantity = f"{kind}: {rest}"
        if table.is_empty():
            raise InputError(f"{quantity!r} has a value in no sample of a known person", file="samples")
        placed, lost = timed(self.study, table)
        lines = [f"{name!r} is {quantity} ({unit})"]
        if kind == "count":
            lines.append(f"{name!r} are reads, with the logarithm of all reads of the sample as their exposure")
        elif variance is not None:
            share = float(np.median(variance)) / max(float(np.var(values[np.isfinite(values)])), 1e-300)
            lines.append(f"what counting alone adds to the error of {name!r} is known for each sample "
                        f"({share:.1%} of its variance in the usual sample of the study)")  # fmt: skip
        if rank:
            lines.append(f"{asked_for!r} is a {rank}: all of its features are summed")
        if self.given.design.material:
            lines.append(f"samples of {self.given.design.material} only")
        return Series(name, _columns(placed, quantity, lost), unit, "count" if kind == "count" else "gaussian", 0,
                      quantity, (*lines, *_lost(quantity, lost)))  # fmt: skip

    def _with_taxa(self, community: Community, names: list[str]) -> tuple[Community, list[str], str]:
        """Return the community in which each name is one taxon, the taxa, and the rank it is summed to (or "")."""
        for rank in ("", *reversed(RANKS)):
            if rank and not community.features[rank].null_count() < len(community.features):
                continue
            here = self.given.community(rank=rank) if rank else community
            pairs = list(zip(here.names, here.features["name"].fill_null("").to_list(), strict=True))
            found = [[one for one, shown in pairs if said(name) in (said(one), said(shown))] for name in names]
            if all(len(some) == 1 for some in found):
                return here, [some[0] for some in found], rank
        for name in names:
            taxon(community, name)  # says what is near, or which there are
        raise InputError(f"{' and '.join(names)} are no taxa of one rank", file="features",
                         mend="Name taxa of the same rank, or features as they were read")  # fmt: skip


def said(name: str) -> str:
    """Return a name as it is spoken: no case, and a blank for whatever joins words."""
    return " ".join(re.sub(r"[\W_]+", " ", name.casefold()).split())


def called(text: str) -> str:
    """Return a name that can stand in the names of parameters, where commas and brackets separate."""
    return " ".join(re.sub(r"[\[\],]", " ", text).split())


def _taxa(study: Study) -> list[str]:
    """Return what taxa are called, at every rank."""
    taxa = study.features.filter(pl.col("kind") == "taxon")
    columns: Iterable[str] = ("name", "feature", *reversed(RANKS))
    return list(dict.fromkeys(name for column in columns for name in taxa[column].drop_nulls()))


def _counting(kind: str, rest: str, community: Community) -> np.ndarray | None:
    reads = community.values.sum(axis=1)
    if kind == "clr":
        return counting.of_ratio(community.values, taxon(community, rest))
    if kind == "share":
        return 100**2 * counting.of_share(community.shares()[:, taxon(community, rest)], reads)
    if kind == "diversity":
        return counting.of_index(community, rest)
    if kind == "group":
        return counting.of_group(community, rest)
    sides = [[taxon(community, part.strip()) for part in side.split(",") if part.strip()] for side in rest.split("/")]
    contrast = np.zeros(community.values.shape[1])
    factor = np.sqrt(np.prod([len(side) for side in sides]) / sum(len(side) for side in sides))
    for side, sign in zip(sides, (1, -1), strict=True):
        contrast[side] = sign * factor / len(side)
    return counting.of_contrast(community.values, contrast)


def categories_of(series: Series) -> Series:
    """Return answers as categories from 0, numbered by what was answered.

    Raises
    ------
    InputError
        If they are no few whole numbers.
    """
    values = series.rows["value"]
    used = sorted(values.unique().to_list())
    if any(value != round(value) for value in used) or not 2 <= len(used) <= MOST_CATEGORIES:
        what = f"{series.quantity!r} cannot be ordinal: it has {len(used)} values from {used[0]:g} to {used[-1]:g}"
        raise InputError(what, mend=f"Ordinal are 2 to {MOST_CATEGORIES} whole numbers; leave out `ordinal:`")
    places = values.replace_strict(used, list(range(len(used))), return_dtype=pl.Float64)
    told = f"{series.name!r} has the categories {', '.join(f'{value:g}' for value in used)}"
    return replace(series, rows=series.rows.with_columns(places.alias("value")), categories=len(used),
                   said=(*series.said, told))  # fmt: skip


def _columns(table: pl.DataFrame, quantity: str, lost: int) -> pl.DataFrame:
    """Return person, at, value, variance, offset and until, sorted."""
    if table.is_empty():
        raise InputError(f"no value of {quantity!r} has a day or time" if lost else f"{quantity!r} has no value",
                         mend="Give its occasions a day" if lost else "")  # fmt: skip
    wanted = ("variance", "offset", "until")
    lacking = [pl.lit(None, pl.Float64).alias(name) for name in wanted if name not in table.columns]
    numbers = [pl.col(name).cast(pl.Float64) for name in ("value", *wanted)]
    made = table.with_columns(lacking).select("person", "at", *numbers)
    return made.sort("person", "at", maintain_order=True)


def _lost(quantity: str, lost: int) -> tuple[str, ...]:
    return (f"{lost} values of {quantity} have no day or time and were left out",) if lost else ()
