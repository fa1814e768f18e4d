"""Tryptophan, kynurenine and serotonin in gut, platelets and brain.

Gut and plasma serotonin do not reach the brain; only tryptophan, its competitors and kynurenine do, through
the shared amino-acid carrier. Kynurenine over tryptophan is not the activity of one enzyme.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import power, saturate
from gutbrain.model.spread import LogNormal, Normal, Uniform


class Tryptophan(Compartment):
    """Cortisol and inflammation divert tryptophan to kynurenine; microbial acids raise mucosal serotonin."""

    tryptophan = State(
        "umol/L", start="tryptophan_rest", low=10, high=200, signal="blood.tryptophan", about="plasma tryptophan"
    )
    kynurenine = State(
        "umol/L", start="kynurenine_rest", low=0.1, high=15, signal="blood.kynurenine", about="plasma kynurenine"
    )
    mucosal_serotonin = State("1", start=1.0, low=0.3, high=3, about="colonic mucosal serotonin, 1 = own rest")
    platelet_serotonin = State(
        "nmol", start="platelet_serotonin_rest", low=0.3, high=10, signal="platelet.serotonin",
        about="serotonin in 10^9 platelets",
    )  # fmt: skip
    brain_serotonin = State(
        "1", start=1.0, low=0.2, high=3, signal="brain.serotonin_synthesis", about="synthesis rate, 1 = own rest"
    )

    cortisol_ratio = Input("1", rest=1, signal="hpa.cortisol_ratio", about="cortisol over own rest at the same time")
    mucosal_activity = Input("1", rest=1, signal="immune.mucosal_activity", about="mucosal inflammation, 1 = healthy")
    scfa_total = Input("mM", rest="scfa_rest", signal="colon.scfa_total", about="luminal short-chain fatty acids")
    tryptophan_intake = Input(
        "1", rest=1, signal="protocol.tryptophan_intake", low=-5, high=20,
        about="intake over the habitual; below 0 stands for a depletion drink",
    )  # fmt: skip
    amino_acid_load = Input(
        "1", rest=1, signal="protocol.amino_acid_load", low=0.2, high=10, about="large neutral amino acids over habit"
    )
    meal = Input("1", rest=0, signal="protocol.meal", low=0, high=1, about="after a meal, 0 or 1")

    tryptophan_rest = Param(
        65, "umol/L", source="BEVITAL", grade="measured", between=Normal(sd=12, low=30, high=100),
        about="middle of the range 40-90",
    )  # fmt: skip
    kynurenine_rest = Param(
        1.7, "umol/L", source="BEVITAL", grade="measured", between=Normal(sd=0.45, low=0.6, high=3.3),
        about="chosen inside the range 1.0-3.3",
    )  # fmt: skip
    tryptophan_buffer = Param(
        0.2, "1/hour", source="assumed", grade="assumed", belief=Uniform(0.1, 5),
        about="exchange with tissue protein; another model uses 5 (Best 2010)",
    )  # fmt: skip
    tdo_half = Param(
        222, "umol/L", source="Stavrum2013", grade="published-model", about="tryptophan 2,3-dioxygenase (TDO)"
    )
    ido_half = Param(
        45, "umol/L", source="Stavrum2013", grade="published-model", about="indoleamine 2,3-dioxygenase (IDO)"
    )
    tph_half = Param(
        22.8, "umol/L", source="Stavrum2013", grade="published-model", about="tryptophan hydroxylase 1 (TPH1)"
    )
    tdo_flux_rest = Param(
        4.05, "umol/L/hour", source="assumed", grade="assumed", about="TDO; the split 90:10 has no source"
    )
    ido_flux_rest = Param(0.45, "umol/L/hour", source="assumed", grade="assumed", about="IDO in immune cells")
    tdo_export_fraction = Param(
        0.111, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5),
        about="share of the hepatic flux that reaches plasma kynurenine",
    )  # fmt: skip
    cortisol_tdo_gain = Param(
        0.3, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="cortisol induces TDO"
    )
    inflammation_ido_gain = Param(
        0.5, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="inflammation induces IDO"
    )
    tph_floor = Param(
        0.49, "1", source="Reigstad2015", grade="measured (mouse)", about="mucosal serotonin without microbial acids"
    )
    scfa_half = Param(40, "mM", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="half effect")
    scfa_rest = Param(
        95.6, "mM", source="Kettle2022", grade="derived", settled="colon.scfa_total", about="own settled acids"
    )
    mucosal_turnover = Param(
        0.029, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="24-h turnover"
    )
    plasma_serotonin_rest = Param(
        25.45, "nmol/L", source="Houghton2003", grade="measured", about="fasting; laboratories differ widely"
    )
    meal_serotonin_gain = Param(2.45, "1", source="Houghton2003", grade="measured", about="25.45 to 87.81 nmol/L")
    platelet_serotonin_rest = Param(1.83, "nmol", source="Houghton2003", grade="measured", about="per 10^9 platelets")
    platelet_life = Param(216, "hour", source="assumed", grade="recalled", about="nine days")
    carrier_half = Param(
        330, "umol/L", source="Best2010", grade="published-model", about="carrier in the presence of the others"
    )
    kynurenine_competition = Param(
        10, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="weight of kynurenine there"
    )
    synthesis_exponent = Param(
        0.66, "1", source="Best2010 Best2020", grade="derived",
        about="total elasticity 0.55, falling side of the terminal model; overstates supplements (0.36)",
    )  # fmt: skip
    extracellular_exponent = Param(
        0.4, "1", source="Best2010 Best2020", grade="derived", about="terminal model: 0.12-0.38 per log tryptophan"
    )
    brain_adaptation_time = Param(
        2, "hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="synthesis follows uptake"
    )

    @term
    def supply(self):
        """Habitual intake replaces what the two enzymes take at rest."""
        return self.tdo_flux_rest + self.ido_flux_rest

    @term
    def kynurenine_removal(self):
        """Kynurenine is removed at the rate that balances its production at rest."""
        return (self.tdo_export_fraction * self.tdo_flux_rest + self.ido_flux_rest) / self.kynurenine_rest

    @term
    def tdo_flux(self):
        """TDO in the liver takes tryptophan, more under cortisol."""
        induced = 1 + self.cortisol_tdo_gain * (self.cortisol_ratio - 1)
        available = saturate(self.tryptophan, self.tdo_half) / saturate(self.tryptophan_rest, self.tdo_half)
        return self.tdo_flux_rest * induced * available

    @term
    def ido_flux(self):
        """IDO in immune cells takes tryptophan, more under mucosal inflammation."""
        induced = 1 + self.inflammation_ido_gain * (self.mucosal_activity - 1)
        available = saturate(self.tryptophan, self.ido_half) / saturate(self.tryptophan_rest, self.ido_half)
        return self.ido_flux_rest * induced * available

    @rate("tryptophan")
    def exchange_tryptophan(self):
        """Intake and tissue exchange supply plasma tryptophan; both enzymes consume it."""
        exchanged = self.tryptophan_buffer * (self.tryptophan_rest - self.tryptophan)
        return self.supply * self.tryptophan_intake + exchanged - self.tdo_flux - self.ido_flux

    @rate("kynurenine")
    def exchange_kynurenine(self):
        """Plasma kynurenine comes from immune cells and from what the liver lets go."""
        produced = self.tdo_export_fraction * self.tdo_flux + self.ido_flux
        return produced - self.kynurenine_removal * self.kynurenine

    @term
    def microbial_drive(self):
        """Short-chain fatty acids raise serotonin synthesis in the mucosa, counted from the own rest."""
        relative = saturate(self.scfa_total, self.scfa_half) / saturate(self.scfa_rest, self.scfa_half)
        return self.tph_floor + (1 - self.tph_floor) * relative

    @rate("mucosal_serotonin")
    def turn_over_mucosa(self):
        """Enterochromaffin cells make serotonin from tryptophan under the drive of microbial acids."""
        available = saturate(self.tryptophan, self.tph_half) / saturate(self.tryptophan_rest, self.tph_half)
        return self.mucosal_turnover * (self.microbial_drive * available - self.mucosal_serotonin)

    @output("nmol/L", signal="blood.serotonin")
    def plasma_serotonin(self):
        """Platelet-poor plasma mirrors the mucosa within minutes and rises after a meal."""
        return self.plasma_serotonin_rest * self.mucosal_serotonin * (1 + self.meal_serotonin_gain * self.meal)

    @rate("platelet_serotonin")
    def fill_platelets(self):
        """Platelets carry what plasma held during their life."""
        filled = self.platelet_serotonin_rest * self.plasma_serotonin / self.plasma_serotonin_rest
        return (filled - self.platelet_serotonin) / self.platelet_life

    @term
    def brain_uptake(self):
        """Tryptophan enters the brain against its competitors on the shared carrier, 1 at rest."""
        half = self.carrier_half
        competitors = half * self.amino_acid_load
        competitors = competitors + self.kynurenine_competition * (self.kynurenine - self.kynurenine_rest)
        return saturate(self.tryptophan, competitors) / saturate(self.tryptophan_rest, half)

    @rate("brain_serotonin")
    def synthesise_in_brain(self):
        """The brain's serotonin synthesis follows its tryptophan uptake."""
        aim = power(self.brain_uptake, self.synthesis_exponent)
        return (aim - self.brain_serotonin) / self.brain_adaptation_time

    @output("1", signal="brain.serotonin_extracellular")
    def extracellular_serotonin(self):
        """Extracellular serotonin in the brain moves less than its synthesis."""
        return power(self.brain_serotonin, self.extracellular_exponent)

    @output("umol/mmol")
    def kynurenine_ratio(self):
        """Kynurenine over tryptophan, which reads flux and removal as much as inflammation."""
        return self.kynurenine / self.tryptophan
