"""Acute endotoxin response over doses of 0.3 to 2 ng/kg, hours: the multi-dose refit of the specification.

Fitted to nine sets of human group means with cortisol off, not fully converged. It gives the signals of
`Immune` and may be swapped in for it in experiments of hours to days; it hears endotoxin that is given and
cortisol, and never translocation, plasma LPS or a microbe. Earlier cortisol, nerves and stress do not act.
"""

from typing import Any

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import maximum, power, saturate, where
from gutbrain.model.spread import LogNormal, Uniform

FITTED: dict[str, Any] = {"source": "Windoloski2024 Dillingh2014 Kiers2017 Taudorf2007", "grade": "fitted"}
# Laboratories differ at one dose: these multiply the model, the bolus of Windoloski 2024 being 1.
STUDY_FACTORS = {
    "Windoloski2024 infusion": {"tnf": 1.94, "il6": 0.72, "il10": 2.03},
    "Dillingh2014": {"tnf": 0.65, "il6": 0.64},
    "Kiers2017": {"tnf": 1.59, "il6": 0.59, "il10": 1.61},
    "Taudorf2007": {"tnf": 0.64, "il6": 2.30},
}


class AcuteEndotoxin(Compartment):
    """Endotoxin activates monocytes in two stages; TNF amplifies, IL-10 and cortisol brake; CRP follows IL-6."""

    place = "immune"

    endotoxin = State("ng/kg", start=0, low=0, high=20, about="endotoxin given and not yet cleared; a bolus adds to it")
    monocytes_resting = State("1", start=1, low=0, high=1, about="share of monocytes that can be activated")
    monocytes_activated_1 = State("1", start=0, low=0, high=1, about="first stage, releases TNF")
    monocytes_activated_2 = State("1", start=0, low=0, high=1, about="second stage, releases IL-6 and IL-10")
    tnf_excess = State("pg/mL", start=0, low=0, high=5000, about="tumour necrosis factor above rest")
    il6_excess = State("pg/mL", start=0, low=0, high=20000, about="interleukin-6 above rest")
    il10_excess = State("pg/mL", start=0, low=0, high=5000, about="interleukin-10 above rest")
    hepatic_signal_excess = State("pg/mL", start=0, low=0, high=20000, about="IL-6 as the liver has read it")
    crp_excess = State("mg/L", start=0, low=0, high=1000, about="C-reactive protein above rest")

    infused = Input(
        "ng/kg/hour", rest=0, signal="protocol.endotoxin_rate", low=0, high=2, about="endotoxin given by vein"
    )
    cortisol = Input("ug/dL", rest="cortisol_reference", signal="hpa.cortisol", about="total cortisol with drugs")

    endotoxin_clearance = Param(1.588, "1/hour", about="of endotoxin", **FITTED)
    activation_rate = Param(0.0172, "1/hour", about="of resting monocytes by much endotoxin alone", **FITTED)
    endotoxin_half = Param(0.827, "ng/kg", about="half effect", **FITTED)
    endotoxin_exponent = Param(0.936, "1", about="of endotoxin", **FITTED)
    tnf_amplification = Param(137, "1", about="times that TNF speeds activation", **FITTED)
    tnf_half = Param(98.6, "pg/mL", about="half of that", **FITTED)
    il10_on_activation = Param(326, "pg/mL", about="halves activation", **FITTED)
    monocyte_recovery = Param(0.0377, "1/hour", about="of resting monocytes", **FITTED)
    monocyte_stage = Param(1.933, "1/hour", about="from stage to stage", **FITTED)
    tnf_production = Param(3731, "pg/mL/hour", about="by the first stage", **FITTED)
    il10_on_tnf = Param(18.5, "pg/mL", about="halves release of TNF", **FITTED)
    tnf_elimination = Param(0.749, "1/hour", about="of TNF", **FITTED)
    il6_production = Param(4824, "pg/mL/hour", about="by the second stage", **FITTED)
    tnf_on_il6 = Param(0.00745, "mL/pg", about="what TNF adds to release of IL-6", **FITTED)
    il10_on_il6 = Param(240, "pg/mL", about="halves release of IL-6", **FITTED)
    il6_elimination = Param(1.750, "1/hour", about="of large IL-6; the low-grade block has 0.66", **FITTED)
    il10_production = Param(732, "pg/mL/hour", about="by the second stage", **FITTED)
    il10_elimination = Param(1.356, "1/hour", about="of IL-10", **FITTED)
    inhibition_exponent = Param(2, "1", about="of IL-10 on release", **FITTED)
    smallest_endotoxin = Param(
        1e-12, "ng/kg", source="assumed", grade="assumed", about="keeps the power finite where no endotoxin is"
    )
    cortisol_half = Param(
        25, "ug/dL", source="assumed", grade="assumed", belief=LogNormal.cv(0.3),
        about="half effect; chosen so that hydrocortisone abolishes TNF",
    )  # fmt: skip
    cortisol_exponent = Param(4, "1", source="assumed", grade="assumed", belief=Uniform(2, 6), about="of the brake")
    cortisol_il10_gain = Param(10, "1", source="assumed", grade="assumed", about="times that cortisol raises IL-10")
    cortisol_il10_exponent = Param(4, "1", source="assumed", grade="assumed", about="of cortisol on IL-10")
    cortisol_reference = Param(
        5.6, "ug/dL", source="Carroll2007", grade="measured", about="mean cortisol, at which both factors are 1"
    )
    hepatic_rate = Param(
        0.10, "1/hour", source="PMID37797587", grade="fitted", belief=Uniform(0.05, 0.2),
        about="set to a CRP peak a day after endotoxin",
    )  # fmt: skip
    crp_elimination = Param(
        0.0365, "1/hour", source="Vigushin1993", grade="measured", belief=LogNormal.gsd(1.05), about="half-life 19 h"
    )
    crp_gain = Param(
        0.8 / 1.2, "mg*mL/L/pg", source="assumed", grade="derived", about="resting CRP over resting IL-6, population"
    )
    il6_rest_value = Param(1.2, "pg/mL", source="assumed", grade="recalled", about="resting IL-6")
    crp_rest = Param(0.8, "mg/L", source="CRPDonors", grade="measured", about="resting CRP, median of donors")
    tnf_rest = Param(8.793, "pg/mL", source="Windoloski2024", grade="published-model", about="shown, not used")
    il10_rest = Param(3.747, "pg/mL", source="Windoloski2024", grade="published-model", about="shown, not used")
    threshold_rate = Param(
        0.01, "ng/kg/hour", source="assumed", grade="derived", about="infusion from which the TNF loop switches on"
    )

    @term
    def cortisol_on_tnf(self):
        """Cortisol brakes release of TNF, 1 at mean cortisol."""
        rest = power(self.cortisol_reference / self.cortisol_half, self.cortisol_exponent)
        return (1 + rest) / (1 + power(self.cortisol / self.cortisol_half, self.cortisol_exponent))

    @term
    def cortisol_on_il10(self):
        """Cortisol raises release of IL-10, 1 at mean cortisol."""
        now, rest = (
            saturate(power(level / self.cortisol_half, self.cortisol_il10_exponent), 1)
            for level in (self.cortisol, self.cortisol_reference)
        )
        return (1 + self.cortisol_il10_gain * now) / (1 + self.cortisol_il10_gain * rest)

    @term
    def endotoxin_effect(self):
        """Endotoxin saturates; without any the effect is exactly 0, and its derivative stays finite."""
        ratio = power(maximum(self.endotoxin, self.smallest_endotoxin) / self.endotoxin_half, self.endotoxin_exponent)
        return where(self.endotoxin > 0 * self.endotoxin_half, ratio / (1 + ratio), 0 * ratio)

    @term
    def activation(self):
        """Endotoxin activates resting monocytes, much faster under TNF and slower under IL-10."""
        amplified = 1 + self.tnf_amplification * saturate(self.tnf_excess, self.tnf_half)
        held = 1 + self.il10_excess / self.il10_on_activation
        return self.activation_rate * self.endotoxin_effect * amplified / held

    @rate("endotoxin")
    def clear_endotoxin(self):
        """Endotoxin is infused and cleared."""
        return self.infused - self.endotoxin_clearance * self.endotoxin

    @rate("monocytes_resting")
    def recover_monocytes(self):
        """Resting monocytes are used up and return within days: tolerance."""
        return self.monocyte_recovery * (1 - self.monocytes_resting) - self.activation * self.monocytes_resting

    @rate("monocytes_activated_1")
    def activate_monocytes(self):
        """Activated monocytes pass to the second stage."""
        return self.activation * self.monocytes_resting - self.monocyte_stage * self.monocytes_activated_1

    @rate("monocytes_activated_2")
    def exhaust_monocytes(self):
        """The second stage ends as fast as the first."""
        return self.monocyte_stage * (self.monocytes_activated_1 - self.monocytes_activated_2)

    @rate("tnf_excess")
    def release_tnf(self):
        """The first stage releases TNF, held back by cortisol and IL-10."""
        held = 1 + power(self.il10_excess / self.il10_on_tnf, self.inhibition_exponent)
        made = self.tnf_production * self.cortisol_on_tnf * self.monocytes_activated_1 / held
        return made - self.tnf_elimination * self.tnf_excess

    @rate("il6_excess")
    def release_il6(self):
        """The second stage releases IL-6, more under TNF, less under IL-10; cortisol does not act on it."""
        held = 1 + power(self.il10_excess / self.il10_on_il6, self.inhibition_exponent)
        made = self.il6_production * self.monocytes_activated_2 * (1 + self.tnf_on_il6 * self.tnf_excess) / held
        return made - self.il6_elimination * self.il6_excess

    @rate("il10_excess")
    def release_il10(self):
        """The second stage releases IL-10, more under cortisol."""
        made = self.il10_production * self.cortisol_on_il10 * self.monocytes_activated_2
        return made - self.il10_elimination * self.il10_excess

    @rate("hepatic_signal_excess")
    def signal_liver(self):
        """The liver follows IL-6 within half a day."""
        return self.hepatic_rate * (self.il6_excess - self.hepatic_signal_excess)

    @rate("crp_excess")
    def make_crp(self):
        """C-reactive protein follows the liver with its half-life of 19 hours."""
        return self.crp_elimination * (self.crp_gain * self.hepatic_signal_excess - self.crp_excess)

    @output("pg/mL", signal="blood.il6")
    def il6(self):
        """Interleukin-6 in blood."""
        return self.il6_rest_value + self.il6_excess

    @output("pg/mL", signal="blood.il6_rest")
    def il6_rest(self):
        """The person's own resting interleukin-6."""
        return self.il6_rest_value

    @output("mg/L", signal="blood.crp")
    def crp(self):
        """C-reactive protein in blood."""
        return self.crp_rest + self.crp_excess

    @output("pg/mL", signal="blood.tnf")
    def tnf(self):
        """Tumour necrosis factor in blood."""
        return self.tnf_rest + self.tnf_excess

    @output("pg/mL", signal="blood.il10")
    def il10(self):
        """Interleukin-10 in blood."""
        return self.il10_rest + self.il10_excess

    @output("1")
    def mucosal_activity(self):
        """The mucosa stays healthy: the acute block does not act on the gut."""
        return 1 + 0 * self.monocytes_resting

    @output("1")
    def acute_threshold_ratio(self):
        """Infused endotoxin over the rate from which a sustained infusion would switch the TNF loop on."""
        return self.infused / self.threshold_rate
