"""Command line of gutbrain."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutbrain import (
    cli_analyse,
    cli_bench,
    cli_calibrate,
    cli_channel,
    cli_couple,
    cli_evidence,
    cli_explain,
    cli_export,
    cli_run,
    cli_sensitivity,
    cli_study,
    cli_validate,
)
from gutbrain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gutbrain.model.axis import Axis

# Which extra brings a library that the core installation lacks.
EXTRAS = {
    "diffrax": "adaptive", "skbio": "atlas", "sympy": "equations", "duckdb": "study", "biom": "study", "h5py": "study",
    "openpyxl": "study", "pyreadstat": "study", "wfdb": "beats", "statsmodels": "analyse", "formulaic": "analyse",
    "pandas": "analyse", "numpyro": "couple", "SALib": "sensitivity", "libsbml": "export", "llvmlite": "lanes",
    "distributed": "cluster",
}  # fmt: skip
# Commands that ask the model something; each shows its progress.
ASKING = {
    "run": cli_run.run, "explain": cli_explain.explain, "evidence": cli_evidence.evidence,
    "validate": cli_validate.validate, "calibrate": cli_calibrate.calibrate, "channel": cli_channel.channel,
    "sensitivity": cli_sensitivity.sensitivity, "export": cli_export.export, "bench": cli_bench.bench,
}  # fmt: skip
VIEWS = ("plan", "acts", "compartments", "states", "signals", "parameters", "levers", "edges", "equations", "graph",
         "measures")  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="gutbrain",
        description="An executable gut-brain axis. It shows what assumptions imply; it is no medical advice.",
    )
    top.add_argument("--version", action="store_true", help="print the version and stop")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = top.add_subparsers(dest="command", metavar="command")
    run = cli_run.add_run(commands)
    show = commands.add_parser("show", help="show the model, a plan or a study")
    show.add_argument("what", help=f"{', '.join(VIEWS)}; or a study folder")
    show.add_argument("name", nargs="?", default="", help="name of the plan, or part of the names to list")
    show.add_argument("--axis", default="standard", help="name of the axis")
    show.add_argument("--html", action="store_true", help="of a study: write report.html into its folder")
    show.add_argument("--scores", action="store_true", help="of a study: print its scores as CSV")
    show.add_argument("--sql", help="of a study: answer this query on its tables")
    show.add_argument("--out", type=Path, help="write the text to this file instead of printing it")
    show.add_argument("--force", action="store_true", help="replace the file if it exists")
    check = commands.add_parser("check", help="say all that is wrong with the model at once")
    check.add_argument("--axis", default="standard", help="name of the axis")
    check.add_argument("--step", type=float, default=15.0, help="step in minutes that must be safe")
    read = cli_study.add_read(commands)
    analyse = cli_analyse.add_analyse(commands)
    couple = cli_couple.add_couple(commands)
    explain = cli_explain.add_explain(commands)
    evidence = cli_evidence.add_evidence(commands)
    validate = cli_validate.add_validate(commands)
    calibrate = cli_calibrate.add_calibrate(commands)
    channel = cli_channel.add_channel(commands)
    sensitivity = cli_sensitivity.add_sensitivity(commands)
    export = cli_export.add_export(commands)
    bench = cli_bench.add_bench(commands)
    for command in (run, show, check, read, analyse, couple, explain, evidence, validate, calibrate, channel,
                    sensitivity, export, bench):  # fmt: skip
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 for findings of `check` or a fit that failed, 2 for an error, 130 if interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(given)
    if options.version:
        from importlib.metadata import version

        print(f"gutbrain {version('gutbrain')}")
        return 0
    if not options.command:
        parser().print_help()
        return 2
    from gutbrain.model.compartment import ModelError

    try:
        work = {"show": _show, "check": _check, "read": _read, "analyse": _analyse, "couple": _couple}
        line = "gutbrain " + shlex.join(given)
        if options.command in work:
            return work[options.command](options, line)
        ask = ASKING[options.command]
        return _with_bars(getattr(options, "quiet", False), lambda bars: ask(options, line, bars))
    except KeyboardInterrupt as stop:
        print(f"gutbrain: {str(stop) or 'interrupted; nothing was written'}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except (InputError, ModelError) as error:
        if options.debug:
            raise
        print(f"gutbrain: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        if options.debug:
            raise
        name = (error.name or str(error)).partition(".")[0]
        wanted = f"'gutbrain[{EXTRAS[name]}]'" if name in EXTRAS else name
        print(f"gutbrain: the library {name!r} is missing: pip install {wanted}", file=sys.stderr)
        return 2
    except Exception as error:
        if options.debug:
            raise
        print(
            f"gutbrain: unexpected {type(error).__name__}: {error} (run again with --debug for the place)",
            file=sys.stderr,
        )
        return 2


class Bars:
    """One progress bar a stage, with an estimate of what is left."""

    def __init__(self) -> None:
        self._name, self._bar = "", None

    def __call__(self, what: str, done: int, total: int) -> None:
        from tqdm import tqdm

        bar: Any = self._bar
        if what != self._name or bar is None or bar.total != total or bar.n >= total:
            self.close()
            shown = "{desc} {percentage:3.0f} % |{bar}| {elapsed}, {remaining} left"
            bar = tqdm(total=total, desc=f"{what:<12}", bar_format=shown, file=sys.stderr, mininterval=0.5)
            self._name, self._bar = what, bar
        bar.update(done - bar.n)

    def close(self) -> None:
        """End the running bar."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def _axis(name: str) -> Axis:
    from gutbrain.body.whole import AXES
    from gutbrain.model.axis import nearest

    if name not in AXES:
        raise InputError(f"no axis {name!r}{nearest(name, AXES)} (known: {', '.join(AXES)})")
    return AXES[name]()


