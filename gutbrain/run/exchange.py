"""A diet exchange predicted person by person, and held against what was measured.

Each person gets a colon whose steady state is his own measured baseline, eats the diet that he
was given, and is predicted group by group. Two plain forecasts stand beside: nothing changes,
and everybody moves by the mean of the others in his arm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.people.taxa import GROUPS
from gutbrain.protocols.protocol import Act, Protocol, Trial
from gutbrain.run.baseline import unreached, with_baselines
from gutbrain.run.engines import choose
from gutbrain.run.result import Result
from gutbrain.run.simulate import Progress, simulate

if TYPE_CHECKING:
    from gutbrain.study.exchange import Exchange

SMALLEST = 1e-4  # shares below one in ten thousand are read as that before a ratio is taken
FOODS = ("resistant_starch", "fibre", "sugar", "protein")


@dataclass(frozen=True)
class Diet:
    """What reaches the colon of one arm, g/day, in ordinary life and during the exchange."""

    habit: Mapping[str, float]
    given: Mapping[str, float]


@dataclass(frozen=True)
class Prediction:
    """Measured and predicted changes of each person.

    Attributes
    ----------
    measured, predicted : log2 ratios of group shares, arrays [people, groups]
    null : log2 ratios between the two samples on the own diet, array [people with both, groups]
    arm : arm of each person
    errors : forecast, arm, people, error (root mean square of log2 ratios), bray_curtis
    groups : arm, group, measured and predicted medians with 90 % intervals, null interval, sign_agrees
    unreached : people whose baseline the model cannot feed
    """

    people: tuple[str, ...]
    arm: tuple[str, ...]
    measured: np.ndarray
    predicted: np.ndarray
    null: np.ndarray
    errors: pl.DataFrame
    groups: pl.DataFrame
    unreached: tuple[str, ...]
    result: Result


def predict(
    axis: Axis,
    study: Exchange,
    diets: Mapping[str, Diet],
    *,
    before: int = 3,
    after: int = 5,
    null_before: int = 2,
    days: int = 15,
    worlds: int = 20,
    seed: int = 1,
    step_minutes: float = 15.0,
    engine: str = "fixed",
    progress: Progress | None = None,
) -> Prediction:
    """Predict the exchange for everybody who was measured before and after it, by an engine of `gutbrain.run.engines`.

    Raises
    ------
    InputError
        If the study has an arm without a diet, or nobody with both samples.
    """
    frame, first, second = study.pairs(before, after)
    if frame.is_empty():
        raise InputError(f"nobody was sampled at both timepoint {before} and {after}")
    arms = tuple(frame["arm"].to_list())
    missing = sorted(set(arms) - set(diets))
    if missing:
        raise InputError(
            f"arm {missing[0]!r} of the study has no diet: add [[exchange.diets]] with arm = {missing[0]!r}"
        )
    names = tuple(sorted(set(arms)))
    number = tuple(names.index(arm) for arm in arms)
    trial = Trial(
        tuple(_diet_protocol(name, diets[name], days) for name in names), days, (0, days - 1), assigned=number,
        course_days=days - 1,
    )  # fmt: skip
    cohort = Cohort.draw(axis, len(arms), worlds, seed, names=tuple(frame["subject"].to_list()))
    cohort = _own_diets(cohort, [diets[arm] for arm in arms])
    levers = tuple(act.lever for _, act in trial.acts)
    labels = (
        *(f"colon.relative_abundance[{group}]" for group in GROUPS),
        "colon.butyrate", "colon.scfa_total", "colon.secondary_bile_acids", "colon.ph", "blood.il6",
    )  # fmt: skip
    told = None if progress is None else (lambda done, total: progress("settling", done, total))
    settling = choose(engine, columns=cohort.size, step_minutes=step_minutes).settling()
    settled = with_baselines(
        cohort, first, "own measured baseline", step_minutes=step_minutes, levers=levers, labels=labels,
        integrate=settling, progress=told,
    )  # fmt: skip
    result = simulate(axis, settled, trial, step_minutes=step_minutes, labels=labels, engine=engine, progress=progress)
    begin, end = (_shares(result, day) for day in (0, days - 1))
    predicted_worlds = _log2(begin, end)
    people = len(arms)
    predicted = np.nanmedian(predicted_worlds.reshape(worlds, people, -1), axis=0)
    measured = _log2(first, second)
    null_frame, null_first, null_second = study.pairs(null_before, before)
    null = _log2(null_first, null_second)
    predicted_shares = first * 2**predicted
    predicted_shares = predicted_shares / predicted_shares.sum(axis=1, keepdims=True)
    null_arm = null_frame["arm"].to_list()
    errors = _errors(np.array(arms), measured, predicted, first, second, predicted_shares, null, null_arm,
                     null_first, null_second)  # fmt: skip
    groups = _groups(
        np.array(arms), measured, predicted_worlds.reshape(worlds, people, -1), null, null_frame["arm"].to_list()
    )
    return Prediction(
        tuple(settled.names), arms, measured, predicted, null, errors, groups, tuple(unreached(settled)), result
    )


def _diet_protocol(name: str, diet: Diet, days: int) -> Protocol:
    """Diet from day 1: what is added is added in grams, what is taken away as a share of the own habit."""
    acts = []
    for food in FOODS:
        habit, given = diet.habit[food], diet.given[food]
        lever = f"diet.{food}"
        if given > habit:
            acts.append(Act(lever, given - habit, 1, days))
        elif given < habit:
            acts.append(Act(lever, given / habit - 1, 1, days, relative=True))
    return Protocol(name, tuple(acts))


def _own_diets(cohort: Cohort, diets: Sequence[Diet]) -> Cohort:
    """Shift each person's habitual diet to that of his arm, his own deviation kept."""
    parameters = dict(cohort.parameters)
    for food in FOODS:
        name = f"digestion.habitual_{food}"
        centre = float(np.ravel(cohort.axis.parameters[name].value)[0])
        ratio = np.array([diet.habit[food] / centre for diet in diets])
        parameters[name] = np.broadcast_to(parameters[name], (cohort.size,)) * np.tile(ratio, cohort.worlds)
    return replace(cohort, parameters=parameters)


