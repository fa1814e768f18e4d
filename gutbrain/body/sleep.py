"""Sleep timing, lost sleep, the internal clock and daily activity.

Nearly everything here is without a source; the file exists so that every sleep and clock signal has one
owner. No stages, no naps, no light: sleep is a share of the habitual window in bed.
"""

from gutbrain.model.compartment import Compartment, Input, Param, State, output, rate, term
from gutbrain.model.maths import exp, log, minimum, share_of_day, time_of_day
from gutbrain.model.spread import LogNormal, Normal, Uniform


class Sleep(Compartment):
    """Rumination, load and pain cost sleep inside the night's window; lost sleep is a debt that sleep pays back."""

    debt = State("night", start=0.0, low=-0.5, high=5, about="lost sleep, 1 = one whole night")
    clock_shift = State("hour", start=0.0, low=-12, high=12, about="internal clock minus wall clock")

    rumination = Input("point", rest="rumination_rest", signal="mind.rumination", about="rumination, 0-100")
    chronic_load = Input("1", rest=1, signal="mind.chronic_load", about="sustained load, multiplier")
    pain = Input("point", rest="pain_rest", signal="enteric.pain", about="gut pain, 0-10")
    il6_rest = Input("pg/mL", rest=1.2, signal="blood.il6_rest", about="own resting IL-6")
    il6 = Input("pg/mL", rest="resting_il6", signal="blood.il6", about="plasma IL-6")
    restriction = Input(
        "1", rest=0, signal="protocol.sleep_restriction", low=0, high=1, about="share of the window kept awake"
    )
    activity_set = Input("1", rest=1, signal="protocol.activity", low=0, high=5, about="daily activity over own habit")
    clock_shift_set = Input(
        "hour", rest=0, signal="protocol.clock_shift", low=-12, high=12, about="shift to which the clock entrains"
    )
    time = Input("day", rest=0, signal="clock.time", about="running wall-clock time")
    step_start = Input("day", rest=0, signal="clock.step_start", about="begin of the running step")
    step = Input("day", rest=0, signal="clock.step", about="length of the running step")

    chronotype = Param(
        0, "minute", source="assumed", grade="assumed", between=Normal(sd=60, grid=15),
        about="own habit, common to bed and wake time; on the grid of the step",
    )  # fmt: skip
    habitual_wake = Param(420, "minute", source="assumed", grade="assumed", about="07:00, since midnight")
    night = Param(
        8, "hour", source="assumed", grade="assumed", between=Normal(sd=0.7, grid=0.25, low=5, high=11),
        about="length of the window in bed; moves bed time",
    )  # fmt: skip
    efficiency_rest = Param(
        0.90, "1", source="assumed", grade="assumed", between=Normal(sd=0.05, low=0.6, high=0.98),
        about="share of the window asleep in ordinary life",
    )  # fmt: skip
    recovery_time = Param(
        12, "hour", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5),
        about="time asleep that pays back; one full night leaves 0.55 of a debt",
    )  # fmt: skip
    rumination_gain = Param(
        0.05, "1/SD", source="assumed", grade="assumed", belief=Uniform(0, 0.15), about="rumination disturbs sleep"
    )
    rumination_spread = Param(
        14, "point/SD", source="assumed", grade="assumed", about="between-person SD of rumination"
    )
    rumination_rest = Param(
        26.44, "point", source="assumed", grade="derived", settled="mind.rumination", about="own settled rumination"
    )
    load_gain = Param(0.10, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.3), about="load disturbs sleep")
    pain_gain = Param(
        0.03, "1/point", source="assumed", grade="assumed", belief=Uniform(0, 0.1), about="pain disturbs sleep"
    )
    pain_rest = Param(0.3, "point", source="assumed", grade="assumed", settled="enteric.pain", about="own settled pain")
    il6_gain = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(-0.1, 0.1), closed=True, about="IL-6 on sleep"
    )
    activity_gain = Param(
        0.02, "1", source="assumed", grade="assumed", belief=Uniform(-0.02, 0.06), about="activity deepens sleep"
    )
    entrainment_time = Param(
        5, "day", source="assumed", grade="assumed", belief=LogNormal.gsd(1.5), about="the internal clock follows"
    )

    @term
    def resting_il6(self):
        """IL-6 rests at the person's own level."""
        return self.il6_rest

    @output("minute")
    def wake_time(self):
        """The person's habitual wake time, since midnight on the internal clock."""
        return self.habitual_wake + self.chronotype

    @output("minute")
    def internal_clock(self):
        """Time of day on the internal clock: the wall clock plus its shift."""
        return time_of_day(self.time + self.clock_shift)

    @term
    def window(self):
        """Share of the running step inside the night's window on the internal clock."""
        bed_time = self.wake_time - self.night
        return share_of_day(self.step_start + self.clock_shift, self.step, bed_time, self.night)

    @output("1", signal="activity.level")
    def activity(self):
        """Daily activity over the person's habit; a lever."""
        return self.activity_set

    @term
    def disturbance(self):
        """Rumination, load, pain and IL-6 above the own rest disturb sleep; activity deepens it."""
        ruminating = self.rumination_gain * (self.rumination - self.rumination_rest) / self.rumination_spread
        loaded = self.load_gain * log(self.chronic_load) + self.il6_gain * log(self.il6 / self.il6_rest)
        hurting = self.pain_gain * (self.pain - self.pain_rest)
        return ruminating + loaded + hurting - self.activity_gain * (self.activity - 1)

    @output("1")
    def efficiency(self):
        """Share of the window that is slept."""
        undisturbed = minimum(self.efficiency_rest * exp(-self.disturbance), 1)
        return undisturbed * (1 - self.restriction)

    @output("1")
    def asleep(self):
        """Share of the running step that is slept."""
        return self.window * self.efficiency

    @output("hour")
    def duration(self):
        """Sleep per night if the present efficiency held for the whole window."""
        return self.efficiency * self.night

    @rate("debt")
    def lose_and_recover(self):
        """Sleep missed inside the window adds to the debt as a share of a night; sleep pays it back."""
        missed = self.window * (1 - self.efficiency / self.efficiency_rest) / self.night
        return missed - self.asleep * self.debt / self.recovery_time

    @rate("clock_shift")
    def entrain(self):
        """The internal clock drifts to the imposed shift over days."""
        return (self.clock_shift_set - self.clock_shift) / self.entrainment_time
