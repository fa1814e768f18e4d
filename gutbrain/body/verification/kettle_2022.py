"""Ten groups in three tanks in a row: the colon of Kettle 2022 as it was printed, and a stirred vessel.

Kept to check growth, uptake, stoichiometry, water and pH. Groups exclude each other, Akkermansia
sits inside Bacteroides, production conserves mass and not carbon, and a half-saturation of
0.001 g/L makes it too stiff for explicit steps: integrate it implicitly.
"""

from typing import Any, ClassVar

from gutbrain.body.verification.kettle_pathways import (
    ESSENTIALS,
    GROUPS,
    LABELS,
    MOLAR_MASS,
    PATHWAYS,
    PH_CORNERS,
    RESOURCES,
    growth,
    has,
    membership,
    moles,
    yields,
)
from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import clip, maximum, minimum, saturate, total, where

WATER, ACETATE = RESOURCES.index("water"), RESOURCES.index("acetate")
BACTEROIDES, FIBRE_DEGRADERS = GROUPS.index("bacteroides"), GROUPS.index("fibre_degraders")
AXES = {"group": GROUPS, "pathway": LABELS, "resource": RESOURCES}
KETTLE: dict[str, Any] = {"source": "Kettle2022", "grade": "published-model"}
FACT: dict[str, Any] = {"source": "Kettle2022", "grade": "derived"}
ON_PATHWAYS = ("pathway", "resource")


def amounts(**given):
    """Return a tuple over the resources, 0 where nothing is named."""
    return tuple(given.get(name, 0.0) for name in RESOURCES)


START = amounts(
    protein=1, fibre=0.22, resistant_starch=0.78, water=100, acetate=0.3606, propionate=0.1482, butyrate=0.1762,
    carbon_dioxide=10,
)  # fmt: skip
DAILY_FEED = amounts(protein=10, fibre=11, resistant_starch=39, water=1100)
VESSEL_FEED = amounts(protein=5.9, fibre=1.62, resistant_starch=5.6, carbon_dioxide=10, water=10)
VESSEL_START = amounts(
    protein=5.9, fibre=1.62, resistant_starch=5.6, carbon_dioxide=10, water=10, acetate=1.9456, propionate=0.6656,
    butyrate=0.4398,
)  # fmt: skip
VESSEL_CELLS = (0.036, 0.0271, 0.0271, 0.011, 0.041, 0.033, 0.022, 0.023, 0.0077, 0.00027)


