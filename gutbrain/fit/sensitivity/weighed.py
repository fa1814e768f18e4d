"""All of it for one comparison: screening, indices, shares of the sourced and the others, what to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.fit.sensitivity.answers import Answers, Asked, answers, filled, varies
from gutbrain.fit.sensitivity.measurement import of_parameters, of_signals
from gutbrain.fit.sensitivity.morris import chosen, matter, morris_points, morris_table
from gutbrain.fit.sensitivity.sobol import Saltelli, of_unknowns, saltelli, shares, sobol_table
from gutbrain.fit.sensitivity.unknowns import Space, weakest

Progress = Callable[[str, int, int], None]
BEFORE, DURING = "before the course", "change in the trial"
MOST_LOST = 0.05  # share of draws without an answer above which nothing is concluded
TOLD = ("kind", "entries", "value", "unit", "low", "high", "grade", "sourced", "source", "about")


@dataclass(frozen=True)
class Settings:
    """How much is run.

    Parameters
    ----------
    trajectories : of Morris; each costs one person for every unknown, and one more
    base : rows of the Saltelli design, a power of two; each costs one person for every kept unknown, and four more
    keep : most unknowns that get Sobol indices
    """

    trajectories: int = 10
    base: int = 256
    keep: int = 14
    seed: int = 1


@dataclass(frozen=True)
class Sensitivity:
    """What the outcomes of a comparison hang on.

    Attributes
    ----------
    outcomes : outcome, unit, asked, varies, mean, sd, low, high (5 and 95 % of draws), weakest_grade
    unknowns : parameter and what is known of it
    morris, sobol, measurements : of the outcomes that were asked for; read_outs : signals that go along with them
    shares : part of the variance with a source, without, and of both together; of every outcome
    counts : draws of each step, draws at a limit, draws without an answer
    """

    arm: str
    comparator: str
    day: int
    level: bool
    settings: Settings
    outcomes: pl.DataFrame
    unknowns: pl.DataFrame
    morris: pl.DataFrame
    sobol: pl.DataFrame
    shares: pl.DataFrame
    measurements: pl.DataFrame
    read_outs: pl.DataFrame
    counts: pl.DataFrame

    @property
    def asked(self) -> list[str]:
        """The outcomes that were asked for and vary."""
        return self.outcomes.filter("asked", "varies")["outcome"].to_list()

    @property
    def still(self) -> list[str]:
        """The outcomes that vary in no draw."""
        return self.outcomes.filter(~pl.col("varies"))["outcome"].to_list()


def weigh(
    asked: Asked,
    space: Space,
    wanted: Sequence[str],
    beside: Sequence[str],
    readings: Sequence[str],
    settings: Settings,
    progress: Progress | None = None,
) -> Sensitivity:
    """Weigh the unknowns of a comparison.

    Parameters
    ----------
    wanted : outcomes that get all steps
    beside : outcomes that get the share of the sourced and the others, from the same draws
    readings : signals that might be measured

    Raises
    ------
    InputError
        If no wanted outcome varies, or too many draws have no answer.
    """
    names, entries = [one.name for one in space.unknowns], [one.entries for one in space.unknowns]
    points = morris_points(names, entries, settings.trajectories, settings.seed)
    screened = answers(asked, space, points, _named(progress, "Morris"))
    _refuse_lost(screened)
    moving = [name for name in wanted if _moves(asked, screened, name)]
    _refuse_still(asked, wanted, moving, len(points))
    told = {one.name: {"parameter": one.name} | _about(asdict(one), one.entries, one.sourced) for one in space.unknowns}
    tables = {name: morris_table(names, entries, points, _of(asked, screened, name), settings.seed) for name in moving}
    kept = chosen([matter(tables[name]) for name in moving], settings.keep)
    made = saltelli(names, entries, [one.sourced for one in space.unknowns], kept, settings.base, settings.seed)
    found = answers(asked, space, made.rows, _named(progress, "Sobol"))
    _refuse_lost(found)
    values = {name: made.split(_of(asked, found, name)) for name in dict.fromkeys((*wanted, *beside))}
    varying = [name for name in values if _moves(asked, found, name)]
    moving = [name for name in moving if name in varying]
    _refuse_still(asked, wanted, moving, len(made.rows))
    sobol = {name: of_unknowns(sobol_table(made, values[name], settings.seed), told, TOLD[:1] + TOLD[3:])
             for name in moving}  # fmt: skip
    measured = {name: of_unknowns(of_parameters(sobol[name]), told, TOLD) for name in moving}
    grades = {name: [str(told[one]["grade"]) for one in kept] for name in moving}
    everything = weakest(one.grade for one in space.unknowns)
    draws = np.concatenate([np.arange(len(made.points)) * made.points.shape[1],
                            (np.arange(len(made.points)) + 1) * made.points.shape[1] - 1])  # fmt: skip
    rows = []
    for name in values:
        free = values[name][:, [0, -1]]
        low, high = np.quantile(free, [0.05, 0.95])
        spread = float(free.mean()), float(free.std()), float(low), float(high)
        grade = weakest(grades.get(name, [])) or everything
        rows.append((name, asked.axis.columns[name].unit, name in wanted, name in varying, *spread, grade))
    schema = ["outcome", "unit", "asked", "varies", "mean", "sd", "low", "high", "weakest_grade"]
    marked = {name: tables[name].with_columns(pl.col("parameter").is_in(kept).alias("kept")) for name in moving}
    return Sensitivity(
        asked.trial.arms[0].name, asked.trial.arms[1].name, asked.trial.days - 1, asked.level, settings,
        pl.DataFrame(rows, schema=schema, orient="row"),
        pl.DataFrame(list(told.values()), infer_schema_length=None),
        _stacked({name: of_unknowns(table, told, ("grade", "sourced", "about")) for name, table in marked.items()}),
        _stacked(sobol),
        _stacked({name: shares(values[name], settings.seed) for name in varying}),
        _stacked(measured),
        _stacked({name: _read_outs(asked, found, draws, name, readings, settings.seed) for name in moving}),
        _counts(screened, found),
    )  # fmt: skip


def _about(fields: dict[str, object], entries: int, sourced: bool) -> dict[str, object]:
    fields |= {"entries": entries, "sourced": sourced}
    return {key: fields[key] for key in TOLD}


def _of(asked: Asked, found: Answers, name: str) -> np.ndarray:
    return filled(found.change[:, asked.labels.index(name)], found.lost)


def _moves(asked: Asked, found: Answers, name: str) -> bool:
    place = asked.labels.index(name)
    return varies(found.change[~found.lost, place], found.before[~found.lost, place])


def _refuse_still(asked: Asked, wanted: Sequence[str], moving: Sequence[str], draws: int) -> None:
    if not moving:
        raise InputError(
            f"{', '.join(wanted)}: the {'level' if asked.level else 'effect'} is the same in all {draws} draws, so "
            "there is no variance to share out",
            mend="Choose another --outcome" + ("" if asked.level else ", or ask for its level with --level"),
        )


def _refuse_lost(found: Answers) -> None:
    share = float(found.lost.mean())
    if share > MOST_LOST:
        raise InputError(
            f"{100 * share:.0f} % of the draws left the bounds of the model or found no rest, so their outcome is not "
            "known and no share of variance would mean anything",
            mend="Look at the beliefs of the plan's fixed and opened parameters; a shorter step may help",
        )


def _read_outs(
    asked: Asked, found: Answers, draws: np.ndarray, outcome: str, readings: Sequence[str], seed: int
) -> pl.DataFrame:
    """Return what reading a signal would tell of an outcome, over the independent draws."""
    kept = draws[~found.lost[draws]]
    value = found.change[kept, asked.labels.index(outcome)]
    parts = []
    for when, source in ((BEFORE, found.before), (DURING, found.change)):
        names = [
            name for name in readings
            if (name != outcome or when == BEFORE)
            and varies(source[kept, asked.labels.index(name)], found.before[kept, asked.labels.index(name)])
        ]  # fmt: skip
        places = [asked.labels.index(name) for name in names]
        parts.append(of_signals(value, source[np.ix_(kept, places)], names, when, seed))
    return pl.concat(parts).sort(["linear", "signal"], descending=[True, False])


def _counts(screened: Answers, found: Answers) -> pl.DataFrame:
    rows = [
        (step, len(one.lost), int(one.moved.sum()), int(one.lost.sum()))
        for step, one in (("Morris", screened), ("Sobol", found))
    ]
    return pl.DataFrame(rows, schema=["step", "draws", "at_limit", "lost"], orient="row")


def _stacked(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([
        table.select(pl.lit(name).alias("outcome"), pl.all()) for name, table in tables.items()
    ])  # fmt: skip


def _named(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else (lambda done, total: progress(what, done, total))


__all__ = ["Saltelli", "Sensitivity", "Settings", "weigh"]
