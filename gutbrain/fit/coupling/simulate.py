"""Draw series from a coupling model: what a study would see if the model were true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gutbrain.errors import InputError
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.plain import Matrices, at_rest, full_of, matrices, own_of, returns, root, steps

DYNAMICS = ("drift", "noise", "noise_correlation")
AGAIN = 200  # draws of a person's effects before it is said that hardly anybody would return to rest


def design(
    people: int,
    occasions: int | Sequence[int],
    gap: float = 1.0,
    irregular: bool = False,
    *,
    model: CouplingModel,
    missing: float = 0.0,
    impulse_share: float = 0.2,
    block: float = 7.0,
    start: float = 0.0,
    seed: int = 0,
) -> Panel:
    """Return a panel without values: who is seen when, and what is done to him.

    Parameters
    ----------
    people : how many
    occasions : of everybody, or a number a person
    gap : days from one occasion to the next
    irregular : draw each gap between 0.2 and 1.8 times `gap`
    model : its indicators, inputs and predictors become columns
    missing : share of values that will not be seen, at random
    impulse_share : share of occasions with an impulse (dose 1)
    block : days that a level stays on (1) and then off (0), begun anywhere
    start : day of the first occasion
    seed : of the gaps, what is missing, impulses, and predictors (standard normal)
    """
    if gap <= 0:
        raise InputError(f"the gap between occasions is {gap:g} days", mend="It must be above 0")
    generator = np.random.default_rng(seed)
    lengths = np.broadcast_to(np.asarray(occasions, int), (people,))
    person = np.repeat(np.arange(people), lengths)
    rows = len(person)
    gaps = gap * (generator.uniform(0.2, 1.8, rows) if irregular else np.ones(rows))
    begins = np.r_[0, np.cumsum(lengths)[:-1]]
    passed = np.cumsum(gaps)
    time = start + passed - np.repeat(passed[begins], lengths)
    indicators = tuple(one.name for one in model.indicators)
    values = np.where(generator.random((rows, len(indicators))) < missing, np.nan, 0.0)
    impulses = (generator.random((rows, len(model.impulses))) < impulse_share).astype(float)
    shift = generator.uniform(0, 2 * block, (people, len(model.levels)))
    levels = (((time[:, None] + shift[person]) // block) % 2).astype(float)
    nothing = np.zeros_like(values)
    return Panel(
        tuple(f"p{at + 1}" for at in range(people)), person, time, values, nothing, nothing, impulses, levels,
        generator.standard_normal((people, len(model.predictors))), indicators, model.impulses, model.levels,
        model.predictors,
    )  # fmt: skip


def simulate(
    model: CouplingModel | Fitted,
    free: np.ndarray | None,
    panel: Panel,
    seed: int,
    effects: np.ndarray | None = None,
    full: bool = False,
) -> Panel:
    """Return the panel with values drawn anew at the same times, under the same inputs and predictors.

    Parameters
    ----------
    model : a model, or a fit (then `free` may be None: its estimates)
    free : array [free parameters], scale of estimation
    panel : who is seen when; values that are missing in it stay missing
    seed : of everything that is drawn
    effects : array [random effects, people], standard normal, in the order of `model.random`; drawn by default
    full : draw the missing values too

    Raises
    ------
    InputError
        Where a stationary begin is asked of a process that does not return to rest.

    Notes
    -----
    States are drawn by the exact transition over every interval. People whose own drift would not return to rest are
    drawn again where the begin is stationary, as there is no such begin for them.
    """
    return draw(model, free, panel, seed, effects, full)[0]


def draw(
    model: CouplingModel | Fitted,
    free: np.ndarray | None,
    panel: Panel,
    seed: int,
    effects: np.ndarray | None = None,
    full: bool = False,
) -> tuple[Panel, np.ndarray, np.ndarray]:
    """Return what `simulate` returns, the states [occasions, processes], and the effects [random effects, people]."""
    if isinstance(model, Fitted):
        free = model.free if free is None else free
        model = model.model
    if free is None:
        raise InputError("nothing to simulate from", mend="Give the vector of free parameters")
    generator = np.random.default_rng(seed)
    drawn = effects is None
    everybody = len(panel.people)
    vector = full_of(model, free)
    who = generator.standard_normal((everybody, len(model.random))) if effects is None else np.asarray(effects, float).T
    own = own_of(model, vector, panel.predictors, who)
    if model.initial == "stationary":
        again = AGAIN if drawn and model.curved else 0
        for _ in range(again):
            gone = np.flatnonzero(~(returns(matrices(model, own).drift) > 0))
            if not len(gone):
                break
            who[gone] = generator.standard_normal((len(gone), len(model.random)))
            own[gone] = own_of(model, vector, panel.predictors[gone], who[gone])
        if len(gone := np.flatnonzero(~(returns(matrices(model, own).drift) > 0))):
            raise InputError(
                f"the processes of {panel.people[gone[0]]!r} do not return to rest, so they have no stationary begin",
                mend="Make the effects between processes smaller, or the initial state free",
            )
    parts = matrices(model, own)
    state = states_of(model, parts, own, panel, generator)
    values = _seen(model, parts, state, panel, generator)
    return replace(panel, values=values if full else np.where(panel.seen, values, np.nan)), state, who.T


def states_of(
    model: CouplingModel, parts: Matrices, own: np.ndarray, panel: Panel, generator: np.random.Generator | None
) -> np.ndarray:
    """Return states [occasions, processes] of people with given matrices [people, ...] and own parameters.

    Without a generator there is no noise: the course that inputs and intercepts alone would give.
    """
    person, first = panel.person, panel.first
    dynamics = own[:, [at for at, one in enumerate(model.own) if one.kind in DYNAMICS]]
    apart = bool((dynamics != dynamics[:1]).any())
    keys = np.stack([person if apart else np.zeros_like(person), panel.gap], 1)
    kept, pair = np.unique(keys, axis=0, return_inverse=True)
    pair, case = pair.reshape(-1), kept[:, 0].astype(int)
    made = steps(parts.drift[case], parts.noise[case], kept[:, 1])
    spread = root(made.covariance)
    # A level acts from its occasion to the next one.
    before = np.roll(panel.levels, 1, axis=0)
    flow = parts.intercept[person] + np.einsum("oij,oj->oi", parts.level[person], before)
    move = np.einsum("oij,oj->oi", made.integrated[pair], flow)
    if parts.initial is None or parts.initial_mean is None:
        covariance = at_rest(parts.drift, parts.noise)
        begin = -np.linalg.solve(parts.drift, parts.intercept[..., None])[..., 0]
    else:
        covariance, begin = parts.initial, parts.initial_mean
    if generator is not None:
        move += np.einsum("oij,oj->oi", spread[pair], generator.standard_normal(move.shape))
        begin = begin + np.einsum("pij,pj->pi", root(covariance), generator.standard_normal(begin.shape))
    move[first] = begin[person[first]]
    move += np.einsum("oij,oj->oi", parts.impulse[person], panel.impulses)
    starts = np.flatnonzero(first)
    lengths = np.diff(np.r_[starts, len(person)])
    state = move.copy()
    transition = made.transition
    if len(starts) == 1:
        for row in range(1, len(state)):
            state[row] += transition[pair[row]] @ state[row - 1]
        return state
    # People with the longest series come first, so that those who go on are always the first ones.
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    for step in range(1, int(lengths[0])):
        rows = starts[: int(np.searchsorted(-lengths, -step, side="left"))] + step
        state[rows] += np.einsum("oij,oj->oi", transition[pair[rows]], state[rows - 1])
    return state


def linear_predictor(model: CouplingModel, parts: Matrices, state: np.ndarray, panel: Panel) -> np.ndarray:
    """Return what the states let expect of every indicator [occasions, indicators], on the scale it is linear on."""
    person, day = panel.person, 2 * np.pi * panel.time[:, None]
    course = parts.trend[person] * panel.time[:, None]
    course = course + parts.cosine[person] * np.cos(day) + parts.sine[person] * np.sin(day)
    return parts.mean[person] + panel.offset + np.einsum("oij,oj->oi", parts.loadings[person], state + course)


def _seen(
    model: CouplingModel, parts: Matrices, state: np.ndarray, panel: Panel, generator: np.random.Generator
) -> np.ndarray:
    """Return what is seen [occasions, indicators]."""
    person = panel.person
    error = np.sqrt(parts.error[person] + panel.known_variance)
    linear = linear_predictor(model, parts, state, panel) + error * generator.standard_normal(error.shape)
    ordinals = iter(parts.cuts)
    for column, one in enumerate(model.indicators):
        if one.kind == "ordinal":
            linear[:, column] = np.sum(linear[:, column, None] > next(ordinals)[person], 1)
        elif one.kind == "count":
            if linear[:, column].max() > 40:
                mend = "Check its mean, noise and offset: they are logarithms"
                raise InputError(f"counts of {one.name!r} would pass 1e17", mend=mend)
            linear[:, column] = generator.poisson(np.exp(linear[:, column]))
    return linear
