"""One job from a plan to a finished folder: draw, settle, simulate, explain, tabulate, report."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.folder import whole_folder
from gutbrain.model.axis import Axis, nearest
from gutbrain.plan import Plan
from gutbrain.plan_checks import check_signals, refuse_long_step, refuse_nobody

if TYPE_CHECKING:
    from gutbrain.people.cohort import Cohort
    from gutbrain.run.explain import Explanation
    from gutbrain.run.result import Result
    from gutbrain.run.simulate import Progress

PUBLISHED = {"mind.negative_affect": "MIN-1 anxiety 8 weeks"}
VERSIONS = ("gutbrain", "jax", "numpy", "scipy", "polars", "scikit-bio", "altair", "pint", "pydantic")
ATLAS_NOTE = "HITChip atlas of 300 adults (class level, split assumed; no region comparisons)"


@dataclass(frozen=True)
class Done:
    """What a job left: the folder, its main files and the lines to print."""

    folder: Path
    lines: tuple[str, ...]


def axis_of(plan: Plan) -> Axis:
    """Return the axis that a plan names, with its cuts."""
    from gutbrain.body.whole import AXES

    if plan.axis not in AXES:
        raise InputError(f"axis: no axis {plan.axis!r}{nearest(plan.axis, AXES)}")
    axis = AXES[plan.axis]()
    return axis.without(*plan.cut) if plan.cut else axis


def _cohort(plan: Plan, axis: Axis, levers: tuple[str, ...], progress: Progress | None) -> Cohort:
    """Draw the people of a trial and settle them, each with his own colon if the plan says so."""
    from gutbrain.people.cohort import Cohort
    from gutbrain.run.baseline import with_baselines
    from gutbrain.run.engines import choose
    from gutbrain.run.settle import settle

    people = plan.people
    count = people.per_arm * (1 if people.twins else len(plan.arm))
    told = None if progress is None else (lambda done, total: progress("settling", done, total))
    shares, note, names = _baselines(plan, count)
    beliefs = None
    if people.posterior:
        from gutbrain.fit.calibration.kept import read_posterior

        beliefs = read_posterior(Path(people.posterior), axis).some(people.worlds)
    cohort = Cohort.draw(axis, count, people.worlds, plan.seed, people.open_edges, people.fixed, names, beliefs)
    engine = choose(plan.engine, columns=cohort.size, noise=plan.noise, step_minutes=plan.step_minutes)
    options: dict[str, Any] = {
        "step_minutes": plan.step_minutes, "levers": levers, "integrate": engine.settling(), "progress": told,
    }  # fmt: skip
    if shares is None:
        return settle(cohort, **options)
    return with_baselines(cohort, shares, note, **options)


def _baselines(plan: Plan, count: int) -> tuple[np.ndarray | None, str, tuple[str, ...]]:
    """Return group shares [people, groups], what they are, and names: from the atlas or a counts file."""
    chosen = plan.people.baseline
    if chosen == "none":
        return None, "", ()
    if chosen == "atlas":
        from gutbrain.people.atlas import draw_baselines

        drawn = draw_baselines(count, plan.seed)
        return drawn.shares, ATLAS_NOTE, ()
    samples, array, note = measured_baselines(plan)
    if count == 1 and len(samples) > 1:
        raise InputError(
            f"the table holds {len(samples)} samples, the plan one person", file=chosen,
            mend=f"Name one with --sample: {', '.join(samples[:5])}{' ...' if len(samples) > 5 else ''}",
        )  # fmt: skip
    order = np.random.default_rng([plan.seed, 7]).permutation(len(samples))
    take = order[np.arange(count) % len(samples)]
    repeated = count > len(samples)
    names = tuple(f"{samples[i]} ({n // len(samples) + 1})" if repeated else samples[i] for n, i in enumerate(take))
    return array[take], note, names


def measured_baselines(plan: Plan) -> tuple[list[str], np.ndarray, str]:
    """Return names, group shares [samples, groups] and what they are, of the samples of the plan's counts file."""
    from gutbrain.people.counts import group_shares, read_counts

    chosen = plan.people.baseline
    counts = read_counts(chosen)
    shares = group_shares(counts)
    samples, array = list(shares.samples), shares.array()
    if plan.people.sample:
        if plan.people.sample not in samples:
            raise InputError(f"no sample {plan.people.sample!r}{nearest(plan.people.sample, samples)}", file=chosen)
        keep = [samples.index(plan.people.sample)]
        samples, array = [plan.people.sample], array[keep]
    other = float(np.mean(shares.of_all()["other"].to_numpy()))
    note = f"{Path(chosen).name}, {len(samples)} samples; {other:.1%} of reads mapped to no group and left out"
    lost = shares.unmapped_names().head(5)
    if lost.height:
        note += " (" + ", ".join(f"{name} {share:.1%}" for name, share in lost.iter_rows()) + ")"
    return samples, array, note


