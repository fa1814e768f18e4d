"""Ledger of carbon in the colon: what enters equals what leaves and what is stored."""

from typing import ClassVar

from gutbrain.body.colon_parameters import MUCIN, PROTEIN
from gutbrain.model.compartment import Ledger, output, term
from gutbrain.model.maths import stack, total


class ColonLedger:
    """Carbon read-outs of `Colon`, apart from its physiology."""

    ledgers: ClassVar[tuple[Ledger, ...]] = (
        Ledger(
            "carbon", "carbon_in", "carbon_out",
            stored={"acetate_mass": 2, "propionate_mass": 3, "butyrate_mass": 4, "biomass": "cell_carbon",
                    "dead_cells": "cell_carbon"},
            never_negative=("nu_carbon_dioxide", "nu_hydrogen", "residue"),
        ),
    )  # fmt: skip

    @output("mmol/day")
    def carbon_in(self):
        """Carbon of food, mucin and entering cells."""
        return total(self.substrate_carbon * self.inflow) + self.cell_carbon * total(self.cells_entering)

    @output("mmol/day")
    def carbon_dioxide(self):
        """Carbon dioxide of carbohydrate and lactate, less what hydrogen users fix."""
        lactate_products = 3 * self.lactate_propionate + 4 * self.lactate_butyrate - 2 * self.lactate_acetate
        of_lactate = 3 - lactate_products - self.lactate_yield * self.cell_carbon
        fixed = 2 * self.hydrogen_acetate + self.hydrogen_methane + self.hydrogen_yield * self.cell_carbon
        of_carbohydrate = total(self.nu_carbon_dioxide * self.fermented_hexose)
        return of_carbohydrate + of_lactate * self.lactate_used - fixed * self.hydrogen_turnover

    @term
    def residue(self):
        """Carbon of protein and mucin in products that are not named."""
        eaten = self.substrate_carbon - self.cell_yield * self.cell_carbon
        protein_acids = 2 * self.protein_acetate + 3 * self.protein_propionate + 4 * self.protein_butyrate
        mucin_acids = 2 * self.mucin_acetate + 3 * self.mucin_propionate
        protein = eaten[PROTEIN] * total(self.uptake[:, PROTEIN]) - protein_acids * self.protein_fermented
        mucin = eaten[MUCIN] * total(self.uptake[:, MUCIN]) - mucin_acids * self.mucin_fermented
        return stack(protein, mucin)

    @output("mmol/day")
    def carbon_out(self):
        """Carbon absorbed, washed out, breathed out and left over."""
        acids = 2 * self.acetate_mass + 3 * self.propionate_mass + 4 * self.butyrate_mass
        lost = self.acid_loss * (acids + 3 * self.lactate * self.volume)
        uneaten = self.washed_out * total(self.substrate_carbon * self.substrate)
        gas = self.carbon_dioxide + self.methane
        return lost + uneaten + gas + total(self.residue) + self.cell_carbon * self.bacteria_out
