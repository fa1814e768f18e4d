import pytest

from gutbrain.model import units


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("day", 1), ("hour", 1 / 24), ("minute", 1 / 1440), ("week", 7), ("mM", 1), ("mmol/L", 1), ("umol/L", 1e-3),
     ("pg/mL", 1e-9), ("ug/dL", 1e-5), ("um", 1e-5), ("percent", 0.01), ("1", 1), ("1/hour", 24), ("mmHg", 1),
     ("nmol/L", 1e-6), ("kg", 1e3), ("SD", 1), ("point", 1)],
)  # fmt: skip
def test_declared_units_have_their_coherent_factor(unit, factor):
    assert units.factor(unit) == pytest.approx(factor, rel=1e-14)


def test_unknown_unit_names_the_known_ones():
    with pytest.raises(units.UnitError, match="'fortnight' is unknown; known units: day, hour"):
        units.factor("fortnight")


def test_dimension_decides_what_fits():
    assert units.same_dimension("pg/mL", "g/L")
    assert not units.same_dimension("mmol/L", "g/L")
    assert not units.same_dimension("1/day", "1")


def test_quantities_of_two_units_add():
    total = units.quantity(1.0, "day") + units.quantity(12.0, "hour")
    assert total.to("day").magnitude == pytest.approx(1.5)
