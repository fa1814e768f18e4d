"""Acute endotoxin response of Windoloski 2024 as it was printed: 2 ng/kg, as a bolus or over four hours.

Its set holds at 2 ng/kg only: below, the loop through tumour necrosis factor switches off. Of the lineage of
Dobreva 2021 and Brady 2018. Never given gut leak or a microbial product.
"""

from typing import Any

from gutbrain.model.compartment import Compartment, Input, Param, State, rate, term
from gutbrain.model.maths import power

PRINTED: dict[str, Any] = {"source": "Windoloski2024", "grade": "published-model"}
# The second printed set, for the infusion of 2 ng/kg over four hours; what is not named is the same in both.
INFUSION = {
    "monocyte_loss": 3.4913, "tnf_activation": 9, "endotoxin_half": 2, "il10_on_activation_half": 4.3939,
    "tnf_on_activation_half": 222.2, "tnf_elimination": 0.423, "tnf_production": 1.3911, "il10_on_tnf_half": 17.58,
    "tnf_rest": 13.87, "il10_on_il6_half": 35.15, "tnf_on_il6_half": 411, "il10_on_il6_exponent": 1,
    "il8_elimination": 0.3862, "il8_production": 0.6127, "il8_production_tnf": 0.5091, "il10_on_il8_half": 17.58,
    "tnf_on_il8_half": 411, "il8_rest": 2.695, "il10_elimination": 0.4, "il10_production": 0.03646,
    "il10_production_il6": 0.01929, "il10_rest": 4.239,
}  # fmt: skip


def rising(x, half, exponent):
    """Share of full effect: x^n / (x^n + half^n)."""
    ratio = power(x / half, exponent)
    return ratio / (1 + ratio)


def falling(x, half, exponent):
    """Share that an inhibitor leaves: half^n / (x^n + half^n)."""
    return 1 / (1 + power(x / half, exponent))


