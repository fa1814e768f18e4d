"""The report of a channel: every figure and table tells its certainty, nothing raw, a whole folder."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest

from gutbrain.cli_channel import told
from gutbrain.model.frequency import Margins, path
from gutbrain.run.channel import PERIODS, Answer, Pair, Round
from gutbrain.run.channel_people import Channel
from gutbrain.show.channel_figures import picture, strongest
from gutbrain.show.channel_folder import tables, write_channel
from gutbrain.show.channel_page import channel_report, verdict
from gutbrain.show.channel_words import certainty_said, percent_said, time_said
from gutbrain.show.page import Figure, Picture, Table, page_text

LOAD = Pair("down", "protocol.chronic_load", "blood.il6")
TONE = Pair("down", "protocol.chronic_load", "vagus.tone")
MOOD = Pair("up", "colon.butyrate", "mind.negative_affect")
NONE = Pair("up", "colon.butyrate", "hpa.cortisol")


def answer(pair: Pair, rate: float, gain: float, crosses: bool = True, grade: str = "assumed") -> Answer:
    """Return an answer of first order; one of gain 0 has no way."""
    one = path(np.array([[-rate]]), np.array([rate * gain]), np.ones(1), 0.0)
    times, course = one.course(1 / 24, 365)
    return Answer(pair, "pg/mL", "1", 2.0, gain, gain / 2, 0.3, 15 * gain, one.delay(), one.half_time(),
                  one.bandwidth(PERIODS), np.nan, np.nan, grade if gain else "", 0.0, crosses, one.transfer(PERIODS),
                  times, course)  # fmt: skip


@cache
def drawn(people: tuple[str, ...] = ("healthy", "stressed")) -> Channel:
    own = {person: [answer(LOAD, 0.5, 1.0 + place), answer(TONE, 2.0, -4.0, crosses=False), answer(MOOD, 0.1, -0.25),
                    answer(NONE, 0.1, 0.0)] for place, person in enumerate(people)}  # fmt: skip
    margins = Margins(0.04, 30.0, 0.02, 120.0, 3.0, np.inf, np.inf)
    rounds = {person: Round(("blood.il6 -> affect",), margins, 119.0, -0.02, -0.03, 0.04 / (1 + PERIODS), "fitted")
              for person in people}  # fmt: skip
    check = pl.DataFrame([("down", LOAD.by, LOAD.to, "small", 0.015, 56, 0.015, 0.0149, 0.67),
                          ("down", LOAD.by, LOAD.to, "large", 0.3, 56, 0.3, 0.2, 50.0)],
                         schema=["way", "input", "output", "size", "push", "days", "linear", "run", "error"],
                         orient="row")  # fmt: skip
    runs = pl.DataFrame([(LOAD.by, LOAD.to, "small", 0.015, day + 0.5, 0.0149) for day in range(56)],
                        schema=["input", "output", "size", "push", "day", "change"], orient="row")  # fmt: skip
    worlds = pl.DataFrame([(person, pair.way, pair.by, pair.to, arrows, -0.1 * wide, 0.02, 0.3 * wide, 20)
                           for person in people for pair in (LOAD, MOOD)
                           for arrows, wide in (("as sourced", 1.0), ("opened", 4.0))],
                          schema=["person", "way", "input", "output", "arrows", "low", "middle", "high", "worlds"],
                          orient="row")  # fmt: skip
    loops = pl.DataFrame([(person, "opened", 0.01, 0.02, 0.9, 1, 20) for person in people],
                         schema=["person", "arrows", "low", "middle", "high", "lost", "worlds"],
                         orient="row")  # fmt: skip
    return Channel("small", people, 8.0, (LOAD, TONE, MOOD, NONE), own, rounds, 0.33, worlds, loops,
                   ("affect.scfa_gain",), check, runs, ())  # fmt: skip


@cache
def report():
    return channel_report(drawn(), "gutbrain channel --out here")


def test_every_figure_and_table_tells_its_certainty():
    shown = [block for section in report().sections for block in section.blocks]
    counted = 0
    for block in shown:
        if isinstance(block, Figure | Table | Picture):
            assert re.search("no source|fitted", block.certainty), block.caption
            counted += 1
    assert counted >= 11
    grades = [
        block.frame["grade"].to_list() for block in shown if isinstance(block, Table) and "grade" in block.headings
    ]
    assert {"assumed, no source", "no arrow leads there"} == {grade for own in grades for grade in own}


def test_the_short_answer_takes_what_crosses_and_what_holds():
    said = " ".join(verdict(drawn()))
    assert "chronic load moves interleukin-6 in blood most: by +15 %" in said, "vagal tone is no part of the gut"
    assert "The full model gives +10 % for this push" in said
    assert "half of it after 33 h" in said
    assert "after weeks of stress by +30 %" in said
    assert "at most 4 % of a change comes back in the healthy person" in said
    assert "120 times as strong" in said
    assert "3 of 3 ways hold at least one arrow without a source" in said
    assert [one.pair for one in strongest(drawn().answers["healthy"])] == [LOAD, MOOD]
    held = replace(drawn(), check=drawn().check.filter(pl.col("size") == "small"))
    assert "full model" not in " ".join(verdict(held))


def test_one_person_without_worlds_or_loop_makes_a_page():
    found = drawn(("stressed",))
    none = Round((), Margins(0.0, np.nan, 0.0, np.inf, np.nan, np.inf, np.inf), np.inf, np.nan, np.nan,
                 np.zeros(len(PERIODS)), "")  # fmt: skip
    bare = replace(found, rounds={"stressed": none}, worlds=pl.DataFrame(), loops=pl.DataFrame(),
                   check=pl.DataFrame(), runs=pl.DataFrame())  # fmt: skip
    made = channel_report(bare)
    blocks = [block for section in made.sections for block in section.blocks]
    text = " ".join([*made.verdict, made.subtitle, *(getattr(block, "caption", "") for block in blocks)])
    assert "nothing goes round" in text
    assert "healthy" not in text
    assert len(made.charts) == 4
    assert list(tables(bare)) == ["gains", "frequency", "steps", "loop", "margins"]


def test_words():
    assert time_said(1 / 24) == "60 min"
    assert time_said(0.5) == "12 h"
    assert time_said(10) == "10 d"
    assert time_said(np.nan) == "–"
    assert percent_said(-0.5) == "−0.5 %"
    assert certainty_said("measured") == "measured"


def test_nothing_raw_is_printed(tmp_path, certainties):
    lines = "\n".join(told(drawn()))
    assert not re.search(r"\b(nan|inf|None)\b", lines)
    assert "protocol." not in lines
    assert len(certainties(page_text(report()))) >= 11
    text = re.sub(r"<(style|script).*?</\1>", "", page_text(report()), flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<img[^>]*>", "", text))
    svg = picture(drawn())
    assert svg.count("half after") == 2
    assert "nan" not in svg
    write_channel(drawn(), tmp_path / "here", command="gutbrain channel --out here")
    kept = json.loads((tmp_path / "here" / "manifest.json").read_text())
    assert {"report.html", "channel.svg", "tables/gains.csv", "figures/gain-down.svg"} <= set(kept["sha256"])
    gains = pl.read_csv(tmp_path / "here" / "tables" / "gains.csv")
    assert gains["certainty"].to_list()[:4] == ["assumed, no source"] * 3 + ["no arrow leads there"]
    with pytest.raises(ValueError, match="exists already"):
        write_channel(drawn(), tmp_path / "here")
