"""Parts of the lanes engine: numbered values, arithmetic on vectors, steps and shapes, days that are checked."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest

llvm = pytest.importorskip("llvmlite.binding", reason="needs the extra 'lanes'")
pytest.importorskip("sympy", reason="needs the extra 'lanes'")

from llvmlite import ir  # noqa: E402

from gutbrain.run.lanes.compiled import WIDTH, machine_code  # noqa: E402
from gutbrain.run.lanes.forcing import Forcing, distinct_days  # noqa: E402
from gutbrain.run.lanes.guard import _goes_on, _kept, _summed  # noqa: E402
from gutbrain.run.lanes.segments import segments, under  # noqa: E402
from gutbrain.run.lanes.values import Moment, Values  # noqa: E402
from gutbrain.run.lanes.vector import Arithmetic  # noqa: E402

# -- arithmetic -----------------------------------------------------------------------------------------

# Function, where it is tried, and its allowed error in units of the last place (relative, or of 1e-3 near a zero).
CASES = [
    ("exp", -30, 30, 8, 2), ("exp", -1, 1, 3, 2), ("log", 1e-12, 1e-2, 2, 1), ("log", 0.5, 2, 4, 3),
    ("log", 1, 1e6, 2, 1), ("sqrt", 0, 10, 1, 1), ("floor", -5, 5, 0, 0), ("tanh", -5, 5, 2e3, 2e3),
    ("sin", -7, 7, 2e3, 2e3), ("cos", -600, 600, 3e5, 3e5),
]  # fmt: skip


def machine():
    """Return a new target: an engine owns the one it is made with."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )


WIDE = "+avx512f" in llvm.get_host_cpu_features().flatten().split(",")


needs_wide = pytest.mark.skipif(not WIDE, reason="needs a processor with AVX-512")


@pytest.fixture(scope="module", params=[False, pytest.param(True, marks=needs_wide)])
def vectors(request):
    """Every function of the table, and division, compiled into one module for each kind of number."""
    engines = {}
    for bits, width in WIDTH.items():
        module = ir.Module("functions")
        number = ir.DoubleType() if bits == 64 else ir.FloatType()
        pointer = ir.VectorType(number, width).as_pointer()
        for name in sorted({case[0] for case in CASES} | {"div"}):
            function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer] * 3), name)
            builder = ir.IRBuilder(function.append_basic_block())
            arithmetic = Arithmetic(builder, bits, width, request.param)
            given = [builder.load(argument) for argument in function.args[: 2 if name == "div" else 1]]
            for load in given:
                load.align = bits // 8
            builder.store(getattr(arithmetic, "do_" + name)(*given), function.args[2]).align = bits // 8
            builder.ret_void()
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())
        engine.add_object_file(llvm.ObjectFileRef.from_data(machine_code(str(module), machine())))
        engine.finalize_object()
        engines[bits] = engine

    def apply(name, bits, x, y=None):
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(engines[bits].get_function_address(name))
        found = np.empty_like(x)
        for i in range(0, len(x), WIDTH[bits]):
            call(x[i:].ctypes.data, (x if y is None else y)[i:].ctypes.data, found[i:].ctypes.data)
        return found

    return apply


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize(("name", "low", "high", "double", "single"), CASES)
def test_functions_are_right_to_a_few_last_places(vectors, bits, name, low, high, double, single):
    kind = np.float64 if bits == 64 else np.float32
    x = np.random.default_rng(1).uniform(low, high, 1024).astype(kind)
    true = getattr(np, name)(x.astype(float))
    scale = np.maximum(np.abs(true), 1e-3 if name in ("tanh", "sin", "cos", "log") else 1e-300)
    wrong = np.abs(vectors(name, bits, x) - true) / scale / np.finfo(kind).eps
    assert wrong.max() <= (double if bits == 64 else single) + 1e-9