def _read(options: argparse.Namespace, _: str) -> int:
    return _with_bars(options.quiet, lambda bars: cli_study.read(options, bars))


def _analyse(options: argparse.Namespace, command: str) -> int:
    return _with_bars(options.quiet or options.draft, lambda bars: cli_analyse.analyse(options, command, bars))


def _couple(options: argparse.Namespace, command: str) -> int:
    return _with_bars(options.quiet or options.draft, lambda bars: cli_couple.couple(options, command, bars))


def _with_bars(quiet: bool, work: Callable[[Bars | None], int]) -> int:
    """Do work that shows progress, and close its bars whatever happens."""
    bars = None if quiet else Bars()
    try:
        return work(bars)
    finally:
        if bars is not None:
            bars.close()


def _show(options: argparse.Namespace, _: str) -> int:
    if options.what not in VIEWS:
        if Path(options.what).is_dir():
            return cli_study.show(Path(options.what), options)
        from gutbrain.model.axis import nearest

        raise InputError(
            f"{options.what!r} is neither a study folder nor a view{nearest(options.what, VIEWS)}",
            mend=f"Views are {', '.join(VIEWS)}",
        )
    if options.html or options.sql or options.scores:
        raise InputError("--html, --sql and --scores are for study folders")
    if options.what == "plan":
        from gutbrain.plan import built_in, read_plan

        if not options.name:
            raise InputError(f"name a plan: {', '.join(built_in())}, or a TOML file")
        text = read_plan(options.name).text()
    else:
        from gutbrain.show.listing import listing

        text = listing(_axis(options.axis), options.what, options.name)
    if options.out is None:
        print(text.rstrip("\n"))
        return 0
    if options.out.exists() and not options.force:
        raise InputError(
            f"{options.out} exists already; nothing was written", mend="Choose another --out, or give --force"
        )
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", file=options.out) from error
    print(options.out)
    return 0


def _check(options: argparse.Namespace, _: str) -> int:
    from gutbrain.evidence.claims import check_claims
    from gutbrain.evidence.findings import read_findings
    from gutbrain.evidence.lint import lint
    from gutbrain.model.check import check

    axis = _axis(options.axis)
    findings = check(axis, f"{options.step:g} minute")
    for finding in findings:
        print(f"{finding.severity}: {finding.where}: {finding.what}" + (f"; {finding.mend}" if finding.mend else ""))
    claims = check_claims(axis)
    faults = lint(read_findings())
    for line in claims:
        print(f"error: claims: {line}")
    for line in faults:
        print(f"error: findings: {line}")
    errors = sum(finding.severity == "error" for finding in findings) + len(claims) + len(faults)
    for limit in axis.limits:
        print(
            f"{limit.name} at rest: {float(limit.measure(axis.defaults()).max()):.2f} "
            f"(must stay below 1; draws above {limit.below} are refused)"
        )
    print(
        f"{axis.name}: {len(axis.rows)} states, {len(axis.edges)} edges, {len(axis.parameters)} parameters; "
        f"{errors} errors"
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
