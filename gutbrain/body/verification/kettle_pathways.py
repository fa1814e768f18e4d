"""Ten groups of colonic microbes and the pathways by which they grow, as printed by Kettle 2022.

A resource on a pathway is substitutable, essential, a booster, water that is used, or a product.
Every number is of the supplement, section 3; two values of the lactate producers differ in microPop 1.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GROUPS = (
    "bacteroides", "starch_degraders", "fibre_degraders", "lactate_producers", "butyrate_producers_1",
    "butyrate_producers_2", "propionate_producers", "butyrate_producers_3", "acetogens", "methanogens",
)  # fmt: skip
RESOURCES = (
    "protein", "fibre", "resistant_starch", "sugars", "hydrogen", "carbon_dioxide", "methane", "water", "acetate",
    "propionate", "succinate", "lactate", "formate", "ethanol", "butyrate", "other",
)  # fmt: skip
MOLAR_MASS = (111, 180.16, 180.16, 180.16, 2.02, 44.01, 16.04, 18.02, 60.05, 74.08, 118.09, 90.08, 46.03, 46.07, 88.1,
              43.67)  # fmt: skip
# Below the first and above the last pH a group does not grow; between the middle two it grows best.
PH_CORNERS = (
    (5.6, 6.35, 7.85, 8.6), (5.35, 6.1, 7.6, 8.35), (5, 5.75, 7.25, 8), (4.5, 5.25, 7.2, 7.95), (4.95, 5.7, 7.2, 7.95),
    (4.85, 5.6, 7.1, 7.85), (4.75, 5.5, 7, 7.75), (4.85, 5.6, 7.1, 7.85), (5.25, 6, 7.5, 8.25), (5.25, 6, 7.5, 8.25),
)  # fmt: skip

Eaten = tuple[float, float, float]


@dataclass(frozen=True)
class Pathway:
    """One way of growing.

    Attributes
    ----------
    substitutable : growth per day, yield in g/g and moles of each carbohydrate or protein that may stand for another
    key : the same of the essential resource that sets growth where nothing is substitutable
    essential, booster, water : moles of what is used beside it
    products : moles of what is made
    unboosted : share of growth that needs no booster
    """

    group: str
    substitutable: Mapping[str, Eaten] = field(default_factory=dict)
    key: Mapping[str, Eaten] = field(default_factory=dict)
    essential: Mapping[str, float] = field(default_factory=dict)
    booster: Mapping[str, float] = field(default_factory=dict)
    water: float = 0.0
    products: Mapping[str, float] = field(default_factory=dict)
    unboosted: float = 1.0


def hexoses(fibre: float, starch: float, sugars: float, moles: float) -> dict[str, Eaten]:
    """Return the three carbohydrates with their printed yields; growth per day and moles are given."""
    return {**polymers(fibre, starch, moles), "sugars": (sugars, 0.333, moles)}


def polymers(fibre: float, starch: float, moles: float) -> dict[str, Eaten]:
    """Return fibre and starch with their printed yields."""
    return {"fibre": (fibre, 0.286, moles), "resistant_starch": (starch, 0.333, moles)}


PATHWAYS = (
    Pathway("bacteroides", polymers(12, 24, 2),
            products={"acetate": 2, "propionate": 1, "succinate": 1, "hydrogen": 2, "carbon_dioxide": 1}),
    Pathway("bacteroides", {"protein": (24, 0.2, 6)},
            products={"acetate": 2, "propionate": 1, "succinate": 1, "hydrogen": 2, "carbon_dioxide": 1, "other": 7}),
    Pathway("starch_degraders", polymers(3.6, 14.4, 1), water=2,
            products={"acetate": 2, "hydrogen": 4, "carbon_dioxide": 2}),
    Pathway("fibre_degraders", polymers(16.8, 3.6, 1), products={"acetate": 1, "succinate": 1, "hydrogen": 1}),
    Pathway("lactate_producers", hexoses(7.2, 7, 24, 6), water=1,
            products={"acetate": 10, "lactate": 4, "formate": 2, "ethanol": 1}),
    Pathway("butyrate_producers_1", hexoses(8.4, 8.4, 24, 2), booster={"acetate": 2}, unboosted=0.75,
            products={"butyrate": 3, "hydrogen": 2, "carbon_dioxide": 4, "water": 2}),
    Pathway("butyrate_producers_2", hexoses(14.4, 7.2, 24, 6), booster={"acetate": 4}, unboosted=0.1,
            products={"butyrate": 7, "lactate": 2, "formate": 6, "carbon_dioxide": 4, "water": 4}),
    Pathway("propionate_producers", hexoses(7.2, 7.2, 24, 3),
            products={"acetate": 2, "propionate": 4, "carbon_dioxide": 2, "water": 2}),
    Pathway("propionate_producers", key={"lactate": (4.8, 0.111, 3)},
            products={"acetate": 1, "propionate": 2, "carbon_dioxide": 1, "water": 1}),
    Pathway("butyrate_producers_3", hexoses(7.2, 7.2, 24, 10), water=2,
            products={"acetate": 2, "butyrate": 9, "formate": 12, "hydrogen": 10, "carbon_dioxide": 8}),
    Pathway("butyrate_producers_3", key={"lactate": (4.8, 0.111, 4)}, essential={"acetate": 2},
            products={"butyrate": 3, "hydrogen": 2, "carbon_dioxide": 4, "water": 2}),
    Pathway("acetogens", hexoses(7.2, 7.2, 24, 1), products={"acetate": 3}),
    Pathway("acetogens", key={"carbon_dioxide": (2.4, 0.03, 2)}, essential={"hydrogen": 4},
            products={"acetate": 1, "water": 2}),
    Pathway("acetogens", hexoses(7.2, 7.2, 24, 1), essential={"formate": 2},
            products={"acetate": 3, "hydrogen": 2, "carbon_dioxide": 2}),
    Pathway("methanogens", key={"carbon_dioxide": (2.4, 0.03, 1)}, essential={"hydrogen": 4},
            products={"methane": 1, "water": 2}),
    Pathway("methanogens", key={"formate": (2.4, 0.00724, 4)},
            products={"methane": 1, "carbon_dioxide": 3, "water": 2}),
)  # fmt: skip
LABELS = tuple(
    f"{path.group}_{[p.group for p in PATHWAYS[: place + 1]].count(path.group)}" for place, path in enumerate(PATHWAYS)
)
ESSENTIALS = tuple(
    index for index, name in enumerate(RESOURCES) if any(name in {**p.essential, **p.key} for p in PATHWAYS)
)  # fmt: skip

Table = tuple[tuple[float, ...], ...]


def _table(of: list[Mapping[str, float]], empty: float = 0.0) -> Table:
    return tuple(tuple(float(row.get(name, empty)) for name in RESOURCES) for row in of)


def _eaten(path: Pathway, entry: int) -> dict[str, float]:
    return {name: values[entry] for name, values in {**path.substitutable, **path.key}.items()}


def growth() -> Table:
    """Return the largest growth per day on each resource, pathways by resources."""
    return _table([_eaten(path, 0) for path in PATHWAYS])


def yields() -> Table:
    """Return cells per resource eaten, g/g; 1 where nothing grows, because it divides."""
    return _table([_eaten(path, 1) for path in PATHWAYS], empty=1.0)


def moles(*roles: str) -> Table:
    """Return the moles of the named roles, pathways by resources; of all without a name.

    A resource has one role on a pathway, so that roles can share one table.
    """

    def of(path: Pathway) -> dict[str, float]:
        parts: dict[str, Mapping[str, float]] = {
            "substitutable": {name: values[2] for name, values in path.substitutable.items()},
            "key": {name: values[2] for name, values in path.key.items()},
            "essential": path.essential,
            "booster": path.booster,
            "water": {"water": path.water} if path.water else {},
            "products": path.products,
        }  # fmt: skip
        return {name: value for role in roles or parts for name, value in parts[role].items()}

    return _table([of(path) for path in PATHWAYS])


def has(*roles: str) -> Table:
    """Return 1 where a resource has one of the roles on a pathway, else 0."""
    return tuple(tuple(float(value > 0) for value in row) for row in moles(*roles))


def membership() -> Table:
    """Return 1 where a pathway belongs to a group, groups by pathways."""
    return tuple(tuple(float(path.group == group) for path in PATHWAYS) for group in GROUPS)