@pytest.mark.parametrize("bits", [64, 32])
def test_quotients_keep_their_range_and_sign(vectors, bits):
    kind = np.float64 if bits == 64 else np.float32
    most = 300 if bits == 64 else 36
    random = np.random.default_rng(2)
    y = (10.0 ** random.uniform(-most, most, 1024) * random.choice([-1, 1], 1024)).astype(kind)
    x = (y * random.uniform(0.5, 2, 1024)).astype(kind)
    wrong = np.abs(vectors("div", bits, x, y) - x.astype(float) / y) / np.finfo(kind).eps
    assert wrong.max() < 4


def test_what_cannot_be_divided_is_not_finite(vectors):
    y = np.array([0.0, np.nan, np.inf, -0.0] * 2)
    assert not np.isfinite(vectors("div", 64, np.ones(8), y)[[0, 1, 3]]).any()


@pytest.mark.parametrize("bits", [64, 32])
def test_far_out_functions_level_off_and_what_has_no_logarithm_has_none(vectors, bits):
    kind = np.float64 if bits == 64 else np.float32
    far = np.array([50, 90, 400, 800, 1e6, -50, -400, -1e6] * 2, kind)
    np.testing.assert_allclose(vectors("tanh", bits, far), np.sign(far), rtol=1e-6)
    grown = vectors("exp", bits, far)
    assert np.isfinite(grown).all()
    assert (grown >= 0).all()
    assert np.isnan(vectors("log", bits, np.array([-1.0, np.nan, -1e-30, -np.inf] * 4, kind))).all()
    assert vectors("log", bits, np.zeros(16, kind))[0] < -80


# -- values ---------------------------------------------------------------------------------------------


def leaves(values):
    return (values.leaf("shared", 0, Moment.RUN, True), values.leaf("lever", 0, Moment.STEP, False),
            values.leaf("state", 0, Moment.STAGE, False))  # fmt: skip


def test_equal_operations_are_one():
    values = Values()
    a, b, c = leaves(values)
    assert values.apply("mul", a, b) == values.apply("mul", b, a)
    assert values.apply("sub", a, b) != values.apply("sub", b, a)
    assert values.apply("add", c, values.constant(0.0)) == c
    assert values.operations[values.apply("exp", values.constant(1.0))].constant == pytest.approx(math.e)


def test_early_factors_are_multiplied_before_late_ones():
    values = Values()
    a, b, c = leaves(values)
    product = values.product([c, b, a], [values.apply("exp", a)])
    first, second = values.operations[product].arguments
    early = first if second == c else second
    assert c in (first, second)
    assert values.moment[early] == Moment.STEP
    divided = next(value for value in under(values, [early]) if values.operations[value].code == "div")
    assert values.moment[divided] == Moment.RUN


@pytest.mark.parametrize("code", ["exp", "log", "sqrt"])
def test_derivatives_follow_the_chain_rule(code):
    values = Values()
    x = values.leaf("trial", 0, Moment.TRIAL, False)
    other = values.leaf("state", 0, Moment.STAGE, False)
    inner = values.sum([values.product([x, x, other]), values.product([other], [x])])
    slope = values.derivative(values.apply(code, inner), x, {})

    def at(value, here):
        operation = values.operations[value]
        if operation.code == "trial":
            return here
        if operation.code == "state":
            return 0.7
        if operation.code == "constant":
            return operation.constant
        parts = [at(argument, here) for argument in operation.arguments]
        plain = {"add": sum, "mul": math.prod, "sub": lambda p: p[0] - p[1], "div": lambda p: p[0] / p[1]}
        return plain[operation.code](parts) if operation.code in plain else getattr(math, operation.code)(*parts)

    whole, step = values.apply(code, inner), 1e-6
    difference = (at(whole, 1.3 + step) - at(whole, 1.3 - step)) / (2 * step)
    assert at(slope, 1.3) == pytest.approx(difference, rel=1e-7)


