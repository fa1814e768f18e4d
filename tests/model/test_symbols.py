import numpy as np
import pytest
import sympy

from gutbrain.model.symbols import Symbols, equations, evaluate, jacobian_pattern


@pytest.fixture(scope="module")
def texts(whole):
    """Printed equations of the standard axis."""
    return {(text.compartment, text.name, text.rows[:1]): text for text in equations(whole)}


def test_the_whole_axis_reads_alike_on_symbols_and_numbers(whole, random_case):
    y, parameters, levers = random_case(whole)
    reading = whole.read(y, parameters, levers)
    rates = np.asarray(reading.vector())
    scale = np.abs(rates) + np.abs(y) + 1e-9
    assert np.max(np.abs(evaluate(whole, y, parameters, levers) - rates) / scale) < 1e-12
    labels = tuple(whole.columns)
    outputs = np.asarray(reading.outputs(labels))
    found = evaluate(whole, y, parameters, levers, labels)
    assert np.max(np.abs(found - outputs) / (np.abs(outputs) + 1e-9)) < 1e-12


def test_opened_terms_reach_down_to_states_parameters_and_offsets(barrier, random_case):
    reading = Symbols(barrier, open_terms=True)
    rate = reading.rates()["barrier", "lps"]
    y, parameters, levers = random_case(barrier, people=1)
    values = {
        symbol: float(parameters[str(name)][0]) for symbol, name in reading.names.items() if str(name) in parameters
    }
    for row, label in enumerate(barrier.rows):
        giver = barrier.givers[label]
        unit = barrier.state(giver.compartment, giver.member).unit
        factor = {"um": 1e-5, "pg/mL": 1e-9}.get(unit, 1.0)
        values[reading.symbol(giver.compartment, giver.member)] = float(y[row, 0]) * factor
    values |= {symbol: float(levers[key][0]) for symbol, key in reading.offsets.items()}
    expected = float(barrier.read(y, parameters, levers).vector()[barrier.rows.index("blood.lps"), 0])
    assert float(rate.subs(values).doit()) * 1e9 == pytest.approx(expected, rel=1e-12)
    assert sympy.diff(rate, reading.symbol("barrier", "lps")) == -reading.symbol("barrier", "lps_clearance")


def test_pattern_says_what_reads_what(barrier):
    pattern = jacobian_pattern(barrier)
    assert pattern["barrier.mast_activation"] == {
        "barrier.mast_activation", "mind.threat", "protocol.crh_infusion", "protocol.mast_cell_stabiliser"
    }  # fmt: skip
    assert "protocol.nsaid" in pattern["blood.lps"]
    assert pattern["barrier.crh_drive"] == {"mind.threat", "protocol.crh_infusion"}


def test_pattern_covers_the_numeric_jacobian(whole, random_case):
    from gutbrain.model.stability import jacobians

    y, parameters, levers = random_case(whole, people=2)
    found = np.abs(jacobians(whole, y, parameters, levers)).max(0)
    pattern, rows = jacobian_pattern(whole), whole.rows
    for row, label in enumerate(rows):
        read = {rows[column] for column in np.flatnonzero(found[row] > 1e-9 * found[row].max())}
        assert read <= pattern[label], label


def test_printed_equations_carry_sentence_unit_and_short_right_side(texts):
    turnover = texts["barrier", "renew_epithelium", ()]
    assert turnover.left == r"\frac{d\,\text{integrity}}{dt}"
    assert turnover.about.startswith("The epithelium renews itself")
    assert turnover.unit == "1/day"
    assert r"\text{inflammation excess}" in turnover.latex
    inflow = texts["barrier", "translocation", ()]
    assert r"\text{endotoxin load}_{\text{colon}}" in inflow.latex
    assert all(text.about and text.left and text.latex for text in texts.values())


def test_vector_equations_print_one_of_the_rows_that_are_alike(texts):
    grow = [text for key, text in texts.items() if key[:2] == ("colon", "grow")]
    assert sum(len(text.rows) for text in grow) == 9
    assert len(grow) < 5
    assert r"\sum_{\text{substrate}}" in grow[0].latex
