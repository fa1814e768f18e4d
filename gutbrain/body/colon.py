"""Colon: nine microbial groups eat five substrates and make the short-chain fatty acids.

One stirred tank. Substrates, lactate and hydrogen are in balance at every moment; carbon closes
by construction, because carbon dioxide and hydrogen are what the named products leave over.
"""

from typing import ClassVar

from gutbrain.body.colon_ledger import ColonLedger
from gutbrain.body.colon_parameters import GROUPS, MUCIN, PROTEIN, SUBSTRATES, SUGAR, ColonParameters
from gutbrain.model.compartment import Compartment, Input, State, Unknown, balance, output, rate, term
from gutbrain.model.maths import log, maximum, place, power, saturate, sigmoid, sqrt, stack, total, where

BACTEROIDETES, _, BUTYRATE_PRODUCERS, LACTATE_PRODUCERS, LACTATE_USERS = range(5)
AKKERMANSIA, PATHOBIONTS, PROTEIN_FERMENTERS, HYDROGEN_USERS = range(5, 9)
COUNT = len(GROUPS)


def balanced(production, loss, fastest, half):
    """Concentration at which production equals loss and saturated use.

    Parameters
    ----------
    production : mmol/day
    loss : L/day, washed out and absorbed
    fastest : mmol/day, use at saturation
    half : mmol/L

    Returns
    -------
    mmol/L, the positive root of `loss*z + fastest*z/(half + z) = production`, free of cancellation
    """
    middle = loss * half + fastest - production
    larger = (maximum(middle, -middle) + sqrt(middle**2 + 4 * loss * production * half)) / 2
    return where(middle > 0, production * half / larger, larger / loss)


