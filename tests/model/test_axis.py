import numpy as np
import pytest

from gutbrain.body.barrier import Barrier
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, ModelError, Param, State, output, rate
from gutbrain.model.quantities import Quantities
from gutbrain.model.symbols import Symbols, evaluate

ASSUMED = {"source": "assumed", "grade": "assumed"}


class Source(Compartment):
    """A pool that fills."""

    pool = State("mmol", start=1.0, low=0, high=10)
    inflow = Input("mmol/day", rest=2, signal="protocol.inflow", high=5)
    time = Param(12, "hour", **ASSUMED)

    @rate("pool")
    def fill(self):
        """The pool fills and empties."""
        return self.inflow - self.pool / self.time


class Sink(Compartment):
    """A reader of the pool."""

    pool = Input("umol", rest="pool_rest", signal="source.pool")
    pool_rest = Param(1000, "umol", **ASSUMED)

    @output("1")
    def filled(self):
        """Pool over its rest."""
        return self.pool / self.pool_rest


class OtherSource(Source):
    """A variant that starts at 3."""

    place = "source"
    pool = State("mmol", start=3.0, low=0, high=10)

    @property
    def name(self):
        return "source"


def read(axis, **levers):
    return axis.read(axis.start(axis.defaults()) * 1.5, axis.coherent(axis.defaults()), levers)


def test_signals_wire_by_name_and_units_convert():
    axis = Axis(Source(), Sink())
    assert [str(edge) for edge in axis.edges] == ["source.pool -> sink"]
    assert list(axis.levers) == ["protocol.inflow"]
    assert axis.rows == ("source.pool",)
    assert float(read(axis).outputs(("sink.filled",))[0, 0]) == pytest.approx(1.5)
    assert float(read(axis).vector()[0, 0]) == pytest.approx(2 - 1.5 * 2)


def test_a_lever_moves_by_its_offset():
    axis = Axis(Source(), Sink())
    moved = axis.read(np.ones((1, 3)), axis.coherent(axis.defaults()), {"protocol.inflow": np.array([0.0, 1, 2])})
    assert np.asarray(moved.vector())[0] == pytest.approx([0, 1, 2])


def test_a_cut_edge_leaves_the_listener_at_its_own_rest():
    axis = Axis(Source(), Sink()).without("source.pool -> sink")
    assert float(read(axis).outputs(("sink.filled",))[0, 0]) == 1.0
    assert axis.edges[0].cut
    with pytest.raises(ModelError, match=r"no edge 'source.pol -> sink' in axis; did you mean 'source.pool -> sink'"):
        axis.without("source.pol -> sink")


def test_a_cut_lever_rests_too():
    axis = Axis(Source()).without("protocol.inflow -> source")
    assert float(read(axis, **{"protocol.inflow": 1.0}).vector()[0, 0]) == pytest.approx(2 - 3)


def test_a_gate_closes_an_edge_for_one_person():
    axis = Axis(Source(), Sink())
    gates = {("source.pool", "sink"): np.array([0.0, 1.0])}
    reading = axis.read(np.full((1, 2), 3.0), axis.coherent(axis.defaults()), {}, gates=gates)
    assert np.asarray(reading.outputs(("sink.filled",)))[0] == pytest.approx([1, 3])


def test_a_variant_is_another_class():
    axis = Axis(Source(), Sink()).swap("source", OtherSource())
    assert axis.start(axis.defaults())[0, 0] == 3.0
    with pytest.raises(ModelError, match="no compartment 'sauce'; did you mean 'source'"):
        axis.swap("sauce", OtherSource())


