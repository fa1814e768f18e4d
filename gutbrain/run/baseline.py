"""A colon of one's own: growth scales whose settled colon has the measured composition.

At a steady state with group shares p, total mass M and given pools, the growth of every group
must equal its losses. Nine growth scales, M, the acids, the water and the substrates are solved
together, from the reference person, whose colon is known: at once if Newton's method gets there,
else in small steps to the person with his own parameters and his measured composition. One scale is
free (more growth everywhere starves everybody alike): their mean logarithm, weighted by the shares,
stays as drawn. A person whose measured composition cannot be fed is left at the last composition on
the way that can, and the distance is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run import fixed
from gutbrain.run.drive import Run
from gutbrain.run.relax import BOLD, Pace, relax
from gutbrain.run.rest import Rest, in_pieces
from gutbrain.run.settle import settle

FLOOR = 2e-4  # share that reseeding alone sustains; a count of zero is read as this
WAY = 25  # steps from the reference person to the measured one
CAREFUL = Pace(first=1e9, growth=1.0, keep=0.0, turns=12)  # at each of them
POOLS = ("acetate_mass", "propionate_mass", "butyrate_mass", "water")
POOL_TIME = 1 / 30  # days: pools turn over that much faster than groups
FED = 1e-6  # per day, largest distance from balance
LARGEST = 30.0  # growth scales beyond this, either way, are not believed
REACHED = 0.01  # largest distance of a share that still counts as reached

Array = np.ndarray


def with_baselines(
    cohort: Cohort,
    shares: Array,
    note: str = "",
    *,
    step_minutes: float = 15.0,
    levers: tuple[str, ...] = (),
    labels: tuple[str, ...] | None = None,
    integrate: Callable[..., Run] = fixed.integrate,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Return the cohort settled with the measured colon of each person.

    Parameters
    ----------
    shares : group shares, array [people, groups], each row summing to 1
    note : what the report says about them
    step_minutes, levers, labels, integrate, progress : as in `gutbrain.run.settle.settle`

    Returns
    -------
    Cohort : with `colon.growth_scale` solved, settled, and `baseline_miss` (largest distance
        between the settled and the measured share, array [columns]).
    """
    axis = cohort.axis
    target = np.maximum(np.asarray(shares, float), FLOOR)
    target = np.tile(target / target.sum(axis=1, keepdims=True), (cohort.worlds, 1)).T
    scales, start = walk(axis, cohort.parameters, np.log(target))
    parameters = cohort.parameters | {"colon.growth_scale": scales}
    moved = replace(cohort, parameters=parameters, start=start, shares=np.asarray(shares), baseline_note=note)
    settled = settle(
        moved, step_minutes=step_minutes, levers=levers, labels=labels, integrate=integrate, progress=progress
    )
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


def walk(axis: Axis, parameters: dict[str, Array], target: Array, *, boldly: bool = True) -> tuple[Array, Array]:
    """Walk from the reference person to each measured one.

    Parameters
    ----------
    parameters : declared values by full name, arrays [..., columns or 1]
    target : logarithm of the measured shares, array [groups, columns]
    boldly : try the whole way at once before the small steps

    Returns
    -------
    growth scales, array [groups, columns], and states, array [rows, columns], declared units
    """
    count, columns = target.shape
    reference = axis.defaults()
    known = Rest(axis, axis.start(reference), reference)
    known.solve("colon", np.arange(1))
    groups, others = _rows(known)
    mass = known.rows[groups].sum(axis=0)
    begin = np.log(known.rows[groups] / mass)
    first = np.concatenate([np.log(mass)[None], np.zeros((count, 1)), np.log(known.rows[others])])
    drawn = np.broadcast_to(parameters["colon.growth_scale"], target.shape)
    y = np.broadcast_to(axis.start(parameters), (len(axis.rows), columns))
    u, done = np.repeat(first, columns, axis=1), np.zeros(columns)

    def between(part: Any, who: Array) -> Array:
        mixed = (1 - part) * begin + part * target[:, who]
        return mixed - np.log(np.exp(mixed).sum(axis=0))

    def advance(part: float, who: Array, pace: Pace) -> Array:
        """Go on to a part of the way; return who got there."""
        # Far-off people are unlike the reference in more than their microbes: everything walks.
        own = {name: value if value.shape[-1] == 1 else value[..., who] for name, value in parameters.items()}
        mixed = {name: reference[name] + part * (value - reference[name]) for name, value in own.items()}
        tried, left = _feed(
            Rest(axis, y[:, who], mixed), u[:, who], between(part, who), part * np.log(drawn[:, who]), pace
        )
        fed = (left < FED) & (np.abs(tried[1 : 1 + count]).max(axis=0) < np.log(LARGEST))
        u[:, who[fed]], done[who[fed]] = tried[:, fed], part
        return who[fed]

    on = np.arange(columns)
    if boldly:
        on = np.setdiff1d(on, advance(1.0, on, BOLD))
    for step in range(WAY):
        if on.size:
            on = advance((step + 1) / WAY, on, CAREFUL)
    found = Rest(axis, y, parameters)
    found.rows[groups] = np.exp(u[0] + between(done, np.arange(columns)))
    found.rows[others] = np.exp(u[1 + count :])
    return np.exp(u[1 : 1 + count]), found.states


def _rows(rest: Rest) -> tuple[Array, Array]:
    """Return the rows of the groups, and of all else that is solved with them: pools, then unknowns."""
    groups, own = rest.axis.slices["colon", "biomass"], rest.own("colon")
    pools = [rest.axis.slices["colon", name].start for name in POOLS]
    return np.arange(groups.start, groups.stop), np.append(pools, own[own >= len(rest.axis.rows)])


def _feed(rest: Rest, u: Array, composition: Array, drawn: Array, pace: Pace) -> tuple[Array, Array]:
    """Solve for what feeds a composition.

    Parameters
    ----------
    u : logarithms of mass, growth scales, pools and unknowns, array [1 + groups + others, columns]
    composition, drawn : logarithms of shares and of drawn growth scales, arrays [groups, columns]

    Returns
    -------
    array like `u`, and the largest distance from balance per day, array [columns]
    """
    (groups, others), count = _rows(rest), len(composition)
    rows, own = np.append(groups, others), rest.own("colon")
    # Pools turn over faster than groups; unknowns, below the states, are balanced as they are.
    weight = np.where(rows < len(rest.axis.rows), np.where(np.isin(rows, groups), 1.0, POOL_TIME), 0.0)[:, None]

    def miss(u: Array, who: Array) -> Array:
        values = np.concatenate([np.exp(u[0] + composition[:, who]), np.exp(u[1 + count :])])
        scales = {"colon.growth_scale": np.exp(u[1 : 1 + count])}

        def read(part: slice) -> Array:
            given = {name: value[:, part] for name, value in scales.items()}
            return rest.read(who[part], rows, values[:, part], **given).vector("colon")

        change = in_pieces(read, who.size)[np.searchsorted(own, rows)]
        change = np.where(weight > 0, weight * change / values, change)
        mean = (np.exp(composition[:, who]) * (u[1 : 1 + count] - drawn[:, who])).sum(axis=0)
        return np.concatenate([change, mean[None]])

    return relax(miss, u, False, (pace,))