def run_trial(
    plan: Plan, out: Path, *, force: bool = False, progress: Progress | None = None, command: str = ""
) -> Done:
    """Run a trial plan and write its folder.

    Raises
    ------
    InputError
        For anything in the plan or its files that cannot be used; nothing is written then.
    """
    from gutbrain.protocols.protocol import check_acts
    from gutbrain.run.simulate import simulate

    axis, trial = axis_of(plan), plan.trial()
    refuse_long_step(axis, plan)
    check_acts(axis, [act for _, act in trial.acts])
    check_signals(plan, axis)
    levers = tuple(act.lever for _, act in trial.acts)
    with whole_folder(out, force) as folder:
        cohort = _cohort(plan, axis, levers, progress)
        result = simulate(
            axis, cohort, trial, step_minutes=plan.step_minutes, noise=plan.noise, engine=plan.engine, progress=progress
        )
        refuse_nobody(result)
        explanation, sensitivity = _explained(plan, axis, result, progress)
        _write_trial(plan, folder, result, explanation, sensitivity, command)
    return Done(out, _summary(plan, result, out))


def compared(plan: Plan) -> tuple[str, str]:
    """Return the arm that the report is about and its comparator."""
    names = [arm.name for arm in plan.arm]
    comparator = plan.report.comparator or names[0]
    others = [name for name in names if name != comparator]
    return plan.report.arm or (others[0] if others else comparator), comparator


def _explained(
    plan: Plan, axis: Axis, result: Result, progress: Progress | None
) -> tuple[Explanation | None, pl.DataFrame | None]:
    from gutbrain.run.explain import explain, sensitivities

    arm, comparator = compared(plan)
    if not plan.report.explain or arm == comparator:
        return None, None
    told = None if progress is None else (lambda done, total: progress("explaining", done, total))
    options: dict[str, Any] = {"step_minutes": plan.step_minutes, "progress": told}
    # The reference person is settled among the copies on which parameters are raised.
    sensitivity, person = sensitivities(axis, result.trial, arm, comparator, plan.report.primary, **options)
    explanation = explain(axis, result.trial, arm, comparator, plan.report.primary, person=person, **options)
    return explanation, sensitivity


