"""Slow vagal tone: resting vagal outflow over the person's own baseline, and what moves it.

Trained skill does not raise tone by construction (its gain is 0), and slow breathing acts while it is done,
in the heart-beat model; only weeks of regular practice reach the slow tone. One number for heart, colon and
spleen is an assumption of the whole compartment.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import exp, log, power, tanh
from gutbrain.model.spread import LogNormal, Normal, Uniform


class Vagus(Compartment):
    """Load lowers resting vagal tone over days, threat withdraws the vagus at once, breathing practice trains it."""

    tone = State("1", start=1.0, low=0.5, high=2, about="resting vagal outflow, 1 = own baseline")
    breath_training = State("1", start=0.0, low=0, high=1, about="what weeks of regular slow breathing leave behind")

    threat = Input("1", rest=0, signal="mind.threat", about="appraised threat, 1 = public speech", low=0, high=1)
    chronic_load = Input("1", rest=1, signal="mind.chronic_load", about="sustained load, multiplier")
    skill = Input("SD", rest=0, signal="mind.skill", about="trained mindfulness skill")
    breathing_minutes = Input(
        "minute/day", rest=0, signal="protocol.breathing_minutes", low=0, high=240, about="slow breathing practice"
    )
    il6_rest = Input("pg/mL", rest=1.2, signal="blood.il6_rest", about="own resting IL-6")
    il6 = Input("pg/mL", rest="resting_il6", signal="blood.il6", about="plasma IL-6")
    butyrate = Input("mM", rest="butyrate_rest", signal="colon.butyrate", about="luminal butyrate")
    scfa_total = Input("mM", rest="scfa_rest", signal="colon.scfa_total", about="luminal short-chain fatty acids")
    serotonin = Input("1", rest=1, signal="tryptophan.mucosal_serotonin", about="mucosal serotonin over own rest")
    physical_activity = Input("1", rest=1, signal="activity.level", about="daily activity over own habit")

    settle = Param(
        3, "1/day", source="assumed", grade="assumed", belief=LogNormal.gsd(3), about="tone follows its drivers"
    )
    tone_limit = Param(2, "1", source="assumed", grade="assumed", about="tone stays between 1/2 and 2 of own baseline")
    threat_gain = Param(
        0.357, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.7), about="-30 % at threat 1, a scenario"
    )
    load_gain = Param(
        0.88, "1", source="assumed", grade="assumed", belief=Uniform(0, 1.8), about="elasticity on chronic load"
    )
    set_point_rest = Param(
        92, "mmHg", source="Ursino1998", grade="published-model", about="pressure that the baroreflex defends"
    )
    set_point_gain = Param(
        8, "mmHg", source="assumed", grade="assumed", belief=Uniform(0, 16), about="central command raises it"
    )
    sympathetic_rest = Param(
        1, "1", source="Ursino1998", grade="published-model",
        about="gain of the sympathetic limb; a raised gain is not stress, leave at 1",
    )  # fmt: skip
    breathing_gain = Param(
        0.086, "1", source="Brown2021", grade="assumed", belief=Normal(sd=0.086),
        about="log tone at full training; no pooled size, set to that of the mindfulness estimate",
    )  # fmt: skip
    train_rate = Param(
        0.024, "1/day", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="at 45 minutes a day"
    )
    train_minutes = Param(45, "minute/day", source="assumed", grade="assumed", about="practice of that rate")
    forget_rate = Param(
        0.010, "1/day", source="assumed", grade="assumed", belief=LogNormal.gsd(2), about="loss without practice"
    )
    skill_gain = Param(
        0, "1/SD", source="Brown2021", grade="derived", belief=Uniform(-0.006, 0.178), closed=True,
        about="skill on log tone; the pooled estimate is compatible with 0 (prior: 0.086, SD 0.047)",
    )  # fmt: skip
    inflammation_gain = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.3), closed=True,
        about="IL-6 lowers tone; the same correlation already sets the vagal brake of inflammation",
    )  # fmt: skip
    activity_gain = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(-0.05, 0.10), closed=True,
        about="daily activity on log tone",
    )  # fmt: skip
    afferent_serotonin = Param(
        0, "1", source="assumed", grade="assumed", belief=Normal(sd=0.3), closed=True, about="5-HT3 afferents"
    )
    afferent_butyrate = Param(
        0, "1", source="Lal2001", grade="assumed", belief=Normal(sd=0.3), closed=True,
        about="butyrate on afferents: sign unresolved (firing falls in the pig, rises in rodents)",
    )  # fmt: skip
    afferent_scfa = Param(
        0, "1", source="assumed", grade="assumed", belief=Normal(sd=0.3), closed=True,
        about="all short-chain fatty acids on afferents: sign unresolved",
    )  # fmt: skip
    butyrate_rest = Param(
        18.1, "mM", source="Kettle2022", grade="derived", settled="colon.butyrate", about="own settled butyrate"
    )
    scfa_rest = Param(
        95.6, "mM", source="Kettle2022", grade="derived", settled="colon.scfa_total", about="own settled acids"
    )

    @term
    def resting_il6(self):
        """IL-6 rests at the person's own level."""
        return self.il6_rest

    @term
    def slow_drive(self):
        """Training, skill, load, inflammation and activity add up on the logarithm of tone."""
        raised = self.breathing_gain * self.breath_training + self.skill_gain * self.skill
        raised = raised + self.activity_gain * (self.physical_activity - 1)
        lowered = self.load_gain * log(self.chronic_load) + self.inflammation_gain * log(self.il6 / self.il6_rest)
        return raised - lowered

    @rate("tone")
    def settle_tone(self):
        """Resting tone follows its slow drivers within a day and never leaves half to twice the baseline."""
        limit = log(self.tone_limit)
        aim = exp(limit * tanh(self.slow_drive / limit))
        return self.settle * (aim - self.tone)

    @rate("breath_training")
    def train_breathing(self):
        """Regular slow breathing trains with saturation; the training fades when practice stops."""
        practice = self.breathing_minutes / self.train_minutes
        return self.train_rate * practice * (1 - self.breath_training) - self.forget_rate * self.breath_training

    @output("1")
    def efferent(self):
        """Threat withdraws vagal outflow at once."""
        return self.tone * exp(-self.threat_gain * self.threat)

    @output("mmHg")
    def set_point(self):
        """Central command raises the pressure that the baroreflex defends under threat."""
        return self.set_point_rest + self.set_point_gain * self.threat

    @output("1")
    def sympathetic(self):
        """The sympathetic gain stays at rest: stress is coded as a raised set point and vagal withdrawal."""
        return self.sympathetic_rest

    @output("1")
    def afferent(self):
        """Serotonin and microbial acids may change vagal afferent firing; no strength is known."""
        acids = power(self.butyrate / self.butyrate_rest, self.afferent_butyrate)
        acids = acids * power(self.scfa_total / self.scfa_rest, self.afferent_scfa)
        return power(self.serotonin, self.afferent_serotonin) * acids
