"""A colon of one's own: growth scales whose settled colon has the measured composition.

At a steady state with group shares p, total mass M and given pools, the growth of every group
must equal its losses. Nine growth scales, M, the acids and the water are solved together, in
small steps from the reference person, whose colon is known, to the person with his own
parameters and his measured composition. One scale is free (more growth everywhere starves
everybody alike): their mean logarithm, weighted by the shares, stays as drawn. A person whose
measured composition cannot be fed is left at the last composition on the way that can, and the distance is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run.blocks import in_blocks, width
from gutbrain.run.compiled import compiled
from gutbrain.run.settle import block_rows, settle, solve_block

FLOOR = 2e-4  # share that reseeding alone sustains; a count of zero is read as this
WAY = 25  # steps from the reference person to the measured one
TURNS = 6  # Newton steps at each
POOLS = ("acetate_mass", "propionate_mass", "butyrate_mass", "water")
LARGEST = 30.0  # growth scales beyond this, either way, are not believed
REACHED = 0.01  # largest distance of a share that still counts as reached


def with_baselines(
    cohort: Cohort,
    shares: np.ndarray,
    note: str = "",
    *,
    step_minutes: float = 15.0,
    levers: tuple[str, ...] = (),
    labels: tuple[str, ...] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Return the cohort settled with the measured colon of each person.

    Parameters
    ----------
    shares : group shares, array [people, groups], each row summing to 1
    note : what the report says about them

    Returns
    -------
    Cohort : with `colon.growth_scale` solved, settled, and `baseline_miss` (largest distance
        between the settled and the measured share, array [columns]).
    """
    axis = cohort.axis
    target = np.maximum(np.asarray(shares, float), FLOOR)
    target = np.tile(target / target.sum(axis=1, keepdims=True), (cohort.worlds, 1)).T
    reference = Cohort.reference(axis)
    # As wide as the cohort: the same compiled solver serves the one and the many.
    alike = np.repeat(axis.start(reference.parameters), width(cohort.size), axis=1)
    rest = solve_block(axis, "colon", alike, reference.parameters)[:, :1]
    parameters = {name: np.array(value) for name, value in cohort.parameters.items()}
    drawn = np.broadcast_to(parameters["colon.growth_scale"], (len(target), cohort.size))
    parameters["colon.growth_scale"] = np.array(drawn)
    y = np.broadcast_to(axis.start(parameters), (len(axis.rows), cohort.size))
    known = jnp.asarray(rest), axis.coherent(reference.parameters)
    walked = in_blocks(partial(_reach, axis, *known), y, axis.coherent(parameters), np.log(target))
    parameters["colon.growth_scale"] = walked[0]
    moved = replace(cohort, parameters=parameters, start=walked[1], shares=np.asarray(shares), baseline_note=note)
    settled = settle(moved, step_minutes=step_minutes, levers=levers, labels=labels, progress=progress)
    assert settled.start is not None
    biomass = settled.start[axis.slices["colon", "biomass"]]
    miss = np.abs(biomass / biomass.sum(axis=0) - target).max(axis=0)
    return replace(settled, baseline_miss=miss)


def unreached(cohort: Cohort) -> list[str]:
    """Name the people whose measured composition the model cannot reach in most worlds."""
    if cohort.baseline_miss is None:
        return []
    far = (cohort.baseline_miss > REACHED).reshape(cohort.worlds, cohort.people).mean(axis=0) > 0.5
    return [name for name, is_far in zip(cohort.names, far, strict=True) if is_far]


@partial(compiled, static_argnums=(0,))
def _reach(axis: Axis, rest: Any, reference: Any, y: Any, parameters: Any, target: Any) -> Any:
    """Walk from the reference person to each measured one; return scales [groups, columns] and states."""
    colon = block_rows(axis, "colon")
    groups = axis.slices["colon", "biomass"]
    pools = np.array([axis.slices["colon", name].start for name in POOLS])
    count, people = groups.stop - groups.start, y.shape[1]
    local_groups, local_pools = groups.start - colon[0] + np.arange(count), pools - colon[0]
    drawn = jnp.log(parameters["colon.growth_scale"])
    begin = jnp.log(rest[groups] / rest[groups].sum(axis=0))
    basis = jnp.eye(1 + count + len(pools))[:, :, None] * jnp.ones((1, 1, people))

    def unpack(u: Any, composition: Any) -> tuple[Any, Any]:
        biomass, pool = jnp.exp(u[0] + composition), jnp.exp(u[1 + count :])
        return y.at[groups].set(biomass).at[pools].set(pool), jnp.exp(u[1 : 1 + count])

    def miss(u: Any, part: Any, composition: Any) -> Any:
        new, scale = unpack(u, composition)
        # Far-off people are unlike the reference in more than their microbes: everything walks.
        mixed = {name: reference[name] + part * (value - reference[name]) for name, value in parameters.items()}
        rates = axis.read(new, mixed | {"colon.growth_scale": scale}, {}).vector("colon")
        growth = rates[local_groups] / new[groups]
        pool = rates[local_pools] / new[pools] / 30
        mean = (jnp.exp(composition) * (u[1 : 1 + count] - part * drawn)).sum(axis=0, keepdims=True)
        return jnp.concatenate([growth, pool, mean])

    def between(part: Any) -> Any:
        mixed = (1 - part) * begin + part * target
        return mixed - jnp.log(jnp.exp(mixed).sum(axis=0))

    def walk(step: Any, carry: Any) -> Any:
        u, done, stuck = carry
        part = (step + 1) / WAY
        composition = between(part)

        def improve(_: Any, v: Any) -> Any:
            value, linear = jax.linearize(lambda w: miss(w, part, composition), v)
            jacobian = jnp.transpose(jax.vmap(linear)(basis), (2, 1, 0))
            move = jnp.linalg.solve(jacobian, value.T[:, :, None])[:, :, 0].T
            return v - jnp.where(jnp.isfinite(move), jnp.clip(move, -0.7, 0.7), 0.0)

        tried = jax.lax.fori_loop(0, TURNS, improve, u)
        fed = jnp.abs(miss(tried, part, composition)).max(axis=0) < 1e-6
        good = fed & (jnp.abs(tried[1 : 1 + count]).max(axis=0) < jnp.log(LARGEST)) & ~stuck
        return jnp.where(good, tried, u), jnp.where(good, part, done), stuck | ~good

    mass = jnp.log(rest[groups].sum(axis=0))[None]
    u = jnp.concatenate([mass, jnp.zeros((count, 1)), jnp.log(rest[pools])])
    u = jnp.broadcast_to(u, (len(u), people))
    u, done, _ = jax.lax.fori_loop(0, WAY, walk, (u, jnp.zeros(people), jnp.zeros(people, bool)))
    new, scale = unpack(u, between(done))
    return scale, new
