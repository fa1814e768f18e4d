"""Practice: how much of an assigned exercise is done, the habit and skill it builds, and the
non-specific gain of being in a trial.

Same-day state mindfulness and slow skill are two paths on purpose: the same-day dose does not add
up over three weeks, while skill must grow over weeks to meet trials. Drop-out belongs to protocols.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import minimum, sigmoid
from gutbrain.model.spread import LogNormal, Normal, Uniform


class Practice(Compartment):
    """Assigned practice is partly kept, turns into habit, and slowly builds mindfulness skill."""

    place = "mind"

    skill = State("SD", start=0.0, low=0, high=2, about="acquired mindfulness skill")
    habit = State("1", start=0.0, low=0, high=1, about="automaticity of practice")
    nonspecific_gain = State("point", start=0.0, low=-10, high=10, about="relief by contact and expectancy in a trial")

    affect_weekly_z = Input("SD", rest=0, signal="mind.affect_weekly_z", about="weekly mean of negative affect")
    assigned = Input(
        "minute/day", rest=0, signal="protocol.practice_assigned", low=0, high=240, about="practice that is assigned"
    )
    course_running = Input(
        "1", rest=0, signal="protocol.course_running", low=0, high=1, about="a course is held, 0 or 1"
    )
    nonspecific_target = Input(
        "point", rest=0, signal="protocol.nonspecific_target", low=-10, high=10,
        about="relief that contact and expectancy of this arm lead to",
    )  # fmt: skip
    builds_skill = Input(
        "1", rest=1, signal="protocol.practice_builds_skill", low=0, high=1, about="the practice trains mindfulness"
    )

    practice_logit = Param(-1.7, "1", source="Parsons2017", grade="fitted", about="odds of practising on a day")
    habit_logit = Param(1, "1", source="Parsons2017", grade="fitted", about="what full habit adds")
    course_logit = Param(3, "1", source="Parsons2017", grade="fitted", about="what a running course adds")
    adherence_affect_gain = Param(
        -0.3, "1/SD", source="assumed", grade="assumed", belief=Normal(sd=0.3), about="low mood keeps from practice"
    )
    propensity = Param(
        0, "1", source="Parsons2017", grade="fitted", between=Normal(sd=1.3), about="own leaning to practise"
    )
    shortest_practice = Param(
        1, "minute/day", source="assumed", grade="assumed", about="an assignment counts in full from here on"
    )
    session_share = Param(0.75, "1", source="Parsons2017", grade="fitted", about="share of a session that is done")
    session_share_after = Param(0.6, "1", source="assumed", grade="assumed", about="shorter sessions after the course")
    reference_practice = Param(
        45, "minute/day", source="Goyal2014", grade="fitted", about="practice to which the skill rate refers"
    )
    skill_rate = Param(0.024, "1/day", source="Goyal2014", grade="fitted", about="skill gained at full practice")
    skill_response = Param(
        1, "1", source="assumed", grade="assumed", between=LogNormal(log_sd=0.3), about="own response to practice"
    )
    skill_ceiling = Param(2, "SD", source="Goyal2014", grade="fitted", about="skill that nobody passes")
    skill_loss = Param(0.010, "1/day", source="Goyal2014", grade="fitted", about="skill fades without practice")
    habit_rate = Param(
        0.045, "1/day", source="Lally2010", grade="measured", between=LogNormal.gsd(2.2), about="3 over median 66 days"
    )
    habit_loss = Param(0.012, "1/day", source="assumed", grade="assumed", about="one missed day is immaterial")
    nonspecific_rise = Param(
        7, "day", source="assumed", grade="assumed", belief=Uniform(3, 21), about="expectancy builds in a course"
    )
    state_gain = Param(
        0.004, "point*day/minute", source="Levi2021", grade="measured", about="state mindfulness per minute of the day"
    )

    @term
    def inclination(self):
        """Chance of practising on a day: habit and a course help, low mood hinders."""
        return sigmoid(
            self.practice_logit
            + self.habit_logit * self.habit
            + self.course_logit * self.course_running
            + self.adherence_affect_gain * self.affect_weekly_z
            + self.propensity
        )

    @output("1")
    def practice_kept(self):
        """Share of days with practice; nothing is kept where nothing is assigned."""
        return self.inclination * minimum(self.assigned / self.shortest_practice, 1)

    @output("minute/day")
    def practice_minutes(self):
        """Minutes practised a day: sessions are cut short, more so once the course is over."""
        held = self.session_share_after + (1 - self.session_share_after) * self.course_running
        return self.practice_kept * self.assigned * self.session_share * held

    @output("point")
    def mindfulness_state(self):
        """Same-day change of state mindfulness; it does not add up over days."""
        return self.state_gain * self.practice_minutes

    @rate("skill")
    def build_skill(self):
        """Practice builds skill towards a ceiling; skill fades slowly."""
        dose = self.builds_skill * self.practice_minutes / self.reference_practice
        gained = self.skill_rate * self.skill_response * dose * (self.skill_ceiling - self.skill)
        return gained - self.skill_loss * self.skill

    @rate("habit")
    def build_habit(self):
        """Days with practice build the habit, days without wear it."""
        gained = self.habit_rate * self.practice_kept * (1 - self.habit)
        return gained - self.habit_loss * (1 - self.practice_kept) * self.habit

    @rate("nonspecific_gain")
    def build_expectancy(self):
        """Contact and expectancy build up while the course runs and fade after it."""
        rise = self.course_running * (self.nonspecific_target - self.nonspecific_gain) / self.nonspecific_rise
        return rise - (1 - self.course_running) * self.skill_loss * self.nonspecific_gain
