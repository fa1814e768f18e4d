"""Appraisal of daily events: stress as felt, the threat that the body answers, and the slow load.

A floor keeps ordinary hassles from the body. No signal of the gut reaches threat.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, events, output, rate, term
from gutbrain.model.maths import clip, exp, maximum, minimum, share_of_day
from gutbrain.model.spread import LogNormal, Normal, Uniform

ORDINARY_STRESSOR = 0.1416435566333533  # two events a day, log SD 0.5, decay 1.5 h: 2 exp(0.125) 1.5/24


class Appraisal(Compartment):
    """Daily events add up and fade; skill shrinks how large they seem, and what passes a floor is a threat."""

    place = "mind"

    stressor = State("1", start=ORDINARY_STRESSOR, low=0, high=3, about="fading sum of events, 1 = median event")
    allostatic_load = State("1", start="load_rest", low=0, high=1, about="slow load of appraised stress")

    skill = Input("SD", rest=0, signal="mind.skill", about="mindfulness skill")
    affect_daily_z = Input("SD", rest=0, signal="mind.affect_daily_z", about="daily mean of negative affect")
    rumination_daily_z = Input("SD", rest=0, signal="mind.rumination_daily_z", about="daily mean of rumination")
    imposed_threat = Input(
        "1", rest=0, signal="protocol.threat", low=0, high=1, about="laboratory or imposed threat, 1 = public speech"
    )
    imposed_load = Input(
        "1", rest=1, signal="protocol.chronic_load", low=0.5, high=2, about="sustained stress, multiplier"
    )
    event_rate = Input(
        "1", rest=1, signal="protocol.event_rate", low=0, high=10, about="daily events over their ordinary rate"
    )
    stress_event = Input(
        "1/day", rest="ordinary_event_load", signal="protocol.stress_event", low=0,
        about="summed size of events a day, 1 = median event",
    )  # fmt: skip
    drawn = Input("1", rest=0, signal="run.noise", about="1 = events are drawn, 0 = their mean flows in")
    step_start = Input("day", rest=0, signal="clock.step_start", about="begin of the running step")
    step = Input("day", rest=0, signal="clock.step", about="length of the running step")

    events_per_day = Param(
        2, "1/day", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="ordinary life"
    )
    event_size = Param(1, "1", source="assumed", grade="assumed", about="median event: the unit of the stressor")
    event_log_sd = Param(0.5, "1", source="assumed", grade="assumed", about="events differ in size")
    waking_start = Param(7, "hour", source="assumed", grade="assumed", about="events are drawn from here on")
    waking_duration = Param(16, "hour", source="assumed", grade="assumed", about="no events during sleep")
    day_length = Param(24, "hour", source="assumed", grade="derived", about="by definition")
    stressor_decay_time = Param(
        1.5, "hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="an event fades"
    )
    stressor_cap = Param(3, "1", source="assumed", grade="assumed", about="strongest stress that can be felt")
    appraisal_gain = Param(
        0.35, "1/SD", source="Goyal2014", grade="fitted", belief=LogNormal(log_sd=0.35),
        about="skill shrinks the perceived size of events; belief as wide as the interval of the trials",
    )  # fmt: skip
    threat_reference = Param(
        3, "1", source="assumed", grade="assumed", belief=Uniform(2, 4), about="stressor of public speech"
    )
    threat_floor = Param(
        1, "1", source="assumed", grade="assumed", belief=Uniform(0.5, 1.5),
        about="a median hassle is felt but starts no bodily response",
    )  # fmt: skip
    load_rest = Param(0.2, "1", source="assumed", grade="assumed", about="allostatic load of ordinary life")
    load_time = Param(30, "day", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="load is slow")
    load_drive_gain = Param(
        0, "1", source="assumed", grade="assumed", belief=Normal(sd=0.5), closed=True,
        about="load on the stress axis; no strength and no size of prior is known",
    )  # fmt: skip
    affect_drive_gain = Param(
        0, "1/SD", source="assumed", grade="assumed", belief=Normal(sd=0.05), closed=True,
        about="daily negative affect on the stress axis; closes gut, mood, stress, gut",
    )  # fmt: skip
    rumination_drive_gain = Param(
        0, "1/SD", source="assumed", grade="assumed", belief=Normal(sd=0.05), closed=True,
        about="daily rumination on the stress axis",
    )  # fmt: skip

    @term
    def ordinary_event_load(self):
        """Ordinary life: events a day times their mean size."""
        return self.events_per_day * self.event_size * exp(self.event_log_sd**2 / 2)

    @term
    def stressor_rest(self):
        """Mean of the event process over the day."""
        return self.ordinary_event_load * self.stressor_decay_time

    @term
    def load_weight(self):
        """Ordinary life without skill must give the load of ordinary life."""
        return self.load_rest / self.stressor_rest

    @term
    def perceived(self):
        """Skill shrinks how large an event seems, not the event."""
        return exp(-self.appraisal_gain * self.skill)

    @output("1")
    def appraised_stress(self):
        """Stress as felt, from events and imposed threat, for affect and load."""
        sum_ = self.stressor + self.threat_reference * self.imposed_threat
        return minimum(sum_, self.stressor_cap) * self.perceived

    @output("1")
    def threat(self):
        """Appraised stress as the body reads it: 0 below the floor, 1 at public speech without skill."""
        above = maximum(self.stressor * self.perceived - self.threat_floor, 0)
        of_events = above / (self.threat_reference - self.threat_floor)
        return clip(of_events + self.imposed_threat * self.perceived, 0, 1)

    @output("point")
    def threat_rating(self):
        """Stress rated from 0 to 10 above ordinary life."""
        above = self.appraised_stress - self.stressor_rest
        return 10 * clip(above / (self.threat_reference - self.stressor_rest), 0, 1)

    @output("1")
    def chronic_load(self):
        """Sustained load on the stress axis; load, affect and rumination act only when opened."""
        of_load = 1 + self.load_drive_gain * (self.allostatic_load - self.load_rest)
        of_affect = self.affect_drive_gain * self.affect_daily_z + self.rumination_drive_gain * self.rumination_daily_z
        return self.imposed_load * of_load * exp(of_affect)

    @rate("stressor")
    def fade_events(self):
        """Events flow in at their mean, unless they are drawn, and fade within hours."""
        inflow = self.event_rate * maximum(self.stress_event - self.drawn * self.ordinary_event_load, 0)
        return inflow - self.stressor / self.stressor_decay_time

    @events("stressor")
    def daily_events(self):
        """Events come at random while awake: rate, median size, log SD of the size."""
        awake = share_of_day(self.step_start, self.step, self.waking_start, self.waking_duration)
        rate_awake = self.events_per_day * self.day_length / self.waking_duration
        return self.event_rate * rate_awake * awake, self.event_size, self.event_log_sd

    @rate("allostatic_load")
    def build_load(self):
        """Load follows appraised stress over a month."""
        return (self.load_weight * self.appraised_stress - self.allostatic_load) / self.load_time
