"""Stress axis: ACTH, cortisol and the slow masses of pituitary and adrenal.

The circadian rhythm is a drive, not a product of the feedback. Two reference states integrate the
undisturbed person beside the real one, so that the cortisol ratio is 1 at rest at every clock time.
CRH lives four minutes and is held at quasi-steady state. Gland capacities are infinite: severe
stress, where they bind, is outside this compartment. No ultradian pulses, no sex or age term.
"""

from math import pi

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import cos, exp, log, maximum, power, saturate, share_of_day, sin, sqrt
from gutbrain.model.spread import LogNormal, Normal, Uniform

SMALLEST_CORTISOL = 0.01  # half of the lower bound: feedback divides by cortisol

LEAST_ACIDS = 1e-3  # share of own acids as which a germ-free colon is read: a logarithm needs some


class HPA(Compartment):
    """Clock, waking, stress, lost sleep and interleukin-6 drive CRH, ACTH and cortisol; glands adapt in weeks."""

    acth_relative = State("1", start=1.0, low=0.02, high=15, about="ACTH over its scale")
    cortisol_relative = State("1", start=1.0, low=0.02, high=15, about="cortisol made by the body, over its scale")
    pituitary_mass = State("1", start=1.0, low=0.2, high=4, about="corticotroph mass, 1 = own rest")
    adrenal_mass = State("1", start=1.0, low=0.2, high=4, about="adrenal cortex mass, 1 = own rest")
    acth_reference = State("1", start=1.0, low=0.02, high=15, about="ACTH of the same person, undisturbed")
    cortisol_reference = State("1", start=1.0, low=0.02, high=15, about="cortisol of the same person, undisturbed")

    time = Input("day", rest=0, signal="clock.time", about="running time, 0 = midnight")
    step_start = Input("day", rest=0, signal="clock.step_start", about="begin of the running step")
    step = Input("day", rest=0, signal="clock.step", about="length of the running step")
    internal_clock = Input("minute", rest="wall_clock", signal="sleep.internal_clock", about="shifted clock")
    clock_shift = Input("hour", rest=0, signal="sleep.clock_shift", about="internal clock minus wall clock")
    wake_time = Input("minute", rest="reference_wake_time", signal="sleep.wake_time", about="on the internal clock")
    sleep_debt = Input("night", rest=0, signal="sleep.debt", about="nights of sleep lost")
    threat = Input("1", rest=0, signal="mind.threat", about="appraised threat, 1 = public speech", low=0, high=1)
    chronic_load = Input("1", rest=1, signal="mind.chronic_load", about="sustained load, multiplier")
    il6_rest = Input("pg/mL", rest=1.2, signal="blood.il6_rest", about="own rest value of interleukin-6")
    il6 = Input("pg/mL", rest="resting_il6", signal="blood.il6", about="interleukin-6 in blood")
    scfa_total = Input("mM", rest="scfa_rest", signal="colon.scfa_total", about="luminal short-chain fatty acids")
    hydrocortisone = Input(
        "ug/dL", rest=0, signal="protocol.hydrocortisone", low=0, high=100, about="cortisol added by a drug"
    )

    day_length = Param(24, "hour", source="assumed", grade="derived", about="period of the rhythm, by definition")
    reference_wake_time = Param(
        420, "minute", source="assumed", grade="assumed", about="waking time at which the rhythm below holds, 07:00"
    )
    circadian_offset = Param(
        -0.2468, "1", source="Carroll2007", grade="fitted", between=Normal(sd=0.2),
        about="log of the drive; least squares on the control profile, without the awakening pulse",
    )  # fmt: skip
    circadian_cosine_1 = Param(-1.0258, "1", source="Carroll2007", grade="fitted", about="24-hour harmonic")
    circadian_sine_1 = Param(0.9148, "1", source="Carroll2007", grade="fitted", about="24-hour harmonic")
    circadian_cosine_2 = Param(-0.3062, "1", source="Carroll2007", grade="fitted", about="12-hour harmonic")
    circadian_sine_2 = Param(0.1262, "1", source="Carroll2007", grade="fitted", about="12-hour harmonic")
    circadian_amplitude_scale = Param(
        1, "1", source="assumed", grade="assumed", between=Normal(sd=0.2, low=0), about="own size of the rhythm"
    )
    circadian_phase = Param(
        0, "minute", source="assumed", grade="assumed", between=Normal(sd=60),
        about="own delay of the rhythm, beyond what the waking time explains",
    )  # fmt: skip
    acth_half_life = Param(
        20, "minute", source="Karin2020 Milo2025", grade="published-model", between=LogNormal.cv(0.2),
        about="agrees with 0.0348 per minute of Andersen 2013",
    )  # fmt: skip
    cortisol_half_life = Param(
        62, "minute", source="Bangsgaard2017", grade="fitted", belief=Uniform(45, 80), between=LogNormal.cv(0.2),
        about="ACTH to cortisol of one healthy subject, R2 0.88; models use 29 to 80",
    )  # fmt: skip
    adrenal_exponent = Param(
        2, "1", source="Bangsgaard2017", grade="published-model", belief=Normal(sd=0.3),
        about="cortisol made per ACTH; an exponent of 1 fails for acute stress",
    )  # fmt: skip
    receptor_half_saturation = Param(
        4, "1", source="Milo2025", grade="published-model", between=LogNormal.cv(0.4),
        about="relative cortisol of half effect at the glucocorticoid receptor; larger = resistance",
    )  # fmt: skip
    pituitary_half_life = Param(
        20, "day", source="Milo2025", grade="published-model", belief=Uniform(7, 20), between=LogNormal.cv(0.5),
        about="turnover of corticotrophs; not identifiable from short data",
    )  # fmt: skip
    adrenal_half_life = Param(
        30, "day", source="Milo2025", grade="published-model", belief=Uniform(14, 30), between=LogNormal.cv(0.5),
        about="turnover of the adrenal cortex; not identifiable from short data",
    )  # fmt: skip
    crh_reference_mean = Param(
        0.991, "1", source="assumed", grade="derived", settled="hpa.crh_reference", about="own 24-hour mean of CRH"
    )
    acth_reference_mean = Param(
        0.951, "1", source="assumed", grade="derived", settled="hpa.acth_reference", about="own 24-hour mean of ACTH"
    )
    cortisol_scale = Param(
        5.6, "ug/dL", source="Carroll2007", grade="measured", between=LogNormal.cv(0.25),
        about="total cortisol at 1; control mean 5.58",
    )  # fmt: skip
    acth_scale = Param(
        20, "pg/mL", source="Andersen2013", grade="published-model", between=LogNormal.cv(0.25),
        about="ACTH at 1; mean 21 there",
    )  # fmt: skip
    stress_gain = Param(
        3, "1", source="Gu2022", grade="fitted", between=LogNormal.cv(0.7),
        about="drive per unit of threat, for a 15-minute pulse; the spread makes the non-responders",
    )  # fmt: skip
    awakening_gain = Param(
        3, "1", source="Wuest2000", grade="fitted", between=LogNormal.cv(0.6, high=9),
        about="drive after waking; cut, because larger draws leave the 15-minute step",
    )  # fmt: skip
    awakening_duration = Param(30, "minute", source="assumed", grade="assumed", about="from waking on")
    sleep_debt_gain = Param(
        0.12, "1/night", source="Leproult1997", grade="fitted", belief=Normal(sd=0.1),
        about="shrunk from 0.20, because the pooled effect of lost sleep is null (Endocr J 2024)",
    )  # fmt: skip
    il6_gain = Param(
        93, "1", source="Schreiber1993 Barber1993", grade="fitted", between=LogNormal.cv(0.4),
        about="fitted at 124 and 700 pg/mL; at a few pg/mL an extrapolation over two decades",
    )  # fmt: skip
    il6_half_saturation = Param(
        1000, "pg/mL", source="Schreiber1993 Barber1993", grade="fitted", about="kept for the time of the ACTH peak"
    )
    scfa_exponent = Param(
        0, "1", source="assumed", grade="assumed", belief=Normal(sd=0.1), closed=True,
        about="acids on the circadian drive, directly; no accepted strength",
    )  # fmt: skip
    scfa_rest = Param(
        95.6, "mM", source="Kettle2022", grade="derived", settled="colon.scfa_total", about="own settled acids"
    )
    binding_globulin = Param(
        0.65, "umol/L", source="assumed", grade="recalled", about="CBG; oral contraceptives raise it"
    )
    binding_offset = Param(0.0167, "umol/L", source="Coolens1987", grade="recalled", about="binding read-out")
    binding_slope = Param(0.182, "1", source="Coolens1987", grade="recalled", about="binding read-out")
    binding_product = Param(0.0122, "umol/L", source="Coolens1987", grade="recalled", about="binding read-out")
    cortisol_molarity = Param(
        27.59, "nmol*dL/L/ug", source="assumed", grade="derived", about="cortisol, from its molar mass"
    )
    saliva_fraction = Param(0.55, "1", source="assumed", grade="recalled", about="salivary over free cortisol")
    assay_factor = Param(
        1, "1", source="assumed", grade="assumed", belief=LogNormal.cv(0.2), about="laboratory factor of saliva"
    )

    @term
    def wall_clock(self):
        """Without a shift the internal clock shows local time."""
        return self.time

    @term
    def resting_il6(self):
        """Interleukin-6 rests at the person's own level."""
        return self.il6_rest

    @term
    def circadian_drive(self):
        """The clock's drive to CRH: two harmonics that follow the own waking time."""
        delay = self.circadian_phase + self.wake_time - self.reference_wake_time
        angle = 2 * pi * (self.internal_clock - delay) / self.day_length
        first = self.circadian_cosine_1 * cos(angle) + self.circadian_sine_1 * sin(angle)
        second = self.circadian_cosine_2 * cos(2 * angle) + self.circadian_sine_2 * sin(2 * angle)
        return exp(self.circadian_offset + self.circadian_amplitude_scale * (first + second))

    @term
    def awakening_drive(self):
        """Waking adds half an hour of drive, held at its mean over the step."""
        begin = self.step_start + self.clock_shift
        return self.awakening_gain * share_of_day(begin, self.step, self.wake_time, self.awakening_duration)

    @output("1")
    def total_drive(self):
        """Chronic load, and acids if opened, multiply the clock; waking, threat, lost sleep and interleukin-6 add."""
        excess = maximum(self.il6 - self.il6_rest, 0)
        by_acids = power(maximum(self.scfa_total / self.scfa_rest, LEAST_ACIDS), self.scfa_exponent)
        return (
            self.circadian_drive * self.chronic_load * by_acids
            + self.stress_gain * self.threat
            + self.awakening_drive
            + self.sleep_debt_gain * self.sleep_debt
            + self.il6_gain * saturate(excess, self.il6_half_saturation)
        )

    @term
    def cortisol_felt(self):
        """Receptors see the body's own cortisol and the drug alike."""
        return maximum(self.cortisol_relative + self.hydrocortisone / self.cortisol_scale, SMALLEST_CORTISOL)

    @term
    def cortisol_felt_reference(self):
        """Cortisol that the undisturbed person's receptors see."""
        return maximum(self.cortisol_reference, SMALLEST_CORTISOL)

    @term
    def glucocorticoid_brake(self):
        """The glucocorticoid receptor brakes CRH and ACTH steeply when cortisol is high."""
        return 1 / (1 + (self.cortisol_felt / self.receptor_half_saturation) ** 3)

    @term
    def glucocorticoid_brake_reference(self):
        """The same brake in the undisturbed person."""
        return 1 / (1 + (self.cortisol_felt_reference / self.receptor_half_saturation) ** 3)

    @output("1")
    def crh_drive(self):
        """CRH follows the drive at once; mineralocorticoid and glucocorticoid receptors brake it (diagnostic)."""
        return self.total_drive / self.cortisol_felt * self.glucocorticoid_brake

    @output("1")
    def crh_reference(self):
        """CRH of the undisturbed person: clock and waking only."""
        drive = self.circadian_drive + self.awakening_drive
        return drive / self.cortisol_felt_reference * self.glucocorticoid_brake_reference

    @output("pg/mL")
    def acth(self):
        """Plasma ACTH."""
        return self.acth_scale * self.acth_relative

    @output("ug/dL")
    def cortisol(self):
        """Total cortisol, a drug included."""
        return self.cortisol_scale * self.cortisol_relative + self.hydrocortisone

    @output("1")
    def cortisol_ratio(self):
        """Cortisol over that of the undisturbed person at the same moment; small at night, so a poor mean."""
        return self.cortisol_felt / self.cortisol_felt_reference

    @output("nmol/L")
    def cortisol_free(self):
        """Cortisol that binding globulin leaves free."""
        total = self.cortisol * self.cortisol_molarity
        unbound = self.binding_offset + self.binding_slope * (self.binding_globulin - total)
        return sqrt(unbound**2 + self.binding_product * total) - unbound

    @output("nmol/L")
    def cortisol_salivary(self):
        """Saliva shows a share of free cortisol; its lag of minutes is ignored."""
        return self.saliva_fraction * self.cortisol_free * self.assay_factor

    @rate("acth_relative")
    def release_acth(self):
        """CRH makes the pituitary release ACTH, braked by cortisol."""
        released = self.pituitary_mass * self.crh_drive * self.glucocorticoid_brake
        return log(2) / self.acth_half_life * (released - self.acth_relative)

    @rate("cortisol_relative")
    def release_cortisol(self):
        """ACTH makes the adrenal cortex release cortisol, more than in proportion."""
        released = self.adrenal_mass * power(self.acth_relative, self.adrenal_exponent)
        return log(2) / self.cortisol_half_life * (released - self.cortisol_relative)

    @rate("pituitary_mass")
    def grow_pituitary(self):
        """Corticotrophs grow under more CRH than the undisturbed person has."""
        excess = (self.crh_drive - self.crh_reference) / self.crh_reference_mean
        return log(2) / self.pituitary_half_life * self.pituitary_mass * excess

    @rate("adrenal_mass")
    def grow_adrenal(self):
        """The adrenal cortex grows under more ACTH than the undisturbed person has."""
        excess = (self.acth_relative - self.acth_reference) / self.acth_reference_mean
        return log(2) / self.adrenal_half_life * self.adrenal_mass * excess

    @rate("acth_reference")
    def release_acth_undisturbed(self):
        """ACTH of the undisturbed person."""
        released = self.crh_reference * self.glucocorticoid_brake_reference
        return log(2) / self.acth_half_life * (released - self.acth_reference)

    @rate("cortisol_reference")
    def release_cortisol_undisturbed(self):
        """Cortisol of the undisturbed person."""
        released = power(self.acth_reference, self.adrenal_exponent)
        return log(2) / self.cortisol_half_life * (released - self.cortisol_reference)