class Growth:
    """Growth, uptake and production of ten groups on 16 pathways; needs `cells`, `resources`, `volume` and `ph`."""

    half_saturation = Param(0.001, "g/L", about="of every resource that limits growth", **KETTLE)
    maximum_growth = Param(growth(), "1/day", over=ON_PATHWAYS, about="on one resource alone", **KETTLE)
    cell_yield = Param(yields(), "1", over=ON_PATHWAYS, about="cells per resource eaten, g/g", **KETTLE)
    stoichiometry = Param(moles(), "mol", over=ON_PATHWAYS, about="moles used or made beside each other", **KETTLE)
    substitutable = Param(has("substitutable"), "1", over=ON_PATHWAYS, about="one may stand for another", **KETTLE)
    key = Param(has("key"), "1", over=ON_PATHWAYS, about="sets growth where nothing is substitutable", **KETTLE)
    essential = Param(has("essential", "key"), "1", over=ON_PATHWAYS, about="no growth without it", **KETTLE)
    booster = Param(has("booster"), "1", over=ON_PATHWAYS, about="more growth with it", **KETTLE)
    water_user = Param(has("water"), "1", over=ON_PATHWAYS, about="water taken up", **KETTLE)
    product = Param(has("products"), "1", over=ON_PATHWAYS, about="made from what was used", **KETTLE)
    unboosted_share = Param(
        tuple(path.unboosted for path in PATHWAYS), "1", over="pathway", about="growth without its booster", **KETTLE
    )
    member = Param(membership(), "1", over=("group", "pathway"), about="pathways of each group", **KETTLE)
    molar_mass = Param(MOLAR_MASS, "g/mol", over="resource", about="of each resource", **KETTLE)
    ph_none_below = Param(tuple(c[0] for c in PH_CORNERS), "1", over="group", about="pH without growth", **KETTLE)
    ph_best_from = Param(tuple(c[1] for c in PH_CORNERS), "1", over="group", about="pH of full growth", **KETTLE)
    ph_best_to = Param(tuple(c[2] for c in PH_CORNERS), "1", over="group", about="pH of full growth", **KETTLE)
    ph_none_above = Param(tuple(c[3] for c in PH_CORNERS), "1", over="group", about="pH without growth", **KETTLE)
    smallest_colony = Param(1e-14, "g", about="below it a group does not grow", **KETTLE)
    smallest_growth = Param(
        1e-30, "1/day", source="assumed", grade="assumed", about="keeps the share of a pathway at 0 where none grows"
    )

    @term
    def concentration(self):
        """Resources are dissolved in the water; the solver may undershoot 0, which the published program cuts too."""
        return maximum(self.resources, 0) / self.volume

    @term
    def ph_fitness(self):
        """A group grows best between two pH values and not at all beyond two others."""
        rising = (self.ph - self.ph_none_below) / (self.ph_best_from - self.ph_none_below)
        falling = (self.ph_none_above - self.ph) / (self.ph_none_above - self.ph_best_to)
        return clip(minimum(rising, falling), 0, 1)

    @term
    def fitness(self):
        """A pathway runs at the pH fitness of its group."""
        return total(self.member * self.ph_fitness[:, None], 0)

    @term
    def substitutable_limit(self):
        """Substitutable resources compete for the cells."""
        scaled = self.substitutable * (self.concentration / self.half_saturation)
        return scaled / (1 + total(scaled, 1)[:, None])

    @term
    def saturation(self):
        """An essential resource or booster alone follows Monod."""
        return saturate(self.concentration, self.half_saturation)

    @term
    def essential_limit(self):
        """Essential resources multiply."""
        limit = 1
        for index in ESSENTIALS:
            limit = limit * (1 - self.essential[:, index] * (1 - self.saturation[index]))
        return limit

    @term
    def boost(self):
        """Acetate, the one booster, speeds some butyrate producers."""
        return 1 - self.booster[:, ACETATE] * (1 - self.saturation[ACETATE])

    @term
    def boosted(self):
        """A share of growth needs no booster."""
        return self.unboosted_share + (1 - self.unboosted_share) * self.boost

    @term
    def limited_growth(self):
        """Growth on substitutable resources as they limit, and on the key resource at its largest."""
        return self.maximum_growth * (self.substitutable_limit + self.key)

    @term
    def specific_growth(self):
        """Growth of one pathway, as if the group ran it alone."""
        return self.fitness * self.essential_limit * self.boosted * total(self.limited_growth, 1)

    @term
    def pathway_share(self):
        """A group runs its pathways in proportion to how fast each would grow."""
        of_group = total(self.member * self.specific_growth, 1)
        return self.specific_growth / maximum(total(self.member * of_group[:, None], 0), self.smallest_growth)

    @term
    def grams(self):
        """Stoichiometry in grams."""
        return self.stoichiometry * self.molar_mass

    @term
    def key_grams(self):
        """Grams of what sets growth: the mean of the substitutable resources, or the key."""
        count = maximum(total(self.substitutable, 1), 1)
        return total(self.substitutable * self.grams, 1) / count + total(self.key * self.grams, 1)

    @term
    def specific_uptake(self):
        """Resources used per cell: eaten as they limit, or in proportion to what sets growth; then water."""
        eaten = self.limited_growth / self.cell_yield
        own = (self.fitness * self.essential_limit * self.boosted)[:, None] * self.substitutable * eaten
        beside = self.essential * self.essential_limit[:, None]
        beside = beside + self.booster * ((1 - self.unboosted_share) * self.boost)[:, None]
        demand = self.fitness * total(eaten, 1) / self.key_grams
        dry = own + beside * self.grams * demand[:, None]
        used = total((self.essential + self.booster) * (1 - self.key) * self.grams, 1) + self.key_grams
        return dry + self.water_user * self.grams * (total(dry, 1) / used)[:, None]

    @term
    def specific_production(self):
        """What is used and not grown leaves as products, in the proportions of the reaction, by mass."""
        made = self.product * self.grams
        left = total(self.specific_uptake, 1) - self.specific_growth
        return made * (left / total(made, 1))[:, None]

    @term
    def running_cells(self):
        """Cells that run a pathway; the smallest colonies do not grow."""
        alive = where(self.cells > self.smallest_colony, self.cells, 0 * self.cells)
        return total(self.member * alive[:, None], 0) * self.pathway_share

    @term
    def grown(self):
        """Cells grown a day."""
        return total(self.member * (self.running_cells * self.specific_growth), 1)

    @term
    def turned_over(self):
        """Resources made less used a day."""
        change = self.specific_production - self.specific_uptake
        return total(self.running_cells[:, None] * change, 0)