class Colon(ColonParameters, ColonLedger, Compartment):
    """Microbes turn what escapes digestion into acids, cells and gas."""

    axes: ClassVar = {"group": GROUPS, "substrate": SUBSTRATES}

    biomass = State(
        "g", start=(3.0686, 2.6334, 2.7427, 0.65702, 0.65784, 0.21975, 0.10966, 0.43881, 0.43847), over="group",
        low=0, high=(12, 12, 12, 6, 8, 3, 6, 3, 3), about="living cells in the lumen, dry",
    )  # fmt: skip
    acetate_mass = State("mmol", start=6.1429, low=0, high=60, about="acetate in the lumen")
    propionate_mass = State("mmol", start=1.9822, low=0, high=60, about="propionate in the lumen")
    butyrate_mass = State("mmol", start=1.9007, low=0, high=60, about="butyrate in the lumen")
    water = State("g", start=104.87, low=20, high=600, about="water in the lumen")
    dead_cells = State("g", start=4.9694, low=0, high=60, about="lysed and killed cells still in the lumen, dry")
    richness = State("1", start=1, low=0.02, high=1.5, about="within-group richness over own rest")
    substrate = Unknown(
        "g/L", over="substrate", start=(0.051, 0.029, 0.003, 0.063, 0.030), about="substrates in the lumen"
    )

    starch_inflow = Input("g/day", rest=25, signal="ileum.resistant_starch", about="starch reaching the colon")
    fibre_inflow = Input("g/day", rest=16, signal="ileum.fibre", about="polysaccharide reaching the colon")
    sugar_inflow = Input("g/day", rest=5, signal="ileum.sugar", about="sugar reaching the colon")
    protein_inflow = Input("g/day", rest=10, signal="ileum.protein", about="protein reaching the colon")
    mucin_inflow = Input("g/day", rest=5, signal="barrier.mucin_secretion", about="mucin shed into the lumen")
    water_entering = Input(
        "g/day", rest="water_inflow", signal="diet.colonic_water", low=300, high=3000, about="water entering the colon"
    )
    transit = Input("hour", rest=21, signal="enteric.colonic_transit_hours", about="colonic transit time")
    threat = Input("1", rest=0, signal="mind.threat", about="noradrenaline drive in the lumen, 1 = public speech")
    activity = Input("1", rest=1, signal="immune.mucosal_activity", about="mucosal inflammation, 1 = healthy")
    antibiotic = Input(
        "1/day", rest=0, signal="protocol.antibiotic", low=0, high=12, about="kill rate, 8 = strong broad-spectrum"
    )
    probiotic = Input(
        "g/day", rest=0, signal="protocol.probiotic", over="group", low=0, high=1, about="living cells taken, dry"
    )
    fermented_food = Input(
        "serving/day", rest=0, signal="protocol.fermented_food", low=0, high=10, about="servings of fermented food"
    )

    # -- surroundings -------------------------------------------------------------------------------

    @term
    def dilution(self):
        """One stirred tank empties once per transit time."""
        return 1 / self.transit

    @term
    def volume(self):
        """Solutes are dissolved in the water of the lumen."""
        return self.water / self.water_density

    @output("mM")
    def acetate(self):
        """Luminal acetate."""
        return self.acetate_mass / self.volume

    @output("mM")
    def propionate(self):
        """Luminal propionate."""
        return self.propionate_mass / self.volume

    @output("mM")
    def butyrate(self):
        """Luminal butyrate."""
        return self.butyrate_mass / self.volume

    @output("mM")
    def scfa_total(self):
        """Sum of the three short-chain fatty acids."""
        return self.acetate + self.propionate + self.butyrate

    @output("1")
    def ph(self):
        """Acids lower luminal pH, which the host holds between 5 and 8."""
        line = self.ph_intercept - self.ph_slope * self.scfa_total
        return 5 + 3 * sigmoid((line - 6.5) / self.ph_clip_width)

    @term
    def ph_fitness(self):
        """Each group grows inside its own range of pH."""
        above = sigmoid((self.ph - self.ph_low - 0.35) / self.ph_width)
        return above * sigmoid((self.ph_high - 0.35 - self.ph) / self.ph_width)

    @term
    def undissociated_acid(self):
        """Only undissociated acid enters cells and stops them: colonisation resistance."""
        return self.scfa_total / (1 + power(10.0, self.ph - self.pka))

    @term
    def growth_boost(self):
        """Butyrate producers need acetate; pathobionts like noradrenaline and nitrate and dislike acid."""
        acetate_boost = 0.5 + 0.5 * saturate(self.acetate, self.acetate_half)
        stress = 1 + self.noradrenaline_gain * self.threat + self.nitrate_gain * maximum(self.activity - 1, 0)
        pathobiont_boost = stress / (1 + self.undissociated_acid / self.acid_half)
        return 1 + place(acetate_boost - 1, BUTYRATE_PRODUCERS, COUNT) + place(pathobiont_boost - 1, PATHOBIONTS, COUNT)

    # -- substrates ---------------------------------------------------------------------------------

    @term
    def inflow(self):
        """Diet and shed mucin feed the colon."""
        return stack(self.starch_inflow, self.fibre_inflow, self.sugar_inflow, self.protein_inflow, self.mucin_inflow)

    @term
    def affinity(self):
        """Lumen that a gram of cells at its best clears of a scarce substrate in a day."""
        return self.maximum_growth / (self.cell_yield * self.half_saturation)

    @term
    def active_cells(self):
        """Living cells of a group, weighted by how well they thrive in this person, at this pH, among these acids."""
        return self.growth_scale * self.ph_fitness * self.growth_boost * self.biomass

    @term
    def washed_out(self):
        """Lumen that leaves with the stool."""
        return self.dilution * self.volume

    @term
    def spilled_share(self):
        """Part of what polymer degraders cleave is lost to others as sugar."""
        return self.spill * self.spills

    @term
    def free_cells(self):
        """Substrates compete for the cells of a group."""
        return self.active_cells / (1 + total(self.eats / self.half_saturation * self.substrate, 1))

    @balance("substrate")
    def substrate_balance(self):
        """What flows in and is spilled equals what is eaten and what is washed out."""
        cleared = total(self.affinity * self.free_cells[:, None], 0)
        spilled = total(total(self.spilled_share * self.affinity * self.free_cells[:, None], 0) * self.substrate)
        return (self.inflow + place(spilled, SUGAR, len(SUBSTRATES))) / (self.washed_out + cleared)

    @term
    def uptake(self):
        """Substrate eaten and metabolised; the spilled share is neither grown on nor fermented."""
        return (1 - self.spilled_share) * self.affinity * (self.free_cells[:, None] * self.substrate)

    # -- products -----------------------------------------------------------------------------------

    @term
    def fermented_hexose(self):
        """Carbohydrate carbon that is not built into cells is fermented, counted as hexose."""
        left = (self.substrate_carbon - self.cell_yield * self.cell_carbon) / 6
        return total(left[:PROTEIN] * self.uptake[:, :PROTEIN], 1)

    @term
    def protein_fermented(self):
        """Protein that is not built into cells."""
        return (1 - self.cell_yield[PROTEIN]) * total(self.uptake[:, PROTEIN])

    @term
    def mucin_fermented(self):
        """Mucin that is not built into cells."""
        return (1 - self.cell_yield[MUCIN]) * total(self.uptake[:, MUCIN])

    @term
    def nu_hydrogen(self):
        """Electrons that the acids leave over go into hydrogen."""
        acids = 8 * self.nu_acetate + 14 * self.nu_propionate + 20 * self.nu_butyrate + 12 * self.nu_lactate
        return (24 - acids) / 2

    @term
    def nu_carbon_dioxide(self):
        """Carbon that the acids leave over goes into carbon dioxide."""
        return 6 - 2 * self.nu_acetate - 3 * self.nu_propionate - 4 * self.nu_butyrate - 3 * self.nu_lactate

    @term
    def lactate_made(self):
        """Lactate is made from carbohydrate."""
        return total(self.nu_lactate * self.fermented_hexose)

    @term
    def fastest_lactate_use(self):
        """Lactate users at saturation."""
        growth = self.lactate_growth * self.growth_scale[LACTATE_USERS] * self.ph_fitness[LACTATE_USERS]
        return growth * self.biomass[LACTATE_USERS] / self.lactate_yield

    @term
    def lactate(self):
        """Lactate is used as fast as it is made, apart from what is absorbed and washed out."""
        loss = (self.dilution + self.acid_absorption) * self.volume
        return balanced(self.lactate_made, loss, self.fastest_lactate_use, self.lactate_half)

    @term
    def lactate_used(self):
        """Cross-feeding: lactate users turn lactate into propionate and butyrate."""
        return self.fastest_lactate_use * saturate(self.lactate, self.lactate_half)

    @term
    def hydrogen_made(self):
        """Hydrogen is made from carbohydrate, protein and lactate."""
        fermented = total(self.nu_hydrogen * self.fermented_hexose) + self.protein_hydrogen * self.protein_fermented
        return fermented + self.lactate_hydrogen * self.lactate_used

    @output("mmol/day")
    def hydrogen_turnover(self):
        """Hydrogen is used by methanogens and acetogens about as fast as it is made."""
        growth = self.hydrogen_growth * self.growth_scale[HYDROGEN_USERS] * self.ph_fitness[HYDROGEN_USERS]
        fastest = growth * self.biomass[HYDROGEN_USERS] / self.hydrogen_yield
        loss = (self.dilution + self.hydrogen_loss) * self.volume
        hydrogen = balanced(self.hydrogen_made, loss, fastest, self.hydrogen_half)
        return fastest * saturate(hydrogen, self.hydrogen_half)

    @term
    def antibiotic_death(self):
        """Antibiotics kill each group by its sensitivity."""
        return self.antibiotic * self.antibiotic_kill * self.biomass

    @term
    def death(self):
        """Phages take the dense, antibiotics the sensitive."""
        return self.lysis * self.biomass**2 / self.volume + self.antibiotic_death

    @term
    def cells_entering(self):
        """Crypts and appendix reseed each group while richness lasts; probiotics and fermented food add cells."""
        food = place(self.serving_cells * self.fermented_food, LACTATE_PRODUCERS, COUNT)
        return self.richness * self.seeding + self.probiotic + food

    # -- states -------------------------------------------------------------------------------------

    @rate("biomass")
    def grow(self):
        """Groups grow on what they eat, and are washed out and killed."""
        eaten = total(self.cell_yield * self.uptake, 1)
        crossfed = place(self.lactate_yield * self.lactate_used, LACTATE_USERS, COUNT)
        hydrogen_fed = place(self.hydrogen_yield * self.hydrogen_turnover, HYDROGEN_USERS, COUNT)
        gain = eaten + crossfed + hydrogen_fed + self.cells_entering
        return gain - self.dilution * self.biomass - self.death

    @term
    def acid_loss(self):
        """Acids leave with the stool and, mostly, through the wall."""
        return self.dilution + self.acid_absorption

    @rate("acetate_mass")
    def make_acetate(self):
        """Acetate comes from all substrates and from hydrogen, and feeds butyrate producers."""
        made = total(self.nu_acetate * self.fermented_hexose) + self.protein_acetate * self.protein_fermented
        made = made + self.mucin_acetate * self.mucin_fermented - self.lactate_acetate * self.lactate_used
        return made + self.hydrogen_acetate * self.hydrogen_turnover - self.acid_loss * self.acetate_mass

    @rate("propionate_mass")
    def make_propionate(self):
        """Propionate comes from carbohydrate, protein, mucin and lactate."""
        made = total(self.nu_propionate * self.fermented_hexose) + self.protein_propionate * self.protein_fermented
        made = made + self.mucin_propionate * self.mucin_fermented + self.lactate_propionate * self.lactate_used
        return made - self.acid_loss * self.propionate_mass

    @rate("butyrate_mass")
    def make_butyrate(self):
        """Butyrate comes from carbohydrate, protein and lactate."""
        made = total(self.nu_butyrate * self.fermented_hexose) + self.protein_butyrate * self.protein_fermented
        return made + self.lactate_butyrate * self.lactate_used - self.acid_loss * self.butyrate_mass

    @rate("water")
    def absorb_water(self):
        """About nine tenths of the water are absorbed."""
        return self.water_entering - (self.dilution + self.water_absorption) * self.water

    @rate("dead_cells")
    def bury_cells(self):
        """Dead cells leave with the stool."""
        return total(self.death) - self.dilution * self.dead_cells

    @rate("richness")
    def restore_richness(self):
        """Richness returns to the person's own, falls under antibiotics and gains from fermented food."""
        lost = self.richness_kill * self.antibiotic * self.richness
        return (1 - self.richness) / self.richness_time - lost + self.richness_food * self.fermented_food

    # -- what others read ---------------------------------------------------------------------------

    @output("mmol/day")
    def acetate_absorbed(self):
        """Acetate taken up by the host."""
        return self.acid_absorption * self.acetate_mass

    @output("mmol/day")
    def propionate_absorbed(self):
        """Propionate taken up by the host."""
        return self.acid_absorption * self.propionate_mass

    @output("mmol/day")
    def butyrate_absorbed(self):
        """Butyrate taken up by the host."""
        return self.acid_absorption * self.butyrate_mass

    @output("1", over="group")
    def relative_abundance(self):
        """Share of each group in the living cells."""
        return self.biomass / total(self.biomass)

    @output("g/L")
    def endotoxin_amount(self):
        """Cells that carry lipopolysaccharide, weighted by the potency of their lipid A."""
        return total(self.endotoxin_weight * self.biomass) / self.volume

    @output("1")
    def endotoxin_load(self):
        """Endotoxin over the person's own rest."""
        return self.endotoxin_amount / self.endotoxin_rest

    @output("1")
    def mucin_degrader_share(self):
        """Share of mucin eaters in the community."""
        shares = self.relative_abundance
        return shares[AKKERMANSIA] + self.bacteroidetes_mucin_share * shares[BACTEROIDETES]

    @output("1")
    def mucin_degradation(self):
        """Mucin eaters over the person's own rest."""
        return self.mucin_degrader_share / self.mucin_degrader_rest

    @output("1")
    def group_shannon(self):
        """Shannon entropy of the nine groups, nat."""
        return -total(self.relative_abundance * log(maximum(self.relative_abundance, 1e-12)))

    @output("1")
    def genus_shannon(self):
        """Entropy between groups plus mean entropy within them, which richness moves, nat."""
        within = maximum(self.within_entropy + log(self.richness), 0)
        return self.group_shannon + total(self.relative_abundance * within)

    @output("g/day")
    def stool_water(self):
        """Water that leaves with the stool."""
        return self.dilution * self.water

    @output("g/day")
    def bacteria_out(self):
        """Living and dead cells that leave with the stool, dry."""
        return self.dilution * (total(self.biomass) + self.dead_cells)

    @output("mmol/day")
    def methane(self):
        """Methanogens turn part of the hydrogen into methane."""
        return self.hydrogen_methane * self.hydrogen_turnover

    @output("g/day")
    def proteolysis(self):
        """Protein taken up by protein fermenters, an index of phenols and indoles."""
        return self.uptake[PROTEIN_FERMENTERS, PROTEIN]

    @output("1")
    def secondary_bile_acids(self):
        """Share of bile acids that protein fermenters convert before they are washed out."""
        converted = self.bile_acid_conversion * self.biomass[PROTEIN_FERMENTERS]
        return converted / (converted + self.dilution)
