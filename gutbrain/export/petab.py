"""A run as a fitting problem in PEtab v2: a folder of tables with the model, for any program that reads them.

What is fitted is the typical person to the means of the arms; what may move is what the axis only believes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.export.content import in_words, lowest
from gutbrain.export.petab_model import with_daily_means
from gutbrain.export.petab_periods import Conditions, Doses, doses_of, switches
from gutbrain.export.petab_priors import REACH, Free, Prior, entries, written
from gutbrain.export.sbml import sbml
from gutbrain.export.sbml_acts import acts_of
from gutbrain.export.sbml_system import sid
from gutbrain.folder import refuse_existing, whole_folder, write_manifest
from gutbrain.job import axis_of
from gutbrain.observe.instruments import choose
from gutbrain.people.cohort import Cohort
from gutbrain.plan import Plan, read_plan
from gutbrain.protocols.protocol import check_acts

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.observe.measure import Measure

WARM_UP = 28  # days before day 0 in which a changed parameter finds its rest
MIDNIGHT = "midnight"
ASSUMED_ERROR = 0.1  # share of the value that one reading errs by where no instrument is named
READ = ("reading", "prompts", "stools")  # measures whose noise is that of one reading of the signal
FILES = ("parameters", "observables", "measurements", "conditions", "experiments")


@dataclass(frozen=True)
class Observable:
    """One signal of the fit: its name, and what an instrument would err by (relative or in its unit)."""

    signal: str
    unit: str
    error: float
    relative: bool
    measure: str
    between: float


@dataclass(frozen=True)
class Problem:
    """What was written: counts, and what was left out, in words."""

    folder: Path
    experiments: int
    measurements: int
    parameters: int
    said: tuple[str, ...]


def write_petab(run: Path | Axis, out: Path, title: str = "", force: bool = False, command: str = "") -> Problem:
    """Write a run folder as a PEtab v2 problem.

    Parameters
    ----------
    run : folder of a trial that was run
    out : folder to write; `problem.yaml` in it names the rest
    title : heading of its README (the title of the plan without it)
    command : how it was asked for, for the manifest

    Raises
    ------
    InputError
        For an axis alone (it has nothing to be fitted to), a folder without results, a run of another kind, or a
        target that exists; nothing is written then.
    """
    if not isinstance(run, Path):
        raise InputError(f"the axis {run.name!r} alone is no fitting problem: it has no measurements",
                         mend="Give the folder of a run: gutbrain run PLAN --out DIR")  # fmt: skip
    refuse_existing(out, force)
    plan, readings = read_run(run)
    axis = axis_of(plan)
    trial = plan.trial()
    check_acts(axis, [act for _, act in trial.acts])
    person = typical(axis, plan)
    observables = _observables(plan, axis, readings)
    measured = _measurements(plan, observables, readings)
    used = {row["observableId"] for row in measured}
    said = [f"{one.signal}: 0 for everybody" for one in observables if f"mean_{sid(one.signal)}" not in used]
    observables = [one for one in observables if f"mean_{sid(one.signal)}" in used]
    if not measured:
        raise InputError("no outcome has a value at a visit", file=run, mend="Name outcomes that move, and run again")
    model = sbml(axis, person=person, title=title or plan.title)
    if model.errors:
        raise InputError(f"libSBML finds {len(model.errors)} errors in the model, the first: {model.errors[0]}")
    conditions = Conditions()
    doses = doses_of(axis, [act for _, act in trial.acts])
    experiments = _experiments(plan, axis, person, doses, conditions)
    free = [*_free(plan, axis, person, {one.id for one in model.quantities}), *_offsets(observables)]
    free += [Free(one.id, one.prior, one.unit, one.act.grade, one.act.source, f"dose on {one.act.lever}")
             for one in doses.values()]  # fmt: skip
    files = {
        "model.xml": with_daily_means(model, [one.signal for one in observables]),
        "parameters.tsv": _table(one.row() for one in free),
        "observables.tsv": _table(_observable_rows(observables, {one.id for one in free})),
        "measurements.tsv": _table(measured),
        "conditions.tsv": _table(_condition_rows(conditions, observables)),
        "experiments.tsv": _table(experiments),
    }
    files["problem.yaml"] = _yaml()
    count = Problem(out, len(plan.arm), len(measured), len(free), tuple(said))
    files["README.md"] = _readme(title or plan.title, plan, count, free, observables)
    with whole_folder(out, force) as folder:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        write_manifest(folder, command, what="PEtab v2 problem", title=title or plan.title)
    return count


def read_run(run: Path) -> tuple[Plan, pl.DataFrame]:
    """Read the plan of a run and the readings of its first world at the visits.

    Raises
    ------
    InputError
        For a folder that is no run, has no results, or is a diet exchange.
    """
    mend = "Give the folder of a run: gutbrain run PLAN --out DIR"
    if not (run / "plan.toml").is_file():
        raise InputError("is no run: it has no plan.toml", file=run, mend=mend)
    plan = read_plan(run / "plan.toml")
    if plan.kind != "trial":
        raise InputError("is a diet exchange, whose diets differ from person to person", file=run,
                         mend="Give the folder of a trial")  # fmt: skip
    path = run / "readings.parquet"
    if not path.is_file():
        raise InputError("has no results: readings.parquet is missing", file=run, mend="Run the plan first")
    try:
        table = pl.read_parquet(path)
        chosen = table.filter(pl.col("world") == pl.col("world").min(), pl.col("present"), ~pl.col("lost"))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError("is not as a run writes it", file=path, mend="Run the plan again") from error
    if chosen.is_empty():
        raise InputError("has no results: nobody stayed in the trial", file=path, mend="Look at the report of the run")
    return plan, chosen


def typical(axis: Axis, plan: Plan) -> Cohort:
    """Return the reference person of the plan, settled."""
    from gutbrain.run.settle import settle

    person = Cohort.draw(axis, 1, 1, plan.seed, plan.people.open_edges, plan.people.fixed)
    return settle(person, step_minutes=plan.step_minutes)


def _observables(plan: Plan, axis: Axis, readings: pl.DataFrame) -> list[Observable]:
    """Return the outcomes of the plan with the error of the instruments that read them."""
    found = []
    measures = choose(plan.report.observe)
    groups = readings.group_by("signal", "arm", "day").agg(pl.col("mean").std())
    sizes = dict(groups.fill_null(0.0).fill_nan(0.0).group_by("signal").agg(pl.col("mean").max()).iter_rows())
    for signal in dict.fromkeys((plan.report.primary, *plan.report.outcomes)):
        measure = next((one for one in measures if _reads(one, signal)), None)
        error, relative = (ASSUMED_ERROR, True) if measure is None else _error(measure)
        name = "" if measure is None else measure.name
        found.append(
            Observable(signal, axis.columns[signal].unit, error, relative, name, float(sizes.get(signal, 0.0)))
        )
    return found


def _reads(measure: Measure, signal: str) -> bool:
    straight = measure.kind in READ and measure.read == "daily mean"
    return straight and measure.signals[0] == signal and measure.noise.value > 0


def _error(measure: Measure) -> tuple[float, bool]:
    """Return what one reading errs by: relative to the signal, or in its unit."""
    relative = measure.spread == "log-normal"
    return measure.noise.value if relative else measure.noise.value / measure.scale.value, relative


def _measurements(plan: Plan, observables: Sequence[Observable], readings: pl.DataFrame) -> list[dict[str, str]]:
    """Return the mean of each arm at each visit with its standard error, one row each."""
    rows = []
    for one in observables:
        table = readings.filter(pl.col("signal") == one.signal, pl.col("mean").is_finite())
        for arm, name in zip(plan.arm, experiment_ids(plan), strict=True):
            for day in sorted(set(plan.visits)):
                values = table.filter(arm=arm.name, day=day)["mean"].to_numpy()
                spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
                # What is exactly 0 for everybody has no error, and can be fitted to nothing.
                if len(values) and (spread > 0 or not one.relative or values.any()):
                    error = spread / len(values) ** 0.5
                    rows.append({
                        "observableId": f"mean_{sid(one.signal)}", "experimentId": name, "time": written(day + 1),
                        "measurement": written(float(values.mean())),
                        "noiseParameters": f"{written(error)};{len(values)}",
                    })  # fmt: skip
    return rows


def experiment_ids(plan: Plan) -> list[str]:
    """Return the name of the experiment of each arm."""
    found: list[str] = []
    for arm in plan.arm:
        name = f"arm_{sid(arm.name)}"
        found.append(f"{name}_{len(found) + 1}" if name in found else name)
    return found


def _experiments(plan: Plan, axis: Axis, person: Cohort, doses: Doses, conditions: Conditions) -> list[dict[str, str]]:
    """Return the periods of every arm: rest, switches of levers, and the midnights around each visit."""
    midnights = sorted({day + after for day in plan.visits for after in (0, 1)})
    rows = []
    for number, name in enumerate(experiment_ids(plan)):
        acts = acts_of(plan.trial(), number)
        periods = [(float(-WARM_UP), ""), *((float(day), MIDNIGHT) for day in midnights)]
        periods += switches(axis, person, acts, doses, plan.days, plan.step_minutes, conditions)
        rows += [{"experimentId": name, "time": written(time), "conditionId": condition}
                 for time, condition in sorted(periods)]  # fmt: skip
    return rows


def _condition_rows(conditions: Conditions, observables: Sequence[Observable]) -> list[dict[str, str]]:
    rows = [{"conditionId": name, "targetId": target, "targetValue": value}
            for changes, name in conditions.named.items() for target, value in changes]  # fmt: skip
    for one in observables:
        # Values are read before any is set: what the day summed up is kept, and the sum begins anew.
        for target, value in (
            (f"seen_{sid(one.signal)}", f"today_{sid(one.signal)}"),
            (f"today_{sid(one.signal)}", "0"),
        ):
            rows.append({"conditionId": MIDNIGHT, "targetId": target, "targetValue": value})
    return rows


def _free(plan: Plan, axis: Axis, person: Cohort, known: set[str]) -> list[Free]:
    """Return the parameters that are only believed, entry by entry."""
    found = []
    for name, param in axis.parameters.items():
        closed = param.closed and name not in plan.people.open_edges
        if param.belief is None or closed or name in plan.people.fixed or param.settled:
            continue
        for label, believed in entries(axis, name, person.parameters[name]):
            if sid(label) in known and believed is not None:
                found.append(Free(sid(label), believed, param.unit, param.grade, param.source, param.about))
    return found


def _offsets(observables: Sequence[Observable]) -> list[Free]:
    """Return what the mean of people may differ by from the typical person: nobody knows it, so it is fitted."""
    found = []
    for one in observables:
        if one.between > 0:
            ends = (-REACH * one.between, REACH * one.between)
            about = "mean of the people minus the typical person; prior: one standard deviation of people"
            belief = Prior("normal", (0.0, one.between), *ends, 0.0)
            found.append(Free(f"offset_{sid(one.signal)}", belief, one.unit, "assumed", "assumed", about))
    return found


def _observable_rows(observables: Sequence[Observable], free: set[str]) -> list[dict[str, str]]:
    rows = []
    for one in observables:
        name, seen = f"mean_{sid(one.signal)}", f"seen_{sid(one.signal)}"
        offset = f"offset_{sid(one.signal)}"
        error = f"({written(one.error)} * {seen})" if one.relative else f"({written(one.error)})"
        noise = f"sqrt(se_{name}^2 + {error}^2 / people_{name})"
        rows.append({
            "observableId": name, "observableName": f"{one.signal}, mean of the day ({one.unit})",
            "observableFormula": f"{seen} + {offset}" if offset in free else seen, "noiseFormula": noise,
            "noiseDistribution": "normal", "noisePlaceholders": f"se_{name};people_{name}",
        })  # fmt: skip
    return rows


def _table(rows: Iterable[dict[str, str]]) -> str:
    """Return rows as tab-separated text."""
    listed = list(rows)
    head = list(listed[0])
    cells = [head, *([" ".join(row[name].split()) for name in head] for row in listed)]
    return "\n".join("\t".join(line) for line in cells) + "\n"


def _yaml() -> str:
    lines = [
        'format_version: "2.0.0"',
        "model_files:",
        "  gut_brain_axis:",
        "    location: model.xml",
        "    language: sbml",
    ]
    for name in FILES:
        lines += [f"{name.removesuffix('s')}_files:", f"  - {name}.tsv"]
    return "\n".join(lines) + "\n"


def _readme(title: str, plan: Plan, count: Problem, free: Sequence[Free], observables: Sequence[Observable]) -> str:
    from gutbrain.export.petab_readme import readme

    words = [in_words(one.grade, one.source) for one in free]
    return readme(title, plan, count, sum("no source" in one for one in words), lowest([one.grade for one in free]),
                  [(one.signal, one.measure) for one in observables], WARM_UP, ASSUMED_ERROR)  # fmt: skip
