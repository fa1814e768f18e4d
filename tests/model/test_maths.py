import jax.numpy as jnp
import numpy as np
import pint
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as some

from gutbrain.model import maths
from gutbrain.model.units import quantity

x = sympy.Symbol("x", real=True)
CASES = {
    "exp": maths.exp,
    "log": lambda v: maths.log(v + 3),
    "log10": lambda v: maths.log10(v + 3),
    "tanh": maths.tanh,
    "cos": maths.cos,
    "sin": maths.sin,
    "sqrt": lambda v: maths.sqrt(v + 3),
    "power": lambda v: maths.power(v + 3, 1.7),
    "maximum": lambda v: maths.maximum(v, 0.2),
    "minimum": lambda v: maths.minimum(v, 0.2),
    "clip": lambda v: maths.clip(v, -0.5, 0.5),
    "sigmoid": maths.sigmoid,
    "saturate": lambda v: maths.saturate(v + 3, 2.0),
    "where": lambda v: maths.where(v > 0.1, 2 * v, -v),
    "total": lambda v: maths.total(maths.stack(v, 2 * v, 3 * v)),
    "place": lambda v: maths.place(v, 1, 3)[1],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("value", [-1.3, 0.05, 0.9])
def test_four_readings_agree(name, value):
    function = CASES[name]
    expected = float(function(np.array([value]))[0])
    assert float(function(jnp.array([value]))[0]) == pytest.approx(expected, rel=1e-6)
    read = function(quantity(np.array([value]), "1"))
    assert float(np.ravel(getattr(read, "magnitude", read))[0]) == pytest.approx(expected)
    symbol = sympy.sympify(np.ravel(np.asarray(function(x), dtype=object))[0])
    assert float(symbol.subs(x, value).doit()) == pytest.approx(expected)


def test_zero_fits_every_unit_and_other_numbers_do_not():
    amount = quantity(np.array([-2.0]), "mmol")
    assert maths.maximum(amount, 0).magnitude == 0
    assert maths.maximum(0, amount).units == amount.units
    with pytest.raises(pint.DimensionalityError):
        maths.maximum(amount, 5)
    assert maths.minimum(quantity(np.array([300.0]), "percent"), 2).to("").magnitude == pytest.approx(2)


def test_exponentials_need_pure_numbers():
    with pytest.raises(pint.DimensionalityError):
        maths.exp(quantity(1.0, "day"))
    assert maths.exp(quantity(50.0, "percent")) == pytest.approx(np.exp(0.5))


def test_stack_brings_quantities_to_one_unit_and_refuses_others():
    both = maths.stack(quantity(np.array([1.0]), "day"), quantity(np.array([12.0]), "hour"))
    assert both.magnitude.tolist() == [[1.0], [0.5]]
    with pytest.raises(pint.DimensionalityError):
        maths.stack(quantity(np.array([1.0]), "day"), quantity(np.array([1.0]), "mmol"))


def test_sigmoid_does_not_overflow():
    assert maths.sigmoid(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]


def test_vectors_of_symbols_compare_without_a_truth_value():
    vector = maths.stack(x, 2 * x)
    chosen = maths.where(vector > 1, vector, 0)
    assert chosen.shape == (2, 1)
    assert chosen[1, 0].subs(x, 1).doit() == 2


@given(
    some.floats(0, 0.999),
    some.floats(0.02, 0.98),
    some.sampled_from([24, 48, 96, 144]),
    some.integers(0, 3),
)
def test_daily_mean_of_a_window_is_its_duration(start, duration, steps, day):
    begin = day + np.arange(steps) / steps
    shares = maths.share_of_day(begin, np.full(steps, 1 / steps), np.full(steps, start), np.full(steps, duration))
    assert np.all((shares >= 0) & (shares <= 1 + 1e-9))
    assert shares.mean() == pytest.approx(duration, abs=1e-9)


@given(some.floats(0, 0.999), some.floats(0.02, 0.9), some.floats(0, 0.999))
def test_window_at_a_moment_agrees_between_readings(start, duration, moment):
    gap = (moment - start) % 1.0
    if min(abs(gap - duration), gap, 1 - gap) < 1e-6:
        return
    number = maths.share_of_day(np.array([moment]), np.array([0.0]), np.array([start]), np.array([duration]))[0]
    days = (quantity(np.array([value]), "day") for value in (moment, 0.0, start, duration))
    assert maths.share_of_day(*days).magnitude[0] == number
    symbol = maths.share_of_day(x, 0, start, duration).subs(x, moment).doit()
    assert float(symbol) == number
