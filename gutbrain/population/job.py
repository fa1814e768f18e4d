"""One job from a plan of many people to a finished folder: chunks lived anywhere, kept as they come, then merged."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gutbrain.errors import InputError
from gutbrain.job import PUBLISHED, Done, axis_of, compared, versions, write_manifest
from gutbrain.plan import Plan
from gutbrain.plan_checks import check_signals, refuse_long_step
from gutbrain.population.division import COLUMNS, Division
from gutbrain.population.drawn import Source, drawn
from gutbrain.population.fingerprint import fingerprint
from gutbrain.population.live import Lived, live, outcomes_of
from gutbrain.population.memory import give_back
from gutbrain.population.merge import Merged, merge
from gutbrain.population.places import Told, check_place, spread
from gutbrain.population.store import AGAIN, Asked, Store, opened, write_whole
from gutbrain.protocols.protocol import check_acts
from gutbrain.run.engines import choose

if TYPE_CHECKING:
    from gutbrain.run.result import Result
    from gutbrain.run.simulate import Progress

MANY = 10_000  # lives (people in all arms x worlds) above which a trial is run as a population
KEEP = 12  # people whose daily courses are kept
NAMED = 100  # people that the manifest names, of each kind


class Unfinished(KeyboardInterrupt):
    """The user stopped a run; its message says what is kept."""


def is_population(plan: Plan) -> bool:
    """Say whether a trial has too many lives to be held at once."""
    people = plan.people
    return plan.kind == "trial" and people.per_arm * max(len(plan.arm), 1) * people.worlds > MANY


def run_population(
    plan: Plan,
    out: Path,
    *,
    on: str = "",
    keep: int = KEEP,
    force: bool = False,
    progress: Progress | None = None,
    command: str = "",
    columns: int = COLUMNS,
    say: Callable[[str], None] = print,
) -> Done:
    """Run a trial chunk by chunk and write its folder; a run that was left is gone on with.

    Parameters
    ----------
    on : where chunks are lived, as `gutbrain.population.places.spread` takes it
    keep : number of people whose daily courses are kept
    force : begin anew, whatever the folder holds of an earlier run
    columns : lives of a chunk, about
    say : called with a line about the place and what was found

    Raises
    ------
    InputError
        For anything that cannot be used. Nothing is written then, or what is done stays and can be gone on with.
    Unfinished
        If it is interrupted; what is done stays.
    """
    if on == "gpu":
        plan = plan.model_copy(update={"engine": "fixed"})  # the engine that runs wherever JAX does
    _check(plan, keep)
    check_place(on)
    division = Division.of(plan, columns)
    # Chosen here and once: chunks of one run share an engine, whatever is installed where they live.
    engine = choose(plan.engine, columns=division.columns, noise=plan.noise, step_minutes=plan.step_minutes)
    plan = plan.model_copy(update={"engine": engine.name})
    source = Source.read(plan, division)
    kept = tuple(division.chosen(keep).tolist())
    asked = Asked(plan.model_dump(mode="json"), _inputs(source, kept), fingerprint(), division.chunks, command)
    with opened(out, plan, asked, force) as store:
        try:
            facts = _live_all(store, partial(_one, source, kept), on, progress, say, division)
            _write(store, source, facts, command, on, progress)
        except KeyboardInterrupt as stop:
            raise Unfinished(f"interrupted; {store.count()} of {division.chunks} chunks are done. {AGAIN}") from stop
        store.finish()
    return Done(out, _lines(plan, division, facts, out))


def _one(source: Source, kept: tuple[int, ...], chunk: int, told: Told | None) -> Lived:
    lived = live(source, chunk, kept, told)
    give_back()
    return lived


def _check(plan: Plan, keep: int) -> None:
    if keep < 0:
        raise InputError(f"--keep must be 0 or more, not {keep}")
    axis, trial = axis_of(plan), plan.trial()
    refuse_long_step(axis, plan)
    check_acts(axis, [act for _, act in trial.acts])
    check_signals(plan, axis)


def _inputs(source: Source, kept: tuple[int, ...]) -> str:
    """Digest of all that decides the result besides the plan and the program."""
    digest = hashlib.sha256(json.dumps([source.division.size, kept, source.samples, source.note]).encode())
    arrays = {"shares": source.shares, **(source.beliefs or {})}
    if source.atlas is not None:
        arrays["atlas"] = source.atlas.counts.table.drop("taxon").to_numpy()
    for name, values in sorted(arrays.items()):
        if values is not None:
            digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]


def _live_all(
    store: Store, work: Callable[[int, Told | None], Lived], on: str, progress: Progress | None,
    say: Callable[[str], None], division: Division,
) -> list[dict[str, Any]]:  # fmt: skip
    """Live every chunk that is not done; return the facts of all, in their order."""
    facts, broken = store.done()
    total = division.chunks
    for fault in broken:
        say(f"run again: {fault}")
    if facts or broken:
        say(f"{store.folder} was left unfinished: {len(facts)} of {total} chunks are done, going on")
    else:
        say(f"{division.columns:,} lives of {division.people:,} people in {total:,} chunks")
    left = [chunk for chunk in range(total) if chunk not in facts]
    if progress:
        progress("living", len(facts), total)
    # Closed at once when anything fails: threads and clusters end with the run, not with the collector.
    with closing(spread(work, left, on, say)) as answers:
        for answer in answers:
            store.write(answer.task, answer.given, answer.seconds)
            facts[answer.task] = {**answer.given.facts, "cpu_seconds": round(answer.seconds, 3)}
            if progress:
                progress("living", len(facts), total)
    return [facts[chunk] for chunk in range(total)]


def _write(
    store: Store, source: Source, facts: list[dict[str, Any]], command: str, on: str, progress: Progress | None
) -> None:
    """Merge the chunks and write tables, report and manifest."""
    from gutbrain.show.report import write_report

    plan, out, total = source.plan, store.folder, len(facts)
    merged = merge(
        [store.place(chunk) for chunk in range(total)], [one.name for one in plan.arm], compared(plan)[1],
        source.division.twins, lambda done: progress("merging", done, total) if progress else None,
    )  # fmt: skip
    account = _account(facts, source.division)
    tables = {"weeks": merged.weeks, "kept": merged.people, "lost": merged.lost}
    if len(plan.arm) > 1:
        tables["effects"] = merged.effects
    for name, table in tables.items():
        content = io.BytesIO()
        table.write_parquet(content, compression="zstd")
        write_whole(out / f"{name}.parquet", content.getvalue())
    write_whole(out / "plan.toml", plan.text().encode())
    provenance = {**versions(), "plan": plan.title, "seed": str(plan.seed), "engine": plan.engine,
                  "program": store.asked.program, "command": command or "from Python"}  # fmt: skip
    write_report(out / "report.html", _report(source, merged, {**account, "folder": str(out)}, provenance))
    extra = {**account, "engine": plan.engine, "on": on or "this process", "program": store.asked.program}
    write_manifest(out, plan, extra, command)


def _report(source: Source, merged: Merged, facts: dict[str, Any], provenance: dict[str, str]) -> Any:
    from gutbrain.evidence.findings import finding
    from gutbrain.show.population_page import Population, population_report
    from gutbrain.show.report import published_interval

    plan = source.plan
    effects = merged.effects if len(plan.arm) > 1 else None
    beside = None
    if effects is not None and plan.report.primary in PUBLISHED:
        beside = published_interval(finding(PUBLISHED[plan.report.primary]))
    shown = Population(outline(source), merged.weeks, effects, merged.people, merged.lost, merged.leaving, facts)
    return population_report(
        shown, plan.text(), provenance, outcome=plan.report.primary, arm=compared(plan)[0], title=plan.title,
        signals=outcomes_of(plan), published=beside,
    )  # fmt: skip


def outline(source: Source) -> Result:
    """Return a result without readings, whose plan, axis and numbers of people are those of the population."""
    from gutbrain.run.result import Result

    plan, division = source.plan, source.division
    cohort, trial, _ = drawn(source, 0)
    axis, signals = cohort.axis, outcomes_of(plan)
    side = division.arms if division.twins else 1
    whole = replace(cohort, people=division.people * side, names=(), baseline_note=source.note)
    nothing = np.zeros((plan.days, len(signals), 0), np.float32)
    none = np.zeros(0, int)
    units = tuple(axis.columns[label].unit for label in signals)
    return Result(
        whole, replace(trial, assigned=()), signals, units, nothing, nothing, nothing, none,
        np.zeros((plan.days, 0)), none, none, axis.rows, plan.step_minutes,
    )  # fmt: skip


def _account(facts: list[dict[str, Any]], division: Division) -> dict[str, Any]:
    """Add the facts of all chunks up: counts, the worst, the first names."""
    errors = [fact["largest_error"] for fact in facts if fact["largest_error"] is not None]
    digest = hashlib.sha256("".join(one for fact in facts for one in fact["sha256"].values()).encode())
    counted = ("lost", "run_again", "baselines_not_reached", "not_settled")
    return {
        "people": division.people, "worlds": division.worlds, "columns": division.columns,
        "chunks": division.chunks, "people_in_chunk": division.size,
        **{name: sum(fact[name] for fact in facts) for name in counted},
        "named_again": [name for fact in facts for name in fact["named_again"]][:NAMED],
        "not_reached": [name for fact in facts for name in fact["not_reached"]][:NAMED],
        "largest_error": max(errors) if errors else None,
        "largest_residual": max(fact["largest_residual"] for fact in facts),
        "rejected_draws": facts[0]["rejected_draws"],
        "cpu_seconds": round(sum(fact["cpu_seconds"] for fact in facts), 1),
        "chunks_sha256": digest.hexdigest(),
    }  # fmt: skip


def _lines(plan: Plan, division: Division, facts: list[dict[str, Any]], out: Path) -> tuple[str, ...]:
    account = _account(facts, division)
    again = f", {account['run_again']} run again by finer steps" if account["run_again"] else ""
    return (
        plan.title,
        f"  {division.columns:,} lives ({division.people:,} people x {division.worlds} worlds) in {division.chunks:,} "
        f"chunks, {account['lost']} lost{again}; {account['cpu_seconds']:,.0f} s of processor time",
        *(f"  {out / name}" for name in ("report.html", "weeks.parquet", "effects.parquet", "chunks", "manifest.json")
          if (out / name).exists()),
    )  # fmt: skip
