"""Command `gutbrain couple`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.cli_analyse import read_study_folder
from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    import polars as pl

    from gutbrain.fit.coupling.asked import Asked
    from gutbrain.fit.coupling.coupled import Coupled
    from gutbrain.fit.coupling.fitted import Fitted
    from gutbrain.fit.coupling.from_study import Dose, Gathered
    from gutbrain.fit.coupling.maximum import Objective
    from gutbrain.fit.coupling.model import CouplingModel
    from gutbrain.fit.coupling.panel import Panel
    from gutbrain.fit.coupling.prior import Prior

Progress = Callable[[str, int, int], None]
METHODS = {"ml": "maximum likelihood", "map": "maximum a posteriori", "nuts": "NUTS"}
ASKED = "asked.json"  # beside the fit: what was understood, and what one dose is
SHOWN = 3  # pairs, and sentences on what cannot be concluded, that are printed
LEAST_DRAWS = 100  # of a chain: fewer say nothing on whether they settled
EVERY = 0.5  # s between two lines of progress without an end
POINTS = 60  # lags of a curve
WIDTH = 72  # of a name in a list
LINE = 48  # of progress without an end, so that a shorter one covers a longer one


def add_couple(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain couple`."""
    couple = commands.add_parser(
        "couple", help="which way does it run: coupling of gut and mind in continuous time, for one person or many"
    )
    couple.add_argument("study", type=Path, help="study folder, or a run folder that holds one")
    couple.add_argument("--gut", default="", help='processes of the gut, as "shannon, butyrate_producers"; + joins '
                        "indicators to one process")  # fmt: skip
    couple.add_argument("--mind", default="", help='processes of the mind, as "negative affect + stress"')
    couple.add_argument("--inputs", default="", help='what moves them at once, or with :level until its next record, '
                        'as "practice_minutes, medication:level"')  # fmt: skip
    couple.add_argument("--predictors", default="", help='columns of people, as "age, arm"')
    couple.add_argument("--vary", default="", help='what differs between people: "levels", "couplings", "none", or '
                        "names of parameters; by the data if left out")  # fmt: skip
    couple.add_argument("--no-error", action="store_true", help="indicators have no error of measurement")
    couple.add_argument("--initial", choices=("free", "stationary"), help="state at the first occasion (stationary)")
    couple.add_argument("--trend", action="store_true", help="a straight course of each process")
    couple.add_argument("--day-night", action="store_true", help="a cycle of 24 hours of each process")
    couple.add_argument("--method", choices=tuple(METHODS), help="ml (without a prior; usual), map (with one; usual "
                        "where couplings vary between people) or nuts")  # fmt: skip
    couple.add_argument("--prior", help="weak, axis (the linearised model), or the folder of an earlier coupling")
    couple.add_argument("--people", default="", help="who is taken, separated by commas; everybody by default")
    couple.add_argument("--person", action="append", default=[], help="one person, whose name may hold a comma")
    couple.add_argument("--lags", type=float, help="longest lag of curves, days")
    couple.add_argument("--draws", type=int, default=1000, help="draws a chain of nuts")
    couple.add_argument("--chains", type=int, default=4, help="chains of nuts")
    couple.add_argument("--seed", type=int, default=1, help="seed of nuts")
    couple.add_argument("--bootstrap", type=int, default=0, metavar="N",
                        help="free a maximum of its bias by N drawn and fitted series (200 is usual)")  # fmt: skip
    couple.add_argument("--draft", action="store_true", help="print model, start values and counts, and do nothing")
    couple.add_argument("--out", type=Path, help="folder to write")
    couple.add_argument("--force", action="store_true", help="replace the folder if it exists")
    couple.add_argument("--quiet", action="store_true", help="no progress")
    return couple


