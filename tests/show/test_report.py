"""The report is one file that needs nothing else, says what it must, and escapes what it is given."""

import json
import re

import numpy as np
import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.evidence.findings import finding
from gutbrain.job import certainty_of_study
from gutbrain.observe.instruments import DEFAULT
from gutbrain.run.exchange import Prediction
from gutbrain.show.certainty import WRITTEN
from gutbrain.show.effects import effects
from gutbrain.show.exchange_page import exchange_report
from gutbrain.show.page import Figure, Report, Section, Table, Text, page_text
from gutbrain.show.plots import composition
from gutbrain.show.report import (
    published_interval,
    save_figures,
    trial_report,
    write_report,
)
from gutbrain.show.verdict import alike, assumed_share, interval, main_visit, verdict

AFFECT, TONE, BUTYRATE = "mind.negative_affect", "vagus.tone", "colon.butyrate"
PATHS = pl.DataFrame(
    {"path": ["a.b -> c -> affect", "f.g -> affect"], "effect": [-1.0, 3.0], "share": [-0.5, 1.5],
     "weakest_grade": ["assumed", "fitted"], "edges": [2, 1]}
)  # fmt: skip
MOVED = pl.DataFrame(
    {"parameter": ["affect.skill_negative", "practice.skill_rate"], "value": [3.2, 0.024],
     "unit": ["point/SD", "1/day"], "grade": ["assumed", "fitted"],
     "source": ["assumed", "Goyal2014"], "effect_change": [0.1, -0.4]}
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(fake):
    result = fake()
    result.lost_day[3] = 4
    table = effects(result, [AFFECT, TONE, BUTYRATE], comparator="control")
    published = published_interval(finding("MIN-1 anxiety 8 weeks"))
    return trial_report(
        result, "plan <script>", table, PATHS, MOVED, "<svg><title>map</title></svg>", {"engine": "an engine"},
        published=published,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(whole, tmp_path_factory):
    return write_report(tmp_path_factory.mktemp("report") / "made" / "report.html", whole).read_text(encoding="utf-8")


def test_the_page_asks_for_nothing(page):
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=[\"']?https?:", page)
    assert "@import" not in page and "url(http" not in page
    assert "default-src 'none'" in page and "vegaEmbed" in page


def test_every_section_stands_in_the_page(page):
    for title in (
        "Verdict", "What was simulated", "Map of signals", "Course of the trial", "Effects at each visit",
        "Through which paths", "Who was lost and why", "Parameters without a source that mattered", "Methods in words",
        "Limits", "References",
    ):  # fmt: skip
        assert f"<h2>{title}</h2>" in page
    for words in ("mucosal loop gain: 3", "15 minutes", "Seed: 7", "an engine", "how he responds", "10.1001"):
        assert words in page
    assert "Not drawn" in page and "vagal tone" in page


def test_every_figure_and_table_says_how_sure_it_is(page, certainties):
    lines = certainties(page)
    assert len(lines) == 15 and lines.count(WRITTEN) == 1
    assert {line for line in lines if line != WRITTEN} == {"assumed, no source"}


def test_a_report_without_a_certainty_is_refused():
    with pytest.raises(ValueError, match="nothing of its certainty"):
        Report("title", "", (), (), certainty=" ")
    with pytest.raises(TypeError, match="certainty"):
        Report("title", "", (), ())


def test_a_figure_says_its_own_certainty_else_that_of_its_section_else_that_of_the_report(certainties):
    table = Table(pl.DataFrame({"a": [1]}), "c")
    own = Table(pl.DataFrame({"a": [1]}), "c", folded=True, certainty="measured")
    sections = [Section("one", [table, own]), Section("two", [table], "low"), Section("three", [Text("words")])]
    report = Report("title", "", (), sections, certainty="assumed, no source")
    assert certainties(page_text(report)) == ["assumed, no source", "measured", "low"]
    bare = page_text(report).replace("Lowest certainty on the way: low", "")
    with pytest.raises(AssertionError, match="nothing is said"):
        certainties(bare)


def test_an_exchange_says_that_its_forecast_is_assumed(fake, certainties):
    groups = pl.DataFrame({
        "arm": ["a"], "group": ["bacteroidetes"], "measured": [0.5], "measured_low": [0.1], "measured_high": [0.9],
        "predicted": [0.2], "predicted_low": [-0.1], "predicted_high": [0.4], "home_low": [-0.3], "home_high": [0.3],
        "sign_agrees": [True], "clear": [True],
    })  # fmt: skip
    forecasts = ["this model", "nothing changes", "natural", "mean of the others in the arm"]
    errors = pl.DataFrame({"arm": ["all"] * 4, "forecast": forecasts, "people": [1] * 4, "error": [1.0, 0.9, 0.8, 0.7],
                           "bray_curtis": [0.3] * 4})  # fmt: skip
    one = np.zeros((1, 1))
    found = Prediction(("p",), ("a",), one, one, one, errors, groups, (), fake(worlds=1))
    lines = certainties(page_text(exchange_report(found, "t", "plan", "a study", {})))
    assert lines == ["assumed, no source; beside what was measured in these people"] * 3


def test_a_study_of_a_run_carries_the_certainty_of_its_simulation(fake):
    assert certainty_of_study(fake(worlds=1), list(DEFAULT)) == "assumed"


def test_names_are_escaped(page):
    assert "course <b>" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "course &lt;b&gt;" in page and "plan &lt;script&gt;" in page and "person 3 &lt;i&gt;" in page


def test_figures_are_data_that_a_browser_can_read(page, whole):
    found = re.findall(r'<script type="application/json" data-figure="([^"]+)">(.*?)</script>', page, re.DOTALL)
    assert len(found) == len(whole.charts) >= 5
    for place, data in found:
        assert json.loads(data)["$schema"] and f'id="{place}"' in page
    assert page.count("<noscript><img") == len(found)


def test_the_verdict_is_plain_and_modest(whole):
    text = " ".join(whole.verdict)
    assert "0.30 SD lower" in text or "0.3 SD lower" in text
    assert "−0.64 to −0.12" in text and "inside this interval" in text and "tests nothing" in text
    assert "25 % of the effect" in text and "too few to trust" in text and "no evidence" in text


def test_a_verdict_against_nothing_says_so(fake):
    result = fake(worlds=1)
    bare = result.trial.arms[1].without("protocol.nonspecific_target")
    object.__setattr__(result, "trial", type(result.trial)((result.trial.arms[0], bare), days=11, visits=(0, 5, 10)))
    said = " ".join(verdict(result, effects(result, [AFFECT], comparator="control"), AFFECT))
    assert "non-specific part" in said and "Only one world" in said


def test_an_empty_arm_is_no_finding(fake):
    result = fake(worlds=2)
    result.present[1:, result.arm == 0] = 0
    said = verdict(result, effects(result, [AFFECT], comparator="control"), AFFECT)
    assert said[0].startswith("Nobody was left")


def test_the_smallest_report_can_be_written(fake, tmp_path):
    result = fake(worlds=1)
    report = trial_report(result, "", effects(result, [AFFECT], comparator="control"))
    assert "were not taken apart" in write_report(tmp_path / "small.html", report).read_text(encoding="utf-8")
    with pytest.raises(InputError, match="holds no"):
        trial_report(result, "", effects(result, [TONE], comparator="control"))


def test_helpers(fake):
    assert interval(-0.349, 0.06) == "−0.35 to 0.06" and interval(None, 1) == "–"
    assert interval(-0.2936, -0.2869) == "−0.2936 to −0.2869" and interval(0.5, 0.5) == "0.50 to 0.50"
    assert alike(-1e-6, 0.5) == "0.00" and alike(None, 1) == "–"
    assert assumed_share(PATHS).startswith("25 %")
    assert main_visit(fake(), effects(fake(), [AFFECT])) == 10
    with pytest.raises(InputError, match="no interval"):
        published_interval(next(f for f in map(finding, _without_interval()) if f.low is None))


def _without_interval():
    from gutbrain.evidence.findings import findings

    return findings().filter(pl.col("low").is_null())["id"].to_list()


def test_tables_escape_and_blank_repeats():
    made = Table(pl.DataFrame({"a": ["<x>", "<x>"], "grade": ["assumed", "measured"], "n": [1.0, None]}), "c").html("t")
    assert made.count("&lt;x&gt;") == 1 and 'class="grade-assumed"' in made and '<td class="number">–</td>' in made


def test_figures_are_saved(fake, tmp_path):
    written = save_figures({"a figure.1": composition(fake())}, tmp_path / "figures")
    assert [path.name for path in written] == ["a-figure-1.svg", "a-figure-1.png"]
    assert written[0].read_text().startswith("<svg") and written[1].read_bytes()[:4] == b"\x89PNG"
    assert "noscript" in Figure(composition(fake()), "caption", "name").html("place")