def test_what_crosses_segments_is_kept_until_its_last_use():
    values = Values()
    x = values.leaf("state", 0, Moment.STAGE, False)
    chain = [x]
    for _ in range(8):
        chain.append(values.apply("sqrt", chain[-1]))
    late = values.apply("add", chain[1], chain[-1])
    parts = segments(values, [("a", chain[1:4]), ("b", chain[4:7]), ("c", [*chain[7:], late])], {"b": [chain[2]]})
    assert chain[1] in parts[0].crossing
    assert chain[1] in parts[-1].freed
    assert late not in parts[-1].crossing
    assert parts[1].late == (chain[2],)
    assert chain[2] in parts[1].freed


# -- steps and shapes -----------------------------------------------------------------------------------


def test_shapes_keep_their_integral_at_any_step():
    given = np.random.default_rng(3).random((96 * 3, 2))
    for steps in (1, 2, 3, 4, 6):
        substeps = np.full(96, steps, np.int32)
        substeps[10:20] = 5
        shape = Forcing(given, substeps).shape
        length = np.repeat(1 / substeps, substeps)
        assert len(shape) == substeps.sum()
        np.testing.assert_allclose(length @ shape, given.sum(axis=0) / 3, rtol=1e-12)
        by_quarter = np.add.reduceat(shape[:, 0] * length, np.cumsum(substeps) - substeps)
        np.testing.assert_allclose(by_quarter, given[:, 0].reshape(96, 3).mean(axis=1), rtol=1e-11)


def test_steps_are_short_after_a_sudden_act_and_only_then():
    given = np.zeros((2 * 96, 1))
    given[40:60] = 1.0
    given[100:] = np.linspace(0, 0.5, 92)[:, None]  # a ramp is not sudden
    steps = Forcing(given, np.ones(192, np.int32)).after_edges(3).substeps
    assert (steps[40:45] == 3).all()
    assert (steps[60:65] == 3).all()
    assert (np.delete(steps, [*range(40, 45), *range(60, 65)]) == 1).all()
    assert np.flatnonzero(Forcing(given, steps).turns > 1).tolist() == [0, 40, 60]


def test_checked_days_are_those_that_differ():
    given = np.zeros((30 * 96, 1))
    given[7 * 96 : 8 * 96] = 1.0
    assert distinct_days(given, 30, 2, 2, 2) == [0, 7]
    assert distinct_days(given[:96], 1, 1, 1, 2) == [0]
    for acts in (np.zeros((30 * 96, 1)), np.zeros((30 * 96, 0))):
        assert distinct_days(acts, 30, 4, 8, 2) == [0, 14, 21, 28]
    six = np.zeros((84 * 96, 6))
    for act in range(6):
        six[(10 + 10 * act) * 96 : (11 + 10 * act) * 96, act] = 1.0
    assert distinct_days(six, 84, 4, 8, 2) == [0, 10, 20, 30, 40, 50, 60]


def test_errors_that_add_up_are_summed_though_one_stretch_cancels():
    kept = _kept([np.full((1, 1), value) for value in (-1.0, 1.0, 1.02, 1.02)], (1, 1))
    assert kept[0, 0] == pytest.approx(1.02)
    assert np.isnan(_kept([np.full((1, 1), np.nan)], (1, 1))[0, 0])
    one, two = np.array([1e-5, 1e-5, 1e-8, 1e-8, 1e-12]), np.array([2.2e-5, 1.5e-5, 3e-8, 1.5e-8, 1e-10])
    np.testing.assert_allclose(_goes_on(one, two, 64), [1.2, 0.5, 1.0, 0.5, np.nan])  # a small one is not seen to grow
    assert np.isnan(_goes_on(one[2:], two[2:], 32)).all()
    assert _summed(np.array([0.0, 0.5, 1.0]), 84) == pytest.approx([1, 2, 84], rel=1e-4)