class Windoloski2024(Compartment):
    """Endotoxin activates monocytes, which release four cytokines that drive and brake each other."""

    place = "endotoxin"

    dose = State("ng/kg", start=0, low=0, high=10, about="endotoxin in the body; a bolus is its start")
    resting_monocytes = State("1", start=28200, low=0, high=30000, about="cells that can be activated")
    active_monocytes = State("1", start=0, low=0, high=30000, about="activated cells")
    tnf = State("pg/mL", start="tnf_rest", low=0, high=5000, about="tumour necrosis factor")
    il6 = State("pg/mL", start="il6_rest", low=0, high=5000, about="interleukin-6")
    il8 = State("pg/mL", start="il8_rest", low=0, high=5000, about="interleukin-8")
    il10 = State("pg/mL", start="il10_rest", low=0, high=5000, about="interleukin-10")

    infused = Input(
        "ng/kg/hour", rest=0, signal="protocol.endotoxin_rate", low=0, high=2, about="endotoxin given by vein"
    )

    endotoxin_elimination = Param(1.01, "1/hour", about="of endotoxin", **PRINTED)
    monocyte_growth = Param(0.006, "1/hour", about="return of resting cells", **PRINTED)
    monocyte_loss = Param(2.6738, "1/hour", about="of active cells", **PRINTED)
    monocyte_capacity = Param(30000, "1", about="resting cells at most", **PRINTED)
    endotoxin_activation = Param(0.0414, "1/hour", about="activation by endotoxin alone", **PRINTED)
    tnf_activation = Param(8.6497, "1/hour", about="activation that TNF adds", **PRINTED)
    endotoxin_half = Param(3.3, "ng/kg", about="half effect on activation", **PRINTED)
    endotoxin_exponent = Param(1, "1", about="of endotoxin on activation", **PRINTED)
    il10_on_activation_half = Param(3.8839, "pg/mL", about="half of activation left", **PRINTED)
    il10_on_activation_exponent = Param(0.3, "1", about="of IL-10 on activation", **PRINTED)
    tnf_on_activation_half = Param(140.85, "pg/mL", about="half effect on activation", **PRINTED)
    tnf_on_activation_exponent = Param(3.16, "1", about="of TNF on activation", **PRINTED)
    tnf_elimination = Param(1.3951, "1/hour", about="of TNF", **PRINTED)
    tnf_production = Param(0.998, "pg/mL/hour", about="by one active cell", **PRINTED)
    il10_on_tnf_half = Param(15.54, "pg/mL", about="half of production left", **PRINTED)
    il10_on_tnf_exponent = Param(3, "1", about="of IL-10 on TNF", **PRINTED)
    il6_on_tnf_half = Param(560, "pg/mL", about="half of production left", **PRINTED)
    il6_on_tnf_exponent = Param(2, "1", about="of IL-6 on TNF", **PRINTED)
    tnf_rest = Param(8.793, "pg/mL", about="TNF before", **PRINTED)
    il6_elimination = Param(0.66, "1/hour", about="of IL-6", **PRINTED)
    il6_production = Param(0.81, "pg/mL/hour", about="by one active cell", **PRINTED)
    il6_production_tnf = Param(0.81, "pg/mL/hour", about="by one active cell, added by TNF", **PRINTED)
    il10_on_il6_half = Param(31.07, "pg/mL", about="half of production left", **PRINTED)
    il10_on_il6_exponent = Param(4, "1", about="of IL-10 on IL-6", **PRINTED)
    il6_on_itself_half = Param(560, "pg/mL", about="half of production left", **PRINTED)
    il6_on_itself_exponent = Param(1, "1", about="of IL-6 on itself", **PRINTED)
    tnf_on_il6_half = Param(260.6, "pg/mL", about="half of what TNF adds", **PRINTED)
    tnf_on_il6_exponent = Param(2, "1", about="of TNF on IL-6", **PRINTED)
    il6_rest = Param(0.6097, "pg/mL", about="IL-6 before, in this assay", **PRINTED)
    il8_elimination = Param(0.6864, "1/hour", about="of IL-8", **PRINTED)
    il8_production = Param(0.7457, "pg/mL/hour", about="by one active cell", **PRINTED)
    il8_production_tnf = Param(0.7887, "pg/mL/hour", about="by one active cell, added by TNF", **PRINTED)
    il10_on_il8_half = Param(15.54, "pg/mL", about="half of production left", **PRINTED)
    il10_on_il8_exponent = Param(1.5, "1", about="of IL-10 on IL-8", **PRINTED)
    tnf_on_il8_half = Param(260.6, "pg/mL", about="half of what TNF adds", **PRINTED)
    tnf_on_il8_exponent = Param(3, "1", about="of TNF on IL-8", **PRINTED)
    il8_rest = Param(4.175, "pg/mL", about="IL-8 before", **PRINTED)
    il10_elimination = Param(0.8, "1/hour", about="of IL-10", **PRINTED)
    il10_production = Param(0.01504, "pg/mL/hour", about="by one active cell", **PRINTED)
    il10_production_il6 = Param(0.01705, "pg/mL/hour", about="by one active cell, added by IL-6", **PRINTED)
    il6_on_il10_half = Param(560, "pg/mL", about="half of what IL-6 adds", **PRINTED)
    il6_on_il10_exponent = Param(3.68, "1", about="of IL-6 on IL-10", **PRINTED)
    il10_rest = Param(3.747, "pg/mL", about="IL-10 before", **PRINTED)

    @term
    def activation(self):
        """Endotoxin activates monocytes, more under TNF and less under IL-10."""
        by_tnf = rising(self.tnf, self.tnf_on_activation_half, self.tnf_on_activation_exponent)
        drive = self.endotoxin_activation + self.tnf_activation * by_tnf
        braked = falling(self.il10, self.il10_on_activation_half, self.il10_on_activation_exponent)
        seen = rising(self.dose, self.endotoxin_half, self.endotoxin_exponent)
        return seen * drive * braked * self.resting_monocytes

    @rate("dose")
    def clear_endotoxin(self):
        """Endotoxin is infused and cleared."""
        return self.infused - self.endotoxin_elimination * self.dose

    @rate("resting_monocytes")
    def renew_monocytes(self):
        """Resting monocytes return towards their number and are activated."""
        growth = self.monocyte_growth * self.resting_monocytes
        return growth * (1 - self.resting_monocytes / self.monocyte_capacity) - self.activation

    @rate("active_monocytes")
    def activate_monocytes(self):
        """Activated monocytes are lost within the hour."""
        return self.activation - self.monocyte_loss * self.active_monocytes

    @rate("tnf")
    def release_tnf(self):
        """Active monocytes release TNF unless IL-6 and IL-10 hold them."""
        by_il6 = falling(self.il6, self.il6_on_tnf_half, self.il6_on_tnf_exponent)
        by_il10 = falling(self.il10, self.il10_on_tnf_half, self.il10_on_tnf_exponent)
        made = self.tnf_production * by_il6 * by_il10 * self.active_monocytes
        return made - self.tnf_elimination * (self.tnf - self.tnf_rest)

    @rate("il6")
    def release_il6(self):
        """Active monocytes release IL-6, more under TNF, less under IL-6 itself and IL-10."""
        by_tnf = rising(self.tnf, self.tnf_on_il6_half, self.tnf_on_il6_exponent)
        by_il6 = falling(self.il6, self.il6_on_itself_half, self.il6_on_itself_exponent)
        by_il10 = falling(self.il10, self.il10_on_il6_half, self.il10_on_il6_exponent)
        made = (self.il6_production + self.il6_production_tnf * by_tnf) * by_il6 * by_il10 * self.active_monocytes
        return made - self.il6_elimination * (self.il6 - self.il6_rest)

    @rate("il8")
    def release_il8(self):
        """Active monocytes release IL-8, more under TNF, less under IL-10."""
        by_tnf = rising(self.tnf, self.tnf_on_il8_half, self.tnf_on_il8_exponent)
        by_il10 = falling(self.il10, self.il10_on_il8_half, self.il10_on_il8_exponent)
        made = (self.il8_production + self.il8_production_tnf * by_tnf) * by_il10 * self.active_monocytes
        return made - self.il8_elimination * (self.il8 - self.il8_rest)

    @rate("il10")
    def release_il10(self):
        """Active monocytes release IL-10, more under IL-6."""
        by_il6 = rising(self.il6, self.il6_on_il10_half, self.il6_on_il10_exponent)
        made = (self.il10_production + self.il10_production_il6 * by_il6) * self.active_monocytes
        return made - self.il10_elimination * (self.il10 - self.il10_rest)
