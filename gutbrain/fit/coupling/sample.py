"""Draws from the posterior of a coupling model by the no-U-turn sampler, interruptible at any time.

Chains run side by side in threads and in short pieces, so that the wait is shown and what is drawn is never lost.
Source: Hoffman & Gelman 2014, Journal of Machine Learning Research 15, 1593-1623 (the sampler, here NumPyro's).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.errors import InputError
from gutbrain.fit.coupling.discretise import settles
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.likelihood import Likelihood
from gutbrain.fit.coupling.matrices import Layout
from gutbrain.fit.coupling.maximum import FAR, Objective, Progress, fit
from gutbrain.fit.coupling.mixing import mixing
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.straighten import Straight, log_prior
from gutbrain.run.compiled import compiled

PIECE = 50  # draws that come back at once, at most
SECONDS = 0.7  # that a piece should take, so that an interruption is heard soon
WARMUP = 200
ACCEPT = 0.9  # share of proposals that the step size aims at: smaller steps, fewer divergences
STEP = 0.4  # where its adaptation begins, in standard deviations
WALL = 400.0  # loss of log likelihood of a person who would have to rest where nothing comes to rest
SLOW, LEAST_RATE = 0.05, 0.02  # of one over the longest series, and of the rate at the maximum
R_HAT, EFFECTIVE = 1.01, 400.0  # a posterior is reported as one from here on
FEWEST = 2  # draws of each chain that are worth keeping
SHOWN = 3  # parameters that a sentence names


@dataclass(eq=False)
class Chain:
    """One chain on its way: the sampler's state, what is drawn, and how many draws are still to be thrown away."""

    state: Any
    warm: int
    left: int
    piece: int = 5
    drawn: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    @property
    def to_come(self) -> int:
        """Draws that are still to be made."""
        return self.warm + self.left

    @property
    def count(self) -> int:
        """Draws that are kept so far."""
        return sum(len(part[0]) for part in self.drawn)


def nuts(
    fitted: Fitted,
    prior: Prior,
    draws: int = 1000,
    chains: int = 4,
    seed: int = 0,
    *,
    warmup: int | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    objective: Objective | None = None,
) -> Fitted:
    """Return draws from the posterior.

    Parameters
    ----------
    fitted : a maximum to start from; one without this prior is fitted again with it
    draws, chains : draws of each chain that are kept, and how many chains
    warmup : draws of each chain in which the step size settles
    progress : called with what is done, how much of it, and of how much
    stop : asked after every piece; once it is true, what is drawn so far is returned
    objective : one that is compiled already, of the same model, panel and prior

    Raises
    ------
    InputError
        If numbers of draws or chains make no sense, or the posterior is not finite around the maximum.
    KeyboardInterrupt
        If it comes before the first draws; later, what is drawn so far is returned.

    Notes
    -----
    Effects that the likelihood does not integrate are drawn along with the parameters. Converged means no divergent
    draw, R-hat below 1.01 and effective sizes of bulk and tails above 400 for every parameter. Where people begin at
    rest, processes that hardly ever come to rest (`slowest`) are left out of the posterior.
    """
    from numpyro.infer.hmc import hmc
    from numpyro.infer.util import ParamInfo

    if draws < FEWEST or chains < 1 or (warmup is not None and warmup < 1):
        raise InputError(f"{chains} chains of {draws} draws cannot be sampled", mend="Ask for more")
    began, told = time.perf_counter(), progress or (lambda what, done, of: None)
    objective = objective or Objective(fitted.model, fitted.panel, prior)
    if fitted.method != "maximum a posteriori" or not _same(fitted.prior, prior):
        fitted = fit(fitted.model, fitted.panel, prior, fitted.free, progress, objective)
    straight = Straight(objective, fitted.free, fitted.covariance)
    likelihood, wanted = Likelihood(fitted.model, fitted.panel), warmup or WARMUP
    layout, wall, margin = likelihood.layout, fitted.by_person - WALL, slowest(fitted)

    def potential(at: dict[str, jax.Array]) -> jax.Array:
        free, volume = straight.place(at["parameters"])
        effects, further = straight.place_effects(at["parameters"], at["effects"])
        each = likelihood.by_person(free, effects)
        if fitted.model.initial == "stationary":
            own = layout.of_people(layout.full(free), jnp.asarray(fitted.panel.predictors), effects)
            resting = settles(layout.system(own).drift + margin * jnp.eye(len(fitted.model.processes))[:, :, None])
            # What cannot rest has hardly any density, but some: paths may cross it and do not break off as divergent.
            each = jnp.where(resting, each, wall)
        likely = jnp.sum(each) + log_prior(prior, free)
        return -(likely - 0.5 * jnp.sum(effects**2) + volume + further)

    begin, go = hmc(potential, algo="NUTS")

    def piece(state: Any, count: jax.Array) -> tuple[Any, tuple[jax.Array, ...]]:
        def draw(at: jax.Array, now: tuple[Any, tuple[jax.Array, ...]]) -> tuple[Any, tuple[jax.Array, ...]]:
            state, kept = go(now[0]), now[1]
            free = straight.place(state.z["parameters"])[0]
            effects = straight.place_effects(state.z["parameters"], state.z["effects"])[0]
            new = (free, effects, state.diverging, state.num_steps)
            return state, tuple(part.at[at].set(one) for part, one in zip(kept, new, strict=True))

        shapes = ((straight.size,), straight.mode.shape, (), ())
        kinds = (float, float, bool, int)
        empty = tuple(jnp.zeros((PIECE, *shape), kind) for shape, kind in zip(shapes, kinds, strict=True))
        return jax.lax.fori_loop(0, count, draw, (state, empty))

    generator, running = np.random.default_rng(seed), []
    # Effects are many and nearly free of each other: nothing is learned on top of what the coordinates know.
    for key in jax.random.split(jax.random.key(seed), chains):
        at, value, slopes = _finite_start(straight, generator)
        info = ParamInfo(at, jnp.asarray(value), slopes)
        state = begin(info, wanted, STEP, adapt_mass_matrix=False, target_accept_prob=ACCEPT, rng_key=key)
        running.append(Chain(state, wanted, draws))
    program = compiled(piece)
    told("compiling the sampler", 0, 1)
    jax.block_until_ready(program(running[0].state, 0))
    told("compiling the sampler", 1, 1)
    compiled_at = time.perf_counter()
    broken = _run(program, running, told, stop)
    common = min(chain.count for chain in running)
    if common < FEWEST:
        if isinstance(broken, KeyboardInterrupt):
            raise broken
        return replace(fitted, said=(*fitted.said, "sampling was stopped before the first draws; this is the maximum"))
    seconds = {"compile": compiled_at - began, "draws": time.perf_counter() - compiled_at}
    return _gathered(fitted, objective, running, common, draws, seconds)


