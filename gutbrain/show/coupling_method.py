"""How a coupling was fitted: method, convergence, the model in words and equations, sources."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import polars as pl

from gutbrain.fit.coupling.model import CouplingModel, Indicator
from gutbrain.show.analysis_words import estimate_said, first_capital, fixed, sentence_said
from gutbrain.show.certainty import WRITTEN
from gutbrain.show.coupling_words import Names, lag_said, lower, said
from gutbrain.show.page import Block, Items, Table, Text, Verbatim
from gutbrain.show.study_plots import counted_said
from gutbrain.show.words import number

if TYPE_CHECKING:
    from gutbrain.fit.coupling.coupled import Coupled
    from gutbrain.fit.coupling.fitted import Fitted

METHODS = {
    "maximum likelihood": "Maximum likelihood; intervals are normal, on the scale of estimation.",
    "maximum a posteriori": "Maximum a posteriori, with the prior; intervals are normal, on the scale of estimation.",
    "nuts": "Draws from the posterior by the No-U-turn sampler; intervals are quantiles of the draws.",
}
SIZE = "Smallest effective number of draws (above 400 wanted)"
RHAT = "Largest R-hat (below 1.01 wanted)"
CALLED = {
    "divergences": "Divergent steps of the sampler (none wanted)", "r_hat": RHAT, "effective_size": SIZE,
    "r_hat_of_effects": "Largest R-hat of effects of people", "steps_of_a_draw": "Steps of the sampler for a draw",
    "evaluations": "Evaluations of likelihood and slope",
    "integration_error": "Error of the integration over random effects, in log likelihood",
}  # fmt: skip
SCALES = {
    "gaussian": "numbers (Gaussian)",
    "ordinal": "ordered answers (probit)",
    "count": "counts (Poisson with overdispersion)",
}
CONVERGED = {True: "yes", False: "NO"}
DRIVER = (
    "Driver & Voelkle 2018, Hierarchical Bayesian continuous time dynamic modeling, Psychological Methods, "
    "doi 10.1037/met0000168 (the model)."
)
# The first two and Van Loan were looked up; titles of the others are recalled.
SOURCES = {
    "filter": "Koopman & Durbin 2000, Fast filtering and smoothing for multivariate state space models, Journal of "
              "Time Series Analysis, doi 10.1111/1467-9892.00186 (the filter takes up one indicator after the other).",
    "matching": "Minka 2001, Expectation propagation for approximate Bayesian inference, Uncertainty in Artificial "
                "Intelligence (ordered answers and counts, by matching of moments).",
    "loan": "Van Loan 1978, Computing integrals involving the matrix exponential, IEEE Transactions on Automatic "
            "Control, doi 10.1109/TAC.1978.1101743 (from rates to intervals).",
    "onion": "Lewandowski, Kurowicka & Joe 2009, Generating random correlation matrices based on vines and extended "
             "onion method, Journal of Multivariate Analysis, doi 10.1016/j.jmva.2009.04.008 (correlations).",
    "nodes": "Liu & Pierce 1994, A note on Gauss-Hermite quadrature, Biometrika, doi 10.1093/biomet/81.3.624 "
             "(integration over effects that differ between people).",
    "nuts": "Hoffman & Gelman 2014, The No-U-turn sampler, Journal of Machine Learning Research 15, 1593-1623.",
}  # fmt: skip


def method_blocks(made: Coupled, names: Names, command: str, choices: Sequence[str] = ()) -> list[Block]:
    """Return how the fit was made and what it rests on."""
    fitted = made.fitted
    blocks: list[Block] = [Text(METHODS.get(fitted.method, first_capital(fitted.method) + "."))]
    blocks.append(Table(_facts(fitted), "The fit", {"what": "", "said": ""}, certainty=WRITTEN))
    said_of_it = [names.sentence(text).rstrip(".") + "." for text in fitted.said]
    blocks += [Items(said_of_it)] if said_of_it else []
    if made.early is not None:
        blocks.append(_early(made, names))
    blocks += [Text(_words(fitted.model, names, len(fitted.panel.people))), Verbatim(equations(fitted.model))]
    blocks.append(_indicators(fitted.model, names))
    if choices:
        blocks += [Text("Chosen where nothing was asked for:"), Items([names.sentence(text) for text in choices])]
    blocks += [Text("Sources:"), Items(sources(fitted))]
    blocks += [Verbatim(command, "The command")] if command else []
    return blocks


def _facts(fitted: Fitted) -> pl.DataFrame:
    panel, model = fitted.panel, fitted.model
    counts = [int(panel.seen[:, place].sum()) for place in range(len(panel.indicators))]
    rows = [
        ("People", f"{len(panel.people):,}"),
        ("Occasions", f"{len(panel.time):,}"),
        (
            "Values seen",
            ", ".join(f"{said(name)} {count:,}" for name, count in zip(panel.indicators, counts, strict=True)),
        ),
        ("Median time between occasions", lag_said(median_gap(fitted))),
        ("Parameters estimated", f"{len(model.free):,}"),
        ("Log likelihood", _log_likelihood(fitted.log_likelihood)),
        ("Converged", CONVERGED[bool(fitted.converged)]),
    ]
    if fitted.draws is not None:
        chains, draws = fitted.draws.shape[:2]
        rows.append(("Draws", f"{counted_said(int(chains), 'chain')} of {draws:,}"))
    elif len(fitted.gradient):
        rows.append(
            (
                "Gain that a further step promises",
                sentence_said(f"{number(fitted.decrement, 2)} of log likelihood (below 0.0001 wanted)", {}),
            )
        )
    for name, value in fitted.diagnostics.items():
        rows.append((CALLED.get(name, first_capital(name.replace("_", " "))), _whole(value)))
    if fitted.seconds:
        parts = ", ".join(f"{name.replace('_', ' ')} {number(value, 2)}" for name, value in fitted.seconds.items())
        rows.append(("Seconds", parts))
    return pl.DataFrame(rows, schema=["what", "said"], orient="row")


def _log_likelihood(value: float) -> str:
    if not isfinite(value):
        return "not finite"
    return f"{fixed(value, 3)} (−2 log likelihood {fixed(-2 * value, 3)})"


def _whole(value: float) -> str:
    return f"{value:,.0f}" if isfinite(value) and value == round(value) else sentence_said(number(value, 4), {})


def median_gap(fitted: Fitted) -> float | None:
    """Return the median days between two occasions of a person."""
    gaps = fitted.panel.gap[~fitted.panel.first]
    return float(pl.Series(gaps).median()) if len(gaps) else None  # type: ignore[arg-type]


def _early(made: Coupled, names: Names) -> Table:
    assert made.early is not None
    before = {row["parameter"]: row for row in made.early.table().to_dicts()}
    rows = [
        (names.parameter(row["parameter"]), _interval(before[row["parameter"]]), _interval(row))
        for row in made.parameters.to_dicts() if row["parameter"] in before and not row["held"]
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["parameter", "early", "final"], orient="row")
    caption = f"The early estimate ({made.early.method}) beside the final one"
    return Table(frame, caption, {"parameter": "Parameter", "early": "Early", "final": "Final"}, folded=True)


def _interval(row: dict[str, Any]) -> str:
    return estimate_said(row["estimate"], row["low"], row["high"])


def _words(model: CouplingModel, names: Names, people: int) -> str:
    listed = _and([names.lower(name) for name in names.processes])
    many = len(names.processes)
    parts = [
        f"The model has {'one hidden process' if many == 1 else f'{many} hidden processes'}: {listed}. Time runs "
        "continuously, in days, so any spacing of occasions is taken as it is; what was not seen "
        "is left out, not filled in."
    ]
    if model.impulses:
        parts.append(f"{first_capital(_and([names.lower(name) for name in model.impulses]))} "
                     f"{_move(model.impulses)} the state at once.")  # fmt: skip
    if model.levels:
        parts.append(f"{first_capital(_and([names.lower(name) for name in model.levels]))} "
                     f"{'act' if len(model.levels) > 1 else 'acts'} as long as it lasts.")  # fmt: skip
    if model.predictors:
        parts.append(
            f"Differences between people are predicted by {_and([names.lower(name) for name in model.predictors])}."
        )
    if model.trend:
        parts.append("Each process has a straight trend.")
    if model.day_night:
        parts.append("Each process has a cycle of 24 hours.")
    start = "at rest, as the model implies" if model.initial == "stationary" else "estimated"
    parts.append(f"The first state is {start}.")
    varying = [names.parameter(model.own[place].name) for place in model.random]
    if varying:
        counted = counted_said(len(varying), "parameter")
        parts.append(f"People differ in {counted}, with correlations: {'; '.join(map(lower, varying))}.")
    elif people > 1:
        parts.append("All people share all parameters.")
    return " ".join(parts)


def _move(inputs: Sequence[str]) -> str:
    return "move" if len(inputs) > 1 else "moves"


def _and(items: Sequence[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def equations(model: CouplingModel) -> str:
    """Return the equations of a model, with only those terms that it has."""
    inner = "A x(t)" + (" + b" if model.intercepts == "process" else "") + (" + L level(t)" if model.levels else "")
    inner = f"({inner})" if "+" in inner else inner
    lines = [(f"dx(t) = {inner} dt + G dW(t)", "A: drift, per day; G G': covariance of the random changes")]
    if model.impulses:
        lines.append(("x(t+) = x(t) + I impulse(t)", "at the time of an impulse"))
    course = (" + s t" if model.trend else "") + (" + c cos(2 pi t) + d sin(2 pi t)" if model.day_night else "")
    state = f"(x(t){course})" if course else "x(t)"
    mean = "m + " if model.intercepts == "indicator" else ""
    lines.append((f"y(t) = {mean}H {state} + e(t)", "H: loadings; e: error of measurement"))
    kinds = {one.kind for one in model.indicators}
    if "ordinal" in kinds:
        lines.append(("ordered answers", "at least k where the right side of y(t) exceeds threshold k"))
    if "count" in kinds:
        lines.append(("counts", "Poisson, the logarithm of the mean being the right side of y(t)"))
    lines.append(("x(t + lag) = exp(A lag) x(t) + ...", "effect of j on i after a lag: exp(A lag)[i, j] SD_j / SD_i"))
    if model.random or model.predictors:
        moved = " + B predictors" * bool(model.predictors) + " + random effect" * bool(model.random)
        lines.append((f"own value = population{moved}", "of a person, on the scale of estimation"))
    most = max(len(equation) for equation, _ in lines)
    return "\n".join(f"{equation.ljust(most)}   {note}" for equation, note in lines)


def _indicators(model: CouplingModel, names: Names) -> Table:
    def loads(one: Indicator) -> str:
        return "; ".join(f"{names.lower(process)} ({'estimated' if value is None else f'fixed at {number(value, 3)}'})"
                         for process, value in one.loadings.items())  # fmt: skip

    rows = [(said(one.name), loads(one), SCALES[one.kind], "yes" if one.error else "no") for one in model.indicators]
    frame = pl.DataFrame(rows, schema=["indicator", "loads", "scale", "error"], orient="row")
    headings = {
        "indicator": "Indicator",
        "loads": "Speaks of (loading)",
        "scale": "Scale",
        "error": "Error of measurement",
    }
    return Table(frame, "What was seen", headings, certainty=WRITTEN)


def sources(fitted: Fitted) -> list[str]:
    """Return the papers that this fit rests on."""
    model = fitted.model
    used = ["filter"]
    used += ["matching"] if any(one.kind != "gaussian" for one in model.indicators) else []
    used += ["loan"] if model.discretisation == "van loan" else []
    used += ["onion"] if len(model.processes) > 1 or len(model.random) > 1 else []
    used += ["nodes"] if model.curved and fitted.method != "nuts" else []
    used += ["nuts"] if fitted.method == "nuts" else []
    return [DRIVER, *(SOURCES[name] for name in used)]
