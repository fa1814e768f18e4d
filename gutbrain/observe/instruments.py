"""The ready-made measures: what a study of the axis can take, with every number's source and grade.

What no source gives is `assumed`, with a wide belief; a study that knows its own assay replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache

from gutbrain.errors import InputError
from gutbrain.observe.heart_parameters import HeartParameters
from gutbrain.observe.measure import Figure, Measure, Schedule
from gutbrain.observe.stool import DYE_NOISE, FORM_NOISE, FREQUENCY_NOISE

WEEK = tuple(range(-6, 1))
MORNING = Schedule(hours=(8.5,))
# What nobody printed: noise of one reading is known within a factor of two, a limit within a factor of three.
UNKNOWN_NOISE, UNKNOWN_LIMIT = 2.0, 3.0
MEAN_NOTE = "the run keeps daily means: time of day does not act on this reading"
GIVEN_UP = Figure(0.02, gsd=2)
# The residual of one typical form is shared by people and by stools of one person, in halves (assumed).
HALF_FORM = Figure(round(FORM_NOISE / 2**0.5, 2))


def _assumed(value: float, gsd: float = UNKNOWN_NOISE) -> Figure:
    return Figure(value, gsd=gsd)


def _prompt(name: str, signal: str, unit: str, swing: float, decay: float, high: float, about: str) -> Measure:
    return Measure(
        name, "prompts", signal, unit, (signal,), Schedule(days=(-2, -1, 0), prompts=6), spread="normal",
        noise=_assumed(swing, 1.5), missing=Figure(0.31, "measured", "ESMEighteen"), step=1, low=0, high=high,
        shares="prompts", more={"decay": Figure(decay, "recalled")},
        method=f"momentary rating 0 to {high:g}, prompted at random moments",
        note="swings of a person's ratings are drawn apart from each other: no coupling between them is put in",
        about=about,
    )  # fmt: skip


def _blood(name: str, signal: str, unit: str, *, noise: Figure, assay: Figure, limit: Figure | None = None,
           step: float = 0.01, method: str = "", about: str = "") -> Measure:  # fmt: skip
    return Measure(
        name, "reading", signal, unit, (signal,), MORNING, noise=noise, assay=assay, limit=limit, missing=GIVEN_UP,
        step=step, low=0, method=method, note=MEAN_NOTE, about=about,
    )  # fmt: skip


@cache
def measures() -> dict[str, Measure]:
    """Return the ready-made measures by name."""
    listed = (*_mind(), *_blood_and_saliva(), *_gut(), *_stool(), *_nights_and_practice(), *_heart())
    return {measure.name: measure for measure in listed}


def _mind() -> tuple[Measure, ...]:
    student = "PSS10Students"
    return (
        Measure(
            "pss-10", "form", "pss-10", "score", ("mind.negative_affect",), Schedule(hours=(9.0,)), spread="normal",
            missing=GIVEN_UP,
            more={
                "mean": Figure(15.40, "measured", student), "sd": Figure(7.00, "measured", student),
                "alpha": Figure(0.834, "measured", student), "facet": Figure(0.45, "derived", student),
                "item_noise": Figure(0.71, "derived", student), "recall_days": Figure(28),
                "affect_mean": Figure(19.48, "derived"), "affect_sd": Figure(12, "recalled"),
                "loading": _assumed(0.7, 1.2), "skipped": Figure(0.005),
            },
            method="ten answers 0 to 4 of a graded model around the expected score",
            note="no equation from affect to a questionnaire is known: the loading on 28 days of affect is assumed",
            about="Perceived Stress Scale, item answers",
        ),
        _prompt("negative affect", "mind.negative_affect", "point", 10, 0.70, 100, "momentary negative affect"),
        _prompt("positive affect", "mind.positive_affect", "point", 13, 0.60, 100, "momentary positive affect"),
        _prompt("rumination", "mind.rumination", "point", 11, 0.50, 100, "momentary rumination"),
        _prompt("pain", "enteric.pain", "point", 0.5, 0.70, 10, "momentary abdominal pain"),
    )  # fmt: skip


def _blood_and_saliva() -> tuple[Measure, ...]:
    return (
        _blood(
            "crp", "blood.crp", "mg/L", noise=_assumed(0.45), assay=_assumed(0.10), limit=_assumed(0.1, UNKNOWN_LIMIT),
            method="high-sensitivity assay", about="C-reactive protein; above 10 mg/L analyse with and without",
        ),
        _blood(
            "il-6", "blood.il6", "pg/mL", noise=_assumed(0.30), assay=Figure(0.64, "derived"),
            limit=_assumed(0.1, UNKNOWN_LIMIT), method="immunoassay", about="interleukin-6; compare within a study",
        ),
        _blood(
            "tryptophan", "blood.tryptophan", "umol/L", noise=Figure(0.185, "derived", "BEVITAL", 1.2),
            assay=_assumed(0.05), step=0.1, method="plasma; noise from ICC 0.51 at the spread of this model",
            about="plasma tryptophan",
        ),
        _blood(
            "kynurenine", "blood.kynurenine", "umol/L", noise=Figure(0.205, "derived", "BEVITAL", 1.2),
            assay=_assumed(0.05), method="plasma; noise from ICC 0.68 at the spread of this model",
            about="plasma kynurenine",
        ),
        Measure(
            "cortisol", "reading", "saliva.cortisol", "nmol/L", ("hpa.cortisol_salivary", "sleep.wake_time"),
            Schedule(hours=(1, 4, 9, 14), from_waking=True), noise=_assumed(0.20), assay=Figure(0.2),
            limit=_assumed(0.3, UNKNOWN_LIMIT), missing=Figure(0.05, gsd=2), step=0.01, low=0,
            divided_by="hpa.assay_factor", read="day curve",
            method="saliva; hours since waking",
            note="from mean, lowest and highest hour of the day on the settled curve of the reference person, "
            "within 4 to 9 % (9 % low in the first hour); other pulses and the awakening response cannot be read",
            about="diurnal profile of salivary cortisol",
        ),
    )  # fmt: skip


def _gut() -> tuple[Measure, ...]:
    return (
        Measure(
            "lactulose/mannitol", "reading", "urine.lactulose_mannitol", "1", ("barrier.lactulose_mannitol_ratio",),
            Schedule(hours=(8.0,)), noise=_assumed(0.39, 1.5), trait=_assumed(0.39, 1.5), missing=GIVEN_UP, step=0.0001,
            low=0, method="urine 0 to 2 h, fasting",
            note="the scatter of CV 0.6 mixes people and assay; it is split in halves here",
            about="two-sugar test of permeability; compare with the same person's control",
        ),
        Measure(
            "transit", "reading", "gut.transit", "hour", ("enteric.transit_hours",), Schedule(hours=(9.0,)),
            noise=Figure(DYE_NOISE, gsd=1.3), missing=Figure(0.05, gsd=2), step=0.1, low=0, high=240,
            method="blue dye, swallowing to first blue stool",
            note="the moments of stools do not bind the reading", about="whole-gut transit by blue dye",
        ),
        Measure(
            "stool form", "stools", "stool.form", "1", ("enteric.stool_form", "enteric.stools_per_week"),
            Schedule(days=WEEK), spread="normal", noise=HALF_FORM, trait=HALF_FORM, missing=Figure(0.1, gsd=2),
            step=1, low=1, high=7, shares="stool diary",
            more={"frequency_trait": Figure(FREQUENCY_NOISE), "regularity": _assumed(4, 1.5)},
            method="Bristol type, a row a stool",
            note="the residual of 0.85 is split in halves: people, and stools of one person", about="stool diary, form",
        ),
        Measure(
            "stool frequency", "stools", "stool.frequency", "1/week",
            ("enteric.stools_per_week",), Schedule(days=WEEK), missing=Figure(0.1, gsd=2), low=0, shares="stool diary",
            more={"frequency_trait": Figure(FREQUENCY_NOISE), "regularity": _assumed(4, 1.5)},
            method="stools over kept days of a seven-day diary", about="stool diary, stools a week",
        ),
    )  # fmt: skip


def _stool() -> tuple[Measure, ...]:
    acids = tuple(
        Measure(
            f"stool {acid}", "reading", f"stool.{acid}", "mmol/kg", (f"colon.{acid}",), Schedule(hours=(9.0,)),
            scale=Figure(0.63, "assumed", "Cummings1987", 1.3), noise=_assumed(0.35), assay=_assumed(0.25),
            limit=_assumed(0.5, UNKNOWN_LIMIT), missing=Figure(0.05, gsd=2), step=0.1, low=0, shares="stool acids",
            method="gas chromatography of wet stool",
            note="stool is not production: more than 95 % is absorbed; the lumen's concentration times what reaches "
            "the distal end (80 of 96 mM) and 0.75 kg water in a kg",
            about=f"{acid} in wet stool",
        )
        for acid in ("butyrate", "acetate", "propionate")
    )  # fmt: skip
    elderly = "Claesson2012"
    return (
        *acids,
        Measure(
            "16s", "counts", "stool", "count", ("colon.relative_abundance", "colon.richness"), Schedule(hours=(9.0,)),
            missing=Figure(0.05, gsd=2),
            more={
                "depth": Figure(100_000, "measured", "David2014"), "depth_spread": Figure(0.7, "measured", "David2014"),
                "concentration": Figure(130, "fitted", "David2014", 1.3),
                "bias": Figure(0.5, "derived", "Lahti2014", 1.3),
                "genus_spread": _assumed(1.0, 1.5), "other": Figure(0.00192, "measured", elderly),
                "other_spread": Figure(1.5, "derived", elderly),
            },
            method="16S rRNA gene, reads by genus; Dirichlet-multinomial",
            note="group shares times one bias a group and study; genera inside a group keep the entropy of the person, "
            "which richness moves; which genus leads is drawn",
            about="sequencing of stool",
        ),
    )  # fmt: skip


def _nights_and_practice() -> tuple[Measure, ...]:
    return (
        Measure(
            "sleep duration", "reading", "sleep.duration", "hour", ("sleep.duration",),
            Schedule(days=WEEK, hours=(7.5,)), spread="normal", noise=_assumed(0.7, 1.5), trait=_assumed(0.3),
            missing=Figure(0.15, gsd=1.5), step=0.25, low=0, high=16, shares="sleep diary", method="morning diary",
            about="time asleep, by diary",
        ),
        Measure(
            "waking", "reading", "sleep.wake_time", "hour", ("sleep.wake_time",), Schedule(hours=(7.5,)),
            spread="normal", scale=Figure(1 / 60, "derived"), noise=_assumed(0.0), low=0, high=24,
            method="clock time of waking, hours after midnight, of the day on which saliva is taken",
            note="noted without error", about="true waking time",
        ),
        Measure(
            "sleep efficiency", "reading", "sleep.efficiency", "percent", ("sleep.efficiency",),
            Schedule(days=WEEK, hours=(7.5,)), spread="normal", scale=Figure(100, "derived"), noise=_assumed(5, 1.5),
            trait=_assumed(2), missing=Figure(0.15, gsd=1.5), step=1, low=0, high=100, shares="sleep diary",
            method="morning diary, time asleep over time in bed", about="sleep efficiency, by diary",
        ),
        Measure(
            "practice", "practice", "practice.minutes", "minute",
            ("mind.practice_minutes", "mind.practice_kept"), Schedule(days=WEEK, hours=(21.0,), skip_before=True),
            noise=_assumed(0.20, 1.5), missing=Figure(0.20, gsd=1.5), step=5, low=0, high=1440,
            method="evening diary of formal practice; days without practice are 0",
            note="only of people to whom practice is assigned; what people report is taken as what they did",
            about="minutes of formal practice",
        ),
    )  # fmt: skip


def _heart() -> tuple[Measure, ...]:
    strength = Figure(HeartParameters().between_vagal, "derived")
    vagal = {"vagal_spread": strength, "breathing_rate": Figure(15), "tidal_volume": Figure(0.5)}
    return (
        Measure(
            "rmssd", "reading", "heart.rmssd", "ms", ("vagus.tone",), Schedule(hours=(10.0,)),
            noise=_assumed(0.15, 1.5), missing=GIVEN_UP, step=0.1, low=0.5, high=400, read="resting heart", more=vagal,
            method="5 min at rest, 15 breaths a minute",
            note="closed form of the heart-beat model, trusted for a vagal drive of 0.7 to 1.3; noise is more than "
            "the 0.041 of a record's length, as days differ by an amount not known",
            about="resting heart rate variability",
        ),
        Measure(
            "beats", "beats", "heart.rr", "ms", ("vagus.tone",), Schedule(hours=(10.0,)), missing=GIVEN_UP, step=1,
            shares="rmssd", more=vagal | {"seconds": Figure(300)},
            method="simulated record of 5 min at rest", note="takes some seconds", about="resting record of heartbeats",
        ),
    )  # fmt: skip


# What a run takes if nobody says otherwise: all but the beats, which take longer than the rest together.
DEFAULT = (
    "pss-10", "negative affect", "positive affect", "rumination", "pain", "crp", "il-6", "tryptophan", "kynurenine",
    "cortisol", "lactulose/mannitol", "transit", "stool form", "stool frequency", "stool butyrate", "stool acetate",
    "stool propionate", "16s", "sleep duration", "sleep efficiency", "waking", "practice",
    "rmssd",
)  # fmt: skip


def find_measure(name: str) -> Measure:
    """Return one ready-made measure.

    Raises
    ------
    InputError
        If there is none of this name; names the nearest.
    """
    known = measures()
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    raise InputError(f"no measure {name!r}{guess}", mend=f"Known are {', '.join(known)}")


def choose(wanted: Sequence[str | Measure]) -> list[Measure]:
    """Return measures, ready-made ones by their names.

    Raises
    ------
    InputError
        For an unknown name, or one that stands twice.
    """
    chosen = [find_measure(one) if isinstance(one, str) else one for one in wanted]
    names = [measure.name for measure in chosen]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"measure {twice[0]!r} stands twice", mend="Name it once, or give the other another name")
    return chosen


def measure_rows() -> tuple[Sequence[tuple[str, ...]], tuple[str, ...]]:
    """Return the measures as rows of text and their heads, for `gutbrain show measures`."""
    rows = []
    for measure in measures().values():
        noise = "" if not measure.noise.value else f"{measure.noise.value:g}"
        if noise:
            noise += f" {'SD of ln' if measure.spread == 'log-normal' else measure.unit} ({measure.noise.grade})"
        grades = sorted({figure.grade for figure in measure.figures().values()})
        rows.append((measure.name, measure.quantity, measure.unit, ", ".join(measure.signals),
                     measure.schedule.words(), noise, ", ".join(grades), measure.about))  # fmt: skip
    return rows, ("measure", "gives", "unit", "reads", "when", "noise", "grades", "about")


def number_rows(pattern: str = "") -> tuple[Sequence[tuple[str, ...]], tuple[str, ...]]:
    """Return every number of the measures whose name holds the pattern: value, belief, grade, source."""
    rows = [
        (measure.name, name, f"{figure.value:g}", "" if figure.gsd == 1 else f"x/ {figure.gsd:g}", figure.grade,
         figure.source)
        for measure in measures().values() if pattern in measure.name
        for name, figure in measure.figures().items()
    ]  # fmt: skip
    return rows, ("measure", "number", "value", "belief", "grade", "source")