def couple(options: argparse.Namespace, command: str, progress: Progress | None = None) -> int:
    """Run `gutbrain couple`; return 1 for a fit that did not converge, 130 for one that was interrupted."""
    method = options.method or ("map" if options.prior else "ml")
    _refuse_options(options, method)
    from gutbrain.fit.coupling.asked import Choices, asked, listed_of, wanted
    from gutbrain.fit.coupling.from_study import gather
    from gutbrain.fit.coupling.panel_check import refuse_unsuited

    processes = wanted(options.gut, options.mind, options.inputs)
    study = read_study_folder(options.study)
    parts = [part for process in processes for part in process.parts]
    people = [*listed_of(options.people), *options.person]
    doses = kept_doses(options.prior)
    gathered = gather(study, parts, listed_of(options.inputs), listed_of(options.predictors), people, doses)
    choices = Choices(options.vary, not options.no_error, options.initial or "", options.trend, options.day_night)
    made = asked(gathered, processes, choices)
    if not (options.method or options.prior or options.bootstrap) and made.model.curved:
        # Without a prior, correlations of effects of few people end at 1.
        method = "map"
        line = "couplings vary between people, so a weak prior is used (--method ml: none)"
        made = replace(made, said=(*made.said, line))
    panel = gathered.panel()
    refuse_unsuited(made.model, panel, "study")
    if options.draft:
        prior_of(options.prior or "", made.model, panel)  # one that cannot be read is told now
        print("\n".join(drafted(made, gathered, panel)))
        return 0
    print("\n".join([*model_said(made.model, panel), *_listed([*gathered.said, *made.said])]), flush=True)
    title = str(study.about.get("title", "")) or options.study.name
    from gutbrain.show.certainty import of_study

    return _fitted(options, method, made, gathered, panel, command, title, progress, of_study(study, ""))


def _refuse_options(options: argparse.Namespace, method: str) -> None:
    """Refuse what cannot be before the study is read."""
    if options.out is None and not options.draft:
        raise InputError("nothing says where the coupling goes", mend="Give --out DIR, or --draft to see the model")
    if method == "ml" and options.prior:
        raise InputError("maximum likelihood takes no prior", mend="Leave out --prior, or use --method map")
    for name, least in (("draws", LEAST_DRAWS), ("chains", 1)):
        if getattr(options, name) < least:
            raise InputError(f"--{name} must be at least {least}, not {getattr(options, name)}")
    if options.bootstrap and (method != "ml" or options.bootstrap < 20):
        raise InputError("--bootstrap takes 20 or more series and no prior", mend="Give --method ml --bootstrap 200")
    if options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")
    if options.lags is not None and not 0 < options.lags < 1e5:
        raise InputError(f"--lags must be above 0 days, not {options.lags:g}")
    if options.prior and options.prior not in ("weak", "axis") and not Path(options.prior).is_dir():
        raise InputError(f"--prior: {options.prior!r} is neither weak, axis, nor the folder of an earlier coupling")
    if options.out is None:
        return
    out: Path = options.out
    refuse_existing(out, options.force)
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"nothing can be written into {above}", mend="Choose another --out")
    if out.exists() and any(out.iterdir()) and not (out / "fit.json").exists():
        raise InputError(f"{out} is no coupling, so --force does not replace it", mend="Choose another --out")
    if out.exists() and options.prior and Path(options.prior).resolve() == out.resolve():
        raise InputError("the prior lies in the folder that is replaced", file=out, mend="Choose another --out")


def _fitted(
    options: argparse.Namespace, method: str, chosen: Asked, gathered: Gathered, panel: Panel, command: str,
    title: str, progress: Progress | None, simulated: str,
) -> int:  # fmt: skip
    """Fit, tell and write."""
    import numpy as np

    model = chosen.model

    if method == "nuts":
        import numpyro  # noqa: F401  (what is missing is said before the first fit, not after it)

    from gutbrain.fit.coupling.coupled import coupled
    from gutbrain.fit.coupling.effects import directions
    from gutbrain.fit.coupling.identified import unidentified
    from gutbrain.fit.coupling.maximum import Objective, fit
    from gutbrain.fit.coupling.start import start_values

    prior = prior_of(options.prior or ("weak" if method != "ml" else ""), model, panel)
    told = None if options.quiet else Waiting(progress)
    if prior is None and (line := too_many(model, panel)):
        raise InputError(line, mend="Ask for fewer processes, take more occasions, or give --prior weak")
    design = unidentified(model, panel, start_values(model, panel).free, prior)
    design.raise_if_any()
    if design.weak:
        print(f"- these occasions will hardly tell {', '.join(design.weak)}", flush=True)
    objective = Objective(model, panel, prior)  # compiled once for the search, the draws and the series drawn again
    early = found = fit(model, panel, prior, progress=told, objective=objective)
    stopped = False
    if method == "nuts" and prior is not None:
        from gutbrain.fit.coupling.sample import nuts

        if told is not None:
            told.end()
        print("\n".join(early_said(early, directions(early))), flush=True)
        try:
            found = nuts(early, prior, options.draws, options.chains, options.seed, progress=told, objective=objective)
        except KeyboardInterrupt:
            stopped = True
            line = "sampling was interrupted before the first draws; this is the early estimate"
            found = replace(early, said=(*early.said, line))
    if told is not None:
        told.end()
    lags = None if options.lags is None else options.lags * np.linspace(0, 1, POINTS + 1) ** 2
    # Inputs stand in usual doses already: one of them is 1.
    doses = dict.fromkeys((*model.impulses, *model.levels), 1.0)
    made = coupled(found, early if method == "nuts" and not stopped else None, lags, doses)
    if options.bootstrap:
        made = replace(made, corrected=_corrected(found, options, told, objective))
    from gutbrain.show.coupling_folder import write_coupling

    said = [*gathered.said, *chosen.said]
    kept = {"choices": said, "doses": [vars(dose) for dose in gathered.doses]}
    beside = {ASKED: json.dumps(kept, indent=1, ensure_ascii=False)}
    write_coupling(made, options.out, options.force, command, title, said, beside, simulated)
    print("\n".join(["", *coupled_said(made), "", str(options.out / "report.html")]))
    return 130 if stopped else int(not found.converged)


