"""Low-grade, gut-driven inflammation: mucosal activity, regulatory tone, IL-6 and C-reactive protein.

The chronic block only: weeks, relative to the person's own rest, and largely without a source. Plasma
lipopolysaccharide and endotoxin doses never enter here; cortisol acts at once, not by earlier priming.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import power, saturate
from gutbrain.model.spread import LogNormal, Uniform


class Immune(Compartment):
    """A leaking wall inflames the mucosa, the liver reads IL-6; cortisol, vagus and regulatory cells brake."""

    mucosal_activity = State("1", start=1.0, low=0.2, high=6, about="mucosal inflammation, 1 = healthy")
    regulatory_tone = State("1", start=1.0, low=0.2, high=4, about="regulatory T cells and IL-10, 1 = healthy")
    il6 = State("pg/mL", start="il6_rest", low=0.05, high=100, signal="blood.il6", about="plasma interleukin-6")
    stress_trace_1 = State("1", start=0.0, low=0, high=1, about="sympathetic trace of threat, first stage")
    stress_trace_2 = State("1", start=0.0, low=0, high=1, about="sympathetic trace of threat, second stage")
    hepatic_signal = State("1", start=1.0, low=0.05, high=50, about="IL-6 as the liver has read it, over own rest")
    crp = State("mg/L", start="crp_rest", low=0.01, high=100, signal="blood.crp", about="plasma C-reactive protein")

    translocation = Input("1", rest=1, signal="barrier.translocation", about="microbial products that cross the wall")
    mast_activation = Input("1", rest=0, signal="barrier.mast_activation", about="activated share of mast cells")
    butyrate = Input("mM", rest="butyrate_rest", signal="colon.butyrate", about="luminal butyrate")
    tone = Input("1", rest=1, signal="vagus.tone", about="resting vagal tone over own rest")
    cortisol_ratio = Input("1", rest=1, signal="hpa.cortisol_ratio", about="cortisol over own rest at the same time")
    threat = Input("1", rest=0, signal="mind.threat", about="appraised threat, 1 = public speech", low=0, high=1)
    il6_pulse = Input(
        "pg/mL", rest=0, signal="protocol.il6_pulse", about="imposed IL-6 production, as the level it leads to"
    )

    translocation_half_saturation = Param(
        3, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="half-saturation of the drive"
    )
    translocation_floor = Param(
        0.30, "1", source="assumed", grade="assumed", belief=Uniform(0.1, 0.6), about="drive left without any leak"
    )
    gut_time = Param(24, "hour", source="assumed", grade="assumed", belief=Uniform(12, 96), about="mucosa follows")
    vagal_elasticity = Param(
        0.30, "1", source="Jarczok2014", grade="derived", belief=Uniform(0, 0.4),
        about="brake by vagal tone: upper bound from a correlation, with recalled SDs; trials of stimulation are null",
    )  # fmt: skip
    glucocorticoid_half_effect = Param(
        1, "1", source="assumed", grade="assumed", belief=Uniform(0.5, 3), about="half effect of the cortisol ratio"
    )
    regulatory_time = Param(
        375, "hour", source="IslamFordVersypt", grade="published-model (mouse)", belief=LogNormal.gsd(1.5),
        about="turnover of regulatory T cells, 0.064 per day",
    )  # fmt: skip
    butyrate_gain = Param(
        0.25, "1", source="IslamFordVersypt", grade="published-model (mouse)", belief=Uniform(0, 0.5),
        about="regulatory cells raised by butyrate; blood share 0.13 to 0.16",
    )  # fmt: skip
    butyrate_half_saturation = Param(
        10, "mM", source="assumed", grade="assumed", belief=Uniform(2, 20), about="half effect"
    )
    butyrate_rest = Param(
        18.1, "mM", source="Kettle2022", grade="derived", settled="colon.butyrate", about="own settled butyrate"
    )
    inflammation_to_regulation = Param(
        0.5, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="inflammation calls its own brake"
    )
    il6_elimination = Param(
        0.66, "1/hour", source="Windoloski2024", grade="published-model", belief=LogNormal.gsd(1.3),
        about="low-grade clearance; the acute model has another",
    )  # fmt: skip
    il6_rest = Param(
        1.2, "pg/mL", source="assumed", grade="recalled", between=LogNormal(log_sd=0.6), belief=Uniform(0.6, 2),
        about="own resting IL-6: 1-2 pg/mL; one assay gives 0.61 (Windoloski 2024)",
    )  # fmt: skip
    il6_rest_of_fit = Param(
        1.2, "pg/mL", source="assumed", grade="assumed", about="resting IL-6 at which the stress gain was fitted"
    )
    gut_share_of_il6 = Param(
        0.30, "1", source="assumed", grade="assumed", belief=Uniform(0.05, 0.6), about="most IL-6 is not from the gut"
    )
    il6_exponent = Param(
        0.7, "1", source="assumed", grade="assumed", belief=Uniform(0.4, 1), about="IL-6 on mucosal activity"
    )
    mast_gain = Param(
        0, "1", source="Marsland2017", grade="fitted", belief=Uniform(0.3, 1.2), closed=True,
        about="alternative stress route through mast cells (0.75 fits); never together with the sympathetic trace",
    )  # fmt: skip
    stress_il6_gain = Param(
        1.5, "pg/mL/hour", source="Marsland2017", grade="fitted",
        about="IL-6 release by the sympathetic trace at IL-6 1.2 pg/mL; grows with the own rest (assumed)",
    )  # fmt: skip
    stress_trace_time = Param(
        30, "minute", source="Marsland2017", grade="fitted", about="each stage; chosen from 20, 30 and 45 min"
    )
    hepatic_rate = Param(
        0.10, "1/hour", source="PMID37797587", grade="fitted", belief=Uniform(0.05, 0.2),
        about="the liver answers IL-6; CRP peaks 24 h after endotoxin",
    )  # fmt: skip
    crp_elimination = Param(
        0.0365, "1/hour", source="Vigushin1993", grade="measured", belief=LogNormal.gsd(1.05), about="half-life 19 h"
    )
    crp_rest = Param(
        0.8, "mg/L", source="CRPDonors", grade="measured", between=LogNormal(log_sd=1.05),
        about="median of 468 donors, 90th percentile 3",
    )  # fmt: skip

    @output("pg/mL", signal="blood.il6_rest")
    def resting_il6(self):
        """The person's own resting IL-6, to which every listener compares."""
        return self.il6_rest

    @term
    def leak_drive(self):
        """Translocated products drive the mucosa with saturation, above a floor that needs no leak."""
        half = self.translocation_half_saturation
        saturating = (1 + half) * saturate(self.translocation, half)
        return self.translocation_floor + (1 - self.translocation_floor) * saturating

    @term
    def cortisol_brake(self):
        """Glucocorticoids brake the mucosa, counted from the own cortisol at the same time of day."""
        return (1 + self.glucocorticoid_half_effect) / (self.glucocorticoid_half_effect + self.cortisol_ratio)

    @term
    def vagal_brake(self):
        """Resting vagal tone brakes the mucosa; slow breathing by itself is not resting tone."""
        return power(self.tone, -self.vagal_elasticity)

    @term
    def saturation_rest(self):
        """Saturation at the person's own settled butyrate."""
        return saturate(self.butyrate_rest, self.butyrate_half_saturation)

    @term
    def butyrate_call(self):
        """Butyrate raises regulatory cells through its saturation, counted from the person's own rest."""
        change = saturate(self.butyrate, self.butyrate_half_saturation) - self.saturation_rest
        return 1 + self.butyrate_gain * change / self.saturation_rest

    @rate("mucosal_activity")
    def inflame_mucosa(self):
        """Leak drives mucosal inflammation; regulatory cells, vagal tone and cortisol hold it down."""
        aim = self.leak_drive * 2 / (1 + self.regulatory_tone) * self.vagal_brake * self.cortisol_brake
        return (aim - self.mucosal_activity) / self.gut_time

    @rate("regulatory_tone")
    def renew_regulation(self):
        """Regulatory cells follow butyrate and the inflammation that calls them, over weeks."""
        called = 1 + self.inflammation_to_regulation * (self.mucosal_activity - 1)
        return (self.butyrate_call * called - self.regulatory_tone) / self.regulatory_time

    @rate("stress_trace_1")
    def start_stress_trace(self):
        """Threat leaves a sympathetic trace that outlasts it by an hour."""
        return (self.threat - self.stress_trace_1) / self.stress_trace_time

    @rate("stress_trace_2")
    def pass_stress_trace(self):
        """The second stage delays the trace, so that IL-6 rises 40 minutes after the stressor."""
        return (self.stress_trace_1 - self.stress_trace_2) / self.stress_trace_time

    @term
    def il6_drive(self):
        """Resting production, the share of it that the gut mucosa makes, and mast cells if they are opened."""
        share = self.gut_share_of_il6
        gut = share * power(self.mucosal_activity, self.il6_exponent)
        return self.il6_rest * (1 - share + gut) * (1 + self.mast_gain * self.mast_activation)

    @term
    def stress_release(self):
        """Acute stress releases IL-6 in proportion to the own resting level."""
        return self.stress_il6_gain * self.il6_rest / self.il6_rest_of_fit * self.stress_trace_2

    @rate("il6")
    def exchange_il6(self):
        """Plasma IL-6 follows its production within hours; cortisol does not brake it directly."""
        return self.il6_elimination * (self.il6_drive + self.il6_pulse - self.il6) + self.stress_release

    @rate("hepatic_signal")
    def signal_liver(self):
        """Hepatocytes read IL-6 over its own rest with a delay of ten hours."""
        return self.hepatic_rate * (self.il6 / self.il6_rest - self.hepatic_signal)

    @rate("crp")
    def exchange_crp(self):
        """CRP is produced on the hepatic signal and cleared at a rate that its level does not change."""
        return self.crp_elimination * (self.crp_rest * self.hepatic_signal - self.crp)