def slowest(fitted: Fitted) -> float:
    """Return the rate, per day, that the slowest mode of a process must have if it is to begin at rest.

    Close to never coming to rest its variance grows beyond all bounds, and no step of a sampler is short enough there.
    The limit is so low that nothing is seen of it: 20 times the longest series, or 50 times the time at the maximum.
    """
    drift_of = jax.jit(lambda own: Layout(fitted.model).system(own).drift)
    drift = np.asarray(drift_of(fitted.full()[: len(fitted.model.own), None]))
    rate = float(np.min(-np.linalg.eigvals(drift[:, :, 0]).real))
    panel = fitted.panel
    longest = max(np.ptp(panel.time[panel.person == at]) for at in range(len(panel.people)))
    return min(SLOW / max(float(longest), 1e-9), LEAST_RATE * max(rate, 0.0))


def _same(one: Prior | None, other: Prior) -> bool:
    """Say whether two priors are the same in numbers."""
    return one is not None and np.array_equal(one.mean, other.mean) and np.array_equal(one.bend, other.bend)


def _finite_start(straight: Straight, generator: np.random.Generator) -> tuple[Any, float, Any]:
    """Return a start of a chain around the maximum, with minus its log density and slopes."""
    parameters = generator.standard_normal(straight.size)
    effects = generator.standard_normal(straight.mode.shape)
    for _ in range(12):
        value, by_parameters, by_effects = straight.value_and_slope(parameters, effects)
        if np.isfinite(value) and value < FAR and np.isfinite(by_parameters).all() and np.isfinite(by_effects).all():
            at = {"parameters": jnp.asarray(parameters), "effects": jnp.asarray(effects)}
            return at, value, {"parameters": jnp.asarray(by_parameters), "effects": jnp.asarray(by_effects)}
        parameters, effects = parameters / 2, effects / 2
    raise InputError("the posterior is not finite around the maximum", mend="Fit a smaller model, or a stronger prior")


