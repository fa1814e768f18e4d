"""Momentary affect and rumination, and the levels around which they swing.

Events raise affect through appraised stress. Inflammation, pain, lost sleep and practice move levels of
affect, never its dynamics. No edge from CRP or taxa to mood.
"""

from gutbrain.body.appraisal import ORDINARY_STRESSOR
from gutbrain.model.compartment import Compartment, Input, Param, State, noise, output, rate, term
from gutbrain.model.maths import clip, log, log10, maximum, sqrt
from gutbrain.model.spread import LogNormal, Normal, Uniform

LEAST_ACIDS = 1e-3  # share of own acids as which a germ-free colon is read: a logarithm needs some


class Affect(Compartment):
    """Affect and rumination swing around levels that body, sleep and practice shift."""

    place = "mind"

    negative_affect = State("point", start="negative_affect_rest", low=0, high=100, about="momentary, 0 to 100")
    positive_affect = State("point", start="positive_affect_rest", low=0, high=100, about="momentary, 0 to 100")
    rumination = State("point", start="rumination_rest", low=0, high=100, about="momentary, 0 to 100")
    affect_daily_z = State("SD", start=0.0, low=-10, high=10, about="daily mean of negative affect from own rest")
    rumination_daily_z = State("SD", start=0.0, low=-10, high=10, about="daily mean of rumination from own rest")
    affect_weekly_z = State("SD", start=0.0, low=-10, high=10, about="weekly mean of negative affect from own rest")

    appraised_stress = Input(
        "1", rest="appraised_stress_rest", signal="mind.appraised_stress", about="stress as felt, 1 = median event"
    )
    allostatic_load = Input("1", rest="load_rest", signal="mind.allostatic_load", about="slow load")
    skill = Input("SD", rest=0, signal="mind.skill", about="mindfulness skill")
    nonspecific_gain = Input("point", rest=0, signal="mind.nonspecific_gain", about="relief by being in a trial")
    mindfulness_state = Input("point", rest=0, signal="mind.mindfulness_state", about="same-day state mindfulness")
    il6_rest = Input("pg/mL", rest=1.2, signal="blood.il6_rest", about="own rest value of interleukin-6")
    il6 = Input("pg/mL", rest="resting_il6", signal="blood.il6", about="interleukin-6 in blood")
    pain = Input("point", rest="pain_rest", signal="enteric.pain", about="abdominal pain, 0 to 10")
    sleep_debt = Input("night", rest=0, signal="sleep.debt", about="nights of sleep lost")
    serotonin_synthesis = Input("1", rest=1, signal="brain.serotonin_synthesis", about="in the brain, over own rest")
    kynurenine = Input("umol/L", rest="kynurenine_rest", signal="blood.kynurenine", about="in plasma")
    afferent = Input("1", rest=1, signal="vagus.afferent", about="vagal afferent firing over own rest")
    scfa_total = Input("mM", rest="scfa_rest", signal="colon.scfa_total", about="luminal short-chain fatty acids")
    activity = Input("1", rest=1, signal="activity.level", about="daily activity over own habit")

    negative_affect_decay = Param(0.70, "1/hour", source="assumed", grade="recalled", about="return of negative affect")
    positive_affect_decay = Param(0.60, "1/hour", source="assumed", grade="recalled", about="return of positive affect")
    rumination_decay = Param(0.50, "1/hour", source="assumed", grade="recalled", about="return of rumination")
    rumination_to_negative = Param(
        0.20, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="rumination darkens affect"
    )
    negative_to_rumination = Param(
        0.20, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="low mood starts rumination"
    )
    negative_to_positive = Param(
        0.25, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="low mood dims joy"
    )
    positive_to_negative = Param(
        0.10, "1/hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="joy lifts low mood"
    )
    stress_to_negative = Param(4.5, "point/hour", source="assumed", grade="assumed", about="stress darkens affect")
    stress_to_positive = Param(2, "point/hour", source="assumed", grade="assumed", about="stress dims joy")
    stress_to_rumination = Param(3, "point/hour", source="assumed", grade="assumed", about="stress starts rumination")
    swing_share = Param(0.6, "1", source="assumed", grade="assumed", about="share of the spread that noise explains")
    negative_affect_sd = Param(10, "point", source="assumed", grade="assumed", about="within-person swing")
    positive_affect_sd = Param(13, "point", source="assumed", grade="assumed", about="within-person swing")
    rumination_sd = Param(11, "point", source="assumed", grade="assumed", about="within-person swing")
    trait_negative_affect = Param(
        18, "point", source="assumed", grade="recalled", between=Normal(sd=12, low=2, high=95), about="own level"
    )
    trait_positive_affect = Param(
        55, "point", source="assumed", grade="recalled", between=Normal(sd=14, low=5, high=98), about="own level"
    )
    trait_rumination = Param(
        25, "point", source="assumed", grade="recalled", between=Normal(sd=14, low=3, high=95), about="own level"
    )
    negative_affect_between_sd = Param(12, "point", source="assumed", grade="recalled", about="how people differ")
    rumination_between_sd = Param(14, "point", source="assumed", grade="recalled", about="how people differ")
    negative_affect_rest = Param(
        19.48, "point", source="assumed", grade="derived", settled="mind.negative_affect", about="own settled value"
    )
    positive_affect_rest = Param(
        53.91, "point", source="assumed", grade="derived", settled="mind.positive_affect", about="own settled value"
    )
    rumination_rest = Param(
        26.44, "point", source="assumed", grade="derived", settled="mind.rumination", about="own settled value"
    )
    appraised_stress_rest = Param(
        ORDINARY_STRESSOR, "1", source="assumed", grade="derived", settled="mind.appraised_stress", about="own mean"
    )
    load_rest = Param(0.2, "1", source="assumed", grade="assumed", about="allostatic load of ordinary life")
    pain_rest = Param(0.3, "point", source="assumed", grade="derived", settled="enteric.pain", about="own baseline")
    kynurenine_rest = Param(
        1.7, "umol/L", source="assumed", grade="derived", settled="blood.kynurenine", about="own settled value"
    )
    scfa_rest = Param(
        95.6, "mM", source="Kettle2022", grade="derived", settled="colon.scfa_total", about="own settled acids"
    )
    inflammation_gain = Param(
        4, "point", source="Grigoleit2011", grade="fitted", belief=Uniform(0, 6),
        about="points per tenfold interleukin-6; only the order of doses is measured",
    )  # fmt: skip
    load_gain = Param(8, "point", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="load lowers mood")
    pain_gain = Param(1, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="points per point")
    sleep_gain = Param(
        3, "point/night", source="assumed", grade="assumed", belief=Uniform(0, 8), about="lost sleep darkens affect"
    )
    skill_negative = Param(
        3.2, "point/SD", source="Goyal2014", grade="fitted", belief=LogNormal(log_sd=0.35),
        about="skill lowers negative affect",
    )  # fmt: skip
    skill_rumination = Param(
        6, "point/SD", source="Goyal2014", grade="fitted", belief=LogNormal(log_sd=0.35),
        about="skill lowers rumination",
    )  # fmt: skip
    skill_positive = Param(
        0, "point/SD", source="assumed", grade="assumed", belief=Normal(sd=3), closed=True,
        about="skill on positive affect; insufficient or none against active controls (Goyal 2014)",
    )  # fmt: skip
    serotonin_gain = Param(
        0, "point", source="assumed", grade="assumed", belief=Uniform(-15, 15), closed=True,
        about="relief per ln of brain synthesis; no accepted human slope",
    )  # fmt: skip
    kynurenine_gain = Param(
        0, "point", source="assumed", grade="assumed", belief=Normal(sd=5), closed=True,
        about="points per ln of kynurenine; reviews disagree on the sign",
    )  # fmt: skip
    afferent_gain = Param(
        0, "point", source="assumed", grade="assumed", belief=Normal(sd=2), closed=True, about="relief by afferents"
    )
    scfa_gain = Param(
        0, "point", source="assumed", grade="assumed", belief=Normal(sd=2), closed=True, about="relief per ln of acids"
    )
    activity_gain = Param(
        0, "point", source="assumed", grade="assumed", belief=Normal(sd=1), closed=True, about="points per habit added"
    )
    anxiety_share = Param(
        0.25, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.9),
        about="share of slow negative affect that acts as anxiety; chosen after a look at MIN-8",
    )  # fmt: skip
    depression_share = Param(
        0.25, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.9), about="the same as depression"
    )
    attention_rest = Param(50, "point", source="assumed", grade="assumed", about="middle of the scale")
    attention_skill = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(-2, 2), closed=True, about="pooled trials: none"
    )
    attention_rumination = Param(
        0.1, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.3), about="rumination distracts"
    )
    attention_sleep = Param(
        10, "point/night", source="assumed", grade="assumed", belief=Uniform(0, 25), about="lost sleep distracts"
    )
    daily_time = Param(1, "day", source="assumed", grade="assumed", about="memory of a daily mean")
    weekly_time = Param(7, "day", source="assumed", grade="assumed", about="memory of a weekly mean")

    @term
    def resting_il6(self):
        """Interleukin-6 rests at the person's own level."""
        return self.il6_rest

    @term
    def shift(self):
        """Everything that body, sleep, load and practice do to the level of negative affect."""
        return (
            self.inflammation_gain * log10(self.il6 / self.il6_rest)
            + self.load_gain * (self.allostatic_load - self.load_rest)
            + self.pain_gain * (self.pain - self.pain_rest)
            + self.sleep_gain * self.sleep_debt
            - self.serotonin_gain * log(self.serotonin_synthesis)
            + self.kynurenine_gain * log(self.kynurenine / self.kynurenine_rest)
            - self.afferent_gain * (self.afferent - 1)
            - self.scfa_gain * log(maximum(self.scfa_total / self.scfa_rest, LEAST_ACIDS))
            + self.activity_gain * (self.activity - 1)
            - self.skill_negative * self.skill
            - self.nonspecific_gain
        )

    @term
    def negative_away(self):
        """Negative affect from its slow level, which stays on the scale."""
        return self.negative_affect - clip(self.trait_negative_affect + self.shift, 0, 100)

    @term
    def positive_away(self):
        """Positive affect from its slow level."""
        return self.positive_affect - clip(self.trait_positive_affect + self.skill_positive * self.skill, 0, 100)

    @term
    def rumination_away(self):
        """Rumination from its slow level, which skill lowers."""
        return self.rumination - clip(self.trait_rumination - self.skill_rumination * self.skill, 0, 100)

    @term
    def rumination_z(self):
        """Rumination from own rest, in between-person SD."""
        return (self.rumination - self.rumination_rest) / self.rumination_between_sd

    @output("SD")
    def negative_affect_z(self):
        """Negative affect from own rest, in between-person SD."""
        return (self.negative_affect - self.negative_affect_rest) / self.negative_affect_between_sd

    @output("SD")
    def anxiety_z(self):
        """Share of the change of the slow level that acts as anxiety."""
        return self.anxiety_share * self.shift / self.negative_affect_between_sd

    @output("SD")
    def depression_z(self):
        """Share of the change of the slow level that acts as depression."""
        return self.depression_share * self.shift / self.negative_affect_between_sd

    @output("point")
    def attention(self):
        """Attention as a read-out: momentary rumination and lost sleep distract."""
        distraction = self.rumination_away - (self.rumination_rest - self.trait_rumination)
        gained = self.attention_skill * self.mindfulness_state
        return (
            self.attention_rest + gained
            - self.attention_rumination * distraction - self.attention_sleep * self.sleep_debt
        )  # fmt: skip

    @rate("negative_affect")
    def move_negative_affect(self):
        """Stress and rumination raise negative affect, joy lowers it, and it returns to its level."""
        return (
            self.stress_to_negative * self.appraised_stress
            + self.rumination_to_negative * self.rumination_away
            - self.positive_to_negative * self.positive_away
            - self.negative_affect_decay * self.negative_away
        )

    @rate("positive_affect")
    def move_positive_affect(self):
        """Stress and negative affect lower positive affect, and it returns to its level."""
        lowered = self.stress_to_positive * self.appraised_stress + self.negative_to_positive * self.negative_away
        return -lowered - self.positive_affect_decay * self.positive_away

    @rate("rumination")
    def move_rumination(self):
        """Stress and negative affect start rumination, and it returns to its level."""
        raised = self.stress_to_rumination * self.appraised_stress + self.negative_to_rumination * self.negative_away
        return raised - self.rumination_decay * self.rumination_away

    @noise("negative_affect")
    def swing_negative_affect(self):
        """Negative affect swings by itself."""
        return self.swing_share * self.negative_affect_sd * sqrt(2 * self.negative_affect_decay)

    @noise("positive_affect")
    def swing_positive_affect(self):
        """Positive affect swings by itself."""
        return self.swing_share * self.positive_affect_sd * sqrt(2 * self.positive_affect_decay)

    @noise("rumination")
    def swing_rumination(self):
        """Rumination swings by itself."""
        return self.swing_share * self.rumination_sd * sqrt(2 * self.rumination_decay)

    @rate("affect_daily_z")
    def follow_affect_daily(self):
        """The daily mean follows negative affect."""
        return (self.negative_affect_z - self.affect_daily_z) / self.daily_time

    @rate("rumination_daily_z")
    def follow_rumination_daily(self):
        """The daily mean follows rumination."""
        return (self.rumination_z - self.rumination_daily_z) / self.daily_time

    @rate("affect_weekly_z")
    def follow_affect_weekly(self):
        """The weekly mean follows negative affect."""
        return (self.negative_affect_z - self.affect_weekly_z) / self.weekly_time
