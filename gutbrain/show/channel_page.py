"""The report of a channel: what passes each way, what goes round, and how far the straight line holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from gutbrain.evidence.claims import UNSOURCED, lowest_grade
from gutbrain.run.channel import PERIODS, Answer
from gutbrain.run.channel_people import HEALTHY, OPENED, SMALL, SOURCED, STRESSED, Channel
from gutbrain.show.channel_figures import bode, loop_figure, picture, range_figure, steps, strongest
from gutbrain.show.channel_words import (
    WAYS,
    certainty_said,
    gain_unit,
    input_name,
    percent_said,
    push_said,
    time_said,
    times_said,
    way_said,
)
from gutbrain.show.page import Block, Figure, Items, Picture, Report, Section, Table, Text
from gutbrain.show.words import number, signal_name

FOOTER = "Made by gutbrain. It shows what assumptions imply; it is no medical advice."
FAR = 25.0  # per cent: a linear answer that misses a usual push by more is called off
LIMITS = (
    "Answers are linear: they hold for small pushes around one day. A run of the full model stands beside them below.",
    "What acts on one side of rest only (immune activity in the gut wall above 1, IL-6 above its rest) is taken on the "
    "side to which the push moves it. A push the other way answers differently.",
    "Slopes are averaged over the hours of a day. Where rhythm and answer move together, as in the HPA axis, that "
    "errs; changes faster than a day are told less well than slow ones.",
    "The stressed person is not at rest: the state at the end of the weeks of stress is taken, with the levers held at "
    "their mean of a stressed day.",
    "An arrow without a source is a number that somebody chose. What passes through such arrows is a scenario.",
)  # fmt: skip


def channel_report(found: Channel, command: str = "") -> Report:
    """Put the report together.

    Parameters
    ----------
    command : the command line that made it
    """
    everything = [one for answers in found.answers.values() for one in answers]
    lowest = lowest_said(everything)
    sections = [Section("The two ways", _picture(found), lowest)]
    for way in (way for way in WAYS if any(pair.way == way for pair in found.pairs)):
        own = [one for one in everything if one.pair.way == way]
        sections.append(Section(WAYS[way], _way(found, way, own), lowest_said(own)))
    loops = certainty_said(lowest_grade([one.grade for one in found.rounds.values() if one.grade] or ["structure"]))
    sections.append(Section("Round the loop", _loop(found), f"{loops}, of the arrows that are cut"))
    if len(found.worlds):
        sections.append(Section("With closed arrows opened", _worlds(found), certainty_said(UNSOURCED)))
    if len(found.check):
        sections.append(Section("Does the straight line hold?", _check(found), lowest))
    sections.append(Section("What this cannot say, and how it was made", _method(found, command)))
    people = " and ".join(f"a {person} person" for person in found.people)
    return Report("The axis as a two-way channel", f"Axis {found.axis}, linearised around a day of {people}.",
                  verdict(found), sections, FOOTER, certainty=lowest)  # fmt: skip


def lowest_said(own: Sequence[Answer]) -> str:
    """Return the weakest grade on any way of some answers, in words."""
    return certainty_said(lowest_grade([one.grade for one in own if one.grade] or ["structure"]))


def verdict(found: Channel) -> list[str]:
    """Return the short answer, in sentences."""
    said = []
    first = found.people[0]
    for way, name in (("down", "From brain to gut"), ("up", "From gut to brain")):
        own = strongest([one for one in found.answers[first] if one.pair.way == way])
        if not own:
            if any(pair.way == way for pair in found.pairs):
                said.append(f"{name} nothing passes of what was asked.")
            continue
        one = next((one for one in own if not _missed(found, one)), own[0])
        told = "" if one is own[0] else ", of what a straight line can tell"
        push = f"a usual push ({push_said(one)}) of {_lower(input_name(one.pair.by))}"
        text = f"{name}, in a {first} person, {push} moves {_lower(signal_name(one.pair.to))} most{told}: "
        text += f"by {percent_said(one.usual_percent)}, half of it after {time_said(one.half_time)}"
        twin = next((two for name_, answers in found.answers.items() if name_ != first
                     for two in answers if two.pair == one.pair), None)  # fmt: skip
        text += f"; after weeks of stress by {percent_said(twin.usual_percent)}." if twin is not None else "."
        said.append(text + _missed(found, one))
    for person, loop in found.rounds.items():
        if not loop.wires:
            said.append(f"In the {person} person nothing goes round: no arrow up reaches one down again.")
            continue
        said.append(
            f"Once round the loop, at most {number(100 * loop.margins.strongest)} % of a change comes back in the "
            f"{person} person; all arrows up together could be {_margin(loop.margins.gain)} before rest were lost."
        )
    ways = [one for one in found.answers[first] if one.grade]
    unsourced = sum(one.grade == UNSOURCED for one in ways)
    said.append(
        f"{unsourced} of {len(ways)} ways hold at least one arrow without a source: what is shown is what the "
        "assumptions "
        "imply, not what was measured in people."
    )
    return said


def _margin(gain: float) -> str:
    return f"{number(gain)} times as strong" if np.isfinite(gain) else "a million times as strong"


def _missed(found: Channel, one: Answer) -> str:
    """Say it where the full model answers otherwise to that push."""
    if not len(found.check):
        return ""
    own = found.check.filter((pl.col("input") == one.pair.by) & (pl.col("output") == one.pair.to), size="large")
    for row in own.to_dicts():
        if np.isfinite(row["error"]) and abs(row["error"]) > FAR:
            run = 100 * row["run"] / abs(one.level)
            return f" The full model gives {percent_said(run)} for this push: it is too large for a straight line."
    return ""


def _lower(name: str) -> str:
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _picture(found: Channel) -> list[Block]:
    caption = (
        "The largest answers of each way to a usual push, in per cent of where the output stands, and when half of "
        "the "
        "answer is there."
    )
    return [Picture(picture(found), caption)]


def _way(found: Channel, way: str, own: Sequence[Answer]) -> list[Block]:
    blocks: list[Block] = []
    if any(one.gain for one in own):
        blocks += [
            Figure(bode(found, way), "Size of the answer to a usual push that comes and goes over the period, in per "
                   "cent of where the output stands (both axes logarithmic). Where a curve is flat to its right end, "
                   "so slow a change passes whole.", f"gain {way}"),
            Figure(steps(found, way), "Answer to a usual push that begins on day 0 and stays: lines, the linear answer"
                   f"{_dots(found)}.", f"steps {way}"),
        ]  # fmt: skip
    return [*blocks, _gains(found, way), _speeds(found, way)]


def _dots(found: Channel) -> str:
    """Say what the dots are, where the full model was run."""
    if HEALTHY not in found.people or not len(found.runs):
        return ""
    part = f"1/{round(1 / SMALL)} of the push (filled, scaled up)"
    return f"; dots, the full model in the healthy person at {part} and at the whole push (open)"


def _gains(found: Channel, way: str) -> Table:
    rows = []
    first = found.people[0]
    for place, one in enumerate(found.answers[first]):
        if one.pair.way != way:
            continue
        row = {"input": input_name(one.pair.by), "output": signal_name(one.pair.to)}
        for person in found.people:
            two = found.answers[person][place]
            row |= {f"gain_{person}": _signed(two.gain), f"percent_{person}": percent_said(two.usual_percent)}
        rows.append(row | {
            "unit": gain_unit(one), "push": push_said(one), "elastic": _signed(one.elasticity),
            "sourced": _signed(one.sourced_gain) if one.grade else "–", "grade": certainty_said(one.grade),
        })  # fmt: skip
    heads = {"input": "Pushed", "output": "Answers"}
    heads |= {f"gain_{person}": f"Gain, {person}" for person in found.people} | {"unit": "Unit", "push": "Usual push"}
    heads |= {f"percent_{person}": f"Answer to it, {person}" for person in found.people}
    heads |= {"elastic": f"% per %, {first}", "sourced": "Gain, sourced arrows only",
              "grade": "Lowest certainty"}  # fmt: skip
    right = frozenset(name for name in heads if name.startswith(("gain", "percent", "elastic", "sourced", "push")))
    return Table(pl.DataFrame(rows), "Gain: what a lasting push leads to in the end", heads, right)


def _speeds(found: Channel, way: str) -> Table:
    rows = []
    for person, answers in found.answers.items():
        for one in answers:
            if one.pair.way == way and one.gain:
                peak = f"× {number(one.peak)} at {time_said(one.peak_period)}" if np.isfinite(one.peak) else "–"
                rows.append((
                    way_said(one), person, time_said(one.half_time), time_said(one.delay), time_said(one.bandwidth),
                    peak, _phase(one, 1.0), _phase(one, 7.0), certainty_said(one.grade)))  # fmt: skip
    names = ["way", "person", "half", "delay", "band", "peak", "day", "week", "grade"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").sort("way", maintain_order=True)
    heads = {
        "way": "Way", "person": "Person", "half": "Half of a step after", "delay": "Mean delay", "band": "Bandwidth",
        "peak": "Peak", "day": "Phase, daily", "week": "Phase, weekly", "grade": "Lowest certainty",
    }  # fmt: skip
    caption = (
        "Speed: mean delay, the group delay of slow changes (below 0 where a first answer is partly taken back); "
        "bandwidth, the period at which 71 % of the lasting answer is left; peak, where an answer is larger than that "
        "to a lasting push; phase in degrees, below 0 behind the push"
    )
    return Table(frame, caption, heads, frozenset(("half", "delay", "band", "day", "week")))


def _phase(one: Answer, period: float) -> str:
    real, imaginary = (
        np.interp(np.log(period), np.log(PERIODS), part) for part in (one.response.real, one.response.imag)
    )
    return f"{number(float(np.degrees(np.angle((real + 1j * imaginary) / np.sign(one.gain)))), 3)}°"


def _signed(value: float) -> str:
    return f"+{number(value, 3)}" if np.isfinite(value) and value > 0 else number(value, 3)


def _loop(found: Channel) -> list[Block]:
    if not any(one.wires for one in found.rounds.values()):
        return [Text("No arrow from the gut half reaches, through the brain half, an arrow that comes back to it.")]
    rows = []
    for person, one in found.rounds.items():
        own = one.margins
        lasting = own.strongest_period == np.inf
        where = "lasting changes" if lasting else f"a period of {time_said(own.strongest_period)}"
        back = f"{number(own.strongest)} at {where}"
        rows += [
            ("Largest loop gain", person, back),
            ("Loop gain of lasting changes", person, number(own.lasting)),
            ("Gain margin: all arrows up may be multiplied by", person, times_said(own.gain)),
            ("The same, by multiplying them until a push grows", person, times_said(one.by_scaling)),
            ("Phase margin", person, f"{number(own.phase)}°" if np.isfinite(own.phase) else "any"),
            ("Delay margin", person, time_said(own.delay) if np.isfinite(own.delay) else "any delay is survived"),
            ("A push in the loop fades with", person, time_said(-1 / one.growth) if one.growth < 0 else "it grows"),
        ]
    frame = pl.DataFrame(rows, schema=["what", "person", "value"], orient="row").pivot(
        "person", index="what", values="value", sort_columns=False)  # fmt: skip
    wires = list(dict.fromkeys(wire for one in found.rounds.values() for wire in one.wires))
    heads = {"what": ""} | {person: person.capitalize() for person in found.rounds}
    return [
        Text("The loop is opened where signals leave the gut half for the brain half. Of what is sent up there, a "
             "share comes back after the brain has answered and the gut has answered to that. With several arrows cut, "
             "the share is the largest characteristic locus of the return matrix."),
        Figure(loop_figure(found.rounds), "Loop gain over the period of a change, both axes logarithmic.",
               "loop gain"),
        Table(frame, "Loop gain and margins", heads),
        Text(f"Cut: {'; '.join(wires)}. Sleep is counted with the brain, so arrows into sleep are cut as well."),
        Text(f"The loop of inflammation within the gut (immune activity, gut wall, translocation) has gain "
             f"{number(found.mucosal)} at rest by the formula of the axis; at 1 rest is lost. Its numbers are assumed, "
             "no "
             "source."),
    ]  # fmt: skip


def _worlds(found: Channel) -> list[Block]:
    person = found.people[0]
    blocks: list[Block] = [
        Text("Most arrows from gut to brain have no accepted strength and are closed. Here every strength is drawn "
             "from "
             f"its belief, once with these arrows closed, once opened at their prior: {', '.join(found.opened)}."),
    ]  # fmt: skip
    chart = range_figure(found, person)
    if chart is not None:
        blocks.append(Figure(chart, f"Static answers of a {person} person in 90 % of worlds, dot: the middle one "
                                    "(scale "
                             "linear near 0, logarithmic beyond 0.1 %). Opened arrows are assumed, no source: a wide "
                             "bar "
                             "is what is not known, not an effect.", "opened arrows"))  # fmt: skip
    rows = []
    for row in found.loops.to_dicts():
        said = f"{number(row['middle'])} ({number(row['low'])} to {number(row['high'])})"
        rows.append((row["person"], row["arrows"], said, f"{row['lost']} of {row['worlds']}"))
    frame = pl.DataFrame(rows, schema=["person", "arrows", "gain", "lost"], orient="row")
    heads = {
        "person": "Person",
        "arrows": "Closed arrows",
        "gain": "Loop gain, median (90 %)",
        "lost": "Worlds without rest",
    }
    caption = "Largest loop gain in the same worlds"
    return [*blocks, Table(frame, caption, heads, frozenset(("gain", "lost"))), _range_table(found)]


def _range_table(found: Channel) -> Table:
    rows = []
    for row in found.worlds.to_dicts():
        said = f"{number(row['middle'])} ({number(row['low'])} to {number(row['high'])})"
        rows.append((f"{input_name(row['input'])} → {signal_name(row['output'])}", row["person"], row["arrows"], said))
    frame = pl.DataFrame(rows, schema=["way", "person", "arrows", "gain"], orient="row").pivot(
        "arrows", index=["way", "person"], values="gain", sort_columns=False)  # fmt: skip
    heads = {"way": "Way", "person": "Person", SOURCED: "As sourced", OPENED: "Opened"}
    caption = "Static gains, unit per unit: median (90 % of worlds)"
    return Table(frame, caption, heads, frozenset((SOURCED, OPENED)), folded=True)


def _check(found: Channel) -> list[Block]:
    rows = []
    for row in found.check.to_dicts():
        rows.append((f"{input_name(row['input'])} → {signal_name(row['output'])}", number(row["push"]),
                     number(row["linear"], 3), number(row["run"], 3),
                     percent_said(row["error"]) if np.isfinite(row["error"]) else "too small to see"))  # fmt: skip
    frame = pl.DataFrame(rows, schema=["way", "push", "linear", "run", "error"], orient="row")
    small = found.check.filter(pl.col("size") == "small")["error"].drop_nans().abs()
    large = found.check.filter(pl.col("size") == "large")["error"].drop_nans().abs()
    days = found.check["days"][0]
    within = int((small <= 5).sum())
    words = (
        f"Each lever was pushed in the full model for {days} days, by a usual push and by 1/{round(1 / SMALL)} of it. "
        "Of "
        f"{len(small)} answers that can be seen, {within} lie within 5 % of the linear one for the small push (median "
        f"error {number(_median(small))} %); for the usual push the median error is "
        f"{number(_median(large))} %. Where the small push errs as well, the answer has a threshold, "
        "or follows the rhythm of the day."
    )
    heads = {"way": "Way", "push": "Push", "linear": "Linear answer", "run": "Full model", "error": "Error"}
    caption = "Last day, healthy person, unit of the output"
    return [
        Text(words),
        Table(frame, caption, heads, frozenset(("push", "linear", "run", "error")), folded=len(rows) > 12),
    ]


def _median(errors: pl.Series) -> float:
    return float(np.median(errors.to_numpy())) if len(errors) else 0.0


def _method(found: Channel, command: str) -> list[Block]:
    how = [
        "Healthy: the reference person, settled at rest.",
        f"Stressed: the same person after {number(found.weeks, 3)} weeks of more load, more events and an hour of "
        "threat a "
        "day.",
        "A usual push: for levers of stress, their mean over such a day; else 0.3 of the way from rest to the highest "
        "value of a lever, or of where a signal stands. A push "
        "on a "
        "signal is felt by all other compartments that read it.",
        "Certainty: of all arrows on any way from input to output, the weakest; parameters within compartments have "
        "grades of their own (`gutbrain show parameters`).",
    ]  # fmt: skip
    if STRESSED not in found.people:
        del how[1]
    said: list[Block] = [Items([*LIMITS]), Text("How it was made:"), Items([*how, *found.said])]
    return [*said, Text(f"Command: {command}", note=True)] if command else said
