"""Gut wall: mast cells, epithelial integrity, mucus and the latent lipopolysaccharide of plasma.

Specification: Vanuytsel 2014 pins the stress limb; most other strengths have no human source.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import exp, maximum, power, saturate
from gutbrain.model.spread import LogNormal, Normal, Uniform


class Barrier(Compartment):
    """The wall opens when mast cells fire, wears under inflammation, and mends with butyrate."""

    mast_activation = State("1", start=0.0, low=0, high=1, about="activated share of mucosal mast cells")
    integrity = State("1", start=1.0, low=0.05, high=1, about="epithelial and junction integrity, 1 = healthy")
    mucus_thickness = State("um", start="mucus_rest", low=5, high=1600, about="adherent mucus of the left colon")
    lps = State(
        "pg/mL", start="lps_rest", low=0, high=500, signal="blood.lps", about="plasma lipopolysaccharide, latent"
    )

    threat = Input("1", rest=0, signal="mind.threat", about="appraised threat, 1 = public speech", low=0, high=1)
    activity = Input("1", rest=1, signal="immune.mucosal_activity", about="mucosal inflammation, 1 = healthy")
    butyrate = Input("mM", rest="butyrate_rest", signal="colon.butyrate", about="luminal butyrate")
    endotoxin_load = Input("1", rest=1, signal="colon.endotoxin_load", about="LPS-bearing load over own rest")
    mucin_degradation = Input("1", rest=1, signal="colon.mucin_degradation", about="mucin eaters over own rest")
    tone = Input("1", rest=1, signal="vagus.tone", about="vagal tone over own rest")
    chronic_load = Input("1", rest=1, signal="mind.chronic_load", about="sustained load, multiplier")
    crh_infusion = Input("1", rest=0, signal="protocol.crh_infusion", low=0, high=2, about="intravenous CRH")
    fat_meal = Input("1", rest=0, signal="protocol.fat_meal", low=0, high=1, about="after a fat meal, 0 or 1")
    stabiliser = Input(
        "1", rest=0, signal="protocol.mast_cell_stabiliser", low=0, high=1, about="disodium cromoglycate, 0 to 1"
    )
    nsaid = Input("1", rest=0, signal="protocol.nsaid", low=0, high=1, about="indomethacin, 0 or 1")

    crh_response = Param(
        1, "1", source="assumed", grade="assumed", between=LogNormal.cv(0.7), same_draw_as="hpa.stress_gain",
        about="own stress gain of the HPA axis over the population's: only responders leak",
    )  # fmt: skip
    mast_activation_rate = Param(
        2.0, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(2, low=0.5, high=4),
        about="degranulation; cut, because faster draws leave the 15-minute step",
    )  # fmt: skip
    drive_half = Param(
        0.5, "1", source="assumed", grade="assumed", belief=Uniform(0.3, 0.7),
        about="half-point of the threshold; that only responders leak is measured (Vanuytsel 2014)",
    )  # fmt: skip
    mast_recovery_time = Param(
        2, "hour", source="assumed", grade="assumed", belief=Uniform(1, 6), about="mast cells calm down"
    )
    mast_permeability_gain = Param(
        1.85, "1", source="Vanuytsel2014", grade="fitted", belief=LogNormal.gsd(1.4),
        about="permeability per unit of activation; fitted to BAR-1",
    )  # fmt: skip
    nsaid_permeability_gain = Param(
        1.37, "1", source="Vanuytsel2014", grade="derived", belief=LogNormal.gsd(1.2), about="0.071/0.030 - 1"
    )
    inflammation_permeability_gain = Param(
        0.6, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2),
        about="largest opening by inflammation; resistance falls under TNF and IFN-gamma (in vitro)",
    )  # fmt: skip
    inflammation_permeability_half = Param(
        1, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="excess activity of half opening"
    )
    butyrate_permeability_gain = Param(
        0.30, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.5),
        about="closing by butyrate; the sign is measured in Caco-2 cells (in vitro)",
    )  # fmt: skip
    butyrate_half = Param(10, "mM", source="assumed", grade="assumed", belief=Uniform(2, 20), about="half effect")
    butyrate_rest = Param(
        18.1, "mM", source="Kettle2022", grade="derived", settled="colon.butyrate", about="own settled butyrate"
    )
    mucin_secretion_rest = Param(
        5, "g/day", source="Kettle2022", grade="published-model", between=Uniform(2.7, 7.3),
        about="mucin entering the lumen (Florin, through Kettle 2022)",
    )  # fmt: skip
    mucin_vagal_exponent = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.5), closed=True, about="vagal tone on mucin"
    )
    mucin_load_exponent = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.5), closed=True, about="chronic load on mucin"
    )
    epithelial_turnover_time = Param(
        96, "hour", source="assumed", grade="recalled", belief=Uniform(60, 140), about="renewal in 3 to 5 days"
    )
    mast_damage_rate = Param(
        0.0156, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(2),
        about="wear by mast cells; agrees with changes that outlast a stressor 24-72 h (Santos 2000, rat)",
    )  # fmt: skip
    inflammation_damage_rate = Param(
        0.002, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="wear by inflammation"
    )
    mucus_rest = Param(
        134, "um", source="Pullan1994", grade="measured", between=Normal(sd=68, low=40, high=400), about="left colon"
    )
    mucus_adaptation_time = Param(
        48, "hour", source="assumed", grade="assumed", belief=Uniform(24, 120), about="goblet cells adapt"
    )
    mucus_butyrate_gain = Param(
        0.30, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2, low=0.1, high=0.8),
        about="butyrate thickens mucus; cut, because above 1 mucus could turn negative",
    )  # fmt: skip
    mucus_degradation_exponent = Param(
        0.5, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2, high=1), about="elasticity at rest"
    )
    mucus_length_scale = Param(
        97, "um", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="halved mucus doubles the flux"
    )
    lps_rest = Param(
        8.2, "pg/mL", source="Erridge2007", grade="measured", between=LogNormal(log_sd=1.02),
        about="interquartile range 3.4-13.5; another cohort gives 2.65",
    )  # fmt: skip
    lps_clearance = Param(
        1.01, "1/hour", source="Windoloski2024", grade="published-model", belief=LogNormal.gsd(1.8, low=1, high=5),
        about="removal from plasma; cut at 5, the limit of the step (another model uses 6.5)",
    )  # fmt: skip
    fat_meal_gain = Param(
        0.54, "1", source="Erridge2007", grade="fitted", belief=Uniform(0.3, 0.8), about="2.5-h pulse; fitted to BAR-4"
    )
    ratio_rest = Param(
        0.030, "1", source="Vanuytsel2014", grade="measured", between=LogNormal.cv(0.73),
        about="lactulose/mannitol ratio, 0-2 h, this protocol only",
    )  # fmt: skip

    @term
    def saturation_change(self):
        """Butyrate acts through its saturation, counted from the person's own rest."""
        return saturate(self.butyrate, self.butyrate_half) - self.saturation_rest

    @term
    def saturation_rest(self):
        """Saturation at the person's own settled butyrate."""
        return saturate(self.butyrate_rest, self.butyrate_half)

    @term
    def inflammation_excess(self):
        """Only inflammation above the healthy level acts on the wall."""
        return maximum(self.activity - 1, 0)

    @output("1")
    def crh_drive(self):
        """Peripheral CRH: 0 at rest, 1 at the public-speech peak of a typical responder."""
        return self.crh_response * self.threat + self.crh_infusion

    @term
    def mast_drive(self):
        """Mast cells answer CRH like a threshold: 0 at 0, 1 at 1."""
        half_squared = self.drive_half**2
        return (1 + half_squared) * self.crh_drive**2 / (half_squared + self.crh_drive**2)

    @output("1")
    def permeability(self):
        """Relative permeability: mast cells, drug and inflammation open, butyrate closes, wear opens."""
        excess = self.inflammation_excess
        opening = (
            1
            + self.mast_permeability_gain * self.mast_activation
            + self.nsaid_permeability_gain * self.nsaid
            + self.inflammation_permeability_gain * saturate(excess, self.inflammation_permeability_half)
        )
        return opening * (1 - self.butyrate_permeability_gain * self.saturation_change) / self.integrity

    @output("1")
    def translocation(self):
        """Microbial products cross in proportion to permeability and load, held back by mucus."""
        held_back = exp(-(self.mucus_thickness - self.mucus_rest) / self.mucus_length_scale)
        return self.permeability * held_back * self.endotoxin_load

    @output("g/day")
    def mucin_secretion(self):
        """Mucin given to the lumen; constant unless vagal tone or chronic load are opened."""
        vagal = power(self.tone, self.mucin_vagal_exponent)
        return self.mucin_secretion_rest * vagal * power(self.chronic_load, -self.mucin_load_exponent)

    @output("1")
    def lactulose_mannitol_ratio(self):
        """The two-sugar test reads permeability on the scale of one laboratory."""
        return self.ratio_rest * self.permeability

    @rate("mast_activation")
    def activate_mast_cells(self):
        """CRH degranulates mast cells unless they are stabilised; they recover in hours."""
        activated = self.mast_activation_rate * self.mast_drive * (1 - self.stabiliser) * (1 - self.mast_activation)
        return activated - self.mast_activation / self.mast_recovery_time

    @rate("integrity")
    def renew_epithelium(self):
        """The epithelium renews itself; mast cells and mucosal inflammation wear it."""
        wear = self.mast_damage_rate * self.mast_activation + self.inflammation_damage_rate * self.inflammation_excess
        return (1 - self.integrity) / self.epithelial_turnover_time - wear * self.integrity

    @rate("mucus_thickness")
    def adapt_mucus(self):
        """Butyrate builds mucus, mucin eaters thin it; the bounded law keeps the slope at rest."""
        built = 1 + self.mucus_butyrate_gain * self.saturation_change / self.saturation_rest
        eaten = power(2 / (1 + self.mucin_degradation), 2 * self.mucus_degradation_exponent)
        return (self.mucus_rest * built * eaten - self.mucus_thickness) / self.mucus_adaptation_time

    @rate("lps")
    def clear_lps(self):
        """Plasma LPS follows translocation, more after a fat meal."""
        inflow = self.lps_rest * self.translocation * (1 + self.fat_meal_gain * self.fat_meal)
        return self.lps_clearance * (inflow - self.lps)