def _corrected(found: Fitted, options: argparse.Namespace, told: Waiting | None, objective: Objective) -> pl.DataFrame:
    """Return estimates freed of their bias; nothing where the fit cannot be corrected, which is told."""
    from gutbrain.fit.coupling.bias import CORRECTED, corrected

    try:
        return corrected(found, options.bootstrap, options.seed, told, objective)
    except InputError as error:
        print(f"\nnot corrected: {error}", flush=True)
        return CORRECTED.clear()
    finally:
        if told is not None:
            told.end()


def kept_doses(prior: str | None) -> tuple[Dose, ...]:
    """Return what one dose was in an earlier coupling that serves as a prior: beliefs are per its doses."""
    from gutbrain.fit.coupling.from_study import Dose

    path = Path(prior or "") / ASKED
    if not prior or not path.is_file():
        return ()
    try:
        return tuple(Dose(**dose) for dose in json.loads(path.read_text(encoding="utf-8"))["doses"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("is not as it was written", file=path, mend="Fit the earlier coupling again") from error


def prior_of(asked: str, model: CouplingModel, panel: Panel) -> Prior | None:
    """Return the prior that is asked for: none, weak, of the axis, or of an earlier coupling."""
    if not asked:
        return None
    if asked == "weak":
        from gutbrain.fit.coupling.weak_prior import weak

        return weak(model, panel)
    if asked == "axis":
        from gutbrain.fit.coupling.axis_prior import from_axis

        return from_axis(model, panel)
    from gutbrain.fit.coupling.kept import read_fit
    from gutbrain.fit.coupling.population_prior import from_population

    earlier = read_fit(Path(asked))
    if twice := sorted(set(panel.people) & set(earlier.panel.people)):
        print(f"- {', '.join(twice[:SHOWN])} stand in the earlier coupling too: if they are the same, their data "
              "count twice, and all looks surer than it is", flush=True)  # fmt: skip
    return from_population(earlier, model, panel)


class Waiting:
    """Progress on the terminal: a bar where the end is known, else a line that counts."""

    def __init__(self, bars: Progress | None) -> None:
        self._bars, self._last, self._open = bars, 0.0, False

    def __call__(self, what: str, done: int, total: int) -> None:
        if total > 1 and self._bars is not None:
            if self._open:
                self.end()
            self._bars(what, done, total)
            return
        now = time.monotonic()
        if now - self._last > EVERY:
            self._last, self._open = now, True
            print(f"\r{f'{what} {done or str()}'.rstrip() + ' ...':<{LINE}}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line, and the bar."""
        if self._open:
            print(file=sys.stderr)
        close = getattr(self._bars, "close", None)
        if close is not None:
            close()
        self._open = False


def model_said(model: CouplingModel, panel: Panel) -> list[str]:
    """Return model and panel in a few lines."""
    import numpy as np

    sides = {side: [one.name for one in model.processes if one.side == side] for side in ("gut", "mind")}
    counts = np.bincount(panel.person)
    gaps = 24 * panel.gap[~panel.first]
    usual = float(np.median(gaps))
    gap = f"{usual:.3g} hours" if usual < 48 else f"{usual / 24:.3g} days"
    many = "" if len(counts) == 1 else f" ({counts.min()} to {counts.max()} each)"
    inputs = ", ".join([*model.impulses, *(f"{name} (level)" for name in model.levels)])
    return [
        f"gut       {', '.join(sides['gut']) or 'none'}",
        f"mind      {', '.join(sides['mind']) or 'none'}",
        f"inputs    {inputs or 'none'}",
        f"people    {_people(len(counts))}, {len(panel.time)} occasions{many}, usually {gap} apart",
        f"asked     {len(model.free)} parameters from {int(panel.seen.sum())} values"
        + (f"; {len(model.varying)} vary between people" if model.varying else ""),
    ]


def too_many(model: CouplingModel, panel: Panel) -> str:
    """Say that more is asked than was seen; nothing if that is not so."""
    asked, seen = len(model.free), int(panel.seen.sum())
    return f"{asked} parameters are asked of {seen} values" if asked >= seen else ""


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def drafted(made: Asked, gathered: Gathered, panel: Panel) -> list[str]:
    """Return what `--draft` prints: model, counts of the panel, parameters with start values, choices."""
    from gutbrain.fit.coupling.identified import unidentified
    from gutbrain.fit.coupling.start import start_values

    model = made.model
    lines = model_said(model, panel)
    lines += ["", "what is seen"]
    for column, (one, series) in enumerate(zip(model.indicators, gathered.indicators, strict=True)):
        seen = panel.seen[:, column]
        kind = f"ordinal, {one.categories} categories" if one.kind == "ordinal" else one.kind
        error = "" if one.error else ", no error"
        shows = next(iter(one.loadings))
        of = "" if shows == one.name else f", shows {shows}"
        lines.append(f"  {one.name}: {kind}{error}{of}; {series.quantity}{f' ({series.unit})' if series.unit else ''}; "
                     f"{int(seen.sum())} values of {_people(len(set(panel.person[seen].tolist())))}")  # fmt: skip
    start = start_values(model, panel).free
    design = unidentified(model, panel, start)
    rows = {row["parameter"]: row for row in design.table().iter_rows(named=True)}
    wide = min(max(len(one.name) for one in model.parameters), WIDTH)
    lines += ["", "parameters: start value, and the standard error to expect from these occasions; time in days"]
    for parameter in model.parameters:
        name = f"  {parameter.name:<{wide}}"
        if row := rows.get(parameter.name):
            expected = f"{row['standard_error']:.2g}"
            sure = {"yes": expected, "hardly": f"{expected}, hardly told"}.get(row["told"], "cannot be told")
            lines.append(f"{name}  {row['start']:>8.4g}  {sure}")
        elif parameter.held:
            lines.append(f"{name}  {parameter.held:>8.4g}  held")
    untold = [line] if (line := too_many(model, panel)) else []
    untold += [f"{one.said}. {one.mend}" for one in design.untold]
    if untold:
        lines += ["", "cannot be told", *_listed(untold)]
    lines += ["", "choices", *_listed([*gathered.said, *made.said])]
    return [*lines, "", "Nothing was fitted. Give --out DIR instead of --draft."]


def early_said(fitted: Fitted, found: pl.DataFrame) -> list[str]:
    """Return an early estimate in a few lines."""
    state = "" if fitted.converged else ", which did not converge"
    return [f"early estimate ({fitted.method}{state}); the draws follow", *_pairs(found)]


def _pairs(found: pl.DataFrame) -> list[str]:
    """Return both effects of the first pairs of gut and mind."""
    lines = []
    for row in found.head(SHOWN).iter_rows(named=True):
        ways = (("gut", "mind", "gut_to_mind"), ("mind", "gut", "mind_to_gut"))
        both = [f"{row[by]} -> {row[to]} {row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"
                for by, to, name in ways]  # fmt: skip
        lines.append(f"  {'; '.join(both)}; SD per SD after {row['lag']:.3g} days")
    if len(found) > SHOWN:
        lines.append(f"  and {len(found) - SHOWN} more pairs")
    return lines


def coupled_said(made: Coupled) -> list[str]:
    """Return what a coupling found in a few lines; that it did not converge stands first."""
    fitted = made.fitted
    lines = [] if fitted.converged else ["THE FIT DID NOT CONVERGE: nothing below can be relied on"]
    lines += [f"  {line}" for line in fitted.said]
    lines += [f"{fitted.method}: log likelihood {fitted.log_likelihood:.2f}", *_pairs(made.directions)]
    lines += [str(verdict) for verdict in made.directions["verdict"].head(SHOWN)]
    if len(made.directions) == 0:
        lines.append("no direction between gut and mind: both sides need a process")
    lines += [f"cannot be concluded: {line}" for line in made.cannot[:SHOWN]]
    if len(made.cannot) > SHOWN:
        lines.append(f"and {len(made.cannot) - SHOWN} more in the report")
    return lines


def _listed(lines: list[str]) -> list[str]:
    return [f"- {line}" for line in lines]