def _write_trial(
    plan: Plan,
    folder: Path,
    result: Result,
    explanation: Explanation | None,
    sensitivity: pl.DataFrame | None,
    command: str,
) -> None:
    from gutbrain.evidence.claims import claims
    from gutbrain.evidence.findings import finding
    from gutbrain.show.effects import effects
    from gutbrain.show.graph import signal_graph
    from gutbrain.show.report import published_interval, save_figures, trial_report, write_report

    arm, comparator = compared(plan)
    outcomes = tuple(dict.fromkeys((plan.report.primary, *plan.report.outcomes)))
    table = effects(result, outcomes, list(plan.visits), comparator) if len(result.arms) > 1 else None
    readings = result.table(days=sorted(set(plan.visits)))
    readings.write_parquet(folder / "readings.parquet")
    daily = result.table(signals=outcomes)
    daily.write_parquet(folder / "daily.parquet")
    (folder / "plan.toml").write_text(plan.text(), encoding="utf-8")
    if explanation is not None:
        explanation.paths.write_parquet(folder / "paths.parquet")
        explanation.edges.write_parquet(folder / "edges.parquet")
    grades = {f"{row['signal']} -> {row['listener']}": row["grade"] for row in claims().iter_rows(named=True)}
    strengths = explanation.strengths if explanation else None
    graph = signal_graph(result.cohort.axis, strengths=strengths, grades=grades)
    provenance = {**versions(), "plan": plan.title, "seed": str(plan.seed), "command": command or "from Python"}
    if table is not None:
        table.write_parquet(folder / "effects.parquet")
        published = finding(PUBLISHED[plan.report.primary]) if plan.report.primary in PUBLISHED else None
        report = trial_report(
            result, plan.text(), table, explanation.paths if explanation else None, sensitivity, graph, provenance,
            published=published_interval(published) if published else None, outcome=plan.report.primary, arm=arm,
            title=plan.title, signals=outcomes,
        )  # fmt: skip
        write_report(folder / "report.html", report)
        save_figures(report.charts, folder / "figures")
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "figures" / "signal_map.svg").write_text(graph, encoding="utf-8")
    _write_study(plan, folder, result)
    extra = {
        "people": result.cohort.people, "worlds": result.cohort.worlds, "lost": int((~result.kept).sum()),
        "rejected_draws": result.cohort.rejected, "baseline": result.cohort.baseline_note,
        "baselines_not_reached": _unreached(result.cohort), "largest_residual": _largest(result.cohort.residual),
        "loop_gain": _loop_gain(result.cohort), **result.checked(),
    }  # fmt: skip
    write_manifest(folder, plan, extra, command)


def _write_study(plan: Plan, folder: Path, result: Result) -> None:
    """Write what instruments would have shown of the people of the first world."""
    from gutbrain.study.observed import observe

    if not plan.report.observe:
        return
    about = {"title": plan.title, "about": plan.about, "plan": plan.text(), "world_note": "first world of the run",
             "certainty": certainty_of_study(result, plan.report.observe)}  # fmt: skip
    observe(result, plan.report.observe, seed=plan.seed, about=about).write(folder / "study")


def certainty_of_study(result: Result, measures: list[str]) -> str:
    """Return the lowest grade between the acts and what instruments showed, the numbers of instruments included."""
    from gutbrain.evidence.grade import lowest
    from gutbrain.observe.instruments import choose
    from gutbrain.run.certainty import lowest_of

    chosen = choose(measures)
    signals = {signal for measure in chosen for signal in measure.signals}
    labels = [label for label, column in result.cohort.axis.columns.items() if column.signal in signals]
    return lowest([lowest_of(result, labels), *(one.grade for m in chosen for one in m.figures().values())])


def _loop_gain(cohort: Cohort) -> dict[str, float]:
    """Return the loop gain at rest of the reference person and the largest drawn, by limit."""
    centre = cohort.axis.defaults()
    gains = {}
    for limit in cohort.axis.limits:
        gains[f"{limit.name}, reference person"] = float(np.max(limit.measure(centre)))
        gains[f"{limit.name}, largest drawn"] = float(np.max(limit.measure(cohort.parameters)))
    return gains


def _unreached(cohort: Cohort) -> list[str]:
    from gutbrain.run.baseline import unreached

    return unreached(cohort)


def _largest(residual: np.ndarray | None) -> float | None:
    return None if residual is None else float(np.max(residual))


