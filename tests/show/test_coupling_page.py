"""The report of a coupling: the answer, what cannot be concluded, figures drawn, nothing raw, nothing half-written."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from drawn_coupling import drawn, drift_of, model_of, without_limits

from gutbrain.errors import InputError
from gutbrain.fit.coupling.coupled import Coupled
from gutbrain.fit.coupling.prior import Prior
from gutbrain.show.certainty import WRITTEN, of_coupling
from gutbrain.show.coupling_curves import cross_blocks
from gutbrain.show.coupling_figures import explained_figure, person_figure, stationary_sd
from gutbrain.show.coupling_folder import write_coupling
from gutbrain.show.coupling_method import equations, method_blocks, sources
from gutbrain.show.coupling_page import cannot_blocks, coupling_page, coupling_report
from gutbrain.show.coupling_series import chosen_people, correlations
from gutbrain.show.coupling_system import best_lags, system
from gutbrain.show.coupling_verdict import larger, verdict
from gutbrain.show.coupling_words import DOWN, UP, Names, chance_said, half_life, lag_said
from gutbrain.show.page import Figure, Items, Report, Table, Text, drawing

ORDER = [
    "What cannot be concluded", "The coupled system", "Effects over the lag", "The drift matrix", "Responses to inputs",
    "Variance explained", "Each person's own", "Forecasts", "Does the model fit?", "What the data moved",
    "All parameters", "How it was fitted",
]  # fmt: skip
DRAWN = {
    "coupled system", "which way", "cross effects over the lag", "what stays of a deviation",
    "effects within a side over the lag", "drift matrix", "response to practice_minutes", "response to fibre_diet",
    "variance explained", "variance of what was seen", "people", "forecasts", "residual checks", "what the data moved",
}  # fmt: skip
WITH_LIMITS = {"coupled system", "which way", "cross effects over the lag", "drift matrix"}
POOR = {"gut": 1, "mind": 1, "people": 1, "converged": False, "prior": False, "inputs": False, "varying": False}
COMMAND = 'gutbrain couple my.study --gut "butyrate_producers, shannon"'


@cache
def poor() -> Coupled:
    return without_limits(drawn(**POOR, occasions=40, days=2.0))


@cache
def report() -> Report:
    return coupling_report(drawn(), COMMAND, "a diary")


@cache
def poor_report() -> Report:
    return coupling_report(poor())


@cache
def body() -> str:
    """Return the page without its drawing programs and the specifications of its figures."""
    return re.sub(r"<script.*?</script>", "", coupling_page(drawn(), report()), flags=re.DOTALL)


def words_of(made: Report) -> str:
    blocks = [block for section in made.sections for block in section.blocks]
    texts = [block.words for block in blocks if isinstance(block, Text)]
    texts += [item for block in blocks if isinstance(block, Items) for item in block.items]
    return "\n".join([*made.verdict, *texts, *(block.caption for block in blocks if isinstance(block, Figure | Table))])


def test_sections_stand_in_the_order_of_the_questions_and_none_is_empty():
    for made in (report(), poor_report()):
        assert [section.title for section in made.sections] == ORDER
        assert all(section.blocks for section in made.sections)
        for section in made.sections:
            for block in section.blocks:
                if isinstance(block, Table):
                    assert len(block.frame), section.title
                if isinstance(block, Items):
                    assert 0 < len(block.items) < 9


def test_every_figure_is_drawn_and_fits_the_page():
    assert set(report().charts) == DRAWN
    limitless = [figure for figure in figures_of(poor_report()) if figure.name in WITH_LIMITS]
    assert len(limitless) > 3
    for figure in [*figures_of(report()), *limitless]:
        drawn_ = drawing(figure.chart.to_dict())
        assert drawn_.count("<path") > 1 and "NaN" not in drawn_, figure.name
        assert float(re.search(r'<svg[^>]* width="([\d.]+)"', drawn_)[1]) < 1010, figure.name  # type: ignore[index]
        assert figure.caption.endswith("."), figure.name


def figures_of(made: Report) -> list[Figure]:
    return [block for section in made.sections for block in section.blocks if isinstance(block, Figure)]


def test_the_answer_is_no_surer_than_the_numbers():
    made, names = drawn(gut=1, mind=1), Names(model_of(1, 1))
    first, pair, last = verdict(made, names)
    assert (
        first
        == "In short: the gut foretells the mind more than the mind the gut; that is very likely (probability 98 %)."
    )
    assert pair.startswith(
        "Butyrate producers → stress is larger (probability 0.98). Stress → butyrate producers cannot"
    )
    row = made.directions.row(0, named=True)
    assert f"{abs(row['gut_to_mind']):.2f} SD" in pair and "95 % interval" in pair and "later" in pair
    assert last.startswith("“Gut to mind” means") and "no proof of a cause" in last
    unsure = replace(made, directions=made.directions.with_columns(probability=pl.lit(0.9)))
    assert verdict(unsure, names)[0] == "In short: these data leave open which way it runs more strongly."


def test_a_direction_needs_both_a_probability_and_an_interval_without_zero():
    row = {"gut_to_mind_low": -0.3, "gut_to_mind_high": -0.1, "mind_to_gut_low": -0.1, "mind_to_gut_high": 0.2}
    assert larger({**row, "probability": 0.98}) == "gut_to_mind"
    assert larger({**row, "probability": 0.6}) == ""
    assert larger({**row, "probability": 0.01}) == ""  # mind to gut cannot be told from no effect
    assert larger({**row, "mind_to_gut_low": 0.05, "probability": 0.01}) == "mind_to_gut"
    assert larger({**row, "probability": float("nan")}) == "" == larger({**row, "probability": None})


def test_several_pairs_are_counted_and_the_clearest_are_told():
    made = drawn()
    ways = [larger(row) for row in made.directions.to_dicts()]
    first = verdict(made, Names(made.fitted.model))[0]
    assert first.startswith(
        f"In short: of 2 pairs of gut and mind, gut to mind is the stronger way in {ways.count('gut_to_mind')}"
    )
    nothing = made.directions.with_columns(probability=pl.lit(0.5))
    assert "for none of 2 pairs" in verdict(replace(made, directions=nothing), Names(made.fitted.model))[0]


def test_a_fit_that_did_not_converge_is_told_in_red_and_has_no_answer():
    made = poor_report()
    page = coupling_page(poor(), replace(made, sections=[]))
    assert page.index('role="alert"') < page.index('<section class="verdict">')
    assert "Not converged: these numbers are no result" in page and "#b3261e" in page
    assert "flat along “effect of butyrate producers on stress”" in page
    assert made.verdict[0] == "Nothing can be said about which way it runs: the fit did not converge."
    assert not any("probability" in text for text in made.verdict)
    assert "NO" in {row["said"] for row in facts(made).to_dicts()}
    assert 'role="alert"' not in body()


def facts(made: Report) -> pl.DataFrame:
    (table,) = [block for block in made.sections[-1].blocks if isinstance(block, Table) and block.caption == "The fit"]
    return table.frame


def test_what_cannot_be_concluded_stands_right_below_in_words():
    (items,) = report().sections[0].blocks
    assert isinstance(items, Items) and len(items.items) == 2
    assert "“effect of Shannon diversity on stress” rests on few occasions" in items.items[1]
    many = replace(drawn(), cannot=tuple(f"limit {place}" for place in range(11)))
    items, rest = cannot_blocks(many, Names(many.fitted.model))
    assert isinstance(items, Items) and len(items.items) == 8
    assert isinstance(rest, Table) and rest.folded and len(rest.frame) == 3 and "3 further limits" in rest.caption


def test_every_figure_and_table_says_that_the_model_is_assumed(certainties):
    lines = certainties(body())
    assert len(lines) > 15 and lines.count(WRITTEN) == 2
    said = "assumed, no source: the form of the model; measured: who was ahead in time, no proof of a cause"
    assert {line for line in lines if line != WRITTEN} == {said}
    weak = replace(drawn(), fitted=replace(drawn().fitted, prior=Prior(np.zeros(1), np.ones(1))))
    assert "the form of the model and the prior" in of_coupling(weak)
    assert {block.certainty for section in poor_report().sections for block in section.blocks
            if isinstance(block, Figure | Table)} == {"none: the fit did not converge", WRITTEN}  # fmt: skip
    simulated = coupling_report(poor(), simulated="assumed, no source; a simulation, no measurement")
    assert simulated.certainty.endswith("no measurement")


def test_nothing_raw_stands_on_the_page():
    for wrong in ("NaN", ">nan<", "None", "drift[", "mean[", "butyrate_producers</td>", " -&gt; ", "e-0"):
        assert wrong not in body().replace(COMMAND, ""), wrong
    assert "butyrate_producers" not in words_of(report())
    assert "no medical advice" in body() and "10.1037/met0000168" in body()


def test_a_section_without_data_says_why():
    text = words_of(poor_report())
    for said in ("No input was given", "No prior was given", "one person", "the fit gave no standard errors"):
        assert said in text, said
    shared = person_figure(Names(model_of(1, 1)), drawn().persons.clear(), drawn().parameters)
    assert isinstance(shared[0], Text) and "all people share every parameter" in shared[0].words
    (restless,) = cross_blocks(Names(model_of(1, 1)), drawn().lagged.clear(), None)
    assert isinstance(restless, Text) and "do not return to rest" in restless.words


def test_a_model_of_one_side_has_a_page_without_a_direction():
    made = drawn(gut=0, mind=2, people=2, inputs=False, prior=False)
    content = coupling_report(made)
    assert content.verdict[0].startswith("No process of the gut is in this model")
    assert "which way" not in content.charts and "coupled system" in content.charts
    assert "No process of the gut stands beside one of the mind" in words_of(content)


def test_both_directions_have_one_scale_and_their_own_colour():
    chart = report().charts["cross effects over the lag"].to_dict()
    panels = chart["concat"]
    assert len(panels) == 4
    domains, colours = set(), []
    for panel in panels:
        line = next(layer for layer in panel["layer"] if layer["mark"]["type"] == "line")
        domains.add(tuple(line["encoding"]["y"]["scale"]["domain"]))
        colours.append(line["mark"]["color"])
    assert len(domains) == 1 and colours == [UP, DOWN] * 2
    low, high = domains.pop()
    crossed = drawn().lagged.filter(pl.col("by") != pl.col("to"))
    assert low < crossed["low"].min() and crossed["high"].max() < high


def test_arrows_are_dashed_where_the_interval_holds_zero():
    best = best_lags(drawn().lagged).filter(pl.col("by") != pl.col("to"))
    sure = best.filter((pl.col("low") > 0) | (pl.col("high") < 0))
    lines = [layer for layer in report().charts["coupled system"].to_dict()["layer"] if layer["mark"]["type"] == "line"]
    data = report().charts["coupled system"].to_dict()["datasets"]
    counts = {
        "strokeDash" in layer["mark"]: len({row["arrow"] for row in data[layer["data"]["name"]]}) for layer in lines
    }
    assert counts == {False: len(sure), True: len(best) - len(sure)} and 0 < len(sure) < len(best)


def test_labels_of_arrows_cover_neither_each_other_nor_a_box():
    for gut, mind in ((1, 1), (2, 2), (3, 2)):
        made = drawn(gut=gut, mind=mind)
        chart = system(Names(made.fitted.model), made.lagged, {}).to_dict()
        rects = [layer for layer in chart["layer"] if layer["mark"]["type"] == "rect"]
        boxes, labels = (chart["datasets"][rects[place]["data"]["name"]] for place in (1, 2))
        assert len(boxes) == gut + mind and labels
        for place, one in enumerate(labels):
            for other in [*labels[:place], *boxes]:
                apart = one["right"] <= other["left"] or other["right"] <= one["left"]
                assert apart or one["low"] <= other["top"] or other["low"] <= one["top"]


def test_bars_of_explained_variance_stand_on_both_sides_of_zero():
    names = Names(model_of(2, 1))
    figure = explained_figure(names, drawn().explained)[0]
    assert isinstance(figure, Figure) and "Left of 0" in figure.caption
    rows = next(iter(data for data in figure.chart.to_dict()["datasets"].values() if "from" in data[0]))
    own = [row for row in rows if row["row"] == "Stress"]
    assert min(row["to"] for row in own) == pytest.approx(-0.04)
    assert max(row["to"] for row in own) == pytest.approx(0.72 + 0.12 + 0.07)


def test_the_spread_of_processes_is_that_of_a_single_one_where_there_is_but_one():
    model = model_of(1, 0, varying=False, inputs=False)
    table = pl.DataFrame({"parameter": ["drift[butyrate_producers, butyrate_producers]", "noise[butyrate_producers]"],
                          "estimate": [-0.5, 2.0]})  # fmt: skip
    assert stationary_sd(model, table)["butyrate_producers"] == pytest.approx(2.0)  # SD² = noise² / (2 rate)
    assert stationary_sd(model, table.with_columns(pl.col("estimate").abs())) == {}


def test_residuals_are_correlated_within_people_only():
    one = pl.DataFrame({"person": "a", "time": np.arange(40.0), "residual": np.tile([1.0, -1.0], 20)})
    two = pl.concat([one, one.with_columns(person=pl.lit("b"))])
    first, second = correlations(two)[:2]
    assert first[1] == pytest.approx(-39 / 40) and second[1] == pytest.approx(38 / 40) and first[0] == 1


def test_people_are_picked_from_long_and_short_series():
    rows = [{"person": f"p{n}", "observed": 1.0} for n in range(1, 8) for _ in range(n)]
    assert chosen_people(pl.DataFrame(rows)) == ["p7", "p4", "p1"]


def test_lags_half_lives_and_chances_are_told_in_units_that_suit_them():
    told = {1 / 96: "15 minutes", 1 / 24: "1 hour", 0.25: "6 hours", 1.5: "36 hours", 3.0: "3 days", 70.0: "10 weeks"}
    assert {days: lag_said(days) for days in told} == told
    assert lag_said(float("nan")) == "–" and lag_said(half_life(0.1)) == "–"
    assert half_life(-np.log(2)) == pytest.approx(1.0)
    assert chance_said(0.97) == "very likely (probability 97 %)" and chance_said(0.5).startswith("open")
    assert chance_said(0.9999) == "almost certain (probability > 99 %)"


def test_every_parameter_has_words_of_its_own():
    model = replace(model_of(2, 1), predictors=("age",), trend=True, day_night=True, initial="free")
    names = Names(model)
    told = [names.parameter(one.name) for one in model.parameters]
    assert len(set(told)) == len(told) and not any("[" in text or "_" in text for text in told)
    assert names.parameter("drift[stress, shannon]") == "Effect of Shannon diversity on stress"
    assert (
        names.parameter("noise_correlation[stress, shannon]")
        == "Correlation of random changes: stress with Shannon diversity"
    )
    assert names.parameter("mean[unknown]") == "mean[unknown]"


def test_equations_hold_only_what_the_model_has():
    plain, whole = model_of(1, 1, inputs=False), replace(model_of(1, 1), trend=True, intercepts="process")
    assert "impulse" not in equations(plain) and "s t" not in equations(plain) and "m + H" in equations(plain)
    assert "I impulse(t)" in equations(whole) and "L level(t)" in equations(whole) and "+ b" in equations(whole)
    assert "m +" not in equations(whole) and "s t" in equations(whole)


def test_papers_are_those_that_were_used():
    made = drawn().fitted
    assert "met0000168" in sources(made)[0] and not any("No-U-turn" in text for text in sources(made))
    assert any("No-U-turn" in text for text in sources(replace(made, method="nuts")))


def test_the_early_estimate_stands_beside_the_final_one():
    made = drawn(gut=1, mind=1)
    early = replace(made, early=made.fitted)
    tables = [block for block in method_blocks(early, Names(model_of(1, 1)), "") if isinstance(block, Table)]
    (beside,) = [table for table in tables if "early estimate" in table.caption]
    assert beside.frame["early"].to_list() == beside.frame["final"].to_list()


def test_a_folder_is_written_whole_with_checksums(tmp_path, monkeypatch):
    short = replace(report(), sections=report().sections[:2])
    monkeypatch.setattr("gutbrain.show.coupling_folder.coupling_report", lambda *_: short)
    out = write_coupling(drawn(), tmp_path / "out", command=COMMAND, study_name="a diary", beside={"asked.json": "{}"})
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["converged"] is True and manifest["command"] == COMMAND and manifest["study"] == "a diary"
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert set(manifest["sha256"]) == files - {"manifest.json"}
    assert {
        "report.html",
        "fit.json",
        "asked.json",
        "cannot.txt",
        "tables/lagged.csv",
        "figures/which-way.png",
    } <= files
    for name, told in manifest["sha256"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == told
    lagged = pl.read_csv(out / "tables" / "lagged.csv")
    assert lagged["estimate"].to_list() == pytest.approx(drawn().lagged["estimate"].to_list())
    with pytest.raises(InputError, match="exists already"):
        write_coupling(drawn(), out)


def test_nothing_is_left_of_a_folder_that_could_not_be_written(tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gutbrain.show.coupling_folder.save_figures", broken)
    monkeypatch.setattr("gutbrain.show.coupling_folder.coupling_page", lambda *_: "")
    monkeypatch.setattr("gutbrain.show.coupling_folder.coupling_report", lambda *_: report())
    with pytest.raises(InputError, match="No space left"):
        write_coupling(drawn(gut=1, mind=1), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_made_series_return_to_rest():
    assert np.linalg.eigvals(drift_of(model_of(3, 3))).real.max() < 0