class Tank(Growth):
    """A part of the colon: water carries, acids and water are absorbed, mucin enters through the wall."""

    transit_time = Param(1.25, "day", about="of the whole colon; give all tanks the same", **KETTLE)
    acid_absorption = Param(9.6, "1/day", about="of acetate, propionate and butyrate", **KETTLE)
    water_absorption = Param(3, "1/day", about="of water", **KETTLE)
    ph_intercept = Param(8.02, "1", about="pH without acids, from three regions of the colon", **KETTLE)
    ph_slope = Param(0.0174, "1/mM", about="pH lost per acid", **KETTLE)
    ph_low = Param(5, "1", about="lowest pH", **KETTLE)
    ph_high = Param(8, "1", about="highest pH", **KETTLE)
    mucin = Param(5, "g/day", about="entering the whole colon", **KETTLE)
    mucin_half = Param(0.5, "g/L", about="degraders at which half of the mucin is broken down", **KETTLE)
    mucin_share = Param(
        amounts(protein=0.2, fibre=0.375, resistant_starch=0.375), "1", over="resource",
        about="what mucin gives; the rest is sulphate", **KETTLE,
    )  # fmt: skip
    absorbed = Param(amounts(acetate=1, propionate=1, butyrate=1), "1", over="resource", about="the acids", **KETTLE)
    is_water = Param(amounts(water=1), "1", over="resource", about="the water", **FACT)
    water_density = Param(1000, "g/L", about="grams of water in a litre", **FACT)

    @term
    def volume(self):
        """The water is the volume."""
        return self.resources[WATER] / self.water_density

    @term
    def dilution(self):
        """A tank is left in its share of the transit time."""
        return 1 / (self.volume_share * self.transit_time)

    @term
    def acids(self):
        """Sum of the three acids."""
        return total(self.absorbed * self.resources / self.molar_mass) / self.volume

    @term
    def ph(self):
        """Acids lower the pH along a line, between two ends."""
        return clip(self.ph_intercept - self.ph_slope * self.acids, self.ph_low, self.ph_high)

    @term
    def mucin_broken_down(self):
        """Bacteroides and fibre degraders break mucin down into what can be eaten."""
        degraders = self.cells[BACTEROIDES] + self.cells[FIBRE_DEGRADERS]
        limit = degraders / (degraders + self.mucin_half * self.volume)
        return self.mucin * self.volume_share * limit * self.mucin_share

    @rate("cells")
    def grow(self):
        """Groups grow, enter from the tank before and leave."""
        return self.cells_in + self.grown - self.dilution * self.cells

    @rate("resources")
    def exchange(self):
        """Resources enter, are made and used, leave, and are absorbed."""
        taken = self.acid_absorption * self.absorbed + self.water_absorption * self.is_water
        change = self.resources_in + self.mucin_broken_down + self.turned_over
        return change - (self.dilution + taken) * self.resources