def versions() -> dict[str, str]:
    """Return the versions of what a run rests on."""
    found = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_manifest(folder: Path, plan: Plan, extra: dict[str, Any], command: str) -> None:
    """Write manifest.json: plan, seed, versions, sources used, and a checksum of each table."""
    axis = axis_of(plan)
    sources = sorted({key for param in axis.parameters.values() for key in param.source.split() if key != "assumed"})
    grades: dict[str, int] = {}
    for param in axis.parameters.values():
        grades[param.grade] = grades.get(param.grade, 0) + 1
    checksums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}
    manifest = {
        "title": plan.title, "command": command, "seed": plan.seed, "versions": versions(),
        "plan": plan.model_dump(mode="json"),
        "parameters_by_grade": grades, "sources": sources, "sha256": checksums, **extra,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, default=str) + "\n", encoding="utf-8")


def _summary(plan: Plan, result: Result, out: Path) -> tuple[str, ...]:
    lost = int((~result.kept).sum())
    lines = [
        f"{plan.title}",
        f"  {result.cohort.size} columns ({result.cohort.people} people x {result.cohort.worlds} worlds), {lost} lost",
    ]
    facts = result.checked()
    if facts["largest_error"] is not None:
        lines.append(f"  engine {facts['engine']}: largest error {facts['largest_error']:.0e} of a state's range; "
                     f"{facts['run_again']} run again for it")
    if result.cohort.rejected:
        lines.append(
            "  draws refused: " + ", ".join(f"{name} {count}" for name, count in result.cohort.rejected.items())
        )
    far = _unreached(result.cohort)
    if far:
        lines.append(f"  baselines the model cannot reach: {', '.join(far)}")
    names = ("report.html", "readings.parquet", "manifest.json", "figures", "study")
    lines += [f"  {out / name}" for name in names if (out / name).exists()]
    return tuple(lines)


def run_exchange(
    plan: Plan,
    study_folder: Path,
    out: Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
    command: str = "",
) -> Done:
    """Predict a diet-exchange study and write its folder.

    Raises
    ------
    InputError
        If the study folder cannot be read, or an arm has no diet; nothing is written then.
    """
    from gutbrain.run.exchange import FOODS, Diet, predict
    from gutbrain.show.exchange_page import exchange_report
    from gutbrain.show.report import save_figures, write_report
    from gutbrain.study.exchange import read_exchange

    axis, settings = axis_of(plan), plan.exchange
    refuse_long_step(axis, plan)
    for diet in settings.diets:
        for kind in (diet.habit, diet.given):
            missing = [food for food in FOODS if food not in kind]
            if missing:
                raise InputError(
                    f"exchange.diets, arm {diet.arm!r}: {missing[0]} is missing (grams a day reaching the colon)"
                )
    study = read_exchange(study_folder)
    with whole_folder(out, force) as folder:
        found = predict(
            axis, study, {diet.arm: Diet(diet.habit, diet.given) for diet in settings.diets}, before=settings.before,
            after=settings.after, null_before=settings.null_before, days=plan.days, worlds=plan.people.worlds,
            seed=plan.seed, step_minutes=plan.step_minutes, engine=plan.engine, progress=progress,
        )  # fmt: skip
        found.errors.write_parquet(folder / "errors.parquet")
        found.groups.write_parquet(folder / "groups.parquet")
        found.result.table(days=[0, plan.days - 1]).write_parquet(folder / "readings.parquet")
        (folder / "plan.toml").write_text(plan.text(), encoding="utf-8")
        report = exchange_report(found, plan.title, plan.text(), study_folder.name, {**versions(), "command": command})
        write_report(folder / "report.html", report)
        save_figures(report.charts, folder / "figures")
        extra = {
            "people": len(found.people),
            "lost": int((~found.result.kept).sum()),
            "baselines_not_reached": found.unreached,
            **found.result.checked(),
        }
        write_manifest(folder, plan, extra, command)
    ours = found.errors.filter(pl.col("arm") == "all")
    lines = [plan.title, "  error (root mean square of log2 ratios, all people and groups):"]
    lines += [f"    {row['forecast']}: {row['error']:.2f}" for row in ours.iter_rows(named=True)]
    lines += [f"  {out / name}" for name in ("report.html", "readings.parquet", "manifest.json", "figures")]
    return Done(out, tuple(lines))
