"""Gut motility and sensation: transit, stool, visceral sensitivity and momentary pain.

Hours to days; slow waves are out of scope. Stool form and frequency are given without noise and without
rounding: both belong to whatever observes them. The effect of vagal tone on the colon is unresolved.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import clip, exp, log, maximum, power, sigmoid
from gutbrain.model.spread import LogNormal, Normal, Uniform

LEAST_ACIDS = 1e-3  # share of own acids as which a germ-free colon is read: a logarithm needs some


class Enteric(Compartment):
    """Serotonin, stress and mood move the colon; mast cells, inflammation and affect make it feel more."""

    motor_activity = State("1", start=1.0, low=0.3, high=3, about="colonic propulsion, 1 = own rest")
    visceral_sensitivity = State("1", start=1.0, low=0.3, high=4, about="sensitivity to gut stimuli, 1 = healthy")

    crh_drive = Input("1", rest=0, signal="barrier.crh_drive", about="peripheral CRH, 1 = public-speech peak")
    mast_activation = Input("1", rest=0, signal="barrier.mast_activation", about="activated share of mast cells")
    mucosal_activity = Input("1", rest=1, signal="immune.mucosal_activity", about="mucosal inflammation, 1 = healthy")
    tone = Input("1", rest=1, signal="vagus.tone", about="vagal tone over own rest")
    serotonin = Input("1", rest=1, signal="tryptophan.mucosal_serotonin", about="mucosal serotonin over own rest")
    scfa_total = Input("mM", rest="scfa_rest", signal="colon.scfa_total", about="luminal short-chain fatty acids")
    anxiety = Input("SD", rest=0, signal="mind.anxiety_z", about="slow anxiety, from own rest")
    depression = Input("SD", rest=0, signal="mind.depression_z", about="slow depression, from own rest")
    negative_affect = Input("SD", rest=0, signal="mind.negative_affect_z", about="negative affect, from own rest")
    threat_rating = Input("point", rest=0, signal="mind.threat_rating", about="momentary stress, 0-10 above ordinary")
    physical_activity = Input("1", rest=1, signal="activity.level", about="daily activity over own habit")
    fibre_extra = Input("g/day", rest=0, signal="protocol.fibre_extra", low=0, high=60, about="added fibre, eaten")

    personal_colonic_transit = Param(
        21, "hour", source="Asnicar2021 PMC10455695", grade="fitted", between=LogNormal.gsd(1.55),
        about="own colonic transit; fitted to ENT-1 and ENT-2",
    )  # fmt: skip
    gastric_emptying = Param(
        3.2, "hour", source="PMC10455695", grade="assumed", between=LogNormal.cv(0.25), belief=Uniform(2, 5),
        about="chosen inside the measured range of capsule studies",
    )  # fmt: skip
    small_bowel_transit = Param(
        4.8, "hour", source="PMC10455695", grade="assumed", between=LogNormal.cv(0.2), belief=Uniform(3.3, 7),
        about="chosen inside the measured range of capsule studies",
    )  # fmt: skip
    shortest_transit = Param(5, "hour", source="assumed", grade="assumed", about="colonic transit falls no further")
    serotonin_motility_exponent = Param(
        0.60, "1", source="AtkinsonSpiller", grade="derived", belief=Uniform(0.3, 1.2),
        about="constipated irritable bowel against controls; the post-infectious contrast gives 1.6",
    )  # fmt: skip
    stress_motility_gain = Param(
        0.3, "1", source="Pritchard2015 Chang2011", grade="assumed", belief=Uniform(0, 0.6),
        about="CRH drives the colon; only the sign is measured",
    )  # fmt: skip
    vagus_motility_exponent = Param(
        0.2, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.4),
        about="sign not settled (PMC5753907 found the opposite); widen to -0.4 when data are fitted",
    )  # fmt: skip
    anxiety_motility_gain = Param(
        0.4, "1/SD", source="assumed", grade="assumed", belief=Uniform(0, 0.8), about="anxiety speeds the colon"
    )
    depression_motility_gain = Param(
        0.08, "1/SD", source="assumed", grade="assumed", belief=Uniform(0, 0.3), about="depression slows the colon"
    )
    activity_motility_exponent = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(-0.05, 0.15), closed=True,
        about="daily activity on the colon",
    )  # fmt: skip
    scfa_motility_exponent = Param(
        0, "1", source="assumed", grade="assumed", belief=Normal(sd=0.1), closed=True,
        about="acids on motility other than by serotonin; studies in mice disagree on the sign",
    )  # fmt: skip
    scfa_rest = Param(
        95.6, "mM", source="Kettle2022", grade="derived", settled="colon.scfa_total", about="own settled acids"
    )
    motor_adaptation_time = Param(
        6, "hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="motor pattern adapts"
    )
    sensitivity_time = Param(
        120, "hour", source="assumed", grade="assumed", belief=Uniform(48, 336), about="sensitisation and its loss"
    )
    mast_sensitivity_gain = Param(
        1, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="sensitisation by mast cells"
    )
    inflammation_sensitivity_gain = Param(
        0.3, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="sensitisation by inflammation"
    )
    affect_sensitivity_gain = Param(
        0.1, "1/SD", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="sensitisation by affect"
    )
    fibre_transit_slope = Param(
        0.5, "hour/(g/day)", source="deVries2016", grade="measured", about="shortening by fibre in slow transit only"
    )
    fibre_threshold = Param(
        48, "hour", source="deVries2016", grade="measured", about="whole-gut transit above which fibre acts"
    )
    fibre_switch_width = Param(3, "hour", source="assumed", grade="assumed", about="softness of that threshold")
    stool_rate_rest = Param(
        108, "g/day", source="Cummings1992", grade="recalled", about="stool mass; the median found is 106"
    )
    stool_fibre_gain = Param(
        3.7, "1", source="deVries2015", grade="measured", belief=Normal(sd=0.09), about="stool per added wheat fibre"
    )
    reference_transit = Param(
        28.7, "hour", source="Asnicar2021", grade="measured", about="median whole-gut transit of 863 persons"
    )
    form_centre = Param(4.0, "1", source="assumed", grade="assumed", about="Bristol type at the reference transit")
    form_slope = Param(1.35, "1", source="assumed", grade="assumed", about="per log of transit; misses ENT-5")
    frequency_centre = Param(8, "1/week", source="assumed", grade="assumed", about="stools at the reference transit")
    frequency_slope = Param(0.40, "1", source="assumed", grade="assumed", about="elasticity; misses ENT-5")
    pain_baseline = Param(0.3, "point", source="assumed", grade="assumed", about="0-10; 2.2 in irritable bowel")
    pain_stress_slope = Param(
        0.02, "1", source="PMC7386351", grade="measured", about="pain per point of stress at healthy sensitivity"
    )
    pain_sensitivity_exponent = Param(
        4.5, "1", source="PMC7386351 Dorn2007", grade="derived", about="makes the slope 0.10 at sensitivity 40/28"
    )
    worst_pain = Param(10, "point", source="PMC7386351", grade="measured", about="end of the rating scale")

    @term
    def motor_aim(self):
        """Serotonin, CRH, vagal tone, anxiety and depression set how strongly the colon propels."""
        mood = exp(self.anxiety_motility_gain * self.anxiety - self.depression_motility_gain * self.depression)
        moved = power(self.tone, self.vagus_motility_exponent)
        moved = moved * power(self.physical_activity, self.activity_motility_exponent)
        moved = moved * power(maximum(self.scfa_total / self.scfa_rest, LEAST_ACIDS), self.scfa_motility_exponent)
        stress = 1 + self.stress_motility_gain * self.crh_drive
        return power(self.serotonin, self.serotonin_motility_exponent) * stress * moved * mood

    @rate("motor_activity")
    def adapt_motility(self):
        """The colon takes up a new motor pattern within hours."""
        return (self.motor_aim - self.motor_activity) / self.motor_adaptation_time

    @rate("visceral_sensitivity")
    def sensitise(self):
        """Mast cells, inflammation above the healthy level and negative affect sensitise gut nerves over days."""
        inflamed = self.inflammation_sensitivity_gain * maximum(self.mucosal_activity - 1, 0)
        aim = 1 + self.mast_sensitivity_gain * self.mast_activation + inflamed
        aim = aim + self.affect_sensitivity_gain * self.negative_affect
        return (aim - self.visceral_sensitivity) / self.sensitivity_time

    @term
    def colonic_transit_before_fibre(self):
        """Stronger propulsion shortens the person's own colonic transit."""
        return self.personal_colonic_transit / self.motor_activity

    @term
    def upper_gut_transit(self):
        """Stomach and small bowel take their own constant time."""
        return self.gastric_emptying + self.small_bowel_transit

    @term
    def fibre_shortening(self):
        """Added fibre shortens transit only where it is slow, and it does so in the colon."""
        beyond = self.upper_gut_transit + self.colonic_transit_before_fibre - self.fibre_threshold
        return self.fibre_transit_slope * self.fibre_extra * sigmoid(beyond / self.fibre_switch_width)

    @output("hour")
    def colonic_transit_hours(self):
        """Colonic transit time, from which the microbes' dilution follows."""
        return maximum(self.colonic_transit_before_fibre - self.fibre_shortening, self.shortest_transit)

    @output("hour")
    def transit_hours(self):
        """Whole-gut transit time, as dye or a capsule measures it."""
        return self.upper_gut_transit + self.colonic_transit_hours

    @term
    def log_transit(self):
        """Whole-gut transit over the population median, as a logarithm."""
        return log(self.transit_hours / self.reference_transit)

    @output("1")
    def stool_form(self):
        """Expected Bristol type before noise, rounding and the ends of the scale."""
        return self.form_centre - self.form_slope * self.log_transit

    @output("1/week")
    def stools_per_week(self):
        """Expected number of stools before noise and rounding."""
        return self.frequency_centre * exp(-self.frequency_slope * self.log_transit)

    @output("g/day")
    def stool_rate(self):
        """Stool mass rises with added fibre."""
        return self.stool_rate_rest + self.stool_fibre_gain * self.fibre_extra

    @output("point")
    def pain(self):
        """Momentary stress hurts at once, the more the gut is sensitised; there is no lag."""
        sensitised = power(self.visceral_sensitivity, self.pain_sensitivity_exponent)
        felt = self.pain_baseline + self.pain_stress_slope * sensitised * self.threat_rating
        return clip(felt, 0, self.worst_pain)