def cells_of(start):
    """Return the declaration of the groups of a tank."""
    return State("g", start=start, over="group", low=0, high=100, about="cells of each group, dry")


def resources_of(start):
    """Return the declaration of the resources of a tank."""
    return State("g", start=start, over="resource", low=0, high=3000, about="dissolved resources, and the water")


def flow(of, over, signal, rest=0):
    """Return the declaration of what enters a tank."""
    return Input("g/day", rest=rest, over=over, signal=signal, about=f"{of} entering")


def _carry_cells(self):
    """Cells are carried on to the next tank, or leave with the stool."""
    return self.dilution * self.cells


def _carry_resources(self):
    """Resources are carried on to the next tank, or leave with the stool."""
    return self.dilution * self.resources


def _acids(self):
    """Acetate, propionate and butyrate together."""
    return self.acids


def _acidity(self):
    """The pH."""
    return self.ph


class Proximal(Tank, Compartment):
    """The proximal colon receives what escapes digestion."""

    axes: ClassVar = AXES
    cells, resources = cells_of(1), resources_of(START)
    cells_in = flow("cells", "group", "diet.colonic_cells")
    resources_in = flow("resources", "resource", "diet.colonic_resources", DAILY_FEED)
    volume_share = Param(0.41 / 3.02, "1", about="share of the colon", **KETTLE)
    cells_out = output("g/day", over="group")(_carry_cells)
    resources_out = output("g/day", over="resource")(_carry_resources)
    total_acids = output("mM")(_acids)
    acidity = output("1")(_acidity)


class Transverse(Tank, Compartment):
    """The transverse colon receives what leaves the proximal."""

    axes: ClassVar = AXES
    cells, resources = cells_of(1), resources_of(START)
    cells_in = flow("cells", "group", "proximal.cells_out")
    resources_in = flow("resources", "resource", "proximal.resources_out")
    volume_share = Param(0.98 / 3.02, "1", about="share of the colon", **KETTLE)
    cells_out = output("g/day", over="group")(_carry_cells)
    resources_out = output("g/day", over="resource")(_carry_resources)
    total_acids = output("mM")(_acids)
    acidity = output("1")(_acidity)


class Distal(Tank, Compartment):
    """The distal colon receives what leaves the transverse; what leaves it is stool."""

    axes: ClassVar = AXES
    cells, resources = cells_of(1), resources_of(START)
    cells_in = flow("cells", "group", "transverse.cells_out")
    resources_in = flow("resources", "resource", "transverse.resources_out")
    volume_share = Param(1.63 / 3.02, "1", about="share of the colon", **KETTLE)
    cells_out = output("g/day", over="group")(_carry_cells)
    resources_out = output("g/day", over="resource")(_carry_resources)
    total_acids = output("mM")(_acids)
    acidity = output("1")(_acidity)


class Vessel(Growth, Compartment):
    """One stirred litre, fed and diluted once a day at a fixed pH: no absorption, no mucin."""

    axes: ClassVar = AXES
    cells, resources = cells_of(VESSEL_CELLS), resources_of(VESSEL_START)
    resources_in = flow("resources", "resource", "diet.vessel_resources", VESSEL_FEED)
    ph = Input("1", rest=6, signal="diet.vessel_ph", low=4, high=9, about="pH, held")
    volume = Param(1, "L", source="Kettle2018", grade="published-model", about="concentrations are per litre")
    dilution = Param(1, "1/day", source="Kettle2018", grade="published-model", about="of everything")

    @rate("cells")
    def grow(self):
        """Groups grow and leave."""
        return self.grown - self.dilution * self.cells

    @rate("resources")
    def exchange(self):
        """Resources enter, are made and used, and leave."""
        return self.resources_in + self.turned_over - self.dilution * self.resources
