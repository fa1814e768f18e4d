"""The life of one chunk: drawn, settled, simulated and summarised; only the summaries leave."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gutbrain.people.cohort import Cohort
from gutbrain.plan import Plan
from gutbrain.population.drawn import Source, drawn
from gutbrain.population.summaries import courses, lost_table, sketches, visit_moments, week_moments
from gutbrain.protocols.protocol import Trial
from gutbrain.run.baseline import unreached, with_baselines
from gutbrain.run.engines import choose
from gutbrain.run.fixed import settled_signals
from gutbrain.run.settle import settle
from gutbrain.run.simulate import simulate

NAMED = 20  # people of a chunk that its account names, of each kind


@dataclass(frozen=True)
class Lived:
    """What is left of a chunk.

    Attributes
    ----------
    files : Parquet files by name, as they are written
    facts : counts and names of the chunk; `sha256` holds the digest of each file
    """

    files: dict[str, bytes]
    facts: dict[str, Any]


def outcomes_of(plan: Plan) -> tuple[str, ...]:
    """Return the signals that a population keeps: those of the report."""
    return tuple(dict.fromkeys((plan.report.primary, *plan.report.outcomes)))


def visits_of(plan: Plan) -> list[int]:
    """Return the days on which changes are tabulated; day 0 is one."""
    return sorted({0, *plan.visits})


def live(
    source: Source, chunk: int, keep: tuple[int, ...] = (), told: Callable[[int, int], None] | None = None
) -> Lived:
    """Let the people of a chunk live.

    Parameters
    ----------
    source : the plan and what it names
    chunk : number of the chunk
    keep : numbers of the people, over the whole population, whose daily courses are kept
    told : called with (done, all) now and then; what it raises ends the work

    Returns
    -------
    Lived : the same bytes on every machine of one kind.
    """
    plan = source.plan
    cohort, trial, shares = drawn(source, chunk)
    signals = outcomes_of(plan)
    # Settling keeps these signals anyway: with the same labels both share one compiled day.
    labels = tuple(dict.fromkeys((*signals, *settled_signals(cohort.axis))))
    settled = _settled(source, cohort, trial, labels, shares, told)
    result = simulate(
        cohort.axis, settled, trial, step_minutes=plan.step_minutes, labels=labels, noise=plan.noise,
        engine=plan.engine, progress=None if told is None else (lambda _, done, total: told(done, total)),
    )  # fmt: skip
    here = source.division.within(chunk)
    own = {number - here.start: number for number in keep if number in here}
    tables = {
        "weeks": week_moments(result, signals), "visits": visit_moments(result, signals, visits_of(plan), plan),
        "sketch": sketches(result, signals), "lost": lost_table(result), "people": courses(result, signals, own),
    }  # fmt: skip
    files = {f"{name}.parquet": _bytes(table) for name, table in tables.items()}
    far = unreached(settled)
    residual = settled.residual if settled.residual is not None else np.zeros(0)
    facts: dict[str, Any] = {
        "chunk": chunk, "first": here.start, "people": len(here), "columns": result.cohort.size,
        "lost": int((~result.kept).sum()), "baselines_not_reached": len(far), "not_reached": far[:NAMED],
        "not_settled": int((~np.isfinite(residual)).sum()),
        "largest_residual": float(np.max(residual, initial=0.0, where=np.isfinite(residual))),
        "rejected_draws": cohort.rejected, **result.checked(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }  # fmt: skip
    return Lived(files, facts)


def _settled(
    source: Source, cohort: Cohort, trial: Trial, labels: tuple[str, ...], shares: np.ndarray | None,
    told: Callable[[int, int], None] | None,
) -> Cohort:  # fmt: skip
    plan = source.plan
    engine = choose(plan.engine, columns=cohort.size, noise=plan.noise, step_minutes=plan.step_minutes)
    options: dict[str, Any] = {
        "step_minutes": plan.step_minutes, "levers": tuple(act.lever for _, act in trial.acts), "labels": labels,
        "integrate": engine.settling(), "progress": told,
    }  # fmt: skip
    if shares is None:
        return settle(cohort, **options)
    return with_baselines(cohort, shares, source.note, **options)


def _bytes(table: pl.DataFrame) -> bytes:
    store = io.BytesIO()
    table.write_parquet(store, compression="zstd", compression_level=3)
    return store.getvalue()
