import pytest

from gutbrain.model.compartment import (
    Balance,
    Compartment,
    Input,
    ModelError,
    Output,
    Param,
    Rate,
    State,
    Unknown,
    balance,
    noise,
    output,
    rate,
    term,
)

ASSUMED = {"source": "assumed", "grade": "assumed"}


def test_a_class_collects_its_fields_and_equations():
    class Tank(Compartment):
        """Water in a tank."""

        level = State("L", start=1.0, low=0, high=10)
        time = Param(2, "hour", **ASSUMED)

        @rate("level")
        def drain(self):
            """Water drains."""
            return -self.level / self.time

        @output("L")
        def doubled(self):
            """Twice the level."""
            return 2 * self.level

    assert (Tank.place, Tank().name) == ("tank", "tank")
    assert Tank.members(State)["level"].signal == "tank.level"
    assert Tank.members(Output)["doubled"].signal == "tank.doubled"
    assert Tank.members(Rate)["drain"].of == "level"
    assert not Tank.members(Balance)
    with pytest.raises(ModelError, match=r"Tank.level has no value: equations are read through an Axis"):
        Tank().level  # noqa: B018


def test_a_parameter_without_a_source_does_not_build():
    with pytest.raises(ModelError, match=r"Bare.time: a parameter without a source .*give source="):

        class Bare(Compartment):
            """No source."""

            time = Param(2, "hour", grade="assumed")


def test_an_unknown_grade_lists_the_grades():
    with pytest.raises(ModelError, match=r"Bare.time: grade 'guess' is none of measured, published-model"):

        class Bare(Compartment):
            """No grade."""

            time = Param(2, "hour", source="assumed", grade="guess")


def test_a_grade_may_name_its_species():
    assert Param(2, "hour", source="assumed", grade="measured (mouse)").grade == "measured (mouse)"


def test_a_state_needs_one_rate():
    with pytest.raises(ModelError, match=r"Still.level: a state needs exactly one @rate\('level'\), has 0"):

        class Still(Compartment):
            """No rate."""

            level = State("L", start=1.0, low=0, high=10)


def test_a_noise_must_name_a_state():
    with pytest.raises(ModelError, match=r"Loud.shake: @noise\('volume'\) names no state of Loud"):

        class Loud(Compartment):
            """Noise of nothing."""

            @noise("volume")
            def shake(self):
                """It shakes."""
                return 1


def test_an_unknown_needs_one_balance():
    with pytest.raises(ModelError, match=r"Open.share: an unknown needs exactly one @balance\('share'\)"):

        class Open(Compartment):
            """No balance."""

            share = Unknown("1", start=0.5)

    with pytest.raises(ModelError, match=r"Void.share: an unknown needs exactly one @balance"):

        class Void(Compartment):
            """A balance of nothing."""

            @balance("share")
            def of_nothing(self):
                """Nothing."""
                return 1


def test_an_equation_needs_its_sentence():
    with pytest.raises(ModelError, match="Mute.half: an equation needs one sentence"):

        class Mute(Compartment):
            """No docstring below."""

            @term
            def half(self):
                return 0.5


@pytest.mark.parametrize("field", [Param(2, "furlong", **ASSUMED), Input("furlong", rest=0, signal="a.b")])
def test_an_unknown_unit_names_the_field(field):
    with pytest.raises(ModelError, match=r"Odd.length: unit 'furlong' is unknown; known units"):
        type("Odd", (Compartment,), {"length": field})


def test_an_output_in_an_unknown_unit_is_refused():
    made = output("furlong")(lambda self: 1)
    made.__doc__ = "A length."
    with pytest.raises(ModelError, match=r"Odd.length: unit 'furlong' is unknown"):
        type("Odd", (Compartment,), {"length": made})


def test_a_rest_that_names_nothing_is_refused():
    with pytest.raises(ModelError, match=r"Lost.food: rest='food_rest' names no parameter or term; declare it"):
        type("Lost", (Compartment,), {"food": Input("g/day", rest="food_rest", signal="diet.food")})


def test_vectors_need_their_axis_and_shape():
    with pytest.raises(ModelError, match=r"Flat.weight: over='group' is no axis of Flat; add it to axes"):
        type("Flat", (Compartment,), {"weight": Param(1, "1", over="group", **ASSUMED)})
    body = {"axes": {"group": ("a", "b")}, "weight": Param([1, 2, 3], "1", over="group", **ASSUMED)}
    with pytest.raises(ModelError, match=r"Flat.weight: value has shape \(3,\), its axes \(2,\)"):
        type("Flat", (Compartment,), body)