def test_every_wiring_error_is_told_at_once():
    class Greedy(Compartment):
        """Reads what is not there."""

        lost = Input("mmol", rest=0, signal="source.pol")
        misfit = Input("day", rest=0, signal="source.pool")
        lever = Input("1", rest=0, signal="protocol.inflow")

    with pytest.raises(ModelError) as caught:
        Axis(Source(), Greedy())
    lost, misfit, lever = caught.value.problems
    assert lost == "greedy.lost: no compartment gives signal 'source.pol'; did you mean 'source.pool'?"
    assert misfit.startswith("greedy.misfit: reads 'source.pool' in 'day', but source gives it in 'mmol'; declare")
    assert lever.startswith("greedy.lever: lever 'protocol.inflow' is 'mmol/day' for source, '1' here; use one unit")


def test_two_givers_of_a_signal_are_refused():
    class Copy(Compartment):
        """Gives the pool again."""

        @output("mmol", signal="source.pool")
        def again(self):
            """The pool again."""
            return 1.0

    with pytest.raises(ModelError, match=r"copy.again: signal 'source.pool' is given by source already; rename one"):
        Axis(Source(), Copy())
    with pytest.raises(ModelError, match=r"sink: two compartments of this name; rename one"):
        Axis(Source(), Sink(), Sink())


def test_an_algebraic_loop_names_its_way():
    def ring(place, reads):
        def value(self):
            """Follows the other."""
            return self.other

        body = {"place": place, "other": Input("1", rest=1, signal=reads), "value": output("1")(value)}
        return type(place.capitalize(), (Compartment,), body)

    with pytest.raises(ModelError, match=r"one.value: algebraic loop: one.value -> two.value -> one.value; make one"):
        Axis(ring("one", "two.value")(), ring("two", "one.value")())


def test_a_broken_equation_names_itself():
    class Typo(Compartment):
        """Reads a field that is not there."""

        @output("1")
        def wrong(self):
            """Wrong."""
            return self.missing * 2

    with pytest.raises(ModelError, match=r"typo.wrong: the equation cannot be read .*'missing'.*; declare the field"):
        Axis(Typo())


def test_own_rest_vectors_are_laid_out():
    class Rows(Compartment):
        """Two rows."""

        axes = {"group": ("a", "b")}
        mass = State("g", start=[1.0, 2.0], low=0, high=[5, 6], over="group")
        food = Input("g/day", rest=[1, 2], signal="protocol.food", over="group")

        @rate("mass")
        def grow(self):
            """It grows."""
            return self.food

    axis = Axis(Rows())
    assert axis.rows == ("rows.mass[a]", "rows.mass[b]")
    assert axis.bounds[1].tolist() == [5, 6]
    y = axis.start(axis.defaults())
    moved = axis.read(y, {}, {"protocol.food[b]": np.array([3.0])})
    assert np.asarray(moved.vector()).ravel().tolist() == [1, 5]


def test_three_readings_of_the_barrier_agree(barrier, random_case):
    y, parameters, levers = random_case(barrier)
    numbers = np.asarray(barrier.read(y, parameters, levers).vector())
    assert evaluate(barrier, y, parameters, levers) == pytest.approx(numbers, rel=1e-12, abs=1e-12)
    quantities = Quantities(barrier)
    assert quantities.run() == []
    rest = barrier.read(barrier.start(barrier.defaults()), parameters, {})
    for (compartment, state), value in quantities.rates().items():
        unit = f"{barrier.state(compartment, state).unit}/day"
        row = barrier.slices[compartment, state].start
        assert float(value.to(unit).magnitude[0]) == pytest.approx(float(rest.vector()[row, 0]), abs=1e-12)
    opened = Symbols(barrier, open_terms=True)
    names = {"barrier.mast_activation", "barrier.mast_activation_rate", "barrier.drive_half", "barrier.crh_response"}
    found = {str(symbol) for symbol in opened.rates()["barrier", "mast_activation"].free_symbols}
    assert names <= found


def test_start_follows_the_parameters_of_each_person():
    axis = Axis(Barrier())
    parameters = axis.defaults() | {"barrier.mucus_rest": np.array([100.0, 200.0])}
    assert axis.start(parameters)[axis.rows.index("barrier.mucus_thickness")].tolist() == [100, 200]