def _run(
    program: Callable[..., Any], running: list[Chain], told: Progress, stop: Callable[[], bool] | None
) -> BaseException | bool:
    """Run chains to their end, the one that is behind first; return what broke it off, if anything did."""
    broken: BaseException | bool = False
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    warmup, draws = sum(one.warm for one in running), sum(one.left for one in running)
    workers = min(len(running), cores)
    with ThreadPoolExecutor(workers) as pool:
        waiting: dict[Future[None], Chain] = {}
        try:
            while True:
                # Nobody runs far ahead: the slowest chain decides both when all end and what an interruption keeps.
                least = max(max(chain.to_come for chain in running) - PIECE, 1)
                free = [chain for chain in running if chain.to_come >= least and chain not in waiting.values()]
                for chain in sorted(free, key=lambda one: -one.to_come)[: workers - len(waiting)]:
                    waiting[pool.submit(_advance, program, chain)] = chain
                if not waiting:
                    break
                # Waiting with an end keeps the main thread open for an interruption on every system.
                done, _ = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for one in done:
                    del waiting[one]
                    one.result()
                warm = sum(chain.warm for chain in running)
                if warm:
                    told("warming up", warmup - warm, warmup)
                else:
                    told("drawing", sum(chain.count for chain in running), draws)
                if stop is not None and stop():
                    broken = True
                    break
        except KeyboardInterrupt as error:
            broken = error
        # Pieces under way are short: they are waited for, and count.
        wait(waiting)
    return broken


def _advance(program: Callable[..., Any], chain: Chain) -> None:
    """Run one piece of one chain and keep what it drew."""
    warm = chain.warm > 0
    count = min(chain.piece, chain.warm if warm else chain.left)
    began = time.perf_counter()
    state, drawn = jax.block_until_ready(program(chain.state, count))
    took = time.perf_counter() - began
    chain.state = state
    chain.piece = int(np.clip(count * SECONDS / max(took, 1e-6), 1, PIECE))
    if warm:
        chain.warm -= count
    else:
        chain.drawn.append(tuple(np.array(part[:count]) for part in drawn))
        chain.left -= count


def _gathered(
    fitted: Fitted, objective: Objective, running: list[Chain], common: int, draws: int, seconds: dict[str, float]
) -> Fitted:
    """Return the fit of what all chains drew, with an honest word on it."""
    columns = [[np.concatenate(part)[:common] for part in zip(*chain.drawn, strict=True)] for chain in running]
    free, effects, diverging, steps = (np.stack(part) for part in zip(*columns, strict=True))
    flat = free.reshape(-1, free.shape[2])
    middle = flat.mean(0)
    objective.adapt(middle)
    likely = objective.by_person(middle)
    mixed = mixing(free)
    smallest = np.minimum(mixed.bulk, mixed.tails)
    diagnostics = {"divergences": float(diverging.sum()), "r_hat": float(np.max(mixed.r_hat)),
                   "effective_size": float(np.min(smallest)), "steps_of_a_draw": float(steps.mean())}  # fmt: skip
    if effects.size:
        diagnostics["r_hat_of_effects"] = float(np.max(mixing(effects.reshape(*effects.shape[:2], -1)).r_hat))
    said = _said(fitted.model.free_names, mixed.r_hat, smallest, int(diverging.sum()), free.shape[:2], draws)
    good = bool(diverging.sum() == 0 and np.all(mixed.r_hat < R_HAT) and np.all(smallest > EFFECTIVE))
    people = effects.reshape(len(flat), *effects.shape[2:])
    around = people - people.mean(0)
    return replace(
        fitted, method="nuts", free=middle, covariance=np.atleast_2d(np.cov(flat.T)),
        log_likelihood=float(likely.sum()), by_person=likely, converged=good, said=said, gradient=np.zeros(0),
        decrement=0.0, draws=free, effects=people.mean(0),
        effects_covariance=np.einsum("dip,djp->pij", around, around) / max(len(people) - 1, 1),
        diagnostics=diagnostics, seconds=fitted.seconds | {f"sampler_{name}": value for name, value in seconds.items()},
    )  # fmt: skip


def _said(
    names: tuple[str, ...], r_hat: np.ndarray, size: np.ndarray, divergences: int, shape: tuple[int, int], wanted: int
) -> tuple[str, ...]:
    """Return what keeps the draws from being a posterior, in sentences."""
    said, chains, draws = [], *shape
    if draws < wanted:
        said.append(f"sampling was stopped: {draws:,} of {wanted:,} draws of each of {chains} chains are kept")
    if not np.isfinite(r_hat).all():
        return (*said, "there are too few draws to tell whether the chains have mixed")
    if divergences:
        said.append(f"{divergences:,} of {chains * draws:,} draws diverged: parts of the posterior may be missing")
    for values, bad, what in (
        (r_hat, r_hat >= R_HAT, f"chains do not agree (R-hat not below {R_HAT:g})"),
        (-size, size <= EFFECTIVE, f"there are too few independent draws (effective size not above {EFFECTIVE:g})"),
    ):
        if bad.any():
            worst = [at for at in np.argsort(-values) if bad[at]]
            shown = ", ".join(f"{names[at]} {abs(values[at]):.4g}" for at in worst[:SHOWN])
            more = f" and {len(worst) - SHOWN} more" if len(worst) > SHOWN else ""
            said.append(f"{what}: {shown}{more}")
    return tuple(said)