def _shares(result: Result, day: int) -> np.ndarray:
    return np.stack([result.series(f"colon.relative_abundance[{group}]")[day] for group in GROUPS], axis=1)


def _log2(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.log2(np.maximum(second, SMALLEST) / np.maximum(first, SMALLEST))


def _bray_curtis(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one - other).sum(axis=1) / 2


def _without_self(change: np.ndarray, arm: np.ndarray) -> np.ndarray:
    """Mean change of the others in the same arm, array [people, groups]."""
    forecast = np.empty_like(change)
    for name in np.unique(arm):
        members = np.flatnonzero(arm == name)
        total = change[members].sum(axis=0)
        for member in members:
            forecast[member] = (total - change[member]) / max(len(members) - 1, 1)
    return forecast


def _errors(
    arm: np.ndarray, measured: np.ndarray, predicted: np.ndarray, first: np.ndarray, second: np.ndarray,
    predicted_shares: np.ndarray, null: np.ndarray, null_arm: list[str], null_first: np.ndarray,
    null_second: np.ndarray,
) -> pl.DataFrame:  # fmt: skip
    mean_forecast = _without_self(measured, arm)
    mean_shares = first * 2**mean_forecast
    mean_shares = mean_shares / mean_shares.sum(axis=1, keepdims=True)
    forecasts = (
        ("this model", predicted, predicted_shares),
        ("nothing changes", np.zeros_like(measured), first),
        ("mean of the others in the arm", mean_forecast, mean_shares),
    )
    rows = []
    for name in ("all", *np.unique(arm)):
        those = np.ones(len(arm), bool) if name == "all" else arm == name
        for label, change, shares in forecasts:
            ok = those & np.isfinite(change).all(axis=1)
            error = float(np.sqrt(np.mean((measured[ok] - change[ok]) ** 2)))
            rows.append((label, name, int(ok.sum()), error, float(_bray_curtis(shares[ok], second[ok]).mean())))
        those = np.ones(len(null), bool) if name == "all" else np.array(null_arm) == name
        size = float(np.sqrt(np.mean(null[those] ** 2)))
        apart = float(_bray_curtis(null_first[those], null_second[those]).mean())
        rows.append(("natural change between two home samples", name, int(those.sum()), size, apart))
    return pl.DataFrame(rows, schema=["forecast", "arm", "people", "error", "bray_curtis"], orient="row")


def _groups(
    arm: np.ndarray, measured: np.ndarray, predicted: np.ndarray, null: np.ndarray, null_arm: list[str]
) -> pl.DataFrame:
    rows = []
    for name in np.unique(arm):
        those = arm == name
        at_home = np.array(null_arm) == name
        for place, group in enumerate(GROUPS):
            real = _median_interval(measured[those, place])
            pooled = np.nanmedian(predicted[:, those, place], axis=1)
            home = _median_interval(null[at_home, place])
            low, high = (float(v) for v in np.nanquantile(pooled, [0.05, 0.95]))
            centre = float(np.nanmedian(pooled))
            clear = real[1] * real[2] > 0
            rows.append(
                (
                    name,
                    group,
                    *real,
                    centre,
                    low,
                    high,
                    home[1],
                    home[2],
                    clear,
                    (centre * real[0] > 0) if clear else None,
                )
            )
    columns = ["arm", "group", "measured", "measured_low", "measured_high", "predicted", "predicted_low",
               "predicted_high",
               "home_low", "home_high", "clear", "sign_agrees"]  # fmt: skip
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)


def _median_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Median with its 95 % bootstrap interval (2000 draws, fixed seed)."""
    draws = np.random.default_rng(0).choice(values, (2000, len(values)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(np.median(values)), float(low), float(high)
